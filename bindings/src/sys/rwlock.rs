//! Readers/writer locks and semaphores: `sys/rwlock.h`, `sys/rwlock_impl.h`, `sys/semaphore.h`.

use core::ffi::{c_char, c_int, c_uint, c_void};

use super::flat::*;

scalars! {
    "sys/rwlock.h":

    /// Kind of a readers/writer lock.
    krw_type_t = c_uint;
    /// How a readers/writer lock is taken: `RW_READER` or `RW_WRITER`.
    krw_t = c_uint;
}

layouts! {
    "sys/rwlock.h":

    /// A readers/writer lock. Opaque; all zero is free.
    struct krwlock_t: 8, 8 {
        0 pub _opaque: [*mut c_void; 1],
    }

    "sys/rwlock_impl.h":

    /// The inside of a `krwlock_t`.
    struct rwlock_impl_t: 8, 8 {
        0 pub rw_wwwh: uintptr_t,
    }

    "sys/semaphore.h":

    /// A semaphore. Opaque.
    struct ksema_t: 16, 8 {
        0 pub _opaque: [*mut c_void; 2],
    }
}

constants! {
    "sys/rwlock.h":

    RW_DRIVER: krw_type_t = 2;
    RW_DEFAULT: krw_type_t = 4;
    RW_WRITER: krw_t = 0;
    RW_READER: krw_t = 1;
    RW_READER_STARVEWRITER: krw_t = 2;

    "sys/rwlock_impl.h":

    RW_HAS_WAITERS: c_int = 1;
    RW_WRITE_WANTED: c_int = 2;
    RW_WRITE_LOCKED: c_int = 4;
    RW_READ_LOCK: c_int = 8;
    RW_HOLD_COUNT: c_int = -8;
}

functions! {
    "sys/rwlock.h":

    /// Makes a readers/writer lock.
    fn rw_init(rwlp: *mut krwlock_t, name: *mut c_char, type_: krw_type_t, arg: *mut c_void);
    /// Ends a readers/writer lock.
    fn rw_destroy(rwlp: *mut krwlock_t);
    /// Takes the lock as reader or writer.
    fn rw_enter(rwlp: *mut krwlock_t, rw: krw_t);
    /// Gives the lock back.
    fn rw_exit(rwlp: *mut krwlock_t);
    /// Takes the lock when it is free; 0 when it is not.
    fn rw_tryenter(rwlp: *mut krwlock_t, rw: krw_t) -> c_int;
}
