//! Rules of condition variables and of sleeping.

use std::ptr::null_mut;

use bindings::*;
use fakekernel::{Clock, Config, Kernel, Strict, mutex};

use crate::common::{Case, legal, strict, trips};
use crate::{Shared, leaked};

pub const CASES: &[Case] = &[
    legal("cv.wait_signal", wait_signal),
    legal("cv.broadcast", broadcast),
    legal("cv.signal_nobody", signal_nobody),
    trips("cv.no_mutex", "cv-no-mutex", no_mutex),
    trips("cv.two_mutexes", "cv-two-mutexes", two_mutexes),
    trips("cv.uninitialised", "cv-uninit", uninitialised),
    trips("cv.freed", "cv-freed", freed),
    trips("cv.corrupt", "cv-corrupt", corrupt),
    trips(
        "cv.destroy_with_waiters",
        "cv-destroy-waiters",
        destroy_with_waiters,
    ),
    trips("cv.init_with_waiters", "cv-init-waiters", init_with_waiters),
    legal("cv.init_destroy", init_destroy),
    trips("sleep.interrupt", "sleep-interrupt", sleep_interrupt),
    legal("sleep.interrupt_may_signal", interrupt_signals),
    trips("sleep.nosleep_mutex", "sleep-nosleep", sleep_nosleep),
    legal("sleep.nosleep_mutex_may_signal", nosleep_signals),
    trips("deadlock.cv", "deadlock", deadlock_cv),
    trips("deadlock.mutexes", "deadlock", deadlock_mutexes).on(|| Config {
        strict: Strict {
            lock_order: false,
            ..Strict::default()
        },
        ..strict()
    }),
    trips("deadlock.real_clock_end", "deadlock", deadlock_end).on(|| Config {
        clock: Clock::Real,
        ..strict()
    }),
    trips("deadlock.real_clock", "deadlock", deadlock_cv).on(|| Config {
        clock: Clock::Real,
        ..strict()
    }),
];

/// A flag with its mutex and condition variable.
struct Flag {
    mutex: kmutex_t,
    cv: kcondvar_t,
    up: bool,
}

#[derive(Clone, Copy)]
struct Shown(Shared<Flag>);

impl Shown {
    fn new() -> Shown {
        Shown(Shared(leaked()))
    }

    fn mutex(self) -> *mut kmutex_t {
        // SAFETY: only the address of a field is taken.
        unsafe { &raw mut (*self.0.get()).mutex }
    }

    fn cv(self) -> *mut kcondvar_t {
        // SAFETY: only the address of a field is taken.
        unsafe { &raw mut (*self.0.get()).cv }
    }

    fn wait(self) {
        // SAFETY: the flag is guarded by its mutex.
        unsafe {
            mutex_enter(self.mutex());
            while !(*self.0.get()).up {
                cv_wait(self.cv(), self.mutex());
            }
            mutex_exit(self.mutex());
        }
    }

    fn raise(self, wake: unsafe extern "C" fn(*mut kcondvar_t)) {
        // SAFETY: the flag is guarded by its mutex.
        unsafe {
            mutex_enter(self.mutex());
            (*self.0.get()).up = true;
            wake(self.cv());
            mutex_exit(self.mutex());
        }
    }

    fn waiter(self, kernel: &Kernel) -> fakekernel::thread::Handle {
        let waiter = kernel.kthread("waiter", move || self.wait());
        kernel.settle();
        waiter
    }
}

fn wait_signal(kernel: &Kernel) {
    let flag = Shown::new();
    let waiter = flag.waiter(kernel);
    flag.raise(cv_signal);
    waiter.join();
}

fn broadcast(kernel: &Kernel) {
    let flag = Shown::new();
    let waiters: Vec<_> = (0..5).map(|_| flag.waiter(kernel)).collect();
    flag.raise(cv_broadcast);
    waiters.into_iter().for_each(|w| w.join());
}

fn signal_nobody(_: &Kernel) {
    let flag = Shown::new();
    flag.raise(cv_signal);
    flag.raise(cv_broadcast);
    flag.wait();
}

