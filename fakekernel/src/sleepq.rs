//! Who sleeps on which condition variable.
//!
//! Stands for the hashed sleep queues of `os/sleepq.c`: a table by address. The
//! count in a `kcondvar_t` always equals the number of its entries, which is
//! how memory that is no condition variable is found out (`cv-uninit`,
//! `cv-freed`, `cv-corrupt`).

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bindings::{kcondvar_t, kmutex_t};

use crate::config::CvOrder;
use crate::panic::{kernel_panic, symbol};
use crate::sync::{self, describe_mutex};
use crate::thread::Thread;
use crate::{kernel, sched, tsan};

const AWAKE: u32 = 0;
const WAITING: u32 = 1;
const SIGNALLED: u32 = 2;

/// What a thread's wait on a condition variable needs of the thread.
#[derive(Default)]
pub(crate) struct Sleep {
    state: AtomicU32,
    /// The wait may be ended by [`crate::signal::setrun`].
    pub(crate) wakeable: AtomicBool,
    /// Somebody did.
    pub(crate) poked: AtomicBool,
    /// The wait is for a wall-clock time.
    pub(crate) wall: AtomicBool,
    /// The wall clock was set meanwhile.
    pub(crate) expired: AtomicBool,
}

impl Sleep {
    /// Whether nobody has woken the thread since it was put on the table.
    pub(crate) fn is_waiting(&self) -> bool {
        self.state.load(SeqCst) == WAITING
    }
}

struct Waiter {
    cv: usize,
    mutex: usize,
    thread: &'static Thread,
}

const SHARDS: usize = 64;

static WAITERS: [Mutex<Vec<Waiter>>; SHARDS] = [const { Mutex::new(Vec::new()) }; SHARDS];

fn shard(cv: usize) -> MutexGuard<'static, Vec<Waiter>> {
    let at = (cv >> 1).wrapping_mul(0x9e37_79b9) >> 8;
    WAITERS[at % SHARDS]
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

fn count<'a>(cvp: *mut kcondvar_t) -> &'a AtomicU16 {
    let addr = cvp as usize;
    if addr < 4096 || !addr.is_multiple_of(2) {
        kernel_panic(
            "cv-corrupt",
            &format!("{addr:#x} is not the address of a condition variable"),
        );
    }
    // SAFETY: the caller of every kernel function here vouches for `cvp`; a
    // kcondvar_t is one aligned u16 that is only used through this atomic.
    unsafe { AtomicU16::from_ptr(cvp.cast()) }
}

/// Panics unless the count in memory is that of the table.
fn validate(count: u16, waiters: &[Waiter], cv: usize, caller: usize) {
    let expected = waiters.iter().filter(|w| w.cv == cv).count();
    if usize::from(count) == expected {
        return;
    }
    let half = |pattern: u64| count == pattern as u16 || count == (pattern >> 16) as u16;
    let rule = if half(crate::kmem::UNINITIALISED) {
        "cv-uninit"
    } else if half(crate::kmem::FREED) {
        "cv-freed"
    } else {
        "cv-corrupt"
    };
    let at = symbol(caller);
    kernel_panic(
        rule,
        &format!("cv {cv:#x} says {count:#x} waiters and has {expected}, at {at}"),
    );
}

/// Starts a count in any memory; false if somebody waits there already.
pub(crate) fn reset(cvp: *mut kcondvar_t) -> bool {
    let waiters = shard(cvp as usize);
    let free = !waiters.iter().any(|w| w.cv == cvp as usize);
    if free {
        count(cvp).store(0, Relaxed);
    }
    free
}

/// Whether anybody waits, after a look at the count.
pub(crate) fn has_waiters(cvp: *mut kcondvar_t, caller: usize) -> bool {
    let waiters = shard(cvp as usize);
    validate(count(cvp).load(Relaxed), &waiters, cvp as usize, caller);
    waiters.iter().any(|w| w.cv == cvp as usize)
}

