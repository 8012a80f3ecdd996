//! Processes: how they begin, fork and end.

use std::sync::{Arc, Mutex, PoisonError};

use bindings::*;

use super::lwp::Lwp;
use crate::kernel::Kernel;
use crate::proc::{Proc, ProcInit};
use crate::thread::{self, Handle, Kind};
use crate::{cred, fio, project, rctl, siginfo, signal, timer};

/// A data model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Model {
    /// 64-bit: longs and pointers of 8 bytes.
    #[default]
    Lp64,
    /// 32-bit: longs and pointers of 4 bytes.
    Ilp32,
}

impl Model {
    fn number(self) -> model_t {
        match self {
            Model::Lp64 => DATAMODEL_LP64 as model_t,
            Model::Ilp32 => DATAMODEL_ILP32 as model_t,
        }
    }
}

/// What a first process is made of.
#[derive(Clone, Debug)]
pub struct ProcCfg {
    /// Its data model.
    pub model: Model,
    /// Its project; processes with the same number share project resource controls.
    pub projid: i32,
    /// Its user id.
    pub uid: u32,
    /// Its group id.
    pub gid: u32,
    /// How many descriptors it may have open (RLIMIT_NOFILE), 1 to 65536.
    pub nofile: u32,
}

impl Default for ProcCfg {
    /// A 64-bit process of project 1, user and group 100, 256 descriptors.
    fn default() -> Self {
        ProcCfg {
            model: Model::Lp64,
            projid: 1,
            uid: 100,
            gid: 100,
            nofile: 256,
        }
    }
}

/// A resource control that event ports obey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rctl {
    /// process.max-port-events: events a port made from now on may hold.
    MaxPortEvents,
    /// project.max-port-ids: ports the caller's project may have.
    MaxPortIds,
}

/// A process, for others to look at. It stays valid after the process has exited.
#[derive(Clone, Copy)]
pub struct Process {
    pub(super) proc: &'static Proc,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Process({})", self.pid())
    }
}

impl Process {
    /// Starts a process of its own family with `body` as its first lwp. When `body` returns the
    /// process exits: lwps left over get SIGKILL and are waited for, descriptors are closed.
    pub fn spawn_init<T: Send + 'static>(
        _kernel: &Kernel,
        cfg: ProcCfg,
        body: impl FnOnce(&Lwp) -> T + Send + 'static,
    ) -> Child<T> {
        start(create(&cfg), body)
    }

    /// As [`Process::spawn_init`], with the calling thread (the one that booted the kernel) as
    /// first lwp; returns what `body` returned after the process has exited.
    pub fn run<T>(_kernel: &Kernel, cfg: ProcCfg, body: impl FnOnce(&Lwp) -> T) -> T {
        let proc = create(&cfg);
        thread::as_lwp(proc, || Lwp::enter(|lwp| main_lwp(proc, lwp, body)))
    }

    /// The process id.
    pub fn pid(&self) -> i32 {
        self.proc.pid()
    }

    /// Its data model.
    pub fn model(&self) -> Model {
        if self.proc.is_ilp32() {
            Model::Ilp32
        } else {
            Model::Lp64
        }
    }

    /// Whether it has exited.
    pub fn has_exited(&self) -> bool {
        self.proc.has_exited()
    }

    /// Sends a signal to the process: one lwp that sleeps interruptibly takes it, or the next one
    /// that is about to. Every signal has a handler that does nothing and no SA_RESTART.
    pub fn kill(&self, signo: i32) {
        signal::post_process(self.proc, signo);
    }

    /// Value of a resource control of the process or its project.
    pub fn rctl(&self, which: Rctl) -> u64 {
        let (set, hndl) = self.control(which);
        rctl::value(set, hndl)
    }

    /// Sets a resource control of the process or its project.
    pub fn set_rctl(&self, which: Rctl, value: u64) {
        let (set, hndl) = self.control(which);
        rctl::set_value(set, hndl, value);
    }

    /// System calls the process has made.
    pub fn syscalls(&self) -> usize {
        self.proc
            .syscalls
            .load(std::sync::atomic::Ordering::Relaxed)
    }

    fn control(&self, which: Rctl) -> (*mut rctl_set_t, rctl_hndl_t) {
        // SAFETY: these pointers are set when the process is made and lead to structures that
        // live for ever.
        unsafe {
            let p = self.proc.as_ptr();
            match which {
                Rctl::MaxPortEvents => ((*p).p_rctls, rctl::PORT_EVENTS),
                Rctl::MaxPortIds => ((*(*(*p).p_task).tk_proj).kpj_rctls, rctl::PORT_IDS),
            }
        }
    }
}

