//! Kernel asynchronous I/O that reports to a port.
//!
//! genunix notes in each request the number of the descriptor that named the
//! port, and `aio_close_port` looks for requests with the number it is given.
//! As with timers (D10) that number may mean another port by then. So before a
//! process closes a port its requests to that port, which are known by their
//! event, get a number that no descriptor has and no other close uses.
//!
//! Lock order: `aio_portq_mutex` -> `aio_mutex`, as in `aio_subr.c`.

use core::sync::atomic::{AtomicI32, Ordering};

use bindings::{aio_req_t, aio_t};

use super::mutex::Mutex;
use super::port::Port;
use super::proc;

/// The last number given out; negative, so no descriptor.
static LAST_MARK: AtomicI32 = AtomicI32::new(i32::MIN);

/// A number for one close. After 2^31 closes numbers come again.
fn new_mark() -> i32 {
    LAST_MARK.fetch_add(1, Ordering::Relaxed) | i32::MIN
}

impl Port {
    /// Gives the calling process's requests to this port a number of their
    /// own, and says which.
    pub(super) fn mark_aio(&self) -> i32 {
        let mark = new_mark();
        // SAFETY: a process's aio_t is made once and lives as long as it.
        let aiop = unsafe { (*proc::curproc()).p_aio };
        if aiop.is_null() {
            return mark;
        }
        // SAFETY: as above; both mutexes are initialised with it.
        unsafe {
            let outer = Mutex::from_raw(&raw mut (*aiop).aio_portq_mutex).enter();
            let inner = Mutex::from_raw(&raw mut (*aiop).aio_mutex).enter();
            self.mark_requests(aiop, mark);
            drop(inner);
            drop(outer);
        }
        mark
    }

    /// # Safety
    ///
    /// Both mutexes of `aiop` are held.
    unsafe fn mark_requests(&self, aiop: *mut aio_t, mark: i32) {
        // SAFETY: the mutexes protect both rings and the requests on them. A
        // request names its event only while the event is alive: under
        // aio_portq_mutex, and then the event is freed.
        unsafe {
            for head in [(*aiop).aio_portpending, (*aiop).aio_portq] {
                let mut request: *mut aio_req_t = head;
                while !request.is_null() {
                    let event = (*request).aio_req_portkev;
                    if !event.is_null() && (*event).portkev_port == self.as_ptr() {
                        (*request).aio_req_port = mark;
                    }
                    request = (*request).aio_req_next;
                    if request == head {
                        break;
                    }
                }
            }
        }
    }
}
