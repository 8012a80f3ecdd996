//! Requests before they are submitted, and the table in which programs find them again.
//!
//! A request is known by the address of its result in user memory.

use std::ffi::c_int;
use std::ptr;

use bindings::*;

use super::aiocb::{Aiocb, Sigevent};
use crate::aio_subr::aio_enq;

/// Signals are below this.
const NSIG: c_int = 75;

fn bucket(aiop: *mut aio_t, resultp: usize) -> *mut *mut aio_req_t {
    let at = (resultp >> 3) & (AIO_HASHSZ as usize - 1);
    // SAFETY: the index is inside of the table of a live aio_t.
    unsafe { &raw mut (*aiop).aio_hash[at] }
}

/// The request whose result is at `resultp`, or NULL.
///
/// # Safety
/// The caller holds aio_mutex.
pub(crate) unsafe fn hash_find(aiop: *mut aio_t, resultp: usize) -> *mut aio_req_t {
    // SAFETY: requests in the table are alive, the table is locked (contract).
    unsafe {
        let mut reqp = *bucket(aiop, resultp);
        while !reqp.is_null() && (*reqp).aio_req_resultp as usize != resultp {
            reqp = (*reqp).aio_hash_next;
        }
        reqp
    }
}

/// Takes a request out of the table.
///
/// # Safety
/// As for [`hash_find`].
pub(crate) unsafe fn hash_delete(aiop: *mut aio_t, reqp: *mut aio_req_t) {
    // SAFETY: as in `hash_find`.
    unsafe {
        let mut link = bucket(aiop, (*reqp).aio_req_resultp as usize);
        while !(*link).is_null() {
            if *link == reqp {
                *link = (*reqp).aio_hash_next;
                return;
            }
            link = &raw mut (**link).aio_hash_next;
        }
    }
}

/// Whether a request of descriptor `fd` is pending.
///
/// # Safety
/// As for [`hash_find`].
pub(super) unsafe fn any_pending(aiop: *mut aio_t, fd: c_int) -> bool {
    // SAFETY: as in `hash_find`.
    unsafe {
        (0..AIO_HASHSZ as usize).any(|at| {
            let mut reqp = (*aiop).aio_hash[at];
            while !reqp.is_null() {
                if (*reqp).aio_req_fd == fd && (*reqp).aio_req_flags & AIO_PENDING != 0 {
                    return true;
                }
                reqp = (*reqp).aio_hash_next;
            }
            false
        })
    }
}

/// A request for the result at `resultp`.
///
/// # Errors
/// EAGAIN (no memory), EBUSY (there is one already).
///
/// # Safety
/// As for [`hash_find`].
unsafe fn aio_req_alloc(aiop: *mut aio_t, resultp: usize) -> Result<*mut aio_req_t, c_int> {
    // SAFETY: requests on the free list are alive and nobody's; the list is locked (contract).
    unsafe {
        let mut reqp = (*aiop).aio_free;
        if reqp.is_null() {
            reqp = kmem_zalloc(size_of::<aio_req_t>(), KM_NOSLEEP).cast();
            if reqp.is_null() {
                return Err(EAGAIN);
            }
        } else {
            (*aiop).aio_free = (*reqp).aio_req_next;
            bzero(reqp.cast(), size_of::<aio_req_t>());
        }
        (*reqp).aio_req_uio.uio_iov = &raw mut (*reqp).aio_req_iov;
        (*reqp).aio_req.aio_uio = &raw mut (*reqp).aio_req_uio;
        (*reqp).aio_req.aio_private = reqp.cast();
        (*reqp).aio_req_resultp = resultp as *mut _;
        if !hash_find(aiop, resultp).is_null() {
            (*reqp).aio_req_next = (*aiop).aio_free;
            (*aiop).aio_free = reqp;
            return Err(EBUSY);
        }
        let head = bucket(aiop, resultp);
        (*reqp).aio_hash_next = *head;
        *head = reqp;
        Ok(reqp)
    }
}

/// Makes a pending request of a control block; one that is to tell a port waits on
/// `aio_portpending`.
///
/// # Errors
/// EAGAIN (no memory), EBUSY (the control block is in use).
///
/// # Safety
/// Called by a thread of the process that `aiop` belongs to.
pub(super) unsafe fn aio_req_setup(
    aiop: *mut aio_t,
    cb: &Aiocb,
    resultp: usize,
) -> Result<*mut aio_req_t, c_int> {
    // SAFETY: queues and counts change under aio_mutex; the request is the caller's.
    unsafe {
        let sigqp = sigqueue(cb.sigevent)?;
        mutex_enter(&raw mut (*aiop).aio_mutex);
        let reqp = match aio_req_alloc(aiop, resultp) {
            Ok(reqp) => reqp,
            Err(errno) => {
                mutex_exit(&raw mut (*aiop).aio_mutex);
                if !sigqp.is_null() {
                    kmem_free(sigqp.cast(), size_of::<sigqueue_t>());
                }
                return Err(errno);
            }
        };
        (*aiop).aio_pending += 1;
        (*aiop).aio_outstanding += 1;
        (*reqp).aio_req_flags = AIO_PENDING;
        if cb.sigevent.uses_port() {
            aio_enq(&raw mut (*aiop).aio_portpending, reqp, 0);
        }
        mutex_exit(&raw mut (*aiop).aio_mutex);

        (*reqp).aio_req_fd = cb.fildes;
        (*reqp).aio_req_sigqp = sigqp;
        let uio = &raw mut (*reqp).aio_req_uio;
        (*uio).uio_iovcnt = 1;
        (*uio)._uio_offset._f = cb.offset;
        (*reqp).aio_req_iov = iovec_t {
            iov_base: cb.buf as caddr_t,
            iov_len: cb.nbytes,
        };
        Ok(reqp)
    }
}

/// The signal of SIGEV_SIGNAL; NULL for every other notification.
///
/// # Errors
/// EAGAIN (no memory).
pub(super) fn sigqueue(sigevent: Sigevent) -> Result<*mut sigqueue_t, c_int> {
    if sigevent.notify != SIGEV_SIGNAL || !(1..NSIG).contains(&sigevent.signo) {
        return Ok(ptr::null_mut());
    }
    // SAFETY: fresh memory of the structure's size; zero is valid for all of it.
    unsafe {
        let sigqp: *mut sigqueue_t = kmem_zalloc(size_of::<sigqueue_t>(), KM_NOSLEEP).cast();
        if sigqp.is_null() {
            return Err(EAGAIN);
        }
        (*sigqp).sq_info.si_signo = sigevent.signo;
        (*sigqp).sq_info.si_code = SI_ASYNCIO;
        Ok(sigqp)
    }
}
