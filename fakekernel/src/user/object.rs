//! Pipes, sockets, files and devices: what a program opens to have something to wait for, and how
//! descriptors travel.

use std::ffi::{c_int, c_short};
use std::sync::atomic::Ordering::Relaxed;

use bindings::*;

use super::descriptor::{finish, num, with_file};
use super::lwp::Lwp;
use super::stat::attributes;
use crate::curthread::{cred, curproc};
use crate::syscall::trap;
use crate::vnode::{fop_setfl, vn_hold};
use crate::{device, fifo, fio, regular, sockfs, timer};

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

    /// socketpair(3SOCKET) of AF_UNIX, SOCK_STREAM: two connected sockets. A socket with 16384
    /// unread bytes is full, until fewer than 256 are left.
    ///
    /// # Errors
    /// EMFILE.
    pub fn socketpair(&self) -> Result<(i32, i32), i32> {
        opened_pair(num::SOCKETPAIR, sockfs::socketpair)
    }

    /// shutdown(3SOCKET): nothing more is received, sent, or both.
    ///
    /// # Errors
    /// EBADF, ENOTSOCK.
    pub fn shutdown(&self, fd: i32, read: bool, write: bool) -> Result<(), i32> {
        with_file(num::SHUTDOWN, fd, |fp| {
            // SAFETY: held.
            unsafe { sockfs::shutdown(fp, read, write).map(|()| 0) }
        })
        .map(drop)
    }

    /// sendmsg(3SOCKET) of the descriptor `fd` (SCM_RIGHTS) with one byte.
    ///
    /// # Errors
    /// EBADF, ENOTSOCK, EPIPE, EAGAIN, EINTR.
    pub fn send_fd(&self, socket: i32, fd: i32) -> Result<(), i32> {
        with_file(num::SENDMSG, socket, |fp| {
            // SAFETY: held.
            unsafe { sockfs::send_fd(fp, fd).map(|()| 0) }
        })
        .map(drop)
    }

    /// recvmsg(3SOCKET) of a descriptor that [`Lwp::send_fd`] sent: the lowest free one.
    ///
    /// # Errors
    /// EBADF, ENOTSOCK, EAGAIN, EINTR; EBADMSG when bytes without a descriptor come first; ENOENT
    /// at the end of the stream; EMFILE, and then the descriptor is lost.
    pub fn receive_fd(&self, socket: i32) -> Result<i32, i32> {
        with_file(num::RECVMSG, socket, |fp| {
            // SAFETY: held.
            unsafe { sockfs::receive_fd(fp).map(i64::from) }
        })
        .map(|fd| fd as i32)
    }

    /// execve(2) of a program that goes on behind this call: removes the timers, closes the
    /// descriptors that have FD_CLOEXEC. Memory stays mapped, unlike in the kernel, and so
    /// asynchronous transfers go on.
    ///
    /// # Errors
    /// EBUSY when the process has another lwp (the kernel would end it).
    pub fn exec(&self) -> Result<(), i32> {
        trap(num::EXECVE, || {
            if self.process().proc.lwp_count() != 1 {
                return finish(Err(EBUSY));
            }
            // SAFETY: the calling lwp is the only one of its process and holds no descriptor
            // between system calls.
            unsafe {
                timer::timer_exit();
                fio::close_exec(curproc());
            }
            0
        })
        .map(drop)
    }

    /// lstat(2) of /proc/self/fd/N: asks the vnode of `fd` without holding the descriptor, so that
    /// a close of it does not wait.
    ///
    /// # Errors
    /// ENOENT (not open), or what the file answers.
    pub fn stat_through_proc(&self, fd: i32) -> Result<(), i32> {
        trap(num::LSTAT, || {
            // SAFETY: the file is held by getf until its vnode is; the vnode is used and let go.
            finish(unsafe {
                let fp = getf(fd);
                if fp.is_null() {
                    Err(ENOENT)
                } else {
                    let vp = (*fp).f_vnode;
                    vn_hold(vp);
                    releasef(fd);
                    let found = attributes(vp, cred());
                    vn_rele(vp);
                    found.map(|_| 0)
                }
            })
        })
        .map(drop)
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
                let flag = fio::f_flag(fp);
                let old = c_int::from(flag.load(Relaxed));
                let none = std::ptr::null_mut();
                let error = fop_setfl((*fp).f_vnode, old, flags & CHANGED, cred(), none);
                if error != 0 {
                    return Err(error);
                }
                mutex_enter(&raw mut (*fp).f_tlock);
                let kept = c_int::from(flag.load(Relaxed)) & !CHANGED;
                flag.store((kept | (flags & CHANGED)) as ushort_t, Relaxed);
                mutex_exit(&raw mut (*fp).f_tlock);
                Ok(0)
            }
        })
        .map(drop)
    }
}
