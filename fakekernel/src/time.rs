//! Clocks: monotonic time, the wall clock, and ticks.
//!
//! Mirrors `os/timers.c` and `common/os/clock.c` as far as modules see them.
//! All time comes from the scheduler's clock; the wall clock is that plus an
//! offset, which [`step_wall_clock`] moves.

use std::sync::atomic::{AtomicI32, AtomicI64, Ordering::SeqCst};

use bindings::{NANOSEC, hrtime_t, timespec_t};

use crate::{sched, thread};

/// Length of a clock tick: hz is 100.
pub const NSEC_PER_TICK: i64 = 10_000_000;

/// Changes whenever the wall clock is set.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static timechanged: AtomicI32 = AtomicI32::new(0);

static OFFSET: AtomicI64 = AtomicI64::new(0);

pub(crate) fn boot(wall: i64) {
    OFFSET.store(wall.saturating_sub(sched::get().now()), SeqCst);
}

/// The wall clock, in nanoseconds since 1970.
pub fn wall() -> i64 {
    sched::get().now().saturating_add(OFFSET.load(SeqCst))
}

/// The value of `timechanged`.
pub(crate) fn changes() -> i32 {
    timechanged.load(SeqCst)
}

/// Sets the wall clock by `delta` nanoseconds. Threads that wait for a
/// wall-clock time wake up; `timechanged` changes.
pub fn step_wall_clock(delta: i64) {
    OFFSET.fetch_add(delta, SeqCst);
    timechanged.fetch_add(1, SeqCst);
    for thread in thread::all() {
        if thread.sleep.wall.load(SeqCst) {
            thread.sleep.expired.store(true, SeqCst);
            if let Some(task) = thread.task() {
                sched::get().wake(task);
            }
        }
    }
}

/// Monotonic time in nanoseconds.
#[unsafe(no_mangle)]
pub extern "C" fn gethrtime() -> hrtime_t {
    sched::get().now()
}

/// The wall clock.
///
/// # Safety
///
/// `tp` is memory for a timespec.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gethrestime(tp: *mut timespec_t) {
    let now = wall();
    // SAFETY: the caller vouches for `tp`.
    unsafe {
        (*tp).tv_sec = now.div_euclid(NANOSEC) as _;
        (*tp).tv_nsec = now.rem_euclid(NANOSEC) as _;
    }
}

/// Adds `t2` to `t1`; like the kernel's, it does not look for an overflow of
/// the seconds.
///
/// # Safety
///
/// Both are valid timespecs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timespecadd(t1: *mut timespec_t, t2: *mut timespec_t) {
    // SAFETY: the caller vouches for both.
    unsafe {
        (*t1).tv_sec = (*t1).tv_sec.wrapping_add((*t2).tv_sec);
        (*t1).tv_nsec += (*t2).tv_nsec;
        if (*t1).tv_nsec >= NANOSEC {
            (*t1).tv_nsec -= NANOSEC;
            (*t1).tv_sec = (*t1).tv_sec.wrapping_add(1);
        } else if (*t1).tv_nsec < 0 {
            (*t1).tv_nsec += NANOSEC;
            (*t1).tv_sec = (*t1).tv_sec.wrapping_sub(1);
        }
    }
}

/// Clock ticks since boot.
#[unsafe(no_mangle)]
pub extern "C" fn ddi_get_lbolt() -> bindings::clock_t {
    sched::get().now() / NSEC_PER_TICK
}
