//! poll(2), and pollheads: how a file tells those that poll it.
//!
//! Mirrors poll.c. Each thread keeps what it polled from one poll(2) to the next: a polldat per
//! descriptor, on the pollhead that VOP_POLL gave and with the descriptor's pollers, until the
//! descriptor is closed, polled no more, or the thread ends. The next call asks only those that a
//! pollwakeup has marked: a file that has told its pollers once is asked, one that has not is not,
//! so a forgotten pollwakeup is felt. VOP_POLL is always called with `anyyet` 0.
//!
//! Stricter than the kernel: a vnode that goes away while somebody is on a pollhead it gave out is
//! a panic (rule `pollhead-leftover`), and so is a pollwakeup under a lock that the file's VOP_POLL
//! takes (rule `lock-order`), though the kernel would only deadlock when it finds pc_lock taken.
//!
//! Contexts: pollwakeup may run in interrupt context. Lock order: ps_lock, pc_lock, then the
//! file's locks, uf_lock and the pollhead's lock (one of a hashed array, under which nothing
//! sleeps); pollwakeup, coming from the other side, only tries pc_lock.

mod cache;
mod lock;
mod polled;
mod state;
mod wait;

use std::ffi::c_short;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering::*};

use bindings::*;

use crate::panic::kernel_panic;
use crate::port_subr;

pub use lock::{polllock, pollrelock, pollunlock};
pub(crate) use polled::{Given, check_vnode, given};
pub(crate) use state::{pollblockexit, pollcacheclean, pollcleanup};
pub(crate) use wait::poll_common;

/// Number of pollhead locks.
const NPHLOCKS: usize = 64;

struct PhLocks([std::cell::UnsafeCell<kmutex_t>; NPHLOCKS]);

// SAFETY: kmutex_t is used through the mutex functions only.
unsafe impl Sync for PhLocks {}

// SAFETY: all-zero bytes are a mutex that nobody holds.
static PHLOCKS: PhLocks = PhLocks(unsafe { std::mem::zeroed() });

/// The lock of a pollhead.
fn phlock(php: *mut pollhead_t) -> *mut kmutex_t {
    PHLOCKS.0[(php as usize >> 8) % NPHLOCKS].get()
}

/// Makes the pollhead locks; once, while booting.
pub(crate) fn init() {
    for lock in &PHLOCKS.0 {
        // SAFETY: static memory that nobody uses yet.
        unsafe {
            mutex_init(lock.get(), ptr::null_mut(), MUTEX_DEFAULT, ptr::null_mut());
            crate::mutex::no_sleep(lock.get());
        }
    }
}

/// The events a polldat is for; pollwakeup reads them while its owner changes them.
fn events<'a>(pdp: *mut polldat_t) -> &'a AtomicI32 {
    // SAFETY: callers have a live polldat.
    unsafe { AtomicI32::from_ptr(&raw mut (*pdp).pd_events) }
}

/// The pollhead a polldat is on; looked at without its lock, and again with it.
fn head<'a>(pdp: *mut polldat_t) -> &'a AtomicPtr<pollhead_t> {
    // SAFETY: callers have a live polldat.
    unsafe { AtomicPtr::from_ptr(&raw mut (*pdp).pd_php) }
}

/// Puts `pdp` on pollhead `php`.
///
/// # Safety
/// `pdp` is on no pollhead; both stay alive until [`polldat_disassociate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn polldat_associate(pdp: *mut polldat_t, php: *mut pollhead_t) {
    // SAFETY: alive (contract); lists change under the pollhead's lock.
    unsafe {
        if !head(pdp).load(Relaxed).is_null() || !(*pdp).pd_next.is_null() {
            kernel_panic(
                "polldat",
                "polldat_associate of a polldat that is on a pollhead",
            );
        }
        mutex_enter(phlock(php));
        if (*php).ph_list.is_null() {
            polled::first(php);
        }
        (*pdp).pd_next = (*php).ph_list;
        (*php).ph_list = pdp;
        head(pdp).store(php, Release);
        mutex_exit(phlock(php));
    }
}

/// Takes `pdp` off its pollhead, if it is on one.
///
/// # Safety
/// `pdp` is alive, and so is the pollhead it is on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn polldat_disassociate(pdp: *mut polldat_t) {
    // SAFETY: alive (contract). pd_php is looked at again under the lock: somebody may have
    // cleaned the pollhead meanwhile.
    unsafe {
        loop {
            let php = head(pdp).load(Acquire);
            if php.is_null() {
                return;
            }
            mutex_enter(phlock(php));
            let still = head(pdp).load(Relaxed) == php;
            if still {
                unlink(php, pdp);
            }
            mutex_exit(phlock(php));
            if still {
                return;
            }
        }
    }
}

/// Takes `pdp` off the list it is on.
///
/// # Safety
/// The caller holds the lock of `php`, which `pdp` points to.
unsafe fn unlink(php: *mut pollhead_t, pdp: *mut polldat_t) {
    // SAFETY: the list is locked (contract).
    unsafe {
        let mut link = &raw mut (*php).ph_list;
        while !(*link).is_null() && *link != pdp {
            link = &raw mut (**link).pd_next;
        }
        if (*link).is_null() {
            kernel_panic("polldat", "a polldat is not on the pollhead it points to");
        }
        *link = (*pdp).pd_next;
        (*pdp).pd_next = ptr::null_mut();
        head(pdp).store(ptr::null_mut(), Release);
        if (*php).ph_list.is_null() {
            polled::last(php);
        }
    }
}

