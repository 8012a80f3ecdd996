//! `poll(2)` on a port.

use super::is_deliverable;
use crate::kernel::poll::{PollEvents, Polled};
use crate::kernel::port::Port;
use crate::kernel::proc::Pid;
use crate::kernel::queue::{Flag, QueueGuard};
use crate::kernel::tunable;

/// `POLLIN` if the caller could retrieve something now, `POLLOUT` if an event
/// could be sent (S17, D15). A poller that finds nothing, or asks for edges,
/// is noted.
#[inline(never)]
pub fn port_readiness(port: &Port, wanted: PollEvents, others_ready: bool, pid: Pid) -> Polled {
    let mut q = port.lock();
    let mut ready = PollEvents::NONE;
    if is_readable(&q, pid) {
        ready = ready.or(PollEvents::IN);
    }
    let (used, limit) = q.slots();
    if used < limit {
        ready = ready.or(PollEvents::OUT);
    }
    let ready = ready.and(wanted);
    let noted = (ready == PollEvents::NONE && !others_ready)
        || wanted.and(PollEvents::EDGE) != PollEvents::NONE;
    if noted {
        q.note_poller(wanted);
    }
    Polled { ready, noted }
}

/// How far a poll looks for an event of the caller among those of others.
/// Senders wait meanwhile, in interrupts too; behind that many the port just
/// counts as readable.
const FARTHEST_LOOK: u32 = 1024;

/// Events that a retrieval holds right now count as there: it may give them
/// back, and whoever waits for them is not told then.
fn is_readable(q: &QueueGuard<'_>, pid: Pid) -> bool {
    (tunable::strict() && q.has(Flag::ALERT))
        || q.in_retrieval() > 0
        || q.any_event(FARTHEST_LOOK, |event| is_deliverable(event, pid))
}
