//! Rules of the allocator.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bindings::*;
use fakekernel::{Config, Kernel, Strict, counter, counter::Counter, kmem, mutex};

use crate::common::{Case, Ends, legal, strict, trips};
use crate::{Shared, leaked};

pub const CASES: &[Case] = &[
    legal("kmem.alloc_free", alloc_free),
    legal("kmem.patterns", patterns),
    legal("kmem.size_zero", size_zero),
    trips("kmem.size", "kmem-size", size),
    trips("kmem.redzone_after", "kmem-redzone", redzone_after),
    trips("kmem.redzone_before", "kmem-redzone", redzone_before),
    trips("kmem.double_free", "kmem-double-free", double_free),
    trips("kmem.bad_free", "kmem-bad-free", bad_free),
    trips("kmem.inner_free", "kmem-bad-free", inner_free),
    trips(
        "kmem.modified_after_free",
        "kmem-modified-after-free",
        modified,
    ),
    trips("kmem.flags", "kmem-flags", flags),
    trips("kmem.sleep_in_interrupt", "kmem-sleep", sleep_in_interrupt),
    legal("kmem.nosleep_in_interrupt", nosleep_in_interrupt),
    trips(
        "kmem.sleep_under_nosleep",
        "kmem-sleep",
        sleep_under_nosleep,
    ),
    trips("kmem.free_mutex", "kmem-free-mutex", free_mutex),
    legal("kmem.free_mutex_left", free_mutex_left),
    trips("kmem.free_cv", "kmem-free-cv", free_cv),
    trips("kmem.leak", "kmem-leak", leak),
    legal("kmem.baseline", baseline),
    legal("kmem.leak_listed", leak_listed).on(Config::default),
    Case {
        name: "kmem.leak_in_report",
        ends: Ends::Failure("buffer of 24 bytes"),
        ..LEAK_REPORT
    },
    legal("kmem.cache", cache),
    legal("kmem.cache_unpoisoned", cache).on(fast),
    legal("kmem.cache_keeps_constructed", keeps_constructed).on(fast),
    trips("kmem.cache_busy", "kmem-cache-busy", cache_busy),
    trips("kmem.cache_destroyed", "kmem-cache-bad", cache_destroyed),
    trips("kmem.cache_unknown", "kmem-cache-bad", cache_unknown),
    trips(
        "kmem.cache_free_elsewhere",
        "kmem-cache-mismatch",
        cache_free_elsewhere,
    ),
    trips(
        "kmem.cache_kmem_free",
        "kmem-cache-mismatch",
        cache_kmem_free,
    ),
    trips(
        "kmem.cache_double_free",
        "kmem-double-free",
        cache_double_free,
    ),
    trips(
        "kmem.cache_double_free_unpoisoned",
        "kmem-double-free",
        cache_double_free,
    )
    .on(fast),
    trips("kmem.cache_redzone", "kmem-redzone", cache_redzone),
    legal("kmem.counters", counters),
];

const LEAK_REPORT: Case = legal("", leak).on(Config::default);

fn fast() -> Config {
    Config {
        strict: Strict {
            leaks: true,
            ..Strict::fast()
        },
        ..strict()
    }
}

fn get(size: usize) -> *mut u8 {
    // SAFETY: allocation has no preconditions.
    unsafe { kmem_alloc(size, KM_SLEEP).cast() }
}

fn put(at: *mut u8, size: usize) {
    // SAFETY: any address may be given: the kernel looks at it.
    unsafe { kmem_free(at.cast(), size) };
}

fn alloc_free(_: &Kernel) {
    for size in [1, 7, 8, 100, 4096, 1 << 20] {
        let at = get(size);
        assert_eq!(at as usize % 16, 0);
        // SAFETY: the whole buffer is ours.
        unsafe { at.write_bytes(0x11, size) };
        put(at, size);
        // SAFETY: as above.
        let zeroed = unsafe {
            let at = kmem_zalloc(size, KM_NOSLEEP).cast::<u8>();
            let zeroed = std::slice::from_raw_parts(at, size).iter().all(|&b| b == 0);
            put(at, size);
            zeroed
        };
        assert!(zeroed);
    }
}

fn patterns(_: &Kernel) {
    let at = get(20);
    // SAFETY: the buffer is ours; freed memory is held back by the kernel.
    unsafe {
        assert_eq!(at.cast::<u64>().read(), kmem::UNINITIALISED);
        put(at, 20);
        assert_eq!(at.cast::<u64>().read(), kmem::FREED);
        assert_eq!(at.add(16).cast::<u32>().read(), kmem::FREED as u32);
    }
}

