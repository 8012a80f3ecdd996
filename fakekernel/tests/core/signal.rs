//! Signals and what they do to waits.

use std::ptr::null_mut;

use bindings::*;
use fakekernel::counter::Counter;
use fakekernel::proc::{self, Proc, ProcInit};
use fakekernel::thread::{self, Handle, Kind};
use fakekernel::{Kernel, signal};

use crate::Monitor;
use crate::common::{Case, legal};

pub const CASES: &[Case] = &[
    legal("signal.ends_wait", ends_wait),
    legal("signal.not_cv_wait", not_cv_wait),
    legal("signal.not_system_threads", not_system_threads),
    legal("signal.pending_before_wait", pending_before_wait),
    legal("signal.pending_at_deadline", pending_at_deadline),
    legal("signal.held", held),
    legal("signal.process_takes_one", process_takes_one),
    legal("signal.process_skips_holder", process_skips_holder),
    legal("signal.wakeup_passed_on", wakeup_passed_on),
    legal("signal.psig_order", psig_order),
    legal("poke.stale_descriptor", stale_descriptor),
    legal("poke.before_wait", stale_before_wait),
    legal("poke.alone_is_spurious", poke_alone),
];

fn process() -> &'static Proc {
    proc::create(ProcInit {
        parent: Some(proc::proc0()),
        model: DATAMODEL_LP64 as model_t,
        cred: null_mut(),
        task: null_mut(),
        rctls: null_mut(),
    })
}

fn lwp(kernel: &Kernel, p: &'static Proc, body: impl FnOnce() + Send + 'static) -> Handle {
    let handle = thread::spawn(p, Kind::Lwp, "lwp", body);
    kernel.settle();
    handle
}

/// The signals taken on the way out of a system call.
fn psig() -> Vec<i32> {
    signal::psig(thread::current())
}

fn ends_wait(kernel: &Kernel) {
    let (p, m) = (process(), Monitor::new());
    let waiter = lwp(kernel, p, move || {
        assert_eq!(m.wait_sig(), 0);
        assert_eq!(psig(), [SIGUSR1]);
        assert_eq!(psig(), []);
        assert_eq!(m.wait_for(5), -1);
    });
    signal::post(waiter.thread, SIGUSR1);
    waiter.join();
    assert_eq!(kernel.counters().get(Counter::Signal), 1);
}

fn not_cv_wait(kernel: &Kernel) {
    let (p, m) = (process(), Monitor::new());
    let waiter = lwp(kernel, p, move || {
        // SAFETY: the monitor's own.
        m.with(|_| unsafe { cv_wait(m.cv(), m.mutex()) });
        assert_eq!(psig(), [SIGUSR1]);
    });
    signal::post(waiter.thread, SIGUSR1);
    kernel.settle();
    assert!(!waiter.thread.has_ended());
    m.signal();
    waiter.join();
}

fn not_system_threads(kernel: &Kernel) {
    let m = Monitor::new();
    let waiter = kernel.kthread("system", move || assert_eq!(m.wait_sig(), 1));
    kernel.settle();
    signal::post(waiter.thread, SIGUSR1);
    kernel.settle();
    assert!(!waiter.thread.has_ended());
    m.signal();
    waiter.join();
}

fn pending_before_wait(kernel: &Kernel) {
    let (p, m) = (process(), Monitor::new());
    lwp(kernel, p, move || {
        signal::post(thread::current(), SIGINT);
        assert_eq!(m.wait_sig(), 0);
        // Not taken yet, so the next wait is ended as well.
        assert_eq!(m.wait_for(100), 0);
        assert_eq!(psig(), [SIGINT]);
    })
    .join();
}

fn pending_at_deadline(kernel: &Kernel) {
    let (p, m) = (process(), Monitor::new());
    lwp(kernel, p, move || {
        signal::post(thread::current(), SIGINT);
        assert_eq!(m.wait_for(-1), 0, "a signal goes before a deadline");
        assert_eq!(psig(), [SIGINT]);
        assert_eq!(m.wait_for(-1), -1);
    })
    .join();
}

fn held(kernel: &Kernel) {
    let (p, m) = (process(), Monitor::new());
    let waiter = lwp(kernel, p, move || {
        signal::hold(thread::current(), SIGUSR2, true);
        assert_eq!(m.wait_sig(), 1);
        assert_eq!(psig(), []);
        signal::hold(thread::current(), SIGUSR2, false);
        assert_eq!(m.wait_sig(), 0);
        assert_eq!(psig(), [SIGUSR2]);
    });
    signal::post(waiter.thread, SIGUSR2);
    kernel.settle();
    m.signal();
    waiter.join();
}

