//! `_port_dispatch`: events that libc makes on behalf of kernel-like sources.

use crate::kernel::event::{OwnedEvent, Sharing, Source};
use crate::kernel::port::Port;
use crate::kernel::user::UserEvent;
use crate::kernel::{Errno, Result};

/// Queues an event of `source`; waits for a slot while the port is full
/// (S10, S91).
///
/// # Errors
///
/// `EINVAL` for sources other than AIO and MQ, `EINTR` when a signal ends the
/// wait.
#[inline(never)]
pub fn port_dispatch_event(
    port: &Port,
    source: Source,
    events: i32,
    object: usize,
    user: usize,
    shareable: bool,
) -> Result {
    if source != Source::AIO && source != Source::MQ {
        return Err(Errno::EINVAL);
    }
    let event = OwnedEvent::allocate_blocking(port, source)?;
    let sharing = if shareable {
        Sharing::Shareable
    } else {
        Sharing::OwnerOnly
    };
    event.send(
        UserEvent {
            events,
            source: source.0 as u16,
            object,
            user,
        },
        sharing,
    );
    Ok(())
}
