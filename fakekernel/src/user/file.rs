//! Calls that a file answers: read, write, lseek, ioctl, record locks. A port answers none of them
//! (S16).

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::Ordering::Relaxed;

use bindings::*;

use super::descriptor::{check, num, with_file};
use super::lwp::Lwp;
use super::stat::attributes;
use crate::curthread::{cred, curproc};
use crate::fio::{f_flag, f_offset};
use crate::vnode::{
    fop_frlock, fop_ioctl, fop_read, fop_rwlock, fop_rwunlock, fop_seek, fop_write,
};

/// Where [`Lwp::lseek`] counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whence {
    /// The beginning.
    Set,
    /// The current position.
    Cur,
    /// The end.
    End,
}

impl Lwp {
    /// fcntl(fd, F_SETLK) over the whole file.
    ///
    /// # Errors
    /// EBADF, or what the file answers: ENOSYS for a port (S16).
    pub fn lock(&self, fd: i32) -> Result<(), i32> {
        with_file(num::FCNTL, fd, |fp| {
            let mut lock = [0u64; 8];
            // SAFETY: held; the lock description is zeroed memory larger than a flock64, which
            // asks for an unlock-like nothing of the whole file.
            check(unsafe {
                fop_frlock(
                    (*fp).f_vnode,
                    F_SETLK,
                    lock.as_mut_ptr().cast(),
                    c_int::from(f_flag(fp).load(Relaxed)),
                    f_offset(fp).load(Relaxed),
                    ptr::null_mut(),
                    (*fp).f_cred,
                    ptr::null_mut(),
                )
            })
        })
        .map(drop)
    }

    /// read(2) into user memory at `addr`.
    ///
    /// # Errors
    /// EBADF when the file is not open for reading (a port never is); EAGAIN with O_NONBLOCK, EINTR,
    /// EFAULT.
    pub fn read(&self, fd: i32, addr: usize, len: usize) -> Result<usize, i32> {
        self.transfer(num::READ, FREAD, fd, addr, len)
    }

    /// write(2) from user memory at `addr`.
    ///
    /// # Errors
    /// EBADF when the file is not open for writing (a port never is); EAGAIN with O_NONBLOCK, EINTR,
    /// EFAULT, EPIPE (without SIGPIPE).
    pub fn write(&self, fd: i32, addr: usize, len: usize) -> Result<usize, i32> {
        self.transfer(num::WRITE, FWRITE, fd, addr, len)
    }

    fn transfer(
        &self,
        num: i32,
        mode: c_int,
        fd: i32,
        addr: usize,
        len: usize,
    ) -> Result<usize, i32> {
        with_file(num, fd, |fp| {
            // SAFETY: held; uio and iovec live over the call.
            unsafe {
                if isize::try_from(len).is_err() {
                    return Err(EINVAL);
                }
                let flag = f_flag(fp).load(Relaxed);
                if c_int::from(flag) & mode == 0 {
                    return Err(EBADF);
                }
                let mut iov = iovec_t {
                    iov_base: addr as caddr_t,
                    iov_len: len,
                };
                let mut uio: uio_t = std::mem::zeroed();
                uio.uio_iov = &raw mut iov;
                uio.uio_iovcnt = 1;
                uio._uio_offset._f = f_offset(fp).load(Relaxed);
                uio.uio_segflg = UIO_USERSPACE;
                uio.uio_fmode = flag;
                uio._uio_limit._f = offset_t::MAX;
                uio.uio_resid = len as isize;
                let (vp, cr, none) = ((*fp).f_vnode, (*fp).f_cred, ptr::null_mut());
                let write = c_int::from(mode == FWRITE);
                fop_rwlock(vp, write, none);
                let error = if mode == FREAD {
                    fop_read(vp, &raw mut uio, 0, cr, none)
                } else {
                    fop_write(vp, &raw mut uio, 0, cr, none)
                };
                if (*vp).v_type == VREG {
                    f_offset(fp).store(uio._uio_offset._f, Relaxed);
                }
                fop_rwunlock(vp, write, none);
                let done = len - uio.uio_resid as usize;
                if error == 0 || (error == EINTR && done > 0) {
                    Ok(done as i64)
                } else {
                    Err(error)
                }
            }
        })
        .map(|n| n as usize)
    }

    /// lseek(2).
    ///
    /// # Errors
    /// EBADF, or what the file answers: ENOSYS for a port (S16).
    pub fn lseek(&self, fd: i32, offset: i64, whence: Whence) -> Result<i64, i32> {
        with_file(num::LSEEK, fd, |fp| {
            // SAFETY: held.
            unsafe {
                let vp = (*fp).f_vnode;
                let old = f_offset(fp).load(Relaxed);
                let from = match whence {
                    Whence::Set => 0,
                    Whence::Cur => old,
                    Whence::End => attributes(vp, (*fp).f_cred)?.va_size as offset_t,
                };
                let mut new = from.wrapping_add(offset);
                check(fop_seek(vp, old, &raw mut new, ptr::null_mut()))?;
                f_offset(fp).store(new, Relaxed);
                Ok(new)
            }
        })
    }

    /// ioctl(2).
    ///
    /// # Errors
    /// EBADF, or what the file answers: ENOSYS for a port (S16).
    pub fn ioctl(&self, fd: i32, cmd: i32, arg: isize) -> Result<i32, i32> {
        with_file(num::IOCTL, fd, |fp| {
            let mut value = 0;
            // SAFETY: held; the result is writable.
            unsafe {
                let flag = c_int::from(f_flag(fp).load(Relaxed)) | (*curproc()).p_model as c_int;
                let none = ptr::null_mut();
                check(fop_ioctl(
                    (*fp).f_vnode,
                    cmd,
                    arg,
                    flag,
                    cred(),
                    &raw mut value,
                    none,
                ))?;
            }
            Ok(i64::from(value))
        })
        .map(|v| v as i32)
    }
}
