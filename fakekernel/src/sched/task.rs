//! A task: what the scheduler knows of one kernel thread.

use std::cell::Cell;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering};
use std::thread::Thread;

use super::Outcome;

/// Names a task for the life of the kernel; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub(crate) u32);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.0)
    }
}

/// Why [`super::Sched::block`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// By a permit.
    Permit,
    /// Because the deadline passed.
    Timeout,
}

/// The kind of thing a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum WaitKind {
    /// Not waiting.
    Running = 0,
    /// A mutex; the address is the lock's.
    Mutex,
    /// A condition variable; the address is the variable's.
    Cv,
    /// The end of another task; the address is its number.
    Join,
    /// Time to pass.
    Sleep,
    /// All other tasks to block.
    Settle,
    /// Something of a test or of the user side.
    Event,
}

impl WaitKind {
    pub(super) fn from_u8(n: u8) -> WaitKind {
        match n {
            1 => WaitKind::Mutex,
            2 => WaitKind::Cv,
            3 => WaitKind::Join,
            4 => WaitKind::Sleep,
            5 => WaitKind::Settle,
            6 => WaitKind::Event,
            _ => WaitKind::Running,
        }
    }
}

/// What a task waits for, for the listing of a deadlock.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// The kind of thing.
    pub kind: WaitKind,
    /// Its address, or 0.
    pub addr: usize,
    /// The kernel text address that asked for it, or 0.
    pub caller: usize,
}

impl Wait {
    /// A wait without a known caller.
    pub fn new(kind: WaitKind, addr: usize) -> Wait {
        Wait {
            kind,
            addr,
            caller: 0,
        }
    }
}

/// Running, with no permit.
pub(super) const EMPTY: u32 = 0;
/// Running or about to, with a permit.
pub(super) const PERMIT: u32 = 1;
/// Blocked.
pub(super) const PARKED: u32 = 2;
/// Ended.
pub(super) const ENDED: u32 = 3;

/// # Invariants
///
/// A task whose state is `PARKED` is not in the scheduler's count of runnable
/// tasks; whoever changes the state from `PARKED` has counted it first.
pub(super) struct Task {
    pub(super) id: TaskId,
    pub(super) name: String,
    pub(super) state: AtomicU32,
    pub(super) timed_out: AtomicBool,
    pub(super) host: Mutex<Option<Thread>>,
    pub(super) joiners: Mutex<Vec<TaskId>>,
    pub(super) outcome: Mutex<Option<Outcome>>,
    pub(super) rng: Rng,
    wait_kind: AtomicU8,
    wait_addr: AtomicUsize,
    wait_caller: AtomicUsize,
}

/// A generator that only the task itself draws from.
pub(super) struct Rng(Cell<fastrand::Rng>);

// SAFETY: `next` is called by the task that owns the generator and by nobody
// else (see `Host::random`), so the cell is never shared.
unsafe impl Sync for Rng {}

impl Rng {
    pub(super) fn next(&self) -> u64 {
        let mut rng = self.0.replace(fastrand::Rng::with_seed(0));
        let n = rng.u64(..);
        self.0.set(rng);
        n
    }
}

impl Task {
    pub(super) fn new(id: TaskId, name: &str, seed: u64) -> Task {
        let seed = seed ^ u64::from(id.0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Task {
            id,
            name: name.to_owned(),
            state: AtomicU32::new(EMPTY),
            timed_out: AtomicBool::new(false),
            host: Mutex::new(None),
            joiners: Mutex::new(Vec::new()),
            outcome: Mutex::new(None),
            rng: Rng(Cell::new(fastrand::Rng::with_seed(seed))),
            wait_kind: AtomicU8::new(0),
            wait_addr: AtomicUsize::new(0),
            wait_caller: AtomicUsize::new(0),
        }
    }

    pub(super) fn set_wait(&self, wait: Wait) {
        self.wait_addr.store(wait.addr, Ordering::Relaxed);
        self.wait_caller.store(wait.caller, Ordering::Relaxed);
        self.wait_kind.store(wait.kind as u8, Ordering::Relaxed);
    }

    pub(super) fn wait(&self) -> Wait {
        Wait {
            kind: WaitKind::from_u8(self.wait_kind.load(Ordering::Relaxed)),
            addr: self.wait_addr.load(Ordering::Relaxed),
            caller: self.wait_caller.load(Ordering::Relaxed),
        }
    }
}
