//! Timers of processes.
//!
//! Mirrors `os/timer.c`, its quirks included: what it does with a port goes by the number of a
//! descriptor (D10), and is done with `p_lock` held (D12). A timer is an entry of `p_itimer`. Who
//! works on one locks it (`timer_grab`, `timer_release`: a bit under `p_lock` with a condition
//! variable); who deletes it marks it and waits until nobody wants it any more. `it_mutex` guards
//! what expiration and delivery share.
//!
//! Lock order: `p_lock`, `it_mutex`, then the locks of the port.
//! Contexts: `timer_fire` comes from an interrupt, everything else from lwps.

mod create;
mod syscall;

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use bindings::*;

use crate::curthread::{curproc, curthread};
use crate::siginfo;

pub use create::timer_create;
pub use syscall::{timer_delete, timer_getoverrun, timer_gettime, timer_settime};

/// Timers that a process may have: four for each processor that the kernel can have.
pub const TIMER_MAX: uint_t = 1024;

/// The cache of timers.
fn cache() -> *mut kmem_cache_t {
    static CACHE: OnceLock<usize> = OnceLock::new();
    // SAFETY: a name, a size and no functions.
    let make = || unsafe {
        kmem_cache_create(
            c"timer_cache".as_ptr().cast_mut(),
            size_of::<itimer_t>(),
            0,
            None,
            None,
            None,
            ptr::null_mut(),
            ptr::null_mut(),
            0,
        ) as usize
    };
    *CACHE.get_or_init(make) as *mut kmem_cache_t
}

/// The lock of a process.
///
/// # Safety
/// `p` is a process.
unsafe fn p_lock(p: *mut proc_t) -> *mut kmutex_t {
    // SAFETY: processes live for ever.
    unsafe { &raw mut (*(*p).p_lockp).pl_lock }
}

/// Waits until nobody else has the timer locked, then locks it. It may be about to be removed.
///
/// # Safety
/// The caller holds `p_lock` of the timer's process, which is dropped on the way.
unsafe fn timer_lock(p: *mut proc_t, it: *mut itimer_t) {
    // SAFETY: p_lock guards it_lock and it_blockers; a timer with blockers is not freed.
    unsafe {
        while c_int::from((*it).it_lock) & ITLK_LOCKED != 0 {
            (*it).it_blockers += 1;
            cv_wait(&raw mut (*it).it_cv, p_lock(p));
            (*it).it_blockers -= 1;
        }
        (*it).it_lock |= ITLK_LOCKED as ushort_t;
    }
}

/// Unlocks a timer.
///
/// # Safety
/// The caller holds `p_lock` of the timer's process and has locked the timer.
unsafe fn timer_unlock(it: *mut itimer_t) {
    // SAFETY: p_lock guards it_lock.
    unsafe {
        (*it).it_lock &= !(ITLK_LOCKED as ushort_t);
        cv_signal(&raw mut (*it).it_cv);
    }
}

/// The timer of that number, locked; NULL if there is none or it is being removed.
///
/// # Safety
/// The caller is an lwp of `p` without locks.
unsafe fn timer_grab(p: *mut proc_t, tid: timer_t) -> *mut itimer_t {
    let Ok(at) = uint_t::try_from(tid) else {
        return ptr::null_mut();
    };
    // SAFETY: p_lock guards p_itimer and what it leads to.
    unsafe {
        mutex_enter(p_lock(p));
        let mut it = if at < (*p).p_itimer_sz {
            *(*p).p_itimer.add(at as usize)
        } else {
            ptr::null_mut()
        };
        if !it.is_null() {
            timer_lock(p, it);
            if c_int::from((*it).it_lock) & ITLK_REMOVE != 0 {
                timer_unlock(it);
                it = ptr::null_mut();
            }
        }
        mutex_exit(p_lock(p));
        it
    }
}

/// Undoes [`timer_grab`].
///
/// # Safety
/// The caller grabbed `it`, a timer of `p`, and holds no lock.
unsafe fn timer_release(p: *mut proc_t, it: *mut itimer_t) {
    // SAFETY: the caller has locked the timer.
    unsafe {
        mutex_enter(p_lock(p));
        timer_unlock(it);
        mutex_exit(p_lock(p));
    }
}

