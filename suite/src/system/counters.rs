//! Counters of kernel work since boot (capability [`Caps::COUNTERS`](crate::Caps::COUNTERS)).

/// Numbers that only grow. A case compares two readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Allocations (`kmem_alloc` and `kmem_cache_alloc`) made by the calling thread.
    pub thread_allocations: u64,
    /// Allocations made by all threads.
    pub allocations: u64,
    /// Bytes of the allocations made by all threads, as they were asked for.
    pub allocated_bytes: u64,
    /// Bytes of what all threads have freed; what is allocated now is the difference.
    pub freed_bytes: u64,
    /// Threads made runnable by a condition variable.
    pub wakeups: u64,
    /// Calls of `copyout`.
    pub copyouts: u64,
}
