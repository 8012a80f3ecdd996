//! The clocks of processor time: they exist, but have no timers.
//!
//! Mirrors `os/clock_thread.c` and `os/clock_process.c`.

use std::ffi::c_int;

use bindings::*;

use crate::clock_backend::Backend;

/// The clocks of processor time.
pub(crate) static BACKEND: Backend = Backend::new(create, settime, gettime, delete);

unsafe extern "C" fn create(
    _it: *mut itimer_t,
    _fire: Option<unsafe extern "C" fn(*mut itimer_t)>,
) -> c_int {
    EINVAL
}

unsafe extern "C" fn settime(
    _it: *mut itimer_t,
    _flags: c_int,
    _when: *const itimerspec_t,
) -> c_int {
    EINVAL
}

unsafe extern "C" fn gettime(_it: *mut itimer_t, _when: *mut itimerspec_t) -> c_int {
    EINVAL
}

unsafe extern "C" fn delete(_it: *mut itimer_t) -> c_int {
    EINVAL
}
