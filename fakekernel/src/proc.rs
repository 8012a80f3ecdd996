//! Processes: what fork, exit and kill need of a `proc_t`.
//!
//! Mirrors `sys/proc.h` and `os/fork.c`, `os/exit.c` as far as identity goes:
//! pid, lock, data model, credentials, task, resource controls, family and the
//! ring of threads. The descriptor table in `p_user.u_finfo` is set up by
//! `fio`. Processes are never freed, so a stale pointer is never reused.

use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicUsize, Ordering::*};
use std::sync::{Mutex, OnceLock, PoisonError};

use bindings::*;

use crate::aspace::AddressSpace;
use crate::panic::kernel_panic;

/// What a new process is made of. Pointers may be NULL; they must outlive the
/// process otherwise.
#[derive(Clone, Copy)]
pub struct ProcInit {
    /// Parent, or none for a process of the kernel.
    pub parent: Option<&'static Proc>,
    /// `DATAMODEL_LP64` or `DATAMODEL_ILP32`.
    pub model: model_t,
    /// Credentials.
    pub cred: *mut cred_t,
    /// Task, whose project is the process's.
    pub task: *mut task_t,
    /// Resource controls.
    pub rctls: *mut rctl_set_t,
}

/// A process.
///
/// # Invariants
///
/// `proc` is the first field: a `proc_t` pointer that this crate made is a
/// pointer to its `Proc`. Processes live for ever.
#[repr(C, align(64))]
pub struct Proc {
    proc: UnsafeCell<proc_t>,
    pid: UnsafeCell<pid>,
    lock: UnsafeCell<plock>,
    aspace: AddressSpace,
    exited: AtomicBool,
    /// System calls that the process made, for whoever wants to know.
    pub syscalls: AtomicUsize,
}

// SAFETY: the C structures are shared under the kernel's own locking rules,
// through raw pointers only; the rest is atomic or locked.
unsafe impl Sync for Proc {}
// SAFETY: as above; a Proc is never moved after it was made.
unsafe impl Send for Proc {}

static PROCS: Mutex<Vec<&'static Proc>> = Mutex::new(Vec::new());
static PROC0: OnceLock<&'static Proc> = OnceLock::new();
static NEXT_PID: AtomicI32 = AtomicI32::new(100);

fn table() -> std::sync::MutexGuard<'static, Vec<&'static Proc>> {
    PROCS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a process without threads.
pub fn create(init: ProcInit) -> &'static Proc {
    let pid = if init.parent.is_none() && PROC0.get().is_none() {
        0
    } else {
        NEXT_PID.fetch_add(1, Relaxed)
    };
    // SAFETY: all-zero bytes are a valid value of these structures (bindings'
    // invariant).
    let (zero_proc, zero_pid, zero_lock) =
        unsafe { (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed()) };
    let proc: &'static Proc = Box::leak(Box::new(Proc {
        proc: UnsafeCell::new(zero_proc),
        pid: UnsafeCell::new(zero_pid),
        lock: UnsafeCell::new(zero_lock),
        aspace: AddressSpace::new(init.model == DATAMODEL_ILP32 as model_t),
        exited: AtomicBool::new(false),
        syscalls: AtomicUsize::new(0),
    }));
    let p = proc.as_ptr();
    // SAFETY: nobody else knows the process yet; the parent's family fields are
    // only touched under the table's lock.
    unsafe {
        (*proc.pid.get()).pid_id = pid;
        (*proc.pid.get()).pid_ref = 1;
        (*p).p_pidp = proc.pid.get();
        (*p).p_lockp = proc.lock.get();
        (*p).p_model = init.model;
        (*p).p_cred = init.cred;
        (*p).p_task = init.task;
        (*p).p_rctls = init.rctls;
        (*p).p_stat = SRUN as _;
        if init.parent.is_none() {
            (*p).p_flag |= SSYS as uint_t;
        }
        let mut table = table();
        if let Some(parent) = init.parent {
            (*p).p_parent = parent.as_ptr();
            (*p).p_ppid = parent.pid();
            (*p).p_ancpid = parent.pid();
            (*p).p_sibling = (*parent.as_ptr()).p_child;
            (*parent.as_ptr()).p_child = p;
        }
        table.push(proc);
    }
    proc
}

/// The kernel's own process.
pub fn proc0() -> &'static Proc {
    PROC0.get_or_init(|| {
        create(ProcInit {
            parent: None,
            model: DATAMODEL_LP64 as model_t,
            cred: ptr::null_mut(),
            task: ptr::null_mut(),
            rctls: ptr::null_mut(),
        })
    })
}

/// The process with that id that has not exited.
pub fn find(pid: pid_t) -> Option<&'static Proc> {
    table()
        .iter()
        .copied()
        .find(|p| p.pid() == pid && !p.has_exited())
}

