//! Kernel event sources made of closures: what stands for timers, AIO and files until those are
//! there.
//!
//! Events and sources are plain kernel objects: the rules of port_kernel.h hold and the kernel
//! finds out who breaks them (double free, use after free). Closures live as long as the process.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::Ordering::Relaxed;

use bindings::*;

use super::lwp::Lwp;
use crate::port_subr;
use crate::syscall::{set_errno, trap};

/// How an event slot is allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alloc {
    /// Freed by the retrieval that delivers it.
    Default,
    /// Kept by the source over deliveries; freed by the source.
    Private,
    /// Kept by the source over deliveries; freed by the source.
    Cached,
    /// As a timer's: kept, and flagged for the port.
    Scached,
}

/// Why a callback is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The event is about to be delivered.
    Deliver,
    /// The port is being closed.
    Close,
    /// The association is being ended.
    Dissociate,
}

/// What a source is asked before an event of it is delivered: why, by which process, and the
/// events it may change. 0 delivers; an errno (EACCES) leaves the event for another process.
pub type Callback = Box<dyn Fn(Why, i32, &mut i32) -> i32 + Send + Sync>;

type OnClose = Box<dyn Fn(i32, i32, bool) + Send + Sync>;

/// An event slot of a port.
///
/// The copy is as good as the original: handles may be used from any task, interrupts included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KEvent {
    pkevp: *mut port_kevent_t,
}

// SAFETY: the event is a kernel object that any thread may use under its own rules.
unsafe impl Send for KEvent {}
// SAFETY: as above.
unsafe impl Sync for KEvent {}

impl KEvent {
    /// Allocates a slot of the port open as `port` (port_alloc_event), for the calling process.
    ///
    /// # Errors
    /// EBADF, EBADFD, ENOMEM, EAGAIN (no slot free).
    pub fn alloc(_lwp: &Lwp, port: i32, alloc: Alloc, source: i32) -> Result<KEvent, i32> {
        let flags = flags(alloc);
        let mut pkevp = ptr::null_mut();
        trap(0, || {
            // SAFETY: called by a thread of a process; the result is writable.
            let error = unsafe { port_alloc_event(port, flags, source, &raw mut pkevp) };
            i64::from(if error == 0 {
                0
            } else {
                set_errno(error as uint_t)
            })
        })?;
        Ok(KEvent { pkevp })
    }

    /// A second slot like this one (port_dup_event).
    ///
    /// # Errors
    /// ENOMEM, EAGAIN.
    pub fn dup(&self, alloc: Alloc) -> Result<KEvent, i32> {
        let mut pkevp = ptr::null_mut();
        // SAFETY: a live slot (handle's rule); the result is writable.
        match unsafe { port_dup_event(self.pkevp, &raw mut pkevp, flags(alloc)) } {
            0 => Ok(KEvent { pkevp }),
            errno => Err(errno),
        }
    }

    /// Fills object, user value and callback (port_init_event).
    pub fn init(&self, object: usize, user: usize, callback: Option<Callback>) {
        let arg: *mut c_void =
            callback.map_or(ptr::null_mut(), |c| Box::into_raw(Box::new(c)).cast());
        let call: Option<port_callback_t> = if arg.is_null() { None } else { Some(call) };
        // SAFETY: a live slot; the closure is leaked, so it outlives the event.
        unsafe { port_init_event(self.pkevp, object, user as *mut c_void, call, arg) };
    }

    /// Sets the events to be reported.
    pub fn set_events(&self, events: i32) {
        // SAFETY: a live slot that the source owns.
        unsafe { (*self.pkevp).portkev_events = events };
    }

    /// Lets only the process that allocated the event get it (PORT_KEV_NOSHARE).
    pub fn set_noshare(&self) {
        // SAFETY: a live slot that the source owns.
        unsafe { (*self.pkevp).portkev_flags |= PORT_KEV_NOSHARE };
    }

