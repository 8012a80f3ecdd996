//! What one thread polls (`pollcache_t`): a polldat per descriptor, hashed by its number, and a
//! bit per descriptor that something may have happened to.
//!
//! pc_lock guards bits and pc_flag, which pollwakeup sets. The rest is changed by the thread
//! itself, with ps_lock held. pc_no_exit guards pc_busy, which keeps the cache alive for others.

use std::ffi::c_int;
use std::ptr;

use bindings::*;

/// Descriptors per word of the bitmap.
const WORD: c_int = 64;

/// Makes an empty cache.
pub(super) fn create() -> *mut pollcache_t {
    // SAFETY: fresh memory of the right size; zero is a valid value of the structure.
    unsafe {
        let pcp: *mut pollcache_t = kmem_zalloc(size_of::<pollcache_t>(), KM_SLEEP).cast();
        for mutex in [&raw mut (*pcp).pc_lock, &raw mut (*pcp).pc_no_exit] {
            mutex_init(mutex, ptr::null_mut(), MUTEX_DEFAULT, ptr::null_mut());
        }
        for cv in [&raw mut (*pcp).pc_cv, &raw mut (*pcp).pc_busy_cv] {
            cv_init(cv, ptr::null_mut(), CV_DEFAULT, ptr::null_mut());
        }
        (*pcp).pc_mapsize = POLLMAPCHUNK;
        (*pcp).pc_bitmap = kmem_zalloc(map_bytes(POLLMAPCHUNK), KM_SLEEP).cast();
        (*pcp).pc_hashsize = POLLHASHCHUNKSZ;
        (*pcp).pc_hash = kmem_zalloc(hash_bytes(POLLHASHCHUNKSZ), KM_SLEEP).cast();
        pcp
    }
}

/// Frees a cache with its polldats.
///
/// # Safety
/// Nobody holds the cache, and no polldat of it is on a pollhead.
pub(super) unsafe fn destroy(pcp: *mut pollcache_t) {
    // SAFETY: the cache is ours alone (contract).
    unsafe {
        for pdp in polldats(pcp) {
            kmem_free(pdp.cast(), size_of::<polldat_t>());
        }
        kmem_free((*pcp).pc_hash.cast(), hash_bytes((*pcp).pc_hashsize));
        kmem_free((*pcp).pc_bitmap.cast(), map_bytes((*pcp).pc_mapsize));
        for mutex in [&raw mut (*pcp).pc_lock, &raw mut (*pcp).pc_no_exit] {
            mutex_destroy(mutex);
        }
        for cv in [&raw mut (*pcp).pc_cv, &raw mut (*pcp).pc_busy_cv] {
            cv_destroy(cv);
        }
        kmem_free(pcp.cast(), size_of::<pollcache_t>());
    }
}

fn map_bytes(bits: c_int) -> usize {
    (bits / WORD) as usize * size_of::<ulong_t>()
}

fn hash_bytes(buckets: c_int) -> usize {
    buckets as usize * size_of::<*mut polldat_t>()
}

/// All polldats of a cache.
///
/// # Safety
/// The caller holds ps_lock, or the cache is its own alone.
pub(super) unsafe fn polldats(pcp: *mut pollcache_t) -> Vec<*mut polldat_t> {
    let mut all = Vec::new();
    // SAFETY: the chains do not change meanwhile (contract).
    unsafe {
        for bucket in 0..(*pcp).pc_hashsize as usize {
            let mut pdp = *(*pcp).pc_hash.add(bucket);
            while !pdp.is_null() {
                all.push(pdp);
                pdp = (*pdp).pd_hashnext;
            }
        }
    }
    all
}

/// The polldat of descriptor `fd`, or NULL.
///
/// # Safety
/// The caller holds ps_lock; `fd` is not negative.
pub(super) unsafe fn lookup(pcp: *mut pollcache_t, fd: c_int) -> *mut polldat_t {
    // SAFETY: the chains do not change meanwhile (contract).
    unsafe {
        let mut pdp = *(*pcp).pc_hash.add((fd % (*pcp).pc_hashsize) as usize);
        while !pdp.is_null() && (*pdp).pd_fd != fd {
            pdp = (*pdp).pd_hashnext;
        }
        pdp
    }
}

/// Makes a polldat for descriptor `fd`, which has none, and room for its bit.
///
/// # Safety
/// As for [`lookup`], called by the thread whose cache it is, without pc_lock.
pub(super) unsafe fn insert(pcp: *mut pollcache_t, fd: c_int) -> *mut polldat_t {
    // SAFETY: the cache is the calling thread's and ps_lock is held (contract).
    unsafe {
        if fd >= (*pcp).pc_mapsize {
            grow_map(pcp, fd);
        }
        (*pcp).pc_mapend = (*pcp).pc_mapend.max(fd);
        if (*pcp).pc_fdcount > (*pcp).pc_hashsize * POLLHASHTHRESHOLD {
            grow_hash(pcp);
        }
        let pdp: *mut polldat_t = kmem_zalloc(size_of::<polldat_t>(), KM_SLEEP).cast();
        (*pdp).pd_fd = fd;
        (*pdp).pd_pcache = pcp;
        (*pdp).pd_thread = crate::curthread::curthread();
        link(pcp, pdp);
        (*pcp).pc_fdcount += 1;
        pdp
    }
}

