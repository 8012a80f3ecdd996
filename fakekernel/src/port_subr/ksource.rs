//! Event sources a port knows by name, to be told of its close.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use bindings::*;

use super::alloc::port_of;

/// What a source gives to be told that a process (`last` 0) or the port (`last` 1) is done.
type Close = Option<unsafe extern "C" fn(*mut c_void, c_int, pid_t, c_int)>;
/// Unused by the framework; kept because the interface has it.
type Associate =
    Option<unsafe extern "C" fn(*mut port_kevent_t, c_int, c_int, uintptr_t, *mut c_void) -> c_int>;

/// Bucket of a source in portq_scache.
fn bucket(source: c_int) -> usize {
    source as usize & (PORT_SCACHE_SIZE as usize - 1)
}

/// Registers `source` with the port open as `port`, or counts one more use of it.
/// Answers 0, EBADF, EBADFD or ENOMEM.
///
/// A new entry goes in front of its bucket's second entry and so drops the first (D27): the
/// kernel does the same, and sources 1 to 7 never share a bucket.
///
/// # Safety
/// Called by a kernel thread of a process; `portsrc` is NULL or writable; `close` may be called
/// with `arg` until the port is gone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_associate_ksource(
    port: c_int,
    source: c_int,
    portsrc: *mut *mut port_source_t,
    close: Close,
    arg: *mut c_void,
    _associate: Associate,
) -> c_int {
    // SAFETY: `port_of` holds the port until releasef; portq_source_mutex guards the table.
    unsafe {
        let pp = match port_of(port) {
            Ok(pp) => pp,
            Err(errno) => return errno,
        };
        let portq = &raw mut (*pp).port_queue;
        let mutex = &raw mut (*portq).portq_source_mutex;
        mutex_enter(mutex);
        let head = (*portq).portq_scache.add(bucket(source));
        let mut entry = *head;
        while !entry.is_null() && (*entry).portsrc_source != source {
            entry = (*entry).portsrc_next;
        }
        if entry.is_null() {
            entry = kmem_zalloc(size_of::<port_source_t>(), KM_NOSLEEP).cast();
            if entry.is_null() {
                mutex_exit(mutex);
                releasef(port);
                return ENOMEM;
            }
            (*entry).portsrc_source = source;
            (*entry).portsrc_close = close;
            (*entry).portsrc_closearg = arg;
            (*entry).portsrc_cnt = 1;
            if !(*head).is_null() {
                (*entry).portsrc_next = (**head).portsrc_next;
            }
            *head = entry;
        } else {
            adjust(entry, 1);
        }
        mutex_exit(mutex);
        releasef(port);
        if !portsrc.is_null() {
            *portsrc = entry;
        }
        0
    }
}

/// Gives up one use of a source; the last one removes it. Answers 0, EINVAL, EBADF or EBADFD.
///
/// # Safety
/// `ps` is NULL or an entry of the port open as `port`, not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn port_dissociate_ksource(
    port: c_int,
    source: c_int,
    ps: *mut port_source_t,
) -> c_int {
    if ps.is_null() {
        return EINVAL;
    }
    // SAFETY: as in `port_associate_ksource`; the entry is one of this port (contract).
    unsafe {
        let pp = match port_of(port) {
            Ok(pp) => pp,
            Err(errno) => return errno,
        };
        let portq = &raw mut (*pp).port_queue;
        let mutex = &raw mut (*portq).portq_source_mutex;
        mutex_enter(mutex);
        let gone = adjust(ps, -1) == 0;
        if gone {
            let next = (*ps).portsrc_next;
            let prev = (*ps).portsrc_prev;
            if !next.is_null() {
                (*next).portsrc_prev = prev;
            }
            if prev.is_null() {
                *(*portq).portq_scache.add(bucket(source)) = next;
            } else {
                (*prev).portsrc_next = next;
            }
        }
        mutex_exit(mutex);
        if gone {
            kmem_free(ptr::from_mut(&mut *ps).cast(), size_of::<port_source_t>());
        }
        releasef(port);
        0
    }
}

/// Changes the count of an entry and answers it. A module may enter one and the same entry in
/// several ports and pin its count; there the ports' mutexes do not keep each other out, and like
/// the kernel's plain increment this is no read-modify-write: an update may get lost.
///
/// # Safety
/// The caller holds portq_source_mutex of a port that has the entry.
unsafe fn adjust(entry: *mut port_source_t, by: c_int) -> c_int {
    // SAFETY: the entry is alive (contract); the module uses the count as an atomic too.
    let count = unsafe { AtomicI32::from_ptr(&raw mut (*entry).portsrc_cnt) };
    let value = count.load(Relaxed).wrapping_add(by);
    count.store(value, Relaxed);
    value
}
