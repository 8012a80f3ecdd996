//! The ports that watch a descriptor (`uf_portfd`).
//!
//! Each list belongs to one descriptor of one process; the module puts its associations there
//! while it holds the descriptor by getf, and whoever closes the descriptor takes the whole list.
//! Stricter than the kernel, with rule `fd-portfd`: an association is on the list it is taken off
//! (the kernel follows its back link into another process's list, D11), it is not on a list when
//! it is added, and the descriptor is held meanwhile.

use std::ffi::c_int;
use std::ptr;

use bindings::*;

use super::table::{Entry, Locked, finfo};
use crate::curthread::curproc;
use crate::panic::kernel_panic;

/// The calling process's descriptor `fd`, locked.
fn held(fd: c_int, what: &str) -> Locked {
    // SAFETY: the table belongs to the calling thread's process and outlives it.
    let entry = unsafe { Entry::lookup(finfo(curproc()), fd) };
    let Some(entry) = entry.map(Entry::enter) else {
        kernel_panic("fd-portfd", &format!("{what}({fd}): no such descriptor"));
    };
    // SAFETY: the entry is alive and locked.
    if unsafe { (*entry.ufp).uf_refcnt } < 1 {
        kernel_panic(
            "fd-portfd",
            &format!("{what}({fd}): the descriptor is not held by getf"),
        );
    }
    entry
}

/// Adds `pfd` in front of the ports that watch `fd`.
///
/// # Safety
/// The calling thread holds `fd` by getf; `pfd` is on no list and stays alive until
/// [`delfd_port`], or until the descriptor is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn addfd_port(fd: c_int, pfd: *mut portfd_t) {
    let entry = held(fd, "addfd_port");
    // SAFETY: the list is locked; what is on it is alive (contract).
    unsafe {
        let first = (*entry.ufp).uf_portfd;
        if first == pfd || !(*pfd).pfd_next.is_null() || !(*pfd).pfd_prev.is_null() {
            kernel_panic(
                "fd-portfd",
                &format!("addfd_port({fd}): the association is on a list"),
            );
        }
        (*pfd).pfd_next = first;
        if !first.is_null() {
            (*first).pfd_prev = pfd;
        }
        (*entry.ufp).uf_portfd = pfd;
    }
}

/// Takes `pfd` off the ports that watch `fd`.
///
/// # Safety
/// The calling thread holds `fd` by getf; `pfd` is alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn delfd_port(fd: c_int, pfd: *mut portfd_t) {
    let entry = held(fd, "delfd_port");
    // SAFETY: the list is locked; what is on it is alive (contract).
    unsafe {
        let first = &raw mut (*entry.ufp).uf_portfd;
        let prev = if *first == pfd {
            ptr::null_mut()
        } else {
            (*pfd).pfd_prev
        };
        // Neighbours that do not point back belong to another list, or to none.
        let on_list = *first == pfd
            || (!prev.is_null() && (*prev).pfd_next == pfd && {
                let mut at = *first;
                while !at.is_null() && at != pfd {
                    at = (*at).pfd_next;
                }
                at == pfd
            });
        if !on_list {
            kernel_panic(
                "fd-portfd",
                &format!("delfd_port({fd}): the association is on another list or on none"),
            );
        }
        let next = (*pfd).pfd_next;
        if prev.is_null() {
            *first = next;
        } else {
            (*prev).pfd_next = next;
        }
        if !next.is_null() {
            (*next).pfd_prev = prev;
        }
        (*pfd).pfd_next = ptr::null_mut();
        (*pfd).pfd_prev = ptr::null_mut();
    }
}

/// Ends every association of a list that was taken off its descriptor.
///
/// # Safety
/// The list is the caller's; the descriptor has no file any more, so nobody adds to it, and the
/// file is not closed yet.
pub(super) unsafe fn port_close_fd(list: *mut portfd_t) {
    let mut pfd = list;
    while !pfd.is_null() {
        // SAFETY: the association is alive until it is closed, which frees it.
        unsafe {
            let next = (*pfd).pfd_next;
            port_close_pfd(pfd);
            pfd = next;
        }
    }
}
