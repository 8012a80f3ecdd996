//! The descriptors each thread is using right now (`t_activefd`).
//!
//! The list itself changes under `a_fdlock`. Its slots, `a_stale` and `t_post_sys` are words that
//! other threads look at or set while the thread runs, without a lock of its own.

use std::ffi::c_int;
use std::sync::atomic::{AtomicI8, AtomicI32, Ordering::Relaxed};

use bindings::*;

use super::table::Locked;
use crate::curthread::curthread;

/// Entries of `a_buf`, before a list is allocated.
const BUILT_IN: c_int = 2;

/// Notes that the calling thread uses `fd`; -1 makes room for one more, which may allocate.
///
/// # Safety
/// Called by a thread of a process; with `fd` other than -1 under uf_lock and after a call with
/// -1.
pub(super) unsafe fn set_active_fd(fd: c_int) {
    // SAFETY: only the thread itself changes its list; others read under a_fdlock, which guards
    // the replacement of the list.
    unsafe {
        let afd = &raw mut (*curthread()).t_activefd;
        if (*afd).a_nfd == 0 {
            mutex_enter(&raw mut (*afd).a_fdlock);
            reset(afd);
            mutex_exit(&raw mut (*afd).a_fdlock);
        }
        for i in 0..(*afd).a_nfd as usize {
            let slot = word((*afd).a_fd.add(i));
            if slot.load(Relaxed) == -1 {
                slot.store(fd, Relaxed);
                return;
            }
        }
        let (old, count) = ((*afd).a_fd, (*afd).a_nfd);
        let new: *mut c_int = kmem_alloc(bytes(count + 1), KM_SLEEP).cast();
        mutex_enter(&raw mut (*afd).a_fdlock);
        new.copy_from_nonoverlapping(old, count as usize);
        *new.add(count as usize) = fd;
        (*afd).a_fd = new;
        (*afd).a_nfd = count + 1;
        mutex_exit(&raw mut (*afd).a_fdlock);
        if count > BUILT_IN {
            kmem_free(old.cast(), bytes(count));
        }
    }
}

/// Takes back one note of [`set_active_fd`]: the descriptor is released, or stays held for somebody
/// else, who will call areleasef.
///
/// # Safety
/// Called by the thread that made it, under uf_lock or while the descriptor is held.
pub(crate) unsafe fn clear_active_fd(fd: c_int) {
    // SAFETY: only the thread itself changes its list.
    unsafe {
        let afd = &raw mut (*curthread()).t_activefd;
        for i in 0..(*afd).a_nfd as usize {
            let slot = word((*afd).a_fd.add(i));
            if slot.load(Relaxed) == fd {
                slot.store(-1, Relaxed);
                return;
            }
        }
    }
    crate::panic::kernel_panic(
        "fd-refcnt",
        &format!("releasef({fd}): held by another thread than the caller"),
    );
}

/// Frees the list of a thread that ends.
///
/// # Safety
/// Called by the thread itself, which does not use any descriptor any more.
pub unsafe fn free_afd(afd: *mut afd_t) {
    // SAFETY: only the thread itself changes its list; it is still a thread of its process, so
    // that others may be reading the list under a_fdlock.
    unsafe {
        let (old, count) = ((*afd).a_fd, (*afd).a_nfd);
        mutex_enter(&raw mut (*afd).a_fdlock);
        reset(afd);
        mutex_exit(&raw mut (*afd).a_fdlock);
        if count > BUILT_IN {
            kmem_free(old.cast(), bytes(count));
        }
    }
}

/// Whether a descriptor that `t` uses was closed under it.
pub fn is_stale(t: *mut kthread_t) -> bool {
    // SAFETY: threads live for ever.
    unsafe { word(&raw mut (*t).t_activefd.a_stale) }.load(Relaxed) != 0
}

/// Sets whether `t` has something to do at the end of its system call.
pub fn set_post_sys(t: *mut kthread_t, on: bool) {
    // SAFETY: threads live for ever; other threads set the byte too, so it is only written here.
    let byte = unsafe { AtomicI8::from_ptr(&raw mut (*t)._tu._ts._t_post_sys) };
    byte.store(on.into(), Relaxed);
}

/// Forgets that a descriptor in use was closed; at the end of a system call.
///
/// # Safety
/// Called by the thread itself, outside any getf.
pub unsafe fn clear_stale_fd() {
    // SAFETY: only the thread itself changes its list.
    unsafe {
        let afd = &raw mut (*curthread()).t_activefd;
        for i in 0..(*afd).a_nfd as usize {
            let fd = word((*afd).a_fd.add(i)).load(Relaxed);
            if fd != -1 {
                crate::panic::kernel_panic(
                    "fd-refcnt",
                    &format!("descriptor {fd} still held at the end of the system call"),
                );
            }
        }
        word(&raw mut (*afd).a_stale).store(0, Relaxed);
    }
}

/// Marks every other thread of the calling process that uses `fd` as having lost it, and wakes it
/// if it sleeps interruptibly.
///
/// # Safety
/// `_entry` is descriptor `fd` of the calling process and has no file any more.
pub(super) unsafe fn poke_active(_entry: &Locked, fd: c_int) {
    let me = curthread();
    // The ring itself changes when threads end: for_each_thread copies it first.
    crate::thread::current().process().for_each_thread(|t| {
        // SAFETY: threads live for ever; the descriptor's lock keeps them from releasing it.
        unsafe {
            if t != me && is_active_fd(t, fd) {
                word(&raw mut (*t).t_activefd.a_stale).store(1, Relaxed);
                set_post_sys(t, true);
                crate::signal::setrun(crate::thread::Thread::from_ptr(t));
            }
        }
    });
}

/// Whether thread `t` uses `fd`.
///
/// # Safety
/// `t` stays alive during the call.
unsafe fn is_active_fd(t: *mut kthread_t, fd: c_int) -> bool {
    // SAFETY: the list of another thread is read under its a_fdlock.
    unsafe {
        let afd = &raw mut (*t).t_activefd;
        mutex_enter(&raw mut (*afd).a_fdlock);
        let mut slots = (0..(*afd).a_nfd as usize).map(|i| word((*afd).a_fd.add(i)));
        let active = slots.any(|slot| slot.load(Relaxed) == fd);
        mutex_exit(&raw mut (*afd).a_fdlock);
        active
    }
}

/// The empty built-in list.
///
/// # Safety
/// Nobody reads the list meanwhile.
unsafe fn reset(afd: *mut afd_t) {
    // SAFETY: exclusive (contract).
    unsafe {
        (*afd).a_buf = [-1; BUILT_IN as usize];
        (*afd).a_fd = (&raw mut (*afd).a_buf).cast();
        (*afd).a_nfd = BUILT_IN;
        word(&raw mut (*afd).a_stale).store(0, Relaxed);
    }
}

/// A word of the list that another thread may look at or set.
///
/// # Safety
/// It stays in place, and there is no other access to it than through this.
unsafe fn word<'a>(at: *mut c_int) -> &'a AtomicI32 {
    // SAFETY: as the caller promises; C ints are aligned.
    unsafe { AtomicI32::from_ptr(at) }
}

/// Size of a list of `count` descriptors.
fn bytes(count: c_int) -> usize {
    count as usize * size_of::<c_int>()
}
