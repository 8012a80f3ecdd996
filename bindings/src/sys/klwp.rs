//! The user part of a thread: `sys/klwp.h`.

use core::ffi::{c_char, c_int, c_long, c_void};

use super::flat::*;

layouts! {
    "sys/klwp.h":

    /// The user part of a thread.
    struct klwp_t: 936, 8 {
        0 _pad0: [u8; 112],
        112 pub lwp_ap: *mut c_long,
        /// errno of the system call, set by set_errno
        120 pub lwp_errno: c_int,
        124 pub lwp_error: c_char,
        125 pub lwp_eosys: c_char,
        126 pub lwp_argsaved: c_char,
        127 _pad1: [u8; 1],
        128 pub lwp_arg: [c_long; 8],
        192 pub lwp_regs: *mut c_void,
        200 _pad2: [u8; 72],
        /// signal being delivered
        272 pub lwp_cursig: uchar_t,
        273 pub lwp_curflt: uchar_t,
        /// not 0: give up the system call
        274 pub lwp_sysabort: uchar_t,
        /// in an interruptible sleep
        275 pub lwp_asleep: uchar_t,
        276 pub lwp_extsig: uchar_t,
        277 _pad3: [u8; 27],
        304 pub lwp_curinfo: *mut sigqueue_t,
        312 pub lwp_siginfo: k_siginfo_t,
        368 pub lwp_sigoldmask: k_sigset_t,
        380 _pad4: [u8; 252],
        /// its counters
        632 pub lwp_ru: lrusage,
        728 _pad5: [u8; 113],
        /// `LWP_USER` or `LWP_SYS`
        841 pub lwp_state: c_char,
        842 pub lwp_nostop: ushort_t,
        844 _pad6: [u8; 4],
        /// its thread
        848 pub lwp_thread: *mut kthread_t,
        /// its process
        856 pub lwp_procp: *mut proc_t,
        864 _pad7: [u8; 8],
        872 pub lwp_ustack: uintptr_t,
        880 _pad8: [u8; 40],
        920 pub lwp_brand: *mut c_void,
        928 pub lwp_spymaster: *mut c_void,
    }

    /// Counters of getrusage(3C).
    struct lrusage = "struct lrusage": 96, 8 {
        0 pub minflt: u_longlong_t,
        8 pub majflt: u_longlong_t,
        16 pub nswap: u_longlong_t,
        24 pub inblock: u_longlong_t,
        32 pub oublock: u_longlong_t,
        40 pub msgsnd: u_longlong_t,
        48 pub msgrcv: u_longlong_t,
        56 pub nsignals: u_longlong_t,
        64 pub nvcsw: u_longlong_t,
        72 pub nivcsw: u_longlong_t,
        80 pub sysc: u_longlong_t,
        88 pub ioch: u_longlong_t,
    }
}

constants! {
    "sys/klwp.h":

    LWP_USER: c_int = 1;
    LWP_SYS: c_int = 2;
}
