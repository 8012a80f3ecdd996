//! Signals that wait and how to notify: `sys/siginfo.h`.

use core::ffi::{c_int, c_long, c_void};

use super::flat::*;

layouts! {
    "sys/siginfo.h":

    /// What is known about a signal.
    struct k_siginfo_t: 56, 8 {
        0 pub si_signo: c_int,
        4 pub si_code: c_int,
        8 pub si_errno: c_int,
        12 pub si_pad: c_int,
        16 pub __data: k_siginfo_data_t,
    }

    /// A signal that waits for delivery.
    struct sigqueue_t: 88, 8 {
        0 pub sq_next: *mut sigqueue_t,
        8 pub sq_info: k_siginfo_t,
        64 pub sq_func: Option<unsafe extern "C" fn(*mut sigqueue_t)>,
        72 pub sq_backptr: *mut c_void,
        80 pub sq_external: c_int,
    }

    /// How a timer or request of a 64-bit process notifies.
    struct sigevent = "struct sigevent": 40, 8 {
        0 pub sigev_notify: c_int,
        4 pub sigev_signo: c_int,
        8 pub sigev_value: sigval,
        16 pub sigev_notify_function: *mut c_void,
        24 pub sigev_notify_attributes: *mut c_void,
        32 pub __sigev_pad2: c_int,
    }

    /// How a timer or request of a 32-bit process notifies.
    struct sigevent32 = "struct sigevent32": 24, 4 {
        0 pub sigev_notify: i32,
        4 pub sigev_signo: i32,
        8 pub sigev_value: sigval32,
        12 pub sigev_notify_function: caddr32_t,
        16 pub sigev_notify_attributes: caddr32_t,
        20 pub __sigev_pad2: i32,
    }

    /// The value that goes with a queued signal.
    union sigval = "union sigval": 8, 8 {
        0 pub sival_int: c_int,
        0 pub sival_ptr: *mut c_void,
    }

    /// The value that goes with a queued signal of a 32-bit process.
    union sigval32 = "union sigval32": 4, 4 {
        0 pub sival_int: i32,
        0 pub sival_ptr: caddr32_t,
    }

    /// What is known beyond the signal's number, by kind.
    union k_siginfo_data_t = "k_siginfo_t"."__data": 40, 8 {
        0 pub __proc: k_siginfo_proc_t,
        0 pub __fault: k_siginfo_fault_t,
        0 pub __file: k_siginfo_file_t,
        0 pub __rctl: k_siginfo_rctl_t,
    }

    /// A signal from a process, kill, timer or queue.
    struct k_siginfo_proc_t = "k_siginfo_t"."__data.__proc": 40, 8 {
        /// sender
        0 pub __pid: pid_t,
        8 pub __pdata: k_siginfo_pdata_t,
        32 pub __ctid: ctid_t,
        36 pub __zoneid: zoneid_t,
    }

    /// Kinds of signals from a process.
    union k_siginfo_pdata_t = "k_siginfo_t"."__data.__proc.__pdata": 24, 8 {
        0 pub __kill: k_siginfo_kill_t,
        0 pub __cld: k_siginfo_cld_t,
    }

    /// kill, sigqueue and timers.
    struct k_siginfo_kill_t = "k_siginfo_t"."__data.__proc.__pdata.__kill": 16, 8 {
        0 pub __uid: uid_t,
        8 pub __value: sigval,
    }

    /// The end of a child.
    struct k_siginfo_cld_t = "k_siginfo_t"."__data.__proc.__pdata.__cld": 24, 8 {
        0 pub __utime: clock_t,
        8 pub __status: c_int,
        16 pub __stime: clock_t,
    }

    /// A hardware fault.
    struct k_siginfo_fault_t = "k_siginfo_t"."__data.__fault": 24, 8 {
        0 pub __addr: *mut c_void,
        8 pub __trapno: c_int,
        16 pub __pc: caddr_t,
    }

    /// A file that is ready.
    struct k_siginfo_file_t = "k_siginfo_t"."__data.__file": 16, 8 {
        0 pub __fd: c_int,
        8 pub __band: c_long,
    }

    /// A resource control.
    struct k_siginfo_rctl_t = "k_siginfo_t"."__data.__rctl": 4, 4 {
        0 pub __entity: i32,
    }
}

constants! {
    "sys/siginfo.h":

    SIGEV_NONE: c_int = 1;
    SIGEV_SIGNAL: c_int = 2;
    SIGEV_THREAD: c_int = 3;
    SIGEV_PORT: c_int = 4;
    SI_NOINFO: c_int = 0x7fff;
    SI_DTRACE: c_int = 0x802;
    SI_RCTL: c_int = 0x801;
    SI_USER: c_int = 0;
    SI_LWP: c_int = -1;
    SI_QUEUE: c_int = -2;
    SI_TIMER: c_int = -3;
    SI_ASYNCIO: c_int = -4;
    SI_MESGQ: c_int = -5;
    SI_MAXSZ: c_int = 0x100;
}
