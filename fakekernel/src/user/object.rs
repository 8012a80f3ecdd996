//! Pipes, files and devices: what a program opens to have something to wait for.

use std::ffi::{c_int, c_short};

use bindings::*;

use super::descriptor::{finish, num, with_file};
use super::lwp::Lwp;
use crate::curthread::cred;
use crate::syscall::trap;
use crate::vnode::fop_setfl;
use crate::{device, fifo, regular};

/// Opens something as a system call that answers one descriptor.
fn opened(open: impl FnOnce() -> Result<c_int, c_int>) -> Result<i32, i32> {
    trap(num::OPEN, || finish(open().map(i64::from))).map(|fd| fd as i32)
}

/// Makes two descriptors as a system call.
fn opened_pair(
    num: i32,
    open: impl FnOnce() -> Result<(c_int, c_int), c_int>,
) -> Result<(i32, i32), i32> {
    let mut fds = (-1, -1);
    trap(num, || {
        finish(open().map(|pair| {
            fds = pair;
            0
        }))
    })?;
    Ok(fds)
}

impl Lwp {
    /// pipe(2): two descriptors; what is written to one is read from the other, both ways. A pipe
    /// with 16384 bytes is full.
    ///
    /// # Errors
    /// EMFILE.
    pub fn pipe(&self) -> Result<(i32, i32), i32> {
        opened_pair(num::PIPE, fifo::pipe)
    }

    /// Opens a new regular file with this content, at its beginning, for reading and writing.
    ///
    /// # Errors
    /// EFBIG (more than 16 MiB), EMFILE.
    pub fn open_regular(&self, content: &[u8]) -> Result<i32, i32> {
        opened(|| regular::open(content))
    }

    /// Opens a device of its own that is ready for what [`Lwp::raise`] says.
    ///
    /// # Errors
    /// EMFILE.
    pub fn open_device(&self) -> Result<i32, i32> {
        opened(|| device::open(true))
    }

    /// Opens a device that cannot be polled: ENXIO.
    ///
    /// # Errors
    /// EMFILE.
    pub fn open_unpollable(&self) -> Result<i32, i32> {
        opened(|| device::open(false))
    }

    /// Makes a device ready for `events` (POLLIN, POLLHUP ...) in an interrupt that tells its
    /// pollers; answers when the interrupt has ended.
    ///
    /// # Errors
    /// EBADF, ENOTTY (no device of [`Lwp::open_device`]).
    pub fn raise(&self, fd: i32, events: i16) -> Result<(), i32> {
        with_file(num::IOCTL, fd, |fp| {
            // SAFETY: held.
            unsafe { device::raise(fp, events as c_short).map(|()| 0) }
        })
        .map(drop)
    }

    /// Makes a device no longer ready for `events`; nobody is told.
    ///
    /// # Errors
    /// As [`Lwp::raise`].
    pub fn lower(&self, fd: i32, events: i16) -> Result<(), i32> {
        with_file(num::IOCTL, fd, |fp| {
            // SAFETY: held.
            unsafe { device::lower(fp, events as c_short).map(|()| 0) }
        })
        .map(drop)
    }

    /// Holds up every VOP_POLL of a device from now on, without the poll cache's lock; or lets all
    /// go on.
    ///
    /// # Errors
    /// As [`Lwp::raise`].
    pub fn hold_poll(&self, fd: i32, on: bool) -> Result<(), i32> {
        with_file(num::IOCTL, fd, |fp| {
            // SAFETY: held.
            unsafe { device::hold_poll(fp, on).map(|()| 0) }
        })
        .map(drop)
    }

    /// How often VOP_POLL of a device was called.
    ///
    /// # Errors
    /// As [`Lwp::raise`].
    pub fn polls(&self, fd: i32) -> Result<u64, i32> {
        with_file(num::IOCTL, fd, |fp| {
            // SAFETY: held.
            unsafe { device::polls(fp).map(|n| n as i64) }
        })
        .map(|n| n as u64)
    }

    /// fcntl(fd, F_SETFL) with O_NONBLOCK, O_NDELAY and O_APPEND; other flags stay as they are.
    ///
    /// # Errors
    /// EBADF, or what the file answers.
    pub fn setfl(&self, fd: i32, flags: i32) -> Result<(), i32> {
        const CHANGED: c_int = FNONBLOCK | FNDELAY | FAPPEND;
        with_file(num::FCNTL, fd, |fp| {
            // SAFETY: held; f_flag changes under f_tlock.
            unsafe {
                let old = c_int::from((*fp).f_flag);
                let none = std::ptr::null_mut();
                let error = fop_setfl((*fp).f_vnode, old, flags & CHANGED, cred(), none);
                if error != 0 {
                    return Err(error);
                }
                mutex_enter(&raw mut (*fp).f_tlock);
                let kept = c_int::from((*fp).f_flag) & !CHANGED;
                (*fp).f_flag = (kept | (flags & CHANGED)) as ushort_t;
                mutex_exit(&raw mut (*fp).f_tlock);
                Ok(0)
            }
        })
        .map(drop)
    }
}
