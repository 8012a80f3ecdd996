//! The event queue of a port, under its lock.
//!
//! Mirrors `port_queue_t`. [`QueueGuard`] is the proof that `portq_mutex` is
//! held; every field that genunix shares is read and written through it, with
//! genunix's protocol: `portq_thread` heads the sleeping threads, `portq_nget`
//! is what the head needs, `portq_getn > 0` says that a retriever will look
//! again before it leaves, so that senders need not wake anybody.

use core::sync::atomic::{AtomicU32, Ordering};

use bindings::{list_t, pid_t, port_kevent_t, port_queue_t};

use super::event::KEvent;
use super::mutex::Held;
use super::port::Port;

/// Bits of `portq_flags`.
#[derive(Clone, Copy)]
pub struct Flag(i32);

impl Flag {
    /// The port is in alert mode.
    pub const ALERT: Self = Self(bindings::PORTQ_ALERT);
    /// The last close is under way.
    pub const CLOSE: Self = Self(bindings::PORTQ_CLOSE);
    /// No event has come since a retriever last looked; senders clear it.
    pub const WAIT_EVENTS: Self = Self(bindings::PORTQ_WAIT_EVENTS);
    /// Somebody polls for events.
    pub const POLLIN: Self = Self(bindings::PORTQ_POLLIN);
    /// Somebody polls for free slots.
    pub const POLLOUT: Self = Self(bindings::PORTQ_POLLOUT);
    /// `pollwakeup` still uses the port.
    pub const POLLWK_PEND: Self = Self(bindings::PORTQ_POLLWK_PEND);
}

/// Which of a port's condition variables to use.
#[derive(Clone, Copy)]
pub enum Condition {
    /// `portq_closecv`: the last close waits for threads and events.
    Close,
    /// `port_cv`: free slots; also signalled when `pollwakeup` is done (D16).
    Slot,
}

/// The alert of a port, as set by `port_alert`.
#[derive(Clone, Copy)]
pub struct Alert {
    /// `portev_events` of the alert.
    pub events: i32,
    /// The process that set it.
    pub owner: pid_t,
    /// `portev_user` of the alert.
    pub user: usize,
}

/// `portq_mutex`, held.
#[must_use = "the queue is unlocked as soon as the guard is dropped"]
pub struct QueueGuard<'p> {
    port: &'p Port,
    /// Leaves the mutex when the guard goes.
    _held: Held<'p>,
}

impl<'p> QueueGuard<'p> {
    pub(super) fn new(port: &'p Port, held: Held<'p>) -> Self {
        Self { port, _held: held }
    }

