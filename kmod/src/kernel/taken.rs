//! Events that were taken out of a port.
//!
//! Between the moment a retriever (or a close) takes an event and the moment
//! its memory goes back, the event is on a private chain. [`Taken::requeue`]
//! undoes the retrieval, [`Taken::free`] completes it. The event keeps
//! `PORT_KEV_DONEQ` meanwhile, so a source that frees it only cancels it.

use core::marker::PhantomData;
use core::ptr;

use bindings::port_kevent_t;

use super::poll::PollEvents;
use super::port::Port;
use super::queue::Flag;

/// Events that a retriever took and that nobody else can see any more.
///
/// # Invariants
///
/// A chain through `portkev_node.list_next`, newest first; every event of it
/// is on no list and holds a slot of `port`. One that has a callback still is
/// not known to be delivered to its source.
#[must_use = "taken events have to be freed or put back"]
pub struct Taken<'p> {
    port: &'p Port,
    head: *mut port_kevent_t,
    count: u32,
    not_send: PhantomData<*mut ()>,
}

/// What a source is told about its event.
#[derive(Clone, Copy)]
pub enum Why {
    /// A caller has it.
    Delivered,
    /// Its port is being closed.
    Closed,
}

/// Tells the source of an event, once.
///
/// # Safety
///
/// The event is off every list and the caller's alone.
pub(super) unsafe fn tell(raw: *mut port_kevent_t, why: Why) {
    let why = match why {
        Why::Delivered => bindings::PORT_CALLBACK_DEFAULT,
        Why::Closed => bindings::PORT_CALLBACK_CLOSE,
    };
    // SAFETY: the caller vouches; the callback belongs to the event's source
    // and wants exactly these arguments.
    unsafe {
        if let Some(callback) = (*raw).portkev_callback.take() {
            let mut events = (*raw).portkev_events;
            callback(
                (*raw).portkev_arg,
                &raw mut events,
                (*raw).portkev_pid,
                why,
                raw.cast(),
            );
        }
    }
}

impl<'p> Taken<'p> {
    /// Nothing taken yet.
    #[inline]
    pub fn none(port: &'p Port) -> Self {
        Self {
            port,
            head: ptr::null_mut(),
            count: 0,
            not_send: PhantomData,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, raw: *mut port_kevent_t) {
        // SAFETY: off every list and ours.
        unsafe { (*raw).portkev_node.list_next = self.head.cast() }
        self.head = raw;
        self.count += 1;
    }

    #[inline]
    fn pop(&mut self) -> Option<*mut port_kevent_t> {
        let raw = self.head;
        if raw.is_null() {
            return None;
        }
        // SAFETY: the chain is ours; a node off every list has null links.
        unsafe {
            self.head = (*raw).portkev_node.list_next.cast();
            (*raw).portkev_node.list_next = ptr::null_mut();
        }
        Some(raw)
    }

    /// Tells the sources of events with a callback what becomes of them. Called
    /// without locks: sources enter mutexes under which they also give slots
    /// back, which waits for `PORTQ_BLOCKED`.
    pub fn tell(&self, why: Why) {
        let mut raw = self.head;
        while !raw.is_null() {
            // SAFETY: the chain is ours.
            unsafe {
                tell(raw, why);
                raw = (*raw).portkev_node.list_next.cast();
            }
        }
    }

    /// Nobody needs the events any more: frees them and their slots.
    #[inline]
    pub fn free(mut self) {
        if self.count == 0 {
            return;
        }
        while let Some(raw) = self.pop() {
            // SAFETY: nobody else knows the event; it came from pc_cache.
            // The fields are reset as genunix does it.
            unsafe {
                (*raw).portkev_callback = None;
                (*raw).portkev_flags = 0;
                (*raw).portkev_port = ptr::null_mut();
                bindings::mutex_destroy(&raw mut (*raw).portkev_lock);
                bindings::kmem_cache_free(bindings::port_control.pc_cache, raw.cast());
            }
        }
        let mut q = self.port.lock();
        q.return_slots(self.count);
        let polled = q.clear(Flag::POLLOUT);
        drop(q);
        if polled {
            self.port.wake_pollers(PollEvents::OUT);
        }
    }

    /// The caller could not be given the events: puts them back to the front,
    /// in their order, and tells whoever waits for events.
    #[cold]
    pub fn requeue(mut self) {
        let mut q = self.port.lock();
        // What a running retrieval gives back is younger than these.
        q.settle();
        while let Some(raw) = self.pop() {
            // SAFETY: portq_mutex is held, the event is on no list.
            unsafe { bindings::list_insert_head(q.list(), raw.cast()) };
            let queued = q.queued();
            q.set_queued(queued + 1);
        }
        q.clear(Flag::WAIT_EVENTS);
        q.wake_next();
        let polled = q.clear(Flag::POLLIN);
        drop(q);
        if polled {
            self.port.wake_pollers(PollEvents::IN);
        }
    }
}
