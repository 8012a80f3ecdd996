//! The virtual clock, settling, the random numbers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use bindings::*;
use fakekernel::{Clock, Config, Kernel, sched};

use crate::Monitor;
use crate::common::{Case, legal, strict};

pub const CASES: &[Case] = &[
    legal("clock.virtual_stands", stands),
    legal("clock.virtual_jumps", jumps),
    legal("clock.order_of_deadlines", order_of_deadlines),
    legal("clock.same_deadline", same_deadline),
    legal("clock.real_runs", real_runs).on(real),
    legal("clock.wall", wall),
    legal("clock.timespecadd", add),
    legal("settle.others_blocked", others_blocked),
    legal("settle.time_stands", time_stands),
    legal("settle.real_clock", others_blocked).on(real),
    legal("settle.two_settlers", two_settlers),
    legal("sched.permit_is_kept", permit),
    legal("sched.yield_points", yields).on(|| Config {
        yield_chance: 0.5,
        ..strict()
    }),
    legal("sched.random_is_seeded", seeded).on(|| Config {
        seed: 42,
        ..strict()
    }),
];

fn real() -> Config {
    Config {
        clock: Clock::Real,
        ..strict()
    }
}

fn now() -> i64 {
    // SAFETY: no preconditions.
    unsafe { gethrtime() }
}

fn stands(_: &Kernel) {
    let before = now();
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(now(), before);
}

fn jumps(_: &Kernel) {
    let (before, host) = (now(), Instant::now());
    sched::sleep(3_600_000_000_000);
    assert_eq!(now() - before, 3_600_000_000_000);
    assert!(host.elapsed() < Duration::from_secs(60));
}

fn order_of_deadlines(kernel: &Kernel) {
    static SEEN: Mutex<Vec<(i64, i64)>> = Mutex::new(Vec::new());
    let start = now();
    for ms in [30, 10, 20] {
        kernel.kthread("sleeper", move || {
            sched::sleep(ms * 1_000_000);
            SEEN.lock().unwrap().push((ms, now() - start));
        });
    }
    sched::sleep(100_000_000);
    let expected = [(10, 10_000_000), (20, 20_000_000), (30, 30_000_000)];
    assert_eq!(*SEEN.lock().unwrap(), expected);
}

fn same_deadline(kernel: &Kernel) {
    static DONE: AtomicUsize = AtomicUsize::new(0);
    let when = now() + 5;
    for _ in 0..8 {
        kernel.kthread("sleeper", move || {
            sched::sleep_until(when);
            assert_eq!(now(), when);
            DONE.fetch_add(1, SeqCst);
        });
    }
    sched::sleep(6);
    assert_eq!(DONE.load(SeqCst), 8);
}

fn real_runs(_: &Kernel) {
    let (before, host) = (now(), Instant::now());
    sched::sleep(20_000_000);
    assert!(now() - before >= 20_000_000);
    assert!(host.elapsed() >= Duration::from_millis(20));
}

fn wall(kernel: &Kernel) {
    let get = || {
        let mut t = timespec_t {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: memory for a timespec.
        unsafe { gethrestime(&mut t) };
        (t.tv_sec, t.tv_nsec)
    };
    assert_eq!(get(), (1_735_689_600, 0));
    sched::sleep(1_500_000_000);
    assert_eq!(get(), (1_735_689_601, 500_000_000));
    let changed = fakekernel::time::timechanged.load(SeqCst);
    let before = now();
    kernel.step_wall_clock(-3_600_000_000_000);
    assert_eq!(get(), (1_735_686_001, 500_000_000));
    assert_eq!(now(), before);
    assert_ne!(fakekernel::time::timechanged.load(SeqCst), changed);
}

fn add(_: &Kernel) {
    let mut a = timespec_t {
        tv_sec: 1,
        tv_nsec: 700_000_000,
    };
    let mut b = timespec_t {
        tv_sec: 2,
        tv_nsec: 600_000_000,
    };
    // SAFETY: two timespecs.
    unsafe { timespecadd(&mut a, &mut b) };
    assert_eq!((a.tv_sec, a.tv_nsec), (4, 300_000_000));
}

fn others_blocked(kernel: &Kernel) {
    static STEPS: AtomicUsize = AtomicUsize::new(0);
    let m = Monitor::new();
    let worker = kernel.kthread("worker", move || {
        for _ in 0..1000 {
            std::thread::yield_now();
            STEPS.fetch_add(1, SeqCst);
        }
        // SAFETY: the monitor's own.
        m.with(|_| unsafe { cv_wait(m.cv(), m.mutex()) });
        STEPS.fetch_add(1, SeqCst);
    });
    kernel.settle();
    assert_eq!(STEPS.load(SeqCst), 1000);
    m.signal();
    kernel.settle();
    assert_eq!(STEPS.load(SeqCst), 1001);
    worker.join();
    kernel.settle();
}

fn time_stands(kernel: &Kernel) {
    let before = now();
    let sleeper = kernel.kthread("sleeper", || sched::sleep(1_000));
    kernel.settle();
    assert_eq!(now(), before);
    sleeper.join();
    assert_eq!(now(), before + 1_000);
}

fn two_settlers(kernel: &Kernel) {
    let other = kernel.kthread("other", || sched::get().settle());
    kernel.settle();
    other.join();
}

fn permit(_: &Kernel) {
    let sched = sched::get();
    let wait = sched::Wait::new(sched::WaitKind::Event, 0);
    sched.wake(sched.current());
    sched.wake(sched.current());
    assert_eq!(sched.block(wait, None), sched::Woken::Permit);
    // Permits do not add up: only the deadline ends this one.
    assert_eq!(sched.block(wait, Some(now() + 5)), sched::Woken::Timeout);
}

fn yields(kernel: &Kernel) {
    let m = Monitor::new();
    let body = move || (0..500).for_each(|_| m.with(|n| *n += 1));
    let threads: Vec<_> = (0..4).map(|_| kernel.kthread("adder", body)).collect();
    threads.into_iter().for_each(|t| t.join());
    assert_eq!(m.with(|n| *n), 2000);
}

fn seeded(kernel: &Kernel) {
    // The numbers depend on the seed and on the order of creation only, so
    // these are the same in every run.
    let mine = sched::get().random();
    static THEIRS: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    kernel
        .kthread("other", || {
            THEIRS.lock().unwrap().push(sched::get().random())
        })
        .join();
    let again = |id: u64| {
        let seed = 42 ^ id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        fastrand::Rng::with_seed(seed).u64(..)
    };
    assert_eq!((mine, THEIRS.lock().unwrap()[0]), (again(0), again(1)));
}
