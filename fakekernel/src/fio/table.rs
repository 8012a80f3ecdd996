//! The descriptor table of a process.

use std::ffi::c_int;
use std::ptr;

use bindings::*;

/// The table of process `p`.
///
/// # Safety
/// `p` is a live process.
pub(crate) unsafe fn finfo(p: *mut proc_t) -> *mut uf_info_t {
    // SAFETY: plain address arithmetic inside a live proc_t.
    unsafe { &raw mut (*p).p_user.u_finfo }
}

/// The place of a descriptor in its table.
///
/// # Invariants
/// `ufp` points into the table of a live process; tables do not move.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    ufp: *mut uf_entry_t,
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
        // SAFETY: table live (contract); the index is checked.
        unsafe {
            if fd < 0 || fd >= (*fip).fi_nfiles {
                return None;
            }
            Some(Entry {
                ufp: (*fip).fi_list.add(fd as usize),
            })
        }
    }

    /// Takes the descriptor's lock.
    pub(super) fn enter(self) -> Locked {
        // SAFETY: the entry is alive (type invariant).
        unsafe { mutex_enter(&raw mut (*self.ufp).uf_lock) };
        Locked { ufp: self.ufp }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: taken by `Entry::enter`; the entry is alive.
        unsafe { mutex_exit(&raw mut (*self.ufp).uf_lock) };
    }
}

/// Gives process `p` an empty table of `p_fno_ctl` descriptors.
///
/// # Safety
/// `p` is being created: nobody else uses its table.
pub unsafe fn flist_create(p: *mut proc_t) {
    // SAFETY: the table is ours (contract).
    unsafe {
        let fip = finfo(p);
        let nfiles = usize::try_from((*p).p_fno_ctl)
            .unwrap_or(0)
            .clamp(1, 1 << 16);
        mutex_init(
            &raw mut (*fip).fi_lock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );
        (*fip).fi_badfd = -1;
        (*fip).fi_action = -1;
        (*fip).fi_nfiles = nfiles as c_int;
        (*fip).fi_list = kmem_zalloc(nfiles * size_of::<uf_entry_t>(), KM_SLEEP).cast();
        (*fip).fi_rlist = ptr::null_mut();
        for fd in 0..nfiles {
            let entry = (*fip).fi_list.add(fd);
            mutex_init(
                &raw mut (*entry).uf_lock,
                ptr::null_mut(),
                MUTEX_DEFAULT,
                ptr::null_mut(),
            );
        }
    }
}

/// Gives the child of a fork the parent's open files (less those with FD_CLOFORK); each file gets
/// one more count. Port associations and pollers stay with the parent.
///
/// # Safety
/// Called by a thread of `parent`, of which no other thread changes the table meanwhile; `child`
/// went through [`flist_create`] and does not run yet.
pub unsafe fn flist_fork(parent: *mut proc_t, child: *mut proc_t) {
    // SAFETY: both tables are alive (contract); each parent entry is read under its lock.
    unsafe {
        let (pfip, cfip) = (finfo(parent), finfo(child));
        for fd in 0..(*pfip).fi_nfiles.min((*cfip).fi_nfiles) {
            let Some(from) = Entry::lookup(pfip, fd) else {
                continue;
            };
            let to = (*cfip).fi_list.add(fd as usize);
            let from = from.enter();
            let fp = (*from.ufp).uf_file;
            if fp.is_null() || c_int::from((*from.ufp).uf_flag) & FD_CLOFORK != 0 {
                continue;
            }
            super::fhold(fp);
            (*to).uf_file = fp;
            (*to).uf_flag = (*from.ufp).uf_flag;
            (*to).uf_busy = 1;
            (*to).uf_gen = (*from.ufp).uf_gen;
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
                (*entry.ufp).uf_busy = 0;
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
        let nfiles = (*fip).fi_nfiles as usize;
        for fd in 0..nfiles {
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
        for fd in 0..nfiles {
            mutex_destroy(&raw mut (*(*fip).fi_list.add(fd)).uf_lock);
        }
        mutex_destroy(&raw mut (*fip).fi_lock);
        let list = (*fip).fi_list;
        (*fip).fi_list = ptr::null_mut();
        (*fip).fi_nfiles = 0;
        kmem_free(list.cast(), nfiles * size_of::<uf_entry_t>());
    }
}
