//! Requests of kernel asynchronous I/O after they were submitted: transfer, completion, close of
//! a port, exit of the process.
//!
//! Mirrors aio_subr.c, its order of locks and queues included, since a port sees exactly that: a
//! request with a port waits on `aio_portpending`, its completion (an interrupt) moves it to
//! `aio_portq` and fires its event, and the retrieval of the event (the request's callback) or the
//! close of the port takes it from there. What stays out: requests with the AIO_POLL bit, aiowait's
//! bookkeeping and SIGIO, which never meet a port.
//!
//! Contexts: `aio_done` may run in an interrupt; the others belong to a thread of the process.
//! Lock order: aio_cleanupq_mutex, aio_portq_mutex, aio_mutex, then what port_subr.rs takes.

mod cleanup;
mod close;
mod queue;

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use bindings::*;

pub(crate) use cleanup::aio_cleanup_exit;
pub use close::aio_close_port;
pub(crate) use queue::{aio_deq, aio_enq};

use crate::aio::list::{aio_lio_free, aio_lio_t};
use crate::aio::result;
use crate::curthread::curproc;
use crate::panic::kernel_panic;
use crate::{fio, sched, siginfo, sync, thread};

/// `b_flags` of sys/buf.h.
const B_DONE: c_int = 2;
const B_ERROR: c_int = 4;
const B_PHYS: c_int = 0x20;
/// A transfer to memory.
pub(crate) const B_READ: c_int = 0x40;
const B_BUSY: c_int = 1;
/// A transfer from memory.
pub(crate) const B_WRITE: c_int = 0x100;
const B_ASYNC: c_int = 0x400;

/// The largest transfer that a driver takes in one piece (`maxphys` of an x86 machine).
pub(crate) const MAXPHYS: usize = 56 << 10;

/// Starts the transfer of a request with a driver's strategy routine, without waiting.
///
/// # Errors
/// EINVAL (offset), ENOTSUP (too large for one transfer), EFAULT (the buffer is not the caller's),
/// or what the driver answers.
///
/// # Safety
/// `reqp` is a request of the calling process that was set up and not started.
pub(crate) unsafe fn aphysio(
    strategy: unsafe fn(*mut buf) -> c_int,
    dev: dev_t,
    rw: c_int,
    reqp: *mut aio_req_t,
) -> c_int {
    // SAFETY: the request is the caller's alone (contract).
    unsafe {
        if (*reqp).aio_req_uio._uio_offset._f < 0 {
            return EINVAL;
        }
        let iov = (*reqp).aio_req_iov;
        let bp = &raw mut (*reqp).aio_req_buf;
        (*bp).b_error = 0;
        (*bp).b_flags = B_BUSY | B_PHYS | B_ASYNC | rw;
        (*bp).b_edev = dev;
        (*bp).b_iodone = Some(aio_done);
        (*bp).b_forw = reqp.cast();
        (*bp).b_proc = curproc();
        (*bp).b_bcount = iov.iov_len;
        if iov.iov_len > MAXPHYS {
            return ENOTSUP;
        }
        // A page may have to be brought in.
        sched::sleep(PAGE_IN);
        if !as_pagelock(iov, rw) {
            (*bp).b_flags = rw | B_ERROR;
            (*bp).b_error = EFAULT;
            return EFAULT;
        }
        (*reqp).aio_req_flags |= AIO_PAGELOCKDONE;
        strategy(bp)
    }
}

/// Nanoseconds that locking the pages of a buffer takes.
const PAGE_IN: i64 = 1000;

/// Completions under way: they let go of their request before they send its event.
static SENDING: AtomicUsize = AtomicUsize::new(0);

/// Waits until every completion has sent its event. The kernel's exit does not wait here: it frees
/// the event of a request that is on its queue, sent or not. No module can do anything about that.
fn await_senders() {
    while SENDING.load(Ordering::SeqCst) != 0 {
        sched::sleep(1);
    }
}

