//! The part of event ports that lives in genunix: what event sources call.
//!
//! Mirrors port_subr.c of the January 2025 gate, its quirks included: the module under test must
//! work with exactly these functions. What stays out: the helper of PORT_SOURCE_FILE (v_fopdata),
//! which comes with that source.
//!
//! The signalling contract with the module: `portq_thread` is the waiter to wake, `portq_nget` how
//! many events it needs, `portq_getn` > 0 means a retriever will look again anyway; PORTQ_POLLIN
//! and PORTQ_POLLOUT ask for one pollwakeup.
//!
//! Contexts: everything but `port_alloc_event_block` may run in interrupt context
//! (`port_block` waits there for a retriever, as in the kernel).
//! Lock order: pc_lock of the fd cache, portkev_lock, portq_mutex; pollwakeup is called with neither held.

mod alloc;
mod fd;
mod ksource;

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use bindings::*;

use crate::panic::kernel_panic;

pub use alloc::{port_alloc_event, port_alloc_event_block, port_alloc_event_local, port_dup_event};
pub use fd::{port_close_pfd, port_pcache_remove_fd, port_remove_fd_object};
pub use ksource::{port_associate_ksource, port_dissociate_ksource};

/// Largest `max` of port_getn and `nent` of port_sendn.
// SAFETY: exported under the name the kernel uses; nothing else defines it.
#[unsafe(no_mangle)]
pub static mut port_max_list: uint_t = PORT_MAX_LIST as uint_t;

/// The framework's global data; the module initialises it.
// SAFETY: exported under the name the kernel uses. Zero is a valid value of the type (no
// references, no enums inside).
#[unsafe(no_mangle)]
pub static mut port_control: port_control_t = unsafe { std::mem::zeroed() };

/// Waits until nobody else blocks the queue, then blocks it.
///
/// # Safety
/// `portq` is a live queue whose portq_mutex the caller holds; it may be dropped on the way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_block(portq: *mut port_queue_t) {
    // SAFETY: the queue is live and locked (function's contract).
    unsafe {
        while (*portq).portq_flags & PORTQ_BLOCKED != 0 {
            cv_wait(
                &raw mut (*portq).portq_block_cv,
                &raw mut (*portq).portq_mutex,
            );
        }
        (*portq).portq_flags |= PORTQ_BLOCKED;
    }
}

/// Undoes [`port_block`].
///
/// # Safety
/// As for [`port_block`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_unblock(portq: *mut port_queue_t) {
    // SAFETY: the queue is live and locked (function's contract).
    unsafe {
        (*portq).portq_flags &= !PORTQ_BLOCKED;
        cv_signal(&raw mut (*portq).portq_block_cv);
    }
}

/// Called by pollwakeup after it sent an event of an associated fd: POLLIN if somebody polls the
/// port itself; the port is then held until [`port_pollwkdone`].
///
/// # Safety
/// `pp` is a live port.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_pollwkup(pp: *mut port_t) -> c_int {
    // SAFETY: the port is live (function's contract); its flags change under portq_mutex.
    unsafe {
        let portq = &raw mut (*pp).port_queue;
        let mut events = 0;
        mutex_enter(&raw mut (*portq).portq_mutex);
        if (*portq).portq_flags & (PORTQ_POLLIN | PORTQ_POLLWK_PEND) == PORTQ_POLLIN {
            (*portq).portq_flags ^= PORTQ_POLLIN | PORTQ_POLLWK_PEND;
            events = POLLIN;
        }
        mutex_exit(&raw mut (*portq).portq_mutex);
        events
    }
}

/// Ends what [`port_pollwkup`] began. Signals port_cv (D16: the C module waits elsewhere).
///
/// # Safety
/// `pp` is a live port that the caller marked with [`port_pollwkup`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_pollwkdone(pp: *mut port_t) {
    // SAFETY: PORTQ_POLLWK_PEND keeps the port alive until the mutex is dropped here.
    unsafe {
        let portq = &raw mut (*pp).port_queue;
        mutex_enter(&raw mut (*portq).portq_mutex);
        (*portq).portq_flags &= !PORTQ_POLLWK_PEND;
        cv_signal(&raw mut (*pp).port_cv);
        mutex_exit(&raw mut (*portq).portq_mutex);
    }
}

