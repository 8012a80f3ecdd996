//! File systems, as far as a file system without mount needs them.
//!
//! Mirrors vfs.c. There is no mount table: a module's `vfs_t` is its own.

use std::ffi::{c_int, c_void};
use std::mem::offset_of;

use bindings::*;

use crate::fs_subr::{Op, Slot, fs_build_vector, fs_nosys, fs_success};

fn slots() -> [Slot; 10] {
    let nosys = fs_nosys as *const () as Op;
    let fine = fs_success as *const () as Op;
    let slot = |name, offset, op| Slot {
        name,
        offset,
        default: op,
        error: op,
    };
    [
        slot(c"mount", offset_of!(vfsops_t, vfs_mount), nosys),
        slot(c"unmount", offset_of!(vfsops_t, vfs_unmount), nosys),
        slot(c"root", offset_of!(vfsops_t, vfs_root), nosys),
        slot(c"statvfs", offset_of!(vfsops_t, vfs_statvfs), nosys),
        slot(c"sync", offset_of!(vfsops_t, vfs_sync), fine),
        slot(c"vget", offset_of!(vfsops_t, vfs_vget), nosys),
        slot(c"mountroot", offset_of!(vfsops_t, vfs_mountroot), nosys),
        slot(c"freevfs", offset_of!(vfsops_t, vfs_freevfs), fine),
        slot(c"vnstate", offset_of!(vfsops_t, vfs_vnstate), nosys),
        slot(c"syncfs", offset_of!(vfsops_t, vfs_syncfs), nosys),
    ]
}

/// Makes the operations of a file system from a template. Answers 0 or EINVAL (and then NULL).
///
/// # Safety
/// `template` ends with a NULL name; `actual` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vfs_makefsops(
    template: *const fs_operation_def_t,
    actual: *mut *mut vfsops_t,
) -> c_int {
    // SAFETY: the vector is freshly allocated with the size of vfsops_t; the rest is the contract.
    unsafe {
        let vector: *mut c_void = kmem_zalloc(size_of::<vfsops_t>(), KM_SLEEP);
        let error = fs_build_vector(vector, &slots(), template);
        if error == 0 {
            *actual = vector.cast();
        } else {
            kmem_free(vector, size_of::<vfsops_t>());
            *actual = std::ptr::null_mut();
        }
        error
    }
}

/// Frees what [`vfs_makefsops`] made.
///
/// # Safety
/// No file system uses the operations any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vfs_freevfsops(vfsops: *mut vfsops_t) {
    // SAFETY: allocated by vfs_makefsops (contract).
    unsafe { kmem_free(vfsops.cast(), size_of::<vfsops_t>()) };
}

/// Sets the operations of a file system.
///
/// # Safety
/// `vfsp` is live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vfs_setops(vfsp: *mut vfs_t, vfsops: *mut vfsops_t) {
    // SAFETY: the file system is live (contract).
    unsafe {
        if !(*vfsp).vfs_femhead.is_null() {
            crate::panic::kernel_panic("vfs-setops", "the file system is monitored");
        }
        (*vfsp).vfs_op = vfsops;
    }
}

/// Fills the identity of a file system: the compressed device number and `val`.
///
/// # Safety
/// `fsi` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vfs_make_fsid(fsi: *mut fsid_t, dev: dev_t, val: c_int) {
    let (major, minor) = (getmajor(dev), getminor(dev));
    if major > L_MAXMAJ32 as major_t || minor > L_MAXMIN32 as minor_t {
        crate::panic::kernel_panic("vfs-fsid", &format!("device {dev:#x} does not fit a fsid"));
    }
    // SAFETY: writable (contract).
    unsafe { (*fsi).val = [((major << L_BITSMINOR32) | minor) as c_int, val] };
}

/// `VFS_STATVFS`: ENOSYS for a file system that has no such operation.
///
/// # Safety
/// `vfsp` is live and has operations.
pub(crate) unsafe fn statvfs(vfsp: *mut vfs_t, buf: *mut c_void) -> c_int {
    // SAFETY: live with operations (contract); the buffer is big enough for any statvfs64.
    unsafe {
        match (*(*vfsp).vfs_op).vfs_statvfs {
            Some(op) => op(vfsp, buf.cast()),
            None => ENOSYS,
        }
    }
}

/// `VFS_SYNCFS`.
///
/// # Safety
/// `vfsp` is live and has operations.
pub(crate) unsafe fn syncfs(vfsp: *mut vfs_t, cr: *mut cred_t) -> c_int {
    // SAFETY: live with operations (contract).
    unsafe {
        match (*(*vfsp).vfs_op).vfs_syncfs {
            Some(op) => op(vfsp, 0, cr),
            None => ENOSYS,
        }
    }
}
