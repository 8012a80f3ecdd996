//! What the kernel knows about the places where locks are.
//!
//! A `kmutex_t` has room for its owner and a `kcondvar_t` for a count; who made
//! a lock is kept here, by address. When memory is freed, [`forget`] drops what
//! is known of it and panics if a lock in it is in use.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::panic::symbol;
use crate::{lockorder, mutex, sleepq, tsan};

/// How a mutex came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// By `mutex_init`.
    Init,
    /// It was zeroed memory when it was first entered.
    Zeroed,
    /// By this crate, with a name.
    Named(&'static str),
}

#[derive(Clone, Copy, Debug)]
struct Known {
    origin: Origin,
    caller: usize,
}

static MUTEXES: Mutex<BTreeMap<usize, Known>> = Mutex::new(BTreeMap::new());

/// Bits that say "a lock has been in this cache line", hashed: most freed
/// memory has none, and is done with after looking here.
static LINES: [AtomicU64; 1024] = [const { AtomicU64::new(0) }; 1024];

const LINE: usize = 64;

fn table() -> MutexGuard<'static, BTreeMap<usize, Known>> {
    MUTEXES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bit(line: usize) -> (&'static AtomicU64, u64) {
    let hash = (line as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
    (&LINES[(hash >> 6) as usize], 1 << (hash & 63))
}

/// Remembers that there is a lock at `addr`.
#[inline]
pub(crate) fn mark(addr: usize) {
    let (word, bit) = bit(addr / LINE);
    if word.load(Relaxed) & bit == 0 {
        word.fetch_or(bit, Relaxed);
    }
}

fn may_hold_lock(addr: usize, len: usize) -> bool {
    (addr / LINE..=(addr + len - 1) / LINE).any(|line| {
        let (word, bit) = bit(line);
        word.load(Relaxed) & bit != 0
    })
}

/// Remembers who made the mutex at `addr`.
pub(crate) fn know_mutex(addr: usize, origin: Origin, caller: usize) {
    mark(addr);
    tsan::aside(|| table().insert(addr, Known { origin, caller }));
}

/// Whether a mutex was made at `addr` and not destroyed.
pub(crate) fn is_mutex(addr: usize) -> bool {
    tsan::aside(|| table().contains_key(&addr))
}

/// Whether the mutex at `addr` is one of this crate with that name.
pub(crate) fn is_named(addr: usize, name: &str) -> bool {
    let known = table().get(&addr).copied();
    matches!(known, Some(Known { origin: Origin::Named(n), .. }) if n == name)
}

/// Forgets a destroyed mutex.
pub(crate) fn forget_mutex(addr: usize) {
    tsan::aside(|| table().remove(&addr));
    lockorder::remove(addr);
}

/// Names a mutex: its address and who made it.
pub fn describe_mutex(addr: usize) -> String {
    let known = table().get(&addr).copied();
    match known {
        Some(Known {
            origin: Origin::Named(name),
            ..
        }) => format!("{addr:#x} ({name})"),
        Some(Known {
            origin: Origin::Init,
            caller,
        }) => {
            format!("{addr:#x} (made at {})", symbol(caller))
        }
        Some(Known {
            origin: Origin::Zeroed,
            caller,
        }) => {
            format!("{addr:#x} (zeroed, first entered at {})", symbol(caller))
        }
        None => format!("{addr:#x}"),
    }
}

/// Forgets all locks in memory that is about to be freed.
///
/// Panics with rule `kmem-free-mutex` or `kmem-free-cv` when one of them is
/// held or waited for.
pub fn forget(addr: usize, len: usize) {
    if len == 0 || !may_hold_lock(addr, len) {
        return;
    }
    let inside: Vec<usize> =
        tsan::aside(|| table().range(addr..addr + len).map(|(&a, _)| a).collect());
    for at in inside {
        mutex::assert_free(at);
        forget_mutex(at);
    }
    sleepq::assert_no_waiter(addr, len);
}
