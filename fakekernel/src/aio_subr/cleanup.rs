//! What is done at the exit of a process with the requests that nobody came for.
//!
//! There is no cleanup thread here (AIOSTART): it serves as_unmap, and nothing waits for locked
//! pages.

use std::ptr;

use bindings::*;

use super::queue::walk;
use super::{aio_req_free, aphysio_unlock, await_senders};
use crate::aio::list::aio_lio_t;
use crate::curthread::curproc;

/// Waits for the requests of the calling process and frees everything; part of exit(2), before the
/// descriptors are closed. Events that were not retrieved are taken back from their ports.
///
/// As in the kernel the event of a list that is not complete is not among them: the list head goes
/// and its slot stays taken.
///
/// # Safety
/// The caller is the last lwp of its process.
pub(crate) unsafe fn aio_cleanup_exit() {
    // SAFETY: completions stop using the aio_t when none is pending; from then on everything is
    // the calling thread's alone.
    unsafe {
        let p = curproc();
        let aiop = (*p).p_aio;
        if aiop.is_null() {
            return;
        }
        let aio_mutex = &raw mut (*aiop).aio_mutex;
        mutex_enter(aio_mutex);
        (*aiop).aio_flags |= AIO_CLEANUP;
        while (*aiop).aio_pending != 0 {
            cv_wait(&raw mut (*aiop).aio_cleanupcv, aio_mutex);
        }
        mutex_exit(aio_mutex);
        await_senders();

        free_queues(aiop);
        p_lock(p, true);
        for reqp in walk((*aiop).aio_doneq) {
            // The list heads of requests done are lost in the kernel; leaks are looked for here.
            let liop: *mut aio_lio_t = (*reqp).aio_req_lio.cast();
            if !liop.is_null() {
                (*liop).lio_nent -= 1;
                if (*liop).lio_nent == 0 {
                    kmem_free(liop.cast(), size_of::<aio_lio_t>());
                }
            }
            kmem_free(reqp.cast(), size_of::<aio_req_t>());
        }
        let mut reqp = (*aiop).aio_free;
        while !reqp.is_null() {
            let next = (*reqp).aio_req_next;
            kmem_free(reqp.cast(), size_of::<aio_req_t>());
            reqp = next;
        }
        let mut liop: *mut aio_lio_t = (*aiop).aio_lio_free.cast();
        while !liop.is_null() {
            let next = (*liop).lio_next;
            kmem_free(liop.cast(), size_of::<aio_lio_t>());
            liop = next;
        }
        for mutex in [
            aio_mutex,
            &raw mut (*aiop).aio_portq_mutex,
            &raw mut (*aiop).aio_cleanupq_mutex,
        ] {
            mutex_destroy(mutex);
        }
        (*p).p_aio = ptr::null_mut();
        p_lock(p, false);
        kmem_free(aiop.cast(), size_of::<aio_t>());
    }
}

/// Frees the requests that completed for the cleanup, and those whose events wait in ports.
///
/// # Safety
/// Nothing is pending and the caller is the last lwp of the process.
unsafe fn free_queues(aiop: *mut aio_t) {
    // SAFETY: the queues are taken over under their locks; what was taken is this thread's.
    unsafe {
        let aio_mutex = &raw mut (*aiop).aio_mutex;
        let take = |q: *mut *mut aio_req_t| std::mem::replace(&mut *q, ptr::null_mut());
        mutex_enter(&raw mut (*aiop).aio_cleanupq_mutex);
        mutex_enter(aio_mutex);
        let cleanupq = take(&raw mut (*aiop).aio_cleanupq);
        let notifyq = take(&raw mut (*aiop).aio_notifyq);
        let portcleanupq = take(&raw mut (*aiop).aio_portcleanupq);
        mutex_exit(aio_mutex);
        mutex_exit(&raw mut (*aiop).aio_cleanupq_mutex);
        mutex_enter(&raw mut (*aiop).aio_portq_mutex);
        let portq = take(&raw mut (*aiop).aio_portq);
        mutex_exit(&raw mut (*aiop).aio_portq_mutex);
        for queue in [cleanupq, notifyq, portq, portcleanupq] {
            for reqp in walk(queue) {
                // Not under aio_mutex: it may sleep, and completions need the mutex.
                (*reqp).aio_req_next = ptr::null_mut();
                aphysio_unlock(reqp);
                mutex_enter(aio_mutex);
                aio_req_free(aiop, reqp);
                mutex_exit(aio_mutex);
            }
        }
    }
}

/// Takes or drops p_lock.
///
/// # Safety
/// `p` is a live process; the lock is dropped by who took it.
unsafe fn p_lock(p: *mut proc_t, take: bool) {
    // SAFETY: a process keeps its lock (contract).
    unsafe {
        let lock = &raw mut (*(*p).p_lockp).pl_lock;
        if take {
            mutex_enter(lock);
        } else {
            mutex_exit(lock);
        }
    }
}
