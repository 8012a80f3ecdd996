//! Resource controls: the two that event ports ask for.
//!
//! Mirrors rctl.c for process.max-port-events and project.max-port-ids: each has one denying value
//! per entity, and `rctl_test` compares the increment with it (both controls are of the kind that
//! is told the total). Values live beside the sets.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use bindings::*;

use crate::fault::{self, Fault};
use crate::panic::kernel_panic;

/// Number of process.max-port-events.
#[unsafe(no_mangle)]
pub static mut rc_process_portev: rctl_hndl_t = PORT_EVENTS;
/// Number of project.max-port-ids.
#[unsafe(no_mangle)]
pub static mut rc_project_portids: rctl_hndl_t = PORT_IDS;

/// Handle of process.max-port-events.
pub const PORT_EVENTS: rctl_hndl_t = 11;
/// Handle of project.max-port-ids.
pub const PORT_IDS: rctl_hndl_t = 12;

/// Value by (address of the set, handle).
static VALUES: Mutex<BTreeMap<(usize, rctl_hndl_t), rctl_qty_t>> = Mutex::new(BTreeMap::new());

fn default_value(hndl: rctl_hndl_t) -> rctl_qty_t {
    match hndl {
        PORT_EVENTS => PORT_DEFAULT_EVENTS as rctl_qty_t,
        PORT_IDS => PORT_DEFAULT_PORTS as rctl_qty_t,
        _ => kernel_panic("rctl", &format!("unknown resource control {hndl}")),
    }
}

/// An empty set, everything at its default; never freed.
pub(crate) fn create_set(entity: rctl_entity_t) -> *mut rctl_set_t {
    // SAFETY: all-zero bytes are a valid rctl_set_t.
    let mut set: Box<rctl_set_t> = Box::new(unsafe { std::mem::zeroed() });
    set.rcs_entity = entity;
    let set = ptr::from_mut(Box::leak(set));
    // SAFETY: the set is ours until it is returned.
    unsafe {
        mutex_init(
            &raw mut (*set).rcs_lock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        )
    };
    set
}

/// A set with the values of another one: a fork's child.
pub(crate) fn dup_set(set: *mut rctl_set_t) -> *mut rctl_set_t {
    // SAFETY: sets live for ever, and their kind does not change.
    let copy = create_set(unsafe { (*set).rcs_entity });
    for hndl in [PORT_EVENTS, PORT_IDS] {
        set_value(copy, hndl, value(set, hndl));
    }
    copy
}

/// The denying value of a control.
pub fn value(set: *mut rctl_set_t, hndl: rctl_hndl_t) -> rctl_qty_t {
    let values = VALUES.lock().unwrap_or_else(PoisonError::into_inner);
    values
        .get(&(set as usize, hndl))
        .copied()
        .unwrap_or_else(|| default_value(hndl))
}

/// Sets the denying value of a control.
pub fn set_value(set: *mut rctl_set_t, hndl: rctl_hndl_t, value: rctl_qty_t) {
    VALUES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert((set as usize, hndl), value);
}

/// Whether `inc` exceeds the control: RCT_DENY or 0. The kernel itself is never denied.
///
/// # Safety
/// `set` is a set of this kernel, `p` a process; the caller holds its p_lock (rule `rctl-lock`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rctl_test(
    hndl: rctl_hndl_t,
    set: *mut rctl_set_t,
    p: *mut proc_t,
    inc: rctl_qty_t,
    _flags: uint_t,
) -> c_int {
    // SAFETY: set and process are live (contract).
    unsafe {
        if mutex_owned(&raw const (*(*p).p_lockp).pl_lock) == 0 {
            kernel_panic("rctl-lock", "rctl_test without p_lock");
        }
        if ptr::eq(p, crate::proc::proc0().as_ptr()) {
            return 0;
        }
        mutex_enter(&raw mut (*set).rcs_lock);
        let limit = value(set, hndl);
        mutex_exit(&raw mut (*set).rcs_lock);
        if inc > limit || fault::fires(Fault::Rctl).is_some() {
            RCT_DENY
        } else {
            0
        }
    }
}

/// The denying value of a control of process `p`.
///
/// # Safety
/// `set` is a set of this kernel.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rctl_enforced_value(
    hndl: rctl_hndl_t,
    set: *mut rctl_set_t,
    _p: *mut proc_t,
) -> rctl_qty_t {
    // SAFETY: the set is live (contract).
    unsafe {
        mutex_enter(&raw mut (*set).rcs_lock);
        let limit = value(set, hndl);
        mutex_exit(&raw mut (*set).rcs_lock);
        limit
    }
}
