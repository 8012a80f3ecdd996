//! Results of requests (`aio_result_t`), and who asks for them.

use std::ffi::c_int;

use bindings::*;

use super::aiocb::Form;
use super::request::hash_find;
use crate::aio_subr::{aio_copyout_result, aio_deq, aio_req_free, aphysio_unlock};
use crate::{syscall, thread};

/// Stores return value and errno at `resultp`. As in the kernel nobody hears of a bad address; it
/// may be done under a mutex, as single words are stored without copyout.
pub(crate) fn store(resultp: usize, retval: isize, errno: c_int) {
    let native = syscall::get_udatamodel() == DATAMODEL_NATIVE as model_t;
    let aspace = thread::current().process().aspace();
    let stored = if native {
        aspace.put(resultp, &retval.to_ne_bytes())
    } else {
        aspace.put(resultp, &(retval as i32).to_ne_bytes())
    };
    if stored {
        let _ = store_errno(resultp, errno);
    }
}

/// Stores the errno alone, as a mark of progress; false when the address is bad.
pub(super) fn store_errno(resultp: usize, errno: c_int) -> bool {
    let native = syscall::get_udatamodel() == DATAMODEL_NATIVE as model_t;
    let at = if native { 8 } else { 4 };
    let aspace = thread::current().process().aspace();
    aspace.put(resultp + at, &errno.to_ne_bytes())
}

/// Stores the result of the request that was to store it at `resultp` and frees it, if it is done.
///
/// # Errors
/// EINPROGRESS (not done, or done and its event is to be retrieved first), EINVAL (no request).
///
/// # Safety
/// Called by a thread of the process that `aiop` belongs to.
pub(super) unsafe fn reap(aiop: *mut aio_t, resultp: usize) -> Result<(), c_int> {
    // SAFETY: queues and table are locked; a request off its queue is this thread's alone.
    unsafe {
        let aio_mutex = &raw mut (*aiop).aio_mutex;
        mutex_enter(&raw mut (*aiop).aio_cleanupq_mutex);
        mutex_enter(aio_mutex);
        let reqp = hash_find(aiop, resultp);
        let done = !reqp.is_null() && (*reqp).aio_req_flags & AIO_DONEQ != 0;
        if done {
            aio_deq(&raw mut (*aiop).aio_doneq, reqp);
            (*reqp).aio_req_flags &= !AIO_DONEQ;
        }
        mutex_exit(aio_mutex);
        mutex_exit(&raw mut (*aiop).aio_cleanupq_mutex);
        if reqp.is_null() {
            return Err(EINVAL);
        }
        if !done {
            return Err(EINPROGRESS);
        }
        aphysio_unlock(reqp);
        aio_copyout_result(reqp);
        mutex_enter(aio_mutex);
        aio_req_free(aiop, reqp);
        mutex_exit(aio_mutex);
        Ok(())
    }
}

/// aio_error(3C) of a request without a port: stores its result.
///
/// # Errors
/// EINVAL (no such request), EINPROGRESS.
///
/// # Safety
/// Called by a thread of the process that `aiop` (or NULL) belongs to.
pub(super) unsafe fn aioerror(aiop: *mut aio_t, form: Form, cb: usize) -> Result<i64, c_int> {
    if aiop.is_null() || cb == 0 {
        return Err(EINVAL);
    }
    // SAFETY: as the contract says.
    unsafe { reap(aiop, form.result_at(cb)).map(|()| 0) }
}
