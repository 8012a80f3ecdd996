//! The test as a kernel event source (capability [`Caps::KSOURCE`](crate::Caps::KSOURCE)).
//!
//! Timers, asynchronous I/O and watched files reach a port through the functions of
//! `os/port_subr.c`. This capability calls the same functions, so that what such sources may do
//! (callbacks, cached events, events of one process only) can be proven without them.

use alloc::sync::Arc;

use crate::{Errno, System};

/// Who owns an event structure (`PORT_ALLOC_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// The port frees it when it was delivered.
    Default,
    /// The source keeps it; delivery leaves it allocated.
    Private,
    /// The source keeps it in a cache of the port.
    Cached,
    /// The source keeps it in a cache of its own.
    SourceCached,
}

/// Why a port calls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackReason {
    /// The event is about to be delivered.
    Deliver,
    /// The port goes away.
    Close,
    /// The association goes away.
    Dissociate,
}

/// What a callback answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Deliver the event with these event bits.
    Deliver(i32),
    /// Not for this process: leave it in the queue.
    Refuse,
}

/// One call of a delivery callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event bits as they stand.
    pub events: i32,
    /// Pid of the process that allocated the event.
    pub owner: i32,
    /// Why the port calls.
    pub reason: CallbackReason,
}

/// Delivery callback of an event. It runs inside the system call of the thread that takes the
/// event (or closes the port): it may sleep, and send other events with [`Ksource::send`], but make
/// no system call.
pub type Callback = Arc<dyn Fn(&dyn System, Delivery) -> Answer + Send + Sync>;

/// Close callback of a source: the system as the closing thread sees it, port descriptor number,
/// pid of the closing process, last close. Like a [`Callback`] it may sleep.
pub type CloseCallback = Arc<dyn Fn(&dyn System, i32, i32, bool) + Send + Sync>;

/// A kernel event structure, held by the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelEvent(pub usize);

/// A source that is associated with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRef(pub usize);

/// A port that `pollwakeup` holds between `port_pollwkup` and `port_pollwkdone`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollHold(pub usize);

/// Functions of `os/port_subr.c`, called by the test.
pub trait Ksource {
    /// `port_alloc_event`: takes a slot of the port. Errors EBADF, EBADFD, EAGAIN, ENOMEM.
    fn allocate(&self, port: i32, how: Allocation, source: i32) -> Result<KernelEvent, Errno>;
    /// `port_init_event` plus event bits; `noshare` keeps the event for the allocating process.
    fn init(
        &self,
        event: KernelEvent,
        object: usize,
        user: usize,
        events: i32,
        noshare: bool,
        callback: Option<Callback>,
    );
    /// `port_send_event` from the calling thread.
    fn send(&self, event: KernelEvent);
    /// `port_send_event` from an interrupt.
    fn send_from_interrupt(&self, event: KernelEvent);
    /// `port_free_event`: gives the slot back, or cancels a queued event.
    fn free(&self, event: KernelEvent);
    /// `port_remove_done_event`: takes an undelivered event out of the queue.
    fn remove_done(&self, event: KernelEvent) -> bool;
    /// `port_associate_ksource`.
    fn associate(&self, port: i32, source: i32, close: CloseCallback) -> Result<SourceRef, Errno>;
    /// `port_dissociate_ksource`.
    fn dissociate(&self, port: i32, source: i32, reference: SourceRef) -> Result<(), Errno>;
    /// `port_pollwkup`: `None` when nobody polls the port.
    fn poll_hold(&self, port: i32) -> Option<PollHold>;
    /// `port_pollwkdone`.
    fn poll_release(&self, hold: PollHold);
    /// `VOP_CLOSE` with the given count of open references, on the descriptor's vnode.
    fn vop_close(&self, port: i32, count: i32) -> Result<(), Errno>;
}
