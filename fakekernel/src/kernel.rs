//! Booting and shutting down.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use crate::config::Config;
use crate::counter::{self, Snapshot};
use crate::kmem::{self, Leak};
use crate::panic::kernel_panic;
use crate::sched::host::Host;
use crate::thread::{self, Handle, Kind};
use crate::{cyclic, fault, panic, proc, sched, stack, time};

static CONFIG: OnceLock<Config> = OnceLock::new();
static BOOTED: AtomicBool = AtomicBool::new(false);

/// The configuration of the booted kernel; before boot, the default one.
pub(crate) fn config() -> &'static Config {
    CONFIG.get_or_init(Config::default)
}

/// The running kernel. There is one per process; the thread that booted it is
/// its first thread.
#[must_use = "shut the kernel down to learn what leaked"]
pub struct Kernel {
    _private: (),
}

/// What a kernel had to say at the end.
#[derive(Clone, Debug)]
pub struct Report {
    /// Kernel memory that was not freed.
    pub leaks: Vec<Leak>,
    /// What all threads did together.
    pub counters: Snapshot,
    /// The deepest kernel stack of a system call, in bytes, measured where the
    /// module called the kernel.
    pub stack_depth: usize,
    /// The deepest kernel stack including what the fake kernel itself used;
    /// 0 when stacks were not painted.
    pub stack_painted: usize,
    /// Kernel time at the end, `gethrtime`.
    pub uptime: i64,
}

/// Boots the kernel of this process with the calling thread as first thread.
///
/// # Panics
///
/// When this process has booted a kernel before: the kernel's symbols are
/// global, so a second kernel needs a second process.
pub fn boot(config: Config) -> Kernel {
    assert!(
        !BOOTED.swap(true, SeqCst),
        "one process runs one kernel: boot it once"
    );
    panic::install();
    if CONFIG.set(config).is_err() {
        kernel_panic("boot", "kernel functions were called before boot");
    }
    let config = self::config();
    let host: &'static _ = Box::leak(Box::new(Host::boot(config)));
    sched::install(&**host);
    thread::boot(proc::proc0());
    time::boot(config.wall_clock);
    crate::startup::begin();
    for rule in &config.faults {
        fault::arm(rule.clone());
    }
    Kernel { _private: () }
}

impl Kernel {
    /// The configuration it was booted with.
    pub fn config(&self) -> &'static Config {
        config()
    }

    /// Moves the wall clock by `delta` nanoseconds. Monotonic time is not
    /// touched; waits on the wall clock notice.
    pub fn step_wall_clock(&self, delta: i64) {
        time::step_wall_clock(delta);
    }

    /// Blocks the caller until every other thread is blocked or gone.
    pub fn settle(&self) {
        sched::get().settle();
    }

    /// Runs `body` as an interrupt: it may take mutexes and wake others, not
    /// sleep.
    pub fn interrupt(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Handle {
        thread::spawn(proc::proc0(), Kind::Interrupt, name, body)
    }

    /// Runs `body` as a thread of the kernel itself.
    pub fn kthread(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Handle {
        thread::spawn(proc::proc0(), Kind::System, name, body)
    }

    /// What all threads did so far.
    pub fn counters(&self) -> Snapshot {
        counter::total()
    }

    /// Ends the kernel: waits until no other thread is left, checks freed
    /// memory for late writes and lists what was not freed.
    ///
    /// Threads that can never end are rule `deadlock`.
    ///
    /// # Panics
    ///
    /// If a thread that nobody joined panicked, with its payload.
    pub fn shutdown(self) -> Report {
        // A thread that ends may have started others.
        let mut joined = 0;
        while let Some(&thread) = thread::all().get(joined) {
            if !std::ptr::eq(thread, thread::current()) && !cyclic::is_clock(thread) {
                thread::join(thread);
            }
            joined += 1;
        }
        cyclic::stop();
        for thread in thread::all().into_iter().filter(|t| cyclic::is_clock(t)) {
            thread::join(thread);
        }
        thread::assert_no_mutex("the kernel was shut down");
        kmem::verify_freed();
        let leaks = kmem::leaks();
        if let (true, Some(leak)) = (config().strict.leaks, leaks.first()) {
            let all: Vec<_> = leaks.iter().map(|l| format!("  {l}")).collect();
            let text = format!(
                "{} buffers were not freed, the first: {leak}\n{}",
                leaks.len(),
                all.join("\n")
            );
            kernel_panic("kmem-leak", &text);
        }
        Report {
            leaks,
            counters: counter::total(),
            stack_depth: stack::deepest(),
            stack_painted: stack::deepest_painted(),
            uptime: sched::get().now(),
        }
    }
}
