//! Kernel threads and lwps: each task of the scheduler is a `kthread_t`.
//!
//! Mirrors `sys/thread.h`, `sys/klwp.h` and `sys/cpuvar.h`. Every thread has a
//! `cpu_t` of its own that the GS base of its host thread points to, so that
//! `curthread` (GS:0x18) works in a module. Threads are never freed, only
//! marked: a stale pointer to one is found out instead of being reused.

use std::cell::UnsafeCell;
use std::fmt::Write as _;
use std::panic::resume_unwind;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bindings::*;

use crate::counter::Counters;
pub use crate::held::Held;
use crate::held::HeldSet;
use crate::panic::{AltStack, kernel_panic, symbol};
use crate::proc::Proc;
use crate::sched::{self, Outcome, TaskId};
use crate::tsan;

/// `arch_prctl` code that sets the GS base.
const ARCH_SET_GS: libc::c_int = 0x1001;

/// What a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of a user process: has an lwp, takes signals.
    Lwp,
    /// Of the kernel: no lwp, may sleep.
    System,
    /// An interrupt: no lwp, may take mutexes, must not sleep otherwise.
    Interrupt,
}

/// A kernel thread.
///
/// # Invariants
///
/// `kthread` is the first field: a `kthread_t` pointer that this crate made is
/// a pointer to its `Thread`. Threads live for ever.
#[repr(C, align(64))]
pub struct Thread {
    kthread: UnsafeCell<kthread_t>,
    lwp: UnsafeCell<klwp_t>,
    cpu: UnsafeCell<cpu_t>,
    name: String,
    kind: Kind,
    task: AtomicU32,
    proc: AtomicPtr<Proc>,
    ended: AtomicBool,
    /// Counts of what this thread did.
    pub counters: Counters,
    pub(crate) held: HeldSet,
    /// Held mutexes that forbid sleeping.
    pub(crate) nosleep: AtomicU32,
    pub(crate) sleep: crate::sleepq::Sleep,
    pub(crate) stack: crate::stack::Depth,
    pub(crate) given: crate::poll::Given,
}

// SAFETY: the C structures are shared between threads under the kernel's own
// locking rules, through raw pointers only; everything else is atomic.
unsafe impl Sync for Thread {}
// SAFETY: as above; a Thread is never moved after it was made.
unsafe impl Send for Thread {}

static THREADS: Mutex<Vec<&'static Thread>> = Mutex::new(Vec::new());

fn threads() -> MutexGuard<'static, Vec<&'static Thread>> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

static NEXT_DID: AtomicUsize = AtomicUsize::new(1);

