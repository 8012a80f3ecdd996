//! Adaptive mutexes.
//!
//! Mirrors `os/mutex.c`: the word of a `kmutex_t` holds its owner, and zeroed
//! memory is a free mutex. Stricter than the kernel: `mutex-recursive`,
//! `mutex-not-owner`, `mutex-uninit`, `mutex-freed`, `mutex-destroyed`,
//! `mutex-destroy-held` (the kernel lets an owner destroy its mutex),
//! `mutex-init-held`, `mutex-corrupt`, and the lock order ([`lockorder`]).
//! Spin mutexes do not exist here: rule `mutex-spin`.
//!
//! Contexts: any, interrupts included. A mutex may be marked as one under which
//! nothing may sleep ([`no_sleep`]).

use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bindings::{MUTEX_SPIN, kmutex_t, kmutex_type_t};
use std::ffi::{c_char, c_int, c_void};

use crate::counter::Counter;
use crate::panic::{kernel_panic, symbol};
use crate::sched::{self, TaskId, Wait, WaitKind};
use crate::site::{self, Frame, entry};
use crate::sync::{self, Origin, describe_mutex};
use crate::thread::{self, Held, Thread};
use crate::{kernel, lockorder};

/// Somebody waits in the table.
const WAITERS: usize = 1;
/// The mutex is in the table of known mutexes.
const KNOWN: usize = 2;
/// Nothing may sleep under this mutex.
const NOSLEEP: usize = 4;
/// The mutex was destroyed.
const DEAD: usize = 8;
/// The bits of the owner; a `Thread` is aligned to more than the others.
const OWNER: usize = !63;

/// Memory as kmem hands it out.
const UNINIT: usize = crate::kmem::UNINITIALISED as usize;
/// Memory as kmem leaves it.
const FREED: usize = crate::kmem::FREED as usize;

/// Looks at a busy mutex on a real clock before sleeping.
const SPINS: u32 = 200;

const SHARDS: usize = 64;

/// Who waits for which mutex, in order of arrival.
static WAITING: [Mutex<Vec<(usize, TaskId)>>; SHARDS] = [const { Mutex::new(Vec::new()) }; SHARDS];

fn shard(addr: usize) -> MutexGuard<'static, Vec<(usize, TaskId)>> {
    let at = (addr >> 3).wrapping_mul(0x9e37_79b9) >> 8;
    WAITING[at % SHARDS]
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

fn word<'a>(mp: *const kmutex_t) -> &'a AtomicUsize {
    let addr = mp as usize;
    if addr < 4096 || !addr.is_multiple_of(8) {
        kernel_panic(
            "mutex-corrupt",
            &format!("{addr:#x} is not the address of a mutex"),
        );
    }
    // SAFETY: the caller of every kernel function here vouches for `mp`; a
    // kmutex_t is one aligned word that is only used through this atomic.
    unsafe { AtomicUsize::from_ptr(mp.cast_mut().cast()) }
}

/// Panics if the word is not that of a mutex.
fn validate(w: usize, addr: usize, what: &str, caller: usize) {
    let rule = match w {
        UNINIT => "mutex-uninit",
        FREED => "mutex-freed",
        _ if w & DEAD != 0 && w & OWNER == 0 => "mutex-destroyed",
        _ if w & DEAD != 0 || w & 0x30 != 0 => "mutex-corrupt",
        _ => return,
    };
    let name = describe_mutex(addr);
    kernel_panic(
        rule,
        &format!("{what} of mutex {name}, word {w:#x}, at {}", symbol(caller)),
    );
}

entry! {
    /// Makes a mutex in any memory.
    fn mutex_init(mp: *mut kmutex_t, name: *mut c_char, kind: kmutex_type_t, arg: *mut c_void)
        = init, "r8"
}

unsafe extern "C" fn init(
    mp: *mut kmutex_t,
    _name: *mut c_char,
    kind: kmutex_type_t,
    _arg: *mut c_void,
    frame: Frame,
) {
    let caller = site::enter(frame);
    let addr = mp as usize;
    let word = word(mp);
    if kind == MUTEX_SPIN {
        kernel_panic(
            "mutex-spin",
            &format!("spin mutex made at {}", symbol(caller)),
        );
    }
    let w = word.load(Acquire);
    if w & KNOWN != 0
        && w & (OWNER | WAITERS) != 0
        && w != UNINIT
        && w != FREED
        && sync::is_mutex(addr)
    {
        let name = describe_mutex(addr);
        kernel_panic(
            "mutex-init-held",
            &format!("mutex {name} made again at {}", symbol(caller)),
        );
    }
    lockorder::remove(addr);
    sync::know_mutex(addr, Origin::Init, caller);
    word.store(KNOWN, Release);
}

entry! {
    /// Ends a mutex that nobody holds.
    fn mutex_destroy(mp: *mut kmutex_t) = destroy, "rsi"
}

