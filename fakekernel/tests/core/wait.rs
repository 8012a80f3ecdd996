//! Waits on condition variables: results, deadlines, order, the wall clock.

use std::sync::Mutex;

use bindings::*;
use fakekernel::counter::Counter;
use fakekernel::{Clock, Config, CvOrder, Kernel, sched};

use crate::Monitor;
use crate::common::{Case, legal, strict};

pub const CASES: &[Case] = &[
    legal("wait.timeout", timeout),
    legal("wait.timeout_over", timeout_over),
    legal("wait.for_ever", for_ever),
    legal("wait.signal_before_timeout", signal_before_timeout),
    legal("wait.signal_passed_on", signal_passed_on).on(|| Config {
        clock: Clock::Real,
        ..strict()
    }),
    legal("wait.ticks", ticks),
    legal("wait.fifo", fifo),
    legal("wait.random_order", random_order).on(|| Config {
        cv_order: CvOrder::Random,
        ..strict()
    }),
    legal("wait.real_timeout", timeout_real).on(|| Config {
        clock: Clock::Real,
        ..strict()
    }),
    legal("wall.until", wall_until),
    legal("wall.at_least_a_tick", wall_tick),
    legal("wall.past", wall_past),
    legal("wall.null", wall_null),
    legal("wall.step_ends_wait", wall_step),
    legal("wall.stale_timecheck", wall_stale),
    legal("wait.ping_pong", ping_pong),
    legal("wait.ping_pong_real", ping_pong).on(|| Config {
        clock: Clock::Real,
        ..strict()
    }),
];

fn now() -> i64 {
    // SAFETY: no preconditions.
    unsafe { gethrtime() }
}

fn timeout(kernel: &Kernel) {
    let m = Monitor::new();
    for ns in [1, 999, 1_000_000_000_000_000] {
        let before = now();
        assert_eq!(m.wait_for(ns), -1);
        assert_eq!(now() - before, ns);
    }
    assert_eq!(kernel.counters().get(Counter::CvTimeout), 3);
}

fn timeout_over(kernel: &Kernel) {
    let m = Monitor::new();
    assert_eq!(m.wait_for(0), -1);
    assert_eq!(m.wait_for(-5), -1);
    assert_eq!(kernel.counters().get(Counter::Switch), 0);
}

fn for_ever(kernel: &Kernel) {
    let m = Monitor::new();
    let waiter = kernel.kthread("waiter", move || {
        // SAFETY: the monitor's own; -1 is no deadline.
        let woken = m.with(|_| unsafe { cv_timedwait_sig_hrtime(m.cv(), m.mutex(), -1) });
        assert_eq!(woken, 1);
    });
    let far = kernel.kthread("far", move || {
        // SAFETY: the monitor's own.
        let woken = m.with(|_| unsafe { cv_timedwait_sig_hrtime(m.cv(), m.mutex(), i64::MAX) });
        assert_eq!(woken, 1);
    });
    kernel.settle();
    m.signal();
    m.signal();
    waiter.join();
    far.join();
}

fn signal_before_timeout(kernel: &Kernel) {
    let m = Monitor::new();
    let waiter = kernel.kthread("waiter", move || assert_eq!(m.wait_for(1_000), 1));
    sched::sleep(999);
    m.signal();
    waiter.join();
    assert_eq!(kernel.counters().get(Counter::CvWakeup), 1);
}

/// A wakeup that comes together with the deadline is not lost: it wakes the
/// waiter behind. If it did not, that one would wait for ever, which is a
/// deadlock.
fn signal_passed_on(kernel: &Kernel) {
    for n in 0..400 {
        let m = Monitor::new();
        let until = now() + 2_000_000;
        let timed = kernel.kthread("timed", move || {
            // SAFETY: the monitor's own.
            let wait = |_: &mut usize| unsafe { cv_timedwait_sig_hrtime(m.cv(), m.mutex(), until) };
            let woken = m.with(wait) == 1;
            m.with(|n| *n = usize::from(woken));
        });
        kernel.settle();
        let patient = kernel.kthread("patient", move || assert_eq!(m.wait_sig(), 1));
        kernel.settle();
        // Somewhere in this range of times the two meet.
        while now() < until - 60_000 + n * 300 {
            std::hint::spin_loop();
        }
        m.signal();
        timed.join();
        if m.with(|n| *n) == 1 {
            m.signal();
        }
        patient.join();
    }
}

fn ticks(_: &Kernel) {
    let m = Monitor::new();
    let before = now();
    // SAFETY: the monitor's own.
    let result = m.with(|_| unsafe {
        let lbolt = fakekernel::time::ddi_get_lbolt();
        cv_timedwait_sig(m.cv(), m.mutex(), lbolt + 3)
    });
    assert_eq!((result, now() - before), (-1, 30_000_000));
}

