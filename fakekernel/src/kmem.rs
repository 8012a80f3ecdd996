//! The kernel memory allocator.
//!
//! Mirrors `os/kmem.c` with all of its debugging on: red zones around every
//! buffer, patterns in allocated and in freed memory, freed memory held back to
//! find late writes, and a record of who allocated what. Rules: `kmem-size`,
//! `kmem-redzone`, `kmem-double-free`, `kmem-bad-free`, `kmem-cache-mismatch`,
//! `kmem-modified-after-free`, `kmem-sleep`, `kmem-flags`, `kmem-free-mutex`,
//! `kmem-free-cv`, `kmem-leak`. Object caches are in
//! [`kmem_cache`](crate::kmem_cache). Faults: [`Fault::KmemNosleep`].
//!
//! Contexts: any with KM_NOSLEEP; KM_SLEEP not in interrupts nor under a
//! no-sleep mutex. Freeing never sleeps.

mod redzone;

use std::alloc::{Layout, alloc, dealloc};
use std::collections::VecDeque;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bindings::{KM_NORMALPRI, KM_NOSLEEP, KM_PANIC, KM_PUSHPAGE};
use rustc_hash::FxHashMap;

use crate::counter::{self, Counter};
use crate::fault::{self, Fault};
pub use crate::leak::{Leak, baseline, leaks};
use crate::panic::{kernel_panic, symbol};
use crate::site::{self, Frame, entry};
use crate::{kernel, sync, thread, tsan};
use redzone::{HEAD, REDZONE, TAIL, check_freed, check_redzones, fill};

/// What allocated memory holds.
pub const UNINITIALISED: u64 = 0xbadd_cafe_badd_cafe;
/// What freed memory holds.
pub const FREED: u64 = 0xdead_beef_dead_beef;
/// Freed memory held back: buffers and bytes per shard.
const HELD_BUFFERS: usize = 64;
const HELD_BYTES: usize = 1 << 20;
const SHARDS: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Live,
    /// Free, held back or in the free list of its cache; and who freed it.
    Free {
        by: usize,
    },
}

/// What is known of a buffer.
#[derive(Clone, Copy)]
pub(crate) struct Buffer {
    pub(crate) size: usize,
    align: usize,
    /// Who allocated it.
    pub(crate) caller: usize,
    /// Counts allocations.
    pub(crate) serial: u64,
    /// The cache, or 0 for kmem_alloc.
    pub(crate) cache: usize,
    state: State,
}

impl Buffer {
    fn head(&self) -> usize {
        self.align.max(HEAD)
    }

    fn layout(&self) -> Layout {
        let size = self.head() + self.size + TAIL;
        match Layout::from_size_align(size, self.align.max(16)) {
            Ok(layout) => layout,
            Err(_) => kernel_panic("kmem-flags", &format!("impossible size {}", self.size)),
        }
    }

    fn what(&self) -> String {
        match self.cache {
            0 => format!("buffer of {} bytes", self.size),
            cache => format!("object of cache {}", crate::kmem_cache::name(cache)),
        }
    }
}

#[derive(Default)]
struct Shard {
    buffers: FxHashMap<usize, Buffer>,
    held: VecDeque<usize>,
    held_bytes: usize,
}

static SERIAL: AtomicU64 = AtomicU64::new(1);

fn shards() -> &'static [Mutex<Shard>; SHARDS] {
    static ALL: OnceLock<[Mutex<Shard>; SHARDS]> = OnceLock::new();
    ALL.get_or_init(|| std::array::from_fn(|_| Mutex::default()))
}

fn shard(addr: usize) -> MutexGuard<'static, Shard> {
    let at = (addr >> 5).wrapping_mul(0x9e37_79b9) >> 12;
    shards()[at % SHARDS]
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

fn poison() -> bool {
    kernel::config().strict.kmem_poison
}

/// Checks the flags and the context; false if the allocation shall fail.
pub(crate) fn may_allocate(kmflag: c_int, caller: usize) -> bool {
    if kmflag & !(KM_NOSLEEP | KM_PANIC | KM_PUSHPAGE | KM_NORMALPRI) != 0 {
        let at = symbol(caller);
        kernel_panic(
            "kmem-flags",
            &format!("allocation with flags {kmflag:#x} at {at}"),
        );
    }
    if kmflag & KM_NOSLEEP != 0 {
        return fault::fires(Fault::KmemNosleep).is_none();
    }
    let thread = thread::current();
    let why = if thread.kind() == thread::Kind::Interrupt {
        "in interrupt context"
    } else if thread.nosleep.load(Relaxed) != 0 {
        "while a no-sleep mutex is held"
    } else {
        return true;
    };
    kernel_panic(
        "kmem-sleep",
        &format!("KM_SLEEP {why} at {}", symbol(caller)),
    );
}

