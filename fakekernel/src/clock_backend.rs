//! The clocks that timers can follow.
//!
//! Mirrors the table of clocks in `os/timer.c`. Reading and setting a clock are no system calls of
//! this kernel, so a clock is only what it does for timers.

use std::ffi::c_int;
use std::ptr;

use bindings::*;

use crate::{clock_highres, clock_realtime, clock_thread};

/// A clock, never changed.
pub(crate) struct Backend(clock_backend_t);

// SAFETY: never written; the pointers inside are functions and NULL.
unsafe impl Sync for Backend {}

/// `clk_timer_create`.
type Create =
    unsafe extern "C" fn(*mut itimer_t, Option<unsafe extern "C" fn(*mut itimer_t)>) -> c_int;
/// `clk_timer_settime`.
type Settime = unsafe extern "C" fn(*mut itimer_t, c_int, *const itimerspec_t) -> c_int;
/// `clk_timer_gettime`.
type Gettime = unsafe extern "C" fn(*mut itimer_t, *mut itimerspec_t) -> c_int;
/// `clk_timer_delete`.
type Delete = unsafe extern "C" fn(*mut itimer_t) -> c_int;

impl Backend {
    /// A clock whose timers send SIGALRM unless told otherwise.
    pub(crate) const fn new(
        create: Create,
        settime: Settime,
        gettime: Gettime,
        delete: Delete,
    ) -> Backend {
        Backend(clock_backend_t {
            clk_default: sigevent {
                sigev_notify: SIGEV_SIGNAL,
                sigev_signo: SIGALRM,
                sigev_value: sigval {
                    sival_ptr: ptr::null_mut(),
                },
                sigev_notify_function: ptr::null_mut(),
                sigev_notify_attributes: ptr::null_mut(),
                __sigev_pad2: 0,
            },
            clk_clock_settime: None,
            clk_clock_gettime: None,
            clk_clock_getres: None,
            clk_timer_create: Some(create),
            clk_timer_settime: Some(settime),
            clk_timer_gettime: Some(gettime),
            clk_timer_delete: Some(delete),
            clk_timer_lwpbind: None,
        })
    }
}

/// The clock of that number.
pub fn clock_get_backend(clock: clockid_t) -> Option<&'static clock_backend_t> {
    let backend = match clock {
        // 0 is the number that CLOCK_REALTIME had in old programs.
        0 | CLOCK_REALTIME => &clock_realtime::BACKEND,
        CLOCK_HIGHRES => &clock_highres::BACKEND,
        CLOCK_VIRTUAL | CLOCK_THREAD_CPUTIME_ID | CLOCK_PROCESS_CPUTIME_ID => {
            &clock_thread::BACKEND
        }
        _ => return None,
    };
    Some(&backend.0)
}

/// A time in nanoseconds, within bounds.
pub(crate) fn ts2hrt(time: timespec_t) -> hrtime_t {
    time.tv_sec
        .saturating_mul(NANOSEC)
        .saturating_add(time.tv_nsec)
}

/// Nanoseconds as a time.
pub(crate) fn hrt2ts(time: hrtime_t) -> timespec_t {
    timespec_t {
        tv_sec: time.div_euclid(NANOSEC),
        tv_nsec: time.rem_euclid(NANOSEC),
    }
}

/// Whether the time is not 0, which stands for "never".
pub(crate) fn is_set(time: timespec_t) -> bool {
    time.tv_sec != 0 || time.tv_nsec != 0
}
