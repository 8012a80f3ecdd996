//! Counts of what threads did, per thread and in total.
//!
//! A thread counts for itself without any shared write, so that counting does
//! not disturb what is measured; totals are summed when asked for.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Counter {
    /// Buffers handed out by kmem_alloc, kmem_zalloc and kmem_cache_alloc.
    KmemAlloc,
    /// Bytes of these buffers, as they were asked for.
    KmemAllocBytes,
    /// Buffers given back.
    KmemFree,
    /// Bytes of these buffers, as they were asked for.
    KmemFreeBytes,
    /// `mutex_enter` and successful `mutex_tryenter`.
    MutexEnter,
    /// `mutex_enter` that had to wait.
    MutexBlock,
    /// Waits on a condition variable that blocked.
    CvWait,
    /// `cv_signal` calls, those that found nobody included.
    CvSignal,
    /// `cv_broadcast` calls.
    CvBroadcast,
    /// Threads that a signal or broadcast took off a condition variable.
    CvWakeup,
    /// Waits that ended by their deadline.
    CvTimeout,
    /// Waits that returned without a signal, a timeout or a wakeup.
    CvSpurious,
    /// copyin calls.
    Copyin,
    /// Bytes copied in.
    CopyinBytes,
    /// copyout calls.
    Copyout,
    /// Bytes copied out.
    CopyoutBytes,
    /// copyin and copyout calls that failed.
    CopyFault,
    /// Signals taken by a thread.
    Signal,
    /// Times a thread gave up its processor to wait for something.
    Switch,
    /// System calls, counted by the dispatcher.
    Syscall,
}

/// Number of counters.
pub const COUNTERS: usize = Counter::Syscall as usize + 1;

/// One value per [`Counter`].
#[derive(Debug, Default)]
pub struct Counters([AtomicU64; COUNTERS]);

impl Counters {
    /// Adds `n`; only the thread that owns the counters may.
    pub(crate) fn add(&self, what: Counter, n: u64) {
        let cell = &self.0[what as usize];
        cell.store(cell.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// The value of one counter.
    pub fn get(&self, what: Counter) -> u64 {
        self.0[what as usize].load(Relaxed)
    }

    /// A copy that no longer changes.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(std::array::from_fn(|i| self.0[i].load(Relaxed)))
    }
}

/// Counter values at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot([u64; COUNTERS]);

impl Snapshot {
    /// The value of one counter.
    pub fn get(&self, what: Counter) -> u64 {
        self.0[what as usize]
    }

    /// What was counted since `earlier`.
    pub fn since(&self, earlier: &Snapshot) -> Snapshot {
        Snapshot(std::array::from_fn(|i| {
            self.0[i].wrapping_sub(earlier.0[i])
        }))
    }

    fn sum(mut self, other: &Snapshot) -> Snapshot {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.wrapping_add(theirs);
        }
        self
    }
}

/// The calling thread's counters.
pub fn mine() -> Snapshot {
    crate::thread::current().counters.snapshot()
}

/// The sum over all threads that ever were.
pub fn total() -> Snapshot {
    let mut sum = Snapshot::default();
    for thread in crate::thread::all() {
        sum = sum.sum(&thread.counters.snapshot());
    }
    sum
}

/// Counts one event of the calling thread.
pub(crate) fn count(what: Counter) {
    crate::thread::current().counters.add(what, 1);
}

/// Counts `n` of something of the calling thread.
pub(crate) fn count_n(what: Counter, n: u64) {
    crate::thread::current().counters.add(what, n);
}