fn process_takes_one(kernel: &Kernel) {
    let (p, m) = (process(), Monitor::new());
    let waiters: Vec<_> = (0..4)
        .map(|_| lwp(kernel, p, move || m.with(|_| ())))
        .collect();
    waiters.into_iter().for_each(|w| w.join());
    let body = move || {
        // SAFETY: the monitor's own.
        let result = m.with(|_| unsafe { cv_wait_sig(m.cv(), m.mutex()) });
        if result == 0 {
            assert_eq!(psig(), [SIGTERM]);
            m.with(|n| *n += 1);
        }
    };
    let waiters: Vec<_> = (0..4).map(|_| lwp(kernel, p, body)).collect();
    assert_eq!(p.lwp_count(), 4);
    signal::post_process(p, SIGTERM);
    kernel.settle();
    assert_eq!((m.with(|n| *n), p.lwp_count()), (1, 3));
    // SAFETY: the monitor's own.
    m.with(|_| unsafe { cv_broadcast(m.cv()) });
    waiters.into_iter().for_each(|w| w.join());
    assert_eq!(m.with(|n| *n), 1);
}

fn process_skips_holder(kernel: &Kernel) {
    let (p, m) = (process(), Monitor::new());
    let holder = lwp(kernel, p, move || {
        signal::hold(thread::current(), SIGTERM, true);
        assert_eq!(m.wait_sig(), 1);
    });
    let taker = lwp(kernel, p, move || {
        assert_eq!(m.wait_sig(), 0);
        assert_eq!(psig(), [SIGTERM]);
    });
    signal::post_process(p, SIGTERM);
    taker.join();
    m.signal();
    holder.join();
}

/// A waiter that is woken and interrupted at once passes the wakeup on.
fn wakeup_passed_on(kernel: &Kernel) {
    let (p, m) = (process(), Monitor::new());
    let first = lwp(kernel, p, move || {
        assert_eq!(m.wait_sig(), 0);
        assert_eq!(psig(), [SIGUSR1]);
    });
    let second = lwp(kernel, p, move || assert_eq!(m.wait_sig(), 1));
    m.with(|_| {
        // SAFETY: the monitor's own. The first waiter cannot go on before the
        // mutex is free, and then finds the signal.
        unsafe { cv_signal(m.cv()) };
        signal::post(first.thread, SIGUSR1);
    });
    first.join();
    second.join();
}

fn psig_order(kernel: &Kernel) {
    lwp(kernel, process(), || {
        let me = thread::current();
        signal::post_process(me.process(), SIGHUP);
        for sig in [SIGTERM, 40, SIGINT] {
            signal::post(me, sig);
        }
        assert_eq!(psig(), [SIGINT, SIGTERM, 40, SIGHUP]);
    })
    .join();
}

fn set_stale(thread: &thread::Thread, on: i32) {
    // SAFETY: an int of a live thread.
    unsafe { (&raw mut (*thread.kthread()).t_activefd.a_stale).write_volatile(on) };
}

fn stale_descriptor(kernel: &Kernel) {
    let (p, m) = (process(), Monitor::new());
    let waiter = lwp(kernel, p, move || {
        assert_eq!(m.wait_sig(), 0);
        assert_eq!(psig(), []);
    });
    set_stale(waiter.thread, 1);
    assert!(signal::setrun(waiter.thread));
    waiter.join();
}

fn stale_before_wait(kernel: &Kernel) {
    let (p, m) = (process(), Monitor::new());
    lwp(kernel, p, move || {
        set_stale(thread::current(), 1);
        assert_eq!(m.wait_sig(), 0);
        set_stale(thread::current(), 0);
        assert!(
            !signal::setrun(thread::current()),
            "a running thread needs no poke"
        );
        assert_eq!(m.wait_for(9), -1);
    })
    .join();
}

fn poke_alone(kernel: &Kernel) {
    let (p, m) = (process(), Monitor::new());
    let waiter = lwp(kernel, p, move || assert_eq!(m.wait_sig(), 1));
    assert!(signal::setrun(waiter.thread));
    waiter.join();
}
