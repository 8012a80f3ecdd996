//! [`Load`]: how much a scenario has to do.

/// Size of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Threads on the many side of the scenario (see each scenario), 1 to [`Load::MAX_THREADS`].
    pub threads: u16,
    /// Descriptors that are associated at the same time, [`Load::MIN_CONNECTIONS`] to
    /// [`Load::MAX_CONNECTIONS`]; 0 in a scenario without descriptors.
    pub connections: u32,
    /// Nanoseconds for which events are sent.
    pub time: u64,
    /// Nanoseconds in which an event must arrive while all threads wait for it.
    pub patience: u64,
    /// Seed of every random choice.
    pub seed: u64,
}

impl Load {
    /// More threads than this say nothing new and only take memory.
    pub const MAX_THREADS: u16 = 256;

    /// One active descriptor and one idle one.
    pub const MIN_CONNECTIONS: u32 = 2;

    /// More connections than this take more memory than they are worth.
    pub const MAX_CONNECTIONS: u32 = 100_000;

    /// Descriptors that a process must be able to open for this: both ends of each connection, the
    /// port, and a few.
    pub fn descriptors(&self) -> u32 {
        2 * self.connections + 16
    }

    /// Senders where retrievers are the many side.
    pub(crate) fn half(&self) -> u16 {
        self.threads.div_ceil(2)
    }
}
