//! The back end that runs each task on a host thread of its own.
//!
//! Tasks run in parallel, as threads do on a real kernel. The back end counts
//! runnable tasks. The task that brings the count to zero, by blocking or by
//! ending, looks what happens next: first a task in [`Sched::settle`] runs,
//! then, on a virtual clock, time jumps to the earliest deadline; if there is
//! neither, nothing can ever wake anybody and the kernel panics with rule
//! `deadlock`. A real clock runs by itself, so there the task looks a second
//! time after a while before it believes in a deadlock.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Arc, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::task::{EMPTY, ENDED, PARKED, PERMIT, Task};
use super::timers::Timers;
use super::{Body, Hrtime, Outcome, Sched, TaskId, Wait, WaitKind, Woken};
use crate::config::{Clock, Config};
use crate::panic::{kernel_panic, symbol};
use crate::tsan::{BOOKS, RELEASE};

/// Tasks that one kernel can start in its life.
const TASKS: usize = 1 << 16;

/// `gethrtime` at boot: an uptime, so that time differences below zero show.
const UPTIME: Hrtime = 60_000_000_000;

/// How long everything must stand still on a real clock to be a deadlock.
const STANDSTILL: Duration = Duration::from_millis(200);

thread_local! {
    static CURRENT: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// Host threads as tasks.
pub struct Host {
    me: Weak<Host>,
    clock: Clock,
    seed: u64,
    stack: usize,
    yield_below: u64,
    boot: Instant,
    virtual_now: AtomicI64,
    running: AtomicUsize,
    live: AtomicUsize,
    timed: AtomicUsize,
    blocks: AtomicU64,
    next: AtomicU32,
    tasks: Box<[OnceLock<Box<Task>>]>,
    timers: Timers,
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host {
    /// A back end with the calling thread as its first task.
    pub fn boot(config: &Config) -> Arc<Host> {
        let chance = config.yield_chance.clamp(0.0, 1.0);
        let host = Arc::new_cyclic(|me| Host {
            me: me.clone(),
            clock: config.clock,
            seed: config.seed,
            stack: config.host_stack,
            yield_below: (chance * u64::MAX as f64) as u64,
            boot: Instant::now(),
            virtual_now: AtomicI64::new(UPTIME),
            running: AtomicUsize::new(1),
            live: AtomicUsize::new(1),
            timed: AtomicUsize::new(0),
            blocks: AtomicU64::new(0),
            next: AtomicU32::new(0),
            tasks: (0..TASKS).map(|_| OnceLock::new()).collect(),
            timers: Timers::default(),
        });
        host.begin(host.create("boot"));
        host
    }

    fn create(&self, name: &str) -> &Task {
        let n = self.next.fetch_add(1, Relaxed);
        match self.tasks.get(n as usize) {
            Some(slot) => slot.get_or_init(|| Box::new(Task::new(TaskId(n), name, self.seed))),
            None => kernel_panic("sched", &format!("more than {TASKS} threads in one kernel")),
        }
    }

    fn begin(&self, task: &Task) {
        CURRENT.set(task.id.0);
        *lock(&task.host) = Some(std::thread::current());
    }

    fn task(&self, id: TaskId) -> &Task {
        match self.tasks.get(id.0 as usize).and_then(OnceLock::get) {
            Some(task) => task,
            None => kernel_panic("sched", &format!("there is no task {}", id.0)),
        }
    }

    fn me(&self) -> &Task {
        let n = CURRENT.get();
        if n == u32::MAX {
            kernel_panic(
                "sched",
                "a kernel function was called from a thread that is no task",
            );
        }
        self.task(TaskId(n))
    }

    fn run(&self, id: TaskId, body: Body) {
        let task = self.task(id);
        self.begin(task);
        let outcome = catch_unwind(AssertUnwindSafe(body));
        self.end(task, outcome);
    }

    fn end(&self, task: &Task, outcome: Outcome) {
        *lock(&task.outcome) = Some(outcome);
        task.state.store(ENDED, SeqCst);
        let joiners = std::mem::take(&mut *lock(&task.joiners));
        for joiner in joiners {
            self.wake(joiner);
        }
        let left = self.live.fetch_sub(1, RELEASE) - 1;
        let mut suspect = self.running.fetch_sub(1, RELEASE) == 1 && left > 0 && self.stopped();
        // No task any more, but the only one to know that nothing runs.
        while suspect {
            suspect = self.stands_still(std::thread::sleep);
        }
    }

    /// Lets a parked task run; the caller has counted it as runnable.
    fn release(&self, task: &Task, timed_out: bool) -> bool {
        if timed_out {
            task.timed_out.store(true, Relaxed);
        }
        if task
            .state
            .compare_exchange(PARKED, EMPTY, SeqCst, SeqCst)
            .is_err()
        {
            return false;
        }
        let host = lock(&task.host).clone();
        if let Some(host) = host {
            host.unpark();
        }
        true
    }

    /// Nothing runs: decides what happens next. True if the caller should look
    /// again later.
    fn stopped(&self) -> bool {
        if self.clock == Clock::Real {
            return self.nothing_runs();
        }
        // Whoever goes on now goes on after all that the others did.
        self.running.load(Acquire);
        loop {
            let tasks = if let Some(settler) = self.timers.pop_settler() {
                vec![settler]
            } else if let Some((when, tasks)) = self.timers.pop_earliest() {
                self.virtual_now.fetch_max(when, SeqCst);
                tasks
            } else {
                self.deadlock()
            };
            self.running.fetch_add(tasks.len(), BOOKS);
            // A task released first may wake one that comes later in the list and count it itself.
            let late = tasks
                .iter()
                .filter(|task| !self.release(self.task(**task), true))
                .count();
            if late == 0 || self.running.fetch_sub(late, RELEASE) != late {
                return false;
            }
        }
    }

    /// Whether no task runs and none waits for a time.
    fn nothing_runs(&self) -> bool {
        self.timed.load(SeqCst) == 0 && self.running.load(SeqCst) == 0
    }

    /// Looks again after a while, on a real clock, at a kernel in which nothing
    /// ran. False if something does.
    fn stands_still(&self, wait: fn(Duration)) -> bool {
        let before = self.blocks.load(SeqCst);
        let since = Instant::now();
        while since.elapsed() < STANDSTILL && self.nothing_runs() {
            wait(STANDSTILL / 4);
        }
        let still = self.nothing_runs();
        if still && self.blocks.load(SeqCst) == before {
            self.deadlock();
        }
        still
    }

    fn deadlock(&self) -> ! {
        let text = format!(
            "every thread waits and nothing can wake one\n{}",
            self.listing()
        );
        kernel_panic("deadlock", text.trim_end())
    }

    /// Waits on the host until the state is no longer `PARKED`.
    fn park(&self, me: &Task, deadline: Option<Hrtime>, mut suspect: bool) {
        while me.state.load(SeqCst) == PARKED {
            if let (Clock::Real, Some(when)) = (self.clock, deadline) {
                let left = when.saturating_sub(self.now());
                if left <= 0 {
                    // Counted before the state changes, as a waker does.
                    self.running.fetch_add(1, BOOKS);
                    if self.release(me, true) {
                        return;
                    }
                    self.running.fetch_sub(1, RELEASE);
                } else {
                    std::thread::park_timeout(Duration::from_nanos(left.unsigned_abs()));
                }
            } else if suspect {
                suspect = self.stands_still(std::thread::park_timeout);
            } else {
                std::thread::park();
            }
        }
    }
}

impl Sched for Host {
    fn spawn(&self, name: &str, body: Body) -> TaskId {
        let task = self.create(name);
        let id = task.id;
        self.live.fetch_add(1, BOOKS);
        self.running.fetch_add(1, BOOKS);
        let Some(host) = self.me.upgrade() else {
            kernel_panic("sched", "the scheduler is gone");
        };
        let started = std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(self.stack)
            .spawn(move || host.run(id, body));
        if let Err(error) = started {
            kernel_panic(
                "sched",
                &format!("the host gives no thread for {name}: {error}"),
            );
        }
        id
    }

    fn is_task(&self) -> bool {
        CURRENT.get() != u32::MAX
    }

    fn current(&self) -> TaskId {
        self.me().id
    }

    fn join(&self, id: TaskId) -> Outcome {
        let me = self.me().id;
        let task = self.task(id);
        let mut joiners = lock(&task.joiners);
        if task.state.load(SeqCst) != ENDED {
            joiners.push(me);
        }
        drop(joiners);
        while task.state.load(SeqCst) != ENDED {
            self.block(Wait::new(WaitKind::Join, id.0 as usize), None);
        }
        lock(&task.outcome).take().unwrap_or(Ok(()))
    }

    fn point(&self) {
        // A host thread inherits the GS base of the one that made it, so this
        // is where a thread that is no task is found out.
        if !self.is_task() {
            self.me();
        }
        if self.yield_below != 0 && self.random() < self.yield_below {
            std::thread::yield_now();
        }
    }

    fn block(&self, wait: Wait, deadline: Option<Hrtime>) -> Woken {
        let me = self.me();
        me.timed_out.store(false, Relaxed);
        if me
            .state
            .compare_exchange(EMPTY, PARKED, SeqCst, SeqCst)
            .is_err()
        {
            me.state.store(EMPTY, SeqCst);
            return Woken::Permit;
        }
        // From here on a waker may already have counted this task as runnable;
        // taking it off the count below balances that.
        me.set_wait(wait);
        self.blocks.fetch_add(1, BOOKS);
        if let Some(when) = deadline {
            self.timed.fetch_add(1, BOOKS);
            if self.clock == Clock::Virtual {
                self.timers.arm(when, me.id);
            }
        } else if wait.kind == WaitKind::Settle {
            self.timers.settle(me.id);
        }
        let suspect = self.running.fetch_sub(1, RELEASE) == 1 && self.stopped();
        self.park(me, deadline, suspect);
        if let Some(when) = deadline {
            self.timed.fetch_sub(1, BOOKS);
            if self.clock == Clock::Virtual {
                self.timers.disarm(when, me.id);
            }
        }
        if wait.kind == WaitKind::Settle {
            self.timers.leave(me.id);
        }
        me.set_wait(Wait::new(WaitKind::Running, 0));
        if me.timed_out.load(Relaxed) {
            Woken::Timeout
        } else {
            Woken::Permit
        }
    }

    fn wake(&self, id: TaskId) {
        let task = self.task(id);
        loop {
            match task.state.load(SeqCst) {
                EMPTY => {
                    if task
                        .state
                        .compare_exchange(EMPTY, PERMIT, SeqCst, SeqCst)
                        .is_ok()
                    {
                        return;
                    }
                }
                PARKED => {
                    self.running.fetch_add(1, BOOKS);
                    if self.release(task, false) {
                        return;
                    }
                    self.running.fetch_sub(1, RELEASE);
                }
                _ => return,
            }
        }
    }

    fn now(&self) -> Hrtime {
        match self.clock {
            Clock::Virtual => self.virtual_now.load(SeqCst),
            Clock::Real => {
                let up = self.boot.elapsed().as_nanos();
                UPTIME.saturating_add(i64::try_from(up).unwrap_or(i64::MAX))
            }
        }
    }

    fn settle(&self) {
        match self.clock {
            Clock::Virtual => {
                let wait = Wait::new(WaitKind::Settle, 0);
                while self.block(wait, None) != Woken::Timeout {}
            }
            Clock::Real => {
                while self.running.load(SeqCst) > 1 {
                    std::thread::sleep(Duration::from_micros(100));
                }
            }
        }
    }

    fn random(&self) -> u64 {
        self.me().rng.next()
    }

    fn is_virtual(&self) -> bool {
        self.clock == Clock::Virtual
    }

    fn live(&self) -> usize {
        self.live.load(SeqCst)
    }

    fn listing(&self) -> String {
        let mut text = String::new();
        for task in self.tasks.iter().map_while(OnceLock::get) {
            if task.state.load(SeqCst) == ENDED {
                continue;
            }
            let wait = task.wait();
            let what = match wait.kind {
                WaitKind::Running => "running".to_owned(),
                WaitKind::Mutex => format!("mutex {}", crate::sync::describe_mutex(wait.addr)),
                WaitKind::Cv => format!("cv {:#x}", wait.addr),
                WaitKind::Join => format!("the end of task {}", wait.addr),
                WaitKind::Sleep => "time to pass".to_owned(),
                WaitKind::Settle => "all others to settle".to_owned(),
                WaitKind::Event => format!("an event of the user side {:#x}", wait.addr),
            };
            text.push_str(&format!("  task {} ({}): {what}", task.id.0, task.name));
            if wait.caller != 0 {
                text.push_str(&format!(" at {}", symbol(wait.caller)));
            }
            text.push('\n');
            text.push_str(&crate::thread::describe_held(task.id));
        }
        text
    }
}
