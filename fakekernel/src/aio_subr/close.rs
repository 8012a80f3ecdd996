//! What a port calls when a process closes it.

use std::ffi::{c_int, c_void};
use std::ptr;

use bindings::{
    AIO_CLOSE_PORT, aio_req_t, cv_wait, mutex_enter, mutex_exit, pid_t, port_free_event,
};

use super::queue::walk;
use super::{aio_req_free_port, aio_req_remove_portq, aphysio_unlock};
use crate::curthread::curproc;

/// Close callback of PORT_SOURCE_AIO: waits for the calling process's requests that were submitted
/// with this port's descriptor number, and discards them and their events.
///
/// As in the kernel it goes by the number, not by the port, and when nothing is pending it leaves
/// completed requests and their events alone (D13). A close with exactly one request pending never
/// ends. `arg` is NULL: the process is the caller's.
///
/// # Safety
/// Called by a thread of a process that may sleep.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aio_close_port(
    _arg: *mut c_void,
    port: c_int,
    _pid: pid_t,
    _lastclose: c_int,
) {
    // SAFETY: the aio_t of the calling process lives until its last thread exits; the queues are
    // touched under their locks, and a request taken off aio_portq is this thread's alone.
    unsafe {
        let aiop = (*curproc()).p_aio;
        if aiop.is_null() {
            return;
        }
        let portq_mutex = &raw mut (*aiop).aio_portq_mutex;
        let aio_mutex = &raw mut (*aiop).aio_mutex;
        mutex_enter(portq_mutex);
        mutex_enter(aio_mutex);
        let mut counter = 0;
        for reqp in walk((*aiop).aio_portpending) {
            if !(*reqp).aio_req_portkev.is_null() && (*reqp).aio_req_port == port {
                (*reqp).aio_req_flags |= AIO_CLOSE_PORT;
                counter += 1;
            }
        }
        if counter == 0 {
            mutex_exit(aio_mutex);
            mutex_exit(portq_mutex);
            return;
        }
        (*aiop).aio_portpendcnt += counter;
        mutex_exit(aio_mutex);
        while (*aiop).aio_portpendcnt != 0 {
            cv_wait(&raw mut (*aiop).aio_portcv, portq_mutex);
        }
        // The walk starts over when it meets the head, which changes when the head is taken off:
        // of several requests all but the first may stay, and after the only one it waits for a
        // queue that nobody fills any more. The kernel does the same.
        let mut discarded: *mut aio_req_t = ptr::null_mut();
        let mut reqp = (*aiop).aio_portq;
        while !reqp.is_null() {
            let next = (*reqp).aio_req_next;
            if (*reqp).aio_req_port == port {
                aio_req_remove_portq(aiop, reqp);
                port_free_event((*reqp).aio_req_portkev);
                (*reqp).aio_req_next = discarded;
                discarded = reqp;
            }
            reqp = next;
            if reqp == (*aiop).aio_portq {
                break;
            }
        }
        mutex_exit(portq_mutex);
        while !discarded.is_null() {
            let reqp = discarded;
            discarded = (*reqp).aio_req_next;
            (*reqp).aio_req_next = ptr::null_mut();
            aphysio_unlock(reqp);
            mutex_enter(aio_mutex);
            aio_req_free_port(aiop, reqp);
            mutex_exit(aio_mutex);
        }
    }
}