/// Removes a timer that the caller has locked.
///
/// # Safety
/// `it` is timer `tid` of the calling process `p`, not being removed yet; no lock is held.
unsafe fn timer_delete_grabbed(p: *mut proc_t, tid: timer_t, it: *mut itimer_t) {
    // SAFETY: the timer is locked by the caller; once it is off the table and its clock has let go
    // of it, nobody else knows it but its event, which ends first.
    unsafe {
        let lock = p_lock(p);
        mutex_enter(lock);
        (*it).it_lock |= ITLK_REMOVE as ushort_t;
        while (*it).it_blockers != 0 {
            timer_unlock(it);
            cv_wait(&raw mut (*it).it_cv, lock);
            timer_lock(p, it);
        }
        *(*p).p_itimer.add(tid as usize) = ptr::null_mut();
        mutex_exit(lock);

        if let Some(delete) = (*(*it).it_backend).clk_timer_delete {
            delete(it);
        }
        if !(*it).it_portev.is_null() {
            dissociate(it);
        }

        mutex_enter(lock);
        let sigq = (*it).__data.__proc.__it_sigq;
        if (*it).it_pending > 0 {
            // Whoever takes the signal frees it.
            (*sigq).sq_func = None;
        } else {
            kmem_free(sigq.cast(), size_of::<sigqueue_t>());
        }
        mutex_exit(lock);
        kmem_cache_free(cache(), it.cast());
    }
}

/// Takes a timer that is being removed off its port: the source by the number that the port had
/// when the timer was made, whatever has that number now (D10).
///
/// # Safety
/// The caller has locked the timer, whose clock no longer knows it; no lock is held.
unsafe fn dissociate(it: *mut itimer_t) {
    // SAFETY: it_mutex guards the event; it is the timer's until it is freed here.
    unsafe {
        let mutex = &raw mut (*it).it_mutex;
        mutex_enter(mutex);
        let pev: *mut port_kevent_t = (*it).it_portev.cast();
        if pev.is_null() {
            mutex_exit(mutex);
            return;
        }
        port_dissociate_ksource((*it).it_portfd, PORT_SOURCE_TIMER, (*it).it_portsrc.cast());
        (*it).it_portev = ptr::null_mut();
        (*it).it_flags &= !(IT_PORT as ushort_t);
        (*it).it_pending = 0;
        mutex_exit(mutex);
        port_remove_done_event(pev);
        port_free_event(pev);
    }
}

/// Expiration: sends the event or the signal, or counts if the last one was not taken yet.
///
/// # Safety
/// `it` is a timer whose clock calls, and which is not freed before the call has returned.
pub(crate) unsafe extern "C" fn timer_fire(it: *mut itimer_t) {
    // SAFETY: it_mutex guards flags, event and count. That a timer sends signals does not change,
    // so the answer is still good when the lock is taken again behind p_lock.
    unsafe {
        let mutex = &raw mut (*it).it_mutex;
        mutex_enter(mutex);
        let mut lock = ptr::null_mut();
        if c_int::from((*it).it_flags) & IT_SIGNAL != 0 {
            mutex_exit(mutex);
            lock = p_lock((*it).it_proc);
            mutex_enter(lock);
            mutex_enter(mutex);
        }
        if (*it).it_pending > 0 {
            (*it).it_pending = (*it).it_pending.saturating_add(1);
            mutex_exit(mutex);
        } else if c_int::from((*it).it_flags) & IT_PORT != 0 {
            (*it).it_pending = 1;
            port_send_event((*it).it_portev.cast());
            mutex_exit(mutex);
        } else if !lock.is_null() {
            (*it).it_pending = 1;
            mutex_exit(mutex);
            siginfo::sigaddqa((*it).it_proc, (*it).__data.__proc.__it_sigq);
        } else {
            mutex_exit(mutex);
        }
        if !lock.is_null() {
            mutex_exit(lock);
        }
    }
}

