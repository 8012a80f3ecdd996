//! Removing events that nobody will retrieve any more.
//!
//! Mirrors `port_discard_events` and `port_close_events` of the vnode side.

use core::ptr;

use bindings::port_kevent_t;

use super::port::Port;
use super::proc;
use super::queue::{Condition, Flag};
use super::retrieval::{Taken, port_get_kevent};

impl Port {
    /// Discards the calling process's events that no other process may have
    /// (S81). Events that their source still owns are only cancelled.
    #[inline(never)]
    pub fn port_discard_events(&self) {
        let pid = proc::pid();
        let mut taken = Taken::none(self);
        let mut q = self.lock();
        // Nobody may walk the queue's events without the lock.
        q.settle();
        let mut last = ptr::null_mut();
        loop {
            // SAFETY: portq_mutex is held, `last` is on the list.
            let raw = unsafe { port_get_kevent(q.list(), last) };
            if raw.is_null() {
                break;
            }
            // SAFETY: on the list, under the lock.
            let (owner, flags, asks) = unsafe {
                (
                    (*raw).portkev_pid,
                    (*raw).portkev_flags,
                    (*raw).portkev_callback.is_some(),
                )
            };
            let own = owner == pid && flags & bindings::PORT_KEV_NOSHARE != 0;
            let ours_alone = flags & bindings::PORT_KEV_WIRED == 0 && !asks;
            if own && ours_alone {
                // SAFETY: on the list, under the lock.
                unsafe { bindings::list_remove(q.list(), raw.cast()) };
                let queued = q.queued();
                q.set_queued(queued - 1);
                taken.push(raw);
            } else {
                if own {
                    // SAFETY: on the list, under the lock.
                    unsafe { (*raw).portkev_flags |= bindings::PORT_KEV_FREE };
                }
                last = raw;
            }
        }
        drop(q);
        taken.free();
    }

    /// Discards every event of a port whose last close is under way, and
    /// waits for `pollwakeup` to let go of the port.
    #[inline(never)]
    pub fn port_close_events(&self) {
        while let Some(raw) = self.pop_event() {
            let mut ignored = 0;
            // SAFETY: popped, so the event is ours; its callback is told
            // about the close without locks (D19).
            unsafe {
                if let Some(callback) = (*raw).portkev_callback {
                    callback(
                        (*raw).portkev_arg,
                        &raw mut ignored,
                        (*raw).portkev_pid,
                        bindings::PORT_CALLBACK_CLOSE,
                        raw.cast(),
                    );
                }
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