/// Allocates a buffer of any content for `caller`.
pub(crate) fn allocate(size: usize, align: usize, cache: usize, caller: usize) -> usize {
    let serial = SERIAL.fetch_add(1, Relaxed);
    let buffer = Buffer {
        size,
        align,
        caller,
        serial,
        cache,
        state: State::Live,
    };
    let (layout, head) = (buffer.layout(), buffer.head());
    // SAFETY: the layout has a size, of at least HEAD + TAIL.
    let base = unsafe { alloc(layout) };
    if base.is_null() {
        kernel_panic("kmem-exhausted", &format!("the host has no {size} bytes"));
    }
    // SAFETY: all writes are inside the layout just allocated.
    unsafe {
        ptr::write_bytes(base, REDZONE, head);
        ptr::write_bytes(base.add(head + size), REDZONE, TAIL);
        if poison() {
            fill(base.add(head), size, UNINITIALISED);
        }
    }
    let addr = base as usize + head;
    tsan::aside(|| shard(addr).buffers.insert(addr, buffer));
    count_alloc(size);
    addr
}

/// Panics unless a live object of `cache` is at `addr`.
pub(crate) fn check_live(addr: usize, cache: usize, caller: usize) {
    let found = tsan::aside(|| shard(addr).buffers.get(&addr).copied());
    check_free(found, addr, None, cache, caller);
}

/// Marks a buffer as free after all checks; returns what it was.
fn retire(addr: usize, size: Option<usize>, cache: usize, caller: usize) -> Buffer {
    let found = tsan::aside(|| {
        shard(addr).buffers.get_mut(&addr).map(|buffer| {
            let before = *buffer;
            let fits = size.is_none_or(|s| s == before.size) && before.cache == cache;
            if before.state == State::Live && fits {
                buffer.state = State::Free { by: caller };
            }
            before
        })
    });
    let buffer = check_free(found, addr, size, cache, caller);
    check_redzones(addr, &buffer);
    sync::forget(addr, buffer.size);
    counter::count(Counter::KmemFree);
    counter::count_n(Counter::KmemFreeBytes, buffer.size as u64);
    buffer
}

fn count_alloc(size: usize) {
    counter::count(Counter::KmemAlloc);
    counter::count_n(Counter::KmemAllocBytes, size as u64);
}

/// Panics unless what was found may be freed with that size to that cache.
fn check_free(
    found: Option<Buffer>,
    addr: usize,
    size: Option<usize>,
    cache: usize,
    caller: usize,
) -> Buffer {
    let at = symbol_later(caller);
    let Some(buffer) = found else {
        let text = format!("{addr:#x} freed at {}, which is no allocated buffer", at());
        kernel_panic("kmem-bad-free", &text);
    };
    let (what, by) = (|| buffer.what(), symbol_later(buffer.caller));
    if let State::Free { by: first } = buffer.state {
        let first = symbol(first);
        let text = format!(
            "{} {addr:#x} freed at {} and before at {first}; allocated at {}",
            what(),
            at(),
            by()
        );
        kernel_panic("kmem-double-free", &text);
    }
    if buffer.cache != cache {
        let into = if cache == 0 {
            "kmem_free".to_owned()
        } else {
            format!("cache {}", crate::kmem_cache::name(cache))
        };
        let text = format!(
            "{} {addr:#x} freed to {into} at {}; allocated at {}",
            what(),
            at(),
            by()
        );
        kernel_panic("kmem-cache-mismatch", &text);
    }
    if let Some(size) = size.filter(|&s| s != buffer.size) {
        let text = format!(
            "{} {addr:#x} freed with size {size} at {}; allocated at {}",
            what(),
            at(),
            by()
        );
        kernel_panic("kmem-size", &text);
    }
    buffer
}

/// For messages: symbols are slow to find.
fn symbol_later(addr: usize) -> impl Fn() -> String {
    move || symbol(addr)
}

/// Frees a buffer of kmem_alloc (`cache` 0) or an object of a cache.
pub(crate) fn free(addr: usize, size: Option<usize>, cache: usize, caller: usize) {
    let buffer = retire(addr, size, cache, caller);
    if poison() {
        // SAFETY: the buffer is no longer live and is ours.
        unsafe { fill(addr as *mut u8, buffer.size, FREED) };
        tsan::aside(|| hold_back(addr, buffer.size));
    } else {
        tsan::aside(|| shard(addr).buffers.remove(&addr));
        // SAFETY: allocated with this layout, and no longer in the table.
        unsafe { dealloc((addr - buffer.head()) as *mut u8, buffer.layout()) };
    }
}