/// Every process that ever was.
pub fn all() -> Vec<&'static Proc> {
    table().clone()
}

impl Proc {
    /// The process as C sees it.
    pub fn as_ptr(&self) -> *mut proc_t {
        self.proc.get()
    }

    /// The process that `p` points to.
    ///
    /// # Safety
    ///
    /// `p` is a process of this kernel.
    pub unsafe fn from_ptr(p: *const proc_t) -> &'static Proc {
        // SAFETY: the proc_t is the first field of a Proc that lives for ever;
        // the caller vouches for `p`.
        unsafe { &*p.cast() }
    }

    /// Its id.
    pub fn pid(&self) -> pid_t {
        // SAFETY: set once, before anybody knew the process.
        unsafe { (*self.pid.get()).pid_id }
    }

    /// Its lock, `p_lock` in C.
    pub fn lock_ptr(&self) -> *mut kmutex_t {
        // SAFETY: only the address of a field is taken.
        unsafe { &raw mut (*self.lock.get()).pl_lock }
    }

    /// `p_flag`; p_lock guards changes, its threads look without it.
    pub(crate) fn flags(&self) -> &AtomicU32 {
        // SAFETY: an aligned word of a process, which lives for ever.
        unsafe { AtomicU32::from_ptr(&raw mut (*self.as_ptr()).p_flag) }
    }

    /// Its user memory.
    pub fn aspace(&self) -> &AddressSpace {
        &self.aspace
    }

    /// Whether it is a 32-bit process.
    pub fn is_ilp32(&self) -> bool {
        // SAFETY: set once, before anybody knew the process.
        unsafe { (*self.as_ptr()).p_model == DATAMODEL_ILP32 as model_t }
    }

    /// Whether [`Proc::exit`] was called.
    pub fn has_exited(&self) -> bool {
        self.exited.load(SeqCst)
    }

    /// Number of lwps.
    pub fn lwp_count(&self) -> usize {
        let _table = table();
        // SAFETY: changed under the table's lock only.
        usize::try_from(unsafe { (*self.as_ptr()).p_lwpcnt }).unwrap_or(0)
    }

    /// Calls `f` for each thread of the process. `p_tlist` may also be walked
    /// by C code that holds `p_lock` and keeps threads from ending.
    pub fn for_each_thread(&self, mut f: impl FnMut(*mut kthread_t)) {
        let mut threads = Vec::new();
        let table = table();
        // SAFETY: the ring changes under the table's lock only; threads live
        // for ever.
        unsafe {
            let first = (*self.as_ptr()).p_tlist;
            let mut t = first;
            while !t.is_null() {
                threads.push(t);
                t = (*t).t_forw;
                if t == first {
                    break;
                }
            }
        }
        drop(table);
        threads.into_iter().for_each(&mut f);
    }

    pub(crate) fn add_lwp(&self, t: *mut kthread_t) {
        let p = self.as_ptr();
        let _table = table();
        // SAFETY: the ring changes under the table's lock only.
        unsafe {
            (*p).p_lwpid += 1;
            (*t).t_tid = (*p).p_lwpid;
            (*p).p_lwpcnt += 1;
            (*p).p_lwprcnt += 1;
            if (*p).p_tlist.is_null() {
                (*p).p_tlist = t;
                (*t).t_forw = t;
                (*t).t_back = t;
            } else {
                let next = (*p).p_tlist;
                let prev = (*next).t_back;
                (*t).t_forw = next;
                (*t).t_back = prev;
                (*next).t_back = t;
                (*prev).t_forw = t;
            }
        }
    }

    pub(crate) fn remove_lwp(&self, t: *mut kthread_t) {
        let p = self.as_ptr();
        let _table = table();
        // SAFETY: the ring changes under the table's lock only, and `t` is in
        // it since `add_lwp`.
        unsafe {
            (*p).p_lwpcnt -= 1;
            (*p).p_lwprcnt -= 1;
            let (next, prev) = ((*t).t_forw, (*t).t_back);
            if next == t {
                (*p).p_tlist = ptr::null_mut();
            } else {
                (*next).t_back = prev;
                (*prev).t_forw = next;
                if (*p).p_tlist == t {
                    (*p).p_tlist = next;
                }
            }
            (*t).t_forw = t;
            (*t).t_back = t;
        }
    }

    /// Ends the process: its user memory goes away. All its lwps must have
    /// ended, but for the calling one.
    pub fn exit(&self) {
        if self.exited.swap(true, SeqCst) {
            kernel_panic("proc", &format!("process {} exits twice", self.pid()));
        }
        // SAFETY: a byte that says the process is a zombie.
        unsafe { (*self.as_ptr()).p_stat = SZOMB as _ };
        self.aspace.release();
        crate::sync::forget(self.lock.get() as usize, size_of::<plock>());
    }
}
