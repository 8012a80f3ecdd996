//! Lists of requests: lio_listio(3C).
//!
//! A list with a notification of its own, or one that is waited for, has a head: it counts the
//! requests that are not done, and the last completion tells. As in the kernel, requests that fail
//! on submission are only taken off the count: when they are the last ones, nobody is told and the
//! head's event keeps its slot.

use std::ffi::c_int;
use std::ptr;

use bindings::*;

use super::aiocb::{Aiocb, Form, PortNotify, Sigevent, read_pointers};
use super::request::{aio_req_setup, sigqueue};
use super::{result, rw};
use crate::aio_subr::{aio_deq, aio_req_free};

/// Longest list.
const AIO_LISTIO_MAX: c_int = 4096;
/// Mode of a list that is waited for.
const LIO_WAIT: c_int = 1;
/// Opcode of a control block that is to be skipped.
const LIO_NOP: c_int = 0;

/// The head of a list of requests (sys/aio_impl.h).
#[repr(C)]
pub(crate) struct aio_lio_t {
    /// Requests that were not freed, and the submission while it lasts.
    pub(crate) lio_nent: c_int,
    /// Requests that are not done.
    pub(crate) lio_refcnt: c_int,
    /// Next free head.
    pub(crate) lio_next: *mut aio_lio_t,
    /// Whoever waits for the list.
    pub(crate) lio_notify: kcondvar_t,
    /// Signal to be sent at the end.
    pub(crate) lio_sigqp: *mut sigqueue_t,
    /// Descriptor of the port to be told; -1 when there is none or it was told.
    pub(crate) lio_port: c_int,
    /// Event to be sent at the end.
    pub(crate) lio_portkev: *mut port_kevent_t,
}

/// The event that a list sends when it is done.
#[derive(Clone, Copy)]
struct ListEvent {
    pkevp: *mut port_kevent_t,
    notify: PortNotify,
}

/// What became of one control block of a list.
enum Fate {
    /// The request is on its way.
    Started,
    /// There was nothing to do.
    Skipped,
    /// Refused; the errno is in its result.
    Failed,
    /// Not for the kernel: libc's threads do it.
    NotSupported,
}

/// Submits the `nent` control blocks at `list`.
///
/// # Errors
/// EINVAL (no AIOINIT, length, bad port), EFAULT, EAGAIN (no memory, no slot), ENOTSUP (some of
/// them are not for the kernel), EIO (some failed: see their results), EINTR (LIO_WAIT).
///
/// # Safety
/// Called by a thread of the process that `aiop` (or NULL) belongs to.
pub(super) unsafe fn alio(
    aiop: *mut aio_t,
    form: Form,
    mode: c_int,
    list: usize,
    nent: c_int,
    sigev: usize,
) -> Result<i64, c_int> {
    if aiop.is_null() || !(1..=AIO_LISTIO_MAX).contains(&nent) {
        return Err(EINVAL);
    }
    let cbs = read_pointers(form, list, nent as usize)?;
    let sigevent = match sigev {
        0 => None,
        addr => Some(Sigevent::read(form, addr)?),
    };
    // SAFETY: the head belongs to this call until a request refers to it.
    unsafe {
        let event = match sigevent.map(|s| s.port(form)).transpose()?.flatten() {
            Some(notify) => Some(list_event(notify)?),
            None => None,
        };
        let mut head: *mut aio_lio_t = ptr::null_mut();
        if mode == LIO_WAIT || sigevent.is_some() {
            head = aio_lio_alloc(aiop, nent)?;
            match sigevent.map_or(Ok(ptr::null_mut()), sigqueue) {
                Ok(sigqp) => (*head).lio_sigqp = sigqp,
                Err(errno) => {
                    give_up(head);
                    return Err(errno);
                }
            }
            if let Some(event) = event {
                let large = form == Form::Large;
                let user = event.notify.user as *mut _;
                port_init_event(event.pkevp, sigev, user, None, head.cast());
                (*event.pkevp).portkev_events = if large { AIOLIO64 } else { AIOLIO };
                (*head).lio_portkev = event.pkevp;
                (*head).lio_port = event.notify.port;
            }
        }

        let submission = Submission {
            aiop,
            form,
            head,
            event,
        };
        let (mut referred, mut failed, mut unsupported) = (false, false, false);
        for cb in cbs {
            match submission.submit(cb, &mut referred) {
                Fate::Started => {}
                Fate::Skipped => submission.one_less(),
                Fate::Failed => failed = true,
                Fate::NotSupported => unsupported = true,
            }
        }
        let waited = match mode {
            LIO_WAIT => submission.wait_for(list, nent),
            _ => Ok(()),
        };
        if !referred && !head.is_null() {
            give_up(head);
        } else {
            submission.let_go();
        }
        waited?;
        match (unsupported, failed) {
            (true, _) => Err(ENOTSUP),
            (_, true) => Err(EIO),
            _ => Ok(0),
        }
    }
}

