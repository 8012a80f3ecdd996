//! One look at the queue: take what this process may have, hand it over.

use super::is_deliverable;
use crate::kernel::kmem::{Slots, Wait};
use crate::kernel::port::Port;
use crate::kernel::queue::QueueGuard;
use crate::kernel::retrieval::{Retrieval, Taken};
use crate::kernel::user::{EventList, EventSlot};
use crate::kernel::waiter::Generation;
use crate::kernel::{Result, proc};

/// Retrievals up to this many events need no kernel memory.
const SHORT_LIST: usize = 32;

/// What a look yielded.
pub enum Look {
    /// So many events are in the caller's list.
    Got(u32),
    /// Nothing for this process among the arrivals so far.
    Vain(Generation),
}

/// Takes up to `max` events and copies them to `list`. Gives the lock up and
/// leaves the port, except after a look in vain by a thread that `goes_on`.
///
/// # Errors
///
/// `EFAULT` when the list cannot be written; the events are back then, in
/// their order (D22).
#[inline(never)]
pub fn retrieve(q: QueueGuard<'_>, list: &EventList, max: u32, goes_on: bool) -> Result<Look> {
    let port = q.port();
    let mut taken = Taken::none(port);
    let mut slots = Slots::<EventSlot, SHORT_LIST>::new();
    let mut retrieval = q.retrieve();
    let generation = retrieval.generation();
    let room = reserve(&mut slots, max.min(retrieval.available()), port);
    let outcome = fill(&mut retrieval, list, slots.as_mut_slice(), room, &mut taken);
    let mut q = retrieval.finish();
    if outcome != Ok(0) || !goes_on {
        q.leave();
    }
    q.wake_next();
    drop(q);
    let copied = outcome.and_then(|count| {
        if count != 0 {
            list.copy_out(slots.as_mut_slice(), count as usize)?;
        }
        Ok(count)
    });
    match copied {
        Ok(0) => {
            taken.free();
            Ok(Look::Vain(generation))
        }
        Ok(count) => {
            taken.free();
            Ok(Look::Got(count))
        }
        Err(error) => {
            taken.requeue();
            Err(error)
        }
    }
}

/// Makes room for `wanted` events, or for as many as one call may allocate
/// when memory is short.
fn reserve(slots: &mut Slots<EventSlot, SHORT_LIST>, wanted: u32, port: &Port) -> u32 {
    if slots.reserve(wanted as usize, EventSlot::EMPTY, Wait::NoSleep) {
        return wanted;
    }
    let fewer = wanted.min(port.max_list());
    if slots.reserve(fewer as usize, EventSlot::EMPTY, Wait::Sleep) {
        fewer
    } else {
        0
    }
}

/// Goes through the temporary list; the value is the number of events in
/// `slots`.
fn fill<'p>(
    retrieval: &mut Retrieval<'p>,
    list: &EventList,
    slots: &mut [EventSlot],
    room: u32,
    taken: &mut Taken<'p>,
) -> Result<u32> {
    let pid = proc::pid();
    let mut count = 0;
    let mut probed = false;
    while count < room {
        let Some(candidate) = retrieval.next() else {
            break;
        };
        if candidate.event().is_cancelled() {
            candidate.discard();
            continue;
        }
        if !is_deliverable(candidate.event(), pid) {
            candidate.skip();
            continue;
        }
        // A wired event cannot be put back once its source knows that it was
        // delivered: make sure before that the caller's list is there (D22).
        if candidate.event().is_wired() && !probed {
            list.probe(room as usize)?;
            probed = true;
        }
        if let Some(shown) = candidate.take(taken) {
            list.encode(slots, count as usize, shown);
            count += 1;
        }
    }
    Ok(count)
}
