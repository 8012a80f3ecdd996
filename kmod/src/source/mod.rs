//! Event sources that programs associate objects with, and what a close means
//! to the sources.

pub mod fd;

use crate::kernel::event::Source;
use crate::kernel::port::Port;
use crate::kernel::source::CloseKind;
use crate::kernel::{Errno, Result};

/// `port_associate`.
///
/// # Errors
///
/// `EINVAL` for a source that takes no associations (S26); else of the source.
pub fn associate(port: &Port, source: Source, object: usize, events: i32, user: usize) -> Result {
    match source {
        Source::FD => fd::port_associate_fd(port, object, events, user),
        _ => Err(Errno::EINVAL),
    }
}

/// `port_dissociate`.
///
/// # Errors
///
/// `EINVAL` for a source that takes no associations (S26); else of the source.
pub fn dissociate(port: &Port, source: Source, object: usize) -> Result {
    match source {
        Source::FD => fd::port_dissociate_fd(port, object),
        _ => Err(Errno::EINVAL),
    }
}

/// Tells every source that the calling process closes the port. No lock is
/// held (D12, D19).
pub fn close(port: &Port, kind: CloseKind) {
    port.close_timers();
    fd::port_close_sourcefd(port, kind);
    port.close_sources(kind);
}
