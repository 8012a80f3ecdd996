//! A device with kernel asynchronous I/O. The system call itself is number 178.

use super::descriptor::{finish, num};
use super::lwp::Lwp;
use crate::rawdev;
use crate::syscall::trap;

impl Lwp {
    /// Opens a raw device of its own of `size` zero bytes, for reading and writing. Each transfer
    /// takes `latency` nanoseconds and is completed by an interrupt; those of one device complete
    /// in order.
    ///
    /// # Errors
    /// EMFILE.
    pub fn open_raw(&self, size: usize, latency: i64) -> Result<i32, i32> {
        trap(num::OPEN, || {
            finish(rawdev::open(size, latency).map(i64::from))
        })
        .map(|fd| fd as i32)
    }
}