    /// The port whose queue this is.
    #[inline]
    pub fn port(&self) -> &'p Port {
        self.port
    }

    #[inline]
    pub(super) fn raw(&self) -> *mut port_queue_t {
        self.port.queue_ptr()
    }

    /// Events in the queue, cancelled and undeliverable ones included
    /// (`portq_nent`).
    #[inline]
    pub fn queued(&self) -> u32 {
        // SAFETY: portq_mutex is held.
        unsafe { (*self.raw()).portq_nent }
    }

    #[inline]
    pub(super) fn set_queued(&mut self, count: u32) {
        // SAFETY: portq_mutex is held.
        unsafe { (*self.raw()).portq_nent = count }
    }

    /// Events on the temporary list of a retrieval that runs right now; it
    /// works without the lock, so this is a snapshot.
    #[inline]
    pub fn in_retrieval(&self) -> u32 {
        in_retrieval(self.port).load(Ordering::Relaxed)
    }

    /// Threads that retrieve events right now (`portq_getn`).
    #[inline]
    pub fn retrievers(&self) -> i32 {
        // SAFETY: portq_mutex is held.
        unsafe { (*self.raw()).portq_getn }
    }

    #[inline]
    pub(super) fn add_retriever(&mut self, delta: i32) {
        // SAFETY: portq_mutex is held.
        unsafe { (*self.raw()).portq_getn += delta }
    }

    /// Counts this thread among those inside `port_getn` (`portq_thrcnt`).
    #[inline]
    pub fn enter(&mut self) {
        // SAFETY: portq_mutex is held.
        unsafe { (*self.raw()).portq_thrcnt += 1 }
    }

    /// Undoes [`enter`](Self::enter); tells a close that waits for it.
    #[inline]
    pub fn leave(&mut self) {
        // SAFETY: portq_mutex is held.
        let left = unsafe {
            (*self.raw()).portq_thrcnt -= 1;
            (*self.raw()).portq_thrcnt
        };
        if left == 0 && self.has(Flag::CLOSE) {
            self.signal(Condition::Close);
        }
    }

    /// True while threads are inside `port_getn`.
    pub fn is_occupied(&self) -> bool {
        // SAFETY: portq_mutex is held.
        unsafe { (*self.raw()).portq_thrcnt > 0 }
    }

    /// Tests a flag.
    #[inline]
    pub fn has(&self, flag: Flag) -> bool {
        // SAFETY: portq_mutex is held.
        unsafe { (*self.raw()).portq_flags & flag.0 != 0 }
    }

    /// Sets a flag.
    #[inline]
    pub fn set(&mut self, flag: Flag) {
        // SAFETY: portq_mutex is held.
        unsafe { (*self.raw()).portq_flags |= flag.0 }
    }

    /// Clears a flag; true if it was set.
    #[inline]
    pub fn clear(&mut self, flag: Flag) -> bool {
        let was = self.has(flag);
        // SAFETY: portq_mutex is held.
        unsafe { (*self.raw()).portq_flags &= !flag.0 }
        was
    }

    /// The alert, if the port is in alert mode.
    #[inline]
    pub fn alert(&self) -> Option<Alert> {
        if !self.has(Flag::ALERT) {
            return None;
        }
        // SAFETY: portq_mutex is held.
        let alert = unsafe { &(*self.raw()).portq_alert };
        Some(Alert {
            events: alert.portal_events,
            owner: alert.portal_pid,
            user: alert.portal_user as usize,
        })
    }

    /// Puts the port in alert mode.
    pub fn set_alert(&mut self, alert: Alert) {
        self.set(Flag::ALERT);
        // SAFETY: portq_mutex is held.
        let to = unsafe { &mut (*self.raw()).portq_alert };
        to.portal_events = alert.events;
        to.portal_pid = alert.owner;
        to.portal_object = 0;
        to.portal_user = alert.user as _;
    }

    /// Event slots in use and the limit (`port_curr`, `port_max_events`).
    #[inline]
    pub fn slots(&self) -> (u32, u32) {
        let pp = self.port.as_ptr();
        // SAFETY: port_curr is protected by portq_mutex, the limit constant.
        unsafe { ((*pp).port_curr, (*pp).port_max_events) }
    }

    pub(super) fn return_slots(&mut self, count: u32) {
        // SAFETY: port_curr is protected by portq_mutex.
        unsafe { (*self.port.as_ptr()).port_curr -= count }
        let (used, limit) = self.slots();
        if used < limit {
            // Several dispatchers may wait, and several slots came free.
            if count == 1 {
                self.signal(Condition::Slot)
            } else {
                self.broadcast(Condition::Slot)
            }
        }
    }

    fn condition(&self, which: Condition) -> *mut bindings::kcondvar_t {
        // SAFETY: address computation inside the live port.
        unsafe {
            match which {
                Condition::Close => &raw mut (*self.raw()).portq_closecv,
                Condition::Slot => &raw mut (*self.port.as_ptr()).port_cv,
            }
        }
    }

    /// Wakes one thread that waits for `which`.
    pub fn signal(&mut self, which: Condition) {
        // SAFETY: a condition variable of the live port.
        unsafe { bindings::cv_signal(self.condition(which)) }
    }

    fn broadcast(&mut self, which: Condition) {
        // SAFETY: a condition variable of the live port.
        unsafe { bindings::cv_broadcast(self.condition(which)) }
    }

    /// Sleeps until signalled, whatever signals the process gets: for the
    /// last close, which nobody else can finish. The lock is free meanwhile.
    pub fn wait(&mut self, which: Condition) {
        // SAFETY: portq_mutex is held and is the mutex of both conditions.
        unsafe { bindings::cv_wait(self.condition(which), self.mutex_ptr()) }
    }

    pub(super) fn mutex_ptr(&self) -> *mut bindings::kmutex_t {
        // SAFETY: address computation inside the live port.
        unsafe { &raw mut (*self.raw()).portq_mutex }
    }

    /// Waits until no retrieval runs and keeps others from starting one until
    /// the lock is left. The lock may be free meanwhile.
    pub fn settle(&mut self) {
        // SAFETY: portq_mutex is held, as both functions ask.
        unsafe {
            bindings::port_block(self.raw());
            bindings::port_unblock(self.raw());
        }
    }

    pub(super) fn list(&self) -> *mut list_t {
        // SAFETY: address computation inside the live port.
        unsafe { &raw mut (*self.raw()).portq_list }
    }

    /// Whether one of the first `limit` queued events satisfies `wanted`;
    /// true also when there are more than that.
    #[inline]
    pub fn any_event(&self, limit: u32, wanted: impl Fn(&KEvent) -> bool) -> bool {
        // SAFETY: portq_mutex protects the list.
        let mut at: *mut port_kevent_t = unsafe { bindings::list_head(self.list()).cast() };
        let mut seen = 0;
        while !at.is_null() && seen < limit {
            // SAFETY: `at` is on the list, which cannot change under the lock.
            unsafe {
                if wanted(KEvent::from_raw(at)) {
                    return true;
                }
                at = bindings::list_next(self.list(), at.cast()).cast();
            }
            seen += 1;
        }
        !at.is_null()
    }

    /// Whether the oldest queued event is one that its source keeps.
    #[inline]
    pub fn starts_wired(&self) -> bool {
        // SAFETY: portq_mutex protects the list.
        unsafe {
            let head: *mut port_kevent_t = bindings::list_head(self.list()).cast();
            !head.is_null() && KEvent::from_raw(head).is_wired()
        }
    }
}

/// `portq_tnent` as an atomic: the retriever lowers it without the lock.
#[inline]
pub(super) fn in_retrieval(port: &Port) -> &AtomicU32 {
    // SAFETY: an aligned u32 in a live port; genunix writes it only while it
    // holds PORTQ_BLOCKED, which excludes a retriever.
    unsafe { AtomicU32::from_ptr(&raw mut (*port.queue_ptr()).portq_tnent) }
}
