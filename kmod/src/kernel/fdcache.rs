//! The descriptors that are associated with a port.
//!
//! Mirrors `port_fdcache_t`: a hash table of `portfd_t` by descriptor number,
//! under `pc_lock`. genunix removes entries too, with the same bucket rule
//! (`port_pcache_remove_fd`), when a descriptor is closed, and frees them.
//!
//! Two rules keep an entry alive. Only a thread of the process that made an
//! association removes it, either while it holds the descriptor or as the one
//! that closes it; so a process that is no owner never edits the owner's
//! descriptor table (D11). And `pc_lock` is held by whoever uses an entry.
//! `VOP_POLL` may leave `pc_lock` in the middle (`polllock`): it wants the
//! whole guard, so that no entry is known over the call.

use core::ffi::c_short;
use core::mem::size_of;
use core::ptr::{self, NonNull};

use bindings::{file_t, polldat_t, pollhead_t, port_fdcache_t, port_queue_t, portfd_t};

use super::errno::{Errno, Result};
use super::file::OpenFile;
use super::mutex::{Held, Mutex};
use super::poll::PollEvents;
use super::port::Port;
use super::portfd::{Association, port_fd_callback};
use super::proc::{self, Pid};

/// Buckets of a new table. A power of 2, as is the growth.
const START: usize = 256;
/// Entries per bucket beyond which the table grows, and how much it grows.
const GROWTH: usize = 2;

/// The cache of a port, locked.
#[must_use = "the cache is unlocked as soon as the guard is dropped"]
pub struct FdCache<'p> {
    port: &'p Port,
    held: Held<'p>,
}

/// Milliseconds after which a last close looks again; it is woken before.
const LOOK_AGAIN: i32 = 250;

/// What a file said about itself when it was asked.
pub struct Readiness {
    /// The events that hold now.
    pub events: PollEvents,
    /// Where the file tells about later ones.
    pub pollhead: Option<NonNull<pollhead_t>>,
}

/// Gives a new port its cache, without a table yet. May sleep for memory.
///
/// # Safety
///
/// `portq` is a queue of a port nobody else can see.
pub(super) unsafe fn allocate(portq: *mut port_queue_t) {
    // SAFETY: the caller owns the port; KM_SLEEP does not fail.
    unsafe {
        let pcp: *mut port_fdcache_t =
            bindings::kmem_zalloc(size_of::<port_fdcache_t>(), bindings::KM_SLEEP).cast();
        let mutex = &raw mut (*pcp).pc_lock;
        bindings::mutex_init(
            mutex,
            ptr::null_mut(),
            bindings::MUTEX_DEFAULT as _,
            ptr::null_mut(),
        );
        (*pcp).pc_flag = bindings::PC_PORTFS;
        (*portq).portq_pcp = pcp;
    }
}

/// Frees the cache of a port that has no associations any more.
///
/// # Safety
///
/// Nobody can reach the cache any more.
pub(super) unsafe fn port_pcache_destroy(portq: *mut port_queue_t) {
    // SAFETY: the caller vouches for exclusive access.
    unsafe {
        let pcp = (*portq).portq_pcp;
        (*portq).portq_pcp = ptr::null_mut();
        let table = (*pcp).pc_hash;
        if !table.is_null() {
            bindings::kmem_free(table.cast(), table_size((*pcp).pc_hashsize as usize));
        }
        bindings::mutex_destroy(&raw mut (*pcp).pc_lock);
        bindings::kmem_free(pcp.cast(), size_of::<port_fdcache_t>());
    }
}

fn table_size(buckets: usize) -> usize {
    buckets * size_of::<*mut portfd_t>()
}

impl Port {
    /// Locks the cache.
    #[inline]
    pub fn fd_cache(&self) -> FdCache<'_> {
        // SAFETY: made with the port, destroyed with it.
        let mutex = unsafe { Mutex::from_raw(&raw mut (*self.fd_cache_ptr()).pc_lock) };
        FdCache {
            port: self,
            held: mutex.enter(),
        }
    }

    fn fd_cache_ptr(&self) -> *mut port_fdcache_t {
        // SAFETY: set before the port was visible, constant until it is gone.
        unsafe { (*self.queue_ptr()).portq_pcp }
    }
}

impl<'p> FdCache<'p> {
    fn raw(&self) -> *mut port_fdcache_t {
        self.port.fd_cache_ptr()
    }

    fn buckets(&self) -> usize {
        // SAFETY: pc_lock is held; the size is never negative.
        unsafe { (*self.raw()).pc_hashsize as usize }
    }

