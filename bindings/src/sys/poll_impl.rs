//! The inside of poll: `sys/poll_impl.h`.

use core::ffi::{c_int, c_longlong, c_void};

use super::flat::*;

layouts! {
    "sys/poll_impl.h":

    /// One polled file of one thread, poll device or port.
    struct polldat_t: 96, 8 {
        /// descriptor
        0 pub pd_fd: c_int,
        /// events asked for
        4 pub pd_events: c_int,
        /// file the descriptor meant
        8 pub pd_fp: *mut file_t,
        /// pollhead it is on, or NULL
        16 pub pd_php: *mut pollhead_t,
        /// thread that polls
        24 pub pd_thread: *mut kthread_t,
        /// its cache
        32 pub pd_pcache: *mut pollcache_t,
        /// next entry of the pollhead
        40 pub pd_next: *mut polldat_t,
        /// next entry of the hash bucket
        48 pub pd_hashnext: *mut polldat_t,
        /// entries of the poll list with this fd
        56 pub pd_count: c_int,
        /// sets that hold this fd
        60 pub pd_nsets: c_int,
        /// references of the sets
        64 pub pd_ref: *mut c_void,
        /// the port's event, or NULL for poll(2)
        72 pub pd_portev: *mut port_kevent_t,
        /// generation of the descriptor
        80 pub pd_gen: uf_entry_gen_t,
        /// cookie of epoll
        88 pub pd_epolldata: u64,
    }

    /// All polled files of a thread or a poll device.
    struct pollcache_t: 88, 8 {
        0 pub pc_lock: kmutex_t,
        8 pub pc_bitmap: *mut ulong_t,
        16 pub pc_hash: *mut *mut polldat_t,
        24 pub pc_mapend: c_int,
        28 pub pc_mapsize: c_int,
        32 pub pc_hashsize: c_int,
        36 pub pc_fdcount: c_int,
        40 pub pc_flag: c_int,
        44 pub pc_busy: c_int,
        48 pub pc_no_exit: kmutex_t,
        56 pub pc_busy_cv: kcondvar_t,
        58 pub pc_cv: kcondvar_t,
        60 pub pc_pid: pid_t,
        64 pub pc_mapstart: c_int,
        72 pub pc_parents: *mut c_void,
        80 pub pc_children: *mut c_void,
    }

    /// What a thread keeps between its poll calls.
    struct pollstate_t: 144, 8 {
        0 pub ps_pollfd: *mut pollfd_t,
        8 pub ps_nfds: size_t,
        16 pub ps_lock: kmutex_t,
        24 pub ps_pcache: *mut pollcache_t,
        32 pub ps_pcacheset: *mut c_void,
        40 pub ps_nsets: c_int,
        48 pub ps_dpbuf: *mut pollfd_t,
        56 pub ps_dpbufsize: size_t,
        64 pub ps_depth: c_int,
        72 pub ps_pc_stack: [*mut pollcache_t; 5],
        112 pub ps_contend_pc: *mut pollcache_t,
        120 pub ps_contend_nextp: *mut pollstate_t,
        128 pub ps_contend_pnextp: *mut *mut pollstate_t,
        136 pub ps_flags: c_int,
    }
}

constants! {
    "sys/poll_impl.h":

    POLLFDSETS: c_int = 2;
    POLLMAXDEPTH: c_int = 5;
    POLLSTATE_STALEMATE: c_int = 1;
    POLLSTATE_ULFAIL: c_int = 2;
    PSE_SUCCESS: c_int = 0;
    PSE_FAIL_DEPTH: c_int = 1;
    PSE_FAIL_LOOP: c_int = 2;
    PSE_FAIL_DEADLOCK: c_int = 3;
    PSE_FAIL_POLLSTATE: c_int = 4;
    POLLCHUNKSHIFT: c_int = 8;
    POLLHASHCHUNKSZ: c_int = 0x100;
    POLLHASHINC: c_int = 2;
    POLLHASHTHRESHOLD: c_int = 2;
    POLLMAPCHUNK: c_int = 0x800;
    POLLPOSINVAL: c_longlong = -1;
    POLLPOSTRANS: c_longlong = -2;
    PC_POLLWAKE: c_int = 2;
    PC_EPOLL: c_int = 4;
    PC_PORTFS: c_int = 8;
}

functions! {
    "sys/poll_impl.h":

    /// Takes everybody off a pollhead.
    fn pollhead_clean(php: *mut pollhead_t);
    /// Puts an entry onto a pollhead.
    fn polldat_associate(pdp: *mut polldat_t, php: *mut pollhead_t);
    /// Takes an entry off its pollhead.
    fn polldat_disassociate(pdp: *mut polldat_t);
}
