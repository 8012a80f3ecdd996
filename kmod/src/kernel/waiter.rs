//! Threads that sleep in a port until enough events are queued.
//!
//! Mirrors `portget_t`. The nodes form a ring, sorted by how many events each
//! thread needs, fewest first, newest first among equals (S72, D1):
//! `portq_thread` is its head and `portq_nget` the head's need, which is all
//! that genunix looks at. Nodes live on the sleepers' stacks; a node's
//! condition variable also belongs to the kernel's sleep queues, so nodes are
//! reached by raw pointers only.
//!
//! A thread that looked at the queue and could take nothing (every event
//! belonged to another process) is *fruitless*: it must sleep although events
//! are queued, and wake exactly when there are events it has not seen (D4).
//! Senders clear `PORTQ_WAIT_EVENTS`; the next retriever sets it again and
//! raises the port's generation. So a fruitless thread has something new to
//! look at if the flag is clear, or if the generation is no longer the one of
//! its own look.

use core::cell::Cell;
use core::ptr::{self, NonNull};

use bindings::portget_t;

use super::proc;
use super::queue::{Alert, Flag, QueueGuard};
use super::time::{self, Deadline};

/// A day in nanoseconds: far below 2^31 ticks.
const LONGEST_PIECE: i64 = 86_400_000_000_000;

/// Which arrivals a fruitless thread has seen. Raised by retrievals.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Generation(pub(super) u32);

/// Why a sleep ended. Every cause asks for an answer.
#[must_use = "an ignored signal turns a sleep into a busy loop"]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Somebody signalled, or it was spurious: look again.
    Signalled,
    /// A signal or a close of the descriptor interrupts the system call.
    Interrupted,
    /// The deadline has passed.
    TimedOut,
}

#[repr(C)]
struct Node {
    portget: portget_t,
    seen: Cell<Option<Generation>>,
}

/// The calling thread, queued on a port.
///
/// # Invariants
///
/// Exists only inside [`QueueGuard::queue_thread`], while the node is in the
/// ring; used only with the port's lock held.
pub struct Waiter {
    node: NonNull<Node>,
}

impl Waiter {
    /// The alert this thread was woken for, if any: it is delivered even if
    /// the port's alert is cleared before the thread runs (S76).
    pub fn alert(&self, _q: &QueueGuard<'_>) -> Option<Alert> {
        let portget: *mut portget_t = self.node.as_ptr().cast();
        // SAFETY: the node is on our own stack, and state and alert are
        // written under the lock, which is held.
        unsafe {
            if (*portget).portget_state & bindings::PORTGET_ALERT == 0 {
                return None;
            }
            Some(Alert {
                events: (*portget).portget_alert.portal_events,
                owner: (*portget).portget_alert.portal_pid,
                user: (*portget).portget_alert.portal_user as usize,
            })
        }
    }
}

