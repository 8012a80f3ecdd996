//! Descriptors: close, dup, their flags, poll, and the devices that can be opened.

use std::ffi::{c_int, c_short};
use std::ptr;
use std::sync::atomic::Ordering::Relaxed;

use bindings::*;

use super::lwp::Lwp;
use crate::curthread::curproc;
use crate::syscall::{set_errno, trap};
use crate::{fio, nulldev, poll};

/// Numbers of the system calls on descriptors, for t_sysnum.
pub(super) mod num {
    pub const READ: i32 = 3;
    pub const WRITE: i32 = 4;
    pub const CLOSE: i32 = 6;
    pub const LSEEK: i32 = 19;
    pub const FSTAT: i32 = 28;
    pub const PIPE: i32 = 42;
    pub const IOCTL: i32 = 54;
    pub const FDSYNC: i32 = 58;
    pub const EXECVE: i32 = 59;
    pub const FCNTL: i32 = 62;
    pub const OPEN: i32 = 5;
    pub const FSTATVFS: i32 = 104;
    pub const FPATHCONF: i32 = 114;
    pub const POLLSYS: i32 = 183;
    pub const LSTAT: i32 = 88;
    pub const SOCKETPAIR: i32 = 231;
    pub const SHUTDOWN: i32 = 236;
    pub const RECVMSG: i32 = 239;
    pub const SENDMSG: i32 = 241;
}

/// One descriptor of a [`Lwp::poll`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollFd {
    /// The descriptor; negative ones are skipped.
    pub fd: i32,
    /// What is asked for: POLLIN, POLLOUT ...
    pub events: i16,
    /// The answer.
    pub revents: i16,
}

impl PollFd {
    /// Asks `events` of `fd`.
    pub fn new(fd: i32, events: i16) -> PollFd {
        PollFd {
            fd,
            events,
            revents: 0,
        }
    }
}

/// Runs `body` with the open file of `fd` as system call `num`.
pub(super) fn with_file(
    num: i32,
    fd: i32,
    body: impl FnOnce(*mut file_t) -> Result<i64, c_int>,
) -> Result<i64, i32> {
    trap(num, || {
        // SAFETY: the calling lwp holds the file for the time of `body`.
        let answer = unsafe {
            let fp = getf(fd);
            if fp.is_null() {
                Err(EBADF)
            } else {
                let answer = body(fp);
                releasef(fd);
                answer
            }
        };
        finish(answer)
    })
}

/// What a system call answers: the value, or -1 with errno set.
pub(super) fn finish(answer: Result<i64, c_int>) -> i64 {
    answer.unwrap_or_else(|errno| i64::from(set_errno(errno as uint_t)))
}

/// An errno as a result.
pub(super) fn check(errno: c_int) -> Result<i64, c_int> {
    if errno == 0 { Ok(0) } else { Err(errno) }
}

impl Lwp {
    /// close(2).
    ///
    /// # Errors
    /// EBADF, or what the file answers.
    pub fn close(&self, fd: i32) -> Result<(), i32> {
        trap(num::CLOSE, || {
            // SAFETY: the calling lwp holds no descriptor between system calls.
            finish(check(unsafe { fio::closeandsetf(fd, ptr::null_mut()) }))
        })
        .map(drop)
    }

    /// dup(2): the lowest free descriptor for the same file.
    ///
    /// # Errors
    /// EBADF, EMFILE.
    pub fn dup(&self, fd: i32) -> Result<i32, i32> {
        with_file(num::FCNTL, fd, |fp| {
            // SAFETY: the file is held by `with_file`. The count goes up first, so that a close
            // of the new descriptor cannot free the file.
            unsafe {
                fio::fhold(fp);
                fio::ufalloc_file(0, fp).map(i64::from).ok_or_else(|| {
                    fio::funhold(fp);
                    EMFILE
                })
            }
        })
        .map(|fd| fd as i32)
    }

