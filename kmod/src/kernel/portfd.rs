//! One descriptor's association with a port.
//!
//! Mirrors `portfd_t`: a `polldat_t`, by which `pollwakeup` finds the
//! association on the file's pollhead, and the kernel event that is queued
//! when something happens. `PORT_KEV_VALID` says that the association is
//! armed: whoever clears it, under `portkev_lock`, may send the event. So an
//! association sends one event and then nothing until it is armed again
//! (S19).

use core::ffi::{c_int, c_void};
use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicI32, Ordering::Relaxed};

use bindings::{pid_t, pollhead_t, port_kevent_t, portfd_t};

use super::errno::Errno;
use super::file::{self, OpenFile};
use super::mutex::{Held, Mutex};
use super::poll::PollEvents;
use super::port::Port;
use super::proc::{self, Pid};

/// An association.
///
/// # Invariants
///
/// In the cache of `port`, whose `pc_lock` is held for `'c`.
pub struct Association<'c> {
    pfd: NonNull<portfd_t>,
    port: &'c Port,
    not_send: PhantomData<*mut ()>,
}

impl<'c> Association<'c> {
    /// The association at `pfd`.
    ///
    /// # Safety
    ///
    /// See the invariants.
    #[inline]
    pub(super) unsafe fn from_raw(pfd: NonNull<portfd_t>, port: &'c Port) -> Self {
        Self {
            pfd,
            port,
            not_send: PhantomData,
        }
    }

    #[inline]
    fn raw(&self) -> *mut portfd_t {
        self.pfd.as_ptr()
    }

    #[inline]
    fn event(&self) -> *mut port_kevent_t {
        // SAFETY: live (invariant); constant.
        unsafe { (*self.raw()).pfd_pd.pd_portev }
    }

    /// Enters `portkev_lock`.
    #[inline]
    fn lock(&self) -> Held<'_> {
        // SAFETY: the event lives as long as the association.
        unsafe { Mutex::from_raw(&raw mut (*self.event()).portkev_lock) }.enter()
    }

    /// The descriptor.
    pub fn fd(&self) -> i32 {
        // SAFETY: live (invariant); constant.
        unsafe { (*self.raw()).pfd_pd.pd_fd }
    }

    /// The process that made the association (S30).
    pub fn owner(&self) -> Pid {
        // SAFETY: live (invariant); constant.
        unsafe { (*self.event()).portkev_pid }
    }

    /// Whether the calling thread was the last to arm it.
    #[inline]
    pub fn is_armed_by_caller(&self) -> bool {
        // SAFETY: live (invariant); protected by pc_lock.
        unsafe { (*self.raw()).pfd_thread == proc::curthread() }
    }

    /// Nothing is sent from now on until it is armed; true if it was.
    pub fn disarm(&self) -> bool {
        let held = self.lock();
        // SAFETY: live (invariant); protected by portkev_lock.
        let was = unsafe { take_valid(self.event()) };
        drop(held);
        was
    }

    /// Takes an unread event out of the queue; true if there was one. Waits
    /// for a retrieval that may be delivering it.
    pub fn cancel(&self) -> bool {
        let held = self.lock();
        // SAFETY: live (invariant). A retrieval clears DONEQ last, so when it
        // is clear nobody uses the event any more.
        let queued = unsafe { (*self.event()).portkev_flags & bindings::PORT_KEV_DONEQ != 0 };
        drop(held);
        // SAFETY: live (invariant), no lock but pc_lock is held.
        queued && unsafe { bindings::port_remove_done_event(self.event()) != 0 }
    }

    /// From now on one of `events` (or an error, or a hangup) sends an event
    /// with this cookie. Not armed, and not queued, before.
    #[inline]
    pub fn arm(&self, events: i32, user: usize) {
        let held = self.lock();
        // SAFETY: live (invariant); protected by portkev_lock and pc_lock.
        unsafe {
            let (pfd, event) = (self.raw(), self.event());
            (*pfd).pfd_thread = proc::curthread();
            // pollwakeup looks at it under the pollhead's lock alone; what it
            // misses, the poll that follows finds.
            AtomicI32::from_ptr(&raw mut (*pfd).pfd_pd.pd_events).store(events, Relaxed);
            (*event).portkev_events = 0;
            (*event).portkev_user = user as _;
            (*event).portkev_flags |= bindings::PORT_KEV_VALID;
        }
        drop(held);
    }

    /// Whether `pollwakeup` of this pollhead finds the association.
    #[inline]
    pub fn is_on(&self, pollhead: NonNull<pollhead_t>) -> bool {
        // SAFETY: live (invariant). Others only clear it: when the file cleans
        // its pollhead up.
        unsafe { (*self.raw()).pfd_pd.pd_php == pollhead.as_ptr() }
    }

    /// Moves the association to a pollhead. Events before that were not
    /// seen: the file has to be asked again.
    #[inline(never)]
    pub fn port_bind_pollhead(&self, pollhead: NonNull<pollhead_t>) {
        // SAFETY: live (invariant); the file gave the pollhead out and is held.
        unsafe {
            let pdp = &raw mut (*self.raw()).pfd_pd;
            bindings::polldat_disassociate(pdp);
            bindings::polldat_associate(pdp, pollhead.as_ptr());
        }
    }

    /// Sends the event with what a poll found, unless nothing was found or
    /// somebody sent it already. True if it was sent; whoever polls the port is
    /// still to be told then. Hangups and errors need not be asked for,
    /// `POLLNVAL` is never reported (S22).
    #[inline]
    pub fn send(&self, found: PollEvents) -> bool {
        if found == PollEvents::NONE {
            return false;
        }
        let held = self.lock();
        // SAFETY: live (invariant); protected by portkev_lock, which
        // port_send_event leaves for events of this source.
        unsafe {
            let event = self.event();
            let valid = take_valid(event);
            if valid {
                let wanted =
                    (*self.raw()).pfd_pd.pd_events | (bindings::POLLHUP | bindings::POLLERR);
                (*event).portkev_events = i32::from(found.0) & wanted;
                held.leave_to_callee();
                bindings::port_send_event(event);
            }
            valid
        }
    }

    /// Ends the association: it leaves the descriptor, the pollhead and the
    /// cache, and gives its slot back. True if an unread event went with it.
    ///
    /// The caller is of the process that made the association, and `file` is
    /// the descriptor.
    pub fn remove(self, file: &OpenFile) -> bool {
        // SAFETY: live (invariant) and in the descriptor table of this
        // process, which holds the descriptor; pc_lock is held.
        unsafe {
            bindings::delfd_port(file.fd(), self.raw());
            let pcp = (*self.raw()).pfd_pd.pd_pcache;
            bindings::port_remove_fd_object(self.raw(), self.port.as_ptr(), pcp.cast()) != 0
        }
    }
}

