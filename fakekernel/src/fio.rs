//! Open files and the descriptors of a process.
//!
//! Mirrors fio.c: the reference that `getf` takes on a descriptor, the list of descriptors each
//! thread is using (`t_activefd`), and a close that waits for those threads, poking them out of
//! their sleeps first (S71).
//!
//! Contexts: threads of a process; none of this runs in interrupt context.
//! Lock order: fi_lock, uf_lock, a_fdlock. p_lock and f_tlock, which is held over VOP_CLOSE, nest
//! with none of them outside.

mod active;
mod file;
mod portfd;
mod table;
mod tree;

use std::ffi::c_int;
use std::ptr;

use bindings::*;

pub use active::{clear_stale_fd, free_afd};
pub(crate) use active::{is_stale, set_post_sys};
pub(crate) use file::{F_TLOCK, f_flag, f_offset, fhold, finit, funhold};
pub use file::{closef, falloc, unfalloc};
pub use portfd::{addfd_port, delfd_port};
pub use table::{close_exec, closeall, flist_create, flist_fork};

use crate::curthread::curproc;
pub(crate) use active::clear_active_fd;
use active::{poke_active, set_active_fd};
use portfd::port_close_fd;
pub(crate) use table::finfo;
use table::{Entry, Locked};

/// Holds the open file of descriptor `fd`; NULL when it is not open.
///
/// # Safety
/// The caller is a thread of a process and gives the hold back with [`releasef`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getf(fd: c_int) -> *mut file_t {
    // SAFETY: the table belongs to the calling thread's process and outlives it.
    unsafe {
        let Some(entry) = Entry::lookup(finfo(curproc()), fd) else {
            return ptr::null_mut();
        };
        // Make room first: no allocation under uf_lock.
        set_active_fd(-1);
        let entry = entry.enter();
        let fp = (*entry.ufp).uf_file;
        if !fp.is_null() {
            (*entry.ufp).uf_refcnt += 1;
            set_active_fd(fd);
        }
        fp
    }
}

/// Gives back what [`getf`] held and wakes a closer.
///
/// # Safety
/// The calling thread holds `fd` by getf.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn releasef(fd: c_int) {
    // SAFETY: as in getf; the hold keeps the entry in use.
    unsafe {
        let Some(entry) = Entry::lookup(finfo(curproc()), fd) else {
            crate::panic::kernel_panic("fd-refcnt", &format!("releasef({fd}): no such descriptor"));
        };
        let entry = entry.enter();
        if (*entry.ufp).uf_refcnt <= 0 {
            crate::panic::kernel_panic(
                "fd-refcnt",
                &format!("releasef({fd}): the descriptor is not held"),
            );
        }
        clear_active_fd(fd);
        (*entry.ufp).uf_refcnt -= 1;
        if (*entry.ufp).uf_refcnt == 0 {
            cv_broadcast(&raw mut (*entry.ufp).uf_closing_cv);
        }
    }
}

/// Gives back a hold that no thread has noted, on a descriptor of the table `fip`; from any context.
///
/// # Safety
/// The hold was taken by getf in the process of that table, and handed on by [`clear_active_fd`].
pub(crate) unsafe fn areleasef(fd: c_int, fip: *mut uf_info_t) {
    // SAFETY: the hold keeps the entry in use (contract).
    unsafe {
        let Some(entry) = Entry::lookup(fip, fd) else {
            crate::panic::kernel_panic(
                "fd-refcnt",
                &format!("areleasef({fd}): no such descriptor"),
            );
        };
        let entry = entry.enter();
        if (*entry.ufp).uf_refcnt <= 0 {
            crate::panic::kernel_panic(
                "fd-refcnt",
                &format!("areleasef({fd}): the descriptor is not held"),
            );
        }
        (*entry.ufp).uf_refcnt -= 1;
        if (*entry.ufp).uf_refcnt == 0 {
            cv_broadcast(&raw mut (*entry.ufp).uf_closing_cv);
        }
    }
}

