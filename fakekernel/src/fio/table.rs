//! The descriptor table of a process, and how it grows.
//!
//! A table begins empty and is replaced by a greater one when a descriptor does not fit. Everybody
//! who locks a descriptor therefore looks whether the table is still the same afterwards; the
//! table changes only with every descriptor of the old one locked. Old tables are kept until the
//! process exits (`fi_rlist`), for those who are about to lock in one.

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering::*};

use bindings::*;

use super::tree;
use crate::mutex;

/// The table of process `p`.
///
/// # Safety
/// `p` is a live process.
pub(crate) unsafe fn finfo(p: *mut proc_t) -> *mut uf_info_t {
    // SAFETY: plain address arithmetic inside a live proc_t.
    unsafe { &raw mut (*p).p_user.u_finfo }
}

/// The entries of a table, which may be about to be replaced.
fn list<'a>(fip: *mut uf_info_t) -> &'a AtomicPtr<uf_entry_t> {
    // SAFETY: tables of processes live as long as those; the field is read by others while
    // `grow` writes it.
    unsafe { AtomicPtr::from_ptr(&raw mut (*fip).fi_list) }
}

/// The size of a table; it only grows.
fn nfiles<'a>(fip: *mut uf_info_t) -> &'a AtomicI32 {
    // SAFETY: as for `list`.
    unsafe { AtomicI32::from_ptr(&raw mut (*fip).fi_nfiles) }
}

/// The place of a descriptor in its table.
///
/// # Invariants
/// `fip` is the table of a live process and has a place for `fd`.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    fip: *mut uf_info_t,
    fd: c_int,
}

/// A descriptor whose uf_lock the holder has; dropped, it unlocks.
pub(super) struct Locked {
    pub(super) ufp: *mut uf_entry_t,
}

impl Entry {
    /// Descriptor `fd`, if the table has a place for it.
    ///
    /// # Safety
    /// `fip` is the table of a process that lives as long as the answer is used.
    pub(super) unsafe fn lookup(fip: *mut uf_info_t, fd: c_int) -> Option<Entry> {
        // The size is stored after the entries, so a place seen here is one of them.
        (0..nfiles(fip).load(Acquire))
            .contains(&fd)
            .then_some(Entry { fip, fd })
    }

    /// Takes the descriptor's lock.
    pub(super) fn enter(self) -> Locked {
        loop {
            let entries = list(self.fip).load(Acquire);
            // SAFETY: the table has the place (type invariant); tables outlive their replacement.
            let ufp = unsafe { entries.add(self.fd as usize) };
            // SAFETY: alive, as above.
            unsafe { mutex_enter(&raw mut (*ufp).uf_lock) };
            let locked = Locked { ufp };
            if list(self.fip).load(Acquire) == entries {
                return locked;
            }
        }
    }

    /// Waits on a cv of the locked descriptor, which may be in another place afterwards.
    ///
    /// # Safety
    /// `locked` is the descriptor, and `cv` one of its own.
    pub(super) unsafe fn wait(self, locked: Locked, cv: *mut kcondvar_t) -> Locked {
        // SAFETY: locked (contract).
        unsafe { cv_wait(cv, &raw mut (*locked.ufp).uf_lock) };
        drop(locked);
        self.enter()
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: taken by `Entry::enter`; the entry is alive.
        unsafe { mutex_exit(&raw mut (*self.ufp).uf_lock) };
    }
}

/// Bytes of a table.
fn bytes(places: c_int) -> usize {
    places as usize * size_of::<uf_entry_t>()
}

/// Makes room for descriptor `fd`.
///
/// # Safety
/// `fip` is the table of the calling thread's process; no lock of it is held.
pub(super) unsafe fn grow(fip: *mut uf_info_t, fd: c_int) {
    let mut places = 1;
    while places <= fd {
        places = places << 1 | 1;
    }
    // SAFETY: fi_lock is held while the table changes, and every descriptor of it is locked, so
    // nobody holds on to a place; the new entries are ours until they are stored.
    unsafe {
        let new: *mut uf_entry_t = kmem_zalloc(bytes(places), KM_SLEEP).cast();
        mutex_enter(&raw mut (*fip).fi_lock);
        let (old, count) = ((*fip).fi_list, (*fip).fi_nfiles);
        if places <= count {
            mutex_exit(&raw mut (*fip).fi_lock);
            kmem_free(new.cast(), bytes(places));
            return;
        }
        // A thread's list of held mutexes has no room for them all.
        for at in 0..count as usize {
            mutex::acquire_unlisted(&raw mut (*old.add(at)).uf_lock);
            mutex::acquire_unlisted(&raw mut (*new.add(at)).uf_lock);
        }
        for at in 0..count as usize {
            let (from, to) = (old.add(at), new.add(at));
            (*to).uf_file = (*from).uf_file;
            (*to).uf_fpollinfo = (*from).uf_fpollinfo;
            (*to).uf_refcnt = (*from).uf_refcnt;
            (*to).uf_alloc = (*from).uf_alloc;
            (*to).uf_flag = (*from).uf_flag;
            (*to).uf_busy = (*from).uf_busy;
            (*to).uf_portfd = (*from).uf_portfd;
            (*to).uf_gen = (*from).uf_gen;
        }
        list(fip).store(new, Release);
        nfiles(fip).store(places, Release);
        for at in 0..count as usize {
            mutex_exit(&raw mut (*new.add(at)).uf_lock);
            // Whoever waits in the old place has to wait in the new one.
            cv_broadcast(&raw mut (*old.add(at)).uf_wanted_cv);
            cv_broadcast(&raw mut (*old.add(at)).uf_closing_cv);
            mutex_exit(&raw mut (*old.add(at)).uf_lock);
        }
        mutex_exit(&raw mut (*fip).fi_lock);
        if count > 0 {
            let retired: *mut uf_rlist_t = kmem_zalloc(size_of::<uf_rlist_t>(), KM_SLEEP).cast();
            (*retired).ur_list = old;
            (*retired).ur_nfiles = count;
            mutex_enter(&raw mut (*fip).fi_lock);
            (*retired).ur_next = (*fip).fi_rlist;
            (*fip).fi_rlist = retired;
            mutex_exit(&raw mut (*fip).fi_lock);
        }
    }
}

