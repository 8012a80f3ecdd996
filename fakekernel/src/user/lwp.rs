//! Lwps: the threads of a process, as seen from inside.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use bindings::{SEXITLWPS, SIGKILL, mutex_enter, mutex_exit, uint_t};

use super::process::{self, Child, Model, Process, Rctl};
use crate::counter::{self, Snapshot};
use crate::syscall::Killed;
use crate::thread::{self, Handle, Kind, Thread};
use crate::{fio, poll, sched, signal, syscall, time, timer};

/// The calling lwp. It cannot leave its thread.
pub struct Lwp {
    thread: &'static Thread,
    _here: PhantomData<*const ()>,
}

impl Lwp {
    /// Runs `body` as the program of the calling thread, an lwp.
    pub(super) fn enter<R>(body: impl FnOnce(&Lwp) -> R) -> R {
        let lwp = Lwp {
            thread: thread::current(),
            _here: PhantomData,
        };
        let afd = {
            let t = lwp.thread.kthread();
            // SAFETY: only the address of a field of the calling thread is taken.
            unsafe { &raw mut (*t).t_activefd }
        };
        // SAFETY: the thread uses no descriptor before and after its program.
        unsafe { fio::free_afd(afd) };
        let value = body(&lwp);
        poll::pollcleanup();
        // SAFETY: as above; p_lock is held for `timer_lwpexit`.
        unsafe {
            fio::free_afd(afd);
            let lock = lwp.thread.process().lock_ptr();
            mutex_enter(lock);
            timer::timer_lwpexit();
            mutex_exit(lock);
        }
        value
    }

    /// The process it belongs to.
    pub fn process(&self) -> Process {
        Process {
            proc: self.thread.process(),
        }
    }

    /// The process id.
    pub fn pid(&self) -> i32 {
        self.process().pid()
    }

    /// The data model of the process.
    pub fn model(&self) -> Model {
        self.process().model()
    }

    /// Makes a system call; see [`syscall::syscall`]. Event ports are number 182.
    ///
    /// # Errors
    /// The errno.
    pub fn syscall(&self, num: i32, args: syscall::Args) -> Result<i64, i32> {
        syscall::syscall(num, args)
    }

    /// Starts another lwp of the process.
    pub fn spawn<T: Send + 'static>(
        &self,
        body: impl FnOnce(&Lwp) -> T + Send + 'static,
    ) -> LwpHandle<T> {
        let answer = Arc::new(Mutex::new(None));
        let place = Arc::clone(&answer);
        let proc = self.thread.process();
        let name = format!("{}/lwp", proc.pid());
        let handle = thread::spawn(proc, Kind::Lwp, &name, move || {
            let value = Lwp::enter(|lwp| catch_unwind(AssertUnwindSafe(|| body(lwp))));
            match value {
                Ok(value) => *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(value),
                // The process exits: the program ends where it entered the kernel.
                Err(payload) if payload.is::<Killed>() => {}
                Err(payload) => resume_unwind(payload),
            }
        });
        LwpHandle { handle, answer }
    }

    /// Forks: the child has the same open files, project and resource controls, memory of its own
    /// (none of the parent's addresses), and runs `body`. `model` None keeps the data model.
    pub fn fork<T: Send + 'static>(
        &self,
        model: Option<Model>,
        body: impl FnOnce(&Lwp) -> T + Send + 'static,
    ) -> Child<T> {
        process::fork(self.thread.process(), model, body)
    }

    /// Sends a signal to the own process; see [`Process::kill`].
    pub fn kill(&self, signo: i32) {
        self.process().kill(signo);
    }

    /// Blocks a signal for this lwp, or lets it through again.
    pub fn hold_signal(&self, signo: i32, on: bool) {
        signal::hold(self.thread, signo, on);
    }

    /// Moves the wall clock by `delta` nanoseconds; the monotonic clock stays.
    pub fn step_wall_clock(&self, delta: i64) {
        time::step_wall_clock(delta);
    }

    /// Sets a resource control of the process or its project.
    pub fn setrctl(&self, which: Rctl, value: u64) {
        self.process().set_rctl(which, value);
    }

    /// Sleeps `ns` nanoseconds of the kernel's clock; signals do not end it.
    pub fn sleep(&self, ns: i64) {
        sched::sleep(ns);
    }

    /// Waits until every other task of the system is blocked or gone; the clock does not advance.
    pub fn settle(&self) {
        sched::get().settle();
    }

    /// A point where another task may run.
    pub fn yield_now(&self) {
        sched::get().point();
    }

    /// The monotonic clock in nanoseconds.
    pub fn gethrtime(&self) -> i64 {
        sched::get().now()
    }

    /// Signals this lwp has taken.
    pub fn signals(&self) -> u64 {
        self.thread.counters.get(counter::Counter::Signal)
    }

    /// What this lwp did so far: allocations, copies, waits ...
    pub fn counters(&self) -> Snapshot {
        counter::mine()
    }

    /// Starts an interrupt: a task that may send events and wake others but not sleep.
    pub fn interrupt(&self, body: impl FnOnce() + Send + 'static) -> Handle {
        thread::spawn(crate::proc::proc0(), Kind::Interrupt, "interrupt", body)
    }

    /// exit(2) for the others: each of them leaves the kernel and ends there.
    ///
    /// # Panics
    /// If one of them had panicked and nobody joined it, with its payload.
    pub(super) fn end_others(&self) {
        let proc = self.thread.process();
        // SAFETY: a process lives for ever; p_lock guards p_flag.
        unsafe {
            mutex_enter(proc.lock_ptr());
            proc.flags().fetch_or(SEXITLWPS as uint_t, Relaxed);
            mutex_exit(proc.lock_ptr());
        }
        while proc.lwp_count() > 1 {
            let mut others = Vec::new();
            proc.for_each_thread(|t| {
                // SAFETY: threads live for ever.
                let other = unsafe { Thread::from_ptr(t) };
                if !std::ptr::eq(other, self.thread) {
                    signal::post(other, SIGKILL);
                    others.push(other);
                }
            });
            for other in others {
                match other.task().map(|task| sched::get().join(task)) {
                    Some(Err(payload)) => resume_unwind(payload),
                    Some(Ok(())) => {}
                    // It has not begun to run.
                    None => sched::get().settle(),
                }
            }
        }
    }
}

/// An lwp that was started, with the answer of its program.
pub struct LwpHandle<T> {
    handle: Handle,
    answer: Arc<Mutex<Option<T>>>,
}

impl<T> LwpHandle<T> {
    /// Sends a signal to this lwp.
    pub fn kill(&self, signo: i32) {
        signal::post(self.handle.thread, signo);
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.handle.thread.has_ended()
    }

    /// What it did so far.
    pub fn counters(&self) -> Snapshot {
        self.handle.thread.counters.snapshot()
    }

    /// Waits for its end and returns what its program returned.
    ///
    /// # Panics
    /// If it panicked, with the same payload; if its process exited under it.
    pub fn join(self) -> T {
        self.handle.join();
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer
            .take()
            .expect("the lwp was ended by the exit of its process")
    }
}