    /// True if no descriptor was ever associated (S31).
    #[inline]
    pub fn is_unused(&self) -> bool {
        // SAFETY: pc_lock is held.
        unsafe { (*self.raw()).pc_hash.is_null() }
    }

    /// The association of this descriptor with this file, by whatever
    /// process that has the same file under the same number (S33).
    #[inline]
    pub fn find(&mut self, file: &OpenFile) -> Option<Association<'_>> {
        if self.is_unused() {
            return None;
        }
        // SAFETY: pc_lock is held and there is a table.
        let pfd = unsafe { port_cache_lookup_fp(self.raw(), file.fd(), file.as_ptr()) };
        // SAFETY: in the cache, whose lock is held.
        NonNull::new(pfd).map(|pfd| unsafe { Association::from_raw(pfd, self.port) })
    }

    /// As [`find`](Self::find), if the calling thread was the last to arm it.
    #[inline]
    pub fn find_mine(&mut self, file: &OpenFile) -> Option<Association<'_>> {
        self.find(file).filter(Association::is_armed_by_caller)
    }

    /// Makes a new association; it takes a slot of the port (S28) and is known
    /// to the descriptor from now on. May sleep for memory.
    ///
    /// # Errors
    ///
    /// `EAGAIN` at the limit of the port, `ENOMEM` (S27); nothing is left of
    /// the association then.
    #[inline(never)]
    pub fn insert(&mut self, file: &OpenFile) -> Result<Association<'_>> {
        let pcp = self.raw();
        // SAFETY: nothing is borrowed from self yet.
        unsafe { self.make_room() };
        let mut event = ptr::null_mut();
        // SAFETY: the port is live and `event` is writable.
        Errno::check(unsafe {
            bindings::port_alloc_event_local(
                self.port.as_ptr(),
                bindings::PORT_SOURCE_FD,
                bindings::PORT_ALLOC_CACHED,
                &raw mut event,
            )
        })?;
        // SAFETY: KM_SLEEP does not fail; entry and event are ours alone until
        // they are in the cache; the caller holds the descriptor, as
        // addfd_port asks.
        unsafe {
            let pfd: *mut portfd_t =
                bindings::kmem_zalloc(size_of::<portfd_t>(), bindings::KM_SLEEP).cast();
            let pdp = &raw mut (*pfd).pfd_pd;
            (*pdp).pd_fd = file.fd();
            (*pdp).pd_fp = file.as_ptr();
            (*pdp).pd_pcache = pcp.cast();
            (*pdp).pd_portev = event;
            (*event).portkev_callback = Some(port_fd_callback);
            (*event).portkev_arg = pfd.cast();
            (*event).portkev_object = file.fd() as _;
            port_cache_insert_fd(pcp, pdp);
            bindings::addfd_port(file.fd(), pfd);
            Ok(Association::from_raw(
                NonNull::new_unchecked(pfd),
                self.port,
            ))
        }
    }

    /// Asks the file which of `events` hold, and where it tells about them.
    /// `pc_lock` may be free meanwhile.
    ///
    /// # Errors
    ///
    /// Of the file: `EPERM` for edges of a regular file, `ENXIO` for what
    /// cannot be polled (S27).
    pub fn poll(&mut self, file: &OpenFile, events: i32) -> Result<Readiness> {
        let mut ready: c_short = 0;
        let mut php: *mut pollhead_t = ptr::null_mut();
        // SAFETY: the descriptor is held, both results are writable. pc_lock
        // and pc_flag lie where a pollcache_t has them, which is all that
        // polllock touches through t_pollcache.
        Errno::check(unsafe {
            proc::set_pollcache(self.raw().cast());
            let error = bindings::fop_poll(
                (*file.as_ptr()).f_vnode,
                events as c_short,
                0,
                &raw mut ready,
                &raw mut php,
                ptr::null_mut(),
            );
            proc::set_pollcache(ptr::null_mut());
            error
        })?;
        Ok(Readiness {
            events: PollEvents(ready),
            pollhead: NonNull::new(php),
        })
    }

    /// Removes every association that process `owner` made, except of
    /// descriptors that another thread is closing right now: that thread
    /// removes them.
    pub fn remove_all_of(&mut self, owner: Pid) {
        for at in 0..self.buckets() {
            // SAFETY: pc_lock is held; only this thread removes entries
            // meanwhile, and each one after its successor is known.
            let mut pdp: *mut polldat_t = unsafe { (*(*self.raw()).pc_hash.add(at)).cast() };
            while let Some(pfd) = NonNull::new(pdp.cast::<portfd_t>()) {
                // SAFETY: in the cache, whose lock is held.
                let association = unsafe {
                    pdp = (*pdp).pd_hashnext;
                    Association::from_raw(pfd, self.port)
                };
                if association.owner() == owner {
                    port_remove_portfd(association);
                }
            }
        }
    }

    /// Waits until threads that are closing associated descriptors have
    /// removed the rest; `pc_lock` is free meanwhile. No signal ends the wait,
    /// or makes it spin (D18): the close cannot be left half done. But a fork
    /// may stop the thread, as it may those that it waits for.
    pub fn wait_until_empty(&mut self) {
        // SAFETY: pc_lock is held and is the mutex of the condition.
        unsafe {
            while (*self.raw()).pc_fdcount != 0 {
                bindings::cv_wait_stop(
                    &raw mut (*self.raw()).pc_lclosecv,
                    self.held.mutex_ptr(),
                    LOOK_AGAIN,
                );
            }
        }
    }

    /// Grows the table, or makes the first one, if it is time to.
    ///
    /// # Safety
    ///
    /// No entry is borrowed.
    unsafe fn make_room(&mut self) {
        let pcp = self.raw();
        // SAFETY: pc_lock is held; KM_SLEEP does not fail.
        unsafe {
            if (*pcp).pc_hash.is_null() {
                (*pcp).pc_hash =
                    bindings::kmem_zalloc(table_size(START), bindings::KM_SLEEP).cast();
                (*pcp).pc_hashsize = START as _;
            } else if (*pcp).pc_fdcount as usize > self.buckets() * GROWTH {
                port_cache_grow_hashtbl(pcp);
            }
        }
    }
}

