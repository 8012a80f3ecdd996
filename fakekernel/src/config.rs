//! How a kernel is booted: its clock, its strictness, its faults.

use crate::fault::FaultRule;

/// What the kernel's clock follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// Time stands still while any task can run. When all are blocked it jumps
    /// to the earliest deadline; when there is none the kernel panics with
    /// rule `deadlock`.
    #[default]
    Virtual,
    /// The host's monotonic clock.
    Real,
}

/// Which waiter of a condition variable `cv_signal` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CvOrder {
    /// The one that has waited longest, as illumos does among equal priorities.
    #[default]
    Fifo,
    /// Any, chosen by the seed: no caller may rely on the order.
    Random,
}

/// The rules that can be switched off; those not listed here always hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strict {
    /// Keep the lock-order graph: rule `lock-order`.
    pub lock_order: bool,
    /// Fill allocated and freed memory and hold freed memory back to find
    /// later writes: rule `kmem-modified-after-free`.
    pub kmem_poison: bool,
    /// Check list links on insertion and removal: rules `list-*`.
    pub list: bool,
    /// No kernel mutex may be held over copyin and copyout: rule
    /// `copyio-mutex`.
    pub copyio_mutex: bool,
    /// Measure kernel stacks: rule `stack`.
    pub stack: bool,
    /// Memory still allocated at shutdown is a panic, rule `kmem-leak`, and not
    /// only listed in the report.
    pub leaks: bool,
}

impl Default for Strict {
    fn default() -> Self {
        Strict {
            lock_order: true,
            kmem_poison: true,
            list: true,
            copyio_mutex: true,
            stack: true,
            leaks: false,
        }
    }
}

impl Strict {
    /// The rules that cost next to nothing, for measurements.
    pub fn fast() -> Self {
        Strict {
            lock_order: false,
            kmem_poison: false,
            list: false,
            copyio_mutex: true,
            stack: false,
            leaks: false,
        }
    }
}

/// How to boot a kernel. `Config::default()` is the suite's kernel: virtual
/// clock, every rule on, no fault.
#[derive(Clone, Debug)]
pub struct Config {
    /// Virtual or real time.
    pub clock: Clock,
    /// Source of every random choice.
    pub seed: u64,
    /// Rules that may be switched off.
    pub strict: Strict,
    /// Faults armed from the start.
    pub faults: Vec<FaultRule>,
    /// Order of `cv_signal`.
    pub cv_order: CvOrder,
    /// Wall-clock time at boot, in nanoseconds since 1970.
    pub wall_clock: i64,
    /// Bytes of address space of each process.
    pub user_memory: usize,
    /// Bytes of kernel stack that a system call may use, in the real kernel
    /// five pages, less what the kernel itself needs below a module.
    pub stack_limit: usize,
    /// Bytes of each task's host stack.
    pub host_stack: usize,
    /// Chance, from 0 to 1, that a task gives up the processor at a scheduling
    /// point.
    pub yield_chance: f64,
    /// `set portfs:symbol = value` lines of /etc/system: symbol and value.
    pub system: Vec<(String, i64)>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            clock: Clock::Virtual,
            seed: 1,
            strict: Strict::default(),
            faults: Vec::new(),
            cv_order: CvOrder::Fifo,
            wall_clock: 1_735_689_600_000_000_000,
            user_memory: 16 << 20,
            stack_limit: (20 << 10) - (4 << 10),
            host_stack: 1 << 20,
            yield_chance: 0.0,
            system: Vec::new(),
        }
    }
}
