//! Event slots: every event of a port, fired or not, holds one of `port_max_events`.

use std::ffi::c_int;

use bindings::*;

use super::port_control;

/// The port open as descriptor `fd` in the calling process, held until `releasef(fd)`.
///
/// # Errors
/// EBADF (not open), EBADFD (not a port).
///
/// # Safety
/// The caller is a kernel thread of a process; on success it calls releasef.
pub(super) unsafe fn port_of(fd: c_int) -> Result<*mut port_t, c_int> {
    // SAFETY: getf's reference keeps file and vnode alive; a VPORT's v_data is its port_t.
    unsafe {
        let fp = getf(fd);
        if fp.is_null() {
            return Err(EBADF);
        }
        let vp = (*fp).f_vnode;
        if (*vp).v_type != VPORT {
            releasef(fd);
            return Err(EBADFD);
        }
        Ok((*vp).v_data.cast())
    }
}

/// Fills a fresh slot.
///
/// # Safety
/// `pkevp` is memory of the event cache, `pp` a live port of which a slot was taken.
unsafe fn fill(pkevp: *mut port_kevent_t, pp: *mut port_t, source: c_int, flags: c_int) {
    // SAFETY: the memory is ours alone (function's contract); curproc is the caller's process.
    unsafe {
        bzero(pkevp.cast(), size_of::<port_kevent_t>());
        mutex_init(
            &raw mut (*pkevp).portkev_lock,
            std::ptr::null_mut(),
            MUTEX_DEFAULT,
            std::ptr::null_mut(),
        );
        (*pkevp).portkev_flags = flags;
        (*pkevp).portkev_port = pp;
        (*pkevp).portkev_source = source;
        (*pkevp).portkev_pid = crate::curthread::curpid();
    }
}

/// Takes a slot if one is free.
///
/// # Safety
/// `pp` is a live port; the caller holds no lock of it.
unsafe fn take_slot(pp: *mut port_t) -> bool {
    // SAFETY: port live (function's contract); counted under portq_mutex.
    unsafe {
        let mutex = &raw mut (*pp).port_queue.portq_mutex;
        mutex_enter(mutex);
        let free = (*pp).port_curr < (*pp).port_max_events;
        if free {
            (*pp).port_curr += 1;
        }
        mutex_exit(mutex);
        free
    }
}

/// Reserves a slot of the port open as descriptor `port`.
/// Answers 0, EBADF, EBADFD, ENOMEM or EAGAIN (no slot free).
///
/// # Safety
/// Called by a kernel thread of a process; `pkevpp` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_alloc_event(
    port: c_int,
    flags: c_int,
    source: c_int,
    pkevpp: *mut *mut port_kevent_t,
) -> c_int {
    // SAFETY: `port_of` holds the port until releasef.
    unsafe {
        match port_of(port) {
            Err(errno) => errno,
            Ok(pp) => {
                let error = port_alloc_event_local(pp, source, flags, pkevpp);
                releasef(port);
                error
            }
        }
    }
}

/// As `port_alloc_event` for a port the caller already has. Answers 0, ENOMEM or EAGAIN.
///
/// # Safety
/// `pp` is live and stays so; `pkevpp` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_alloc_event_local(
    pp: *mut port_t,
    source: c_int,
    flags: c_int,
    pkevpp: *mut *mut port_kevent_t,
) -> c_int {
    // SAFETY: memory from the event cache is ours until it is handed out; the port is live.
    unsafe {
        let cache = port_control.pc_cache;
        let pkevp: *mut port_kevent_t = kmem_cache_alloc(cache, KM_NOSLEEP).cast();
        if pkevp.is_null() {
            return ENOMEM;
        }
        if !take_slot(pp) {
            kmem_cache_free(cache, pkevp.cast());
            return EAGAIN;
        }
        fill(pkevp, pp, source, flags);
        *pkevpp = pkevp;
        0
    }
}

/// As `port_alloc_event_local`, but waits for memory and for a slot. Answers 0 or EINTR.
///
/// # Safety
/// As for [`port_alloc_event_local`]; the caller may sleep.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_alloc_event_block(
    pp: *mut port_t,
    source: c_int,
    flags: c_int,
    pkevpp: *mut *mut port_kevent_t,
) -> c_int {
    // SAFETY: as in `port_alloc_event_local`.
    unsafe {
        let cache = port_control.pc_cache;
        let pkevp: *mut port_kevent_t = kmem_cache_alloc(cache, KM_SLEEP).cast();
        let mutex = &raw mut (*pp).port_queue.portq_mutex;
        mutex_enter(mutex);
        while (*pp).port_curr >= (*pp).port_max_events {
            if cv_wait_sig(&raw mut (*pp).port_cv, mutex) == 0 {
                mutex_exit(mutex);
                kmem_cache_free(cache, pkevp.cast());
                return EINTR;
            }
        }
        (*pp).port_curr += 1;
        mutex_exit(mutex);
        fill(pkevp, pp, source, flags);
        *pkevpp = pkevp;
        0
    }
}

/// A second slot like `pkevp`, owned by the same process. Answers 0, ENOMEM or EAGAIN.
///
/// # Safety
/// `pkevp` is a slot the caller owns; `pkevdupp` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_dup_event(
    pkevp: *mut port_kevent_t,
    pkevdupp: *mut *mut port_kevent_t,
    flags: c_int,
) -> c_int {
    // SAFETY: the original slot keeps the port alive.
    unsafe {
        let error = port_alloc_event_local(
            (*pkevp).portkev_port,
            (*pkevp).portkev_source,
            flags,
            pkevdupp,
        );
        if error == 0 {
            (**pkevdupp).portkev_pid = (*pkevp).portkev_pid;
        }
        error
    }
}
