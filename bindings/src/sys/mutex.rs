//! Locks: `sys/mutex.h` and what is inside (`sys/mutex_impl.h`).

use core::ffi::{c_char, c_int, c_uint, c_void};

use super::flat::*;

scalars! {
    "sys/mutex.h":

    /// Kind of a lock: `MUTEX_*`.
    kmutex_type_t = c_uint;
}

layouts! {
    "sys/mutex.h":

    /// A lock. Opaque; all zero is an adaptive lock that nobody holds.
    struct kmutex_t: 8, 8 {
        0 pub _opaque: [*mut c_void; 1],
    }

    "sys/mutex_impl.h":

    /// The inside of a `kmutex_t`.
    union mutex_impl_t: 8, 8 {
        0 pub m_adaptive: adaptive_mutex,
        0 pub m_spin: spin_mutex,
    }

    /// The inside of an adaptive lock: owner and a waiters bit.
    struct adaptive_mutex = "struct adaptive_mutex": 8, 8 {
        0 pub _m_owner: uintptr_t,
    }

    /// The inside of a spin lock.
    struct spin_mutex = "struct spin_mutex": 8, 2 {
        0 pub m_dummylock: lock_t,
        1 pub m_spinlock: lock_t,
        2 pub m_filler: ushort_t,
        4 pub m_oldspl: ushort_t,
        6 pub m_minspl: ushort_t,
    }
}

constants! {
    "sys/mutex.h":

    MUTEX_ADAPTIVE: kmutex_type_t = 0;
    MUTEX_SPIN: kmutex_type_t = 1;
    MUTEX_DRIVER: kmutex_type_t = 4;
    /// the kind that everybody uses
    MUTEX_DEFAULT: kmutex_type_t = 6;

    "sys/mutex_impl.h":

    MUTEX_WAITERS: c_int = 1;
    MUTEX_DEAD: c_int = 6;
    MUTEX_THREAD: c_int = -8;
}

functions! {
    "sys/mutex.h":

    /// Makes a lock; `type_` is one of `MUTEX_*`.
    fn mutex_init(mp: *mut kmutex_t, name: *mut c_char, type_: kmutex_type_t, arg: *mut c_void);
    /// Ends a lock.
    fn mutex_destroy(mp: *mut kmutex_t);
    /// Takes the lock.
    fn mutex_enter(mp: *mut kmutex_t);
    /// Gives the lock back.
    fn mutex_exit(mp: *mut kmutex_t);
    /// Not 0 when the calling thread holds the lock.
    fn mutex_owned(mp: *const kmutex_t) -> c_int;
    /// Takes the lock when it is free; 0 when it is not.
    fn mutex_tryenter(mp: *mut kmutex_t) -> c_int;
}
