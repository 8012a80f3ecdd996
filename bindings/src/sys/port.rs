//! Event ports as programs see them: `sys/port.h`.

use core::ffi::{c_char, c_int, c_void};

use super::flat::*;

layouts! {
    "sys/port.h":

    /// An event as a 64-bit process sees it.
    struct port_event_t: 24, 8 {
        /// what happened (source's own bits, or the user's value)
        0 pub portev_events: c_int,
        /// `PORT_SOURCE_*`
        4 pub portev_source: ushort_t,
        /// always 0
        6 pub portev_pad: ushort_t,
        /// what it happened to
        8 pub portev_object: uintptr_t,
        /// the user's cookie
        16 pub portev_user: *mut c_void,
    }

    /// An event as a 32-bit process sees it.
    struct port_event32_t: 16, 4 {
        /// what happened (source's own bits, or the user's value)
        0 pub portev_events: c_int,
        /// `PORT_SOURCE_*`
        4 pub portev_source: ushort_t,
        /// always 0
        6 pub portev_pad: ushort_t,
        /// what it happened to
        8 pub portev_object: caddr32_t,
        /// the user's cookie
        12 pub portev_user: caddr32_t,
    }

    /// Where an aio, timer or message queue event of a 64-bit process goes.
    struct port_notify_t: 16, 8 {
        /// the port's descriptor
        0 pub portnfy_port: c_int,
        /// the user's cookie
        8 pub portnfy_user: *mut c_void,
    }

    /// Where an aio, timer or message queue event of a 32-bit process goes.
    struct port_notify32_t: 8, 4 {
        /// the port's descriptor
        0 pub portnfy_port: c_int,
        /// the user's cookie
        4 pub portnfy_user: caddr32_t,
    }

    /// What a 64-bit process associates with `PORT_SOURCE_FILE`.
    struct file_obj_t: 80, 8 {
        /// access time known to the caller
        0 pub fo_atime: timestruc_t,
        /// modification time known to the caller
        16 pub fo_mtime: timestruc_t,
        /// change time known to the caller
        32 pub fo_ctime: timestruc_t,
        /// unused
        48 pub fo_pad: [uintptr_t; 3],
        /// the path
        72 pub fo_name: *mut c_char,
    }

    /// What a 32-bit process associates with `PORT_SOURCE_FILE`.
    struct file_obj32_t: 40, 4 {
        /// access time known to the caller
        0 pub fo_atime: timestruc32_t,
        /// modification time known to the caller
        8 pub fo_mtime: timestruc32_t,
        /// change time known to the caller
        16 pub fo_ctime: timestruc32_t,
        /// unused
        24 pub fo_pad: [caddr32_t; 3],
        /// the path
        36 pub fo_name: caddr32_t,
    }
}

constants! {
    "sys/port.h":

    /// asynchronous I/O
    PORT_SOURCE_AIO: c_int = 1;
    /// timers
    PORT_SOURCE_TIMER: c_int = 2;
    /// port_send
    PORT_SOURCE_USER: c_int = 3;
    /// descriptors
    PORT_SOURCE_FD: c_int = 4;
    /// the alert
    PORT_SOURCE_ALERT: c_int = 5;
    /// message queues (libc's port_dispatch)
    PORT_SOURCE_MQ: c_int = 6;
    /// files
    PORT_SOURCE_FILE: c_int = 7;
    /// set the alert; EBUSY when there is one
    PORT_ALERT_SET: c_int = 1;
    /// set or replace the alert
    PORT_ALERT_UPDATE: c_int = 2;
    /// both flags: not allowed
    PORT_ALERT_INVALID: c_int = 3;
    /// the file was read
    FILE_ACCESS: c_int = 1;
    /// the file was written
    FILE_MODIFIED: c_int = 2;
    /// the attributes changed
    FILE_ATTRIB: c_int = 4;
    /// the file was truncated
    FILE_TRUNC: c_int = 0x100000;
    /// do not follow a symbolic link
    FILE_NOFOLLOW: c_int = 0x10000000;
    /// the file was removed
    FILE_DELETE: c_int = 0x10;
    /// something was renamed onto the file
    FILE_RENAME_TO: c_int = 0x20;
    /// the file was renamed
    FILE_RENAME_FROM: c_int = 0x40;
    /// its file system was unmounted
    UNMOUNTED: c_int = 0x20000000;
    /// something was mounted on it
    MOUNTEDOVER: c_int = 0x40000000;
    /// events that come without being asked for
    FILE_EXCEPTION: c_int = 0x60000070;
}
