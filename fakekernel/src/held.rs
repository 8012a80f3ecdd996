//! The mutexes that a thread holds.
//!
//! The kernel keeps no such list; every rule about what may not be done with a
//! mutex held is checked against it.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::panic::kernel_panic;

/// Mutexes that one thread can hold at a time.
const HELD: usize = 32;

/// A mutex that a thread holds.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// The mutex.
    pub addr: usize,
    /// Where it was entered.
    pub caller: usize,
}

/// The mutexes of one thread, in the order of entering.
///
/// # Invariants
///
/// Only the thread itself writes; others may read at any time and then see
/// some recent state.
#[derive(Default)]
pub(crate) struct HeldSet {
    len: AtomicUsize,
    slots: [(AtomicUsize, AtomicUsize); HELD],
}

impl HeldSet {
    pub(crate) fn push(&self, held: Held) {
        let len = self.len.load(Relaxed);
        let Some((addr, caller)) = self.slots.get(len) else {
            kernel_panic(
                "mutex-held-many",
                &format!("a thread holds more than {HELD} mutexes"),
            );
        };
        addr.store(held.addr, Relaxed);
        caller.store(held.caller, Relaxed);
        self.len.store(len + 1, Relaxed);
    }

    pub(crate) fn remove(&self, addr: usize) {
        let len = self.len.load(Relaxed).min(HELD);
        let Some(at) = (0..len)
            .rev()
            .find(|&i| self.slots[i].0.load(Relaxed) == addr)
        else {
            return;
        };
        for i in at..len - 1 {
            self.slots[i]
                .0
                .store(self.slots[i + 1].0.load(Relaxed), Relaxed);
            self.slots[i]
                .1
                .store(self.slots[i + 1].1.load(Relaxed), Relaxed);
        }
        self.len.store(len - 1, Relaxed);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len.load(Relaxed) == 0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Held> + '_ {
        let len = self.len.load(Relaxed).min(HELD);
        self.slots[..len].iter().map(|(addr, caller)| Held {
            addr: addr.load(Relaxed),
            caller: caller.load(Relaxed),
        })
    }
}