/// The signal of a timer was taken: from now on it may send another.
///
/// # Safety
/// `sigq` is the one of a timer that is still there.
unsafe extern "C" fn timer_signal(sigq: *mut sigqueue_t) {
    // SAFETY: the timer lives (contract); it_mutex guards the counts.
    unsafe {
        let it: *mut itimer_t = (*sigq).sq_backptr.cast();
        mutex_enter(&raw mut (*it).it_mutex);
        (*it).it_overrun = (*it).it_pending - 1;
        (*it).it_pending = 0;
        mutex_exit(&raw mut (*it).it_mutex);
    }
}

/// Delivery of a timer's event: tells how often it expired, and only to its own process.
///
/// # Safety
/// `arg` is the timer of the event, `events` writable.
unsafe extern "C" fn timer_port_callback(
    arg: *mut c_void,
    events: *mut c_int,
    _pid: pid_t,
    _flag: c_int,
    _evp: *mut c_void,
) -> c_int {
    let it: *mut itimer_t = arg.cast();
    // SAFETY: an event with this callback is freed before its timer; it_mutex guards the count.
    unsafe {
        mutex_enter(&raw mut (*it).it_mutex);
        if curproc() != (*it).it_proc {
            mutex_exit(&raw mut (*it).it_mutex);
            return EACCES;
        }
        *events = (*it).it_pending;
        (*it).it_pending = 0;
        mutex_exit(&raw mut (*it).it_mutex);
    }
    0
}

/// A port is closed: the calling process's timers that were made with this number notify nobody
/// any more. A number is all that is compared (D10), and what was counted stays.
///
/// # Safety
/// Called by a closing lwp; a lock it holds comes before `p_lock` (D12).
unsafe extern "C" fn timer_close_port(_arg: *mut c_void, port: c_int, _pid: pid_t, _last: c_int) {
    let p = curproc();
    for tid in 0..TIMER_MAX as timer_t {
        // SAFETY: the caller is an lwp of the process; it_mutex guards the event, which is the
        // timer's until it is freed here.
        unsafe {
            let it = timer_grab(p, tid);
            if it.is_null() {
                continue;
            }
            if !(*it).it_portev.is_null() {
                mutex_enter(&raw mut (*it).it_mutex);
                let mine = (*it).it_portfd == port;
                let pev: *mut port_kevent_t = (*it).it_portev.cast();
                if mine {
                    (*it).it_portev = ptr::null_mut();
                    (*it).it_flags &= !(IT_PORT as ushort_t);
                }
                mutex_exit(&raw mut (*it).it_mutex);
                if mine {
                    port_remove_done_event(pev);
                    port_free_event(pev);
                }
            }
            timer_release(p, it);
        }
    }
}

/// The calling lwp ends: its timers no longer belong to an lwp.
///
/// # Safety
/// The caller holds `p_lock` of its process, which is dropped on the way.
pub(crate) unsafe fn timer_lwpexit() {
    let p = curproc();
    // SAFETY: p_lock guards p_itimer; a timer that is locked stays.
    unsafe {
        let lwp = (*curthread()).t_lwp;
        for at in 0..(*p).p_itimer_sz as usize {
            let it = *(*p).p_itimer.add(at);
            if it.is_null() {
                continue;
            }
            timer_lock(p, it);
            let owner = &raw mut (*it).__data.__proc.__it_lwp;
            if c_int::from((*it).it_lock) & ITLK_REMOVE == 0 && *owner == lwp {
                *owner = ptr::null_mut();
            }
            timer_unlock(it);
        }
    }
}

/// The process ends, or executes another program: removes its timers. Harmless without any.
///
/// # Safety
/// The caller is the only lwp of its process and holds no lock.
pub(crate) unsafe fn timer_exit() {
    let p = curproc();
    // SAFETY: nobody else works on the table any more.
    unsafe {
        if (*p).p_itimer.is_null() {
            return;
        }
        for tid in 0..(*p).p_itimer_sz {
            let it = timer_grab(p, tid as timer_t);
            if !it.is_null() {
                timer_delete_grabbed(p, tid as timer_t, it);
            }
        }
        let size = (*p).p_itimer_sz as usize * size_of::<*mut itimer_t>();
        kmem_free((*p).p_itimer.cast(), size);
        (*p).p_itimer = ptr::null_mut();
        (*p).p_itimer_sz = 0;
    }
}
