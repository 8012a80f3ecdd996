//! Kernel memory with an owner.
//!
//! Mirrors `sys/kmem.h`. [`KBox`] is one object; [`Slots`] is scratch space
//! for a list whose usual length fits on the stack, so that the common system
//! calls allocate nothing.

use core::mem::{MaybeUninit, size_of};
use core::ptr::NonNull;

/// How an allocation may behave when memory is short.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Sleep until there is memory (`KM_SLEEP`): never fails.
    Sleep,
    /// Fail at once (`KM_NOSLEEP`).
    NoSleep,
}

/// A zeroed object of kernel memory, freed on drop.
///
/// # Invariants
///
/// Points to `size_of::<T>()` bytes from `kmem_zalloc` that only this owns.
pub struct KBox<T>(NonNull<T>);

impl<T> KBox<T> {
    /// Allocates; sleeps until there is memory.
    ///
    /// # Safety
    ///
    /// All zeroes is a valid `T`, and `T` has no drop glue.
    pub unsafe fn zeroed() -> Self {
        // SAFETY: size is not zero for the types used; KM_SLEEP cannot fail.
        let raw = unsafe { bindings::kmem_zalloc(size_of::<T>(), bindings::KM_SLEEP) };
        // SAFETY: kmem_zalloc with KM_SLEEP does not return NULL.
        Self(unsafe { NonNull::new_unchecked(raw.cast()) })
    }

    /// Takes back what [`into_raw`](Self::into_raw) gave away.
    ///
    /// # Safety
    ///
    /// `raw` came from `into_raw` and nobody uses it any more.
    pub unsafe fn from_raw(raw: NonNull<T>) -> Self {
        Self(raw)
    }

    /// Gives the object to C or to an intrusive structure.
    pub fn into_raw(self) -> NonNull<T> {
        let raw = self.0;
        core::mem::forget(self);
        raw
    }

    /// The address, for C functions that fill the object.
    pub fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Drop for KBox<T> {
    fn drop(&mut self) {
        // SAFETY: allocated with this size, and nobody else refers to it.
        unsafe { bindings::kmem_free(self.0.as_ptr().cast(), size_of::<T>()) }
    }
}

/// Up to `N` values on the stack, more in kernel memory.
///
/// # Invariants
///
/// `heap`, when present, is a kmem allocation of `len * size_of::<T>()` bytes.
pub struct Slots<T: Copy, const N: usize> {
    inline: [MaybeUninit<T>; N],
    heap: Option<NonNull<T>>,
    len: usize,
}

impl<T: Copy, const N: usize> Slots<T, N> {
    /// Space for nothing yet; costs nothing.
    #[inline]
    pub const fn new() -> Self {
        Self {
            inline: [MaybeUninit::uninit(); N],
            heap: None,
            len: 0,
        }
    }

    /// Makes room for `len` values, all `fill`; false when memory is short
    /// and `wait` forbids to sleep.
    #[inline]
    pub fn reserve(&mut self, len: usize, fill: T, wait: Wait) -> bool {
        self.release();
        if len > N && !self.allocate(len, wait) {
            return false;
        }
        self.len = len;
        let base = self.base();
        for at in 0..len {
            // SAFETY: `at` is inside the space just reserved.
            unsafe { base.add(at).write(fill) };
        }
        true
    }

    #[cold]
    fn allocate(&mut self, len: usize, wait: Wait) -> bool {
        let flag = match wait {
            Wait::Sleep => bindings::KM_SLEEP,
            Wait::NoSleep => bindings::KM_NOSLEEP,
        };
        let Some(size) = len.checked_mul(size_of::<T>()) else {
            return false;
        };
        // SAFETY: size is not zero: len > N.
        let raw = unsafe { bindings::kmem_alloc(size, flag) };
        self.heap = NonNull::new(raw.cast());
        self.len = if self.heap.is_some() { len } else { 0 };
        self.heap.is_some()
    }

    fn base(&mut self) -> *mut T {
        match self.heap {
            Some(heap) => heap.as_ptr(),
            None => self.inline.as_mut_ptr().cast(),
        }
    }

    /// The reserved values.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        let len = self.len;
        // SAFETY: reserve() initialised `len` values at base().
        unsafe { core::slice::from_raw_parts_mut(self.base(), len) }
    }

    fn release(&mut self) {
        if let Some(heap) = self.heap.take() {
            // SAFETY: allocated with this size; the slice borrowed from self
            // is gone.
            unsafe { bindings::kmem_free(heap.as_ptr().cast(), self.len * size_of::<T>()) }
        }
        self.len = 0;
    }
}

impl<T: Copy, const N: usize> Drop for Slots<T, N> {
    #[inline]
    fn drop(&mut self) {
        if self.heap.is_some() {
            self.release();
        }
    }
}
