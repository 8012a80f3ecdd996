//! System calls and memory: `sys/systm.h`.

use core::ffi::{c_char, c_int, c_ushort, c_void};

use super::flat::*;

/// A system call that gets its arguments in registers (`SE_ARGC`). The kernel always
/// passes six words; of a 32-bit caller only the low half of each counts.
pub type sy_callc_t =
    unsafe extern "C" fn(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t) -> i64;

layouts! {
    "sys/systm.h":

    /// The entry of a system call.
    struct sysent = "struct sysent": 32, 8 {
        /// number of arguments, 0 to 6
        0 pub sy_narg: c_char,
        /// `SE_*`
        2 pub sy_flags: c_ushort,
        /// entry that takes its arguments from `lwp_ap` (unused with `SE_ARGC`)
        8 pub sy_call: Option<unsafe extern "C" fn() -> c_int>,
        /// lock of a loadable system call
        16 pub sy_lock: *mut krwlock_t,
        /// entry that gets its arguments in registers
        24 pub sy_callc: Option<sy_callc_t>,
    }

    /// The two results of a system call.
    union rval_t: 8, 8 {
        /// the two 32-bit results
        0 pub r_v: rval_pair_t,
        /// a file offset
        0 pub r_off: off_t,
        /// a file offset
        0 pub r_offset: offset_t,
        /// a time
        0 pub r_time: time_t,
        /// both as one 64-bit word; the system call's own value
        0 pub r_vals: i64,
    }

    /// The two 32-bit results of a system call; a program gets them in rax and rdx.
    struct rval_pair_t = "rval_t"."r_v": 8, 4 {
        0 pub r_v1: c_int,
        4 pub r_v2: c_int,
    }
}

constants! {
    "sys/systm.h":

    /// one 32-bit result
    SE_32RVAL1: c_int = 0;
    /// two 32-bit results
    SE_32RVAL2: c_int = 1;
    /// one 64-bit result
    SE_64RVAL: c_int = 2;
    SE_RVAL_MASK: c_int = 3;
    /// the system call comes with a module
    SE_LOADABLE: c_int = 8;
    /// its module is loaded
    SE_LOADED: c_int = 0x10;
    /// its module stays
    SE_NOUNLOAD: c_int = 0x20;
    /// arguments come in registers
    SE_ARGC: c_int = 0x40;
}

functions! {
    "sys/systm.h":

    /// Copies `n` bytes from user memory. 0, or -1 when the user range is bad.
    fn copyin(uaddr: *const c_void, kaddr: *mut c_void, n: size_t) -> c_int;
    /// Copies `n` bytes to user memory. 0, or -1 when the user range is bad.
    fn copyout(kaddr: *const c_void, uaddr: *mut c_void, n: size_t) -> c_int;
    /// Copies kernel memory; an errno when it faults.
    fn kcopy(from: *const c_void, to: *mut c_void, count: size_t) -> c_int;
    /// Fills `n` bytes with zero.
    fn bzero(s: *mut c_void, n: size_t);
    /// Copies `n` bytes; note the order.
    fn bcopy(src: *const c_void, dst: *mut c_void, n: size_t);
    /// 0 when `n` bytes are equal.
    fn bcmp(s1: *const c_void, s2: *const c_void, n: size_t) -> c_int;
    /// Copies `n` bytes that do not overlap.
    fn memcpy(dst: *mut c_void, src: *const c_void, n: size_t) -> *mut c_void;
    /// Copies `n` bytes.
    fn memmove(dst: *mut c_void, src: *const c_void, n: size_t) -> *mut c_void;
    /// Fills `n` bytes.
    fn memset(s: *mut c_void, c: c_int, n: size_t) -> *mut c_void;
    /// Compares `n` bytes.
    fn memcmp(s1: *const c_void, s2: *const c_void, n: size_t) -> c_int;
    /// Compares two strings.
    fn strcmp(s1: *const c_char, s2: *const c_char) -> c_int;
    /// Copies a string.
    fn strcpy(dst: *mut c_char, src: *const c_char) -> *mut c_char;
    /// Length without the final NUL.
    fn strlen(s: *const c_char) -> size_t;
    /// A fresh major number; `-1` as `major_t` when there is none left.
    fn getudev() -> major_t;
    /// Sets the errno of the calling lwp and returns it.
    fn set_errno(errno: uint_t) -> uint_t;
}
