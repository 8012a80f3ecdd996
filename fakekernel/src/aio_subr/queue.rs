//! The circular queues of requests.
//!
//! Stricter than the kernel, which follows wild pointers: rule `aio-queue` when a request is taken
//! off a queue that it is not on, or put on a second one.

use std::ffi::c_int;
use std::ptr;

use bindings::aio_req_t;

use crate::panic::kernel_panic;

/// Puts a request behind the others and sets its flag for that queue.
///
/// # Safety
/// `qhead` is a queue whose lock the caller holds; `reqp` is a live request.
pub(crate) unsafe fn aio_enq(qhead: *mut *mut aio_req_t, reqp: *mut aio_req_t, flag: c_int) {
    // SAFETY: requests on a queue are alive, and the queue is locked (contract).
    unsafe {
        if !(*reqp).aio_req_next.is_null() {
            kernel_panic("aio-queue", "a request is put on a second queue");
        }
        let head = *qhead;
        if head.is_null() {
            (*reqp).aio_req_next = reqp;
            (*reqp).aio_req_prev = reqp;
            *qhead = reqp;
        } else {
            let tail = (*head).aio_req_prev;
            (*reqp).aio_req_next = head;
            (*reqp).aio_req_prev = tail;
            (*tail).aio_req_next = reqp;
            (*head).aio_req_prev = reqp;
        }
        (*reqp).aio_req_flags |= flag;
    }
}

/// Takes a request off a queue.
///
/// # Safety
/// As for [`aio_enq`].
pub(crate) unsafe fn aio_deq(qhead: *mut *mut aio_req_t, reqp: *mut aio_req_t) {
    // SAFETY: as in `aio_enq`.
    unsafe {
        if !walk(*qhead).contains(&reqp) {
            kernel_panic(
                "aio-queue",
                "a request is taken off a queue that it is not on",
            );
        }
        let (next, prev) = ((*reqp).aio_req_next, (*reqp).aio_req_prev);
        if next == reqp {
            *qhead = ptr::null_mut();
        } else {
            (*prev).aio_req_next = next;
            (*next).aio_req_prev = prev;
            if *qhead == reqp {
                *qhead = next;
            }
        }
        (*reqp).aio_req_next = ptr::null_mut();
        (*reqp).aio_req_prev = ptr::null_mut();
    }
}

/// The requests of a queue, in order, as they are now.
///
/// # Safety
/// `head` is the head of a queue that nobody changes during the call.
pub(super) unsafe fn walk(head: *mut aio_req_t) -> Vec<*mut aio_req_t> {
    let mut all = Vec::new();
    let mut reqp = head;
    while !reqp.is_null() {
        all.push(reqp);
        // SAFETY: requests on a queue are alive (contract).
        reqp = unsafe { (*reqp).aio_req_next };
        if reqp == head {
            break;
        }
    }
    all
}