/// Puts the calling thread on the table.
pub(crate) fn enqueue(
    cvp: *mut kcondvar_t,
    mp: *mut kmutex_t,
    thread: &'static Thread,
    caller: usize,
) {
    let cv = cvp as usize;
    sync::mark(cv);
    let mut waiters = shard(cv);
    let n = count(cvp);
    validate(n.load(Relaxed), &waiters, cv, caller);
    let other = waiters
        .iter()
        .find(|w| w.cv == cv && w.mutex != mp as usize)
        .map(|w| w.mutex);
    if let Some(other) = other {
        drop(waiters);
        let (mine, other, at) = (
            describe_mutex(mp as usize),
            describe_mutex(other),
            symbol(caller),
        );
        let text =
            format!("cv {cv:#x} waited for with mutex {mine} at {at} and with mutex {other}");
        kernel_panic("cv-two-mutexes", &text);
    }
    thread.sleep.state.store(WAITING, SeqCst);
    waiters.push(Waiter {
        cv,
        mutex: mp as usize,
        thread,
    });
    n.fetch_add(1, SeqCst);
}

/// Takes the thread off the table if it is still there; whether somebody else
/// had done so.
pub(crate) fn dequeue(cvp: *mut kcondvar_t, thread: &Thread) -> bool {
    let cv = cvp as usize;
    let mut waiters = shard(cv);
    let signalled = thread.sleep.state.swap(AWAKE, SeqCst) == SIGNALLED;
    if !signalled {
        waiters.retain(|w| w.cv != cv || !std::ptr::eq(w.thread, thread));
        count(cvp).fetch_sub(1, SeqCst);
    }
    signalled
}

/// Takes the next waiter off the table, as the configured order says.
pub(crate) fn wake_one(cvp: *mut kcondvar_t, caller: usize) -> Option<&'static Thread> {
    let n = count(cvp);
    if n.load(SeqCst) == 0 {
        return None;
    }
    let cv = cvp as usize;
    let mut waiters = shard(cv);
    validate(n.load(Relaxed), &waiters, cv, caller);
    let skip = match kernel::config().cv_order {
        CvOrder::Fifo => 0,
        CvOrder::Random => {
            let mine = waiters.iter().filter(|w| w.cv == cv).count().max(1);
            (sched::get().random() % mine as u64) as usize
        }
    };
    let mut mine = waiters.iter().enumerate().filter(|(_, w)| w.cv == cv);
    let at = mine.nth(skip)?.0;
    let thread = waiters.remove(at).thread;
    n.fetch_sub(1, SeqCst);
    thread.sleep.state.store(SIGNALLED, SeqCst);
    Some(thread)
}

/// Takes all waiters off the table.
pub(crate) fn wake_all(cvp: *mut kcondvar_t, caller: usize) -> Vec<&'static Thread> {
    let n = count(cvp);
    let mut woken = Vec::new();
    if n.load(SeqCst) == 0 {
        return woken;
    }
    let cv = cvp as usize;
    let mut waiters = shard(cv);
    validate(n.load(Relaxed), &waiters, cv, caller);
    waiters.retain(|w| {
        if w.cv == cv {
            w.thread.sleep.state.store(SIGNALLED, SeqCst);
            woken.push(w.thread);
        }
        w.cv != cv
    });
    n.store(0, SeqCst);
    woken
}

/// Panics with rule `kmem-free-cv` if a thread waits for a condition variable
/// in that memory.
pub(crate) fn assert_no_waiter(addr: usize, len: usize) {
    for waiters in &WAITERS {
        let inside = tsan::aside(|| {
            let waiters = waiters.lock().unwrap_or_else(PoisonError::into_inner);
            let inside = |w: &&Waiter| (addr..addr + len).contains(&w.cv);
            waiters.iter().find(inside).map(|w| w.cv)
        });
        if let Some(cv) = inside {
            kernel_panic(
                "kmem-free-cv",
                &format!("memory freed while threads wait for cv {cv:#x} in it"),
            );
        }
    }
}
