//! Interval timers of `timer_create(3C)`. A system without them answers `ENOSYS`.
//!
//! All addresses are of structures in the caller's data model; [`crate::Timer`] makes them.

use crate::Errno;

/// `CLOCK_REALTIME` of `sys/time_impl.h`.
pub const CLOCK_REALTIME: i32 = 3;
/// `CLOCK_HIGHRES` of `sys/time_impl.h`.
pub const CLOCK_HIGHRES: i32 = 4;
/// `CLOCK_THREAD_CPUTIME_ID` of `sys/time_impl.h`: a clock without timers.
pub const CLOCK_THREAD_CPUTIME_ID: i32 = 2;
/// Timers that a process may have.
pub const TIMER_MAX: usize = 1024;

/// The system calls of `timer.c`.
pub trait Timers {
    /// `timer_create`: addresses of a `struct sigevent` (0 for the clock's default) and of the
    /// `timer_t` to fill.
    fn timer_create(&self, _clock: i32, _sigevent: usize, _id: usize) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `timer_settime`: addresses of the new `itimerspec_t` and (unless 0) of room for the old
    /// one; `absolute` is `TIMER_ABSTIME`.
    fn timer_settime(
        &self,
        _id: i32,
        _absolute: bool,
        _new: usize,
        _old: usize,
    ) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `timer_gettime`: address of room for an `itimerspec_t`.
    fn timer_gettime(&self, _id: i32, _to: usize) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `timer_getoverrun`.
    fn timer_getoverrun(&self, _id: i32) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `timer_delete`.
    fn timer_delete(&self, _id: i32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
}
