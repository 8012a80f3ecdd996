//! Which vnodes somebody polls: no vnode may go away with pollers on its pollhead.
//!
//! A pollhead does not say whose it is; the thread that puts the first poller on it has just got
//! it from VOP_POLL.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bindings::*;
use rustc_hash::FxHashMap;

use crate::panic::kernel_panic;

/// The pollhead that VOP_POLL gave a thread last, and the vnode.
#[derive(Default)]
pub(crate) struct Given {
    php: AtomicUsize,
    vp: AtomicUsize,
}

/// Pollheads with pollers, and how many of them each vnode has.
#[derive(Default)]
struct Polled {
    heads: FxHashMap<usize, usize>,
    vnodes: FxHashMap<usize, usize>,
}

static POLLED: Mutex<Option<Polled>> = Mutex::new(None);

fn polled() -> MutexGuard<'static, Option<Polled>> {
    POLLED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// VOP_POLL of `vp` gave the calling thread `php`.
pub(crate) fn given(php: *mut pollhead_t, vp: *mut vnode_t) {
    let given = &crate::thread::current().given;
    given.php.store(php as usize, Relaxed);
    given.vp.store(vp as usize, Relaxed);
}

/// The calling thread puts the first poller on `php`.
pub(super) fn first(php: *mut pollhead_t) {
    let given = &crate::thread::current().given;
    if given.php.load(Relaxed) != php as usize {
        return;
    }
    let vp = given.vp.load(Relaxed);
    let mut guard = polled();
    let polled = guard.get_or_insert_default();
    polled.heads.insert(php as usize, vp);
    *polled.vnodes.entry(vp).or_default() += 1;
}

/// The last poller leaves `php`.
pub(super) fn last(php: *mut pollhead_t) {
    let mut guard = polled();
    let polled = guard.get_or_insert_default();
    let Some(vp) = polled.heads.remove(&(php as usize)) else {
        return;
    };
    if let Some(heads) = polled.vnodes.get_mut(&vp) {
        *heads -= 1;
        if *heads == 0 {
            polled.vnodes.remove(&vp);
        }
    }
}

/// Panics if somebody still polls a pollhead that `vp` gave out; the vnode is being freed.
pub(crate) fn check_vnode(vp: *mut vnode_t) {
    let heads = polled()
        .as_ref()
        .and_then(|polled| polled.vnodes.get(&(vp as usize)).copied());
    if let Some(heads) = heads {
        kernel_panic(
            "pollhead-leftover",
            &format!("vnode {vp:p} freed with pollers on {heads} of its pollheads"),
        );
    }
}