/// Takes everybody off `php`, which goes away before its pollers do.
///
/// # Safety
/// `php` is alive, and nobody is put on it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollhead_clean(php: *mut pollhead_t) {
    // SAFETY: alive (contract). A polldat on the list is alive while that is locked, and so is
    // its thread's state, which is held before the lock is dropped; ps_lock comes first.
    unsafe {
        mutex_enter(phlock(php));
        while !(*php).ph_list.is_null() {
            let pdp = (*php).ph_list;
            if (*pdp).pd_thread.is_null() {
                unlink(php, pdp);
                continue;
            }
            let ps = (*(*pdp).pd_thread).t_pollstate;
            let pcp = (*pdp).pd_pcache;
            cache::hold(pcp);
            mutex_exit(phlock(php));
            mutex_enter(&raw mut (*ps).ps_lock);
            mutex_enter(phlock(php));
            if head(pdp).load(Relaxed) == php {
                unlink(php, pdp);
            }
            mutex_exit(phlock(php));
            mutex_exit(&raw mut (*ps).ps_lock);
            cache::release(pcp);
            mutex_enter(phlock(php));
        }
        mutex_exit(phlock(php));
    }
}

/// A port whose own pollers have to be told, after its associated descriptor was.
struct Told {
    pp: *mut port_t,
    events: c_short,
}

/// Tells everybody on `php` that `events` happened: pollers are woken, event ports that watch the
/// file get an event, and pollers of those ports are told afterwards.
///
/// # Safety
/// `php` stays alive during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollwakeup(php: *mut pollhead_t, events: c_short) {
    let mut ports: Vec<Told> = Vec::new();
    let (mut php, mut events) = (php, events);
    // SAFETY: alive (contract).
    unsafe { check_order(php) };
    loop {
        // SAFETY: alive (contract, or held by PORTQ_POLLWK_PEND); polldats on the list are alive
        // while the pollhead's lock is held.
        unsafe {
            mutex_enter(phlock(php));
            if let Err(busy) = tell(php, events, &mut ports) {
                // The poller is on its way out of poll, or about to sleep: wait for it, and keep
                // its cache alive meanwhile.
                mutex_exit(phlock(php));
                mutex_enter(&raw mut (*busy).pc_lock);
                mutex_exit(&raw mut (*busy).pc_lock);
                cache::release(busy);
                continue;
            }
            // The port is let go before the pollhead's lock, so that no new poller slips in.
            if ports
                .first()
                .is_some_and(|told| ptr::eq(&raw mut (*told.pp).port_pollhd, php))
            {
                port_pollwkdone(ports.remove(0).pp);
            }
            mutex_exit(phlock(php));
            match ports.first() {
                Some(told) => {
                    php = &raw mut (*told.pp).port_pollhd;
                    events = told.events;
                }
                None => return,
            }
        }
    }
}

/// Tells the lock order that whatever the caller holds comes before the pc_lock of each poller:
/// pollwakeup waits for that lock when it finds it taken.
///
/// # Safety
/// `php` is alive.
unsafe fn check_order(php: *mut pollhead_t) {
    let me = crate::thread::current();
    if me.held.is_empty() || !crate::kernel::config().strict.lock_order {
        return;
    }
    let mut caches = Vec::new();
    // SAFETY: polldats are alive while the list is locked; a held cache stays.
    unsafe {
        mutex_enter(phlock(php));
        let mut pdp = (*php).ph_list;
        while !pdp.is_null() {
            if (*pdp).pd_portev.is_null() {
                cache::hold((*pdp).pd_pcache);
                caches.push((*pdp).pd_pcache);
            }
            pdp = (*pdp).pd_next;
        }
        mutex_exit(phlock(php));
        for pcp in caches {
            crate::lockorder::check(me, &raw const (*pcp).pc_lock as usize, 0);
            cache::release(pcp);
        }
    }
}

/// Walks the pollers of `php`. A poller whose cache is locked ends the walk: the answer is its
/// cache, kept alive for the caller.
///
/// # Safety
/// The caller holds the lock of `php`.
unsafe fn tell(
    php: *mut pollhead_t,
    events: c_short,
    ports: &mut Vec<Told>,
) -> Result<(), *mut pollcache_t> {
    // SAFETY: polldats, their caches and ports are alive while the list is locked (contract).
    unsafe {
        let mut pdp = (*php).ph_list;
        while !pdp.is_null() {
            let wanted = self::events(pdp).load(Relaxed) | (POLLHUP | POLLERR);
            let asked = i32::from(events as u16);
            if asked & wanted != 0 {
                let pkevp = (*pdp).pd_portev;
                if pkevp.is_null() {
                    let pcp = (*pdp).pd_pcache;
                    if mutex_tryenter(&raw mut (*pcp).pc_lock) == 0 {
                        cache::hold(pcp);
                        return Err(pcp);
                    }
                    cache::pollnotify(pcp, (*pdp).pd_fd);
                    mutex_exit(&raw mut (*pcp).pc_lock);
                } else {
                    mutex_enter(&raw mut (*pkevp).portkev_lock);
                    if port_subr::flags(pkevp).load(Relaxed) & PORT_KEV_VALID == 0 {
                        mutex_exit(&raw mut (*pkevp).portkev_lock);
                    } else {
                        (*pkevp).portkev_flags &= !PORT_KEV_VALID;
                        (*pkevp).portkev_events |= asked & wanted;
                        // port_send_event drops portkev_lock; the association keeps the port.
                        let pp = (*pkevp).portkev_port;
                        port_send_event(pkevp);
                        let events = port_pollwkup(pp);
                        if events != 0 {
                            ports.push(Told {
                                pp,
                                events: events as c_short,
                            });
                        }
                    }
                }
            }
            pdp = (*pdp).pd_next;
        }
        Ok(())
    }
}
