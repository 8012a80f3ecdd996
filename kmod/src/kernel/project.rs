//! Ports counted per project, against `project.max-port-ids` (S13, D24).
//!
//! Each project that has ports has one [`ProjectPorts`] entry; all entries,
//! and the number of ports of the system, are protected by genunix's
//! `port_control.pc_mutex`. Lock order: `pc_mutex`, then `p_lock`.

use core::ptr::{self, NonNull};

use super::errno::{Errno, Result};
use super::kmem::KBox;
use super::mutex::{Held, Mutex};
use super::{kstat, proc};

/// The ports of one project.
///
/// # Invariants
///
/// On the list from `PROJECTS` exactly while `ports` is above 0.
pub(super) struct ProjectPorts {
    id: bindings::projid_t,
    zone: bindings::zoneid_t,
    ports: u32,
    next: *mut ProjectPorts,
}

/// The head of the list; protected by `pc_mutex`.
static mut PROJECTS: *mut ProjectPorts = ptr::null_mut();

/// One port, counted.
///
/// # Invariants
///
/// Refers to a listed entry whose count includes this port.
#[must_use = "dropping the slot uncounts the port"]
pub struct ProjectSlot(NonNull<ProjectPorts>);

fn pc_lock() -> Held<'static> {
    // SAFETY: pc_mutex is genunix's; init() of this module initialised it.
    let mutex: &'static Mutex =
        unsafe { Mutex::from_raw(&raw mut bindings::port_control.pc_mutex) };
    mutex.enter()
}

impl ProjectSlot {
    /// Counts a new port of the caller's project, and finds the number of
    /// events its ports may hold (`process.max-port-events`, S14).
    ///
    /// # Errors
    ///
    /// `EAGAIN` when the project is at `project.max-port-ids`.
    pub fn charge() -> Result<(Self, u32)> {
        // Allocated before the locks; freed after them if not needed.
        // SAFETY: plain data, all zeroes is valid.
        let spare = unsafe { KBox::<ProjectPorts>::zeroed() };
        let project = proc::project();
        let p = proc::curproc();
        let pc_held = pc_lock();
        let p_held = proc::lock_curproc();
        // SAFETY: the project is held by the current thread, the list is
        // protected by pc_mutex, the resource controls by p_lock.
        let outcome = unsafe {
            let (id, zone) = ((*project).kpj_id, (*project).kpj_zoneid);
            let entry = find(id, zone);
            let ports = entry.map_or(0, |entry| (*entry.as_ptr()).ports);
            let verdict = bindings::rctl_test(
                bindings::rc_project_portids,
                (*project).kpj_rctls,
                p,
                bindings::rctl_qty_t::from(ports) + 1,
                bindings::RCA_SAFE as _,
            );
            if verdict & bindings::RCT_DENY != 0 {
                Err(Errno::EAGAIN)
            } else {
                let events =
                    bindings::rctl_enforced_value(bindings::rc_process_portev, (*p).p_rctls, p);
                Ok((id, zone, entry, u32::try_from(events).unwrap_or(u32::MAX)))
            }
        };
        drop(p_held);
        let (id, zone, entry, max_events) = outcome?;
        let (entry, spare) = match entry {
            Some(entry) => (entry, Some(spare)),
            None => (insert(spare, id, zone), None),
        };
        // SAFETY: a listed entry, under pc_mutex.
        unsafe { (*entry.as_ptr()).ports += 1 }
        count_port(1);
        drop(pc_held);
        drop(spare);
        Ok((Self(entry), max_events))
    }

    pub(super) fn into_raw(self) -> NonNull<ProjectPorts> {
        let raw = self.0;
        core::mem::forget(self);
        raw
    }

    /// Takes back what [`into_raw`](Self::into_raw) gave away.
    ///
    /// # Safety
    ///
    /// `raw` came from `into_raw` and is not used again.
    pub(super) unsafe fn from_raw(raw: NonNull<ProjectPorts>) -> Self {
        Self(raw)
    }
}

impl Drop for ProjectSlot {
    fn drop(&mut self) {
        let held = pc_lock();
        count_port(-1);
        let entry = self.0.as_ptr();
        // SAFETY: a listed entry, under pc_mutex.
        let unused = unsafe {
            (*entry).ports -= 1;
            ((*entry).ports == 0).then(|| remove(self.0))
        };
        drop(held);
        drop(unused);
    }
}

/// Adjusts the system's number of ports: `pc_nents`, the creator's or closer's
/// `p_portcnt` (cosmetic, as C keeps it) and the kstat (S15). Under `pc_mutex`.
fn count_port(delta: i32) {
    // SAFETY: all three are protected by pc_mutex, which every caller holds.
    unsafe {
        let nents = &raw mut bindings::port_control.pc_nents;
        *nents = (*nents).wrapping_add_signed(delta);
        let portcnt = &raw mut (*proc::curproc()).p_portcnt;
        *portcnt = (*portcnt).wrapping_add_signed(delta as isize);
        kstat::set_ports(*nents);
    }
}

/// The entry of a project. Under `pc_mutex`.
///
/// # Safety
///
/// `pc_mutex` is held.
unsafe fn find(id: bindings::projid_t, zone: bindings::zoneid_t) -> Option<NonNull<ProjectPorts>> {
    // SAFETY: listed entries are live under pc_mutex.
    unsafe {
        let mut at = PROJECTS;
        while let Some(entry) = NonNull::new(at) {
            if (*at).id == id && (*at).zone == zone {
                return Some(entry);
            }
            at = (*at).next;
        }
    }
    None
}

fn insert(
    spare: KBox<ProjectPorts>,
    id: bindings::projid_t,
    zone: bindings::zoneid_t,
) -> NonNull<ProjectPorts> {
    let entry = spare.into_raw();
    // SAFETY: charge() holds pc_mutex; the entry is new.
    unsafe {
        entry.write(ProjectPorts {
            id,
            zone,
            ports: 0,
            next: PROJECTS,
        });
        PROJECTS = entry.as_ptr();
    }
    entry
}

/// Unlists an entry; the caller frees it after unlocking.
///
/// # Safety
///
/// `pc_mutex` is held and the entry is listed.
unsafe fn remove(entry: NonNull<ProjectPorts>) -> KBox<ProjectPorts> {
    // SAFETY: listed entries are live under pc_mutex.
    unsafe {
        let mut link = &raw mut PROJECTS;
        while !(*link).is_null() && *link != entry.as_ptr() {
            link = &raw mut (**link).next;
        }
        if !(*link).is_null() {
            *link = (*entry.as_ptr()).next;
        }
        KBox::from_raw(entry)
    }
}