/// Gives process `p` a table without a single place.
///
/// # Safety
/// `p` is being created: nobody else uses its table.
pub unsafe fn flist_create(p: *mut proc_t) {
    // SAFETY: the table is ours (contract).
    unsafe {
        let fip = finfo(p);
        mutex_init(
            &raw mut (*fip).fi_lock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );
        (*fip).fi_badfd = -1;
        (*fip).fi_action = -1;
    }
}

/// Gives the child of a fork the parent's open files (less those with FD_CLOFORK); each file gets
/// one more count. Port associations and pollers stay with the parent.
///
/// # Safety
/// Called by a thread of `parent`; `child` went through [`flist_create`] and does not run yet.
pub unsafe fn flist_fork(parent: *mut proc_t, child: *mut proc_t) {
    // SAFETY: both tables are alive (contract), and nobody else knows the child's. The kernel
    // stops the other threads of the parent meanwhile; here each descriptor is held, so that its
    // file stays while f_tlock, which does not nest in uf_lock, is taken.
    unsafe {
        let (pfip, cfip) = (finfo(parent), finfo(child));
        mutex_enter(&raw mut (*pfip).fi_lock);
        let places = tree::min_size(pfip);
        mutex_exit(&raw mut (*pfip).fi_lock);
        (*cfip).fi_list = kmem_zalloc(bytes(places), KM_SLEEP).cast();
        (*cfip).fi_nfiles = places;
        for fd in 0..places {
            let Some(place) = Entry::lookup(pfip, fd) else {
                continue;
            };
            let from = place.enter();
            let (fp, flag) = ((*from.ufp).uf_file, (*from.ufp).uf_flag);
            let to = (*cfip).fi_list.add(fd as usize);
            (*to).uf_gen = (*from.ufp).uf_gen;
            if fp.is_null() || c_int::from(flag) & FD_CLOFORK != 0 {
                continue;
            }
            (*from.ufp).uf_refcnt += 1;
            drop(from);
            super::fhold(fp);
            (*to).uf_file = fp;
            (*to).uf_flag = flag;
            tree::reserve(cfip, fd, 1);
            let from = place.enter();
            (*from.ufp).uf_refcnt -= 1;
            if (*from.ufp).uf_refcnt == 0 {
                cv_broadcast(&raw mut (*from.ufp).uf_closing_cv);
            }
        }
    }
}

/// exec(2): closes the descriptors of the calling process that have FD_CLOEXEC.
///
/// # Safety
/// The calling thread is the only one of `p`, which is its process, and holds no descriptor.
pub unsafe fn close_exec(p: *mut proc_t) {
    // SAFETY: the table is alive; nobody else changes it (contract), though another process may
    // look at it.
    unsafe {
        let fip = finfo(p);
        for fd in 0..(*fip).fi_nfiles {
            let Some(place) = Entry::lookup(fip, fd) else {
                continue;
            };
            mutex_enter(&raw mut (*fip).fi_lock);
            let entry = place.enter();
            let fp = (*entry.ufp).uf_file;
            let close = !fp.is_null() && c_int::from((*entry.ufp).uf_flag) & FD_CLOEXEC != 0;
            let watchers = close.then(|| {
                (*entry.ufp).uf_file = ptr::null_mut();
                (*entry.ufp).uf_flag = 0;
                tree::reserve(fip, fd, -1);
                super::Watchers::take(&entry)
            });
            mutex_exit(&raw mut (*fip).fi_lock);
            drop(entry);
            if let Some(watchers) = watchers {
                watchers.end(fd);
                super::closef(fp);
            }
        }
    }
}

/// Closes everything the calling process has open and frees its table.
///
/// # Safety
/// Called by the last thread of `p`, which is the calling process and ends.
pub unsafe fn closeall(p: *mut proc_t) {
    // SAFETY: no other thread of the process is left (contract).
    unsafe {
        let fip = finfo(p);
        let count = (*fip).fi_nfiles;
        for fd in 0..count as usize {
            let entry = (*fip).fi_list.add(fd);
            let fp = (*entry).uf_file;
            if !fp.is_null() {
                (*entry).uf_file = ptr::null_mut();
                let ports = (*entry).uf_portfd;
                (*entry).uf_portfd = ptr::null_mut();
                super::port_close_fd(ports);
                super::closef(fp);
            }
            if (*entry).uf_refcnt != 0 {
                crate::panic::kernel_panic(
                    "fd-refcnt",
                    &format!(
                        "exit: descriptor {fd} still held {} times (getf without releasef)",
                        (*entry).uf_refcnt
                    ),
                );
            }
        }
        mutex_destroy(&raw mut (*fip).fi_lock);
        let entries = (*fip).fi_list;
        (*fip).fi_nfiles = 0;
        (*fip).fi_list = ptr::null_mut();
        kmem_free(entries.cast(), bytes(count));
        while !(*fip).fi_rlist.is_null() {
            let retired = (*fip).fi_rlist;
            (*fip).fi_rlist = (*retired).ur_next;
            kmem_free((*retired).ur_list.cast(), bytes((*retired).ur_nfiles));
            kmem_free(retired.cast(), size_of::<uf_rlist_t>());
        }
    }
}
