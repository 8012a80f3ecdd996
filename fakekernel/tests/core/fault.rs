//! Injected faults: by count, by chance, reproducible.

use std::ptr::null_mut;

use bindings::*;
use fakekernel::counter::Counter;
use fakekernel::fault::{self, Fault, FaultRule, When, arm, disarm};
use fakekernel::proc::{self, ProcInit};
use fakekernel::{Config, Kernel, signal, thread};

use crate::Monitor;
use crate::common::{Case, legal, strict};

pub const CASES: &[Case] = &[
    legal("fault.nth", nth),
    legal("fault.every", every),
    legal("fault.first", first),
    legal("fault.always_until_disarmed", always),
    legal("fault.armed_by_config", nth_of_config).on(|| Config {
        faults: vec![FaultRule::new(Fault::KmemNosleep, When::Nth(2))],
        ..strict()
    }),
    legal("fault.chance", chance),
    legal("fault.chance_is_seeded", chance_of_seed_7).on(|| Config {
        seed: 7,
        ..strict()
    }),
    legal("fault.not_km_sleep", not_km_sleep),
    legal("fault.spurious_wakeup", spurious),
    legal("fault.signal_at_sleep", signal_at_sleep),
];

/// Which of `n` KM_NOSLEEP allocations fail.
fn failing(n: u64) -> Vec<u64> {
    let fails = |_: &u64| {
        // SAFETY: allocation has no preconditions; the buffer is freed.
        unsafe {
            let at = kmem_alloc(8, KM_NOSLEEP);
            if !at.is_null() {
                kmem_free(at, 8);
            }
            at.is_null()
        }
    };
    (1..=n).filter(fails).collect()
}

fn nth(_: &Kernel) {
    arm(FaultRule::new(Fault::KmemNosleep, When::Nth(3)));
    assert_eq!(failing(10), [3]);
    assert_eq!(
        (
            fault::calls(Fault::KmemNosleep),
            fault::fired(Fault::KmemNosleep)
        ),
        (10, 1)
    );
    arm(FaultRule::new(Fault::KmemNosleep, When::Nth(1)));
    assert_eq!(failing(10), [1]);
}

fn every(_: &Kernel) {
    arm(FaultRule::new(Fault::KmemNosleep, When::Every(4)));
    assert_eq!(failing(10), [4, 8]);
}

fn first(_: &Kernel) {
    arm(FaultRule::new(Fault::KmemNosleep, When::First(2)));
    assert_eq!(failing(10), [1, 2]);
}

fn always(_: &Kernel) {
    arm(FaultRule::new(Fault::KmemNosleep, When::Always));
    assert_eq!(failing(3), [1, 2, 3]);
    disarm(Fault::KmemNosleep);
    assert_eq!(failing(3), []);
}

fn nth_of_config(_: &Kernel) {
    assert_eq!(failing(5), [2]);
}

fn by_chance() -> Vec<u64> {
    arm(FaultRule::new(Fault::KmemNosleep, When::Chance(0.25)));
    failing(400)
}

fn chance(_: &Kernel) {
    let once = by_chance();
    assert!((60..140).contains(&once.len()), "{}", once.len());
    assert_eq!(by_chance(), once, "armed again, the same calls fail");
}

/// The same seed fails the same calls in every run, another seed others.
fn chance_of_seed_7(_: &Kernel) {
    let of_seed = |seed: u64| {
        let fails = |n: &u64| {
            let place = 0x9e37_79b9_7f4a_7c15_u64;
            let call = n.wrapping_mul(0xd6e8_feb8_6659_fd93);
            fastrand::Rng::with_seed(seed ^ place ^ call).f64() < 0.25
        };
        (1..=400).filter(fails).collect::<Vec<u64>>()
    };
    assert_eq!(by_chance(), of_seed(7));
    assert_ne!(of_seed(7), of_seed(8));
}

fn not_km_sleep(_: &Kernel) {
    arm(FaultRule::new(Fault::KmemNosleep, When::Always));
    // SAFETY: allocation has no preconditions; the buffer is freed.
    unsafe { kmem_free(kmem_alloc(8, KM_SLEEP), 8) };
}

fn spurious(kernel: &Kernel) {
    let m = Monitor::new();
    arm(FaultRule::new(Fault::Spurious, When::First(2)));
    assert_eq!(m.wait_sig(), 1);
    // SAFETY: the monitor's own.
    m.with(|_| unsafe { cv_wait(m.cv(), m.mutex()) });
    assert_eq!(m.wait_for(5), -1, "the third wait is not touched");
    assert_eq!(kernel.counters().get(Counter::CvSpurious), 2);
}

fn signal_at_sleep(_: &Kernel) {
    let m = Monitor::new();
    let p = proc::create(ProcInit {
        parent: Some(proc::proc0()),
        model: DATAMODEL_LP64 as model_t,
        cred: null_mut(),
        task: null_mut(),
        rctls: null_mut(),
    });
    arm(FaultRule::new(Fault::SignalSleep, When::Nth(2)));
    thread::as_lwp(p, || {
        assert_eq!(m.wait_for(5), -1);
        assert_eq!(m.wait_for(5), 0);
        assert_eq!(signal::psig(thread::current()), [SIGINT]);
        assert_eq!(m.wait_for(5), -1);
    });
}