/// Whether the buffer can be transferred to (B_READ) or from.
fn as_pagelock(iov: iovec_t, rw: c_int) -> bool {
    let (addr, len) = (iov.iov_base as usize, iov.iov_len);
    let aspace = thread::current().process().aspace();
    let good = if rw == B_READ {
        aspace.writable(addr, len)
    } else {
        aspace.readable(addr, len)
    };
    good == len
}

/// A transfer is over: the request moves on, and whoever asked is told. The descriptor of the file
/// is released, so a close that waits for it goes on.
///
/// # Safety
/// `bp` is the buffer of a request that is pending.
pub(crate) unsafe extern "C" fn aio_done(bp: *mut buf) -> c_int {
    SENDING.fetch_add(1, Ordering::SeqCst);
    // SAFETY: as the contract says.
    unsafe { complete(bp) };
    SENDING.fetch_sub(1, Ordering::SeqCst);
    0
}

/// The work of [`aio_done`].
///
/// # Safety
/// As for [`aio_done`].
unsafe fn complete(bp: *mut buf) {
    // SAFETY: a pending request is alive until it is taken off its queue, which this function has
    // still to put it on; process and aio_t are alive as long as a request is pending. Once the
    // locks are dropped only what was read before is used.
    unsafe {
        let p = (*bp).b_proc;
        let reqp: *mut aio_req_t = (*bp).b_forw.cast();
        fio::areleasef((*reqp).aio_req_fd, fio::finfo(p));

        let aiop = (*p).p_aio;
        mutex_enter(&raw mut (*aiop).aio_portq_mutex);
        mutex_enter(&raw mut (*aiop).aio_mutex);
        let locks = [&raw mut (*aiop).aio_mutex, &raw mut (*aiop).aio_portq_mutex];
        let unlock = || locks.map(|mutex| mutex_exit(mutex));
        if (*aiop).aio_pending <= 0 || (*reqp).aio_req_flags & AIO_PENDING == 0 {
            kernel_panic("aio-done", "a request is completed that is not pending");
        }
        (*aiop).aio_pending -= 1;
        (*reqp).aio_req_flags &= !AIO_PENDING;
        let pkevp = (*reqp).aio_req_portkev;
        let mut sigev = ptr::null_mut();
        if pkevp.is_null() {
            if (*aiop).aio_flags & AIO_CLEANUP != 0 {
                if !(*reqp).aio_req_sigqp.is_null() || !(*reqp).aio_req_lio.is_null() {
                    aio_enq(&raw mut (*aiop).aio_notifyq, reqp, AIO_NOTIFYQ);
                } else {
                    aio_enq(&raw mut (*aiop).aio_cleanupq, reqp, AIO_CLEANUPQ);
                }
                cv_signal(&raw mut (*aiop).aio_cleanupcv);
                unlock();
                return;
            }
            sigev = std::mem::replace(&mut (*reqp).aio_req_sigqp, ptr::null_mut());
            aio_enq(&raw mut (*aiop).aio_doneq, reqp, AIO_DONEQ);
        } else if (*reqp).aio_req_flags & AIO_CLOSE_PORT != 0 {
            // A closing port waits for its last request.
            (*aiop).aio_portpendcnt -= 1;
            let last = (*aiop).aio_portpendcnt == 0;
            aio_deq(&raw mut (*aiop).aio_portpending, reqp);
            aio_enq(&raw mut (*aiop).aio_portq, reqp, 0);
            unlock();
            port_send_event(pkevp);
            if last {
                cv_broadcast(&raw mut (*aiop).aio_portcv);
            }
            return;
        } else if (*aiop).aio_flags & AIO_CLEANUP != 0 {
            aio_deq(&raw mut (*aiop).aio_portpending, reqp);
            aio_enq(&raw mut (*aiop).aio_portcleanupq, reqp, 0);
            cv_signal(&raw mut (*aiop).aio_cleanupcv);
            unlock();
            return;
        } else {
            aio_deq(&raw mut (*aiop).aio_portpending, reqp);
            aio_enq(&raw mut (*aiop).aio_portq, reqp, 0);
        }

        let (lio_sigev, lio_pkevp) = list_progress((*reqp).aio_req_lio.cast());
        cv_broadcast(&raw mut (*aiop).aio_waitcv);
        unlock();

        aio_sigev_send(p, sigev);
        if !pkevp.is_null() {
            port_send_event(pkevp);
        }
        aio_sigev_send(p, lio_sigev);
        if !lio_pkevp.is_null() {
            port_send_event(lio_pkevp);
        }
    }
}

