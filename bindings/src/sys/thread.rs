//! Threads: `sys/thread.h`.

use core::ffi::{c_char, c_int, c_long, c_short, c_void};

use super::flat::*;

layouts! {
    "sys/thread.h":

    /// A kernel thread.
    struct kthread_t: 936, 8 {
        0 pub t_link: *mut kthread_t,
        /// top of its stack
        8 pub t_stk: caddr_t,
        16 _pad0: [u8; 8],
        24 pub t_bound_cpu: *mut cpu_t,
        32 _pad1: [u8; 4],
        /// `T_*`
        36 pub t_flag: uint_t,
        /// `TP_*`
        40 pub t_proc_flag: ushort_t,
        /// `TS_*` of scheduling
        42 pub t_schedflag: ushort_t,
        44 pub t_preempt: c_char,
        45 _pad2: [u8; 3],
        /// `TS_*`
        48 pub t_state: uint_t,
        52 pub t_pri: pri_t,
        54 _pad3: [u8; 74],
        /// what it sleeps on
        128 pub t_lwpchan: lwpchan_t,
        144 _pad4: [u8; 40],
        184 pub t_lofault: uintptr_t,
        192 pub t_onfault: *mut label_t,
        200 _pad5: [u8; 16],
        216 pub t_lock: lock_t,
        217 pub t_lockstat: u8,
        218 pub t_pil: u8,
        219 _pad6: [u8; 5],
        /// processor
        224 pub t_cpu: *mut cpu_t,
        232 _pad7: [u8; 32],
        264 pub t_intr: *mut kthread_t,
        272 _pad8: [u8; 8],
        /// unique id
        280 pub t_did: kt_did_t,
        288 _pad9: [u8; 16],
        /// thread id
        304 pub t_tid: id_t,
        308 _pad10: [u8; 4],
        312 pub t_sigqueue: *mut sigqueue_t,
        /// pending signals
        320 pub t_sig: k_sigset_t,
        332 pub t_extsig: k_sigset_t,
        /// blocked signals
        344 pub t_hold: k_sigset_t,
        356 _pad11: [u8; 12],
        368 pub t_forw: *mut kthread_t,
        376 pub t_back: *mut kthread_t,
        384 _pad12: [u8; 8],
        /// its lwp; NULL for a kernel thread
        392 pub t_lwp: *mut klwp_t,
        /// its process
        400 pub t_procp: *mut proc_t,
        408 _pad13: [u8; 8],
        416 pub t_next: *mut kthread_t,
        424 pub t_prev: *mut kthread_t,
        432 _pad14: [u8; 8],
        440 pub t_pollstate: *mut pollstate_t,
        448 pub t_pollcache: *mut pollcache_t,
        /// credentials of the running system call
        456 pub t_cred: *mut cred_t,
        464 pub t_start: time_t,
        472 _pad15: [u8; 20],
        /// number of the running system call
        492 pub t_sysnum: c_short,
        494 pub t_delay_cv: kcondvar_t,
        496 pub t_delay_lock: kmutex_t,
        504 pub t_lockp: *mut disp_lock_t,
        512 _pad16: [u8; 24],
        536 pub _tu: __tu,
        540 _pad17: [u8; 12],
        /// microstate
        552 pub t_mstate: c_int,
        556 _pad18: [u8; 28],
        584 pub t_tsd: *mut c_void,
        592 _pad19: [u8; 56],
        648 pub t_copyops: *mut c_void,
        /// bottom of its stack
        656 pub t_stkbase: caddr_t,
        664 _pad20: [u8; 8],
        /// descriptors in use
        672 pub t_activefd: afd_t,
        704 _pad21: [u8; 56],
        /// project
        760 pub t_proj: *mut kproject_t,
        768 _pad22: [u8; 8],
        776 pub t_taskq: *mut c_void,
        784 _pad23: [u8; 136],
        920 pub t_name: *mut c_char,
        928 pub t_unsafe: u64,
    }

    /// The descriptors that a thread uses right now; `a_stale` makes EINTR an EBADF.
    struct afd_t: 32, 8 {
        /// guards the list
        0 pub a_fdlock: kmutex_t,
        /// the list; `a_buf` at first
        8 pub a_fd: *mut c_int,
        /// room in the list
        16 pub a_nfd: c_int,
        /// a descriptor in use was closed
        20 pub a_stale: c_int,
        /// the first list
        24 pub a_buf: [c_int; 2],
    }

    /// What a thread sleeps on.
    struct lwpchan_t: 16, 8 {
        0 pub lc_wchan0: caddr_t,
        8 pub lc_wchan: caddr_t,
    }

    /// Flags that the way back to user mode looks at, together as one word.
    union __tu = "union __tu": 4, 4 {
        0 pub _ts: __ts,
        0 pub _t_post_sys_ast: c_int,
    }

    /// Flags that the way back to user mode looks at.
    struct __ts = "struct __ts": 4, 1 {
        0 pub _t_astflag: c_char,
        1 pub _t_sig_check: c_char,
        2 pub _t_post_sys: c_char,
        3 pub _t_trapret: c_char,
    }

    "sys/machtypes.h":

    /// Saved registers of setjmp.
    struct label_t: 64, 8 {
        0 pub val: [c_long; 8],
    }
}

constants! {
    "sys/thread.h":

    TS_FREE: c_int = 0;
    TS_SLEEP: c_int = 1;
    TS_RUN: c_int = 2;
    TS_ONPROC: c_int = 4;
    TS_ZOMB: c_int = 8;
    TS_STOPPED: c_int = 0x10;
    TS_WAIT: c_int = 0x20;
    T_INTR_THREAD: c_int = 1;
    T_WAKEABLE: c_int = 2;
    T_TOMASK: c_int = 4;
    T_TALLOCSTK: c_int = 8;
    T_FORKALL: c_int = 0x10;
    T_WOULDBLOCK: c_int = 0x20;
    T_DONTBLOCK: c_int = 0x40;
    T_DONTPEND: c_int = 0x80;
    T_SYS_PROF: c_int = 0x100;
    T_WAITCVSEM: c_int = 0x200;
    T_WATCHPT: c_int = 0x400;
    T_PANIC: c_int = 0x800;
    T_LWPREUSE: c_int = 0x1000;
    T_CAPTURING: c_int = 0x2000;
    T_VFPARENT: c_int = 0x4000;
    T_DONTDTRACE: c_int = 0x8000;
    T_KFPU: c_int = 0x10000;
    T_PUSHPAGE: c_int = 0x20000;
    TP_DAEMON: c_int = 1;
    TP_HOLDLWP: c_int = 2;
    TP_TWAIT: c_int = 4;
    TP_LWPEXIT: c_int = 8;
    TP_PRSTOP: c_int = 0x10;
    TP_CHKPT: c_int = 0x20;
    TP_EXITLWP: c_int = 0x40;
    TP_PRVSTOP: c_int = 0x80;
    TP_MSACCT: c_int = 0x100;
    TP_STOPPING: c_int = 0x200;
    TP_WATCHPT: c_int = 0x400;
    TP_PAUSE: c_int = 0x800;
    TP_CHANGEBIND: c_int = 0x1000;
    TP_ZTHREAD: c_int = 0x2000;
    TP_WATCHSTOP: c_int = 0x4000;
    TP_KTHREAD: c_int = 0x8000;
}
