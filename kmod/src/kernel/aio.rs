//! Kernel asynchronous I/O that reports to a port.
//!
//! genunix notes in each request the number of the descriptor that named the
//! port, and `aio_close_port` looks for requests with the number it is given.
//! As with timers (D10) that number may mean another port by then; of several
//! requests it leaves all but the first behind, whose events then outlive
//! their port (D13); and after a single one it waits for ever. So a process
//! that leaves a port settles its own requests here, by identity: a request is
//! this port's if its event is. `aio_close_port` finds nothing afterwards.
//!
//! A last close need not do it: it waits for all slots, and so for every
//! completion, and then tells the requests by their events.
//!
//! Lock order: `aio_portq_mutex` -> `aio_mutex`, as in `aio_subr.c`, then
//! `portq_mutex`.

use bindings::{aio_req_t, aio_t, kcondvar_t, port_kevent_t};

use super::mutex::{Held, Mutex};
use super::port::Port;
use super::proc;

/// A number that no request has: what `aio_close_port` is told.
pub(super) const NO_PORT: i32 = -1;

/// The asynchronous I/O of the calling process.
struct Aio(*mut aio_t);

impl Aio {
    /// None in a process that never asked for any.
    fn of_caller() -> Option<Self> {
        // SAFETY: a process's aio_t is made once and lives as long as its last
        // thread, of which this is one.
        let aiop = unsafe { (*proc::curproc()).p_aio };
        (!aiop.is_null()).then_some(Self(aiop))
    }

    fn portq_mutex(&self) -> &Mutex {
        // SAFETY: initialised with the aio_t, see of_caller().
        unsafe { Mutex::from_raw(&raw mut (*self.0).aio_portq_mutex) }
    }

    fn mutex(&self) -> &Mutex {
        // SAFETY: as above.
        unsafe { Mutex::from_raw(&raw mut (*self.0).aio_mutex) }
    }

    /// Sleeps until `cv` is signalled; the mutex is left meanwhile.
    ///
    /// # Safety
    ///
    /// `cv` is one of this aio_t.
    unsafe fn wait(&self, cv: *mut kcondvar_t, held: &Held<'_>) {
        // SAFETY: the caller vouches for the cv; the mutex is held.
        unsafe { bindings::cv_wait(cv, held.mutex_ptr()) }
    }
}

/// The first request on a ring that reports to `port` and is as asked.
///
/// # Safety
///
/// The mutexes that protect the ring are held. A request names its event only
/// while the event is alive.
unsafe fn find(
    head: *mut aio_req_t,
    port: &Port,
    wanted: impl Fn(*mut aio_req_t) -> bool,
) -> *mut aio_req_t {
    let mut request = head;
    // SAFETY: the caller vouches for the ring and the events.
    unsafe {
        while !request.is_null() {
            let event = (*request).aio_req_portkev;
            if !event.is_null() && (*event).portkev_port == port.as_ptr() && wanted(request) {
                return request;
            }
            request = (*request).aio_req_next;
            if request == head {
                break;
            }
        }
    }
    core::ptr::null_mut()
}

impl Port {
    /// Waits for the calling process's requests to this port, so that their
    /// events are queued; an event that is still on its way is cancelled.
    /// Called without locks.
    pub(super) fn settle_aio(&self) {
        let Some(aio) = Aio::of_caller() else { return };
        self.await_single(&aio);
        self.await_listed(&aio);
        while self.cancel_unsent(&aio) {}
    }

    /// Waits for requests on their own, by the protocol of `aio_close_port`:
    /// they go to `aio_portq` even while the cleanup thread is at work.
    fn await_single(&self, aio: &Aio) {
        let outer = aio.portq_mutex().enter();
        let inner = aio.mutex().enter();
        // SAFETY: aio_mutex protects the ring, the flags and the count.
        unsafe {
            loop {
                let request = find((*aio.0).aio_portpending, self, |r| {
                    (*r).aio_req_lio.is_null() && (*r).aio_req_flags & bindings::AIO_CLOSE_PORT == 0
                });
                if request.is_null() {
                    break;
                }
                (*request).aio_req_flags |= bindings::AIO_CLOSE_PORT;
                (*aio.0).aio_portpendcnt += 1;
            }
        }
        drop(inner);
        // SAFETY: as above; genunix reads the count under this mutex, too.
        unsafe {
            while (*aio.0).aio_portpendcnt != 0 {
                aio.wait(&raw mut (*aio.0).aio_portcv, &outer);
            }
        }
        drop(outer);
    }

    /// Waits for requests of lists. Marked as above they would complete
    /// without their list's knowledge, and its event would never come.
    fn await_listed(&self, aio: &Aio) {
        let held = aio.mutex().enter();
        // SAFETY: aio_mutex protects both rings; every completion broadcasts
        // aio_waitcv under it, or the cleanup thread does when it is done.
        unsafe {
            while !find((*aio.0).aio_portpending, self, |_| true).is_null()
                || !find((*aio.0).aio_portcleanupq, self, |_| true).is_null()
            {
                aio.wait(&raw mut (*aio.0).aio_waitcv, &held);
            }
        }
        drop(held);
    }

    /// Ends one completed request whose event is about to be sent: the event
    /// will be queued as one that nobody is to have. False if there is none.
    fn cancel_unsent(&self, aio: &Aio) -> bool {
        let outer = aio.portq_mutex().enter();
        let q = self.lock();
        // SAFETY: aio_portq_mutex protects the ring and keeps the events that
        // it leads to; portq_mutex protects their flags.
        let (callback, request, owner, event) = unsafe {
            let request = find((*aio.0).aio_portq, self, |r| {
                (*(*r).aio_req_portkev).portkev_flags & bindings::PORT_KEV_DONEQ == 0
            });
            if request.is_null() {
                return false;
            }
            let event: *mut port_kevent_t = (*request).aio_req_portkev;
            (*request).aio_req_portkev = core::ptr::null_mut();
            (*event).portkev_flags |= bindings::PORT_KEV_FREE;
            let callback = (*event).portkev_callback.take();
            (callback, request, (*event).portkev_pid, event)
        };
        drop(q);
        drop(outer);
        if let Some(callback) = callback {
            let mut ignored = 0;
            // SAFETY: as the port tells a source of its close, once; the
            // source uses its request, not the event.
            unsafe {
                callback(
                    request.cast(),
                    &raw mut ignored,
                    owner,
                    bindings::PORT_CALLBACK_CLOSE,
                    event.cast(),
                );
            }
        }
        true
    }
}
