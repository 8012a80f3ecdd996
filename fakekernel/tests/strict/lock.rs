//! Rules of mutexes and of their order.

use std::ffi::c_void;
use std::ptr::null_mut;

use bindings::*;
use fakekernel::{Config, Kernel, Strict, mutex};

use crate::common::{Case, legal, strict, trips};
use crate::{Shared, leaked};

pub const CASES: &[Case] = &[
    legal("mutex.enter_exit", enter_exit),
    legal("mutex.zeroed_is_free", zeroed),
    legal("mutex.tryenter", tryenter),
    legal("mutex.contended", contended),
    trips("mutex.recursive", "mutex-recursive", recursive),
    trips("mutex.recursive_alone", "mutex-recursive", recursive_alone),
    trips("mutex.exit_free", "mutex-not-owner", exit_free),
    trips("mutex.exit_foreign", "mutex-not-owner", exit_foreign),
    trips("mutex.uninitialised", "mutex-uninit", uninitialised),
    legal("mutex.initialised_in_any_memory", initialised),
    trips("mutex.freed", "mutex-freed", freed),
    trips("mutex.enter_destroyed", "mutex-destroyed", enter_destroyed),
    trips("mutex.destroy_twice", "mutex-destroyed", destroy_twice),
    legal("mutex.init_after_destroy", init_after_destroy),
    trips("mutex.destroy_held", "mutex-destroy-held", destroy_held),
    trips("mutex.init_held", "mutex-init-held", init_held),
    trips("mutex.corrupt", "mutex-corrupt", corrupt),
    trips("mutex.null", "mutex-corrupt", null),
    trips("mutex.spin", "mutex-spin", spin),
    trips("lock_order.two", "lock-order", order_two),
    trips("lock_order.three", "lock-order", order_three),
    legal("lock_order.same", order_same),
    legal("lock_order.tryenter", order_tryenter),
    legal("lock_order.destroyed", order_destroyed),
    legal("lock_order.off", order_two).on(|| Config {
        strict: Strict {
            lock_order: false,
            ..Strict::default()
        },
        ..strict()
    }),
];

fn make() -> *mut kmutex_t {
    let mp = leaked();
    // SAFETY: memory for a mutex.
    unsafe { mutex_init(mp, null_mut(), MUTEX_DEFAULT, null_mut()) };
    mp
}

fn in_other_thread(kernel: &Kernel, mp: *mut kmutex_t, body: unsafe extern "C" fn(*mut kmutex_t)) {
    let mp = Shared(mp);
    // SAFETY: a mutex that lives for ever.
    kernel
        .kthread("other", move || unsafe { body(mp.get()) })
        .join();
}

fn enter_exit(_: &Kernel) {
    let mp = make();
    // SAFETY: a mutex of this case.
    unsafe {
        mutex_enter(mp);
        assert_eq!(mutex_owned(mp), 1);
        assert_eq!(*mp.cast::<usize>() & !63, bindings::asm::threadp() as usize);
        mutex_exit(mp);
        assert_eq!(mutex_owned(mp), 0);
        mutex_destroy(mp);
    }
}

fn zeroed(_: &Kernel) {
    let mp = leaked();
    // SAFETY: a mutex of this case.
    unsafe {
        mutex_enter(mp);
        mutex_exit(mp);
        mutex_destroy(mp);
    }
}

fn tryenter(kernel: &Kernel) {
    let mp = Shared(make());
    // SAFETY: a mutex of this case.
    unsafe {
        assert_eq!(mutex_tryenter(mp.get()), 1);
        assert_eq!(mutex_tryenter(mp.get()), 0);
        let other = move || assert_eq!(mutex_tryenter(mp.get()), 0);
        kernel.kthread("other", other).join();
        mutex_exit(mp.get());
        assert_eq!(mutex_tryenter(mp.get()), 1);
        mutex_exit(mp.get());
    }
}

fn contended(kernel: &Kernel) {
    struct Counted {
        mutex: kmutex_t,
        n: usize,
    }
    let counted = Shared(leaked::<Counted>());
    let body = move || {
        for _ in 0..20_000 {
            // SAFETY: the counter is guarded by the mutex beside it.
            unsafe {
                let c = counted.get();
                mutex_enter(&raw mut (*c).mutex);
                (*c).n += 1;
                mutex_exit(&raw mut (*c).mutex);
            }
        }
    };
    let threads: Vec<_> = (0..4).map(|_| kernel.kthread("counter", body)).collect();
    threads.into_iter().for_each(|t| t.join());
    // SAFETY: nobody else is left.
    assert_eq!(unsafe { (*counted.get()).n }, 80_000);
}

fn recursive(_: &Kernel) {
    let (a, b) = (make(), make());
    // SAFETY: mutexes of this case.
    unsafe {
        mutex_enter(a);
        mutex_enter(b);
        mutex_enter(a);
    }
}

