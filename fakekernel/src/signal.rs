//! Signals: posting, taking, and waking sleepers that must look.
//!
//! Mirrors what `os/sig.c` does for a process that catches every signal with a
//! handler that does nothing and without SA_RESTART. The sets are the real ones
//! (`t_sig`, `t_hold`, `p_sig`). A signal posted to a process is taken by one of
//! its threads.

use std::ffi::c_int;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use bindings::{NSIG, k_sigset_t};

use crate::counter::{self, Counter};
use crate::panic::kernel_panic;
use crate::proc::Proc;
use crate::sched;
use crate::siginfo;
use crate::thread::Thread;

/// Signals are 1 to this.
const MAX: c_int = NSIG - 1;

fn words<'a>(set: *mut k_sigset_t) -> [&'a AtomicU32; 3] {
    // SAFETY: the set is a field of a thread or process, which live for ever;
    // its three words are only used through these atomics.
    std::array::from_fn(|i| unsafe { AtomicU32::from_ptr(&raw mut (*set).__sigbits[i]) })
}

fn position(sig: c_int) -> (usize, u32) {
    if !(1..=MAX).contains(&sig) {
        kernel_panic("signal", &format!("there is no signal {sig}"));
    }
    let n = sig as u32 - 1;
    ((n / 32) as usize, 1 << (n % 32))
}

fn thread_set<'a>(t: &Thread) -> [&'a AtomicU32; 3] {
    // SAFETY: only the address of a field is taken.
    words(unsafe { &raw mut (*t.kthread()).t_sig })
}

fn proc_set<'a>(p: &Proc) -> [&'a AtomicU32; 3] {
    // SAFETY: only the address of a field is taken.
    words(unsafe { &raw mut (*p.as_ptr()).p_sig })
}

fn hold_set<'a>(t: &Thread) -> [&'a AtomicU32; 3] {
    // SAFETY: only the address of a field is taken.
    words(unsafe { &raw mut (*t.kthread()).t_hold })
}

/// Posts a signal to one thread.
pub fn post(thread: &Thread, sig: c_int) {
    let (word, bit) = position(sig);
    thread_set(thread)[word].fetch_or(bit, SeqCst);
    if hold_set(thread)[word].load(SeqCst) & bit == 0 {
        setrun(thread);
    }
}

/// Posts a signal to a process: a thread that does not block it will take it.
pub fn post_process(proc: &Proc, sig: c_int) {
    let (word, bit) = position(sig);
    proc_set(proc)[word].fetch_or(bit, SeqCst);
    let mut done = false;
    proc.for_each_thread(|t| {
        // SAFETY: the threads of a process are threads of this kernel.
        let thread = unsafe { Thread::from_ptr(t) };
        if !done && hold_set(thread)[word].load(SeqCst) & bit == 0 {
            done = setrun(thread);
        }
    });
}

/// Blocks or unblocks a signal for the calling thread, as thr_sigsetmask does.
pub fn hold(thread: &Thread, sig: c_int, on: bool) {
    let (word, bit) = position(sig);
    if on {
        hold_set(thread)[word].fetch_or(bit, SeqCst);
    } else {
        hold_set(thread)[word].fetch_and(!bit, SeqCst);
    }
}

/// Ends an interruptible sleep of the thread; false if it is in none. The sleep
/// then looks for a signal and for `a_stale`. This is what closing a descriptor
/// in use does to the threads that use it.
pub fn setrun(thread: &Thread) -> bool {
    if !thread.sleep.wakeable.load(SeqCst) {
        return false;
    }
    thread.sleep.poked.store(true, SeqCst);
    if let Some(task) = thread.task() {
        sched::get().wake(task);
    }
    true
}

/// Whether the thread has a signal to take.
pub fn is_pending(thread: &Thread) -> bool {
    // SAFETY: lwp_cursig is set by the thread itself, which is the caller.
    if unsafe { (*thread.lwp()).lwp_cursig } != 0 {
        return true;
    }
    let (own, shared, held) = (
        thread_set(thread),
        proc_set(thread.process()),
        hold_set(thread),
    );
    (0..3).any(|i| (own[i].load(SeqCst) | shared[i].load(SeqCst)) & !held[i].load(SeqCst) != 0)
}

/// Whether a descriptor that the thread uses was closed under it.
pub fn must_return(thread: &Thread) -> bool {
    // SAFETY: a byte of an lwp, which lives for ever.
    let abort = unsafe { (&raw const (*thread.lwp()).lwp_sysabort).read_volatile() };
    crate::fio::is_stale(thread.kthread()) || abort != 0
}

pub(crate) fn set_asleep(thread: &Thread, on: bool) {
    // SAFETY: bytes of the calling thread's own lwp.
    unsafe {
        (*thread.lwp()).lwp_asleep = on.into();
        (*thread.lwp()).lwp_sysabort = 0;
    }
}

/// Takes the next signal into `lwp_cursig`, the thread's own before the
/// process's, lowest number first; false if another thread was faster.
pub(crate) fn issig(thread: &Thread) -> bool {
    // SAFETY: the caller is the thread itself.
    let cursig = unsafe { &mut (*thread.lwp()).lwp_cursig };
    if *cursig != 0 {
        return true;
    }
    let held = hold_set(thread);
    for set in [thread_set(thread), proc_set(thread.process())] {
        for (i, word) in set.iter().enumerate() {
            let mut open = word.load(SeqCst) & !held[i].load(SeqCst);
            while open != 0 {
                let bit = open & open.wrapping_neg();
                if word.fetch_and(!bit, SeqCst) & bit != 0 {
                    *cursig = (i as u32 * 32 + bit.trailing_zeros() + 1) as u8;
                    return true;
                }
                open &= !bit;
            }
        }
    }
    false
}

/// On the way back to user mode: takes all pending signals, as if each had a
/// handler that returns at once. Returns them in order.
pub fn psig(thread: &Thread) -> Vec<c_int> {
    let mut taken = Vec::new();
    while is_pending(thread) && issig(thread) {
        // SAFETY: the caller is the thread itself.
        let cursig = unsafe { &mut (*thread.lwp()).lwp_cursig };
        let sig = c_int::from(std::mem::take(cursig));
        taken.push(sig);
        counter::count(Counter::Signal);
        siginfo::deliver(thread.process(), sig);
    }
    taken
}
