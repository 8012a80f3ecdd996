//! Faults on purpose: by count or by chance, reproducible by the seed.
//!
//! A place that can fail asks [`fires`]. Without an armed rule that is one load.

use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kernel;

/// A place that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Fault {
    /// An allocation with KM_NOSLEEP answers NULL.
    KmemNosleep,
    /// copyin fails; the argument is the number of bytes copied before.
    Copyin,
    /// copyout fails; the argument is the number of bytes copied before.
    Copyout,
    /// falloc finds no free descriptor (EMFILE).
    Falloc,
    /// A resource control denies.
    Rctl,
    /// A signal arrives as an interruptible sleep begins.
    SignalSleep,
    /// A wait on a condition variable returns though nobody woke it.
    Spurious,
}

const KINDS: usize = Fault::Spurious as usize + 1;

/// Which calls of a place fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// Only the n-th from now, counted from 1.
    Nth(u64),
    /// Every n-th.
    Every(u64),
    /// The first n.
    First(u64),
    /// All.
    Always,
    /// Each with this chance, from 0 to 1; the same calls for the same seed.
    Chance(f64),
}

/// One fault to inject.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRule {
    /// The place.
    pub fault: Fault,
    /// The calls that fail.
    pub when: When,
    /// What [`Fault`] says about an argument; otherwise not used.
    pub arg: u64,
}

impl FaultRule {
    /// A rule with argument 0.
    pub fn new(fault: Fault, when: When) -> FaultRule {
        FaultRule {
            fault,
            when,
            arg: 0,
        }
    }
}

#[derive(Default)]
struct Place {
    rule: Option<FaultRule>,
    calls: u64,
    fired: u64,
}

static ARMED: [AtomicBool; KINDS] = [const { AtomicBool::new(false) }; KINDS];
static PLACES: [Mutex<Place>; KINDS] = [const {
    Mutex::new(Place {
        rule: None,
        calls: 0,
        fired: 0,
    })
}; KINDS];

fn place(fault: Fault) -> MutexGuard<'static, Place> {
    PLACES[fault as usize]
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// Arms a fault instead of the one that the place had, and counts its calls
/// from 0.
pub fn arm(rule: FaultRule) {
    let fault = rule.fault;
    *place(fault) = Place {
        rule: Some(rule),
        calls: 0,
        fired: 0,
    };
    ARMED[fault as usize].store(true, SeqCst);
}

/// Disarms a place; its counts stay.
pub fn disarm(fault: Fault) {
    ARMED[fault as usize].store(false, SeqCst);
    place(fault).rule = None;
}

/// Calls of the place since it was armed.
pub fn calls(fault: Fault) -> u64 {
    place(fault).calls
}

/// Calls that failed since it was armed.
pub fn fired(fault: Fault) -> u64 {
    place(fault).fired
}

/// Whether this call of the place fails, and the rule's argument.
#[inline]
pub fn fires(fault: Fault) -> Option<u64> {
    if ARMED[fault as usize].load(Relaxed) {
        fires_armed(fault)
    } else {
        None
    }
}

#[cold]
fn fires_armed(fault: Fault) -> Option<u64> {
    let mut place = place(fault);
    place.calls += 1;
    let n = place.calls;
    let rule = place.rule.as_ref()?;
    let yes = match rule.when {
        When::Nth(k) => n == k,
        When::Every(k) => k != 0 && n.is_multiple_of(k),
        When::First(k) => n <= k,
        When::Always => true,
        When::Chance(chance) => {
            let place_seed = (fault as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let call_seed = n.wrapping_mul(0xd6e8_feb8_6659_fd93);
            let seed = kernel::config().seed ^ place_seed ^ call_seed;
            fastrand::Rng::with_seed(seed).f64() < chance
        }
    };
    let arg = rule.arg;
    place.fired += u64::from(yes);
    yes.then_some(arg)
}