unsafe extern "C" fn destroy(mp: *mut kmutex_t, frame: Frame) {
    let caller = site::enter(frame);
    let word = word(mp);
    let w = word.load(Acquire);
    validate(w, mp as usize, "destruction", caller);
    if w & (OWNER | WAITERS) != 0 {
        let (name, at) = (describe_mutex(mp as usize), symbol(caller));
        kernel_panic(
            "mutex-destroy-held",
            &format!("mutex {name} destroyed at {at} while held"),
        );
    }
    sync::forget_mutex(mp as usize);
    word.store(DEAD, Release);
}

entry! {
    /// Takes the mutex; waits while another thread holds it.
    fn mutex_enter(mp: *mut kmutex_t) = enter, "rsi"
}

unsafe extern "C" fn enter(mp: *mut kmutex_t, frame: Frame) {
    acquire(mp, site::enter(frame));
}

/// `mutex_enter` on behalf of `caller`.
pub(crate) fn acquire(mp: *mut kmutex_t, caller: usize) {
    let addr = mp as usize;
    let word = word(mp);
    let thread = thread::current();
    sched::get().point();
    if !thread.held.is_empty() && kernel::config().strict.lock_order {
        let w = word.load(Relaxed);
        if w & OWNER == thread.kthread() as usize {
            recursive(addr, caller);
        }
        lockorder::check(thread, addr, caller);
    }
    let w = word.load(Relaxed);
    let free = w & !NOSLEEP == KNOWN;
    let taken = w | thread.kthread() as usize;
    if !free || word.compare_exchange(w, taken, Acquire, Relaxed).is_err() {
        acquire_slow(word, addr, caller, thread);
    }
    entered(thread, word, addr, caller);
}

/// Takes a mutex that does not go into the thread's list of held ones, for one who takes more than
/// the list has room for; the order of locks is not looked at. `mutex_exit` gives it back.
///
/// # Safety
/// `mp` is a mutex, not one of those under which nothing may sleep.
pub(crate) unsafe fn acquire_unlisted(mp: *mut kmutex_t) {
    let thread = thread::current();
    acquire_slow(word(mp), mp as usize, 0, thread);
    thread.counters.add(Counter::MutexEnter, 1);
}

#[inline]
fn entered(thread: &Thread, word: &AtomicUsize, addr: usize, caller: usize) {
    if word.load(Relaxed) & NOSLEEP != 0 {
        thread.nosleep.fetch_add(1, Relaxed);
    }
    thread.held.push(Held { addr, caller });
    thread.counters.add(Counter::MutexEnter, 1);
}

fn recursive(addr: usize, caller: usize) -> ! {
    let (name, at) = (describe_mutex(addr), symbol(caller));
    kernel_panic(
        "mutex-recursive",
        &format!("mutex {name} entered at {at} by the thread that holds it"),
    );
}

fn corrupt(w: usize, addr: usize, caller: usize) -> ! {
    let (name, at) = (describe_mutex(addr), symbol(caller));
    kernel_panic(
        "mutex-corrupt",
        &format!("mutex {name} has the word {w:#x}, seen at {at}"),
    );
}

#[cold]
fn acquire_slow(word: &AtomicUsize, addr: usize, caller: usize, thread: &Thread) {
    let me = thread.kthread() as usize;
    let sched = sched::get();
    let mut spins = if sched.is_virtual() { 0 } else { SPINS };
    let mut queued_before = false;
    loop {
        let w = word.load(Acquire);
        validate(w, addr, "entry", caller);
        if w & KNOWN == 0 {
            if w & OWNER != 0 {
                corrupt(w, addr, caller);
            }
            sync::know_mutex(addr, Origin::Zeroed, caller);
            let _ = word.compare_exchange(w, w | KNOWN, AcqRel, Relaxed);
        } else if w & OWNER == 0 {
            if word.compare_exchange(w, w | me, Acquire, Relaxed).is_ok() {
                return;
            }
        } else if w & OWNER == me {
            recursive(addr, caller);
        } else if spins > 0 {
            spins -= 1;
            std::hint::spin_loop();
        } else {
            if !is_thread(w & OWNER) {
                corrupt(w, addr, caller);
            }
            let id = sched.current();
            let mut waiting = shard(addr);
            let w = word.load(Acquire);
            let busy = w & OWNER != 0
                && word
                    .compare_exchange(w, w | WAITERS, AcqRel, Relaxed)
                    .is_ok();
            if !busy {
                continue;
            }
            // A thread that lost the race after its wakeup keeps its place.
            match waiting
                .iter()
                .position(|&(a, _)| queued_before && a == addr)
            {
                Some(first) => waiting.insert(first, (addr, id)),
                None => waiting.push((addr, id)),
            }
            drop(waiting);
            queued_before = true;
            thread.counters.add(Counter::MutexBlock, 1);
            thread.counters.add(Counter::Switch, 1);
            sched.block(
                Wait {
                    kind: WaitKind::Mutex,
                    addr,
                    caller,
                },
                None,
            );
            // The permit may have been a stale one.
            let mut waiting = shard(addr);
            if let Some(at) = waiting.iter().position(|&entry| entry == (addr, id)) {
                waiting.remove(at);
            }
        }
    }
}

