//! What ThreadSanitizer must not take for an order between threads.
//!
//! This crate keeps books that a real kernel does not have: who allocated what,
//! which mutex was entered after which, what user memory is mapped. The locks
//! around those books order threads that the kernel leaves unordered, and so
//! would hide races of the module. [`aside`] keeps the books out of
//! ThreadSanitizer's sight: neither the locks nor the accesses in it count.
//! In a program without ThreadSanitizer (`cfg(tsan)`, which `./x` sets) all of
//! this is nothing.

use std::sync::atomic::Ordering;

/// The order of the scheduler's counters: that tasks run or wait orders nothing
/// else between them. The instructions are the same either way.
pub(crate) const BOOKS: Ordering = if cfg!(tsan) {
    Ordering::Relaxed
} else {
    Ordering::SeqCst
};

/// The order of a counter that says, when it comes to zero, that all tasks have
/// done what they had to do.
pub(crate) const RELEASE: Ordering = if cfg!(tsan) {
    Ordering::Release
} else {
    Ordering::SeqCst
};

/// Runs `body`, which only keeps books, out of ThreadSanitizer's sight.
#[inline]
pub(crate) fn aside<R>(body: impl FnOnce() -> R) -> R {
    #[cfg(tsan)]
    let _aside = runtime::Aside::begin();
    body()
}

/// Tells ThreadSanitizer that the caller reads `len` bytes at `at`, which it
/// then does in [`aside`].
#[inline]
pub(crate) fn reads(at: *const u8, len: usize) {
    #[cfg(tsan)]
    runtime::reads(at, len);
    let _ = (at, len);
}

/// Tells ThreadSanitizer that the caller writes `len` bytes at `at`.
#[inline]
pub(crate) fn writes(at: *const u8, len: usize) {
    #[cfg(tsan)]
    runtime::writes(at, len);
    let _ = (at, len);
}

#[cfg(tsan)]
mod runtime {
    use std::ffi::{c_char, c_int, c_ulong, c_void};

    unsafe extern "C" {
        safe fn AnnotateIgnoreSyncBegin(file: *const c_char, line: c_int);
        safe fn AnnotateIgnoreSyncEnd(file: *const c_char, line: c_int);
        safe fn AnnotateIgnoreReadsBegin(file: *const c_char, line: c_int);
        safe fn AnnotateIgnoreReadsEnd(file: *const c_char, line: c_int);
        safe fn AnnotateIgnoreWritesBegin(file: *const c_char, line: c_int);
        safe fn AnnotateIgnoreWritesEnd(file: *const c_char, line: c_int);
        safe fn __tsan_read_range(at: *const c_void, len: c_ulong);
        safe fn __tsan_write_range(at: *const c_void, len: c_ulong);
    }

    const FILE: *const c_char = c"tsan.rs".as_ptr();

    /// The calling thread is out of sight as long as this lives.
    pub(super) struct Aside;

    impl Aside {
        pub(super) fn begin() -> Aside {
            AnnotateIgnoreReadsBegin(FILE, 0);
            AnnotateIgnoreWritesBegin(FILE, 0);
            AnnotateIgnoreSyncBegin(FILE, 0);
            Aside
        }
    }

    impl Drop for Aside {
        fn drop(&mut self) {
            AnnotateIgnoreSyncEnd(FILE, 0);
            AnnotateIgnoreWritesEnd(FILE, 0);
            AnnotateIgnoreReadsEnd(FILE, 0);
        }
    }

    pub(super) fn reads(at: *const u8, len: usize) {
        __tsan_read_range(at.cast(), len as c_ulong);
    }

    pub(super) fn writes(at: *const u8, len: usize) {
        __tsan_write_range(at.cast(), len as c_ulong);
    }
}
