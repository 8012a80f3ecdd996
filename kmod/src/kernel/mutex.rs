//! Adaptive mutexes that C initialised or that lie in C's structures.
//!
//! Mirrors `sys/mutex.h`. A [`Mutex`] is a view of a `kmutex_t` somewhere in
//! kernel memory; what it protects is known to the structure around it (see
//! `port.rs`, `queue.rs`), so the guard carries no data.
//! Entering may sleep: never from above a `PHLOCK` holder's pollhead.

use core::cell::UnsafeCell;
use core::marker::PhantomData;

use bindings::kmutex_t;

/// A `kmutex_t` in place. All zeroes is a valid, free adaptive mutex.
#[repr(transparent)]
pub struct Mutex(UnsafeCell<kmutex_t>);

// SAFETY: a kmutex_t exists to be entered from several threads; all access
// goes through the kernel's mutex functions.
unsafe impl Sync for Mutex {}

/// A held [`Mutex`]. Dropping it leaves the mutex.
///
/// Not `Send`: the owner is the thread that entered.
#[must_use = "the mutex is left as soon as the guard is dropped"]
pub struct Held<'a> {
    mutex: &'a Mutex,
    not_send: PhantomData<*mut ()>,
}

impl Mutex {
    /// The mutex at `raw`.
    ///
    /// # Safety
    ///
    /// `raw` points to an initialised `kmutex_t` that outlives `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(raw: *mut kmutex_t) -> &'a Self {
        // SAFETY: repr(transparent), and the caller vouches for the pointer.
        unsafe { &*raw.cast() }
    }

    /// The address C functions want.
    #[inline]
    pub fn as_ptr(&self) -> *mut kmutex_t {
        self.0.get()
    }

    /// Enters the mutex; sleeps or spins until it is free.
    #[inline]
    pub fn enter(&self) -> Held<'_> {
        // SAFETY: self is an initialised kmutex_t.
        unsafe { bindings::mutex_enter(self.as_ptr()) };
        Held {
            mutex: self,
            not_send: PhantomData,
        }
    }
}

impl Held<'_> {
    /// The address a condition variable wants.
    #[inline]
    pub fn mutex_ptr(&self) -> *mut kmutex_t {
        self.mutex.as_ptr()
    }

    /// The function that is called next leaves the mutex.
    #[inline]
    pub fn leave_to_callee(self) {
        core::mem::forget(self);
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: a Held exists only while this thread owns the mutex.
        unsafe { bindings::mutex_exit(self.mutex.as_ptr()) }
    }
}