/// Puts a polldat into its bucket.
///
/// # Safety
/// As for [`insert`]; the polldat is in no bucket.
unsafe fn link(pcp: *mut pollcache_t, pdp: *mut polldat_t) {
    // SAFETY: as for insert (contract).
    unsafe {
        let bucket = ((*pdp).pd_fd % (*pcp).pc_hashsize) as usize;
        let bucket = (*pcp).pc_hash.add(bucket);
        (*pdp).pd_hashnext = *bucket;
        *bucket = pdp;
    }
}

/// # Safety
/// As for [`insert`].
unsafe fn grow_hash(pcp: *mut pollcache_t) {
    // SAFETY: as for insert (contract).
    unsafe {
        let all = polldats(pcp);
        let (old, buckets) = ((*pcp).pc_hash, (*pcp).pc_hashsize);
        (*pcp).pc_hashsize = buckets * POLLHASHINC;
        (*pcp).pc_hash = kmem_zalloc(hash_bytes((*pcp).pc_hashsize), KM_SLEEP).cast();
        for pdp in all {
            link(pcp, pdp);
        }
        kmem_free(old.cast(), hash_bytes(buckets));
    }
}

/// # Safety
/// As for [`insert`].
unsafe fn grow_map(pcp: *mut pollcache_t, fd: c_int) {
    // SAFETY: as for insert (contract); pollwakeup sets bits under pc_lock only.
    unsafe {
        let bits = (fd + POLLMAPCHUNK) & !(POLLMAPCHUNK - 1);
        let new: *mut ulong_t = kmem_zalloc(map_bytes(bits), KM_SLEEP).cast();
        mutex_enter(&raw mut (*pcp).pc_lock);
        let (old, before) = ((*pcp).pc_bitmap, (*pcp).pc_mapsize);
        new.copy_from_nonoverlapping(old, (before / WORD) as usize);
        (*pcp).pc_bitmap = new;
        (*pcp).pc_mapsize = bits;
        mutex_exit(&raw mut (*pcp).pc_lock);
        kmem_free(old.cast(), map_bytes(before));
    }
}

/// Whether something may have happened to descriptor `fd`.
///
/// # Safety
/// The caller holds pc_lock; the cache has a polldat for `fd`.
pub(super) unsafe fn is_marked(pcp: *mut pollcache_t, fd: c_int) -> bool {
    // SAFETY: the map has a bit for each polldat, and is locked (contract).
    unsafe { *(*pcp).pc_bitmap.add((fd / WORD) as usize) & 1 << (fd % WORD) != 0 }
}

/// Sets or clears the bit of descriptor `fd`.
///
/// # Safety
/// As for [`is_marked`].
pub(super) unsafe fn mark(pcp: *mut pollcache_t, fd: c_int, on: bool) {
    // SAFETY: as for is_marked (contract).
    unsafe {
        let word = (*pcp).pc_bitmap.add((fd / WORD) as usize);
        if on {
            *word |= 1 << (fd % WORD);
        } else {
            *word &= !(1 << (fd % WORD));
        }
    }
}

/// As [`mark`], for one who does not hold pc_lock.
///
/// # Safety
/// The cache is held or the caller's own, and has a polldat for `fd`.
pub(super) unsafe fn mark_locked(pcp: *mut pollcache_t, fd: c_int, on: bool) {
    // SAFETY: the cache is alive (contract).
    unsafe {
        mutex_enter(&raw mut (*pcp).pc_lock);
        mark(pcp, fd, on);
        mutex_exit(&raw mut (*pcp).pc_lock);
    }
}

/// Marks descriptor `fd` as worth asking and wakes the poller.
///
/// # Safety
/// As for [`is_marked`].
pub(super) unsafe fn pollnotify(pcp: *mut pollcache_t, fd: c_int) {
    // SAFETY: the cache is alive and locked (contract).
    unsafe {
        mark(pcp, fd, true);
        (*pcp).pc_flag |= PC_POLLWAKE;
        cv_broadcast(&raw mut (*pcp).pc_cv);
    }
}

/// Keeps a cache from going away.
///
/// # Safety
/// The cache is alive now.
pub(super) unsafe fn hold(pcp: *mut pollcache_t) {
    // SAFETY: alive (contract).
    unsafe {
        mutex_enter(&raw mut (*pcp).pc_no_exit);
        (*pcp).pc_busy += 1;
        mutex_exit(&raw mut (*pcp).pc_no_exit);
    }
}

/// Undoes [`hold`].
///
/// # Safety
/// The caller holds the cache.
pub(super) unsafe fn release(pcp: *mut pollcache_t) {
    // SAFETY: held (contract).
    unsafe {
        mutex_enter(&raw mut (*pcp).pc_no_exit);
        (*pcp).pc_busy -= 1;
        if (*pcp).pc_busy == 0 {
            cv_signal(&raw mut (*pcp).pc_busy_cv);
        }
        mutex_exit(&raw mut (*pcp).pc_no_exit);
    }
}

/// Waits until nobody holds the cache.
///
/// # Safety
/// The cache is the calling thread's, which holds no lock of it.
pub(super) unsafe fn wait_unheld(pcp: *mut pollcache_t) {
    // SAFETY: alive (contract).
    unsafe {
        mutex_enter(&raw mut (*pcp).pc_no_exit);
        while (*pcp).pc_busy > 0 {
            cv_wait(&raw mut (*pcp).pc_busy_cv, &raw mut (*pcp).pc_no_exit);
        }
        mutex_exit(&raw mut (*pcp).pc_no_exit);
    }
}
