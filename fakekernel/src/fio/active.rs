//! The descriptors each thread is using right now (`t_activefd`).

use std::ffi::c_int;

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
            let slot = (*afd).a_fd.add(i);
            if *slot == -1 {
                *slot = fd;
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

/// Takes back one note of [`set_active_fd`].
///
/// # Safety
/// Called by the thread that made it, under uf_lock.
pub(super) unsafe fn clear_active_fd(fd: c_int) {
    // SAFETY: only the thread itself changes its list.
    unsafe {
        let afd = &raw mut (*curthread()).t_activefd;
        for i in 0..(*afd).a_nfd as usize {
            let slot = (*afd).a_fd.add(i);
            if *slot == fd {
                *slot = -1;
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
/// The thread does not use any descriptor any more.
pub unsafe fn free_afd(afd: *mut afd_t) {
    // SAFETY: nobody looks at the list of a thread that left its process (contract).
    unsafe {
        if (*afd).a_nfd > BUILT_IN {
            kmem_free((*afd).a_fd.cast(), bytes((*afd).a_nfd));
        }
        reset(afd);
    }
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
            let fd = *(*afd).a_fd.add(i);
            if fd != -1 {
                crate::panic::kernel_panic(
                    "fd-refcnt",
                    &format!("descriptor {fd} still held at the end of the system call"),
                );
            }
        }
        (*afd).a_stale = 0;
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
                (*t).t_activefd.a_stale = 1;
                (*t)._tu._ts._t_post_sys = 1;
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
        let active = (0..(*afd).a_nfd as usize).any(|i| *(*afd).a_fd.add(i) == fd);
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
        (*afd).a_stale = 0;
    }
}

/// Size of a list of `count` descriptors.
fn bytes(count: c_int) -> usize {
    count as usize * size_of::<c_int>()
}
