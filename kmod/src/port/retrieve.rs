//! One look at the queue: take what this process may have, hand it over.

use super::is_deliverable;
use crate::kernel::kmem::{Slots, Wait};
use crate::kernel::port::Port;
use crate::kernel::queue::QueueGuard;
use crate::kernel::retrieval::Retrieval;
use crate::kernel::taken::{Taken, Why};
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

/// A wired event is next, and the caller's list may not be there: such an
/// event cannot be put back once its source knows that it was delivered.
struct Unprobed;

/// Takes up to `max` events and copies them to `list`. Gives the lock up and
/// leaves the port, except after a look in vain that is not the `last` one.
///
/// # Errors
///
/// `EFAULT` when the list cannot be written; the events are back then, in
/// their order (D22).
#[inline(never)]
pub fn port_retrieve(
    mut q: QueueGuard<'_>,
    list: &EventList,
    max: u32,
    last: bool,
) -> Result<Look> {
    let port = q.port();
    let mut probed = 0;
    let mut probe_first = q.starts_wired();
    loop {
        if probe_first {
            // Another retrieval may give its events back, or take all: one
            // entry is needed in any case.
            let there = q.queued().saturating_add(q.in_retrieval());
            let count = max.min(there.max(1));
            drop(q);
            // Touches user memory, so neither lock nor block is held.
            let there = list.probe(count as usize);
            q = port.lock();
            if let Err(error) = there {
                port_check_return_cond(q);
                return Err(error);
            }
            probed = count;
        }
        match port_retrieve_once(q, list, max, last, probed) {
            Ok(outcome) => return outcome,
            Err(Unprobed) => probe_first = true,
        }
        q = port.lock();
    }
}

#[inline(never)]
fn port_retrieve_once(
    q: QueueGuard<'_>,
    list: &EventList,
    max: u32,
    last: bool,
    probed: u32,
) -> core::result::Result<Result<Look>, Unprobed> {
    let port = q.port();
    let mut taken = Taken::none(port);
    let mut slots = Slots::<EventSlot, SHORT_LIST>::new();
    let mut retrieval = q.retrieve();
    let generation = retrieval.generation();
    let room = reserve(&mut slots, max.min(retrieval.available()), port);
    let filled = fill(
        &mut retrieval,
        list,
        slots.as_mut_slice(),
        room,
        &mut taken,
        probed,
    );
    let mut q = retrieval.finish();
    let count = match filled {
        Ok(count) => count,
        Err(unprobed) => {
            drop(q);
            taken.requeue();
            return Err(unprobed);
        }
    };
    if count != 0 || last {
        port_check_return_cond(q);
    } else {
        q.wake_next();
        drop(q);
    }
    if count == 0 {
        taken.free();
        return Ok(Ok(Look::Vain(generation)));
    }
    if let Err(error) = list.copy_out(slots.as_mut_slice(), count as usize) {
        taken.requeue();
        return Ok(Err(error));
    }
    taken.tell(Why::Delivered);
    taken.free();
    Ok(Ok(Look::Got(count)))
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
    probed: u32,
) -> core::result::Result<u32, Unprobed> {
    let pid = proc::pid();
    let mut count = 0;
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
        if candidate.event().is_wired() && count >= probed {
            // What came after the probe is left for the next look.
            if probed > 0 {
                break;
            }
            return Err(Unprobed);
        }
        if let Some(shown) = candidate.take(taken) {
            list.encode(slots, count as usize, shown);
            count += 1;
        }
    }
    Ok(count)
}

/// The way out for every thread that was counted in: passes on a wakeup it
/// did not use (D2) and tells a close that waits.
#[inline(never)]
pub fn port_check_return_cond(mut q: QueueGuard<'_>) {
    q.leave();
    q.wake_next();
}
