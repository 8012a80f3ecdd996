//! Timers of `CLOCK_HIGHRES`: monotonic, exact to the nanosecond.
//!
//! Mirrors `os/clock_highres.c`. Each armed timer has a cyclic; `it_arg` is the memory for its id.
//! Without privilege no expiration comes sooner than 200 microseconds; nobody has it here.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use bindings::*;

use crate::clock_backend::{Backend, hrt2ts, is_set, ts2hrt};
use crate::cyclic::{self, CY_INFINITY, CYCLIC_NONE, CyclicId};
use crate::sched;

/// Shortest value and interval, in nanoseconds.
const INTERVAL_MIN: i64 = 200_000;

/// The clock.
pub(crate) static BACKEND: Backend = Backend::new(create, settime, gettime, delete);

/// When the timer expired last.
///
/// # Safety
/// `it` is a timer that lives as long as the answer is used.
unsafe fn last_fired<'a>(it: *mut itimer_t) -> &'a AtomicI64 {
    // SAFETY: an aligned word of the timer that is only used through this atomic.
    unsafe { AtomicI64::from_ptr(&raw mut (*it).it_hrtime) }
}

/// # Safety
/// `it` is a new timer of the caller's.
unsafe extern "C" fn create(
    it: *mut itimer_t,
    fire: Option<unsafe extern "C" fn(*mut itimer_t)>,
) -> c_int {
    // SAFETY: the timer is the caller's (contract).
    unsafe {
        (*it).it_arg = kmem_zalloc(size_of::<CyclicId>(), KM_SLEEP);
        (*it).it_fire = fire;
    }
    0
}

/// # Safety
/// `arg` is a timer: called by its cyclic, which is removed before the timer is.
unsafe extern "C" fn expired(arg: *mut c_void) {
    let it: *mut itimer_t = arg.cast();
    // SAFETY: the timer lives (contract); it_fire is set before a cyclic exists.
    unsafe {
        last_fired(it).store(sched::get().now(), SeqCst);
        if let Some(fire) = (*it).it_fire {
            fire(it);
        }
    }
}

/// A value or interval that an unprivileged process may have.
fn clamp(time: timespec_t) -> timespec_t {
    let mut time = time;
    if time.tv_sec == 0 && time.tv_nsec > 0 {
        time.tv_nsec = time.tv_nsec.max(INTERVAL_MIN);
    }
    time
}

/// # Safety
/// `it` is a timer that the caller has locked, `when` a valid setting.
unsafe extern "C" fn settime(it: *mut itimer_t, flags: c_int, when: *const itimerspec_t) -> c_int {
    // SAFETY: it_itime and the id behind it_arg change under the timer's lock only.
    unsafe {
        let mut setting = *when;
        setting.it_value = clamp(setting.it_value);
        setting.it_interval = clamp(setting.it_interval);
        let cycp: *mut CyclicId = (*it).it_arg.cast();
        let interval = ts2hrt(setting.it_interval);
        let mut at = ts2hrt(setting.it_value);
        if at != 0 && flags & TIMER_ABSTIME == 0 {
            at = at.saturating_add(sched::get().now());
        }
        setting.it_value = hrt2ts(at);
        let once = at != 0 && interval == 0 && !is_set((*it).it_itime.it_interval);
        if once && *cycp != CYCLIC_NONE {
            (*it).it_itime = setting;
            cyclic::cyclic_reprogram(*cycp, at);
            return 0;
        }
        let old = std::mem::replace(&mut *cycp, CYCLIC_NONE);
        if old != CYCLIC_NONE {
            cyclic::cyclic_remove(old);
        }
        if at == 0 {
            // The time of the setting that is gone stays, as in the kernel.
            return 0;
        }
        if at > i64::MAX - interval {
            return EOVERFLOW;
        }
        (*it).it_itime = setting;
        let interval = if interval == 0 { CY_INFINITY } else { interval };
        *cycp = cyclic::cyclic_add(expired, it.cast(), at, interval);
    }
    0
}

/// # Safety
/// `it` is a timer that the caller has locked; `when` is writable.
unsafe extern "C" fn gettime(it: *mut itimer_t, when: *mut itimerspec_t) -> c_int {
    // SAFETY: it_itime changes under the timer's lock only.
    unsafe {
        let setting = (*it).it_itime;
        *when = setting;
        if !is_set(setting.it_value) {
            return 0;
        }
        let start = ts2hrt(setting.it_value);
        let interval = ts2hrt(setting.it_interval);
        let now = sched::get().now();
        let left = if start > now {
            start - now
        } else if interval == 0 {
            0
        } else {
            let into = (now - start) % interval;
            // An expiration that is due but has not been dealt with is now.
            if now - into > last_fired(it).load(SeqCst) {
                0
            } else {
                interval - into
            }
        };
        (*when).it_value = hrt2ts(left);
    }
    0
}

/// # Safety
/// `it` is a timer that nobody else can find any more.
unsafe extern "C" fn delete(it: *mut itimer_t) -> c_int {
    // SAFETY: it_arg is NULL or what `create` allocated.
    unsafe {
        let cycp: *mut CyclicId = (*it).it_arg.cast();
        if !cycp.is_null() {
            if *cycp != CYCLIC_NONE {
                cyclic::cyclic_remove(*cycp);
            }
            kmem_free(cycp.cast(), size_of::<CyclicId>());
        }
    }
    0
}
