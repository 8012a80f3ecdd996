//! Removing events that nobody will retrieve any more.
//!
//! Mirrors `port_discard_events` and `port_close_events` of the vnode side.

use bindings::port_kevent_t;

use super::event::{Sharing, Source};
use super::port::Port;
use super::proc;
use super::queue::{Condition, Flag};
use super::taken::{self, Taken, Why};

impl Port {
    /// Discards the calling process's events that no other process may have
    /// (S81, D14). Their sources are told, here, in the process that they know
    /// (D13); events that a source still owns are only cancelled.
    #[inline(never)]
    pub fn port_discard_events(&self) {
        let pid = proc::pid();
        let mut taken = Taken::none(self);
        let mut retrieval = self.lock().retrieve();
        while let Some(candidate) = retrieval.next() {
            let event = candidate.event();
            // A timer's event is of a timer made since the timers were told.
            let kept = event.source() == Source::TIMER && event.is_wired();
            if event.owner() != pid || event.sharing() != Sharing::OwnerOnly || kept {
                candidate.skip();
            } else if event.is_wired() {
                candidate.cancel();
            } else {
                candidate.withdraw(&mut taken);
            }
        }
        retrieval.finish().wake_next();
        taken.tell(Why::Closed);
        taken.free();
    }

    /// Discards every event of a port whose last close is under way, and
    /// waits for `pollwakeup` to let go of the port.
    #[inline(never)]
    pub fn port_close_events(&self) {
        while let Some(raw) = self.pop_event() {
            // SAFETY: popped, so the event is ours; its source is told without
            // locks (D19).
            unsafe {
                taken::tell(raw, Why::Closed);
                bindings::port_free_event_local(raw, 0);
            }
        }
        let mut q = self.lock();
        // port_pollwkdone signals port_cv, not portq_closecv (D16).
        while q.has(Flag::POLLWK_PEND) {
            q.wait(Condition::Slot);
        }
    }

    fn pop_event(&self) -> Option<*mut port_kevent_t> {
        let mut q = self.lock();
        // SAFETY: portq_mutex is held.
        unsafe {
            let raw: *mut port_kevent_t = bindings::list_head(q.list()).cast();
            if raw.is_null() {
                return None;
            }
            bindings::list_remove(q.list(), raw.cast());
            let queued = q.queued();
            q.set_queued(queued - 1);
            Some(raw)
        }
    }
}
