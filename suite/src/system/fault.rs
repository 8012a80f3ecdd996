//! Injected failures (capability [`Caps::FAULTS`](crate::Caps::FAULTS)).

/// One failure to come. Counts start at 1 with the next call of the kind, whoever makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The n-th allocation that may not sleep (`KM_NOSLEEP`) finds no memory.
    NoSleep(u64),
    /// The next `copyout` stops with a fault at this byte (counted from 0).
    CopyoutAt(u64),
    /// The next `copyin` stops with a fault at this byte (counted from 0).
    CopyinAt(u64),
    /// The n-th `falloc` finds no descriptor.
    Falloc(u64),
    /// The n-th interruptible sleep gets a signal.
    SignalAtSleep(u64),
    /// The n-th sleep on a condition variable ends without cause.
    SpuriousWakeup(u64),
}

/// The switchboard of failures.
pub trait Faults {
    /// Arms one failure; several may be armed.
    fn inject(&self, fault: Fault);
    /// Disarms everything; answers how many armed failures have happened.
    fn clear(&self) -> u64;
}
