//! One request: AIOAREAD and AIOAWRITE, and the callback of its event.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::Ordering::Relaxed;

use bindings::*;

use super::aiocb::{Aiocb, Form, PortNotify};
use super::request;
use crate::aio_subr::{
    aio_copyout_result, aio_deq, aio_req_free, aio_req_free_port, aio_req_remove_portq,
    aio_zerolen, aphysio_unlock,
};
use crate::curthread::{curpid, curproc};
use crate::{fio, rawdev};

/// Which transfer a device is asked for: FREAD or FWRITE.
type Mode = c_int;

/// The open file of descriptor `fd`, if it is one that the kernel transfers asynchronously; held.
///
/// # Errors
/// EBADF (not open, or not for this mode), EBADFD (the kernel cannot; libc uses threads then).
///
/// # Safety
/// Called by a thread of a process, which gives the hold back with releasef.
pub(super) unsafe fn hold_file(fd: c_int, mode: Mode) -> Result<*mut vnode_t, c_int> {
    // SAFETY: the file is held while it is looked at.
    unsafe {
        let fp = getf(fd);
        if fp.is_null() {
            return Err(EBADF);
        }
        let errno = if c_int::from(fio::f_flag(fp).load(Relaxed)) & mode == 0 {
            EBADF
        } else if !rawdev::is_raw((*fp).f_vnode) {
            EBADFD
        } else {
            return Ok((*fp).f_vnode);
        };
        releasef(fd);
        Err(errno)
    }
}

/// Submits the request of the control block at `uaddr`.
///
/// # Errors
/// EINVAL (no AIOINIT, bad port), EFAULT, EBADF, EBADFD (no asynchronous I/O there), EBUSY (the
/// control block is in use), EAGAIN (no memory, no slot of the port), ENOTSUP (too large).
///
/// # Safety
/// Called by a thread of the process that `aiop` (or NULL) belongs to.
pub(super) unsafe fn aiorw(
    aiop: *mut aio_t,
    form: Form,
    uaddr: usize,
    mode: Mode,
) -> Result<i64, c_int> {
    // SAFETY: the file is held until the request has it; a request that was not started is this
    // thread's alone.
    unsafe {
        if aiop.is_null() {
            return Err(EINVAL);
        }
        let cb = Aiocb::read(form, uaddr)?;
        // A descriptor that is not open is found before a bad port_notify_t, a wrong one later.
        if getf(cb.fildes).is_null() {
            return Err(EBADF);
        }
        releasef(cb.fildes);
        let notify = cb.sigevent.port(form)?;
        let vp = hold_file(cb.fildes, mode)?;
        let made = request::aio_req_setup(aiop, &cb, form.result_at(uaddr));
        let reqp = made.inspect_err(|_| releasef(cb.fildes))?;
        set_iocb(reqp, form, uaddr);

        let event = event(form, mode);
        let port = notify.map_or(Ok(()), |n| aio_req_assoc_port_rw(n, uaddr, reqp, event));
        match port.and_then(|()| start(vp, reqp, mode)) {
            Ok(()) => Ok(0),
            Err(errno) => {
                releasef(cb.fildes);
                let aio_mutex = &raw mut (*aiop).aio_mutex;
                mutex_enter(aio_mutex);
                if notify.is_some() {
                    aio_deq(&raw mut (*aiop).aio_portpending, reqp);
                }
                aio_req_free(aiop, reqp);
                (*aiop).aio_pending -= 1;
                mutex_exit(aio_mutex);
                Err(errno)
            }
        }
    }
}

/// Notes where the control block is.
///
/// # Safety
/// `reqp` is a request that was not started.
pub(super) unsafe fn set_iocb(reqp: *mut aio_req_t, form: Form, uaddr: usize) {
    // SAFETY: the caller's request (contract).
    unsafe {
        if form == Form::Lp64 {
            (*reqp).aio_req_iocb.iocb = uaddr as caddr_t;
        } else {
            (*reqp).aio_req_iocb.iocb32 = uaddr as caddr32_t;
        }
    }
}

/// The event bits of a request: its opcode.
pub(super) fn event(form: Form, mode: Mode) -> c_int {
    match (form == Form::Large, mode == FREAD) {
        (false, true) => AIOAREAD,
        (false, false) => AIOAWRITE,
        (true, true) => AIOAREAD64,
        (true, false) => AIOAWRITE64,
    }
}

