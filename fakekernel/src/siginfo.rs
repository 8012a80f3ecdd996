//! Signals that carry information: `p_sigqueue`.
//!
//! Mirrors the queue of `os/sig.c` for a process that asked for information (SA_SIGINFO) with
//! every signal. Only kernel sources put something there; what other signals carry is not kept.

use std::ffi::c_int;
use std::ptr;

use bindings::*;

use crate::proc::Proc;
use crate::signal;

/// Queues a signal for a process.
///
/// # Safety
/// The caller holds `p_lock` of `p`; the entry is on no queue and stays until it is taken or
/// `sq_func` is NULL.
pub(crate) unsafe fn sigaddqa(p: *mut proc_t, sigqp: *mut sigqueue_t) {
    // SAFETY: p_lock guards the queue.
    unsafe {
        (*sigqp).sq_next = ptr::null_mut();
        let mut end = &raw mut (*p).p_sigqueue;
        while !(*end).is_null() {
            end = &raw mut (**end).sq_next;
        }
        *end = sigqp;
        signal::post_process(Proc::from_ptr(p), (*sigqp).sq_info.si_signo);
    }
}

/// The signal was taken from the process: tells the source of the first entry that goes with it.
/// Another entry of the same signal makes it pending again.
pub(crate) fn deliver(proc: &Proc, sig: c_int) {
    let p = proc.as_ptr();
    // SAFETY: p_lock guards the queue; an entry that is taken off is its source's again.
    unsafe {
        mutex_enter(proc.lock_ptr());
        let mut at = &raw mut (*p).p_sigqueue;
        while !(*at).is_null() && (**at).sq_info.si_signo != sig {
            at = &raw mut (**at).sq_next;
        }
        let taken = *at;
        if !taken.is_null() {
            *at = (*taken).sq_next;
            let mut rest = *at;
            while !rest.is_null() && (*rest).sq_info.si_signo != sig {
                rest = (*rest).sq_next;
            }
            if !rest.is_null() {
                signal::post_process(proc, sig);
            }
            siginfofree(taken);
        }
        mutex_exit(proc.lock_ptr());
    }
}

/// Gives an entry back to its source, or frees it if the source is gone.
///
/// # Safety
/// The entry is off the queue.
unsafe fn siginfofree(sigqp: *mut sigqueue_t) {
    // SAFETY: the source's function is for this entry; without one nobody else knows it.
    unsafe {
        match (*sigqp).sq_func {
            Some(done) => done(sigqp),
            None => kmem_free(sigqp.cast(), size_of::<sigqueue_t>()),
        }
    }
}

/// The process ends: nobody takes what is left.
pub(crate) fn sigqfree(proc: &Proc) {
    let p = proc.as_ptr();
    // SAFETY: p_lock guards the queue.
    unsafe {
        mutex_enter(proc.lock_ptr());
        while !(*p).p_sigqueue.is_null() {
            let sigqp = (*p).p_sigqueue;
            (*p).p_sigqueue = (*sigqp).sq_next;
            siginfofree(sigqp);
        }
        mutex_exit(proc.lock_ptr());
    }
}
