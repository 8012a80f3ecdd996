//! Kernel asynchronous I/O.

use suite::{Aio, Errno, SYS_KAIO};

use super::FakeSystem;

impl Aio for FakeSystem<'_> {
    fn open_raw(&self, size: usize, latency: u64) -> Result<i32, Errno> {
        let latency = i64::try_from(latency).unwrap_or(i64::MAX);
        self.lwp.open_raw(size, latency).map_err(Errno)
    }

    fn kaio(&self, opcode: i32, args: [usize; 5]) -> Result<i64, Errno> {
        let [a0, a1, a2, a3, a4] = args;
        let args = [opcode as u32 as usize, a0, a1, a2, a3, a4];
        self.lwp.syscall(SYS_KAIO, args).map_err(Errno)
    }
}
