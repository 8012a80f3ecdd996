//! Interval timers of `timer_create(3C)`.
//!
//! A system without them answers `ENOSYS`.

use crate::Errno;

/// `CLOCK_REALTIME` of `sys/time_impl.h`.
pub const CLOCK_REALTIME: i32 = 3;
/// `CLOCK_HIGHRES` of `sys/time_impl.h`.
pub const CLOCK_HIGHRES: i32 = 4;

/// `itimerspec_t` in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Itimer {
    /// Time between expirations; 0 for one expiration.
    pub interval: u64,
    /// Time to the first expiration, or its date; 0 disarms.
    pub value: u64,
}

/// The system calls of `timer.c`.
pub trait Timers {
    /// `timer_create`: addresses of a `struct sigevent` (0 for the clock's default) and of the
    /// `timer_t` to fill, both in the caller's data model.
    fn timer_create(&self, _clock: i32, _sigevent: usize, _id: usize) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `timer_settime`; `absolute` is `TIMER_ABSTIME`. Answers the old value.
    fn timer_settime(&self, _id: i32, _absolute: bool, _to: Itimer) -> Result<Itimer, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `timer_gettime`.
    fn timer_gettime(&self, _id: i32) -> Result<Itimer, Errno> {
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