/// Queues a fired event and wakes whom it concerns. An event already queued stays as it is.
/// For PORT_SOURCE_FD the caller holds portkev_lock and this function drops it.
///
/// # Safety
/// `pkevp` is a slot of a live port (its portkev_port is set) that its source owns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_send_event(pkevp: *mut port_kevent_t) {
    // SAFETY: the event holds a slot of its port, so the port cannot go away before the event is
    // queued; afterwards portq_mutex protects until it is dropped. pollwakeup comes later still:
    // the closer must have cleared PORTQ_POLLIN, or it may have freed the port by then.
    unsafe {
        let pp = (*pkevp).portkev_port;
        let portq = &raw mut (*pp).port_queue;
        let from_fd = (*pkevp).portkev_source == PORT_SOURCE_FD;
        mutex_enter(&raw mut (*portq).portq_mutex);
        if (*pkevp).portkev_flags & PORT_KEV_DONEQ != 0 {
            if from_fd {
                mutex_exit(&raw mut (*pkevp).portkev_lock);
            }
            mutex_exit(&raw mut (*portq).portq_mutex);
            return;
        }

        list_insert_tail(&raw mut (*portq).portq_list, pkevp.cast());
        (*portq).portq_nent += 1;
        (*portq).portq_flags &= !PORTQ_WAIT_EVENTS;
        (*pkevp).portkev_flags |= PORT_KEV_DONEQ;
        if from_fd {
            mutex_exit(&raw mut (*pkevp).portkev_lock);
        }

        // The closer waits until every slot handed out is back in the queue.
        if (*portq).portq_flags & PORTQ_CLOSE != 0 && (*pp).port_curr <= (*portq).portq_nent {
            cv_signal(&raw mut (*portq).portq_closecv);
        }
        if (*portq).portq_getn == 0
            && !(*portq).portq_thread.is_null()
            && (*portq).portq_nent >= (*portq).portq_nget
        {
            cv_signal(&raw mut (*(*portq).portq_thread).portget_cv);
        }

        // An FD event comes from pollwakeup itself, which tells the port's pollers later.
        let wake = !from_fd && (*portq).portq_flags & PORTQ_POLLIN != 0;
        if wake && (*portq).portq_flags & PORTQ_CLOSE != 0 {
            kernel_panic(
                "port-closing-polled",
                "an event lets the last close of a port go on, and pollwakeup would use the port \
                 after that: the close has to clear PORTQ_POLLIN",
            );
        }
        if wake {
            (*portq).portq_flags &= !PORTQ_POLLIN;
        }
        mutex_exit(&raw mut (*portq).portq_mutex);
        if wake {
            pollwakeup(&raw mut (*pp).port_pollhd, POLLIN as _);
        }
    }
}

/// Takes a fired event back out of the queue. Returns 1 if it was still queued.
///
/// # Safety
/// `pkevp` is a slot of a live port that its source owns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_remove_done_event(pkevp: *mut port_kevent_t) -> c_int {
    // SAFETY: the slot keeps its port alive (function's contract); queue and flags are touched
    // under portq_mutex with retrievers blocked out.
    unsafe {
        let portq = &raw mut (*(*pkevp).portkev_port).port_queue;
        mutex_enter(&raw mut (*portq).portq_mutex);
        port_block(portq);
        let queued = (*pkevp).portkev_flags & PORT_KEV_DONEQ != 0;
        if queued {
            // A retriever may have moved the queue aside.
            if (*portq).portq_getn != 0 {
                port_push_eventq(portq);
            }
            list_remove(&raw mut (*portq).portq_list, pkevp.cast());
            (*portq).portq_nent -= 1;
            leave_doneq(pkevp);
        }
        port_unblock(portq);
        mutex_exit(&raw mut (*portq).portq_mutex);
        c_int::from(queued)
    }
}

/// Moves what is left of the retrievers' temporary list behind the port's queue (D3: behind).
///
/// # Safety
/// `portq` is a live queue whose portq_mutex the caller holds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_push_eventq(portq: *mut port_queue_t) {
    // SAFETY: queue live and locked (function's contract).
    unsafe {
        list_move_tail(
            &raw mut (*portq).portq_list,
            &raw mut (*portq).portq_get_list,
        );
        (*portq).portq_nent += (*portq).portq_tnent;
        (*portq).portq_tnent = 0;
    }
}

