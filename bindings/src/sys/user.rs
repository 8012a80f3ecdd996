//! Descriptors of a process: `sys/user.h`, and `fpollinfo_t` of `sys/file.h`.

use core::ffi::{c_char, c_int, c_short, c_void};

use super::flat::*;

scalars! {
    "sys/user.h":

    /// Generation of a descriptor.
    uf_entry_gen_t = u32;
}

layouts! {
    "sys/user.h":

    /// A descriptor of a process.
    struct uf_entry_t: 64, 8 {
        /// guards the entry
        0 pub uf_lock: kmutex_t,
        /// the open file, or NULL
        8 pub uf_file: *mut file_t,
        /// threads that polled it
        16 pub uf_fpollinfo: *mut fpollinfo_t,
        /// threads between getf and releasef
        24 pub uf_refcnt: c_int,
        /// right subtree's count of allocated descriptors
        28 pub uf_alloc: c_int,
        /// `FD_CLOEXEC` ...
        32 pub uf_flag: c_short,
        /// descriptor is allocated
        34 pub uf_busy: c_short,
        /// waiters for setf
        36 pub uf_wanted_cv: kcondvar_t,
        /// waiters for the last releasef
        38 pub uf_closing_cv: kcondvar_t,
        /// ports that watch it
        40 pub uf_portfd: *mut portfd_t,
        /// changes with every setf
        48 pub uf_gen: uf_entry_gen_t,
        52 pub uf_pad: [c_char; 12],
    }

    /// The descriptors of a process.
    struct uf_info_t: 40, 8 {
        /// guards the table as a whole
        0 pub fi_lock: kmutex_t,
        /// files that a bad descriptor made fail
        8 pub fi_badfd: c_int,
        /// what a bad descriptor causes
        12 pub fi_action: c_int,
        /// entries
        16 pub fi_nfiles: c_int,
        /// the entries
        24 pub fi_list: *mut uf_entry_t,
        /// old tables
        32 pub fi_rlist: *mut uf_rlist_t,
    }

    /// The part of a process that once could be swapped out.
    struct user_t: 2360, 8 {
        0 pub u_execsw: *mut c_void,
        8 _pad0: [u8; 416],
        424 pub u_start: timestruc_t,
        440 _pad1: [u8; 8],
        448 pub u_comm: [c_char; 17],
        465 pub u_psargs: [c_char; 80],
        548 pub u_argc: c_int,
        552 _pad2: [u8; 24],
        576 pub u_cdir: *mut vnode_t,
        584 pub u_rdir: *mut vnode_t,
        592 _pad3: [u8; 16],
        608 pub u_cmask: mode_t,
        612 _pad4: [u8; 1],
        613 pub u_systrap: c_char,
        614 _pad5: [u8; 82],
        696 pub u_signodefer: k_sigset_t,
        708 pub u_sigonstack: k_sigset_t,
        720 pub u_sigresethand: k_sigset_t,
        732 pub u_sigrestart: k_sigset_t,
        744 pub u_sigmask: [k_sigset_t; 73],
        1624 pub u_signal: [*mut c_void; 73],
        2208 pub u_saved_rlimit: [rlimit64; 7],
        2320 pub u_finfo: uf_info_t,
    }

    /// A set of system calls.
    struct k_sysset_t: 36, 4 {
        0 pub word: [uint_t; 9],
    }

    /// A descriptor table that was replaced by a greater one.
    struct uf_rlist_t: 24, 8 {
        /// next older one
        0 pub ur_next: *mut uf_rlist_t,
        /// its entries
        8 pub ur_list: *mut uf_entry_t,
        /// number of entries
        16 pub ur_nfiles: c_int,
    }

    "sys/resource.h":

    /// A resource limit.
    struct rlimit64 = "struct rlimit64": 16, 8 {
        0 pub rlim_cur: rlim64_t,
        8 pub rlim_max: rlim64_t,
    }

    "sys/file.h":

    /// A thread that polled a descriptor.
    struct fpollinfo_t: 16, 8 {
        /// the thread
        0 pub fp_thread: *mut kthread_t,
        /// next thread
        8 pub fp_next: *mut fpollinfo_t,
    }
}
