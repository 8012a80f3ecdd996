//! Descriptors and file references.
//!
//! Mirrors `getf`/`releasef` and `falloc`/`setf` of `fio.c`.

use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use bindings::{file_t, vnode_t};

use super::errno::{Errno, Result};
use super::mutex::Mutex;
use super::port::{NewPort, Port};
use super::proc;
use super::project::ProjectSlot;
use super::vnode;

/// An open file, held through a descriptor of the calling process: a close of
/// the descriptor waits until this is dropped.
#[must_use = "the descriptor is released as soon as this is dropped"]
pub struct OpenFile {
    fd: i32,
    fp: *mut file_t,
    not_send: PhantomData<*mut ()>,
}

impl OpenFile {
    /// Holds the file behind `fd`.
    ///
    /// # Errors
    ///
    /// `EBADF` if `fd` is not open.
    #[inline]
    pub fn hold(fd: i32) -> Result<Self> {
        // SAFETY: getf takes any number.
        let fp = unsafe { bindings::getf(fd) };
        if fp.is_null() {
            return Err(Errno::EBADF);
        }
        Ok(Self {
            fd,
            fp,
            not_send: PhantomData,
        })
    }

    /// The descriptor.
    #[inline]
    pub fn fd(&self) -> i32 {
        self.fd
    }

    #[inline]
    pub(super) fn as_ptr(&self) -> *mut file_t {
        self.fp
    }

    #[inline]
    fn vnode(&self) -> *mut vnode_t {
        // SAFETY: getf's reference keeps the file alive; f_vnode is constant.
        unsafe { (*self.fp).f_vnode }
    }
}

impl Drop for OpenFile {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: undoes the getf of hold().
        unsafe { bindings::releasef(self.fd) }
    }
}

/// A port, held through a descriptor of the calling process: it cannot see
/// its last close while this exists.
#[must_use = "the descriptor is released as soon as this is dropped"]
pub struct PortFile(OpenFile);

impl PortFile {
    /// Holds the port behind `fd` (S11).
    ///
    /// # Errors
    ///
    /// `EBADF` if `fd` is not open, `EBADFD` if it is not a port.
    #[inline]
    pub fn hold(fd: i32) -> Result<Self> {
        let file = OpenFile::hold(fd)?;
        // SAFETY: the held file keeps the vnode alive; v_type is constant.
        if unsafe { (*file.vnode()).v_type } == bindings::VPORT as _ {
            Ok(Self(file))
        } else {
            Err(Errno::EBADFD)
        }
    }

    /// The port.
    #[inline]
    pub fn port(&self) -> &Port {
        // SAFETY: v_data of a port's vnode is its port, which the held file
        // keeps alive as long as self.
        unsafe { Port::from_raw((*self.0.vnode()).v_data.cast()) }
    }
}

impl Port {
    /// Whether the calling process has a descriptor of the port. `close` calls
    /// this for a descriptor that is out of the table already, under the lock
    /// of the port's only `file_t` (`f_tlock`): of several closes the last one
    /// finds nothing.
    pub fn is_open_in_caller(&self) -> bool {
        let table = proc::descriptors();
        let vp = self.vnode();
        // SAFETY: the process's own table. It may grow while no entry is
        // locked, so the list is looked up again for each entry, as UF_ENTER
        // does (older lists are kept); a file stays while its entry is locked.
        unsafe {
            let size = AtomicI32::from_ptr(&raw mut (*table).fi_nfiles);
            let list = AtomicPtr::from_ptr(&raw mut (*table).fi_list);
            let mut fd = 0;
            while fd < size.load(Ordering::Acquire) {
                let entry = list.load(Ordering::Acquire).add(fd as usize);
                let held = Mutex::from_raw(&raw mut (*entry).uf_lock).enter();
                let moved = entry != list.load(Ordering::Relaxed).add(fd as usize);
                let fp = (*entry).uf_file;
                let found = !moved && !fp.is_null() && (*fp).f_vnode == vp;
                drop(held);
                if found {
                    return true;
                }
                if !moved {
                    fd += 1;
                }
            }
        }
        false
    }
}

/// Makes a new port reachable through the lowest free descriptor (S1).
///
/// # Errors
///
/// `EMFILE` when the caller has no descriptor left; the port is gone then and
/// not charged to any project.
pub fn install(mut new: NewPort, slot: ProjectSlot) -> Result<i32> {
    let vp = vnode::allocate(&mut new);
    let mut fp = ptr::null_mut();
    let mut fd = -1;
    // SAFETY: `vp` is a new vnode; both results are writable.
    if unsafe { bindings::falloc(vp, 0, &raw mut fp, &raw mut fd) } != 0 {
        // SAFETY: no file refers to the vnode.
        unsafe { bindings::vn_free(vp) };
        new.abandon();
        drop(slot);
        return Err(Errno::EMFILE);
    }
    new.charge(slot, fd);
    new.publish();
    // SAFETY: falloc returned the file locked, and reserved `fd` for it.
    unsafe {
        bindings::mutex_exit(&raw mut (*fp).f_tlock);
        bindings::setf(fd, fp);
    }
    Ok(fd)
}
