//! Asynchronous I/O, as for a process that never asked for any.
//!
//! Mirrors the one function of aio_subr.c that every port calls: the close callback of
//! PORT_SOURCE_AIO. Processes here have no kernel aio (`p_aio` is NULL), so there is nothing to
//! drain.

use std::ffi::{c_int, c_void};

use bindings::pid_t;

/// Close callback of PORT_SOURCE_AIO: returns at once for a process without kernel aio.
#[unsafe(no_mangle)]
pub extern "C" fn aio_close_port(_arg: *mut c_void, _port: c_int, _pid: pid_t, _last: c_int) {
    // SAFETY: the calling thread's process is alive.
    let aio = unsafe { (*crate::curthread::curproc()).p_aio };
    if !aio.is_null() {
        crate::panic::kernel_panic("aio", "a process with kernel aio: not part of this kernel");
    }
}
