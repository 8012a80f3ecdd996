//! Timers: timer_create(3C) and its relatives.

use super::lwp::Lwp;
use crate::syscall::trap;
use crate::timer;

/// Numbers of the system calls, for t_sysnum.
mod num {
    pub const CREATE: i32 = 194;
    pub const DELETE: i32 = 195;
    pub const SETTIME: i32 = 196;
    pub const GETTIME: i32 = 197;
    pub const GETOVERRUN: i32 = 198;
}

impl Lwp {
    /// timer_create(3C): addresses of a `struct sigevent` (0 for a SIGALRM) and of the `timer_t`
    /// to fill.
    ///
    /// # Errors
    /// EINVAL, EFAULT, EAGAIN (1024 timers, or a port without a free slot), EBADF, EBADFD, ENOMEM.
    pub fn timer_create(&self, clock: i32, evp: usize, tid: usize) -> Result<(), i32> {
        trap(num::CREATE, || timer::timer_create(clock, evp, tid)).map(drop)
    }

    /// timer_settime(3C): addresses of the new setting and (unless 0) of room for the old one;
    /// `flags` is `TIMER_RELTIME` or `TIMER_ABSTIME`.
    ///
    /// # Errors
    /// EINVAL, EFAULT, EOVERFLOW.
    pub fn timer_settime(&self, tid: i32, flags: i32, val: usize, oval: usize) -> Result<(), i32> {
        trap(num::SETTIME, || timer::timer_settime(tid, flags, val, oval)).map(drop)
    }

    /// timer_gettime(3C): address of room for the setting.
    ///
    /// # Errors
    /// EINVAL, EFAULT, EOVERFLOW.
    pub fn timer_gettime(&self, tid: i32, val: usize) -> Result<(), i32> {
        trap(num::GETTIME, || timer::timer_gettime(tid, val)).map(drop)
    }

    /// timer_getoverrun(3C).
    ///
    /// # Errors
    /// EINVAL.
    pub fn timer_getoverrun(&self, tid: i32) -> Result<i32, i32> {
        trap(num::GETOVERRUN, || timer::timer_getoverrun(tid)).map(|overrun| overrun as i32)
    }

    /// timer_delete(3C).
    ///
    /// # Errors
    /// EINVAL.
    pub fn timer_delete(&self, tid: i32) -> Result<(), i32> {
        trap(num::DELETE, || timer::timer_delete(tid)).map(drop)
    }
}
