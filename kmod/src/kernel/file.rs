//! Descriptors and file references.
//!
//! Mirrors `getf`/`releasef` and `falloc`/`setf` of `fio.c`.

use core::marker::PhantomData;
use core::ptr;

use super::errno::{Errno, Result};
use super::port::{NewPort, Port};
use super::project::ProjectSlot;
use super::vnode;

/// A port, held through a descriptor of the calling process: it cannot see
/// its last close while this exists.
#[must_use = "the descriptor is released as soon as this is dropped"]
pub struct PortFile {
    fd: i32,
    pp: *mut bindings::port_t,
    not_send: PhantomData<*mut ()>,
}

impl PortFile {
    /// Holds the port behind `fd` (S11).
    ///
    /// # Errors
    ///
    /// `EBADF` if `fd` is not open, `EBADFD` if it is not a port.
    #[inline]
    pub fn hold(fd: i32) -> Result<Self> {
        // SAFETY: getf takes any number.
        let fp = unsafe { bindings::getf(fd) };
        if fp.is_null() {
            return Err(Errno::EBADF);
        }
        // SAFETY: getf's reference keeps file and vnode alive; v_type and
        // v_data of a port's vnode never change while it is open.
        unsafe {
            let vp = (*fp).f_vnode;
            if (*vp).v_type != bindings::VPORT as _ {
                bindings::releasef(fd);
                return Err(Errno::EBADFD);
            }
            Ok(Self {
                fd,
                pp: (*vp).v_data.cast(),
                not_send: PhantomData,
            })
        }
    }

    /// The port.
    #[inline]
    pub fn port(&self) -> &Port {
        // SAFETY: the held file keeps the port alive as long as self.
        unsafe { Port::from_raw(self.pp) }
    }
}

impl Drop for PortFile {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: undoes the getf of hold().
        unsafe { bindings::releasef(self.fd) }
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