/// Reserves the lowest free descriptor from `start` up and puts `fp` (or nothing yet) there.
/// None when the process may not have another one.
///
/// # Safety
/// The caller is a thread of a process; a `fp` that is given brings its own f_count.
pub(crate) unsafe fn ufalloc_file(start: c_int, fp: *mut file_t) -> Option<c_int> {
    // SAFETY: as in getf; fi_lock keeps others from taking the same descriptor.
    unsafe {
        let fip = finfo(curproc());
        let limit = c_int::try_from((*curproc()).p_fno_ctl).unwrap_or(c_int::MAX);
        loop {
            mutex_enter(&raw mut (*fip).fi_lock);
            let places = (*fip).fi_nfiles;
            let free = tree::find(fip, start).unwrap_or(start.max(places));
            if free >= limit {
                mutex_exit(&raw mut (*fip).fi_lock);
                return None;
            }
            if let Some(place) = Entry::lookup(fip, free) {
                let entry = place.enter();
                tree::reserve(fip, free, 1);
                (*entry.ufp).uf_file = fp;
                if !fp.is_null() {
                    (*entry.ufp).uf_gen += 1;
                }
                mutex_exit(&raw mut (*fip).fi_lock);
                return Some(free);
            }
            mutex_exit(&raw mut (*fip).fi_lock);
            table::grow(fip, free);
        }
    }
}

/// Puts `fp` into the reserved descriptor `fd`; NULL gives the reservation back.
///
/// # Safety
/// `fd` is reserved by the calling process and has no file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setf(fd: c_int, fp: *mut file_t) {
    // SAFETY: as in getf.
    unsafe {
        let fip = finfo(curproc());
        let Some(entry) = Entry::lookup(fip, fd) else {
            crate::panic::kernel_panic("fd-setf", &format!("setf({fd}): no such descriptor"));
        };
        mutex_enter(&raw mut (*fip).fi_lock);
        let entry = entry.enter();
        if (*entry.ufp).uf_busy == 0 || !(*entry.ufp).uf_file.is_null() {
            crate::panic::kernel_panic(
                "fd-setf",
                &format!("setf({fd}): not a reserved descriptor"),
            );
        }
        if fp.is_null() {
            tree::reserve(fip, fd, -1);
        } else {
            (*entry.ufp).uf_gen += 1;
        }
        (*entry.ufp).uf_file = fp;
        cv_broadcast(&raw mut (*entry.ufp).uf_wanted_cv);
        drop(entry);
        mutex_exit(&raw mut (*fip).fi_lock);
    }
}

/// Closes descriptor `fd` and puts `newfp` (or nothing) in its place. Answers 0, EBADF or, when
/// nothing takes its place, what the close answered.
///
/// Other threads that use the descriptor are poked out of their interruptible sleeps, their
/// system calls end with EBADF, and this call waits until they are gone (S71).
///
/// # Safety
/// The caller is a thread of a process that does not itself hold `fd` by getf; a `newfp` brings
/// its own f_count.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn closeandsetf(fd: c_int, newfp: *mut file_t) -> c_int {
    // SAFETY: as in getf. The entry is reserved (uf_busy) from the moment the file is taken out
    // until setf, so nobody else touches it.
    unsafe {
        let fip = finfo(curproc());
        if !newfp.is_null() && fd >= 0 && Entry::lookup(fip, fd).is_none() {
            table::grow(fip, fd);
        }
        let Some(place) = Entry::lookup(fip, fd) else {
            return EBADF;
        };
        let fi_lock = &raw mut (*fip).fi_lock;
        if !newfp.is_null() {
            mutex_enter(fi_lock);
        }
        let mut entry = place.enter();
        if !newfp.is_null() {
            // Between falloc and setf somebody else owns it.
            while (*entry.ufp).uf_busy != 0 && (*entry.ufp).uf_file.is_null() {
                mutex_exit(fi_lock);
                let wanted = &raw mut (*entry.ufp).uf_wanted_cv;
                drop(place.wait(entry, wanted));
                mutex_enter(fi_lock);
                entry = place.enter();
            }
            let free = (*entry.ufp).uf_file.is_null();
            if free {
                tree::reserve(fip, fd, 1);
                (*entry.ufp).uf_file = newfp;
                (*entry.ufp).uf_gen += 1;
            }
            mutex_exit(fi_lock);
            if free {
                return 0;
            }
        }
        let fp = (*entry.ufp).uf_file;
        if fp.is_null() {
            return EBADF;
        }
        (*entry.ufp).uf_file = ptr::null_mut();
        (*entry.ufp).uf_flag = 0;

        if (*entry.ufp).uf_refcnt > 0 {
            poke_active(&entry, fd);
        }
        while (*entry.ufp).uf_refcnt > 0 {
            let closing = &raw mut (*entry.ufp).uf_closing_cv;
            entry = place.wait(entry, closing);
        }

        let watchers = Watchers::take(&entry);
        drop(entry);
        watchers.end(fd);

        let error = closef(fp);
        setf(fd, newfp);
        if newfp.is_null() { error } else { 0 }
    }
}

