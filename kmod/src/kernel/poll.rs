//! `poll(2)` events, and what a poller wants to be told.

use core::ffi::c_short;

use bindings::pollhead_t;

use super::port::Port;
use super::queue::{Flag, QueueGuard};

/// A set of `POLL*` bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PollEvents(pub i16);

impl PollEvents {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Events can be retrieved.
    pub const IN: Self = Self(bindings::POLLIN as i16);
    /// Events can be sent.
    pub const OUT: Self = Self(bindings::POLLOUT as i16);
    /// The poller wants to be told even if something is ready now.
    pub const EDGE: Self = Self(bindings::POLLET as u16 as i16);

    /// Bits in either.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Bits in both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// What a poll of a port found.
pub struct Polled {
    /// The ready events among those asked for.
    pub ready: PollEvents,
    /// Whether the poller has been noted and wants the port's pollhead.
    pub noted: bool,
}

impl QueueGuard<'_> {
    /// Notes that somebody polls for `events`, so that the next change calls
    /// `pollwakeup`.
    pub fn note_poller(&mut self, events: PollEvents) {
        if events.and(PollEvents::IN) != PollEvents::NONE {
            self.set(Flag::POLLIN);
        }
        if events.and(PollEvents::OUT) != PollEvents::NONE {
            self.set(Flag::POLLOUT);
        }
    }
}

impl Port {
    pub(super) fn pollhead(&self) -> *mut pollhead_t {
        // SAFETY: address computation inside the live port.
        unsafe { &raw mut (*self.as_ptr()).port_pollhd }
    }
}

/// Stores the answer where `VOP_POLL` wants it.
///
/// # Safety
///
/// `reventsp` is writable; `phpp` is too, when the poller was noted.
pub(crate) unsafe fn answer(
    port: &Port,
    polled: &Polled,
    reventsp: *mut c_short,
    phpp: *mut *mut pollhead_t,
) {
    // SAFETY: the caller vouches for both.
    unsafe {
        *reventsp = polled.ready.0;
        if polled.noted && !phpp.is_null() {
            *phpp = port.pollhead();
        }
    }
}
