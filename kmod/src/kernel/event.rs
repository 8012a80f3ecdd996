//! Kernel events (`port_kevent_t`): a slot of a port, filled by a source.
//!
//! Mirrors `sys/port_kernel.h`. Who may touch an event follows from where it
//! is: an [`OwnedEvent`] belongs to its creator; a queued event belongs to the
//! holder of `portq_mutex` (or of `PORTQ_BLOCKED`, while it is on the
//! temporary list, see `retrieval.rs`); a taken event belongs to its taker.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ptr;

use bindings::{pid_t, port_kevent_t};

use super::errno::{Errno, Result};
use super::port::Port;
use super::portfd;
use super::user::UserEvent;

/// A source number, `PORT_SOURCE_*` of `sys/port.h`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Source(pub i32);

impl Source {
    /// Asynchronous I/O.
    pub const AIO: Self = Self(bindings::PORT_SOURCE_AIO);
    /// Timers.
    pub const TIMER: Self = Self(bindings::PORT_SOURCE_TIMER);
    /// Events of `port_send`.
    pub const USER: Self = Self(bindings::PORT_SOURCE_USER);
    /// Readiness of descriptors.
    pub const FD: Self = Self(bindings::PORT_SOURCE_FD);
    /// Watched files and directories.
    pub const FILE: Self = Self(bindings::PORT_SOURCE_FILE);
    /// Alerts.
    pub const ALERT: Self = Self(bindings::PORT_SOURCE_ALERT);
    /// Message queues.
    pub const MQ: Self = Self(bindings::PORT_SOURCE_MQ);
}

/// Who may retrieve an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Every process that holds the port.
    Shareable,
    /// Only the process that made it (`PORT_KEV_NOSHARE`).
    OwnerOnly,
    /// Processes that have the same file under the same number (S33, S34).
    SameFile,
}

/// An event somebody else queued, borrowed while its list cannot change.
#[repr(transparent)]
pub struct KEvent(UnsafeCell<port_kevent_t>);

impl KEvent {
    /// Borrows the event at `raw`.
    ///
    /// # Safety
    ///
    /// `raw` is a live event, and what keeps it alive (lock or block) is held
    /// for `'a`.
    #[inline]
    pub(super) unsafe fn from_raw<'a>(raw: *mut port_kevent_t) -> &'a Self {
        // SAFETY: repr(transparent), and the caller vouches for it.
        unsafe { &*raw.cast() }
    }

    #[inline]
    fn flags(&self) -> i32 {
        // SAFETY: the event is live; flags are an aligned int.
        unsafe { (*self.0.get()).portkev_flags }
    }

    /// Its source gave it up: it is only to be removed.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.flags() & bindings::PORT_KEV_FREE != 0
    }

    /// The process that made the event.
    #[inline]
    pub fn owner(&self) -> pid_t {
        // SAFETY: as in flags().
        unsafe { (*self.0.get()).portkev_pid }
    }

    /// Where it comes from.
    #[inline]
    pub fn source(&self) -> Source {
        // SAFETY: as in flags(); constant.
        Source(unsafe { (*self.0.get()).portkev_source })
    }

    /// Who may retrieve it. Timers, kernel AIO and exceptions of files do not
    /// say so in the flags, but are their process's alone (S49, S79, D14).
    #[inline]
    pub fn sharing(&self) -> Sharing {
        if self.flags() & bindings::PORT_KEV_NOSHARE != 0 {
            return Sharing::OwnerOnly;
        }
        // SAFETY: as in flags(); the callback does not change while the event
        // is queued.
        let asks = unsafe { (*self.0.get()).portkev_callback.is_some() };
        match self.source() {
            Source::TIMER | Source::FILE => Sharing::OwnerOnly,
            Source::AIO if asks => Sharing::OwnerOnly,
            Source::FD if asks => Sharing::SameFile,
            _ => Sharing::Shareable,
        }
    }

    /// Whether the calling process may retrieve it (S80, D15). The source may
    /// still deny it when it is taken.
    #[inline]
    pub fn is_for(&self, pid: pid_t) -> bool {
        self.owner() == pid
            || match self.sharing() {
                Sharing::Shareable => true,
                Sharing::OwnerOnly => false,
                // SAFETY: queued, so it is alive and so is its association.
                Sharing::SameFile => unsafe { portfd::is_open_in_caller(self.0.get()) },
            }
    }

    /// Whether delivery changes its source for good: the event goes back to
    /// the source and cannot be queued a second time by the port.
    #[inline]
    pub fn is_wired(&self) -> bool {
        self.flags() & bindings::PORT_KEV_WIRED != 0
    }
}

/// What a retriever sees of the event at `raw`.
///
/// # Safety
///
/// As for [`KEvent::from_raw`].
#[inline]
pub(super) unsafe fn shown(raw: *mut port_kevent_t) -> UserEvent {
    // SAFETY: the caller vouches for the event.
    unsafe {
        UserEvent {
            events: (*raw).portkev_events,
            source: (*raw).portkev_source as u16,
            object: (*raw).portkev_object as usize,
            user: (*raw).portkev_user as usize,
        }
    }
}

/// A new event that is not queued yet.
///
/// # Invariants
///
/// Points to an event allocated from `port`, on no list, known to nobody
/// else; it holds one slot of the port.
#[must_use = "an event that is not sent gives its slot back"]
pub struct OwnedEvent<'p> {
    raw: *mut port_kevent_t,
    port: PhantomData<&'p Port>,
}

impl<'p> OwnedEvent<'p> {
    /// Takes a slot of the port; never waits (S51).
    ///
    /// # Errors
    ///
    /// `EAGAIN` at the limit of the port, `ENOMEM` without memory.
    #[inline]
    pub fn allocate(port: &'p Port, source: Source) -> Result<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the port is live and `raw` is writable.
        Errno::check(unsafe {
            bindings::port_alloc_event_local(port.as_ptr(), source.0, 0, &raw mut raw)
        })?;
        Ok(Self {
            raw,
            port: PhantomData,
        })
    }

    /// Takes a slot of the port; waits for one while the port is full (S91).
    ///
    /// # Errors
    ///
    /// `EINTR` when a signal ends the wait.
    pub fn allocate_blocking(port: &'p Port, source: Source) -> Result<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the port is live and `raw` is writable; may sleep.
        Errno::check(unsafe {
            bindings::port_alloc_event_block(port.as_ptr(), source.0, 0, &raw mut raw)
        })?;
        Ok(Self {
            raw,
            port: PhantomData,
        })
    }

    /// Fills in what the retriever gets, and queues the event.
    #[inline]
    pub fn send(self, event: UserEvent, sharing: Sharing) {
        let flags = match sharing {
            Sharing::Shareable | Sharing::SameFile => 0,
            Sharing::OwnerOnly => bindings::PORT_KEV_NOSHARE,
        };
        // SAFETY: the event is ours alone until port_send_event queues it.
        unsafe {
            (*self.raw).portkev_object = event.object as _;
            (*self.raw).portkev_events = event.events;
            (*self.raw).portkev_user = event.user as _;
            (*self.raw).portkev_callback = None;
            (*self.raw).portkev_arg = ptr::null_mut();
            (*self.raw).portkev_flags = flags;
            bindings::port_send_event(self.raw);
        }
        core::mem::forget(self);
    }
}

impl Drop for OwnedEvent<'_> {
    fn drop(&mut self) {
        // SAFETY: never sent, so nobody else knows the event.
        unsafe { bindings::port_free_event_local(self.raw, 0) }
    }
}
