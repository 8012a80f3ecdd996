//! Deadlock avoidance between VOP_POLL, which is called with the poller's pc_lock held, and a file
//! that calls pollwakeup under a lock of its own.
//!
//! The lock in question is that of the calling thread's t_pollcache, which an event port sets
//! to its fd cache (`port_fdcache_t` has pc_lock where `pollcache_t` has it), or else that of the
//! thread's poll(2).

use std::ffi::c_int;

use bindings::*;

use crate::curthread::curthread;
use crate::panic::kernel_panic;

/// The lock of whoever polls in the calling thread.
fn poller_lock(what: &str) -> *mut kmutex_t {
    // SAFETY: the fields are the calling thread's own; what they point to stays while it polls.
    unsafe {
        let t = curthread();
        let pcp = if !(*t).t_pollcache.is_null() {
            (*t).t_pollcache
        } else if !(*t).t_pollstate.is_null() {
            (*(*t).t_pollstate).ps_pcache
        } else {
            kernel_panic(
                "poll-unlock",
                &format!("{what} by a thread that does not poll"),
            );
        };
        &raw mut (*pcp).pc_lock
    }
}

/// Drops the lock under which the calling thread polls, if it holds it; `*lockstate` is for
/// [`pollrelock`]. Answers 0, or -1 inside a nested /dev/poll, where nothing may be dropped.
///
/// # Safety
/// Called inside VOP_POLL; `lockstate` is writable. The file may have been dissociated, closed or
/// associated anew when the lock is taken again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollunlock(lockstate: *mut c_int) -> c_int {
    // SAFETY: the state is the calling thread's own; `lockstate` is writable (contract).
    unsafe {
        let ps = (*curthread()).t_pollstate;
        if !ps.is_null() && (*ps).ps_depth > 1 {
            (*ps).ps_flags |= POLLSTATE_ULFAIL;
            return -1;
        }
        let lock = poller_lock("pollunlock");
        *lockstate = mutex_owned(lock);
        if *lockstate != 0 {
            mutex_exit(lock);
        }
        0
    }
}

/// Takes again what [`pollunlock`] dropped.
///
/// # Safety
/// Called in the same VOP_POLL with its `lockstate`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollrelock(lockstate: c_int) {
    if lockstate != 0 {
        // SAFETY: whoever polls keeps its cache until VOP_POLL is over.
        unsafe { mutex_enter(poller_lock("pollrelock")) };
    }
}

/// Takes `lp`, a lock of the file, in a VOP_POLL; drops the poller's lock to wait for it.
/// Answers 0, or -1 as [`pollunlock`] does, without the lock.
///
/// # Safety
/// Called inside VOP_POLL; `lp` is a mutex that the caller does not hold.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn polllock(_php: *mut pollhead_t, lp: *mut kmutex_t) -> c_int {
    // SAFETY: as for pollunlock; `lp` is alive (contract).
    unsafe {
        if mutex_tryenter(lp) == 0 {
            let mut lockstate = 0;
            if pollunlock(&raw mut lockstate) != 0 {
                return -1;
            }
            mutex_enter(lp);
            pollrelock(lockstate);
        }
        0
    }
}
