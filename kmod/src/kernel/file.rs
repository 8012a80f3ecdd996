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

/// Numbers that descriptors of the calling process may have are below this.
fn table_size() -> i32 {
    // SAFETY: the process's own table; the size only grows.
    let size = unsafe { AtomicI32::from_ptr(&raw mut (*proc::descriptors()).fi_nfiles) };
    size.load(Ordering::Acquire)
}

/// Looks at the file of a descriptor of the calling process, null if it is
/// closed, without holding it: `look` runs under the lock of the entry and
/// must not enter another. None if the table ends before `fd`.
fn with_entry<T>(fd: i32, look: impl FnOnce(*mut file_t) -> T) -> Option<T> {
    let table = proc::descriptors();
    // SAFETY: the process's own table. It may grow while no entry is locked,
    // so the list is looked up again, as UF_ENTER does; older lists are kept.
    unsafe {
        let list = AtomicPtr::from_ptr(&raw mut (*table).fi_list);
        if fd < 0 || fd >= table_size() {
            return None;
        }
        loop {
            let entry = list.load(Ordering::Acquire).add(fd as usize);
            let held = Mutex::from_raw(&raw mut (*entry).uf_lock).enter();
            if entry == list.load(Ordering::Relaxed).add(fd as usize) {
                let seen = look((*entry).uf_file);
                drop(held);
                return Some(seen);
            }
            drop(held);
        }
    }
}

/// Whether `fd` of the calling process is this file. Allocates nothing and
/// waits for nobody, unlike a hold.
pub(super) fn is_same(fd: i32, fp: *mut file_t) -> bool {
    with_entry(fd, |open| open == fp) == Some(true)
}

impl Port {
    /// Whether the calling process has a descriptor of the port. `close` calls
    /// this for a descriptor that is out of the table already, under the lock
    /// of the port's only `file_t` (`f_tlock`): of several closes the last one
    /// finds nothing.
    ///
    /// Looks twice: a dup may be on its way to a number that was passed while
    /// its old one is closed. From the top, since an exit closes from the
    /// bottom: with many descriptors it finds the next one at once.
    pub fn is_open_in_caller(&self) -> bool {
        let vp = self.vnode();
        // SAFETY: a file stays open while its entry is locked.
        let is_here = |fp: *mut file_t| unsafe { !fp.is_null() && (*fp).f_vnode == vp };
        (0..2).any(|_| {
            (0..table_size())
                .rev()
                .any(|fd| with_entry(fd, is_here) == Some(true))
        })
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
