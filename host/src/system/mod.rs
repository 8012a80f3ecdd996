//! [`FakeSystem`]: the suite's `System` over the fakekernel.

mod aio;
mod fault;
mod file;
mod handle;
mod ksource;
mod object;
mod timer;

use std::cell::Cell;

use fakekernel::counter::{self, Counter};
use fakekernel::user::{self, Lwp};
use suite::{
    Caps, ChildBody, ChildHandle, Counters, Errno, Faults, FileOp, Ksource, Model, PollFd,
    ProcessCfg, Protection, Rctl, Stat, System, ThreadBody, ThreadHandle, Timespec,
};

use handle::{FakeChild, FakeThread};

/// Descriptors that a process of the suite may have.
pub const DESCRIPTORS: u32 = 131_072;

thread_local! {
    /// The lwp that this host thread runs, for callbacks that come out of the kernel.
    static CURRENT: Cell<*const Lwp> = const { Cell::new(std::ptr::null()) };
}

/// One lwp's view of the fakekernel.
pub struct FakeSystem<'a> {
    lwp: &'a Lwp,
}

impl<'a> FakeSystem<'a> {
    /// Runs `body` as the program of `lwp`.
    pub fn enter<R>(lwp: &'a Lwp, body: impl FnOnce(&FakeSystem<'a>) -> R) -> R {
        CURRENT.set(std::ptr::from_ref(lwp));
        // Not reset: the exit of the process, which comes next, may still call back.
        let value = body(&FakeSystem { lwp });
        object::forget_scratch(lwp);
        value
    }

    /// Runs `body` with the system of the calling thread, if it runs an lwp of the suite.
    pub(crate) fn current<R>(body: impl FnOnce(&FakeSystem<'_>) -> R) -> Option<R> {
        let lwp = CURRENT.get();
        // SAFETY: set by `enter` on this thread to an lwp that lives until the thread has left
        // the kernel for good; callbacks come before that.
        let lwp = unsafe { lwp.as_ref() }?;
        Some(body(&FakeSystem { lwp }))
    }
}

/// The model in the fakekernel's terms.
pub fn model(model: Model) -> user::Model {
    match model {
        Model::Lp64 => user::Model::Lp64,
        Model::Ilp32 => user::Model::Ilp32,
    }
}