/// Removes an association whose process closes the port, if the descriptor
/// is still open.
#[inline(never)]
fn port_remove_portfd(association: Association<'_>) {
    if let Ok(file) = OpenFile::hold(association.fd()) {
        association.remove(&file);
    }
}

/// The bucket of a descriptor number, as genunix finds it: the remainder. The
/// number of buckets is a power of 2, and descriptors are not negative.
///
/// # Safety
///
/// `pcp` has a table and its lock is held.
#[inline]
unsafe fn bucket(pcp: *mut port_fdcache_t, fd: i32) -> *mut *mut portfd_t {
    // SAFETY: the caller vouches; the remainder is inside the table.
    unsafe { (*pcp).pc_hash.add((fd & ((*pcp).pc_hashsize - 1)) as usize) }
}

/// Finds the entry of descriptor and file, null if there is none.
///
/// # Safety
///
/// `pcp` has a table and its lock is held.
#[inline(never)]
unsafe fn port_cache_lookup_fp(
    pcp: *mut port_fdcache_t,
    fd: i32,
    fp: *mut file_t,
) -> *mut portfd_t {
    // SAFETY: the caller vouches; entries of a bucket are live.
    unsafe {
        let mut pdp: *mut polldat_t = (*bucket(pcp, fd)).cast();
        while !pdp.is_null() && ((*pdp).pd_fd != fd || (*pdp).pd_fp != fp) {
            pdp = (*pdp).pd_hashnext;
        }
        pdp.cast()
    }
}

/// Puts an entry at the head of its bucket.
///
/// # Safety
///
/// `pcp` has a table and its lock is held; the entry is in no bucket.
unsafe fn port_cache_insert_fd(pcp: *mut port_fdcache_t, pdp: *mut polldat_t) {
    // SAFETY: the caller vouches.
    unsafe {
        let bucket = bucket(pcp, (*pdp).pd_fd);
        (*pdp).pd_hashnext = (*bucket).cast();
        *bucket = pdp.cast();
        (*pcp).pc_fdcount += 1;
    }
}

/// Moves every entry to a larger table.
///
/// # Safety
///
/// `pcp` has a table and its lock is held.
#[inline(never)]
unsafe fn port_cache_grow_hashtbl(pcp: *mut port_fdcache_t) {
    // SAFETY: the caller vouches; KM_SLEEP does not fail. Nobody sees the
    // cache before the lock is left.
    unsafe {
        let (old, count) = ((*pcp).pc_hash, (*pcp).pc_hashsize as usize);
        let larger = count * GROWTH;
        (*pcp).pc_hash = bindings::kmem_zalloc(table_size(larger), bindings::KM_SLEEP).cast();
        (*pcp).pc_hashsize = larger as _;
        (*pcp).pc_fdcount = 0;
        for at in 0..count {
            let mut pdp: *mut polldat_t = (*old.add(at)).cast();
            while !pdp.is_null() {
                let next = (*pdp).pd_hashnext;
                port_cache_insert_fd(pcp, pdp);
                pdp = next;
            }
        }
        bindings::kmem_free(old.cast(), table_size(count));
    }
}