impl Thread {
    fn create(proc: &'static Proc, kind: Kind, name: &str) -> &'static Thread {
        // SAFETY: all-zero bytes are a valid value of these structures
        // (bindings' invariant).
        let (kthread, lwp, cpu) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed()) };
        let thread: &'static Thread = Box::leak(Box::new(Thread {
            kthread: UnsafeCell::new(kthread),
            lwp: UnsafeCell::new(lwp),
            cpu: UnsafeCell::new(cpu),
            name: name.to_owned(),
            kind,
            task: AtomicU32::new(u32::MAX),
            proc: AtomicPtr::new(ptr::from_ref(proc).cast_mut()),
            ended: AtomicBool::new(false),
            counters: Counters::default(),
            held: HeldSet::default(),
            nosleep: AtomicU32::new(0),
            sleep: Default::default(),
            stack: Default::default(),
            given: Default::default(),
        }));
        let t = thread.kthread();
        // SAFETY: nobody else knows the thread yet.
        unsafe {
            (*t).t_did = NEXT_DID.fetch_add(1, Relaxed) as kt_did_t;
            (*t).t_cpu = thread.cpu.get();
            (*t).t_state = TS_ONPROC as uint_t;
            (*t).t_activefd.a_fd = (&raw mut (*t).t_activefd.a_buf).cast();
            (*t).t_activefd.a_nfd = 2;
            if kind == Kind::Interrupt {
                (*t).t_flag |= T_INTR_THREAD as uint_t;
                (*t).t_intr = t;
            }
            let cpu = thread.cpu.get();
            (*cpu).cpu_self = cpu;
            (*cpu).cpu_thread = t;
        }
        thread.set_process(proc, kind == Kind::Lwp);
        tsan::aside(|| threads().push(thread));
        thread
    }

    /// Makes the thread one of `proc`; `lwp` says whether as an lwp.
    fn set_process(&'static self, proc: &'static Proc, lwp: bool) {
        let (t, p) = (self.kthread(), proc.as_ptr());
        self.proc.store(ptr::from_ref(proc).cast_mut(), SeqCst);
        // SAFETY: called by the thread itself or before it runs; the process's
        // fields are set once, before it has threads.
        unsafe {
            (*t).t_procp = p;
            (*t).t_cred = (*p).p_cred;
            (*t).t_proj = if (*p).p_task.is_null() {
                ptr::null_mut()
            } else {
                (*(*p).p_task).tk_proj
            };
            (*t).t_lwp = if lwp { self.lwp.get() } else { ptr::null_mut() };
            (*self.cpu.get()).cpu_lwp = (*t).t_lwp;
            (*self.lwp.get()).lwp_thread = t;
            (*self.lwp.get()).lwp_procp = p;
            (*self.lwp.get()).lwp_state = LWP_USER as _;
        }
        if lwp {
            proc.add_lwp(t);
        }
    }

    /// The thread as C sees it.
    pub fn kthread(&self) -> *mut kthread_t {
        self.kthread.get()
    }

    /// The lwp as C sees it; its memory is there for every thread.
    pub fn lwp(&self) -> *mut klwp_t {
        self.lwp.get()
    }

    /// Whether the thread has an lwp, and so takes signals.
    pub fn is_lwp(&self) -> bool {
        // SAFETY: t_lwp is a word that only the thread itself sets.
        unsafe { !(*self.kthread()).t_lwp.is_null() }
    }

    /// The process the thread belongs to.
    pub fn process(&self) -> &'static Proc {
        // SAFETY: processes live for ever, and the pointer was made from one.
        unsafe { &*self.proc.load(SeqCst) }
    }

    /// The name given when the thread was made.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the thread is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.ended.load(SeqCst)
    }

    /// The scheduler's task, once the thread has started.
    pub fn task(&self) -> Option<TaskId> {
        match self.task.load(SeqCst) {
            u32::MAX => None,
            n => Some(TaskId(n)),
        }
    }

    /// The mutexes it holds.
    pub fn mutexes(&self) -> Vec<Held> {
        self.held.iter().collect()
    }

    /// The thread that `t` points to.
    ///
    /// # Safety
    ///
    /// `t` is a thread of this kernel.
    pub unsafe fn from_ptr(t: *const kthread_t) -> &'static Thread {
        // SAFETY: the kthread_t is the first field of a Thread that lives for
        // ever; the caller vouches for `t`.
        unsafe { &*t.cast() }
    }

    /// Binds the calling host thread.
    fn bind(&'static self) -> AltStack {
        let stack = AltStack::install();
        // SAFETY: the address is that of a cpu_t that lives for ever; no host
        // code uses GS on x86-64 Linux.
        let failed = unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_SET_GS, self.cpu.get()) };
        if failed != 0 {
            kernel_panic("sched", "the host does not let a thread set its GS base");
        }
        self.task.store(sched::get().current().0, SeqCst);
        stack
    }

    /// The end of a thread, called by itself.
    fn end(&self) {
        assert_no_mutex("a thread ended");
        if self.is_lwp() {
            self.process().remove_lwp(self.kthread());
        }
        self.ended.store(true, SeqCst);
        // SAFETY: the thread is off its process's list; what is left of it is
        // only good for being recognised.
        unsafe {
            (*self.kthread()).t_state = TS_FREE as uint_t;
            (*self.kthread()).t_lwp = ptr::null_mut();
        }
    }
}

/// The calling thread.
#[inline]
pub fn current() -> &'static Thread {
    // SAFETY: GS was set by `bind`. A host thread that is no task has inherited
    // it from the task that made it, or faults here, which is rule `trap`.
    unsafe { Thread::from_ptr(bindings::asm::threadp()) }
}

/// Every thread that ever was, in the order of creation.
pub fn all() -> Vec<&'static Thread> {
    tsan::aside(|| threads().clone())
}

/// A started thread.
#[derive(Clone, Copy)]
pub struct Handle {
    /// The thread.
    pub thread: &'static Thread,
    task: TaskId,
}

