//! The end of PORT_SOURCE_FD associations: a closed descriptor, a dissociation, a closing port.
//!
//! Lock order: pc_lock of the port's cache, then the pollhead's lock, then portq_mutex.
//! Stricter than the kernel, with rule `port-fdcache`: the caller holds the cache's lock, an
//! association is in the cache it is taken out of, and a process ends its own associations only.

use std::ffi::c_int;

use bindings::*;

use crate::panic::kernel_panic;

/// Panics if the calling thread does not hold the lock of `pcp`.
///
/// # Safety
/// `pcp` is a live cache.
unsafe fn assert_locked(pcp: *mut port_fdcache_t, what: &str) {
    // SAFETY: alive (contract).
    if unsafe { mutex_owned(&raw const (*pcp).pc_lock) } == 0 {
        kernel_panic(
            "port-fdcache",
            &format!("{what}: pc_lock of the port's cache is not held"),
        );
    }
}

/// Takes `pfd` out of the cache and frees it. The last one wakes whoever closes the port.
///
/// # Safety
/// The caller holds pc_lock; `pfd` is on no pollhead and on no descriptor's list, and nobody uses
/// it afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_pcache_remove_fd(pcp: *mut port_fdcache_t, pfd: *mut portfd_t) {
    // SAFETY: the cache is locked (contract), so its chains and their members are alive. A
    // portfd_t begins with its polldat_t, which is how the chains link it.
    unsafe {
        assert_locked(pcp, "port_pcache_remove_fd");
        let bucket = (*pfd).pfd_pd.pd_fd % (*pcp).pc_hashsize;
        let mut link: *mut *mut polldat_t = (*pcp).pc_hash.add(bucket as usize).cast();
        while !(*link).is_null() && *link != pfd.cast() {
            link = &raw mut (**link).pd_hashnext;
        }
        if (*link).is_null() {
            kernel_panic(
                "port-fdcache",
                "port_pcache_remove_fd: the association is not in the cache",
            );
        }
        *link = (*pfd).pfd_pd.pd_hashnext;
        (*pcp).pc_fdcount -= 1;
        if (*pcp).pc_fdcount == 0 {
            cv_signal(&raw mut (*pcp).pc_lclosecv);
        }
        kmem_free(pfd.cast(), size_of::<portfd_t>());
    }
}

/// Ends an association: its poll entry, its event (queued or not), its place in the cache.
/// Answers 1 if the event was queued and not yet retrieved.
///
/// # Safety
/// The caller holds pc_lock of `pcp`, the cache of the live port `pp`; `pfd` is one of its
/// associations, on no descriptor's list any more, and nobody uses it afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_remove_fd_object(
    pfd: *mut portfd_t,
    pp: *mut port_t,
    pcp: *mut port_fdcache_t,
) -> c_int {
    // SAFETY: alive and locked (contract); once off its pollhead no wakeup reaches the event, and
    // the queue is looked at under portq_mutex with retrievers blocked out.
    unsafe {
        assert_locked(pcp, "port_remove_fd_object");
        polldat_disassociate(&raw mut (*pfd).pfd_pd);
        let pkevp = (*pfd).pfd_pd.pd_portev;
        let portq = &raw mut (*pp).port_queue;
        mutex_enter(&raw mut (*portq).portq_mutex);
        port_block(portq);
        let queued = (*pkevp).portkev_flags & PORT_KEV_DONEQ != 0;
        if queued {
            if (*portq).portq_getn != 0 && (*portq).portq_tnent != 0 {
                port_push_eventq(portq);
            }
            list_remove(&raw mut (*portq).portq_list, pkevp.cast());
            (*portq).portq_nent -= 1;
            super::leave_doneq(pkevp);
        }
        port_unblock(portq);
        mutex_exit(&raw mut (*portq).portq_mutex);
        if let Some(callback) = (*pkevp).portkev_callback {
            let mut events = 0;
            callback(
                (*pkevp).portkev_arg,
                &raw mut events,
                (*pkevp).portkev_pid,
                PORT_CALLBACK_DISSOCIATE,
                pkevp.cast(),
            );
        }
        port_free_event_local(pkevp, 0);
        port_pcache_remove_fd(pcp, pfd);
        c_int::from(queued)
    }
}

/// Ends an association because its descriptor is closed.
///
/// # Safety
/// `pfd` was taken off the list of a descriptor of the calling process, which has no file any
/// more. The port cannot go away before: its last close waits for the cache to be empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_close_pfd(pfd: *mut portfd_t) {
    // SAFETY: the association keeps its port and cache (contract).
    unsafe {
        let pkevp = (*pfd).pfd_pd.pd_portev;
        if (*pkevp).portkev_pid != crate::curthread::curpid() {
            let (owner, me) = ((*pkevp).portkev_pid, crate::curthread::curpid());
            kernel_panic(
                "port-fdcache",
                &format!("port_close_pfd: process {me} closes an association of process {owner}"),
            );
        }
        let pp = (*pkevp).portkev_port;
        let pcp = (*pp).port_queue.portq_pcp;
        mutex_enter(&raw mut (*pcp).pc_lock);
        port_remove_fd_object(pfd, pp, pcp);
        mutex_exit(&raw mut (*pcp).pc_lock);
    }
}
