//! Scalar types of `sys/types.h`, `sys/types32.h` and the small headers around them.
//! The C names are kept: a field reads the same here and in the header.

use core::ffi::{c_char, c_int, c_long, c_longlong, c_short, c_uchar, c_uint, c_ulong, c_ulonglong, c_ushort, c_void};

use super::flat::*;

/// An address.
pub type caddr_t = *mut c_char;
/// A pending timeout.
pub type timeout_id_t = *mut c_void;
/// An lwp.
pub type klwp_id_t = *mut klwp_t;

scalars! {
    "sys/types.h":

    /// C `unsigned int`.
    uint_t = c_uint;
    /// C `unsigned short`.
    ushort_t = c_ushort;
    /// C `unsigned char`.
    uchar_t = c_uchar;
    /// C `unsigned long`.
    ulong_t = c_ulong;
    /// C `long long`.
    longlong_t = c_longlong;
    /// C `unsigned long long`.
    u_longlong_t = c_ulonglong;
    /// A size in bytes.
    size_t = usize;
    /// A size in bytes, or -1.
    ssize_t = isize;
    /// A pointer as a number.
    uintptr_t = usize;
    /// A pointer as a signed number.
    intptr_t = isize;
    /// A size in bytes of a 32-bit process.
    size32_t = u32;
    /// A pointer of a 32-bit process as a number.
    uintptr32_t = u32;
    /// An address of a 32-bit process.
    caddr32_t = u32;
    /// A process id.
    pid_t = c_int;
    /// An id.
    id_t = c_int;
    /// A user id.
    uid_t = c_uint;
    /// A group id.
    gid_t = c_uint;
    /// A task id.
    taskid_t = id_t;
    /// A project id.
    projid_t = id_t;
    /// A zone id.
    zoneid_t = id_t;
    /// A contract id.
    ctid_t = id_t;
    /// Number of a processor.
    processorid_t = c_int;
    /// File mode bits.
    mode_t = c_uint;
    /// A number of links.
    nlink_t = c_uint;
    /// A device number.
    dev_t = c_ulong;
    /// A device number of a 32-bit process.
    dev32_t = u32;
    /// A major number.
    major_t = c_uint;
    /// A minor number.
    minor_t = c_uint;
    /// A file offset in bytes.
    off_t = c_long;
    /// A file offset in bytes.
    offset_t = c_longlong;
    /// A file offset or size in bytes.
    u_offset_t = c_ulonglong;
    /// A time in ticks.
    clock_t = c_long;
    /// A clock: `CLOCK_*`.
    clockid_t = c_int;
    /// A timer of a process.
    timer_t = c_int;
    /// A time in seconds.
    time_t = c_long;
    /// A time in seconds of a 32-bit process.
    time32_t = c_int;
    /// Microseconds.
    suseconds_t = c_long;
    /// A dispatch priority.
    pri_t = c_short;
    /// A byte lock.
    lock_t = c_uchar;
    /// A dispatcher lock.
    disp_lock_t = lock_t;
    /// Unique id of a thread.
    kt_did_t = u64;
    /// A general register.
    greg_t = c_long;
    /// A resource limit.
    rlim64_t = u_longlong_t;
    /// A set of security flags.
    secflagset_t = u64;
    /// A part of a privilege set.
    priv_chunk_t = u32;
    /// State of a processor.
    cpu_flag_t = u16;
    /// A set of hardware faults.
    k_fltset_t = u32;
    /// `B_FALSE` or `B_TRUE`.
    boolean_t = c_uint;
}

layouts! {
    "sys/types.h":

    /// A 64-bit offset, whole or in halves.
    union lloff_t: 8, 8 {
        0 pub _f: offset_t,
        0 pub _p: lloff_parts_t,
    }

    /// The halves of a `lloff_t`.
    struct lloff_parts_t = "lloff_t"."_p": 8, 4 {
        0 pub _l: i32,
        4 pub _u: i32,
    }
}

constants! {
    "sys/types.h":

    INT_MAX: c_int = 2147483647;
    B_FALSE: boolean_t = 0;
    B_TRUE: boolean_t = 1;
}