fn size_zero(_: &Kernel) {
    assert!(get(0).is_null());
    put(null_mut(), 0);
}

fn size(_: &Kernel) {
    put(get(24), 32);
}

fn redzone_after(_: &Kernel) {
    let at = get(24);
    // SAFETY: the red zone is there to be hit.
    unsafe { at.add(24).write(0) };
    put(at, 24);
}

fn redzone_before(_: &Kernel) {
    let at = get(24);
    // SAFETY: the red zone is there to be hit.
    unsafe { at.sub(1).write(0) };
    put(at, 24);
}

fn double_free(_: &Kernel) {
    let at = get(24);
    put(at, 24);
    put(at, 24);
}

fn bad_free(_: &Kernel) {
    put(0x7000 as *mut u8, 24);
}

fn inner_free(_: &Kernel) {
    put(get(64).wrapping_add(16), 48);
}

fn modified(_: &Kernel) {
    let at = get(100);
    put(at, 100);
    // SAFETY: freed memory is held back by the kernel.
    unsafe { at.add(97).write(1) };
}

fn flags(_: &Kernel) {
    // SAFETY: allocation has no preconditions.
    unsafe { kmem_alloc(8, 0x100) };
}

fn sleep_in_interrupt(kernel: &Kernel) {
    kernel.interrupt("device", || _ = get(8)).join();
}

fn nosleep_in_interrupt(kernel: &Kernel) {
    let body = || {
        // SAFETY: allocation has no preconditions.
        let at = unsafe { kmem_alloc(8, KM_NOSLEEP) };
        assert!(!at.is_null());
        put(at.cast(), 8);
    };
    kernel.interrupt("device", body).join();
}

fn sleep_under_nosleep(_: &Kernel) {
    // SAFETY: a mutex of this case.
    unsafe {
        let mp = leaked();
        mutex::no_sleep(mp);
        mutex_enter(mp);
        get(8);
    }
}

fn free_mutex(_: &Kernel) {
    // SAFETY: memory that the kernel handed out.
    unsafe {
        let at = kmem_zalloc(64, KM_SLEEP);
        mutex_enter(at.byte_add(16).cast());
        kmem_free(at, 64);
    }
}

fn free_mutex_left(_: &Kernel) {
    // SAFETY: memory that the kernel handed out.
    unsafe {
        let at = kmem_zalloc(64, KM_SLEEP);
        mutex_enter(at.byte_add(16).cast());
        mutex_exit(at.byte_add(16).cast());
        kmem_free(at, 64);
    }
}

fn free_cv(kernel: &Kernel) {
    let mp = Shared(leaked::<kmutex_t>());
    // SAFETY: memory that the kernel handed out.
    unsafe {
        let at = Shared(kmem_zalloc(64, KM_SLEEP));
        kernel.kthread("waiter", move || {
            mutex_enter(mp.get());
            cv_wait(at.get().cast(), mp.get());
        });
        kernel.settle();
        kmem_free(at.get(), 64);
    }
}

fn leak(_: &Kernel) {
    get(24);
}

fn baseline(_: &Kernel) {
    get(24);
    kmem::baseline();
}

fn leak_listed(_: &Kernel) {
    let at = get(24);
    let leaks = kmem::leaks();
    assert_eq!(leaks.len(), 1);
    assert_eq!((leaks[0].addr, leaks[0].size), (at as usize, 24));
    assert!(leaks[0].symbol.contains("strict::kmem::"), "{}", leaks[0]);
    put(at, 24);
    assert!(kmem::leaks().is_empty());
}

static MADE: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn construct(object: *mut c_void, private: *mut c_void, _: c_int) -> c_int {
    MADE.fetch_add(private as usize, SeqCst);
    // SAFETY: objects of this case have 40 bytes.
    unsafe { object.cast::<u64>().write(0x600d) };
    0
}

unsafe extern "C" fn destruct(object: *mut c_void, private: *mut c_void) {
    MADE.fetch_sub(private as usize, SeqCst);
    // SAFETY: objects of this case have 40 bytes.
    assert_eq!(unsafe { object.cast::<u64>().read() }, 0x600d);
}

