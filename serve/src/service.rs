//! [`Service`]: the result of a scenario.

use crate::Tally;

/// What a scenario did and found.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// Threads that retrieve.
    pub retrievers: u16,
    /// Threads that send.
    pub senders: u16,
    /// Descriptors that were associated; `None` in a scenario without descriptors.
    pub connections: Option<u32>,
    /// Kernel memory in bytes that came with these associations, where the system can tell.
    pub association_bytes: Option<u64>,
    /// Nanoseconds from the first event to the last, rounds of silence included.
    pub elapsed: u64,
    /// Events that the port accepted.
    pub sent: u64,
    /// Events retrieved, each counted once.
    pub taken: u64,
    /// Threads that the kernel woke from a condition variable, where the system can tell.
    pub wakeups: Option<u64>,
    /// Alerts set.
    pub alerts: u64,
    /// The sum over all threads.
    pub tally: Tally,
}

impl Service {
    /// Did everything arrive once, in order, with no complaint?
    pub fn is_clean(&self) -> bool {
        self.tally.findings.is_clean() && self.sent == self.taken
    }

    /// Events retrieved per second.
    pub fn rate(&self) -> f64 {
        match self.elapsed {
            0 => 0.0,
            ns => self.taken as f64 * 1e9 / ns as f64,
        }
    }

    /// Kernel memory per association in bytes.
    pub fn bytes_per_association(&self) -> Option<f64> {
        match (self.association_bytes, self.connections) {
            (Some(bytes), Some(connections @ 1..)) => Some(bytes as f64 / f64::from(connections)),
            _ => None,
        }
    }

    /// Wakeups per event retrieved.
    pub fn wakeups_per_event(&self) -> Option<f64> {
        match (self.wakeups, self.taken) {
            (Some(wakeups), taken) if taken > 0 => Some(wakeups as f64 / taken as f64),
            _ => None,
        }
    }
}