entry! {
    /// Takes the mutex if it is free; 0 if it is not.
    fn mutex_tryenter(mp: *mut kmutex_t) -> c_int = tryenter, "rsi"
}

unsafe extern "C" fn tryenter(mp: *mut kmutex_t, frame: Frame) -> c_int {
    let caller = site::enter(frame);
    let addr = mp as usize;
    let word = word(mp);
    let thread = thread::current();
    sched::get().point();
    loop {
        let w = word.load(Acquire);
        validate(w, addr, "entry", caller);
        if w & OWNER != 0 {
            return 0;
        }
        if w & KNOWN == 0 {
            sync::know_mutex(addr, Origin::Zeroed, caller);
        }
        let taken = w | KNOWN | thread.kthread() as usize;
        if word.compare_exchange(w, taken, Acquire, Relaxed).is_ok() {
            entered(thread, word, addr, caller);
            return 1;
        }
    }
}

entry! {
    /// Gives the mutex back.
    fn mutex_exit(mp: *mut kmutex_t) = exit, "rsi"
}

unsafe extern "C" fn exit(mp: *mut kmutex_t, frame: Frame) {
    release(mp, site::enter(frame));
}

/// `mutex_exit` on behalf of `caller`.
pub(crate) fn release(mp: *mut kmutex_t, caller: usize) {
    let addr = mp as usize;
    let word = word(mp);
    let thread = thread::current();
    let w = word.load(Relaxed);
    if w & OWNER != thread.kthread() as usize {
        validate(w, addr, "exit", caller);
        let (name, at) = (describe_mutex(addr), symbol(caller));
        let text = format!("mutex {name} left at {at} by a thread that does not hold it");
        kernel_panic("mutex-not-owner", &text);
    }
    thread.held.remove(addr);
    if w & NOSLEEP != 0 {
        thread.nosleep.fetch_sub(1, Relaxed);
    }
    let free = w & !OWNER;
    if w & WAITERS == 0 && word.compare_exchange(w, free, Release, Relaxed).is_ok() {
        return;
    }
    // The owner is the only one to change the word while the table is locked.
    let mut waiting = shard(addr);
    let first = waiting
        .iter()
        .position(|&(a, _)| a == addr)
        .map(|at| waiting.remove(at).1);
    let more = waiting.iter().any(|&(a, _)| a == addr);
    let bits = word.load(Relaxed) & (KNOWN | NOSLEEP);
    word.store(if more { bits | WAITERS } else { bits }, Release);
    drop(waiting);
    if let Some(task) = first {
        sched::get().wake(task);
    }
}

/// Whether the calling thread holds the mutex.
///
/// # Safety
///
/// `mp` is a mutex.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mutex_owned(mp: *const kmutex_t) -> c_int {
    c_int::from(is_owned(mp))
}

/// Whether the calling thread holds the mutex.
pub(crate) fn is_owned(mp: *const kmutex_t) -> bool {
    word(mp).load(Relaxed) & OWNER == thread::current().kthread() as usize
}

/// The owner of a mutex, or NULL.
///
/// # Safety
///
/// `mp` is a mutex.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mutex_owner(mp: *const kmutex_t) -> *mut c_void {
    (word(mp).load(Relaxed) & OWNER) as *mut c_void
}

/// Marks a free mutex as one under which nothing may sleep, such as the lock of
/// a pollhead.
///
/// # Safety
///
/// `mp` is a mutex that nobody uses yet.
pub unsafe fn no_sleep(mp: *mut kmutex_t) {
    word(mp).fetch_or(NOSLEEP, Relaxed);
}

/// Names a mutex of this crate in messages.
///
/// # Safety
///
/// `mp` is a mutex.
pub unsafe fn set_name(mp: *mut kmutex_t, name: &'static str) {
    sync::know_mutex(mp as usize, Origin::Named(name), 0);
    word(mp).fetch_or(KNOWN, Relaxed);
}

/// Panics with rule `kmem-free-mutex` if the mutex is in use.
pub(crate) fn assert_free(addr: usize) {
    let w = word(addr as *const kmutex_t).load(Acquire);
    let known = w & KNOWN != 0 && w & DEAD == 0 && w != UNINIT && w != FREED;
    if known && w & (OWNER | WAITERS) != 0 && is_thread(w & OWNER) {
        let name = describe_mutex(addr);
        kernel_panic(
            "kmem-free-mutex",
            &format!("memory freed with mutex {name} held in it"),
        );
    }
}

fn is_thread(t: usize) -> bool {
    thread::all()
        .iter()
        .any(|thread| thread.kthread() as usize == t)
}