impl System for FakeSystem<'_> {
    fn model(&self) -> Model {
        match self.lwp.model() {
            user::Model::Lp64 => Model::Lp64,
            user::Model::Ilp32 => Model::Ilp32,
        }
    }

    fn caps(&self) -> Caps {
        Caps::all()
    }

    fn pid(&self) -> i32 {
        self.lwp.pid()
    }

    fn ids(&self) -> (u32, u32) {
        let cfg = user::ProcCfg::default();
        (cfg.uid, cfg.gid)
    }

    fn portfs(&self, opcode: i32, args: [usize; 5]) -> Result<i64, Errno> {
        let [a0, a1, a2, a3, a4] = args;
        let args = [opcode as u32 as usize, a0, a1, a2, a3, a4];
        self.lwp.syscall(suite::SYS_PORTFS, args).map_err(Errno)
    }

    fn close(&self, fd: i32) -> Result<(), Errno> {
        self.lwp.close(fd).map_err(Errno)
    }

    fn dup(&self, fd: i32) -> Result<i32, Errno> {
        self.lwp.dup(fd).map_err(Errno)
    }

    fn dup2(&self, from: i32, to: i32) -> Result<i32, Errno> {
        self.lwp.dup2(from, to).map_err(Errno)
    }

    fn open_null(&self) -> Result<i32, Errno> {
        self.lwp.open_null().map_err(Errno)
    }

    fn descriptor_flags(&self, fd: i32) -> Result<i32, Errno> {
        self.lwp.getfd(fd).map_err(Errno)
    }

    fn fstat(&self, fd: i32) -> Result<Stat, Errno> {
        file::fstat(self.lwp, fd)
    }

    fn file_op(&self, fd: i32, op: FileOp) -> Result<i64, Errno> {
        file::op(self.lwp, fd, op)
    }

    fn poll(&self, fds: &mut [PollFd], timeout: Option<u64>) -> Result<usize, Errno> {
        file::poll(self.lwp, fds, timeout)
    }

    fn map(&self, len: usize) -> Result<usize, Errno> {
        Ok(self.lwp.alloc(len))
    }

    fn unmap(&self, addr: usize, len: usize) -> Result<(), Errno> {
        self.lwp.unmap(addr, len);
        Ok(())
    }

    fn protect(&self, addr: usize, len: usize, protection: Protection) -> Result<(), Errno> {
        use fakekernel::aspace::Prot;
        let prot = match protection {
            Protection::None => Prot::None,
            Protection::Read => Prot::Read,
            Protection::ReadWrite => Prot::ReadWrite,
        };
        self.lwp.protect(addr, len, prot);
        Ok(())
    }

    fn page(&self) -> usize {
        fakekernel::aspace::PAGE
    }

    fn peek(&self, addr: usize, to: &mut [u8]) {
        match self.lwp.peek(addr, to.len()) {
            Some(bytes) => to.copy_from_slice(&bytes),
            None => panic!(
                "the case reads {} bytes at {addr:#x}, which it may not",
                to.len()
            ),
        }
    }

    fn poke(&self, addr: usize, from: &[u8]) {
        let written = self.lwp.poke(addr, from);
        assert!(
            written,
            "the case writes {} bytes at {addr:#x}, which it may not",
            from.len()
        );
    }

    fn spawn(&self, body: ThreadBody) -> Result<Box<dyn ThreadHandle>, Errno> {
        let handle = self
            .lwp
            .spawn(move |lwp| FakeSystem::enter(lwp, |sys| body(sys)));
        Ok(Box::new(FakeThread::new(handle)))
    }

    fn fork(&self, to: Model, body: ChildBody) -> Result<Box<dyn ChildHandle>, Errno> {
        let enter = move |lwp: &Lwp| FakeSystem::enter(lwp, |sys| body(sys));
        Ok(Box::new(FakeChild::new(
            self.lwp.fork(Some(model(to)), enter),
        )))
    }

    fn spawn_process(
        &self,
        cfg: ProcessCfg,
        body: ChildBody,
    ) -> Result<Box<dyn ChildHandle>, Errno> {
        let cfg = user::ProcCfg {
            model: model(cfg.model),
            projid: cfg.project,
            uid: cfg.uid,
            gid: cfg.gid,
            nofile: DESCRIPTORS,
        };
        let enter = move |lwp: &Lwp| FakeSystem::enter(lwp, |sys| body(sys));
        Ok(Box::new(FakeChild::new(self.lwp.spawn_process(cfg, enter))))
    }

    fn settle(&self) {
        self.lwp.settle();
    }

    fn pause(&self) {
        self.lwp.yield_now();
    }

    fn sleep(&self, ns: u64) {
        self.lwp.sleep(i64::try_from(ns).unwrap_or(i64::MAX));
    }

    fn now(&self) -> u64 {
        self.lwp.gethrtime() as u64
    }

    fn wall(&self) -> Timespec {
        let now = fakekernel::time::wall();
        Timespec {
            sec: now.div_euclid(suite::NANOSEC),
            nsec: now.rem_euclid(suite::NANOSEC),
        }
    }

    fn step_wall_clock(&self, ns: i64) -> Result<(), Errno> {
        fakekernel::time::step_wall_clock(ns);
        Ok(())
    }

    fn set_rctl(&self, rctl: Rctl, value: u64) -> Result<(), Errno> {
        let which = match rctl {
            Rctl::ProcessMaxPortEvents => user::Rctl::MaxPortEvents,
            Rctl::ProjectMaxPortIds => user::Rctl::MaxPortIds,
        };
        self.lwp.setrctl(which, value);
        Ok(())
    }

    fn ports_kstat(&self) -> Result<u32, Errno> {
        let value = fakekernel::kstat::read("portfs", 0, "Event Ports", "ports");
        value
            .and_then(|v| u32::try_from(v).ok())
            .ok_or(Errno::ENOENT)
    }

    fn ksource(&self) -> Option<&dyn Ksource> {
        Some(self)
    }

    fn counters(&self) -> Option<Counters> {
        let total = counter::total();
        Some(Counters {
            thread_allocations: counter::mine().get(Counter::KmemAlloc),
            allocations: total.get(Counter::KmemAlloc),
            allocated_bytes: total.get(Counter::KmemAllocBytes),
            freed_bytes: total.get(Counter::KmemFreeBytes),
            wakeups: total.get(Counter::CvWakeup),
            copyouts: total.get(Counter::Copyout),
        })
    }

    fn faults(&self) -> Option<&dyn Faults> {
        Some(&fault::Switchboard)
    }
}