impl Handle {
    /// Waits for the end of the thread.
    ///
    /// # Panics
    ///
    /// If the thread panicked, with its payload: a failed assertion in a thread
    /// fails the one that joins it.
    pub fn join(self) {
        if let Err(payload) = self.outcome() {
            resume_unwind(payload);
        }
    }

    /// Waits for the end of the thread and returns how it ended.
    pub fn outcome(self) -> Outcome {
        sched::get().join(self.task)
    }
}

/// Waits for the end of a thread; panics as [`Handle::join`] does.
pub(crate) fn join(thread: &'static Thread) {
    // A thread without a number has just been started and will get one.
    while thread.task().is_none() {
        sched::sleep(1);
    }
    if let Some(task) = thread.task() {
        Handle { thread, task }.join();
    }
}

/// Starts a thread in `proc`.
pub fn spawn(
    proc: &'static Proc,
    kind: Kind,
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> Handle {
    let thread = Thread::create(proc, kind, name);
    let task = sched::get().spawn(
        name,
        Box::new(move || {
            let _stack = thread.bind();
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            if let Err(payload) = outcome {
                // A failed assertion may leave mutexes held; that is not the
                // failure to report.
                thread.ended.store(true, SeqCst);
                resume_unwind(payload);
            }
            thread.end();
        }),
    );
    thread.task.store(task.0, SeqCst);
    Handle { thread, task }
}

/// Makes the calling host thread, already a task, the kernel's first thread.
pub(crate) fn boot(proc: &'static Proc) {
    // The fault stack stays for the life of the process.
    std::mem::forget(Thread::create(proc, Kind::System, "boot").bind());
}

/// Makes the calling system thread an lwp of `proc` and runs `body`.
///
/// This is how the program that booted the kernel becomes the first process.
pub fn as_lwp<R>(proc: &'static Proc, body: impl FnOnce() -> R) -> R {
    let thread = current();
    let before = thread.process();
    if thread.is_lwp() {
        kernel_panic("proc", "the calling thread is already an lwp");
    }
    thread.set_process(proc, true);
    let result = body();
    assert_no_mutex("an lwp ended");
    proc.remove_lwp(thread.kthread());
    thread.set_process(before, false);
    result
}

/// Panics with rule `mutex-held` if the calling thread holds a mutex, for
/// example at the end of a system call.
pub fn assert_no_mutex(when: &str) {
    if let Some(held) = current().held.iter().next() {
        let lock = crate::sync::describe_mutex(held.addr);
        let at = symbol(held.caller);
        kernel_panic(
            "mutex-held",
            &format!("{when} with mutex {lock} held, entered at {at}"),
        );
    }
}

/// Panics with rule `sleep-interrupt` or `sleep-nosleep` if the calling thread
/// must not sleep now.
#[inline]
pub(crate) fn assert_may_sleep(what: &str, caller: usize) {
    let thread = current();
    if thread.kind == Kind::Interrupt {
        let at = symbol(caller);
        kernel_panic(
            "sleep-interrupt",
            &format!("{what} in interrupt context at {at}"),
        );
    }
    if thread.nosleep.load(Relaxed) != 0 {
        let at = symbol(caller);
        kernel_panic(
            "sleep-nosleep",
            &format!("{what} at {at} while a no-sleep mutex is held"),
        );
    }
}

fn of_task(task: TaskId) -> Option<&'static Thread> {
    all().into_iter().find(|t| t.task() == Some(task))
}

/// A line for each mutex that the thread of a task holds.
pub(crate) fn describe_held(task: TaskId) -> String {
    let mut text = String::new();
    for held in of_task(task)
        .into_iter()
        .flat_map(|thread| thread.held.iter())
    {
        let lock = crate::sync::describe_mutex(held.addr);
        let at = symbol(held.caller);
        let _ = writeln!(text, "    holds mutex {lock}, entered at {at}");
    }
    text
}

/// Lines that say what the calling thread is and holds, for a panic.
pub(crate) fn describe_current() -> String {
    if !sched::is_up() || !sched::get().is_task() {
        return String::new();
    }
    let task = sched::get().current();
    let Some(thread) = of_task(task) else {
        return String::new();
    };
    let (t, name, pid) = (thread.kthread(), &thread.name, thread.process().pid());
    format!(
        "  thread {t:p} ({name}), process {pid}\n{}",
        describe_held(task)
    )
}
