//! Kernel asynchronous I/O.
//!
//! A system without it answers `ENOSYS`.

use crate::Errno;

/// The system call of `aio.c`, and a device that supports it.
pub trait Aio {
    /// Opens a raw device of `size` bytes whose transfers the kernel does asynchronously. Each one
    /// takes `latency` nanoseconds and is completed by an interrupt.
    fn open_raw(&self, _size: usize, _latency: u64) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    /// System call 178: an opcode (`AIOAREAD`, `AIOAWRITE`, `AIOLIO`, ...) and its arguments.
    fn kaio(&self, _opcode: i32, _args: [usize; 5]) -> Result<i64, Errno> {
        Err(Errno::ENOSYS)
    }
}
