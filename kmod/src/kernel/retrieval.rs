//! Taking events out of a port.
//!
//! A retriever owns the port's temporary list (`portq_get_list`): it sets
//! `PORTQ_BLOCKED` (`port_block`), moves the whole queue there, and works
//! without `portq_mutex`, since the sources' callbacks may take their time.
//! While it is blocked nobody else takes, cancels for good or frees an event
//! of that list; senders append to the queue meanwhile. What is left goes
//! back to the *front* of the queue, so events stay in order (D3).
//!
//! A taken event stays allocated until the caller has it in user memory, so a
//! bad list pointer loses nothing (D22), see `taken.rs`.

use core::ptr;
use core::sync::atomic::Ordering;

use bindings::{list_t, port_kevent_t};

use super::event::{self, KEvent, Source};
use super::mutex::Mutex;
use super::port::Port;
use super::queue::{QueueGuard, in_retrieval};
use super::taken::Taken;
use super::user::UserEvent;
use super::waiter::Generation;

/// A running retrieval: the right to this port's temporary list.
///
/// # Invariants
///
/// This thread set `PORTQ_BLOCKED` and does not hold `portq_mutex`. `last` is
/// null or an event on the temporary list; everything up to it was skipped.
#[must_use = "a retrieval blocks the port until it is finished"]
pub struct Retrieval<'p> {
    port: &'p Port,
    last: *mut port_kevent_t,
    generation: Generation,
}

/// The next event of a retrieval, still on the temporary list. One of
/// [`skip`](Self::skip), [`discard`](Self::discard) and [`take`](Self::take)
/// decides about it.
pub struct Candidate<'r, 'p> {
    retrieval: &'r mut Retrieval<'p>,
    raw: *mut port_kevent_t,
}

impl<'p> QueueGuard<'p> {
    /// Starts a retrieval: waits for a running one, then gives the lock up.
    #[inline]
    pub fn retrieve(mut self) -> Retrieval<'p> {
        let port = self.port();
        self.add_retriever(1);
        let portq = self.raw();
        // SAFETY: portq_mutex is held, as port_block asks. The temporary list
        // is empty whenever PORTQ_BLOCKED is clear.
        unsafe {
            bindings::port_block(portq);
            bindings::list_move_tail(get_list(port), self.list());
        }
        in_retrieval(port).store(self.queued(), Ordering::Relaxed);
        self.set_queued(0);
        let generation = self.see_arrivals();
        Retrieval {
            port,
            last: ptr::null_mut(),
            generation,
        }
    }
}

fn get_list(port: &Port) -> *mut list_t {
    // SAFETY: address computation inside the live port.
    unsafe { &raw mut (*port.queue_ptr()).portq_get_list }
}

impl<'p> Retrieval<'p> {
    /// Events still on the temporary list, skipped ones included.
    #[inline]
    pub fn available(&self) -> u32 {
        in_retrieval(self.port).load(Ordering::Relaxed)
    }

    /// Which arrivals this retrieval sees.
    #[inline]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The next event after the skipped ones.
    #[inline]
    pub fn next(&mut self) -> Option<Candidate<'_, 'p>> {
        // SAFETY: the list is ours while blocked, `last` is on it.
        let raw: *mut port_kevent_t = unsafe { port_get_kevent(get_list(self.port), self.last) };
        (!raw.is_null()).then_some(Candidate {
            retrieval: self,
            raw,
        })
    }

    /// One event of the temporary list will not go back. Only the retriever
    /// writes the count, so this needs no atomic read-modify-write.
    #[inline]
    fn count_out(&self) {
        let left = in_retrieval(self.port);
        left.store(
            left.load(Ordering::Relaxed).wrapping_sub(1),
            Ordering::Relaxed,
        );
    }

    fn remove(&mut self, raw: *mut port_kevent_t) {
        // SAFETY: the list is ours while blocked, `raw` is on it.
        unsafe { bindings::list_remove(get_list(self.port), raw.cast()) }
    }

    /// Gives the rest back to the front of the queue and the block up.
    #[inline]
    pub fn finish(self) -> QueueGuard<'p> {
        let mut q = self.port.lock();
        let portq = q.raw();
        let left = in_retrieval(self.port).swap(0, Ordering::Relaxed);
        if left != 0 {
            // The arrivals go behind the rest, then all of it moves back.
            // SAFETY: both lists are ours: blocked, and locked.
            unsafe {
                bindings::list_move_tail(get_list(self.port), q.list());
                bindings::list_move_tail(q.list(), get_list(self.port));
            }
            let arrived = q.queued();
            q.set_queued(left + arrived);
        }
        q.add_retriever(-1);
        // SAFETY: portq_mutex is held, and this thread had blocked.
        unsafe { bindings::port_unblock(portq) };
        q
    }
}

/// The event after `last`, or the first.
///
/// # Safety
///
/// `list` is a live event list that cannot change; `last` is null or on it.
unsafe fn port_get_kevent(list: *mut list_t, last: *mut port_kevent_t) -> *mut port_kevent_t {
    // SAFETY: the caller vouches for list and last.
    unsafe {
        if last.is_null() {
            bindings::list_head(list).cast()
        } else {
            bindings::list_next(list, last.cast()).cast()
        }
    }
}

