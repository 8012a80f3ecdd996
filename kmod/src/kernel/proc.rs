//! The calling thread and its process.
//!
//! Everything here reads fields that only the thread itself, or nobody,
//! changes while it runs in a system call.

use bindings::{kthread_t, proc_t};

use super::mutex::{Held, Mutex};

/// A process id.
pub type Pid = bindings::pid_t;

/// A process's data model, as far as portfs tells them apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// 64-bit callers.
    Lp64,
    /// 32-bit callers: narrow pointers and times.
    Ilp32,
}

#[inline]
pub(super) fn curthread() -> *mut kthread_t {
    bindings::asm::threadp()
}

/// Says which cache `polllock` has to leave while this thread polls a file
/// for a port.
///
/// # Safety
///
/// `pcp` is null, or looks like a `pollcache_t` up to `pc_flag` and its lock
/// is held by this thread until it is null again.
#[inline]
pub(super) unsafe fn set_pollcache(pcp: *mut bindings::pollcache_t) {
    // SAFETY: a thread's own field; the caller vouches for the value.
    unsafe { (*curthread()).t_pollcache = pcp }
}

pub(super) fn curproc() -> *mut proc_t {
    // SAFETY: the current thread exists, and t_procp never changes.
    unsafe { (*curthread()).t_procp }
}

/// The process id of the caller.
#[inline]
pub fn pid() -> Pid {
    // SAFETY: a process in a system call keeps its struct pid.
    unsafe { (*(*curproc()).p_pidp).pid_id }
}

/// The data model of the caller.
#[inline]
pub fn model() -> Model {
    // SAFETY: get_udatamodel has no preconditions in a system call.
    if unsafe { bindings::get_udatamodel() } == bindings::DATAMODEL_ILP32 as bindings::model_t {
        Model::Ilp32
    } else {
        Model::Lp64
    }
}

/// User and group id of the caller.
pub fn owner() -> (bindings::uid_t, bindings::gid_t) {
    // SAFETY: a thread's own t_cred stays held for the whole system call.
    unsafe {
        let cred = (*curthread()).t_cred;
        (bindings::crgetuid(cred), bindings::crgetgid(cred))
    }
}

/// Notes a failed system call and yields its return value.
pub fn set_errno(error: super::Errno) -> i64 {
    // SAFETY: called in a system call, as set_errno asks.
    i64::from(unsafe { bindings::set_errno(error.number() as bindings::uint_t) })
}

/// Enters the caller's `p_lock`.
pub(super) fn lock_curproc() -> Held<'static> {
    // SAFETY: p_lockp points to the process's plock, whose first member is
    // the mutex; it lives as long as the process, hence as this system call.
    let lock: &'static Mutex = unsafe { Mutex::from_raw((*curproc()).p_lockp.cast()) };
    lock.enter()
}

/// The descriptor table of the calling process.
pub(super) fn descriptors() -> *mut bindings::uf_info_t {
    // SAFETY: address computation inside the live process.
    unsafe { &raw mut (*curproc()).p_user.u_finfo }
}

pub(super) fn project() -> *mut bindings::kproject_t {
    // SAFETY: t_proj of the current thread is held while it runs.
    unsafe { (*curthread()).t_proj }
}
