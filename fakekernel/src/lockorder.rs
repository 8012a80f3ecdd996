//! The order in which mutexes are entered.
//!
//! The kernel has no such check; this is what its comments about lock order
//! promise. Each pair "entered B while holding A" is an edge of a graph over
//! single mutexes, not classes. An edge that closes a cycle could deadlock some
//! day, and panics today with rule `lock-order`. A mutex leaves the graph when
//! it is destroyed, initialised again, or its memory is freed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::panic::{kernel_panic, symbol};
use crate::sync::describe_mutex;
use crate::thread::Thread;
use crate::tsan;

/// Where an edge was seen first.
#[derive(Clone, Debug)]
struct Edge {
    thread: String,
    from_entered: usize,
    to_entered: usize,
}

/// # Invariants
///
/// `before` has the edges of `after` the other way round, and no empty set.
#[derive(Default)]
struct Graph {
    after: FxHashMap<usize, FxHashMap<usize, Edge>>,
    before: FxHashMap<usize, FxHashSet<usize>>,
}

static GRAPH: Mutex<Option<Graph>> = Mutex::new(None);

/// Changes when an edge is removed, so that what threads remember of the graph
/// becomes worthless.
static REMOVALS: AtomicU64 = AtomicU64::new(1);

const REMEMBERED: usize = 256;

thread_local! {
    /// Edges that this thread knows to be in the graph. Only a cache: any
    /// scheduler may share it between tasks.
    static SEEN: [AtomicU64; REMEMBERED] = const { [const { AtomicU64::new(0) }; REMEMBERED] };
}

fn graph() -> MutexGuard<'static, Option<Graph>> {
    GRAPH.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(from: usize, to: usize) -> u64 {
    let removals = REMOVALS.load(Relaxed);
    let mix = (from as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (to as u64).rotate_left(32);
    (mix ^ removals.wrapping_mul(0xd6e8_feb8_6659_fd93)).wrapping_mul(0xff51_afd7_ed55_8ccd) | 1
}

/// Records that `thread`, holding what it holds, is about to enter `to`.
#[inline]
pub(crate) fn check(thread: &Thread, to: usize, caller: usize) {
    for held in thread.held.iter() {
        let key = key(held.addr, to);
        let slot = (key >> 32) as usize % REMEMBERED;
        if SEEN.with(|seen| seen[slot].load(Relaxed)) != key {
            let edge = Edge {
                thread: thread.name().to_owned(),
                from_entered: held.caller,
                to_entered: caller,
            };
            tsan::aside(|| add(held.addr, to, edge));
            SEEN.with(|seen| seen[slot].store(key, Relaxed));
        }
    }
}

fn add(from: usize, to: usize, edge: Edge) {
    let mut guard = graph();
    let graph = guard.get_or_insert_default();
    if graph.after.get(&from).is_some_and(|m| m.contains_key(&to)) {
        return;
    }
    let Some(path) = graph.path(to, from) else {
        graph.after.entry(from).or_default().insert(to, edge);
        graph.before.entry(to).or_default().insert(from);
        return;
    };
    drop(guard);
    let mut text = format!("entering {} would close a cycle", describe_mutex(to));
    text.push_str(&line("now", from, to, &edge));
    for (from, to, edge) in path {
        text.push_str(&line("before", from, to, &edge));
    }
    kernel_panic("lock-order", &text);
}

fn line(when: &str, from: usize, to: usize, edge: &Edge) -> String {
    format!(
        "\n  {when}: thread {} held {} since {}\n    and entered {} at {}",
        edge.thread,
        describe_mutex(from),
        symbol(edge.from_entered),
        describe_mutex(to),
        symbol(edge.to_entered)
    )
}

impl Graph {
    /// The edges of a way from one mutex to another.
    fn path(&self, from: usize, to: usize) -> Option<Vec<(usize, usize, Edge)>> {
        let mut came: FxHashMap<usize, usize> = FxHashMap::default();
        let mut todo = vec![from];
        while let Some(at) = todo.pop() {
            if at == to {
                let mut path = Vec::new();
                let mut at = to;
                while at != from {
                    let before = came[&at];
                    path.push((before, at, self.after[&before][&at].clone()));
                    at = before;
                }
                path.reverse();
                return Some(path);
            }
            for &next in self.after.get(&at).into_iter().flat_map(FxHashMap::keys) {
                if next != from && !came.contains_key(&next) {
                    came.insert(next, at);
                    todo.push(next);
                }
            }
        }
        None
    }

    /// Removes a mutex with its edges; false if it had none. What it costs depends on them alone,
    /// since memory with hundreds of thousands of mutexes is freed at a time.
    fn remove(&mut self, addr: usize) -> bool {
        let after = self.after.remove(&addr);
        for to in after.iter().flat_map(FxHashMap::keys) {
            if let Some(before) = self.before.get_mut(to) {
                before.remove(&addr);
                if before.is_empty() {
                    self.before.remove(to);
                }
            }
        }
        let before = self.before.remove(&addr);
        for from in before.iter().flatten() {
            if let Some(after) = self.after.get_mut(from) {
                after.remove(&addr);
            }
        }
        after.is_some() || before.is_some()
    }
}

/// Takes a mutex off the graph.
pub(crate) fn remove(addr: usize) {
    let removed = tsan::aside(|| graph().as_mut().is_some_and(|graph| graph.remove(addr)));
    if removed {
        REMOVALS.fetch_add(1, Relaxed);
    }
}