/// Clears `PORT_KEV_VALID`; true if it was set. An event without it may be
/// queued: the flags are then also its retriever's to read, and stay untouched.
///
/// # Safety
///
/// The event is live, its lock is held.
unsafe fn take_valid(event: *mut port_kevent_t) -> bool {
    // SAFETY: the caller vouches.
    unsafe {
        let was = (*event).portkev_flags & bindings::PORT_KEV_VALID != 0;
        if was {
            (*event).portkev_flags &= !bindings::PORT_KEV_VALID;
        }
        was
    }
}

/// Whether the calling process has the file of an event's association under
/// the same number.
///
/// # Safety
///
/// A queued event of [`port_fd_callback`]'s.
pub(super) unsafe fn is_open_in_caller(event: *mut port_kevent_t) -> bool {
    // SAFETY: the association lives at least as long as its event is queued.
    unsafe { is_same_in_caller((*event).portkev_arg.cast()) }
}

/// # Safety
///
/// The association is live.
unsafe fn is_same_in_caller(pfd: *mut portfd_t) -> bool {
    // SAFETY: the caller vouches; descriptor and file are constant.
    unsafe { file::is_same((*pfd).pfd_pd.pd_fd, (*pfd).pfd_pd.pd_fp) }
}

/// Called before an event is delivered, and when an association ends. Another
/// process than the owner gets the event if it has the same file under the
/// same number (S33, S34).
///
/// # Safety
///
/// As genunix calls it: `arg` is the association of a queued event, which
/// `PORTQ_BLOCKED`, `pc_lock` or a last close keeps alive.
#[inline(never)]
pub(super) unsafe extern "C" fn port_fd_callback(
    arg: *mut c_void,
    events: *mut c_int,
    pid: pid_t,
    why: c_int,
    _event: *mut c_void,
) -> c_int {
    let pfd: *mut portfd_t = arg.cast();
    match why {
        bindings::PORT_CALLBACK_DEFAULT => {
            // SAFETY: alive (contract).
            if pid != proc::pid() && unsafe { !is_same_in_caller(pfd) } {
                return Errno::EACCES.number();
            }
            // SAFETY: as above; a queued event is not armed, so nobody changes
            // its events.
            unsafe { *events = (*(*pfd).pfd_pd.pd_portev).portkev_events }
            0
        }
        // A port ends its associations before its events, so none of them
        // comes with CLOSE; nothing of an association is left to the callback.
        bindings::PORT_CALLBACK_DISSOCIATE | bindings::PORT_CALLBACK_CLOSE => 0,
        _ => Errno::EINVAL.number(),
    }
}
