//! `port_getn`, and `port_get` as a `port_getn` of one event.

use super::alert;
use super::is_deliverable;
use super::retrieve::{Look, port_check_return_cond, port_retrieve};
use super::wait::{Verdict, Waiting};
use crate::kernel::port::Port;
use crate::kernel::proc::{self, Model};
use crate::kernel::queue::{Alert, Flag};
use crate::kernel::time::Timespec;
use crate::kernel::user::{EventList, UserAddr};
use crate::kernel::{Errno, Result};

/// A time-out as the caller gave it. It is read and judged only when the
/// thread would have to wait (S67).
#[derive(Clone, Copy)]
pub enum Timeout {
    /// No limit (S57).
    Forever,
    /// A length.
    After(Timespec),
    /// The address of a length, in this layout.
    At(UserAddr, Model),
}

/// What the caller wants.
pub struct Request {
    /// Where the events go.
    pub list: EventList,
    /// At most so many events; 0 asks for the length of the queue (S62).
    pub max: u32,
    /// Wait for at least so many (S60); 0 returns at once (S63).
    pub need: u32,
    /// How long to wait.
    pub timeout: Timeout,
}

/// What the caller gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Events written, or the length of the queue.
    pub count: u32,
    /// The time-out passed before `need` events came (S59, D7).
    pub expired: bool,
}

impl Outcome {
    fn of(count: u32) -> Self {
        Self {
            count,
            expired: false,
        }
    }
}

/// Retrieves events.
///
/// # Errors
///
/// - `EINVAL`: `need` above `max` (S64), or a bad time-out (S67).
/// - `EFAULT`: no list (S65), a list that cannot be written (no event is lost,
///   D22), a time-out that cannot be read.
/// - `EINTR`: a signal, or the descriptor was closed meanwhile (S70, S71).
/// - `EBADFD`: the port is being closed.
#[inline(never)]
pub fn port_getn(port: &Port, want: &Request) -> Result<Outcome> {
    if want.max > 0 && want.need > want.max {
        return Err(Errno::EINVAL);
    }
    if want.max == 0 {
        return Ok(Outcome::of(port_length(port)));
    }
    if want.list.is_null() {
        return Err(Errno::EFAULT);
    }
    if want.need == 0 {
        return Ok(Outcome::of(0));
    }
    let mut waiting = Waiting::new(want.need, want.timeout);
    let mut q = port.lock();
    q.enter();
    loop {
        let (at_queue, verdict) = waiting.wait(q);
        q = at_queue;
        let (last, expired) = match verdict {
            Verdict::Failed(error) => {
                port_check_return_cond(q);
                return Err(error);
            }
            Verdict::Alerted(alert) => {
                port_check_return_cond(q);
                return port_get_alert(&want.list, alert);
            }
            Verdict::Enough => (false, false),
            Verdict::Whatever { expired } => (true, expired),
        };
        if last && !waiting.has_something_to_see(&q) {
            port_check_return_cond(q);
            return Ok(Outcome { count: 0, expired });
        }
        let count = match port_retrieve(q, &want.list, want.max, last)? {
            Look::Got(count) => count,
            Look::Vain(_) if last => 0,
            Look::Vain(generation) => {
                waiting.looked_in_vain(generation);
                q = port.lock();
                continue;
            }
        };
        return Ok(Outcome {
            count,
            expired: expired && count < want.need,
        });
    }
}

/// The number of events the caller could retrieve (S62, S16, D15). Goes
/// through them as a retrieval does, so that senders do not wait meanwhile.
pub fn port_length(port: &Port) -> u32 {
    let pid = proc::pid();
    let mut q = port.lock();
    q.settle();
    if q.has(Flag::CLOSE) {
        // The close counts on the queue; a look through /proc gets here.
        return q.queued();
    }
    let mut retrieval = q.retrieve();
    let mut count = 0;
    while let Some(candidate) = retrieval.next() {
        if is_deliverable(candidate.event(), pid) {
            count += 1;
        }
        candidate.skip();
    }
    retrieval.finish().wake_next();
    count
}

/// Hands an alert over; no lock is held while it is copied (D20).
#[inline(never)]
fn port_get_alert(list: &EventList, alert: Alert) -> Result<Outcome> {
    list.write_one(alert::shown(alert))?;
    Ok(Outcome::of(1))
}
