//! Device numbers: `sys/sysmacros.h`.

use core::ffi::{c_int, c_ulong};

use super::flat::*;

constants! {
    "sys/sysmacros.h":

    L_BITSMAJOR32: c_int = 14;
    L_BITSMINOR32: c_int = 18;
    L_MAXMAJ32: c_int = 16383;
    L_MAXMIN32: c_int = 262143;
    L_BITSMAJOR: c_int = 32;
    L_BITSMINOR: c_int = 32;
    L_MAXMAJ: c_ulong = 4294967295;
    L_MAXMIN: c_ulong = 4294967295;
}

/// The device number of a major and a minor number (64-bit form).
pub const fn makedevice(major: major_t, minor: minor_t) -> dev_t {
    ((major as dev_t) << L_BITSMINOR) | (minor as dev_t & L_MAXMIN)
}

/// The major number of a device (64-bit form).
pub const fn getmajor(dev: dev_t) -> major_t {
    ((dev >> L_BITSMINOR) & L_MAXMAJ) as major_t
}

/// The minor number of a device (64-bit form).
pub const fn getminor(dev: dev_t) -> minor_t {
    (dev & L_MAXMIN) as minor_t
}
