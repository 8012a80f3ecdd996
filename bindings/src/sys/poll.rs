//! poll(2): `sys/poll.h`.

use core::ffi::{c_int, c_short, c_void};

use super::flat::*;

layouts! {
    "sys/poll.h":

    /// One entry of poll(2).
    struct pollfd_t: 8, 4 {
        /// descriptor; negative is skipped
        0 pub fd: c_int,
        /// what to wait for
        4 pub events: c_short,
        /// what happened
        6 pub revents: c_short,
    }

    /// The pollers of one file; a driver owns it.
    struct pollhead_t: 24, 8 {
        /// first poller
        0 pub ph_list: *mut polldat_t,
        /// unused
        8 pub ph_pad1: *mut c_void,
        /// unused
        16 pub ph_pad2: c_short,
    }
}

constants! {
    "sys/poll.h":

    POLLIN: c_int = 1;
    POLLPRI: c_int = 2;
    POLLOUT: c_int = 4;
    POLLRDNORM: c_int = 0x40;
    POLLWRNORM: c_int = 4;
    POLLRDBAND: c_int = 0x80;
    POLLWRBAND: c_int = 0x100;
    POLLRDHUP: c_int = 0x4000;
    POLLNORM: c_int = 0x40;
    POLLERR: c_int = 8;
    POLLHUP: c_int = 0x10;
    POLLNVAL: c_int = 0x20;
    POLLREMOVE: c_int = 0x800;
    POLLONESHOT: c_int = 0x1000;
    POLLET: c_int = 0x2000;
    POLLRDDATA: c_int = 0x200;
    POLLNOERR: c_int = 0x400;
    POLLCLOSED: c_int = 0x8000;
}

functions! {
    "sys/poll.h":

    /// Tells pollers and ports that these events happened.
    fn pollwakeup(php: *mut pollhead_t, events: c_short);
    /// Drops the poller's lock inside VOP_POLL; -1 when that is not possible.
    fn pollunlock(lockstate: *mut c_int) -> c_int;
    /// Ends `pollunlock`.
    fn pollrelock(lockstate: c_int);
    /// Takes a file's lock inside VOP_POLL; -1 when that is not possible.
    fn polllock(php: *mut pollhead_t, lp: *mut kmutex_t) -> c_int;
}