/// Who watches a descriptor that is being closed: pollers and ports.
struct Watchers {
    pollers: *mut fpollinfo_t,
    ports: *mut portfd_t,
}

impl Watchers {
    /// Takes them off the descriptor and keeps the pollers' caches.
    fn take(entry: &Locked) -> Watchers {
        // SAFETY: the entry is alive and locked; a poller on the list cannot leave without it.
        unsafe {
            let pollers = (*entry.ufp).uf_fpollinfo;
            let ports = (*entry.ufp).uf_portfd;
            (*entry.ufp).uf_fpollinfo = ptr::null_mut();
            (*entry.ufp).uf_portfd = ptr::null_mut();
            crate::poll::pollblockexit(pollers);
            Watchers { pollers, ports }
        }
    }

    /// Tells the pollers and ends the associations. The caller holds no lock.
    ///
    /// # Safety
    /// The file that descriptor `fd` had is not closed yet.
    unsafe fn end(self, fd: c_int) {
        // SAFETY: both lists are ours since `take`; the file is open (contract).
        unsafe {
            crate::poll::pollcacheclean(self.pollers, fd);
            port_close_fd(self.ports);
        }
    }
}

/// The flags of descriptor `fd`, after setting them if `set` is given.
///
/// # Errors
/// EBADF.
pub(crate) fn descriptor_flags(fd: c_int, set: Option<c_int>) -> Result<c_int, c_int> {
    // SAFETY: the table belongs to the calling thread's process and outlives it.
    unsafe {
        let entry = Entry::lookup(finfo(curproc()), fd).ok_or(EBADF)?.enter();
        if (*entry.ufp).uf_file.is_null() {
            return Err(EBADF);
        }
        if let Some(flags) = set {
            (*entry.ufp).uf_flag = (flags & (FD_CLOEXEC | FD_CLOFORK)) as _;
        }
        Ok(c_int::from((*entry.ufp).uf_flag))
    }
}

/// Adds the calling thread to those that poll `fd`, or takes it off.
///
/// # Safety
/// The calling thread holds `fd` by getf when it is added. When it is taken off, the descriptor
/// may have been closed meanwhile: then the closer has the entry.
pub(crate) unsafe fn fpollinfo(fd: c_int, add: bool) {
    // SAFETY: as in getf; the list is touched under uf_lock, and an entry on it is one that this
    // function allocated.
    unsafe {
        let me = crate::curthread::curthread();
        let fresh: *mut fpollinfo_t = if add {
            kmem_zalloc(size_of::<fpollinfo_t>(), KM_SLEEP).cast()
        } else {
            ptr::null_mut()
        };
        let Some(entry) = Entry::lookup(finfo(curproc()), fd) else {
            return;
        };
        let entry = entry.enter();
        let head = &raw mut (*entry.ufp).uf_fpollinfo;
        if add {
            (*fresh).fp_thread = me;
            (*fresh).fp_next = *head;
            *head = fresh;
            return;
        }
        let mut link = head;
        while !(*link).is_null() && (**link).fp_thread != me {
            link = &raw mut (**link).fp_next;
        }
        let found = *link;
        if !found.is_null() {
            *link = (*found).fp_next;
        }
        drop(entry);
        if !found.is_null() {
            kmem_free(found.cast(), size_of::<fpollinfo_t>());
        }
    }
}
