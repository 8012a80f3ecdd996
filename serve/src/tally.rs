//! [`Tally`]: what one thread did and saw.

use crate::{Findings, Histogram};

/// Counts of one thread, or the sum over all threads.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Nanoseconds from the call of `port_send` to the return of the retrieving call, per event.
    pub latency: Histogram,
    /// Calls that retrieve (`port_get`, `port_getn`), whatever they answered.
    pub calls: u64,
    /// Retrieving calls that ended with `EINTR`.
    pub interrupted: u64,
    /// Retrieving calls that ended with `ETIME`.
    pub expired: u64,
    /// Alert events retrieved.
    pub alerted: u64,
    /// Events that the port refused with `EAGAIN`; they are sent again.
    pub refused: u64,
    /// What was wrong.
    pub findings: Findings,
}

impl Tally {
    /// Adds the counts of another thread.
    pub fn merge(&mut self, other: Tally) {
        self.latency.merge(&other.latency);
        self.calls += other.calls;
        self.interrupted += other.interrupted;
        self.expired += other.expired;
        self.alerted += other.alerted;
        self.refused += other.refused;
        self.findings.merge(other.findings);
    }
}
