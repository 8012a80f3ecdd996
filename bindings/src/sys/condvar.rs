//! Condition variables: `sys/condvar.h` and what is inside (`sys/condvar_impl.h`).

use core::ffi::{c_char, c_int, c_uint, c_void};

use super::flat::*;

scalars! {
    "sys/condvar.h":

    /// Kind of a condition variable: `CV_*`.
    kcv_type_t = c_uint;
}

layouts! {
    "sys/condvar.h":

    /// A condition variable. Opaque; all zero has no waiter.
    struct kcondvar_t: 2, 2 {
        0 pub _opaque: ushort_t,
    }

    "sys/condvar_impl.h":

    /// The inside of a `kcondvar_t`: a count of waiters that saturates.
    struct condvar_impl_t: 2, 2 {
        0 pub cv_waiters: ushort_t,
    }
}

constants! {
    "sys/condvar.h":

    /// the kind that everybody uses
    CV_DEFAULT: kcv_type_t = 0;
    CV_DRIVER: kcv_type_t = 1;
}

functions! {
    "sys/condvar.h":

    /// Makes a condition variable.
    fn cv_init(cvp: *mut kcondvar_t, name: *mut c_char, type_: kcv_type_t, arg: *mut c_void);
    /// Ends a condition variable.
    fn cv_destroy(cvp: *mut kcondvar_t);
    /// Wakes one waiter.
    fn cv_signal(cvp: *mut kcondvar_t);
    /// Wakes all waiters.
    fn cv_broadcast(cvp: *mut kcondvar_t);
    /// Waits, without signals; drops and retakes `mp`.
    fn cv_wait(cvp: *mut kcondvar_t, mp: *mut kmutex_t);
    /// Waits, without signals, but can be stopped (fork, /proc) and returns after at most `wakeup_time` milliseconds.
    fn cv_wait_stop(cvp: *mut kcondvar_t, mp: *mut kmutex_t, wakeup_time: c_int);
    /// Waits; 0 when a signal ended the wait, otherwise more than 0.
    fn cv_wait_sig(cvp: *mut kcondvar_t, mp: *mut kmutex_t) -> c_int;
    /// Waits until a wall-clock time (`abstime` NULL: for ever). 0 signal, -1 time-out, more than 0 woken.
    /// Returns early when `timechanged` no longer equals `timecheck`.
    fn cv_waituntil_sig(cvp: *mut kcondvar_t, mp: *mut kmutex_t, abstime: *mut timestruc_t, timecheck: c_int) -> c_int;
    /// Waits until `lbolt` is `tim`. 0 signal, -1 time-out, more than 0 woken.
    fn cv_timedwait_sig(cvp: *mut kcondvar_t, mp: *mut kmutex_t, tim: clock_t) -> clock_t;
    /// Waits, without signals, for `tim` nanoseconds (`flag` 0), told in steps of `res`. -1 time-out, more than 0 woken.
    fn cv_timedwait_hires(cvp: *mut kcondvar_t, mp: *mut kmutex_t, tim: hrtime_t, res: hrtime_t, flag: c_int) -> clock_t;
    /// Waits until `gethrtime` is `tim` (ns). 0 signal, -1 time-out, more than 0 woken.
    fn cv_timedwait_sig_hrtime(cvp: *mut kcondvar_t, mp: *mut kmutex_t, tim: hrtime_t) -> c_int;
}
