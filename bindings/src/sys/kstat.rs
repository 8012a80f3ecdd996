//! Kernel statistics: `sys/kstat.h`.

use core::ffi::{c_char, c_int, c_long, c_void};

use super::flat::*;

scalars! {
    "sys/kstat.h":

    /// Id of a kstat.
    kid_t = c_int;
}

layouts! {
    "sys/kstat.h":

    /// A kstat: a block of statistics with a name.
    struct kstat_t: 184, 8 {
        /// creation time
        0 pub ks_crtime: hrtime_t,
        8 pub ks_next: *mut kstat_t,
        16 pub ks_kid: kid_t,
        /// provider
        20 pub ks_module: [c_char; 31],
        51 pub ks_resv: uchar_t,
        52 pub ks_instance: c_int,
        /// name
        56 pub ks_name: [c_char; 31],
        /// `KSTAT_TYPE_*`
        87 pub ks_type: uchar_t,
        /// class
        88 pub ks_class: [c_char; 31],
        /// `KSTAT_FLAG_*`
        119 pub ks_flags: uchar_t,
        /// the values
        120 pub ks_data: *mut c_void,
        /// number of values
        128 pub ks_ndata: uint_t,
        /// bytes of values
        136 pub ks_data_size: size_t,
        144 pub ks_snaptime: hrtime_t,
        /// brings the values up to date, `(ksp, KSTAT_READ or KSTAT_WRITE)`; an errno
        152 pub ks_update: Option<unsafe extern "C" fn(*mut kstat_t, c_int) -> c_int>,
        /// the provider's own
        160 pub ks_private: *mut c_void,
        168 pub ks_snapshot: Option<unsafe extern "C" fn(*mut kstat_t, *mut c_void, c_int) -> c_int>,
        /// lock that a reader holds, or NULL
        176 pub ks_lock: *mut c_void,
    }

    /// A named value of a kstat.
    struct kstat_named_t: 48, 8 {
        /// name, NUL at the end
        0 pub name: [c_char; 31],
        /// `KSTAT_DATA_*`
        31 pub data_type: uchar_t,
        /// the value
        32 pub value: kstat_named_value_t,
    }

    /// The value of a `kstat_named_t`; `data_type` tells which member counts.
    union kstat_named_value_t = "kstat_named_t"."value": 16, 8 {
        0 pub c: [c_char; 16],
        0 pub i32: i32,
        0 pub ui32: u32,
        0 pub str: kstat_named_str_t,
        0 pub i64: i64,
        0 pub ui64: u64,
        0 pub l: c_long,
        0 pub ul: ulong_t,
        0 pub ll: longlong_t,
        0 pub ull: u_longlong_t,
        0 pub f: f32,
        0 pub d: f64,
    }

    /// A string value.
    struct kstat_named_str_t = "kstat_named_t"."value.str": 16, 8 {
        0 pub addr: kstat_named_addr_t,
        8 pub len: u32,
    }

    /// Where a string value is.
    union kstat_named_addr_t = "kstat_named_t"."value.str.addr": 8, 8 {
        0 pub ptr: *mut c_char,
        0 pub ptr32: caddr32_t,
    }
}

constants! {
    "sys/kstat.h":

    KSTAT_IOC_BASE: c_int = 19200;
    KSTAT_IOC_CHAIN_ID: c_int = 19201;
    KSTAT_IOC_READ: c_int = 19202;
    KSTAT_IOC_WRITE: c_int = 19203;
    KSTAT_STRLEN: c_int = 31;
    KSTAT_TYPE_RAW: c_int = 0;
    KSTAT_TYPE_NAMED: c_int = 1;
    KSTAT_TYPE_INTR: c_int = 2;
    KSTAT_TYPE_IO: c_int = 3;
    KSTAT_TYPE_TIMER: c_int = 4;
    KSTAT_NUM_TYPES: c_int = 5;
    KSTAT_FLAG_VIRTUAL: c_int = 1;
    KSTAT_FLAG_VAR_SIZE: c_int = 2;
    KSTAT_FLAG_WRITABLE: c_int = 4;
    KSTAT_FLAG_PERSISTENT: c_int = 8;
    KSTAT_FLAG_DORMANT: c_int = 16;
    KSTAT_FLAG_INVALID: c_int = 32;
    KSTAT_FLAG_LONGSTRINGS: c_int = 64;
    KSTAT_READ: c_int = 0;
    KSTAT_WRITE: c_int = 1;
    KSTAT_DATA_CHAR: c_int = 0;
    KSTAT_DATA_INT32: c_int = 1;
    KSTAT_DATA_UINT32: c_int = 2;
    KSTAT_DATA_INT64: c_int = 3;
    KSTAT_DATA_UINT64: c_int = 4;
    KSTAT_DATA_LONG: c_int = 7;
    KSTAT_DATA_ULONG: c_int = 8;
    KSTAT_DATA_STRING: c_int = 9;
    KSTAT_DATA_LONGLONG: c_int = 3;
    KSTAT_DATA_ULONGLONG: c_int = 4;
    KSTAT_DATA_FLOAT: c_int = 5;
    KSTAT_DATA_DOUBLE: c_int = 6;
    KSTAT_INTR_HARD: c_int = 0;
    KSTAT_INTR_SOFT: c_int = 1;
    KSTAT_INTR_WATCHDOG: c_int = 2;
    KSTAT_INTR_SPURIOUS: c_int = 3;
    KSTAT_INTR_MULTSVC: c_int = 4;
    KSTAT_NUM_INTRS: c_int = 5;
}

functions! {
    "sys/kstat.h":

    /// Makes a kstat; NULL when that fails. Install it to show it.
    fn kstat_create(module: *const c_char, instance: c_int, name: *const c_char, class: *const c_char, type_: uchar_t, ndata: uint_t, flags: uchar_t) -> *mut kstat_t;
    /// Shows a kstat to readers.
    fn kstat_install(ksp: *mut kstat_t);
    /// Takes a kstat away and frees it.
    fn kstat_delete(ksp: *mut kstat_t);
}
