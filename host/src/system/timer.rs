//! `Timers` over the fakekernel.

use suite::{Errno, Timers};

use super::FakeSystem;

/// `TIMER_ABSTIME`.
const ABSTIME: i32 = 1;

impl Timers for FakeSystem<'_> {
    fn timer_create(&self, clock: i32, sigevent: usize, id: usize) -> Result<(), Errno> {
        self.lwp.timer_create(clock, sigevent, id).map_err(Errno)
    }

    fn timer_settime(&self, id: i32, absolute: bool, new: usize, old: usize) -> Result<(), Errno> {
        let flags = if absolute { ABSTIME } else { 0 };
        self.lwp.timer_settime(id, flags, new, old).map_err(Errno)
    }

    fn timer_gettime(&self, id: i32, to: usize) -> Result<(), Errno> {
        self.lwp.timer_gettime(id, to).map_err(Errno)
    }

    fn timer_getoverrun(&self, id: i32) -> Result<i32, Errno> {
        self.lwp.timer_getoverrun(id).map_err(Errno)
    }

    fn timer_delete(&self, id: i32) -> Result<(), Errno> {
        self.lwp.timer_delete(id).map_err(Errno)
    }
}