/// A process that was started, with the answer of its first lwp.
pub struct Child<T> {
    process: Process,
    handle: Handle,
    answer: Arc<Mutex<Option<T>>>,
}

impl<T> Child<T> {
    /// The process.
    pub fn process(&self) -> Process {
        self.process
    }

    /// Its id.
    pub fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// Sends it a signal; see [`Process::kill`].
    pub fn kill(&self, signo: i32) {
        self.process.kill(signo);
    }

    /// Waits until it has exited and returns what its first lwp returned.
    ///
    /// # Panics
    /// If its first lwp panicked, with the same payload.
    pub fn wait(self) -> T {
        self.handle.join();
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer
            .take()
            .expect("a process that ended without panic has an answer")
    }
}

/// Makes a process without lwps.
fn create(cfg: &ProcCfg) -> &'static Proc {
    let proc = crate::proc::create(ProcInit {
        parent: Some(crate::proc::proc0()),
        model: cfg.model.number(),
        cred: cred::crget(cfg.uid, cfg.gid, cfg.projid),
        task: project::task(cfg.projid),
        rctls: rctl::create_set(RCENTITY_PROCESS),
    });
    // SAFETY: nobody else knows the process yet.
    unsafe {
        (*proc.as_ptr()).p_fno_ctl = u64::from(cfg.nofile);
        fio::flist_create(proc.as_ptr());
    }
    proc
}

/// Makes the child of a fork: same files, credentials, project and controls, memory of its own.
pub(super) fn fork<T: Send + 'static>(
    parent: &'static Proc,
    model: Option<Model>,
    body: impl FnOnce(&Lwp) -> T + Send + 'static,
) -> Child<T> {
    let p = parent.as_ptr();
    // SAFETY: the calling thread is one of the parent's, which therefore stays; its credentials
    // are held by it.
    let child = unsafe {
        cred::crhold((*p).p_cred);
        let child = crate::proc::create(ProcInit {
            parent: Some(parent),
            model: model.map_or((*p).p_model, Model::number),
            cred: (*p).p_cred,
            task: (*p).p_task,
            rctls: rctl::dup_set((*p).p_rctls),
        });
        let c = child.as_ptr();
        (*c).p_fno_ctl = (*p).p_fno_ctl;
        (*c).p_portcnt = (*p).p_portcnt;
        fio::flist_create(c);
        fio::flist_fork(p, c);
        child
    };
    start(child, body)
}

fn start<T: Send + 'static>(
    proc: &'static Proc,
    body: impl FnOnce(&Lwp) -> T + Send + 'static,
) -> Child<T> {
    let answer = Arc::new(Mutex::new(None));
    let place = Arc::clone(&answer);
    let name = format!("{}/1", proc.pid());
    let handle = thread::spawn(proc, Kind::Lwp, &name, move || {
        let value = Lwp::enter(|lwp| main_lwp(proc, lwp, body));
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    });
    Child {
        process: Process { proc },
        handle,
        answer,
    }
}

/// The life of a first lwp: its program, then exit(2).
fn main_lwp<T>(proc: &'static Proc, lwp: &Lwp, body: impl FnOnce(&Lwp) -> T) -> T {
    let value = body(lwp);
    lwp.end_others();
    crate::poll::pollcleanup();
    // SAFETY: the calling lwp is the last one of the process.
    unsafe {
        crate::aio_subr::aio_cleanup_exit();
        timer::timer_exit();
        siginfo::sigqfree(proc);
        fio::closeall(proc.as_ptr());
        cred::crfree((*proc.as_ptr()).p_cred);
    }
    proc.exit();
    value
}

impl Lwp {
    /// Starts a process of its own family, as [`Process::spawn_init`] does, from inside another.
    pub fn spawn_process<T: Send + 'static>(
        &self,
        cfg: ProcCfg,
        body: impl FnOnce(&Lwp) -> T + Send + 'static,
    ) -> Child<T> {
        start(create(&cfg), body)
    }
}