fn waiters_in_order(kernel: &Kernel) -> Vec<usize> {
    static WOKEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let m = Monitor::new();
    for n in 0..16 {
        kernel.kthread("waiter", move || {
            assert_eq!(m.wait_sig(), 1);
            WOKEN.lock().unwrap().push(n);
        });
        kernel.settle();
    }
    for _ in 0..16 {
        m.signal();
        kernel.settle();
    }
    WOKEN.lock().unwrap().clone()
}

fn fifo(kernel: &Kernel) {
    assert_eq!(waiters_in_order(kernel), (0..16).collect::<Vec<_>>());
}

fn random_order(kernel: &Kernel) {
    let mut order = waiters_in_order(kernel);
    assert_ne!(order, (0..16).collect::<Vec<_>>());
    order.sort_unstable();
    assert_eq!(order, (0..16).collect::<Vec<_>>());
}

fn timeout_real(_: &Kernel) {
    let m = Monitor::new();
    let before = now();
    assert_eq!(m.wait_for(20_000_000), -1);
    assert!(now() - before >= 20_000_000);
}

fn wall() -> timespec_t {
    let mut t = timespec_t {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: memory for a timespec.
    unsafe { gethrestime(&mut t) };
    t
}

fn check() -> i32 {
    fakekernel::time::timechanged.load(std::sync::atomic::Ordering::SeqCst)
}

fn until(m: Monitor, when: timespec_t, timecheck: i32) -> i32 {
    let mut when = when;
    // SAFETY: the monitor's own, and a timespec.
    m.with(|_| unsafe { cv_waituntil_sig(m.cv(), m.mutex(), &mut when, timecheck) })
}

fn later(seconds: i64, ns: i64) -> timespec_t {
    let t = wall();
    timespec_t {
        tv_sec: t.tv_sec + seconds,
        tv_nsec: t.tv_nsec + ns,
    }
}

fn wall_until(_: &Kernel) {
    let before = now();
    assert_eq!(until(Monitor::new(), later(2, 7), check()), -1);
    assert_eq!(now() - before, 2_000_000_007);
}

fn wall_tick(_: &Kernel) {
    let before = now();
    assert_eq!(until(Monitor::new(), later(0, 1), check()), -1);
    assert_eq!(now() - before, 10_000_000);
}

fn wall_past(_: &Kernel) {
    let before = now();
    assert_eq!(until(Monitor::new(), later(0, 0), check()), -1);
    assert_eq!(until(Monitor::new(), later(-9, 0), check()), -1);
    assert_eq!(now(), before);
}

fn wall_null(kernel: &Kernel) {
    let m = Monitor::new();
    let waiter = kernel.kthread("waiter", move || {
        // SAFETY: the monitor's own; NULL is no deadline.
        let woken = m.with(|_| unsafe {
            cv_waituntil_sig(m.cv(), m.mutex(), std::ptr::null_mut(), check())
        });
        assert_eq!(woken, 1);
    });
    kernel.settle();
    kernel.step_wall_clock(1 << 60);
    m.signal();
    waiter.join();
}

fn wall_step(kernel: &Kernel) {
    for step in [-3_600_000_000_000, 1_000_000_000] {
        let m = Monitor::new();
        let before = now();
        let waiter = kernel.kthread("waiter", move || {
            // The kernel gives such a wait up even if time went backwards.
            assert_eq!(until(m, later(100, 0), check()), -1);
        });
        kernel.settle();
        kernel.step_wall_clock(step);
        waiter.join();
        assert_eq!(now(), before);
    }
}

fn wall_stale(kernel: &Kernel) {
    let stale = check();
    kernel.step_wall_clock(5);
    let before = now();
    assert_eq!(until(Monitor::new(), later(100, 0), stale), -1);
    assert_eq!(now(), before);
}

fn ping_pong(kernel: &Kernel) {
    let m = Monitor::new();
    let player = move |parity: usize| {
        move || {
            for _ in 0..500 {
                m.with(|_| {
                    // SAFETY: the monitor's own; the number is read and written
                    // with its mutex held.
                    unsafe {
                        let n = &raw mut (*m.0).n;
                        while n.read_volatile() % 2 != parity {
                            cv_wait(m.cv(), m.mutex());
                        }
                        n.write_volatile(n.read_volatile() + 1);
                        cv_broadcast(m.cv());
                    }
                });
            }
        }
    };
    let (a, b) = (
        kernel.kthread("ping", player(0)),
        kernel.kthread("pong", player(1)),
    );
    a.join();
    b.join();
    assert_eq!(m.with(|n| *n), 1000);
}