fn make_cache() -> *mut kmem_cache_t {
    let name = c"test_cache".as_ptr().cast_mut();
    let (construct, destruct) = (Some(construct as _), Some(destruct as _));
    // SAFETY: the functions fit the size of the objects.
    unsafe {
        kmem_cache_create(
            name,
            40,
            64,
            construct,
            destruct,
            None,
            7 as *mut c_void,
            null_mut(),
            0,
        )
    }
}

fn cache(_: &Kernel) {
    let cp = make_cache();
    // SAFETY: the cache and its objects.
    unsafe {
        let objects: Vec<_> = (0..5).map(|_| kmem_cache_alloc(cp, KM_SLEEP)).collect();
        assert_eq!(MADE.load(SeqCst), 35);
        for object in objects {
            assert_eq!(object as usize % 64, 0);
            assert_eq!(object.cast::<u64>().read(), 0x600d);
            kmem_cache_free(cp, object);
        }
        kmem_cache_destroy(cp);
    }
    assert_eq!(MADE.load(SeqCst), 0);
}

fn keeps_constructed(_: &Kernel) {
    let cp = make_cache();
    // SAFETY: the cache and its objects.
    unsafe {
        let first = kmem_cache_alloc(cp, KM_SLEEP);
        kmem_cache_free(cp, first);
        assert_eq!(kmem_cache_alloc(cp, KM_SLEEP), first);
        assert_eq!(MADE.load(SeqCst), 7);
        kmem_cache_free(cp, first);
        kmem_cache_destroy(cp);
    }
}

fn cache_busy(_: &Kernel) {
    let cp = make_cache();
    // SAFETY: the cache and its objects.
    unsafe {
        kmem_cache_alloc(cp, KM_SLEEP);
        kmem_cache_destroy(cp);
    }
}

fn cache_destroyed(_: &Kernel) {
    let cp = make_cache();
    // SAFETY: the kernel looks at the cache first.
    unsafe {
        kmem_cache_destroy(cp);
        kmem_cache_alloc(cp, KM_SLEEP);
    }
}

fn cache_unknown(_: &Kernel) {
    // SAFETY: the kernel looks at the cache first.
    unsafe { kmem_cache_alloc(0x7000 as *mut _, KM_SLEEP) };
}

fn cache_free_elsewhere(_: &Kernel) {
    let (a, b) = (make_cache(), make_cache());
    // SAFETY: the kernel looks at the object first.
    unsafe { kmem_cache_free(b, kmem_cache_alloc(a, KM_SLEEP)) };
}

fn cache_kmem_free(_: &Kernel) {
    // SAFETY: the kernel looks at the object first.
    unsafe { kmem_free(kmem_cache_alloc(make_cache(), KM_SLEEP), 40) };
}

fn cache_double_free(_: &Kernel) {
    let cp = make_cache();
    // SAFETY: the kernel looks at the object first.
    unsafe {
        let object = kmem_cache_alloc(cp, KM_SLEEP);
        kmem_cache_free(cp, object);
        kmem_cache_free(cp, object);
    }
}

fn cache_redzone(_: &Kernel) {
    let cp = make_cache();
    // SAFETY: the red zone is there to be hit.
    unsafe {
        let object = kmem_cache_alloc(cp, KM_SLEEP);
        object.byte_add(41).cast::<u8>().write(0);
        kmem_cache_free(cp, object);
    }
}

fn counters(kernel: &Kernel) {
    let before = counter::mine();
    kernel.kthread("other", || put(get(8), 8)).join();
    assert_eq!(counter::mine().since(&before).get(Counter::KmemAlloc), 0);
    put(get(8), 8);
    let mine = counter::mine().since(&before);
    assert_eq!(mine.get(Counter::KmemAlloc), 1);
    assert_eq!(mine.get(Counter::KmemAllocBytes), 8);
    assert_eq!(kernel.counters().get(Counter::KmemFree), 2);
    assert_eq!(kernel.counters().get(Counter::KmemFreeBytes), 16);

    let cp = make_cache();
    let before = counter::mine();
    // SAFETY: the object goes back to its cache.
    unsafe { kmem_cache_free(cp, kmem_cache_alloc(cp, KM_SLEEP)) };
    let mine = counter::mine().since(&before);
    let (asked, freed) = (Counter::KmemAllocBytes, Counter::KmemFreeBytes);
    assert_eq!((mine.get(asked), mine.get(freed)), (40, 40));
}
