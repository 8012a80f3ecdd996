//! [`Tally`]: what one thread did and saw.

use crate::{Cookie, Findings, Histogram, Ledger};

/// Counts of one thread, or the sum over all threads.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Nanoseconds per event, from the call that sends it to the return of the call that has it;
    /// where requests are answered, to the return of the call that has the answer.
    pub latency: Histogram,
    /// Calls that retrieve (`port_get`, `port_getn`), whatever they answered.
    pub calls: u64,
    /// Retrieving calls that ended with `EINTR`.
    pub interrupted: u64,
    /// Retrieving calls that ended with `ETIME`.
    pub expired: u64,
    /// Alert events retrieved.
    pub alerted: u64,
    /// Events of descriptors at which there was nothing to read. They are legal: a wakeup may come
    /// late, when its cause was found by an association and is dealt with.
    pub spurious: u64,
    /// Connections that were closed and opened again.
    pub renewed: u64,
    /// Events that the port refused with `EAGAIN`; they are sent again.
    pub refused: u64,
    /// What was wrong.
    pub findings: Findings,
}

impl Tally {
    /// Takes what arrived at `now` out of the books. False, and a flaw, if it is not there.
    pub fn book(&mut self, ledger: &Ledger, cookie: Cookie, now: u64) -> bool {
        match ledger.take(cookie) {
            Ok(sent) => self.latency.record(now.saturating_sub(sent)),
            Err(flaw) => {
                self.findings.flaw(flaw, cookie, "");
                return false;
            }
        }
        true
    }

    /// Adds the counts of another thread.
    pub fn merge(&mut self, other: Tally) {
        self.latency.merge(&other.latency);
        self.calls += other.calls;
        self.interrupted += other.interrupted;
        self.expired += other.expired;
        self.alerted += other.alerted;
        self.spurious += other.spurious;
        self.renewed += other.renewed;
        self.refused += other.refused;
        self.findings.merge(other.findings);
    }
}
