//! Object caches of the kernel memory allocator.
//!
//! Mirrors the cache half of `os/kmem.c`. With poison on, an object is
//! constructed when it is allocated and destructed when it is freed, as a
//! debugging kernel does; otherwise objects stay constructed in a free list.
//! Rules beside those of [`kmem`]: `kmem-cache-bad` for something
//! that is no cache, `kmem-cache-busy` for destroying one with objects.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use bindings::{kmem_cache_t, vmem_t};

use crate::panic::{kernel_panic, symbol};
use crate::site::{self, Frame, entry};
use crate::{kernel, kmem, tsan};

type Constructor = unsafe extern "C" fn(*mut c_void, *mut c_void, c_int) -> c_int;
type Destructor = unsafe extern "C" fn(*mut c_void, *mut c_void);
type Reclaim = unsafe extern "C" fn(*mut c_void);

/// Marks a cache that was not destroyed.
const MAGIC: usize = 0x6b6d_656d_6361_6368;

struct Cache {
    magic: AtomicUsize,
    name: String,
    size: usize,
    align: usize,
    constructor: Option<Constructor>,
    destructor: Option<Destructor>,
    private: usize,
    live: AtomicUsize,
    free: Mutex<Vec<usize>>,
}

/// Caches are never freed, so that a stale pointer is recognised.
static CACHES: Mutex<Vec<usize>> = Mutex::new(Vec::new());

fn known(addr: usize) -> bool {
    let caches = || CACHES.lock().unwrap_or_else(PoisonError::into_inner);
    tsan::aside(|| caches().contains(&addr))
}

fn cache<'a>(cp: *mut kmem_cache_t, caller: usize) -> &'a Cache {
    let addr = cp as usize;
    if !known(addr) {
        let text = format!("{addr:#x} used at {} is no cache", symbol(caller));
        kernel_panic("kmem-cache-bad", &text);
    }
    // SAFETY: known caches are leaked boxes.
    let cache = unsafe { &*cp.cast::<Cache>() };
    if cache.magic.load(Relaxed) != MAGIC {
        let text = format!(
            "cache {} used at {} was destroyed",
            cache.name,
            symbol(caller)
        );
        kernel_panic("kmem-cache-bad", &text);
    }
    cache
}

/// The name of a cache.
pub(crate) fn name(cache: usize) -> String {
    if !known(cache) {
        return format!("{cache:#x}");
    }
    // SAFETY: known caches are leaked boxes.
    unsafe { (*(cache as *const Cache)).name.clone() }
}

/// Makes an object cache.
///
/// # Safety
///
/// `name` is a string; the functions are those of `bufsize` bytes of object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kmem_cache_create(
    name: *mut c_char,
    bufsize: usize,
    align: usize,
    constructor: Option<Constructor>,
    destructor: Option<Destructor>,
    _reclaim: Option<Reclaim>,
    private: *mut c_void,
    _vmp: *mut vmem_t,
    _cflags: c_int,
) -> *mut kmem_cache_t {
    // SAFETY: the caller vouches for the string.
    let name = unsafe { CStr::from_ptr(name) }
        .to_string_lossy()
        .into_owned();
    let align = align.max(8);
    if bufsize == 0 || !align.is_power_of_two() {
        let text = format!("cache {name} with objects of {bufsize} bytes aligned to {align}");
        kernel_panic("kmem-cache-bad", &text);
    }
    let cache = Box::leak(Box::new(Cache {
        magic: AtomicUsize::new(MAGIC),
        name,
        size: bufsize,
        align,
        constructor,
        destructor,
        private: private as usize,
        live: AtomicUsize::new(0),
        free: Mutex::new(Vec::new()),
    }));
    let cp = ptr::from_mut(cache).cast();
    CACHES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(cp as usize);
    cp
}

entry! {
    /// Destroys a cache without objects.
    fn kmem_cache_destroy(cp: *mut kmem_cache_t) = destroy, "rsi"
}

unsafe extern "C" fn destroy(cp: *mut kmem_cache_t, frame: Frame) {
    let caller = site::enter(frame);
    let cache = cache(cp, caller);
    let live = cache.live.load(Relaxed);
    if live != 0 {
        let text = format!(
            "cache {} destroyed at {} with {live} objects",
            cache.name,
            symbol(caller)
        );
        kernel_panic("kmem-cache-busy", &text);
    }
    cache.magic.store(0, Relaxed);
    let free = std::mem::take(&mut *cache.free.lock().unwrap_or_else(PoisonError::into_inner));
    for object in free {
        cache.destruct(object);
        kmem::discard(object);
    }
}

entry! {
    /// Allocates an object; NULL only with KM_NOSLEEP.
    fn kmem_cache_alloc(cp: *mut kmem_cache_t, kmflag: c_int) -> *mut c_void = allocate, "rdx"
}

unsafe extern "C" fn allocate(cp: *mut kmem_cache_t, kmflag: c_int, frame: Frame) -> *mut c_void {
    let caller = site::enter(frame);
    let cache = cache(cp, caller);
    if !kmem::may_allocate(kmflag, caller) {
        return ptr::null_mut();
    }
    cache.live.fetch_add(1, Relaxed);
    let parked = cache
        .free
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop();
    if let Some(object) = parked {
        kmem::unpark(object, caller);
        return object as *mut c_void;
    }
    let object = kmem::allocate(cache.size, cache.align, cp as usize, caller);
    if let Some(constructor) = cache.constructor {
        // SAFETY: the object has the size the constructor was registered for.
        let failed =
            unsafe { constructor(object as *mut c_void, cache.private as *mut c_void, kmflag) };
        if failed != 0 {
            cache.live.fetch_sub(1, Relaxed);
            kmem::free(object, None, cp as usize, caller);
            return ptr::null_mut();
        }
    }
    object as *mut c_void
}

entry! {
    /// Gives an object back to its cache.
    fn kmem_cache_free(cp: *mut kmem_cache_t, buf: *mut c_void) = free, "rdx"
}

unsafe extern "C" fn free(cp: *mut kmem_cache_t, buf: *mut c_void, frame: Frame) {
    let caller = site::enter(frame);
    let cache = cache(cp, caller);
    let object = buf as usize;
    if kernel::config().strict.kmem_poison {
        kmem::check_live(object, cp as usize, caller);
        cache.destruct(object);
        kmem::free(object, None, cp as usize, caller);
    } else {
        kmem::park(object, cp as usize, caller);
        cache
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(object);
    }
    cache.live.fetch_sub(1, Relaxed);
}

impl Cache {
    fn destruct(&self, object: usize) {
        if let Some(destructor) = self.destructor {
            // SAFETY: a constructed object that nobody uses any more.
            unsafe { destructor(object as *mut c_void, self.private as *mut c_void) };
        }
    }
}