/// Nanoseconds that a thread stays away from its processor.
const PREEMPTED: i64 = 1;

/// Takes a slot of the port for the request.
///
/// # Errors
/// EAGAIN (no slot, no memory), EINVAL (no port there).
///
/// # Safety
/// `reqp` is a request of the calling process that was not started.
unsafe fn aio_req_assoc_port_rw(
    notify: PortNotify,
    object: usize,
    reqp: *mut aio_req_t,
    event: c_int,
) -> Result<(), c_int> {
    let mut pkevp = ptr::null_mut();
    // SAFETY: the result is writable.
    let error = unsafe {
        port_alloc_event(
            notify.port,
            PORT_ALLOC_DEFAULT,
            PORT_SOURCE_AIO,
            &raw mut pkevp,
        )
    };
    if error != 0 {
        return Err(slot_errno(error));
    }
    // An interrupt may take the processor away here, where the request does not know its event.
    crate::sched::sleep(PREEMPTED);
    // SAFETY: the event is fresh.
    unsafe { attach(pkevp, notify, object, reqp, event) };
    Ok(())
}

/// What a program is told when the port has no slot for its request.
pub(super) fn slot_errno(error: c_int) -> c_int {
    match error {
        ENOMEM | EAGAIN => EAGAIN,
        _ => EINVAL,
    }
}

/// Ties a fresh event to a request.
///
/// # Safety
/// Both are the caller's alone.
pub(super) unsafe fn attach(
    pkevp: *mut port_kevent_t,
    notify: PortNotify,
    object: usize,
    reqp: *mut aio_req_t,
    event: c_int,
) {
    // SAFETY: the caller's (contract).
    unsafe {
        port_init_event(
            pkevp,
            object,
            notify.user as *mut c_void,
            Some(aio_port_callback),
            reqp.cast(),
        );
        (*pkevp).portkev_events = event;
        (*reqp).aio_req_portkev = pkevp;
        (*reqp).aio_req_port = notify.port;
    }
}

/// Hands a request to the driver. From then on the descriptor is held by the request, not by the
/// thread.
///
/// # Errors
/// What the driver answers; the thread still holds the descriptor then.
///
/// # Safety
/// `reqp` is a request that was set up for `vp`, whose descriptor the calling thread holds.
pub(super) unsafe fn start(
    vp: *mut vnode_t,
    reqp: *mut aio_req_t,
    mode: Mode,
) -> Result<(), c_int> {
    // SAFETY: the descriptor is held until the request is done; the request may be gone when the
    // driver returns.
    unsafe {
        let fd = (*reqp).aio_req_fd;
        if (*reqp).aio_req_iov.iov_len == 0 {
            fio::clear_active_fd(fd);
            aio_zerolen(reqp);
            return Ok(());
        }
        match rawdev::arw(vp, reqp, mode) {
            0 => {
                fio::clear_active_fd(fd);
                Ok(())
            }
            errno => Err(errno),
        }
    }
}

/// Delivery callback of a request's event: only its process may have it. The request is taken off
/// `aio_portq` (which may sleep, so nobody who completes requests may be kept waiting meanwhile),
/// its result is stored if the event is delivered, and it is freed. Once per event.
pub(super) unsafe extern "C" fn aio_port_callback(
    arg: *mut c_void,
    _events: *mut c_int,
    pid: pid_t,
    flag: c_int,
    _evp: *mut c_void,
) -> c_int {
    if pid != curpid() {
        return EACCES;
    }
    // SAFETY: `arg` is the request that the event was made for; its process is the calling one,
    // so the request lives until it is freed here.
    unsafe {
        let aiop = (*curproc()).p_aio;
        let reqp: *mut aio_req_t = arg.cast();
        mutex_enter(&raw mut (*aiop).aio_portq_mutex);
        (*reqp).aio_req_portkev = ptr::null_mut();
        aio_req_remove_portq(aiop, reqp);
        mutex_exit(&raw mut (*aiop).aio_portq_mutex);
        aphysio_unlock(reqp);
        mutex_enter(&raw mut (*aiop).aio_mutex);
        if flag == PORT_CALLBACK_DEFAULT {
            aio_copyout_result(reqp);
        }
        aio_req_free_port(aiop, reqp);
        mutex_exit(&raw mut (*aiop).aio_mutex);
    }
    0
}