/// One request of the list is done; the last one yields what is to be told then.
///
/// # Safety
/// `head` is NULL or a list head of a process whose aio_mutex the caller holds.
unsafe fn list_progress(head: *mut aio_lio_t) -> (*mut sigqueue_t, *mut port_kevent_t) {
    let nothing = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the head is alive while one of its requests is, and locked (contract).
    unsafe {
        if head.is_null() {
            return nothing;
        }
        (*head).lio_refcnt -= 1;
        if (*head).lio_refcnt != 0 {
            return nothing;
        }
        let sigev = std::mem::replace(&mut (*head).lio_sigqp, ptr::null_mut());
        cv_signal(&raw mut (*head).lio_notify);
        let mut pkevp = ptr::null_mut();
        if (*head).lio_port >= 0 {
            pkevp = (*head).lio_portkev;
            if !pkevp.is_null() {
                (*head).lio_port = -1;
            }
        }
        (sigev, pkevp)
    }
}

/// Queues the signal of a request, which then belongs to the queue; NULL is no signal.
///
/// # Safety
/// `sigev` is NULL or a signal that belongs to the caller.
unsafe fn aio_sigev_send(p: *mut proc_t, sigev: *mut sigqueue_t) {
    if sigev.is_null() {
        return;
    }
    // SAFETY: the signal is the caller's (contract); processes live for ever.
    unsafe {
        let lock = &raw mut (*(*p).p_lockp).pl_lock;
        mutex_enter(lock);
        siginfo::sigaddqa(p, sigev);
        mutex_exit(lock);
    }
}

/// Completes a request of no bytes, which needs no driver.
///
/// # Safety
/// As for [`aphysio`]; the caller has given up its hold on the descriptor for the request.
pub(crate) unsafe fn aio_zerolen(reqp: *mut aio_req_t) {
    // SAFETY: the request is the caller's alone (contract).
    unsafe {
        (*reqp).aio_req_flags |= AIO_ZEROLEN;
        let bp = &raw mut (*reqp).aio_req_buf;
        (*bp).b_forw = reqp.cast();
        (*bp).b_proc = curproc();
        (*bp).b_resid = 0;
        (*bp).b_flags = 0;
        aio_done(bp);
    }
}

/// Gives back the pages of a completed request. It may sleep for the address space, which whoever
/// waits for the pages holds: no mutex may be held but that of a file being closed (rule
/// `aphysio-mutex`, with `Strict::copyio_mutex`).
///
/// # Safety
/// `reqp` is a completed request that nobody else takes up meanwhile.
pub(crate) unsafe fn aphysio_unlock(reqp: *mut aio_req_t) {
    // SAFETY: the request is the caller's (contract).
    unsafe {
        if (*reqp).aio_req_flags & AIO_PHYSIODONE != 0 {
            return;
        }
        let caller = aphysio_unlock as *const () as usize;
        thread::assert_may_sleep("aphysio_unlock", caller);
        let foreign = |held: &thread::Held| !sync::is_named(held.addr, fio::F_TLOCK);
        if crate::kernel::config().strict.copyio_mutex
            && let Some(held) = thread::current().held.iter().find(foreign)
        {
            let lock = sync::describe_mutex(held.addr);
            kernel_panic(
                "aphysio-mutex",
                &format!("pages of a request are unlocked while mutex {lock} is held"),
            );
        }
        (*reqp).aio_req_flags |= AIO_PHYSIODONE;
        if (*reqp).aio_req_flags & AIO_ZEROLEN != 0 {
            return;
        }
        (*reqp).aio_req_flags &= !AIO_PAGELOCKDONE;
        let bp = &raw mut (*reqp).aio_req_buf;
        (*bp).b_flags = (*bp).b_flags & !(B_BUSY | B_PHYS) | B_DONE;
    }
}