/// Takes a slot for the event of a list.
fn list_event(notify: PortNotify) -> Result<ListEvent, c_int> {
    let mut pkevp = ptr::null_mut();
    // SAFETY: the result is writable; called by a thread of a process.
    let error = unsafe {
        port_alloc_event(
            notify.port,
            PORT_ALLOC_DEFAULT,
            PORT_SOURCE_AIO,
            &raw mut pkevp,
        )
    };
    match error {
        0 => Ok(ListEvent { pkevp, notify }),
        error => Err(rw::slot_errno(error)),
    }
}

/// A head for `nent` requests, which lives as long as one of them or the submission.
///
/// # Errors
/// EAGAIN.
///
/// # Safety
/// Called by a thread of the process that `aiop` belongs to.
unsafe fn aio_lio_alloc(aiop: *mut aio_t, nent: c_int) -> Result<*mut aio_lio_t, c_int> {
    // SAFETY: free heads are nobody's; the list is locked.
    unsafe {
        mutex_enter(&raw mut (*aiop).aio_mutex);
        let mut head: *mut aio_lio_t = (*aiop).aio_lio_free.cast();
        if head.is_null() {
            head = kmem_zalloc(size_of::<aio_lio_t>(), KM_NOSLEEP).cast();
        } else {
            (*aiop).aio_lio_free = (*head).lio_next.cast();
        }
        mutex_exit(&raw mut (*aiop).aio_mutex);
        if head.is_null() {
            return Err(EAGAIN);
        }
        (*head).lio_nent = nent + 1;
        (*head).lio_refcnt = nent;
        (*head).lio_sigqp = ptr::null_mut();
        (*head).lio_port = -1;
        (*head).lio_portkev = ptr::null_mut();
        Ok(head)
    }
}

/// Makes a head that no request refers to any more available again. Its event is not looked at.
///
/// # Safety
/// The caller holds aio_mutex; the head is not used afterwards.
pub(crate) unsafe fn aio_lio_free(aiop: *mut aio_t, head: *mut aio_lio_t) {
    // SAFETY: locked (contract).
    unsafe {
        if !(*head).lio_sigqp.is_null() {
            kmem_free((*head).lio_sigqp.cast(), size_of::<sigqueue_t>());
            (*head).lio_sigqp = ptr::null_mut();
        }
        (*head).lio_next = (*aiop).aio_lio_free.cast();
        (*aiop).aio_lio_free = head.cast();
    }
}

/// Frees a head that no request ever referred to.
///
/// # Safety
/// The head is the caller's alone.
unsafe fn give_up(head: *mut aio_lio_t) {
    // SAFETY: the caller's (contract).
    unsafe {
        if !(*head).lio_sigqp.is_null() {
            kmem_free((*head).lio_sigqp.cast(), size_of::<sigqueue_t>());
        }
        if !(*head).lio_portkev.is_null() {
            port_free_event((*head).lio_portkev);
        }
        kmem_free(head.cast(), size_of::<aio_lio_t>());
    }
}

/// A list on its way.
struct Submission {
    aiop: *mut aio_t,
    form: Form,
    head: *mut aio_lio_t,
    event: Option<ListEvent>,
}

impl Submission {
    /// Submits the control block at `uaddr`; `referred` is set when a request refers to the head.
    ///
    /// # Safety
    /// Called by the thread that submits the list.
    unsafe fn submit(&self, uaddr: usize, referred: &mut bool) -> Fate {
        if uaddr == 0 {
            return Fate::Skipped;
        }
        let Ok(cb) = Aiocb::read(self.form, uaddr) else {
            return Fate::Skipped;
        };
        if cb.opcode == LIO_NOP {
            return Fate::Skipped;
        }
        let resultp = self.form.result_at(uaddr);
        let refuse = |errno, set_up: bool| {
            if !set_up {
                // SAFETY: as the contract says.
                unsafe { self.one_less() };
            }
            result::store(resultp, -1, errno);
            if matches!(errno, ENOTSUP | EBADFD) {
                Fate::NotSupported
            } else {
                Fate::Failed
            }
        };
        // SAFETY: the file is held until the request has it; a request that was not started is
        // this thread's alone. LIO_READ and LIO_WRITE are FREAD and FWRITE.
        unsafe {
            let vp = match rw::hold_file(cb.fildes, cb.opcode) {
                Ok(vp) => vp,
                Err(errno) => return refuse(errno, false),
            };
            let reqp = match aio_req_setup(self.aiop, &cb, resultp) {
                Ok(reqp) => reqp,
                Err(errno) => {
                    releasef(cb.fildes);
                    return refuse(errno, false);
                }
            };
            (*reqp).aio_req_lio = self.head.cast();
            *referred = true;
            // Before the driver has it, which may be faster than this thread.
            result::store_errno(resultp, EINPROGRESS);
            rw::set_iocb(reqp, self.form, uaddr);
            let port = self.assoc_port(&cb, uaddr, reqp);
            match port.and_then(|()| rw::start(vp, reqp, cb.opcode)) {
                Ok(()) => Fate::Started,
                Err(errno) => {
                    releasef(cb.fildes);
                    self.lio_set_error(reqp);
                    refuse(errno, true)
                }
            }
        }
    }