/// Gives an event slot back. A queued event is only marked: the retriever drops it.
///
/// # Safety
/// `pkevp` is a slot its source owns and does not use afterwards (unless it is a cached one).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_free_event(pkevp: *mut port_kevent_t) {
    // SAFETY: the slot keeps its port alive until the count goes down, which happens last under
    // portq_mutex. `port_free_event_local` then looks at the queue once more, as in the kernel.
    unsafe {
        let pp = (*pkevp).portkev_port;
        if pp.is_null() {
            return;
        }
        if (*pkevp).portkev_flags & PORT_ALLOC_PRIVATE != 0 {
            port_free_event_local(pkevp, 0);
            return;
        }
        let portq = &raw mut (*pp).port_queue;
        mutex_enter(&raw mut (*portq).portq_mutex);
        port_block(portq);
        let queued = (*pkevp).portkev_flags & PORT_KEV_DONEQ != 0;
        if queued {
            (*pkevp).portkev_flags |= PORT_KEV_FREE;
            (*pkevp).portkev_callback = None;
        }
        port_unblock(portq);
        if queued || (*pkevp).portkev_flags & PORT_KEV_CACHED != 0 {
            mutex_exit(&raw mut (*portq).portq_mutex);
            return;
        }
        return_slot(pp);
        if (*portq).portq_flags & PORTQ_CLOSE != 0 && (*pp).port_curr <= (*portq).portq_nent {
            cv_signal(&raw mut (*portq).portq_closecv);
        }
        mutex_exit(&raw mut (*portq).portq_mutex);
        port_free_event_local(pkevp, 1);
    }
}

/// Frees the memory of a slot; `counter` 0 also returns the slot to the port's count.
///
/// # Safety
/// `pkevp` is not queued and nobody uses it afterwards; its port is live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_free_event_local(pkevp: *mut port_kevent_t, counter: c_int) {
    // SAFETY: the event is the caller's to free; the port is live (function's contract).
    unsafe {
        let pp = (*pkevp).portkev_port;
        let portq = &raw mut (*pp).port_queue;
        (*pkevp).portkev_callback = None;
        (*pkevp).portkev_flags = 0;
        (*pkevp).portkev_port = ptr::null_mut();
        mutex_destroy(&raw mut (*pkevp).portkev_lock);
        kmem_cache_free(port_control.pc_cache, pkevp.cast());

        mutex_enter(&raw mut (*portq).portq_mutex);
        if counter == 0 {
            return_slot(pp);
        }
        let wake = (*portq).portq_flags & PORTQ_POLLOUT != 0;
        (*portq).portq_flags &= !PORTQ_POLLOUT;
        mutex_exit(&raw mut (*portq).portq_mutex);
        if wake {
            pollwakeup(&raw mut (*pp).port_pollhd, POLLOUT as _);
        }
    }
}

/// Fills the parts of an event that are known before it fires.
///
/// # Safety
/// `pkevp` is a slot the caller owns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_init_event(
    pkevp: *mut port_kevent_t,
    object: uintptr_t,
    user: *mut std::ffi::c_void,
    callback: Option<
        unsafe extern "C" fn(
            *mut std::ffi::c_void,
            *mut c_int,
            pid_t,
            c_int,
            *mut std::ffi::c_void,
        ) -> c_int,
    >,
    sysarg: *mut std::ffi::c_void,
) {
    // SAFETY: the slot is the caller's (function's contract).
    unsafe {
        (*pkevp).portkev_object = object as _;
        (*pkevp).portkev_user = user;
        (*pkevp).portkev_callback = callback;
        (*pkevp).portkev_arg = sysarg;
    }
}

/// One slot fewer in use; wakes one thread waiting for a slot.
///
/// # Safety
/// `pp` is a live port whose portq_mutex the caller holds.
unsafe fn return_slot(pp: *mut port_t) {
    // SAFETY: port live and its queue locked (function's contract).
    unsafe {
        (*pp).port_curr = (*pp).port_curr.wrapping_sub(1);
        if (*pp).port_curr < (*pp).port_max_events {
            cv_signal(&raw mut (*pp).port_cv);
        }
    }
}

/// The flags of an event. What belongs to its source is guarded by portkev_lock, what belongs to
/// the queue by portq_mutex; each side looks at a word that the other may be changing.
///
/// # Safety
/// `pkevp` is live.
pub(crate) unsafe fn flags<'a>(pkevp: *mut port_kevent_t) -> &'a AtomicI32 {
    // SAFETY: an aligned int of a live event (contract).
    unsafe { AtomicI32::from_ptr(&raw mut (*pkevp).portkev_flags) }
}

/// Marks an event as taken off the queue. No read-modify-write, as in the kernel.
///
/// # Safety
/// `pkevp` is live, the portq_mutex of its port held and the port blocked.
unsafe fn leave_doneq(pkevp: *mut port_kevent_t) {
    // SAFETY: contract.
    let flags = unsafe { flags(pkevp) };
    flags.store(flags.load(Relaxed) & !PORT_KEV_DONEQ, Relaxed);
}
