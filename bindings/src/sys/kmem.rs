//! The allocator: `sys/kmem.h`.

use core::ffi::{c_char, c_int, c_void};

use super::flat::*;

opaque! {
    /// An object cache.
    kmem_cache_t;
    /// A source of address ranges.
    vmem_t;
}

constants! {
    "sys/kmem.h":

    /// wait for memory
    KM_SLEEP: c_int = 0;
    /// answer NULL rather than wait
    KM_NOSLEEP: c_int = 1;
    KM_PANIC: c_int = 2;
    KM_PUSHPAGE: c_int = 4;
    KM_NORMALPRI: c_int = 8;
    KM_NOSLEEP_LAZY: c_int = 9;
    KM_VMFLAGS: c_int = 0xff;
    KM_FLAGS: c_int = 0xffff;
    KMC_NOTOUCH: c_int = 0x10000;
    KMC_NODEBUG: c_int = 0x20000;
    KMC_NOMAGAZINE: c_int = 0x40000;
    KMC_NOHASH: c_int = 0x80000;
    KMC_QCACHE: c_int = 0x100000;
    KMC_KMEM_ALLOC: c_int = 0x200000;
    KMC_IDENTIFIER: c_int = 0x400000;
    KMC_PREFILL: c_int = 0x800000;
}

functions! {
    "sys/kmem.h":

    /// Allocates `size` bytes; NULL only with `KM_NOSLEEP`.
    fn kmem_alloc(size: size_t, kmflag: c_int) -> *mut c_void;
    /// As `kmem_alloc`, zeroed.
    fn kmem_zalloc(size: size_t, kmflag: c_int) -> *mut c_void;
    /// Frees a buffer; `size` is the one it was allocated with.
    fn kmem_free(buf: *mut c_void, size: size_t);
    /// Makes an object cache.
    fn kmem_cache_create(name: *mut c_char, bufsize: size_t, align: size_t, constructor: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, c_int) -> c_int>, destructor: Option<unsafe extern "C" fn(*mut c_void, *mut c_void)>, reclaim: Option<unsafe extern "C" fn(*mut c_void)>, private: *mut c_void, vmp: *mut vmem_t, cflags: c_int) -> *mut kmem_cache_t;
    /// Allocates an object of a cache.
    fn kmem_cache_alloc(cp: *mut kmem_cache_t, kmflag: c_int) -> *mut c_void;
    /// Gives an object back to its cache.
    fn kmem_cache_free(cp: *mut kmem_cache_t, buf: *mut c_void);
    /// Destroys an empty cache.
    fn kmem_cache_destroy(cp: *mut kmem_cache_t);
}
