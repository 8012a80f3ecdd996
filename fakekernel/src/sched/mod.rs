//! The seam between the kernel and whatever runs its threads.
//!
//! Everything that blocks, wakes, or tells the time goes through the one
//! [`Sched`] of the booted kernel ([`get`]); nothing else in this crate creates
//! a thread, sleeps or reads a clock. The first back end is [`host`]: one host
//! thread per task.
//!
//! # Blocking
//!
//! A wake is a permit: [`Sched::wake`] before [`Sched::block`] is not lost, and
//! permits do not add up. A permit may be stale, so every caller of `block`
//! loops on its own condition.

pub mod host;
mod task;
mod timers;

use std::sync::OnceLock;

pub use task::{TaskId, Wait, WaitKind, Woken};

/// What a task runs.
pub type Body = Box<dyn FnOnce() + Send + 'static>;

/// How a task ended: the payload if its body panicked.
pub type Outcome = Result<(), Box<dyn std::any::Any + Send + 'static>>;

/// A monotonic time in nanoseconds, as `gethrtime` returns it.
pub type Hrtime = i64;

/// A back end that runs tasks.
pub trait Sched: Send + Sync {
    /// Starts a task. It can run at once, and counts as runnable from here on.
    fn spawn(&self, name: &str, body: Body) -> TaskId;

    /// Whether the caller is a task at all.
    fn is_task(&self) -> bool;

    /// The calling task. Asked by anybody else, the kernel panics with rule
    /// `sched`.
    fn current(&self) -> TaskId;

    /// Blocks until `task` has ended and returns how. Only the first join of a
    /// task gets a panic payload.
    fn join(&self, task: TaskId) -> Outcome;

    /// A place where another task may be scheduled: before every operation
    /// that other threads can see.
    fn point(&self);

    /// Blocks the calling task until a permit or the deadline.
    fn block(&self, wait: Wait, deadline: Option<Hrtime>) -> Woken;

    /// Gives `task` a permit. The caller must be a task.
    fn wake(&self, task: TaskId);

    /// The monotonic clock.
    fn now(&self) -> Hrtime;

    /// Blocks the calling task until every other task is blocked or gone. Time
    /// does not advance meanwhile on a virtual clock.
    fn settle(&self);

    /// The next number of the calling task's generator; generators follow from
    /// the seed and the order in which tasks were created.
    fn random(&self) -> u64;

    /// Whether time is virtual.
    fn is_virtual(&self) -> bool;

    /// Tasks that have not ended, the caller included.
    fn live(&self) -> usize;

    /// One line per live task: its name and what it waits for.
    fn listing(&self) -> String;
}

static SCHED: OnceLock<&'static dyn Sched> = OnceLock::new();

/// The booted kernel's scheduler.
///
/// # Panics
///
/// Before [`crate::boot`].
pub fn get() -> &'static dyn Sched {
    match SCHED.get() {
        Some(&sched) => sched,
        None => panic!("no kernel: call fakekernel::boot first"),
    }
}

/// Whether a kernel has been booted.
pub fn is_up() -> bool {
    SCHED.get().is_some()
}

/// Installs the back end; false if there was one.
pub(crate) fn install(sched: &'static dyn Sched) -> bool {
    SCHED.set(sched).is_ok()
}

/// Blocks the calling task until `when`, whatever permits it gets.
pub fn sleep_until(when: Hrtime) {
    let sched = get();
    while sched.now() < when {
        sched.block(Wait::new(WaitKind::Sleep, 0), Some(when));
    }
}

/// Blocks the calling task for `ns` nanoseconds.
pub fn sleep(ns: i64) {
    let now = get().now();
    sleep_until(now.saturating_add(ns));
}
