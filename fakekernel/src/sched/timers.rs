//! The deadlines of blocked tasks on a virtual clock, earliest first.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::{Hrtime, TaskId};
use crate::tsan;

#[derive(Default)]
struct Inner {
    deadlines: BTreeSet<(Hrtime, TaskId)>,
    settlers: VecDeque<TaskId>,
}

/// Who waits for time, and who waits for everybody else.
#[derive(Default)]
pub(super) struct Timers(Mutex<Inner>);

impl Timers {
    fn with<R>(&self, f: impl FnOnce(&mut Inner) -> R) -> R {
        tsan::aside(|| f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    pub(super) fn arm(&self, when: Hrtime, task: TaskId) {
        self.with(|t| t.deadlines.insert((when, task)));
    }

    pub(super) fn disarm(&self, when: Hrtime, task: TaskId) {
        self.with(|t| t.deadlines.remove(&(when, task)));
    }

    pub(super) fn settle(&self, task: TaskId) {
        self.with(|t| t.settlers.push_back(task));
    }

    pub(super) fn leave(&self, task: TaskId) {
        self.with(|t| t.settlers.retain(|&id| id != task));
    }

    /// The task that has waited longest for the others to settle.
    pub(super) fn pop_settler(&self) -> Option<TaskId> {
        self.with(|t| t.settlers.pop_front())
    }

    /// The earliest deadline and every task that has it.
    pub(super) fn pop_earliest(&self) -> Option<(Hrtime, Vec<TaskId>)> {
        self.with(|t| {
            let when = t.deadlines.first()?.0;
            let mut tasks = Vec::new();
            while let Some(&(at, task)) = t.deadlines.first() {
                if at != when {
                    break;
                }
                t.deadlines.pop_first();
                tasks.push(task);
            }
            Some((when, tasks))
        })
    }
}
