//! Projects and tasks: what processes are counted together by.
//!
//! Mirrors project.c and task.c. A project is made when its number is first used and lives as long
//! as the kernel; each process has a task of its own.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use bindings::*;

use crate::rctl;

/// Structures by project number.
///
/// # Invariants
/// The addresses are those of leaked, never freed structures.
static PROJECTS: Mutex<BTreeMap<projid_t, usize>> = Mutex::new(BTreeMap::new());

/// The project numbered `projid`.
pub fn project(projid: projid_t) -> *mut kproject_t {
    let mut projects = PROJECTS.lock().unwrap_or_else(PoisonError::into_inner);
    let addr = *projects.entry(projid).or_insert_with(|| {
        // SAFETY: all-zero bytes are a valid kproject_t (bindings' invariant).
        let mut project: Box<kproject_t> = Box::new(unsafe { std::mem::zeroed() });
        project.kpj_id = projid;
        project.kpj_count = 1;
        project.kpj_rctls = rctl::create_set(RCENTITY_PROJECT);
        ptr::from_mut(Box::leak(project)) as usize
    });
    addr as *mut kproject_t
}

/// A task of project `projid` for one process; never freed.
pub(crate) fn task(projid: projid_t) -> *mut task_t {
    // SAFETY: all-zero bytes are a valid task_t.
    let mut task: Box<task_t> = Box::new(unsafe { std::mem::zeroed() });
    task.tk_tkid = projid;
    task.tk_proj = project(projid);
    task.tk_hold_count = 1;
    ptr::from_mut(Box::leak(task))
}