impl QueueGuard<'_> {
    /// Runs `body` with the calling thread queued as one that needs `need`
    /// events; `seen` is set for a fruitless thread.
    #[inline]
    pub fn queue_thread<R>(
        &mut self,
        need: u32,
        seen: Option<Generation>,
        body: impl FnOnce(&mut Self, &Waiter) -> R,
    ) -> R {
        let mut node = Node {
            // SAFETY: plain C data; all zeroes is valid, a free condvar too.
            portget: unsafe { core::mem::zeroed() },
            seen: Cell::new(seen),
        };
        node.portget.portget_nget = need;
        node.portget.portget_pid = proc::pid();
        let node = NonNull::from(&mut node);
        port_queue_thread(self, node);
        let result = body(self, &Waiter { node });
        port_dequeue_thread(self, node);
        result
    }

    /// Sleeps until woken; the lock is free meanwhile.
    ///
    /// The kernel tells the time left in whole ticks, so a wakeup in the last
    /// tick looks like a time-out to it: the clock decides here. A long wait
    /// is done in pieces, since the kernel keeps the ticks in an int.
    #[inline]
    pub fn sleep(&mut self, me: &Waiter, deadline: Deadline) -> Wake {
        // SAFETY: address computation inside our own node.
        let cv = unsafe { &raw mut (*me.node.as_ptr()).portget.portget_cv };
        let mutex = self.mutex_ptr();
        let left = match deadline {
            // SAFETY: the lock is held and cv is always used with it. The
            // node stays in memory: unlike cv_wait_sig_swap this sleep does
            // not let the stack be swapped out.
            Deadline::Never => unsafe { bindings::cv_wait_sig(cv, mutex) },
            Deadline::At(when) => {
                let piece = when.min(time::now().saturating_add(LONGEST_PIECE));
                // SAFETY: as above; `piece` is a time above 0, not the -1
                // that means no time-out.
                unsafe { bindings::cv_timedwait_sig_hrtime(cv, mutex, piece) }
            }
            Deadline::Poll => return Wake::TimedOut,
        };
        match (left, deadline) {
            (0, _) => Wake::Interrupted,
            (..0, Deadline::At(when)) if time::now() >= when => Wake::TimedOut,
            _ => Wake::Signalled,
        }
    }

    /// Whether there can be events that `seen` does not know of.
    #[inline]
    pub fn has_news(&self, seen: Option<Generation>) -> bool {
        match seen {
            None => true,
            Some(generation) => !self.has(Flag::WAIT_EVENTS) || self.generation() != generation,
        }
    }

    fn generation(&self) -> Generation {
        // SAFETY: portq_mutex is held.
        Generation(unsafe { *self.port().generation_ptr() })
    }

    /// Notes that a retriever is about to see everything that has arrived.
    pub(super) fn see_arrivals(&mut self) -> Generation {
        if !self.has(Flag::WAIT_EVENTS) {
            self.set(Flag::WAIT_EVENTS);
            // SAFETY: portq_mutex is held.
            unsafe {
                let generation = self.port().generation_ptr();
                *generation = (*generation).wrapping_add(1);
            }
        }
        self.generation()
    }

    /// Passes the wakeup on: signals the first sleeper whose need is met and
    /// who has news. Every thread that leaves `port_getn` calls it, so a
    /// wakeup it got but did not use is not lost (D2).
    #[inline]
    pub fn wake_next(&mut self) {
        // A running retriever will do this itself.
        if self.retrievers() != 0 {
            return;
        }
        let nent = self.queued();
        self.for_each_waiter(|q, node| {
            let portget: *mut portget_t = node.cast();
            // SAFETY: for_each_waiter hands out nodes of the ring; their
            // owners cannot leave while we hold the lock.
            unsafe {
                if (*portget).portget_nget > nent {
                    // Sorted: nobody behind needs less.
                    return true;
                }
                let alerted = (*portget).portget_state & bindings::PORTGET_ALERT != 0;
                let wanted = !alerted && q.has_news((*node).seen.get());
                if wanted {
                    bindings::cv_signal(&raw mut (*portget).portget_cv);
                }
                wanted
            }
        });
    }

    /// Hands `alert` to every sleeping thread and wakes it. A thread woken
    /// for an earlier alert keeps that one (S76).
    pub fn alert_waiters(&mut self, alert: Alert) {
        self.for_each_waiter(|_, node| {
            let portget: *mut portget_t = node.cast();
            // SAFETY: for_each_waiter hands out nodes of the ring; their
            // owners cannot leave while we hold the lock.
            unsafe {
                if (*portget).portget_state & bindings::PORTGET_ALERT == 0 {
                    (*portget).portget_alert.portal_events = alert.events;
                    (*portget).portget_alert.portal_pid = alert.owner;
                    (*portget).portget_alert.portal_object = 0;
                    (*portget).portget_alert.portal_user = alert.user as _;
                    (*portget).portget_state |= bindings::PORTGET_ALERT;
                    bindings::cv_signal(&raw mut (*portget).portget_cv);
                }
            }
            false
        });
    }

    /// Wakes every sleeping thread, for the last close.
    pub fn wake_all(&mut self) {
        self.for_each_waiter(|_, node| {
            // SAFETY: for_each_waiter hands out nodes of the ring.
            unsafe { bindings::cv_signal(&raw mut (*node).portget.portget_cv) };
            false
        });
    }

    /// Visits the sleepers from the head on, until `visit` says enough.
    fn for_each_waiter(&mut self, mut visit: impl FnMut(&mut Self, *mut Node) -> bool) {
        // SAFETY: portq_mutex is held.
        let head = unsafe { (*self.raw()).portq_thread };
        let mut at = head;
        while !at.is_null() {
            if visit(self, at.cast()) {
                return;
            }
            // SAFETY: ring nodes stay valid under the lock.
            at = unsafe { (*at).portget_next };
            if at == head {
                return;
            }
        }
    }
}