impl<'p> Candidate<'_, 'p> {
    /// The event.
    #[inline]
    pub fn event(&self) -> &KEvent {
        // SAFETY: on the temporary list, which is ours while blocked.
        unsafe { KEvent::from_raw(self.raw) }
    }

    /// Leaves the event to others.
    #[inline]
    pub fn skip(self) {
        self.retrieval.last = self.raw;
    }

    /// Removes a cancelled event; its memory goes back unless a cache of its
    /// source owns it.
    pub fn discard(self) {
        self.retrieval.remove(self.raw);
        self.retrieval.count_out();
        // SAFETY: off every list and cancelled: ours, or its source's cache's.
        unsafe {
            (*self.raw).portkev_flags &= !bindings::PORT_CLEANUP_DONE;
            if (*self.raw).portkev_flags & bindings::PORT_KEV_CACHE == 0 {
                bindings::port_free_event_local(self.raw, 0);
            }
        }
    }

    /// Leaves the event on the list for somebody to discard.
    pub fn cancel(self) {
        // SAFETY: on the temporary list, which is ours while blocked.
        unsafe { (*self.raw).portkev_flags |= bindings::PORT_KEV_FREE }
        self.skip();
    }

    /// Takes the event away without delivery; its source is not asked.
    pub fn withdraw(self, taken: &mut Taken<'p>) {
        self.retrieval.remove(self.raw);
        self.retrieval.count_out();
        taken.push(self.raw);
    }

    /// Takes the event, asking its source first if the source wants to be
    /// asked. None if the source denies it to this process; the event is
    /// skipped then.
    #[inline]
    pub fn take(self, taken: &mut Taken<'p>) -> Option<UserEvent> {
        port_copy_event(self.raw, self, taken)
    }

    /// Reinserts a denied event where it was.
    fn put_back(self) {
        let list = get_list(self.retrieval.port);
        // SAFETY: the list is ours while blocked; `last` is on it.
        unsafe {
            if self.retrieval.last.is_null() {
                bindings::list_insert_head(list, self.raw.cast());
            } else {
                bindings::list_insert_after(list, self.retrieval.last.cast(), self.raw.cast());
            }
        }
        self.retrieval.last = self.raw;
    }
}

/// Whether the source of a taken event is told by [`Taken::tell`] only.
/// Kernel AIO gives slots back, which waits for `PORTQ_BLOCKED`, under mutexes
/// that its callback enters. It neither changes nor denies an event.
fn is_told_later(event: &KEvent) -> bool {
    event.source() == Source::AIO && !event.is_wired()
}

/// Delivers one event: off the list, past its source's callback, and, unless
/// it is wired, into `taken`. `raw` comes first for those who trace it.
///
/// `PORT_KEV_DONEQ` says that the event is queued. A timer may send its event
/// again as soon as the callback has run, so the flag is cleared before that.
/// An association may be armed again as soon as the flag is clear, so for
/// descriptors it is cleared last: the callback still sees what was sent, and
/// a denial changes nothing.
#[inline(never)]
fn port_copy_event<'p>(
    raw: *mut port_kevent_t,
    candidate: Candidate<'_, 'p>,
    taken: &mut Taken<'p>,
) -> Option<UserEvent> {
    candidate.retrieval.remove(raw);
    // SAFETY: off every list; the retrieval keeps others away.
    let mut shown = unsafe { event::shown(raw) };
    // SAFETY: as above.
    let event = unsafe { KEvent::from_raw(raw) };
    let wired = event.is_wired();
    let last = event.source() == Source::FD;
    // SAFETY: as above. The callback belongs to the event's source and wants
    // exactly these arguments, in the retriever's context.
    unsafe {
        if wired && !last {
            (*raw).portkev_flags &= !bindings::PORT_KEV_DONEQ;
        }
        let now = if is_told_later(event) {
            None
        } else {
            (*raw).portkev_callback
        };
        if let Some(callback) = now {
            let denied = callback(
                (*raw).portkev_arg,
                &raw mut shown.events,
                (*raw).portkev_pid,
                bindings::PORT_CALLBACK_DEFAULT,
                raw.cast(),
            );
            if denied != 0 {
                if wired && !last {
                    (*raw).portkev_flags |= bindings::PORT_KEV_DONEQ;
                }
                candidate.put_back();
                return None;
            }
            if wired && event.source() == Source::TIMER && shown.events == 0 {
                // The timer is being deleted, or loses its port, and waits for
                // the retrieval to end: nothing expired that can be told.
                candidate.retrieval.count_out();
                return None;
            }
            if !wired {
                // The source is done with it; should it have to go back to
                // the queue, it is delivered as it was shown here, to the
                // process that could take it.
                (*raw).portkev_callback = None;
                (*raw).portkev_events = shown.events;
                (*raw).portkev_flags |= bindings::PORT_KEV_NOSHARE;
                (*raw).portkev_pid = super::proc::pid();
            }
        }
        if last {
            let held = Mutex::from_raw(&raw mut (*raw).portkev_lock).enter();
            (*raw).portkev_flags &= !bindings::PORT_KEV_DONEQ;
            drop(held);
        }
    }
    candidate.retrieval.count_out();
    // A wired event is its source's again from here on.
    if !wired {
        taken.push(raw);
    }
    Some(shown)
}
