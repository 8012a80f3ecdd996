//! `curthread`, `curproc` and `CRED()` for the parts of this crate written like kernel code.

use bindings::*;

/// The calling thread.
#[inline]
pub(crate) fn curthread() -> *mut kthread_t {
    asm::threadp()
}

/// The calling thread's process.
#[inline]
pub(crate) fn curproc() -> *mut proc_t {
    // SAFETY: every task of this kernel is a thread with a process.
    unsafe { (*curthread()).t_procp }
}

/// Its id.
#[inline]
pub(crate) fn curpid() -> pid_t {
    // SAFETY: as in `curproc`; a process keeps its id.
    unsafe { (*(*curproc()).p_pidp).pid_id }
}

/// The calling thread's credentials; no hold is taken.
#[inline]
pub(crate) fn cred() -> *mut cred_t {
    // SAFETY: as in `curproc`.
    unsafe { (*curthread()).t_cred }
}
