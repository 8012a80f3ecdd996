//! `port_send` and `port_sendn`: events of user programs.

use crate::kernel::event::{OwnedEvent, Sharing, Source};
use crate::kernel::file::PortFile;
use crate::kernel::kmem::{Slots, Wait};
use crate::kernel::port::{self, Port};
use crate::kernel::user::{UserAddr, UserEvent};
use crate::kernel::{Errno, Result};

/// Lists of `port_sendn` up to this length need no kernel memory.
const SHORT_LIST: usize = 32;

/// Queues one user event; never waits (S51). Alert mode does not matter (S53).
///
/// # Errors
///
/// `EAGAIN` when all event slots of the port are in use, `ENOMEM`.
#[inline(never)]
pub fn port_send(port: &Port, events: i32, user: usize) -> Result {
    let event = OwnedEvent::allocate(port, Source::USER)?;
    let shown = UserEvent {
        events,
        source: Source::USER.0 as u16,
        object: 0,
        user,
    };
    event.send(shown, Sharing::Shareable);
    Ok(())
}

/// Sends one event to each of `nent` ports; the value is how many got it. If
/// some did not, `errors` gets an error number per port, 0 for the good ones
/// (S52).
///
/// # Errors
///
/// `EINVAL` for an empty list or one above `port_max_list`, `EFAULT` when
/// `ports` cannot be read (nothing is sent then), or when `errors` has to be
/// written and cannot.
#[inline(never)]
pub fn port_sendn(
    ports: UserAddr,
    errors: UserAddr,
    nent: u32,
    events: i32,
    user: usize,
) -> Result<u32> {
    if nent == 0 || nent > port::max_list() {
        return Err(Errno::EINVAL);
    }
    // One list serves both: a descriptor is replaced by what became of it.
    let mut list = Slots::<i32, SHORT_LIST>::new();
    if !list.reserve(nent as usize, 0, Wait::Sleep) {
        return Err(Errno::ENOMEM);
    }
    let list = list.as_mut_slice();
    ports.read_slice(list)?;
    let mut failed = 0;
    for entry in list.iter_mut() {
        let outcome = PortFile::hold(*entry).and_then(|file| port_send(file.port(), events, user));
        *entry = match outcome {
            Ok(()) => 0,
            Err(error) => {
                failed += 1;
                error.number()
            }
        };
    }
    if failed != 0 {
        errors.write_slice(list)?;
    }
    Ok(nent - failed)
}
