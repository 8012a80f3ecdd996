//! [`Watchlist`]: the descriptors that are associated with the port of a stage.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};

use suite::{Event, Failure, Port, System, poll, source};

/// What every descriptor is associated for.
const WANTED: i32 = poll::IN as i32;

/// What may be delivered beside that.
const UNASKED: i32 = poll::HUP as i32 | poll::ERR as i32;

/// One descriptor, -1 while there is none.
///
/// # Invariants
///
/// `armed` is set by the thread that is about to associate the descriptor and cleared by the one
/// that has its event, which then is the only one that deals with the descriptor (S19).
struct Entry {
    fd: AtomicI32,
    armed: AtomicBool,
}

/// Descriptors, each of which has its index here as user value.
pub(crate) struct Watchlist(Vec<Entry>);

impl Watchlist {
    /// Descriptors that are not associated yet.
    pub fn new(fds: impl IntoIterator<Item = i32>) -> Watchlist {
        let entry = |fd| Entry {
            fd: AtomicI32::new(fd),
            armed: AtomicBool::new(false),
        };
        Watchlist(fds.into_iter().map(entry).collect())
    }

    /// The descriptors in order.
    pub fn fds(&self) -> impl Iterator<Item = i32> {
        self.0.iter().map(|entry| entry.fd.load(SeqCst))
    }

    /// Descriptor `index`; -1 if there is none.
    pub fn fd(&self, index: usize) -> i32 {
        self.0.get(index).map_or(-1, |entry| entry.fd.load(SeqCst))
    }

    /// Makes `fd` descriptor `index`; -1 once it is closed. Only for the thread that deals with it.
    pub fn replace(&self, index: usize, fd: i32) {
        if let Some(entry) = self.0.get(index) {
            entry.fd.store(fd, SeqCst);
        }
    }

    /// Associates every descriptor. Answers how many bytes of kernel memory came with that, if the
    /// system can tell; nothing else may go on meanwhile.
    pub fn arm_all(&self, port: Port<'_>) -> Result<Option<u64>, Failure> {
        let before = kernel_bytes(port.sys());
        for index in 0..self.0.len() {
            self.arm(port, index)?;
        }
        let after = kernel_bytes(port.sys());
        Ok(after
            .zip(before)
            .map(|(after, before)| after.saturating_sub(before)))
    }

    /// Associates descriptor `index` (again).
    pub fn arm(&self, port: Port<'_>, index: usize) -> Result<(), Failure> {
        let Some(Entry { fd, armed }) = self.0.get(index) else {
            return Err(Failure::new(format_args!(
                "no descriptor has index {index}"
            )));
        };
        let fd = fd.load(SeqCst);
        // Before the call: by its end another thread may have the event.
        armed.store(true, SeqCst);
        port.associate(source::FD, fd as usize, WANTED, index)
            .map_err(|why| Failure::new(format_args!("port_associate of descriptor {fd}: {why}")))
    }

    /// Ends the association of descriptor `index`, which must stand.
    pub fn disarm(&self, port: Port<'_>, index: usize) -> Result<(), Failure> {
        let fd = self.fd(index);
        port.dissociate(source::FD, fd as usize)
            .map_err(|why| Failure::new(format_args!("port_dissociate of descriptor {fd}: {why}")))
    }

    /// Takes an event: the index of its descriptor.
    ///
    /// # Errors
    ///
    /// What is wrong with the event, or that its descriptor is not associated (S19).
    pub fn receive(&self, event: Event) -> Result<usize, Failure> {
        let index = usize::try_from(event.user).unwrap_or(usize::MAX);
        let entry = self.0.get(index).filter(|entry| {
            i32::from(event.source) == source::FD
                && event.object == entry.fd.load(SeqCst) as u64
                && event.events != 0
                && event.events & !(WANTED | UNASKED) == 0
        });
        match entry {
            None => Err(Failure::new(format_args!(
                "not the event of an association: {event:?}"
            ))),
            Some(entry) if !entry.armed.swap(false, SeqCst) => Err(Failure::new(format_args!(
                "duplicated: an event of a descriptor that is not associated: {event:?}"
            ))),
            Some(_) => Ok(index),
        }
    }
}

/// Kernel memory in use.
fn kernel_bytes(sys: &dyn System) -> Option<u64> {
    let counters = sys.counters()?;
    Some(counters.allocated_bytes.wrapping_sub(counters.freed_bytes))
}