    /// Takes a slot of its port for the request, if it is to tell one.
    ///
    /// # Safety
    /// As for `submit`; `reqp` was not started.
    unsafe fn assoc_port(
        &self,
        cb: &Aiocb,
        uaddr: usize,
        reqp: *mut aio_req_t,
    ) -> Result<(), c_int> {
        let Some(notify) = cb.sigevent.port(self.form)? else {
            return Ok(());
        };
        let mut pkevp = ptr::null_mut();
        // SAFETY: the list's event is alive: no request that could complete the list is missing
        // from its count.
        let error = unsafe {
            match self.event {
                Some(list) if list.notify.port == notify.port => {
                    port_dup_event(list.pkevp, &raw mut pkevp, PORT_ALLOC_DEFAULT)
                }
                _ => port_alloc_event(
                    notify.port,
                    PORT_ALLOC_DEFAULT,
                    PORT_SOURCE_AIO,
                    &raw mut pkevp,
                ),
            }
        };
        if error != 0 {
            return Err(error);
        }
        // SAFETY: event and request are this thread's alone.
        unsafe { rw::attach(pkevp, notify, uaddr, reqp, rw::event(self.form, cb.opcode)) };
        Ok(())
    }

    /// Forgets a request that was not started. As in the kernel it is taken off `aio_portpending`
    /// when the list has a port, whether or not the request has one: a request that fails alone in
    /// having a port, or in having none, breaks the queue (rule `aio-queue`).
    ///
    /// # Safety
    /// As for `submit`; the request is not used afterwards.
    unsafe fn lio_set_error(&self, reqp: *mut aio_req_t) {
        // SAFETY: queues and counts change under aio_mutex.
        unsafe {
            let aio_mutex = &raw mut (*self.aiop).aio_mutex;
            mutex_enter(aio_mutex);
            if self.event.is_some() {
                aio_deq(&raw mut (*self.aiop).aio_portpending, reqp);
            }
            (*self.aiop).aio_pending -= 1;
            if !self.head.is_null() {
                (*self.head).lio_refcnt -= 1;
            }
            (*reqp).aio_req_flags |= AIO_PHYSIODONE;
            aio_req_free(self.aiop, reqp);
            mutex_exit(aio_mutex);
        }
    }

    /// The submission is over: the head stays for its requests.
    ///
    /// # Safety
    /// As for `submit`; the head is not used afterwards.
    unsafe fn let_go(&self) {
        if self.head.is_null() {
            return;
        }
        // SAFETY: the submission's count kept the head so far.
        unsafe {
            mutex_enter(&raw mut (*self.aiop).aio_mutex);
            (*self.head).lio_nent -= 1;
            if (*self.head).lio_nent == 0 {
                aio_lio_free(self.aiop, self.head);
            }
            mutex_exit(&raw mut (*self.aiop).aio_mutex);
        }
    }

    /// One request of the list less to wait for.
    ///
    /// # Safety
    /// As for `submit`.
    unsafe fn one_less(&self) {
        if self.head.is_null() {
            return;
        }
        // SAFETY: the head is alive during the submission and counted under aio_mutex.
        unsafe {
            mutex_enter(&raw mut (*self.aiop).aio_mutex);
            (*self.head).lio_nent -= 1;
            (*self.head).lio_refcnt -= 1;
            mutex_exit(&raw mut (*self.aiop).aio_mutex);
        }
    }

    /// Waits until every request is done, and stores the results of those without a port.
    ///
    /// # Errors
    /// EINTR.
    ///
    /// # Safety
    /// As for `submit`.
    unsafe fn wait_for(&self, list: usize, nent: c_int) -> Result<(), c_int> {
        // SAFETY: the submission's count keeps the head.
        unsafe {
            let aio_mutex = &raw mut (*self.aiop).aio_mutex;
            mutex_enter(aio_mutex);
            while (*self.head).lio_refcnt > 0 {
                if cv_wait_sig(&raw mut (*self.head).lio_notify, aio_mutex) == 0 {
                    mutex_exit(aio_mutex);
                    return Err(EINTR);
                }
            }
            mutex_exit(aio_mutex);
        }
        for cb in read_pointers(self.form, list, nent as usize)? {
            if cb != 0 {
                // SAFETY: as the contract says. Control blocks without a request are passed over.
                let _ = unsafe { result::reap(self.aiop, self.form.result_at(cb)) };
            }
        }
        Ok(())
    }
}