/// Takes an object out of use but leaves its content to its cache.
pub(crate) fn park(addr: usize, cache: usize, caller: usize) {
    retire(addr, None, cache, caller);
}

/// Takes a parked object back into use.
pub(crate) fn unpark(addr: usize, caller: usize) {
    let size = tsan::aside(|| {
        shard(addr).buffers.get_mut(&addr).map(|buffer| {
            buffer.state = State::Live;
            buffer.caller = caller;
            buffer.size
        })
    });
    count_alloc(size.unwrap_or(0));
}

/// Gives a parked object back to the host.
pub(crate) fn discard(addr: usize) {
    let found = tsan::aside(|| shard(addr).buffers.remove(&addr));
    if let Some(buffer) = found {
        // SAFETY: allocated with this layout, parked, and no longer in the
        // table.
        unsafe { dealloc((addr - buffer.head()) as *mut u8, buffer.layout()) };
    }
}

fn hold_back(addr: usize, size: usize) {
    let mut shard = shard(addr);
    shard.held.push_back(addr);
    shard.held_bytes += size;
    let mut out = Vec::new();
    while shard.held.len() > HELD_BUFFERS || shard.held_bytes > HELD_BYTES {
        let Some(oldest) = shard.held.pop_front() else {
            break;
        };
        if let Some(buffer) = shard.buffers.remove(&oldest) {
            shard.held_bytes -= buffer.size;
            out.push((oldest, buffer));
        }
    }
    drop(shard);
    for (addr, buffer) in out {
        check_freed(addr, &buffer);
        // SAFETY: allocated with this layout, and no longer in the table.
        unsafe { dealloc((addr - buffer.head()) as *mut u8, buffer.layout()) };
    }
}

/// Checks all freed memory that is held back for late writes.
pub fn verify_freed() {
    tsan::aside(|| {
        for shard in shards() {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let held: Vec<_> = shard.held.iter().map(|a| (*a, shard.buffers[a])).collect();
            drop(shard);
            for (addr, buffer) in held {
                check_freed(addr, &buffer);
            }
        }
    });
}

/// All allocated buffers, in no order.
pub(crate) fn live() -> Vec<(usize, Buffer)> {
    let mut live = Vec::new();
    for shard in shards() {
        tsan::aside(|| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let buffers = shard.buffers.iter().map(|(addr, buffer)| (*addr, *buffer));
            live.extend(buffers.filter(|(_, buffer)| buffer.state == State::Live));
        });
    }
    live
}

/// A number greater than that of all buffers so far.
pub(crate) fn next_serial() -> u64 {
    SERIAL.fetch_add(1, Relaxed)
}

entry! {
    /// Allocates `size` bytes; NULL for size 0 and, with KM_NOSLEEP, when there
    /// is no memory.
    fn kmem_alloc(size: usize, kmflag: c_int) -> *mut c_void = alloc_entry, "rdx"
}

unsafe extern "C" fn alloc_entry(size: usize, kmflag: c_int, frame: Frame) -> *mut c_void {
    let caller = site::enter(frame);
    if !may_allocate(kmflag, caller) || size == 0 {
        return ptr::null_mut();
    }
    allocate(size, 16, 0, caller) as *mut c_void
}

entry! {
    /// Allocates `size` zeroed bytes, as kmem_alloc.
    fn kmem_zalloc(size: usize, kmflag: c_int) -> *mut c_void = zalloc_entry, "rdx"
}

unsafe extern "C" fn zalloc_entry(size: usize, kmflag: c_int, frame: Frame) -> *mut c_void {
    let caller = site::enter(frame);
    if !may_allocate(kmflag, caller) || size == 0 {
        return ptr::null_mut();
    }
    let buffer = allocate(size, 16, 0, caller) as *mut c_void;
    // SAFETY: just allocated with this size.
    unsafe { buffer.cast::<u8>().write_bytes(0, size) };
    buffer
}

entry! {
    /// Frees a buffer; `size` is the one it was allocated with.
    fn kmem_free(buf: *mut c_void, size: usize) = free_entry, "rdx"
}

unsafe extern "C" fn free_entry(buf: *mut c_void, size: usize, frame: Frame) {
    let caller = site::enter(frame);
    // What kmem_alloc answers for size 0 may be freed.
    if !buf.is_null() || size != 0 {
        free(buf as usize, Some(size), 0, caller);
    }
}