fn no_mutex(_: &Kernel) {
    let flag = Shown::new();
    // SAFETY: objects of this case.
    unsafe { cv_wait(flag.cv(), flag.mutex()) };
}

fn two_mutexes(kernel: &Kernel) {
    let flag = Shown::new();
    flag.waiter(kernel);
    let other = leaked();
    // SAFETY: objects of this case.
    unsafe {
        mutex_enter(other);
        cv_wait(flag.cv(), other);
    }
}

fn uninitialised(_: &Kernel) {
    let mp = leaked();
    // SAFETY: memory that the kernel handed out.
    unsafe {
        let cvp = kmem_alloc(size_of::<kcondvar_t>(), KM_SLEEP).cast();
        mutex_enter(mp);
        cv_wait(cvp, mp);
    }
}

fn freed(_: &Kernel) {
    // SAFETY: freed memory is held back by the kernel, so it can be touched.
    unsafe {
        let cvp = kmem_zalloc(size_of::<kcondvar_t>(), KM_SLEEP);
        kmem_free(cvp, size_of::<kcondvar_t>());
        cv_signal(cvp.cast());
    }
}

fn corrupt(_: &Kernel) {
    let flag = Shown::new();
    // SAFETY: overwritten on purpose.
    unsafe {
        flag.cv().cast::<u16>().write(3);
        cv_signal(flag.cv());
    }
}

fn destroy_with_waiters(kernel: &Kernel) {
    let flag = Shown::new();
    flag.waiter(kernel);
    // SAFETY: an object of this case.
    unsafe { cv_destroy(flag.cv()) };
}

fn init_with_waiters(kernel: &Kernel) {
    let flag = Shown::new();
    flag.waiter(kernel);
    // SAFETY: an object of this case.
    unsafe { cv_init(flag.cv(), null_mut(), CV_DEFAULT, null_mut()) };
}

fn init_destroy(kernel: &Kernel) {
    let flag = Shown::new();
    // SAFETY: objects of this case.
    unsafe { cv_init(flag.cv(), null_mut(), CV_DEFAULT, null_mut()) };
    let waiter = flag.waiter(kernel);
    flag.raise(cv_signal);
    waiter.join();
    // SAFETY: nobody waits any more.
    unsafe { cv_destroy(flag.cv()) };
}

fn sleep_interrupt(kernel: &Kernel) {
    let flag = Shown::new();
    kernel.interrupt("device", move || flag.wait()).join();
}

fn interrupt_signals(kernel: &Kernel) {
    let flag = Shown::new();
    let waiter = flag.waiter(kernel);
    kernel
        .interrupt("device", move || flag.raise(cv_signal))
        .join();
    waiter.join();
}

fn sleep_nosleep(_: &Kernel) {
    let flag = Shown::new();
    // SAFETY: mutexes of this case.
    unsafe {
        let pollhead = leaked();
        mutex::no_sleep(pollhead);
        mutex_enter(pollhead);
        flag.wait();
    }
}

fn nosleep_signals(kernel: &Kernel) {
    let flag = Shown::new();
    let waiter = flag.waiter(kernel);
    // SAFETY: mutexes of this case.
    unsafe {
        let pollhead = leaked();
        mutex::no_sleep(pollhead);
        mutex_enter(pollhead);
        flag.raise(cv_signal);
        mutex_exit(pollhead);
        // The mark outlives the holding.
        mutex_enter(pollhead);
        mutex_exit(pollhead);
    }
    waiter.join();
    flag.wait();
}

fn deadlock_cv(_: &Kernel) {
    Shown::new().wait();
}

/// The last thread to run is one that ends.
fn deadlock_end(kernel: &Kernel) {
    kernel.kthread("ending", || {
        std::thread::sleep(std::time::Duration::from_millis(50))
    });
    Shown::new().wait();
}

fn deadlock_mutexes(kernel: &Kernel) {
    let (a, b) = (Shared(leaked::<kmutex_t>()), Shared(leaked::<kmutex_t>()));
    // SAFETY: mutexes of this case.
    unsafe {
        mutex_enter(a.get());
        kernel.kthread("other", move || {
            mutex_enter(b.get());
            mutex_enter(a.get());
        });
        kernel.settle();
        mutex_enter(b.get());
    }
}
