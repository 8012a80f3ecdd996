//! Timers of timer_create(3C): `sys/timer.h`.

use core::ffi::{c_int, c_void};

use super::flat::*;

layouts! {
    "sys/timer.h":

    /// A timer of timer_create(3C).
    struct itimer_t: 144, 8 {
        /// value and interval
        0 pub it_itime: itimerspec_t,
        32 pub it_hrtime: hrtime_t,
        /// `IT_SIGNAL`, `IT_PORT`
        40 pub it_flags: ushort_t,
        /// `ITLK_*`
        42 pub it_lock: ushort_t,
        48 pub it_arg: *mut c_void,
        /// process
        56 pub it_proc: *mut proc_t,
        64 pub __data: itimer_data_t,
        80 pub it_cv: kcondvar_t,
        84 pub it_blockers: c_int,
        /// an expiry is on its way
        88 pub it_pending: c_int,
        /// expiries since the event was queued
        92 pub it_overrun: c_int,
        /// the clock
        96 pub it_backend: *mut clock_backend_t,
        /// called at expiry
        104 pub it_fire: Option<unsafe extern "C" fn(*mut itimer_t)>,
        /// guards the timer
        112 pub it_mutex: kmutex_t,
        /// its `port_kevent_t`
        120 pub it_portev: *mut c_void,
        /// its `port_source_t`
        128 pub it_portsrc: *mut c_void,
        /// descriptor of the port
        136 pub it_portfd: c_int,
    }

    /// The two kinds of user of a timer.
    union itimer_data_t = "itimer_t"."__data": 16, 8 {
        0 pub __proc: itimer_proc_t,
        0 pub __it_frontend: *mut c_void,
    }

    /// A timer of a process (`it_sigq` and `it_lwp` in C).
    struct itimer_proc_t = "itimer_t"."__data.__proc": 16, 8 {
        0 pub __it_sigq: *mut sigqueue_t,
        8 pub __it_lwp: *mut klwp_t,
    }

    /// A clock and what it does for timers. Results are errnos.
    struct clock_backend_t: 104, 8 {
        /// how a timer notifies when its creator does not say
        0 pub clk_default: sigevent,
        40 pub clk_clock_settime: Option<unsafe extern "C" fn(*mut timespec_t) -> c_int>,
        48 pub clk_clock_gettime: Option<unsafe extern "C" fn(*mut timespec_t) -> c_int>,
        56 pub clk_clock_getres: Option<unsafe extern "C" fn(*mut timespec_t) -> c_int>,
        /// the second argument is to be called at expiry
        64 pub clk_timer_create: Option<unsafe extern "C" fn(*mut itimer_t, Option<unsafe extern "C" fn(*mut itimer_t)>) -> c_int>,
        /// the second argument is `TIMER_RELTIME` or `TIMER_ABSTIME`
        72 pub clk_timer_settime: Option<unsafe extern "C" fn(*mut itimer_t, c_int, *const itimerspec_t) -> c_int>,
        80 pub clk_timer_gettime: Option<unsafe extern "C" fn(*mut itimer_t, *mut itimerspec_t) -> c_int>,
        /// after it the timer is never again fired
        88 pub clk_timer_delete: Option<unsafe extern "C" fn(*mut itimer_t) -> c_int>,
        96 pub clk_timer_lwpbind: Option<unsafe extern "C" fn(*mut itimer_t)>,
    }
}

constants! {
    "sys/timer.h":

    /// timers that a process may have on a machine of up to 8 processors
    _TIMER_MAX: c_int = 32;
    /// first size of `p_itimer`
    _TIMER_ALLOC_INIT: c_int = 8;
    ITLK_LOCKED: c_int = 1;
    ITLK_WANTED: c_int = 2;
    ITLK_REMOVE: c_int = 4;
    IT_SIGNAL: c_int = 1;
    IT_PORT: c_int = 2;
}
