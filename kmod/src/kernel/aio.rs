//! Kernel asynchronous I/O that reports to a port.
//!
//! genunix notes in each request the number of the descriptor that named the
//! port, and `aio_close_port` looks for requests with the number it is given.
//! As with timers (D10) that number may mean another port by then; of several
//! requests it leaves all but the first behind, whose events then outlive
//! their port (D13); and after a single one it waits for ever. So a process
//! that leaves a port waits for its own requests here, by identity: a request
//! is this port's if its event is. Their events are in the queue then, where
//! `port_discard_events` finds them, and `aio_close_port` finds nothing.
//!
//! The wait looks again and again instead of relying on wakeups: a request
//! may also end by being refused, which tells nobody. It cannot be stopped: a
//! close holds the file's `f_tlock`, which a fork wants. So it does not wait for
//! long for genunix's cleanup thread, which a fork stops.
//!
//! A last close need not wait here: it waits for all slots, and so for every
//! completion, and then tells the requests by their events.
//!
//! Lock order: `aio_portq_mutex` -> `aio_mutex`, as in `aio_subr.c`, then
//! `portq_mutex`.

use bindings::{aio_req_t, aio_t};

use super::mutex::{Held, Mutex};
use super::port::Port;
use super::proc;

/// A number that no request has: what `aio_close_port` is told.
pub(super) const NO_PORT: i32 = -1;

/// Nanoseconds between two looks.
const LOOK_AGAIN: bindings::hrtime_t = 10_000_000;

/// How many looks to wait for what lasts moments only, if all is well: a
/// request that is being made, the cleanup thread's hold on completed ones.
const MOMENTS: u32 = 100;

/// What stands between a process and leaving a port.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    /// Nothing.
    None,
    /// Requests may be out of sight, or with the cleanup thread, for a moment.
    Moment,
    /// A request is under way, or its event is not sent yet.
    Pending,
}

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

    /// Sleeps for a while, or until a completion is told; the mutex, which is
    /// `aio_portq_mutex`, is left meanwhile.
    fn look_away(&self, held: &Held<'_>) {
        // SAFETY: a condition of this aio_t, which is broadcast only; its mutex
        // is held.
        unsafe {
            bindings::cv_timedwait_hires(
                &raw mut (*self.0).aio_portcv,
                held.mutex_ptr(),
                LOOK_AGAIN,
                LOOK_AGAIN,
                0,
            );
        }
    }
}

/// Whether a request on a ring is as asked.
///
/// # Safety
///
/// The mutexes that protect the ring are held.
unsafe fn any(head: *mut aio_req_t, asked: impl Fn(*mut aio_req_t) -> bool) -> bool {
    let mut request = head;
    // SAFETY: the caller vouches for the ring.
    unsafe {
        while !request.is_null() {
            if asked(request) {
                return true;
            }
            request = (*request).aio_req_next;
            if request == head {
                break;
            }
        }
    }
    false
}

impl Port {
    /// Waits until the events of the calling process's requests to this port
    /// are queued. Called without locks; none of its threads has a descriptor
    /// of the port any more to make new ones.
    pub(super) fn settle_aio(&self) {
        let Some(aio) = Aio::of_caller() else { return };
        let mut moments = 0;
        let held = aio.portq_mutex().enter();
        loop {
            match self.obstacle(&aio) {
                Obstacle::None => break,
                Obstacle::Moment if moments == MOMENTS => break,
                Obstacle::Moment => moments += 1,
                Obstacle::Pending => {}
            }
            aio.look_away(&held);
        }
        drop(held);
    }

    /// Looks at all requests. `aio_portq_mutex` is held.
    fn obstacle(&self, aio: &Aio) -> Obstacle {
        let inner = aio.mutex().enter();
        // SAFETY: the two mutexes protect the rings, the requests and the
        // flags. A request names its event as long as the event is allocated.
        let found = unsafe {
            let event_of = |r: *mut aio_req_t| (*r).aio_req_portkev;
            let is_ours = |r| {
                let event = event_of(r);
                !event.is_null() && (*event).portkev_port == self.as_ptr()
            };
            let pending = (*aio.0).aio_portpending;
            if any(pending, is_ours)
                || any((*aio.0).aio_portq, |r| {
                    is_ours(r) && !self.is_queued(event_of(r))
                })
            {
                Obstacle::Pending
            } else if any(pending, |r| event_of(r).is_null())
                || any((*aio.0).aio_portcleanupq, is_ours)
                || (*aio.0).aio_flags & bindings::AIO_CLEANUP != 0
            {
                Obstacle::Moment
            } else {
                Obstacle::None
            }
        };
        drop(inner);
        found
    }

    /// Whether an event of this port was sent.
    ///
    /// # Safety
    ///
    /// The event is allocated and stays so.
    unsafe fn is_queued(&self, event: *mut bindings::port_kevent_t) -> bool {
        let q = self.lock();
        // SAFETY: the caller vouches; portq_mutex protects the flag.
        let queued = unsafe { (*event).portkev_flags & bindings::PORT_KEV_DONEQ != 0 };
        drop(q);
        queued
    }
}
