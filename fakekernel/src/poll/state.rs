//! What a thread keeps between its poll(2) calls (`pollstate_t`): its cache, and the lists it
//! polled last, so that a call with the same list asks only files that something happened to.
//!
//! ps_lock guards the lists and who is in the cache; poll(2) holds it but for its sleep, a close
//! takes it to mark the closed descriptor. Lock order: ps_lock, pc_lock, then the locks of files,
//! uf_lock and pollheads.

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use bindings::*;

use super::cache;
use crate::curthread::curthread;
use crate::fio;
use crate::vnode::fop_poll;

/// What poll(2) lets a caller ask for.
const VALID_EVENTS: c_int = POLLIN
    | POLLPRI
    | POLLOUT
    | POLLRDNORM
    | POLLRDBAND
    | POLLWRBAND
    | POLLHUP
    | POLLERR
    | POLLNVAL;

/// The entry of a list whose descriptor was closed: differs from whatever is asked for.
const CLOSED: i16 = POLLCLOSED as i16;

/// A list that was polled.
///
/// # Invariants
/// pd_count of a descriptor is the number of entries with its number in the lists of the thread.
#[derive(Default)]
struct Set {
    /// Where the caller had the list; 0 when this one is not used.
    address: usize,
    list: Vec<pollfd_t>,
    /// How often it was polled.
    count: u64,
}

type Sets = [Set; POLLFDSETS as usize];

/// The calling thread's state, made at the first call.
pub(super) fn of_thread() -> *mut pollstate_t {
    // SAFETY: the field is the calling thread's; others read it when they find the thread by a
    // descriptor it polls, which comes later. Zero is a valid value of the structure.
    unsafe {
        let t = curthread();
        if (*t).t_pollstate.is_null() {
            let ps: *mut pollstate_t = kmem_zalloc(size_of::<pollstate_t>(), KM_SLEEP).cast();
            let lock = &raw mut (*ps).ps_lock;
            mutex_init(lock, ptr::null_mut(), MUTEX_DEFAULT, ptr::null_mut());
            (*ps).ps_pcache = cache::create();
            (*ps).ps_nsets = POLLFDSETS;
            (*ps).ps_pcacheset = Box::into_raw(Box::<Sets>::default()).cast();
            (*t).t_pollstate = ps;
        }
        (*t).t_pollstate
    }
}

/// The lists of a state.
///
/// # Safety
/// The caller holds ps_lock and has no other reference to them.
unsafe fn sets<'a>(ps: *mut pollstate_t) -> &'a mut Sets {
    // SAFETY: made by `of_thread`, guarded by ps_lock (contract).
    unsafe { &mut *(*ps).ps_pcacheset.cast() }
}

/// The set for a list at `address`, and whether it is a fresh one: the one it had before, or one
/// that is not used, or the one that was used least.
///
/// # Safety
/// The caller holds ps_lock.
pub(super) unsafe fn choose(ps: *mut pollstate_t, address: usize) -> (usize, bool) {
    // SAFETY: locked (contract).
    let sets = unsafe { sets(ps) };
    let found = sets.iter().position(|set| set.address == address);
    let unused = || sets.iter().position(|set| set.address == 0);
    if let Some(which) = found {
        sets[which].count += 1;
        (which, false)
    } else if let Some(which) = unused() {
        sets[which].address = address;
        (which, true)
    } else {
        let which = (1..sets.len()).fold(0, |least, i| {
            if sets[i].count < sets[least].count {
                i
            } else {
                least
            }
        });
        sets[which].address = address;
        sets[which].count = 0;
        (which, false)
    }
}

/// Whether entry `index` of a set is cached; it is not when its descriptor was not open.
///
/// # Safety
/// The caller holds ps_lock; the set was resolved with a list that has the entry.
pub(super) unsafe fn is_cached(ps: *mut pollstate_t, which: usize, index: usize) -> bool {
    // SAFETY: locked (contract).
    unsafe { sets(ps)[which].list[index].fd >= 0 }
}