fn recursive_alone(_: &Kernel) {
    let mp = leaked();
    // SAFETY: a mutex of this case.
    unsafe {
        mutex_enter(mp);
        mutex_enter(mp);
    }
}

fn exit_free(_: &Kernel) {
    // SAFETY: a mutex of this case.
    unsafe { mutex_exit(make()) };
}

fn exit_foreign(kernel: &Kernel) {
    let mp = make();
    // SAFETY: a mutex of this case.
    unsafe { mutex_enter(mp) };
    in_other_thread(kernel, mp, mutex_exit);
}

fn uninitialised(_: &Kernel) {
    // SAFETY: memory that the kernel handed out.
    unsafe { mutex_enter(kmem_alloc(8, KM_SLEEP).cast()) };
}

fn initialised(_: &Kernel) {
    // SAFETY: memory that the kernel handed out.
    unsafe {
        let mp = kmem_alloc(8, KM_SLEEP).cast();
        mutex_init(mp, null_mut(), MUTEX_DEFAULT, null_mut());
        mutex_enter(mp);
        mutex_exit(mp);
        mutex_destroy(mp);
        kmem_free(mp.cast(), 8);
    }
}

fn freed(_: &Kernel) {
    // SAFETY: freed memory is held back by the kernel, so it can be touched.
    unsafe {
        let mp: *mut kmutex_t = kmem_zalloc(8, KM_SLEEP).cast();
        mutex_enter(mp);
        mutex_exit(mp);
        kmem_free(mp.cast(), 8);
        mutex_enter(mp);
    }
}

fn enter_destroyed(_: &Kernel) {
    let mp = make();
    // SAFETY: a mutex of this case.
    unsafe {
        mutex_destroy(mp);
        mutex_enter(mp);
    }
}

fn destroy_twice(_: &Kernel) {
    let mp = make();
    // SAFETY: a mutex of this case.
    unsafe {
        mutex_destroy(mp);
        mutex_destroy(mp);
    }
}

fn init_after_destroy(_: &Kernel) {
    let mp = make();
    // SAFETY: a mutex of this case.
    unsafe {
        mutex_destroy(mp);
        mutex_init(mp, null_mut(), MUTEX_DEFAULT, null_mut());
        mutex_enter(mp);
        mutex_exit(mp);
    }
}

fn destroy_held(_: &Kernel) {
    let mp = make();
    // SAFETY: a mutex of this case.
    unsafe {
        mutex_enter(mp);
        mutex_destroy(mp);
    }
}

fn init_held(_: &Kernel) {
    let mp = make();
    // SAFETY: a mutex of this case.
    unsafe {
        mutex_enter(mp);
        mutex_init(mp, null_mut(), MUTEX_DEFAULT, null_mut());
    }
}

fn corrupt(_: &Kernel) {
    let mp: *mut kmutex_t = make();
    // SAFETY: a mutex of this case, overwritten on purpose.
    unsafe {
        mp.cast::<u64>().write(0x1234_5600);
        mutex_enter(mp);
    }
}

fn null(_: &Kernel) {
    // SAFETY: the address is looked at before it is used.
    unsafe { mutex_enter(null_mut()) };
}

fn spin(_: &Kernel) {
    // SAFETY: memory for a mutex.
    unsafe { mutex_init(leaked(), null_mut(), MUTEX_SPIN, null_mut::<c_void>()) };
}

fn nest(locks: &[*mut kmutex_t]) {
    // SAFETY: mutexes of this case.
    unsafe {
        locks.iter().for_each(|&mp| mutex_enter(mp));
        locks.iter().rev().for_each(|&mp| mutex_exit(mp));
    }
}

fn order_two(_: &Kernel) {
    let (a, b) = (make(), make());
    // SAFETY: a mutex of this case.
    unsafe { mutex::set_name(a, "the first lock") };
    nest(&[a, b]);
    nest(&[b, a]);
}

fn order_three(_: &Kernel) {
    let (a, b, c) = (make(), make(), make());
    nest(&[a, b]);
    nest(&[b, c]);
    nest(&[c, a]);
}

fn order_same(_: &Kernel) {
    let (a, b, c) = (make(), make(), make());
    for _ in 0..3 {
        nest(&[a, b, c]);
        nest(&[a, c]);
        nest(&[b, c]);
    }
}

fn order_tryenter(_: &Kernel) {
    let (a, b) = (make(), make());
    nest(&[a, b]);
    // SAFETY: mutexes of this case; a try cannot deadlock.
    unsafe {
        mutex_enter(b);
        assert_eq!(mutex_tryenter(a), 1);
        mutex_exit(a);
        mutex_exit(b);
    }
}

fn order_destroyed(_: &Kernel) {
    let (a, b) = (make(), make());
    nest(&[a, b]);
    // SAFETY: a mutex of this case, free.
    unsafe {
        mutex_destroy(b);
        mutex_init(b, null_mut(), MUTEX_DEFAULT, null_mut());
    }
    nest(&[b, a]);
}
