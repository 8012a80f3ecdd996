//! What a descriptor is: fstat, fstatvfs, syncfs, fpathconf.

use std::ffi::c_int;
use std::ptr;

use bindings::*;

use super::descriptor::{check, num, with_file};
use super::lwp::Lwp;
use crate::vfs;
use crate::vnode::{fop_getattr, fop_pathconf};

/// The answer of [`Lwp::fstat`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Type and permissions: S_IFPORT ...
    pub mode: u32,
    /// Size in bytes; of a port, its queued events.
    pub size: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Links.
    pub nlink: u32,
    /// Device of the file system.
    pub dev: u64,
    /// Node number.
    pub ino: u64,
    /// Last access: seconds and nanoseconds since 1970.
    pub atime: (i64, i64),
    /// Last modification.
    pub mtime: (i64, i64),
    /// Last change.
    pub ctime: (i64, i64),
}

/// Type bits of a mode for each kind of vnode.
fn vtype_to_mode(kind: vtype_t) -> u32 {
    let bits = match kind {
        VREG => S_IFREG,
        VDIR => S_IFDIR,
        VBLK => S_IFBLK,
        VCHR => S_IFCHR,
        VLNK => S_IFLNK,
        VFIFO => S_IFIFO,
        VDOOR => S_IFDOOR,
        VSOCK => S_IFSOCK,
        VPORT => S_IFPORT,
        _ => 0,
    };
    bits as u32
}

/// VOP_GETATTR of everything stat(2) shows.
///
/// # Safety
/// `vp` is held.
pub(super) unsafe fn attributes(vp: *mut vnode_t, cr: *mut cred_t) -> Result<vattr_t, c_int> {
    // SAFETY: all-zero bytes are a valid vattr_t; the vnode is held (contract).
    unsafe {
        let mut va: vattr_t = std::mem::zeroed();
        va.va_mask = (AT_STAT | AT_NBLOCKS | AT_BLKSIZE | AT_SIZE) as uint_t;
        check(fop_getattr(vp, &raw mut va, 0, cr, ptr::null_mut()))?;
        Ok(va)
    }
}

impl Lwp {
    /// fstat(2).
    ///
    /// # Errors
    /// EBADF, or what the file answers.
    pub fn fstat(&self, fd: i32) -> Result<Stat, i32> {
        let mut stat = None;
        with_file(num::FSTAT, fd, |fp| {
            // SAFETY: held.
            let va = unsafe { attributes((*fp).f_vnode, (*fp).f_cred)? };
            let time = |t: timestruc_t| (t.tv_sec, t.tv_nsec);
            stat = Some(Stat {
                mode: vtype_to_mode(va.va_type) | va.va_mode,
                size: va.va_size,
                uid: va.va_uid,
                gid: va.va_gid,
                nlink: va.va_nlink,
                dev: va.va_fsid,
                ino: va.va_nodeid,
                atime: time(va.va_atime),
                mtime: time(va.va_mtime),
                ctime: time(va.va_ctime),
            });
            Ok(0)
        })?;
        stat.ok_or(EIO)
    }

    /// fstatvfs(2).
    ///
    /// # Errors
    /// EBADF; ENOSYS for a port (S16).
    pub fn fstatvfs(&self, fd: i32) -> Result<(), i32> {
        with_file(num::FSTATVFS, fd, |fp| {
            let mut buf = [0u64; 128];
            // SAFETY: held; the buffer is larger than a statvfs64.
            check(unsafe { vfs::statvfs((*(*fp).f_vnode).v_vfsp, buf.as_mut_ptr().cast()) })
        })
        .map(drop)
    }

    /// syncfs(3C).
    ///
    /// # Errors
    /// EBADF; ENOSYS for a port (S16).
    pub fn syncfs(&self, fd: i32) -> Result<(), i32> {
        with_file(num::FDSYNC, fd, |fp| {
            // SAFETY: held.
            check(unsafe { vfs::syncfs((*(*fp).f_vnode).v_vfsp, (*fp).f_cred) })
        })
        .map(drop)
    }

    /// fpathconf(2) with one of the _PC_* numbers.
    ///
    /// # Errors
    /// EBADF, or what the file answers: ENOSYS for a port.
    pub fn fpathconf(&self, fd: i32, name: i32) -> Result<u64, i32> {
        with_file(num::FPATHCONF, fd, |fp| {
            let mut value = 0;
            // SAFETY: held; the result is writable.
            unsafe {
                let none = ptr::null_mut();
                check(fop_pathconf(
                    (*fp).f_vnode,
                    name,
                    &raw mut value,
                    (*fp).f_cred,
                    none,
                ))?;
            }
            Ok(value as i64)
        })
        .map(|v| v as u64)
    }
}
