//! Rules of threads: stacks, faults, what is held at the end.

use std::hint::black_box;

use bindings::*;
use fakekernel::{Config, Kernel, proc, stack, thread};

use crate::common::{Case, Ends, legal, strict, trips};
use crate::{Shared, leaked};

pub const CASES: &[Case] = &[
    legal("stack.small", stack_small),
    trips("stack.large", "stack", stack_large),
    legal("stack.painted", stack_painted),
    trips("stack.overflow", "stack", stack_overflow),
    trips("stack.smash", "stack-smash", stack_smash),
    trips("trap.null", "trap", trap_null),
    trips("trap.poison", "trap", trap_poison),
    trips("thread.no_task", "sched", no_task),
    trips("mutex_held.thread_end", "mutex-held", held_at_end),
    trips("mutex_held.asserted", "mutex-held", held_asserted),
    trips("mutex_held.shutdown", "mutex-held", held_at_shutdown),
    legal("mutex_held.left", held_left),
    trips("mutex_held.many", "mutex-held-many", held_many),
    trips("deadlock.shutdown", "deadlock", never_ends),
    trips("proc.exit_twice", "proc", exit_twice),
    trips("signal.number", "signal", signal_number),
    Case {
        name: "thread.failure_is_joined",
        ends: Ends::Failure("seen by the joiner"),
        config: strict,
        run: failure_is_joined,
    },
    Case {
        name: "thread.failure_at_shutdown",
        ends: Ends::Failure("seen at shutdown"),
        config: strict,
        run: failure_at_shutdown,
    },
    Case {
        name: "boot.twice",
        ends: Ends::Failure("one process runs one kernel"),
        ..BOOT_TWICE
    },
];

const BOOT_TWICE: Case = legal("", boot_twice);

#[inline(never)]
fn use_stack<const N: usize>() -> usize {
    let mut big = [1u8; N];
    black_box(&mut big);
    // SAFETY: allocation has no preconditions; the address is the one got.
    unsafe {
        let at = kmem_alloc(8, KM_SLEEP);
        kmem_free(at, 8);
    }
    big.iter().map(|&b| usize::from(b)).sum()
}

fn stack_small(_: &Kernel) {
    stack::measure(use_stack::<8000>);
    assert!(
        (8000..12000).contains(&stack::deepest()),
        "{}",
        stack::deepest()
    );
    // Outside of a system call a thread may use what it likes.
    use_stack::<60_000>();
}

fn stack_large(_: &Kernel) {
    stack::measure(use_stack::<17_000>);
}

fn stack_painted(_: &Kernel) {
    stack::measure(|| {
        let mut big = [1u8; 9000];
        black_box(&mut big);
    });
    let painted = stack::deepest_painted();
    assert!((9000..16_000).contains(&painted), "{painted}");
}

#[allow(unconditional_recursion)]
fn recurse(n: u64) -> u64 {
    black_box(recurse(black_box(n + 1)) + 1)
}

fn stack_overflow(kernel: &Kernel) {
    kernel.kthread("deep", || assert_ne!(recurse(0), 0)).join();
}

fn stack_smash(_: &Kernel) {
    fakekernel::thunk::__stack_chk_fail();
}

fn trap_null(_: &Kernel) {
    // SAFETY: none: the fault is the point.
    unsafe { black_box(16 as *const u64).read_volatile() };
}

fn trap_poison(_: &Kernel) {
    // SAFETY: none: the fault is the point.
    unsafe { black_box(fakekernel::kmem::FREED as *const u8).read_volatile() };
}

fn no_task(_: &Kernel) {
    let mp = Shared(leaked::<kmutex_t>());
    // SAFETY: none: the thread is no task.
    std::thread::spawn(move || unsafe { mutex_enter(mp.get()) })
        .join()
        .unwrap();
}

fn enter() -> *mut kmutex_t {
    let mp = leaked();
    // SAFETY: a mutex of this case.
    unsafe { mutex_enter(mp) };
    mp
}

fn held_at_end(kernel: &Kernel) {
    kernel.kthread("holder", || _ = enter()).join();
}

fn held_asserted(_: &Kernel) {
    enter();
    thread::assert_no_mutex("a system call returned");
}

fn held_at_shutdown(_: &Kernel) {
    enter();
}

fn held_left(kernel: &Kernel) {
    // SAFETY: a mutex of this case.
    kernel
        .kthread("holder", || unsafe { mutex_exit(enter()) })
        .join();
    thread::assert_no_mutex("here");
}

fn held_many(_: &Kernel) {
    (0..33).for_each(|_| _ = enter());
}

fn never_ends(kernel: &Kernel) {
    let (mp, cvp) = (Shared(leaked::<kmutex_t>()), Shared(leaked::<kcondvar_t>()));
    kernel.kthread("daemon", move || {
        // SAFETY: objects of this case.
        unsafe {
            mutex_enter(mp.get());
            cv_wait(cvp.get(), mp.get());
        }
    });
}

fn exit_twice(_: &Kernel) {
    proc::proc0().exit();
    proc::proc0().exit();
}

fn signal_number(_: &Kernel) {
    fakekernel::signal::post(thread::current(), bindings::NSIG);
}

fn failure_is_joined(kernel: &Kernel) {
    kernel
        .kthread("failing", || panic!("seen by the joiner"))
        .join();
}

fn failure_at_shutdown(kernel: &Kernel) {
    kernel.kthread("failing", || panic!("seen at shutdown"));
}

fn boot_twice(_: &Kernel) {
    drop(fakekernel::boot(Config::default()));
}
