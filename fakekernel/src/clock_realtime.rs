//! Timers of `CLOCK_REALTIME`: the wall clock, exact to a tick.
//!
//! Mirrors `os/clock_realtime.c`. Each armed timer has a callout; `it_arg` is the memory for its
//! id, which `p_lock` guards, as it does `it_itime`, the wall-clock time of the next expiration.
//! A step of the wall clock does not move a callout: an absolute timer comes when it would have
//! come, and only a periodic one finds its next date by the new time.

use std::ffi::{c_int, c_long, c_void};

use bindings::*;

use crate::callout::{self, TimeoutId};
use crate::clock_backend::{Backend, hrt2ts, is_set, ts2hrt};
use crate::cyclic::{CYCLIC_NONE, Handler};
use crate::time::{self, NSEC_PER_TICK};

/// The clock.
pub(crate) static BACKEND: Backend = Backend::new(create, settime, gettime, delete);

/// Ticks until the wall clock is `value`, rounded up, at least one.
fn ticks(value: timespec_t, now: i64) -> c_long {
    let left = ts2hrt(value).saturating_sub(now);
    left.saturating_add(NSEC_PER_TICK - 1)
        .div_euclid(NSEC_PER_TICK)
        .max(1)
}

/// # Safety
/// `it` is a new timer of the caller's.
unsafe extern "C" fn create(
    it: *mut itimer_t,
    fire: Option<unsafe extern "C" fn(*mut itimer_t)>,
) -> c_int {
    // SAFETY: the timer is the caller's (contract).
    unsafe {
        (*it).it_arg = kmem_zalloc(size_of::<TimeoutId>(), KM_SLEEP);
        (*it).it_fire = fire;
    }
    0
}

/// Has `handler` called after so many ticks.
///
/// # Safety
/// The caller holds `p_lock` of the timer's process; the timer's callout is over.
unsafe fn start(it: *mut itimer_t, handler: Handler, ticks: c_long) {
    // SAFETY: `delete` waits for the callout before the timer goes away.
    unsafe { *(*it).it_arg.cast() = callout::realtime_timeout(handler, it.cast(), ticks) };
}

/// First call for a setting: a callout may come up to a tick early, and waits for one more tick
/// then.
///
/// # Safety
/// `arg` is a timer: called by its callout, which is over before the timer is.
unsafe extern "C" fn expired_first(arg: *mut c_void) {
    let it: *mut itimer_t = arg.cast();
    // SAFETY: the timer lives (contract); it_itime does not change while its callout is there.
    unsafe {
        if ts2hrt((*it).it_itime.it_value) > time::wall() {
            let lock = p_lock(it);
            mutex_enter(lock);
            start(it, expired, 1);
            mutex_exit(lock);
            return;
        }
        expired(arg);
    }
}

/// # Safety
/// As for [`expired_first`].
unsafe extern "C" fn expired(arg: *mut c_void) {
    let it: *mut itimer_t = arg.cast();
    // SAFETY: the timer lives (contract); p_lock guards it_itime and the id behind it_arg.
    unsafe {
        if let Some(fire) = (*it).it_fire {
            fire(it);
        }
        let lock = p_lock(it);
        mutex_enter(lock);
        let setting = &raw mut (*it).it_itime;
        if is_set((*setting).it_interval) {
            let now = time::wall();
            let next = following(
                ts2hrt((*setting).it_value),
                ts2hrt((*setting).it_interval),
                now,
            );
            (*setting).it_value = hrt2ts(next);
            start(it, expired, ticks((*setting).it_value, now));
        } else {
            (*setting).it_value = hrt2ts(0);
            *(*it).it_arg.cast() = CYCLIC_NONE;
        }
        mutex_exit(lock);
    }
}

/// The first date after `now` that is a number of intervals, and at least one, after `value`. The
/// interval counts as one tick at least.
fn following(value: i64, interval: i64, now: i64) -> i64 {
    let step = interval.max(NSEC_PER_TICK);
    let missed = now.saturating_sub(value).max(0) / step;
    value.saturating_add(step.saturating_mul(missed + 1))
}

/// The lock of the timer's process.
///
/// # Safety
/// `it` is a timer whose it_proc is set.
unsafe fn p_lock(it: *mut itimer_t) -> *mut kmutex_t {
    // SAFETY: processes live for ever.
    unsafe { &raw mut (*(*(*it).it_proc).p_lockp).pl_lock }
}

/// Ends the timer's callout, however often it starts itself again.
///
/// # Safety
/// The caller holds `p_lock` of the timer's process, which is dropped on the way.
unsafe fn stop(it: *mut itimer_t) {
    // SAFETY: p_lock guards the id; a handler that runs needs the lock to go on.
    unsafe {
        let tidp: *mut TimeoutId = (*it).it_arg.cast();
        let lock = p_lock(it);
        while *tidp != CYCLIC_NONE {
            let id = std::mem::replace(&mut *tidp, CYCLIC_NONE);
            mutex_exit(lock);
            callout::untimeout(id);
            mutex_enter(lock);
        }
    }
}

/// # Safety
/// `it` is a timer that the caller has locked, `when` a valid setting.
unsafe extern "C" fn settime(it: *mut itimer_t, flags: c_int, when: *const itimerspec_t) -> c_int {
    // SAFETY: the caller has locked the timer; p_lock guards the setting.
    unsafe {
        let now = time::wall();
        let lock = p_lock(it);
        mutex_enter(lock);
        stop(it);
        (*it).it_itime = *when;
        if is_set((*it).it_itime.it_value) {
            let mut base = hrt2ts(now);
            let value = &raw mut (*it).it_itime.it_value;
            if flags & TIMER_ABSTIME == 0 {
                timespecadd(value, &raw mut base);
            }
            start(it, expired_first, ticks(*value, now));
        }
        mutex_exit(lock);
    }
    0
}

/// # Safety
/// `it` is a timer that the caller has locked; `when` is writable.
unsafe extern "C" fn gettime(it: *mut itimer_t, when: *mut itimerspec_t) -> c_int {
    // SAFETY: p_lock guards the setting.
    unsafe {
        let lock = p_lock(it);
        mutex_enter(lock);
        let now = time::wall();
        *when = (*it).it_itime;
        mutex_exit(lock);
        if is_set((*when).it_value) {
            let left = ts2hrt((*when).it_value).saturating_sub(now);
            (*when).it_value = hrt2ts(left.max(0));
        }
    }
    0
}

/// # Safety
/// `it` is a timer that nobody else can find any more.
unsafe extern "C" fn delete(it: *mut itimer_t) -> c_int {
    // SAFETY: it_arg is what `create` allocated; without a callout it has no other user.
    unsafe {
        let lock = p_lock(it);
        mutex_enter(lock);
        stop(it);
        mutex_exit(lock);
        kmem_free((*it).it_arg, size_of::<TimeoutId>());
    }
    0
}
