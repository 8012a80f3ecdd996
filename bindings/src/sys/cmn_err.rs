//! Messages: `sys/cmn_err.h`.

use core::ffi::{c_char, c_int};

constants! {
    "sys/cmn_err.h":

    /// continues a message
    CE_CONT: c_int = 0;
    /// a note
    CE_NOTE: c_int = 1;
    /// a warning
    CE_WARN: c_int = 2;
    /// stops the machine
    CE_PANIC: c_int = 3;
    CE_IGNORE: c_int = 4;
}

functions! {
    "sys/cmn_err.h":

    /// Writes a message to the system log; `level` is one of `CE_*`.
    fn cmn_err(level: c_int, fmt: *const c_char; ...);
    /// Stops the machine.
    fn panic(fmt: *const c_char; ...);
}