/// Makes a set the list `fds`: what is in both stays, the rest is taken out and put in. The
/// entries put in have their revents, POLLNVAL if the descriptor is not open; the others have 0.
///
/// # Errors
/// What a VOP_POLL answered; the set is then something in between.
///
/// # Safety
/// The caller holds ps_lock of its own state, not pc_lock.
pub(super) unsafe fn resolve(
    ps: *mut pollstate_t,
    which: usize,
    fds: &mut [pollfd_t],
) -> Result<(), c_int> {
    // SAFETY: locked (contract); no reference to the lists is kept over a call.
    unsafe {
        let nothing = pollfd_t {
            fd: -1,
            events: 0,
            revents: 0,
        };
        let before = sets(ps)[which].list.len();
        if before < fds.len() {
            sets(ps)[which].list.resize(fds.len(), nothing);
        }
        for at in 0..sets(ps)[which].list.len() {
            let mut wanted = fds.get_mut(at);
            if let Some(entry) = &mut wanted {
                entry.events &= VALID_EVENTS as i16;
                entry.revents = 0;
            }
            let cached = sets(ps)[which].list[at];
            let same = wanted.as_ref().is_some_and(|entry| {
                entry.fd == cached.fd && entry.events == cached.events && entry.fd >= 0
            });
            if same {
                continue;
            }
            if cached.fd >= 0 {
                delete(ps, cached.fd, cached.events == CLOSED);
                sets(ps)[which].list[at].fd = -1;
            }
            let Some(entry) = wanted.filter(|entry| entry.fd >= 0) else {
                continue;
            };
            let fp = getf(entry.fd);
            if fp.is_null() {
                entry.revents = POLLNVAL as i16;
                continue;
            }
            let error = insert(ps, fp, entry);
            if error == 0 {
                sets(ps)[which].list[at] = *entry;
            }
            releasef(entry.fd);
            if error != 0 {
                return Err(error);
            }
        }
        sets(ps)[which].list.truncate(fds.len());
    }
    Ok(())
}

/// Asks a file and puts its descriptor into the cache, once more if it is there.
///
/// # Safety
/// As for [`resolve`]; the calling thread holds the descriptor, whose file is `fp`, by getf.
unsafe fn insert(ps: *mut pollstate_t, fp: *mut file_t, entry: &mut pollfd_t) -> c_int {
    // SAFETY: locked, and the file is held (contract).
    unsafe {
        let pcp = (*ps).ps_pcache;
        let mut php = ptr::null_mut();
        let revents = &raw mut entry.revents;
        let vp = (*fp).f_vnode;
        let error = fop_poll(vp, entry.events, 0, revents, &raw mut php, ptr::null_mut());
        if error != 0 {
            return error;
        }
        let mut pdp = cache::lookup(pcp, entry.fd);
        if pdp.is_null() {
            pdp = cache::insert(pcp, entry.fd);
        }
        if (*pdp).pd_count > 0 && (*pdp).pd_fp.is_null() {
            invalidate(ps, pdp);
        }
        if (*pdp).pd_count == 0 {
            (*pdp).pd_fp = fp;
            fio::fpollinfo(entry.fd, true);
        }
        let events = super::events(pdp);
        events.fetch_or(c_int::from(entry.events), Relaxed);
        (*pdp).pd_count += 1;
        if !php.is_null() && php != (*pdp).pd_php {
            polldat_disassociate(pdp);
            polldat_associate(pdp, php);
        }
        // A wakeup between the question and the pollhead went by unseen: ask again.
        cache::mark_locked(pcp, entry.fd, true);
        0
    }
}

/// Takes one entry for descriptor `fd` out of the cache; the polldat stays for the next time.
///
/// # Safety
/// As for [`resolve`]; a list has the entry.
unsafe fn delete(ps: *mut pollstate_t, fd: c_int, closed: bool) {
    // SAFETY: locked, and the cache has the descriptor (contract).
    unsafe {
        let pcp = (*ps).ps_pcache;
        let pdp = cache::lookup(pcp, fd);
        if (*pdp).pd_count == 1 {
            super::events(pdp).store(0, Relaxed);
            // Off the pollhead before off the descriptor.
            polldat_disassociate(pdp);
            (*pdp).pd_count = 0;
            if !(*pdp).pd_fp.is_null() {
                (*pdp).pd_fp = ptr::null_mut();
                fio::fpollinfo(fd, false);
            }
        } else if closed {
            invalidate(ps, pdp);
        } else {
            (*pdp).pd_count -= 1;
            return;
        }
        cache::mark_locked(pcp, fd, false);
    }
}

