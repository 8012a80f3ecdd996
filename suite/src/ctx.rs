//! [`Ctx`]: what a case works with.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use crate::check::{self, Failure, Verdict};
use crate::{
    Child, Counters, Faults, Ksource, Model, Outcome, Port, ProcessCfg, Rctl, Rng, System, Task,
    Timeout,
};

/// The system, the random numbers and the clean-up list of one case (or of one child process of a
/// case).
pub struct Ctx<'s> {
    /// The machine under test, as this thread sees it.
    pub sys: &'s dyn System,
    seed: u64,
    streams: Cell<u64>,
    descriptors: RefCell<Vec<i32>>,
}

impl<'s> Ctx<'s> {
    /// A fresh context.
    pub fn new(sys: &'s dyn System, seed: u64) -> Ctx<'s> {
        Ctx {
            sys,
            seed,
            streams: Cell::new(0),
            descriptors: RefCell::new(Vec::new()),
        }
    }

    /// The seed of the run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Random numbers; every call starts another stream.
    pub fn rng(&self) -> Rng {
        let stream = self.streams.get();
        self.streams.set(stream + 1);
        Rng::new(self.seed.wrapping_add(stream << 32))
    }

    /// A new port, closed at the end unless the case did.
    #[track_caller]
    pub fn port(&self) -> Result<Port<'s>, Failure> {
        let port = check::granted("port_create", Port::create(self.sys))?;
        self.keep(port.fd());
        Ok(port)
    }

    /// A port whose event limit (`process.max-port-events`) is `limit`.
    #[track_caller]
    pub fn port_of(&self, limit: u64) -> Result<Port<'s>, Failure> {
        let set = self.sys.set_rctl(Rctl::ProcessMaxPortEvents, limit);
        check::granted("setrctl process.max-port-events", set)?;
        self.port()
    }

    /// A descriptor that is no port.
    #[track_caller]
    pub fn null(&self) -> Result<i32, Failure> {
        let fd = check::granted("open /dev/null", self.sys.open_null())?;
        self.keep(fd);
        Ok(fd)
    }

    /// A descriptor number that was open once and is not now.
    #[track_caller]
    pub fn closed(&self) -> Result<i32, Failure> {
        let fd = check::granted("open /dev/null", self.sys.open_null())?;
        check::granted("close", self.sys.close(fd))?;
        Ok(fd)
    }

    /// Has `fd` closed at the end.
    pub fn keep(&self, fd: i32) {
        self.descriptors.borrow_mut().push(fd);
    }

    /// Starts a thread of the calling process.
    #[track_caller]
    pub fn spawn<T: Send + 'static>(
        &self,
        body: impl FnOnce(&dyn System) -> T + Send + 'static,
    ) -> Result<Task<T>, Failure> {
        check::granted("thread creation", Task::start(self.sys, body))
    }

    /// Starts a thread and waits until it sleeps (or is gone).
    #[track_caller]
    pub fn spawn_asleep<T: Send + 'static>(
        &self,
        body: impl FnOnce(&dyn System) -> T + Send + 'static,
    ) -> Result<Task<T>, Failure> {
        let task = self.spawn(body)?;
        self.settle();
        Ok(task)
    }

    /// Forks a child of the same data model.
    #[track_caller]
    pub fn fork(
        &self,
        body: impl FnOnce(&Ctx<'_>) -> Outcome + Send + 'static,
    ) -> Result<Child, Failure> {
        self.fork_as(self.sys.model(), body)
    }

    /// Forks a child that goes on as a program of the given data model.
    #[track_caller]
    pub fn fork_as(
        &self,
        model: Model,
        body: impl FnOnce(&Ctx<'_>) -> Outcome + Send + 'static,
    ) -> Result<Child, Failure> {
        let seed = self.rng().bits();
        let body = Box::new(move |sys: &dyn System| Ctx::run(sys, seed, body));
        Ok(Child::new(check::granted(
            "fork",
            self.sys.fork(model, body),
        )?))
    }

    /// Forks a child and waits until it sleeps (or is gone).
    #[track_caller]
    pub fn fork_asleep(
        &self,
        body: impl FnOnce(&Ctx<'_>) -> Outcome + Send + 'static,
    ) -> Result<Child, Failure> {
        let child = self.fork(body)?;
        self.settle();
        Ok(child)
    }

    /// Starts a process of another project; it inherits nothing.
    #[track_caller]
    pub fn spawn_in_project(
        &self,
        project: i32,
        body: impl FnOnce(&Ctx<'_>) -> Outcome + Send + 'static,
    ) -> Result<Child, Failure> {
        let (uid, gid) = self.sys.ids();
        let cfg = ProcessCfg {
            model: self.sys.model(),
            project,
            uid,
            gid,
        };
        let seed = self.rng().bits();
        let body = Box::new(move |sys: &dyn System| Ctx::run(sys, seed, body));
        Ok(Child::new(check::granted(
            "process creation",
            self.sys.spawn_process(cfg, body),
        )?))
    }

    fn run(sys: &dyn System, seed: u64, body: impl FnOnce(&Ctx<'_>) -> Outcome) -> Outcome {
        let ctx = Ctx::new(sys, seed);
        let outcome = body(&ctx);
        ctx.finish();
        outcome
    }

    /// Waits until every other thread sleeps or is gone.
    pub fn settle(&self) {
        self.sys.settle();
    }

    /// The kernel event sources.
    pub fn ksource(&self) -> Result<&'s dyn Ksource, Failure> {
        self.sys
            .ksource()
            .ok_or_else(|| Failure::new("this system has no kernel sources"))
    }

    /// The counters.
    pub fn counters(&self) -> Result<Counters, Failure> {
        self.sys
            .counters()
            .ok_or_else(|| Failure::new("this system has no counters"))
    }

    /// The fault switchboard.
    pub fn faults(&self) -> Result<&'s dyn Faults, Failure> {
        self.sys
            .faults()
            .ok_or_else(|| Failure::new("this system cannot inject faults"))
    }

    /// The queue must hold exactly these user cookies in this order; takes them.
    #[track_caller]
    pub fn expect_queue(&self, port: Port<'_>, users: &[u64]) -> Verdict {
        let queued = check::granted("port_getn(max 0)", port.queued())?;
        check::equal("queue length", queued as usize, users.len())?;
        let stat = check::granted("fstat", port.sys().fstat(port.fd()))?;
        check::equal("st_size", stat.size, users.len() as i64)?;
        let batch = port.getn(users.len() as u32 + 8, 1, Timeout::Poll);
        check::equal("port_getn of the whole queue", batch.result, Ok(()))?;
        check::equal("queue content", &batch.users()[..], users)?;
        let left = check::granted("port_getn(max 0)", port.queued())?;
        check::equal("queue length after taking all", left, 0)
    }

    /// The task must have ended.
    #[track_caller]
    pub fn expect_done<T: Send + 'static>(&self, what: &str, task: &Task<T>) -> Verdict {
        self.settle();
        check::that(format!("{what} has returned"), task.done())
    }

    /// The task must still sleep.
    #[track_caller]
    pub fn expect_asleep<T: Send + 'static>(&self, what: &str, task: &Task<T>) -> Verdict {
        self.settle();
        check::that(format!("{what} still sleeps"), !task.done())
    }

    /// Closes what is left. Called by the runner after the case.
    pub fn finish(&self) {
        for fd in self.descriptors.take() {
            // EBADF: the case closed it already.
            let _ = self.sys.close(fd);
        }
    }
}
