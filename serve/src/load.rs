//! [`Load`]: how much a scenario has to do.

/// Size of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Threads on the many side of the scenario (see each scenario), 1 to [`Load::MAX_THREADS`].
    pub threads: u16,
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

    /// Senders where retrievers are the many side.
    pub(crate) fn half(&self) -> u16 {
        self.threads.div_ceil(2)
    }
}