/// Writes the result where the program looks for it. Nobody hears of a bad address.
///
/// # Safety
/// `reqp` is a completed request of the calling process.
pub(crate) unsafe fn aio_copyout_result(reqp: *mut aio_req_t) {
    // SAFETY: the request is completed (contract): its buffer does not change any more.
    unsafe {
        if (*reqp).aio_req_flags & AIO_COPYOUTDONE != 0 {
            return;
        }
        (*reqp).aio_req_flags |= AIO_COPYOUTDONE;
        let bp = &(*reqp).aio_req_buf;
        let (retval, error) = if bp.b_flags & B_ERROR != 0 {
            (-1, if bp.b_error == 0 { EIO } else { bp.b_error })
        } else {
            (((*reqp).aio_req_iov.iov_len - bp.b_resid) as isize, 0)
        };
        result::store((*reqp).aio_req_resultp as usize, retval, error);
    }
}

/// Marks a transfer as failed.
///
/// # Safety
/// `bp` is the buffer of a transfer that the caller is about to complete.
pub(crate) unsafe fn bioerror(bp: *mut buf, error: c_int) {
    // SAFETY: the driver's buffer (contract).
    unsafe {
        (*bp).b_flags |= B_ERROR;
        (*bp).b_error = error;
    }
}

/// Takes a request off `aio_portq`; waits while [`aio_cleanup`] has the queue.
///
/// # Safety
/// The caller holds aio_portq_mutex, which may be dropped on the way; `reqp` is completed.
pub(crate) unsafe fn aio_req_remove_portq(aiop: *mut aio_t, reqp: *mut aio_req_t) {
    // SAFETY: locked (contract).
    unsafe {
        while (*aiop).aio_portq.is_null() {
            cv_wait(
                &raw mut (*aiop).aio_portcv,
                &raw mut (*aiop).aio_portq_mutex,
            );
        }
        aio_deq(&raw mut (*aiop).aio_portq, reqp);
    }
}

/// Forgets a request: its event slot, its part in a list and its signal are given back.
///
/// # Safety
/// The caller holds aio_mutex; `reqp` is on no queue and not used afterwards.
pub(crate) unsafe fn aio_req_free(aiop: *mut aio_t, reqp: *mut aio_req_t) {
    // SAFETY: locked, and the request is the caller's (contract).
    unsafe {
        if !(*reqp).aio_req_portkev.is_null() {
            port_free_event((*reqp).aio_req_portkev);
            (*reqp).aio_req_portkev = ptr::null_mut();
        }
        if !(*reqp).aio_req_sigqp.is_null() {
            kmem_free((*reqp).aio_req_sigqp.cast(), size_of::<sigqueue_t>());
            (*reqp).aio_req_sigqp = ptr::null_mut();
        }
        aio_req_free_port(aiop, reqp);
        if (*aiop).aio_outstanding == 0 {
            cv_broadcast(&raw mut (*aiop).aio_waitcv);
        }
    }
}

/// Forgets a request whose event was delivered or discarded already. The last request of a list
/// takes the list's head with it; the kernel forgets heads here, but leaks are looked for.
///
/// # Safety
/// As for [`aio_req_free`].
pub(crate) unsafe fn aio_req_free_port(aiop: *mut aio_t, reqp: *mut aio_req_t) {
    // SAFETY: locked, and the request is the caller's (contract).
    unsafe {
        if !(*reqp).aio_req_next.is_null() {
            kernel_panic("aio-queue", "a request is freed that is on a queue");
        }
        let liop: *mut aio_lio_t = (*reqp).aio_req_lio.cast();
        if !liop.is_null() {
            (*liop).lio_nent -= 1;
            if (*liop).lio_nent == 0 {
                aio_lio_free(aiop, liop);
            }
            (*reqp).aio_req_lio = ptr::null_mut();
        }
        (*reqp).aio_req_next = (*aiop).aio_free;
        (*reqp).aio_req_prev = ptr::null_mut();
        (*aiop).aio_free = reqp;
        (*aiop).aio_outstanding -= 1;
        crate::aio::request::hash_delete(aiop, reqp);
    }
}
