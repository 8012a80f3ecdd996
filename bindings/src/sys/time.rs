//! Time: `sys/time.h`, `sys/time_impl.h`, and the 32-bit forms of `sys/types32.h`.

use core::ffi::{c_int, c_long, c_longlong};

use super::flat::*;

/// `timespec_t` under its older name.
pub type timestruc_t = timespec_t;
/// `timespec32_t` under its older name.
pub type timestruc32_t = timespec32_t;

scalars! {
    "sys/time.h":

    /// Monotonic time or a span, in nanoseconds.
    hrtime_t = c_longlong;
}

layouts! {
    "sys/time_impl.h":

    /// A time or a span, in seconds and nanoseconds.
    struct timespec_t: 16, 8 {
        /// seconds
        0 pub tv_sec: time_t,
        /// nanoseconds, 0 to 999999999
        8 pub tv_nsec: c_long,
    }

    /// An interval timer in nanoseconds.
    struct itimerspec_t: 32, 8 {
        0 pub it_interval: timespec_t,
        16 pub it_value: timespec_t,
    }

    "sys/types32.h":

    /// A time or a span as a 32-bit process sees it.
    struct timespec32_t: 8, 4 {
        /// seconds
        0 pub tv_sec: time32_t,
        /// nanoseconds, 0 to 999999999
        4 pub tv_nsec: i32,
    }

    /// An interval timer in nanoseconds as a 32-bit process sees it.
    struct itimerspec32_t: 16, 4 {
        0 pub it_interval: timespec32_t,
        8 pub it_value: timespec32_t,
    }

    "sys/time.h":

    /// A time or a span, in seconds and microseconds.
    struct timeval = "struct timeval": 16, 8 {
        0 pub tv_sec: time_t,
        8 pub tv_usec: suseconds_t,
    }

    /// An interval timer in microseconds.
    struct itimerval = "struct itimerval": 32, 8 {
        0 pub it_interval: timeval,
        16 pub it_value: timeval,
    }
}

constants! {
    "sys/time.h":

    SEC: c_int = 1;
    MILLISEC: c_int = 1000;
    MICROSEC: c_int = 1000000;
    /// nanoseconds in a second
    NANOSEC: c_longlong = 1000000000;

    "sys/time_impl.h":

    CLOCK_VIRTUAL: c_int = 1;
    CLOCK_THREAD_CPUTIME_ID: c_int = 2;
    CLOCK_REALTIME: c_int = 3;
    CLOCK_MONOTONIC: c_int = 4;
    CLOCK_PROCESS_CPUTIME_ID: c_int = 5;
    CLOCK_HIGHRES: c_int = 4;
    CLOCK_PROF: c_int = 2;
    CLOCK_MAX: c_int = 6;
    TIMER_RELTIME: c_int = 0;
    TIMER_ABSTIME: c_int = 1;
}

functions! {
    "sys/time.h":

    /// The wall-clock time.
    fn gethrestime(tp: *mut timespec_t);
    /// Monotonic time in nanoseconds.
    fn gethrtime() -> hrtime_t;

    "sys/timer.h":

    /// Adds `t2` to `t1`.
    fn timespecadd(t1: *mut timespec_t, t2: *mut timespec_t);
}

unsafe extern "C" {
    /// Changes whenever somebody sets the wall clock.
    pub static mut timechanged: c_int;
}
