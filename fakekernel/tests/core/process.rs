//! Threads and processes as a module sees them.

use std::ptr::null_mut;

use bindings::*;
use fakekernel::counter::{self, Counter};
use fakekernel::proc::{self, Proc, ProcInit};
use fakekernel::thread::{self, Kind};
use fakekernel::{Kernel, ksyms};

use crate::Monitor;
use crate::common::{Case, legal};

pub const CASES: &[Case] = &[
    legal("thread.curthread", curthread),
    legal("thread.ring", ring),
    legal("thread.interrupt", interrupt),
    legal("proc.identity", identity),
    legal("proc.family", family),
    legal("proc.find", find),
    legal("counter.own_and_total", counters),
    legal("ksyms.below_2g", below_2g),
    legal("ksyms.thunks", thunks),
];

fn process(parent: &'static Proc, model: i32) -> &'static Proc {
    proc::create(ProcInit {
        parent: Some(parent),
        model: model as model_t,
        cred: null_mut(),
        task: null_mut(),
        rctls: null_mut(),
    })
}

fn curthread(kernel: &Kernel) {
    let check = |lwp: bool| {
        let t = bindings::asm::threadp();
        let me = thread::current();
        assert_eq!(me.kthread(), t);
        // SAFETY: the calling thread.
        unsafe {
            assert_eq!((*(*t).t_cpu).cpu_thread, t);
            assert_eq!((*(*t).t_cpu).cpu_self, (*t).t_cpu);
            assert_eq!((*t).t_procp, me.process().as_ptr());
            assert_eq!(!(*t).t_lwp.is_null(), lwp);
            if lwp {
                assert_eq!((*(*t).t_lwp).lwp_thread, t);
                assert_eq!((*(*t).t_lwp).lwp_procp, (*t).t_procp);
            }
        }
        t as usize
    };
    let mine = check(false);
    kernel
        .kthread("other", move || assert_ne!(check(false), mine))
        .join();
    let p = process(proc::proc0(), DATAMODEL_LP64);
    thread::as_lwp(p, || assert_eq!(check(true), mine));
    check(false);
    thread::spawn(p, Kind::Lwp, "lwp", move || _ = check(true)).join();
}

fn ring(kernel: &Kernel) {
    let p = process(proc::proc0(), DATAMODEL_LP64);
    let m = Monitor::new();
    let wait = move || assert_eq!(m.wait_sig(), 1);
    let start = |_| {
        let lwp = thread::spawn(p, Kind::Lwp, "lwp", wait);
        kernel.settle();
        lwp
    };
    let lwps: Vec<_> = (0..3).map(start).collect();
    let count = || {
        let mut n = 0;
        p.for_each_thread(|_| n += 1);
        assert_eq!(n, p.lwp_count());
        n
    };
    assert_eq!(count(), 3);
    // SAFETY: the ring does not change while the lwps sleep.
    unsafe {
        let first = (*p.as_ptr()).p_tlist;
        assert_eq!((*(*(*first).t_forw).t_forw).t_forw, first);
        assert_eq!((*(*first).t_forw).t_back, first);
        let ids = [(*first).t_tid, (*(*first).t_forw).t_tid];
        assert_eq!(ids, [1, 2]);
    }
    m.signal();
    lwps[0].join();
    assert_eq!(count(), 2);
    m.signal();
    m.signal();
    lwps[1].join();
    lwps[2].join();
    assert_eq!(count(), 0);
}

fn interrupt(kernel: &Kernel) {
    kernel
        .interrupt("device", || {
            // SAFETY: the calling thread.
            unsafe {
                let t = bindings::asm::threadp();
                assert!(!(*t).t_intr.is_null());
                assert_ne!((*t).t_flag & T_INTR_THREAD as uint_t, 0);
            }
        })
        .join();
}

fn identity(_: &Kernel) {
    for (model, ilp32) in [(DATAMODEL_LP64, false), (DATAMODEL_ILP32, true)] {
        let p = process(proc::proc0(), model);
        // SAFETY: a process of this case.
        unsafe {
            assert_eq!((*p.as_ptr()).p_model, model as model_t);
            assert_eq!((*(*p.as_ptr()).p_pidp).pid_id, p.pid());
            assert_eq!(&raw mut (*(*p.as_ptr()).p_lockp).pl_lock, p.lock_ptr());
            mutex_enter(p.lock_ptr());
            mutex_exit(p.lock_ptr());
        }
        assert_eq!(p.is_ilp32(), ilp32);
    }
}

fn family(_: &Kernel) {
    let parent = process(proc::proc0(), DATAMODEL_LP64);
    let (a, b) = (
        process(parent, DATAMODEL_LP64),
        process(parent, DATAMODEL_LP64),
    );
    assert_ne!(a.pid(), b.pid());
    // SAFETY: processes of this case.
    unsafe {
        assert_eq!((*a.as_ptr()).p_ppid, parent.pid());
        assert_eq!((*a.as_ptr()).p_parent, parent.as_ptr());
        assert_eq!((*parent.as_ptr()).p_child, b.as_ptr());
        assert_eq!((*b.as_ptr()).p_sibling, a.as_ptr());
    }
}

fn find(_: &Kernel) {
    let p = process(proc::proc0(), DATAMODEL_LP64);
    let found = |pid| proc::find(pid).map(Proc::pid);
    assert_eq!((found(0), found(p.pid())), (Some(0), Some(p.pid())));
    p.exit();
    assert_eq!(found(p.pid()), None);
    assert!(p.has_exited());
}

fn counters(kernel: &Kernel) {
    let m = Monitor::new();
    (0..3).for_each(|_| m.signal());
    kernel
        .kthread("other", move || (0..4).for_each(|_| m.signal()))
        .join();
    assert_eq!(counter::mine().get(Counter::CvSignal), 3);
    assert_eq!(kernel.counters().get(Counter::CvSignal), 7);
    assert_eq!(kernel.counters().get(Counter::MutexEnter), 7);
}

fn below_2g(_: &Kernel) {
    let own = [
        "mutex_enter",
        "copyin",
        "timechanged",
        "__stack_chk_guard",
        "kmem_cache_alloc",
    ];
    let symbols = ksyms::core_symbols();
    for name in own {
        let address = symbols.iter().find(|(n, _)| *n == name).map(|(_, a)| *a);
        assert!(address.is_some_and(|a| a < 1 << 31), "{name} {address:x?}");
    }
    let mut names: Vec<_> = symbols.iter().map(|(n, _)| n).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), symbols.len());
}

extern "C" fn double(n: usize) -> usize {
    2 * n
}

fn thunks(_: &Kernel) {
    let symbols = ksyms::core_symbols();
    let address = |name| symbols.iter().find(|(n, _)| *n == name).unwrap().1;
    let (rax, r11) = (
        address("__x86_indirect_thunk_rax"),
        address("__x86_indirect_thunk_r11"),
    );
    let (a, b): (usize, usize);
    // SAFETY: calls `double` through the thunks, as a module's code does.
    unsafe {
        core::arch::asm!(
            "call {thunk}", thunk = in(reg) rax,
            inout("rax") double as *const () as usize => a, in("rdi") 21, clobber_abi("C"),
        );
        core::arch::asm!(
            "call {thunk}", thunk = in(reg) r11,
            inout("r11") double as *const () as usize => _, out("rax") b, in("rdi") 4,
            clobber_abi("C"),
        );
    }
    assert_eq!((a, b), (42, 8));
}