/// Puts a sleeper into the ring, before the first that needs as much or more.
#[inline(never)]
fn port_queue_thread(q: &mut QueueGuard<'_>, node: NonNull<Node>) {
    let new: *mut portget_t = node.as_ptr().cast();
    // SAFETY: the lock is held; ring nodes are valid under it, and `new` is
    // the caller's own.
    unsafe {
        let portq = q.raw();
        let need = (*new).portget_nget;
        let head = (*portq).portq_thread;
        if head.is_null() {
            (*new).portget_next = new;
            (*new).portget_prev = new;
            (*portq).portq_thread = new;
        } else {
            let (at, first) = place(head, need);
            let before = (*at).portget_prev;
            (*new).portget_next = at;
            (*new).portget_prev = before;
            (*before).portget_next = new;
            (*at).portget_prev = new;
            if first {
                (*portq).portq_thread = new;
            }
        }
        (*portq).portq_nget = (*(*portq).portq_thread).portget_nget;
    }
}

/// Before which sleeper a need belongs, and whether that makes it the head.
///
/// # Safety
///
/// `head` is the head of a ring whose lock is held.
#[cfg(not(feature = "broken-waiters"))]
unsafe fn place(head: *mut portget_t, need: u32) -> (*mut portget_t, bool) {
    let mut at = head;
    // SAFETY: ring nodes are valid under the lock.
    unsafe {
        while need > (*at).portget_nget {
            at = (*at).portget_next;
            if at == head {
                return (at, false);
            }
        }
    }
    (at, at == head)
}

/// The test's broken module: never behind the last one, as C does (D1).
///
/// # Safety
///
/// As for the real one.
#[cfg(feature = "broken-waiters")]
unsafe fn place(head: *mut portget_t, need: u32) -> (*mut portget_t, bool) {
    let mut at = head;
    // SAFETY: ring nodes are valid under the lock.
    unsafe {
        while need > (*at).portget_nget && (*at).portget_next != head {
            at = (*at).portget_next;
        }
    }
    (at, at == head)
}

/// Takes a sleeper out of the ring.
#[inline(never)]
fn port_dequeue_thread(q: &mut QueueGuard<'_>, node: NonNull<Node>) {
    let old: *mut portget_t = node.as_ptr().cast();
    // SAFETY: as in port_queue_thread; `old` is in the ring.
    unsafe {
        let portq = q.raw();
        let (prev, next) = ((*old).portget_prev, (*old).portget_next);
        if next == old {
            (*portq).portq_thread = ptr::null_mut();
            (*portq).portq_nget = 0;
            return;
        }
        (*prev).portget_next = next;
        (*next).portget_prev = prev;
        if (*portq).portq_thread == old {
            (*portq).portq_thread = next;
        }
        (*portq).portq_nget = (*(*portq).portq_thread).portget_nget;
    }
}