/// Takes a closed descriptor out of all lists.
///
/// # Safety
/// The caller holds ps_lock; the descriptor was closed, which took it off its pollhead.
pub(super) unsafe fn invalidate(ps: *mut pollstate_t, pdp: *mut polldat_t) {
    // SAFETY: locked (contract).
    unsafe {
        for entry in sets(ps).iter_mut().flat_map(|set| &mut set.list) {
            if entry.fd == (*pdp).pd_fd {
                entry.fd = -1;
            }
        }
        super::events(pdp).store(0, Relaxed);
        (*pdp).pd_count = 0;
    }
}

/// First half of a close's work on pollers: keeps their caches. The caller holds uf_lock.
///
/// # Safety
/// `list` was the uf_fpollinfo of a descriptor and is now the caller's.
pub(crate) unsafe fn pollblockexit(list: *mut fpollinfo_t) {
    // SAFETY: a thread on the list cannot leave without uf_lock.
    unsafe {
        let mut info = list;
        while !info.is_null() {
            cache::hold((*(*(*info).fp_thread).t_pollstate).ps_pcache);
            info = (*info).fp_next;
        }
    }
}

/// Second half, without uf_lock: each poller's lists are told, everybody on the pollhead gets a
/// POLLHUP (as in the kernel), and the descriptor leaves the pollhead. A poller asleep answers
/// POLLNVAL.
///
/// # Safety
/// `list` went through [`pollblockexit`]; it is freed. The file of the descriptor is not closed.
pub(crate) unsafe fn pollcacheclean(list: *mut fpollinfo_t, fd: c_int) {
    // SAFETY: the caches are held; the file keeps its pollhead alive (contract).
    unsafe {
        let mut info = list;
        while !info.is_null() {
            let ps = (*(*info).fp_thread).t_pollstate;
            let pcp = (*ps).ps_pcache;
            mutex_enter(&raw mut (*ps).ps_lock);
            clean_entry(ps, fd);
            mutex_exit(&raw mut (*ps).ps_lock);
            cache::release(pcp);
            let next = (*info).fp_next;
            kmem_free(info.cast(), size_of::<fpollinfo_t>());
            info = next;
        }
    }
}

/// # Safety
/// The caller holds ps_lock; the descriptor is in the cache.
unsafe fn clean_entry(ps: *mut pollstate_t, fd: c_int) {
    // SAFETY: locked (contract); polldats stay in the cache as long as their thread.
    unsafe {
        let pdp = cache::lookup((*ps).ps_pcache, fd);
        (*pdp).pd_fp = ptr::null_mut();
        for entry in sets(ps).iter_mut().flat_map(|set| &mut set.list) {
            if entry.fd == fd {
                entry.events = CLOSED;
            }
        }
        let php = super::head(pdp).load(Acquire);
        if !php.is_null() {
            super::pollwakeup(php, POLLHUP as i16);
            polldat_disassociate(pdp);
        }
    }
}

/// Ends what the calling thread keeps; when it exits.
pub(crate) fn pollcleanup() {
    // SAFETY: the state is the calling thread's. Once off all pollheads and descriptors nobody
    // finds it any more, and those who did are waited for.
    unsafe {
        let t = curthread();
        let ps = (*t).t_pollstate;
        if ps.is_null() {
            return;
        }
        let pcp = (*ps).ps_pcache;
        mutex_enter(&raw mut (*ps).ps_lock);
        for pdp in cache::polldats(pcp) {
            polldat_disassociate(pdp);
            if !(*pdp).pd_fp.is_null() {
                fio::fpollinfo((*pdp).pd_fd, false);
                (*pdp).pd_fp = ptr::null_mut();
            }
        }
        mutex_exit(&raw mut (*ps).ps_lock);
        cache::wait_unheld(pcp);
        (*t).t_pollstate = ptr::null_mut();
        cache::destroy(pcp);
        drop(Box::from_raw((*ps).ps_pcacheset.cast::<Sets>()));
        mutex_destroy(&raw mut (*ps).ps_lock);
        kmem_free(ps.cast(), size_of::<pollstate_t>());
    }
}
