//! Calls after a number of clock ticks.
//!
//! Mirrors the real-time callouts of `os/callout.c`: they expire at a tick, so a call may come up
//! to one tick before its time. A step of the wall clock does not move them.

use std::ffi::{c_long, c_void};

use crate::cyclic::{self, CyclicId, Handler};
use crate::sched;
use crate::time::NSEC_PER_TICK;

/// A call to come; 0 is none.
pub type TimeoutId = CyclicId;

/// Calls `handler` once, from an interrupt, `ticks` clock ticks from now.
///
/// # Safety
/// `arg` is good for the handler until it is called or [`untimeout`] has returned.
pub unsafe fn realtime_timeout(handler: Handler, arg: *mut c_void, ticks: c_long) -> TimeoutId {
    let now = sched::get().now();
    let delta = ticks.max(1).saturating_mul(NSEC_PER_TICK);
    let when = now.saturating_add(delta) / NSEC_PER_TICK * NSEC_PER_TICK;
    // SAFETY: the caller vouches for the argument.
    unsafe { cyclic::once(handler, arg, when) }
}

/// Cancels a call, or waits until it has returned. Harmless when it was made long ago.
pub fn untimeout(id: TimeoutId) {
    cyclic::cyclic_remove(id);
}