    /// Fires the event (port_send_event). A slot of [`Alloc::Default`] belongs to the port then.
    pub fn send(&self) {
        // SAFETY: a live slot.
        unsafe { port_send_event(self.pkevp) };
    }

    /// Takes the fired event back (port_remove_done_event); true if it was still queued.
    pub fn remove_done(&self) -> bool {
        // SAFETY: a live slot.
        unsafe { port_remove_done_event(self.pkevp) != 0 }
    }

    /// Gives the slot back (port_free_event).
    pub fn free(self) {
        // SAFETY: a live slot, given up.
        unsafe { port_free_event(self.pkevp) };
    }

    /// Whether the event is in the port's queue (PORT_KEV_DONEQ).
    pub fn is_queued(&self) -> bool {
        // SAFETY: a live slot; the flag is read as the kernel's own sources do.
        unsafe { port_subr::flags(self.pkevp).load(Relaxed) & PORT_KEV_DONEQ != 0 }
    }
}

/// A source that a port tells of its close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KSource {
    port: i32,
    source: c_int,
    entry: *mut port_source_t,
}

impl KSource {
    /// Registers a source with the port open as `port` (port_associate_ksource). `close` is told
    /// the port's descriptor, the process and whether it is the last close.
    ///
    /// # Errors
    /// EBADF, EBADFD, ENOMEM.
    pub fn associate(
        _lwp: &Lwp,
        port: i32,
        source: i32,
        close: impl Fn(i32, i32, bool) + Send + Sync + 'static,
    ) -> Result<KSource, i32> {
        let boxed: OnClose = Box::new(close);
        let arg: *mut c_void = Box::into_raw(Box::new(boxed)).cast();
        let mut entry = ptr::null_mut();
        trap(0, || {
            // SAFETY: called by a thread of a process; the closure is leaked, so it outlives the
            // port.
            let error = unsafe {
                port_associate_ksource(port, source, &raw mut entry, Some(closed), arg, None)
            };
            i64::from(if error == 0 {
                0
            } else {
                set_errno(error as uint_t)
            })
        })?;
        Ok(KSource {
            port,
            source,
            entry,
        })
    }

    /// Gives the registration up (port_dissociate_ksource).
    ///
    /// # Errors
    /// EBADF, EBADFD.
    pub fn dissociate(self, _lwp: &Lwp) -> Result<(), i32> {
        trap(0, || {
            // SAFETY: an entry of the port behind that descriptor (handle's rule).
            let error = unsafe { port_dissociate_ksource(self.port, self.source, self.entry) };
            i64::from(if error == 0 {
                0
            } else {
                set_errno(error as uint_t)
            })
        })
        .map(drop)
    }
}

fn flags(alloc: Alloc) -> c_int {
    match alloc {
        Alloc::Default => PORT_ALLOC_DEFAULT,
        Alloc::Private => PORT_ALLOC_PRIVATE,
        Alloc::Cached => PORT_ALLOC_CACHED,
        Alloc::Scached => PORT_ALLOC_SCACHED,
    }
}

unsafe extern "C" fn call(
    arg: *mut c_void,
    events: *mut c_int,
    pid: pid_t,
    flag: c_int,
    _event: *mut c_void,
) -> c_int {
    let why = match flag {
        PORT_CALLBACK_CLOSE => Why::Close,
        PORT_CALLBACK_DISSOCIATE => Why::Dissociate,
        _ => Why::Deliver,
    };
    // SAFETY: `arg` is the leaked closure that `KEvent::init` stored; `events` is the caller's.
    unsafe { (*arg.cast::<Callback>())(why, pid, &mut *events) }
}

unsafe extern "C" fn closed(arg: *mut c_void, port: c_int, pid: pid_t, last: c_int) {
    // SAFETY: `arg` is the leaked closure that `KSource::associate` stored.
    unsafe { (*arg.cast::<OnClose>())(port, pid, last != 0) };
}