    /// dup2(3C): `newfd` becomes the same file; what it was is closed.
    ///
    /// # Errors
    /// EBADF.
    pub fn dup2(&self, fd: i32, newfd: i32) -> Result<i32, i32> {
        trap(num::FCNTL, || {
            // SAFETY: the file is held while it is looked at; its extra count makes it stay after
            // releasef. The descriptor is not held over closeandsetf (two lwps with crossed
            // dup2 would wait for each other).
            finish(unsafe {
                let fp = getf(fd);
                if fp.is_null() {
                    Err(EBADF)
                } else if fd == newfd {
                    releasef(fd);
                    Ok(i64::from(newfd))
                } else if newfd < 0 || newfd as u64 >= (*curproc()).p_fno_ctl {
                    releasef(fd);
                    Err(EBADF)
                } else {
                    fio::fhold(fp);
                    releasef(fd);
                    match fio::closeandsetf(newfd, fp) {
                        0 => Ok(i64::from(newfd)),
                        errno => {
                            fio::closef(fp);
                            Err(errno)
                        }
                    }
                }
            })
        })
        .map(|fd| fd as i32)
    }

    /// fcntl(fd, F_GETFD): the descriptor's flags (FD_CLOEXEC, FD_CLOFORK).
    ///
    /// # Errors
    /// EBADF.
    pub fn getfd(&self, fd: i32) -> Result<i32, i32> {
        trap(num::FCNTL, || {
            finish(fio::descriptor_flags(fd, None).map(i64::from))
        })
        .map(|v| v as i32)
    }

    /// fcntl(fd, F_SETFD).
    ///
    /// # Errors
    /// EBADF.
    pub fn setfd(&self, fd: i32, flags: i32) -> Result<(), i32> {
        trap(num::FCNTL, || {
            finish(fio::descriptor_flags(fd, Some(flags)).map(i64::from))
        })
        .map(drop)
    }

    /// fcntl(fd, F_GETFL): the file's flags as open(2) takes them.
    ///
    /// # Errors
    /// EBADF.
    pub fn getfl(&self, fd: i32) -> Result<i32, i32> {
        with_file(num::FCNTL, fd, |fp| {
            // SAFETY: held. FREAD and FWRITE are O_RDONLY.. plus one.
            let flag = unsafe { c_int::from(fio::f_flag(fp).load(Relaxed)) };
            Ok(i64::from((flag & FMASK).wrapping_add(FOPEN as c_int)))
        })
        .map(|v| v as i32)
    }

    /// poll(2); `timeout` in nanoseconds, None for ever, 0 not at all. Returns how many of `fds`
    /// have revents. An fd that is not open answers POLLNVAL. The kernel remembers a list by where
    /// it is, so one that is polled again should stay there.
    ///
    /// # Errors
    /// EINTR; EINVAL for more fds than the process may have open.
    pub fn poll(&self, fds: &mut [PollFd], timeout: Option<i64>) -> Result<usize, i32> {
        let mut list: Vec<pollfd_t> = fds
            .iter()
            .map(|f| pollfd_t {
                fd: f.fd,
                events: f.events as c_short,
                revents: 0,
            })
            .collect();
        let address = fds.as_ptr() as usize;
        let ready = trap(num::POLLSYS, || {
            finish(poll::poll_common(address, &mut list, timeout).map(|n| n as i64))
        })?;
        for (to, from) in fds.iter_mut().zip(&list) {
            to.revents = from.revents;
        }
        Ok(ready as usize)
    }

    /// Opens /dev/null: a descriptor that is no port. Reads end at once, writes go nowhere, poll
    /// is always ready.
    ///
    /// # Errors
    /// EMFILE.
    pub fn open_null(&self) -> Result<i32, i32> {
        trap(num::OPEN, || {
            finish(nulldev::open(nulldev::Kind::Null).map(i64::from))
        })
        .map(|fd| fd as i32)
    }

    /// Opens a device that is readable after something was written to it and until it is read:
    /// for poll(2) of something else than a port.
    ///
    /// # Errors
    /// EMFILE.
    pub fn open_latch(&self) -> Result<i32, i32> {
        trap(num::OPEN, || {
            finish(nulldev::open(nulldev::Kind::Latch).map(i64::from))
        })
        .map(|fd| fd as i32)
    }
}
