//! Rules of copyin and copyout, and which byte they stop at.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use bindings::*;
use fakekernel::aspace::{PAGE, Prot};
use fakekernel::counter::{self, Counter};
use fakekernel::proc::{self, Proc, ProcInit};
use fakekernel::thread::as_lwp;
use fakekernel::{Config, Kernel, Strict, mutex};

use crate::common::{Case, legal, strict, trips};
use crate::leaked;

pub const CASES: &[Case] = &[
    legal("copyio.round_trip", round_trip),
    legal("copyio.bad_addresses", bad_addresses),
    legal("copyio.stops_at_the_byte", stops_at_the_byte),
    legal("copyio.read_only", read_only),
    legal("copyio.unmapped_again", unmapped_again),
    legal("copyio.own_process_only", own_process_only),
    legal("copyio.ilp32_is_low", ilp32_is_low),
    legal("copyio.kernel_thread", kernel_thread),
    legal("copyio.fault_at_byte", fault_at_byte),
    trips("copyio.mutex", "copyio-mutex", with_mutex),
    legal("copyio.mutex_off", with_mutex).on(|| Config {
        strict: Strict {
            copyio_mutex: false,
            ..Strict::default()
        },
        ..strict()
    }),
    trips("copyio.interrupt", "sleep-interrupt", in_interrupt),
    trips("copyio.nosleep", "sleep-nosleep", under_nosleep).on(|| Config {
        strict: Strict {
            copyio_mutex: false,
            ..Strict::default()
        },
        ..strict()
    }),
];

fn process(model: c_int) -> &'static Proc {
    proc::create(ProcInit {
        parent: Some(proc::proc0()),
        model: model as model_t,
        cred: null_mut(),
        task: null_mut(),
        rctls: null_mut(),
    })
}

fn user(body: impl FnOnce(&'static Proc)) {
    let p = process(DATAMODEL_LP64);
    as_lwp(p, || body(p));
    p.exit();
}

fn out(bytes: &[u8], to: usize) -> i32 {
    // SAFETY: the kernel side is valid; the kernel looks at the user side.
    unsafe { copyout(bytes.as_ptr().cast(), to as *mut c_void, bytes.len()) }
}

fn into(from: usize, bytes: &mut [u8]) -> i32 {
    // SAFETY: as above.
    unsafe {
        copyin(
            from as *const c_void,
            bytes.as_mut_ptr().cast(),
            bytes.len(),
        )
    }
}

fn round_trip(_: &Kernel) {
    user(|p| {
        let at = p.aspace().map(3 * PAGE);
        let data: Vec<u8> = (0..2 * PAGE).map(|n| n as u8).collect();
        assert_eq!(out(&data, at + 1), 0);
        let mut back = vec![0; data.len()];
        assert_eq!(into(at + 1, &mut back), 0);
        assert_eq!(back, data);
        assert_eq!(p.aspace().get(at + 1, data.len()), Some(data));
        assert!(p.aspace().put(at, b"x"));
        let mine = counter::mine();
        assert_eq!(mine.get(Counter::Copyout), 1);
        assert_eq!(mine.get(Counter::CopyoutBytes), 2 * PAGE as u64);
        assert_eq!(mine.get(Counter::CopyFault), 0);
    });
}

fn bad_addresses(_: &Kernel) {
    user(|p| {
        let at = p.aspace().map(PAGE);
        let kernel = [0u8; 8];
        for bad in [
            0,
            1,
            at - 1,
            at + PAGE,
            usize::MAX,
            usize::MAX - 7,
            kernel.as_ptr() as usize,
        ] {
            assert_eq!(out(b"x", bad), -1, "{bad:#x}");
            assert_eq!(into(bad, &mut [0]), -1, "{bad:#x}");
            assert_eq!(out(b"", bad), 0, "nothing to copy is no fault");
        }
        assert_eq!(p.aspace().get(at, PAGE + 1), None);
        assert!(!p.aspace().put(at + PAGE - 1, b"xy"));
    });
}

fn stops_at_the_byte(_: &Kernel) {
    user(|p| {
        let at = p.aspace().map_at_end(13);
        assert_eq!(at % PAGE, PAGE - 13);
        assert_eq!(out(&[7; 13], at), 0);
        for n in 0..=13 {
            assert_eq!(out(&[n as u8; 20], at + n), -1);
            let mut expected = vec![7; n];
            expected.resize(13, n as u8);
            assert_eq!(p.aspace().get(at, 13), Some(expected));
            assert_eq!(out(&[7; 13], at), 0);
        }
        let mut buffer = [1; 20];
        assert_eq!(into(at + 3, &mut buffer), -1);
        assert_eq!(buffer, [[7; 10], [1; 10]].concat()[..]);
        assert_eq!(p.aspace().readable(at, 100), 13);
    });
}

fn read_only(_: &Kernel) {
    user(|p| {
        let at = p.aspace().map(2 * PAGE);
        assert_eq!(out(&[5; 16], at + PAGE - 8), 0);
        p.aspace().protect(at + PAGE, 1, Prot::Read);
        assert_eq!(out(&[6; 16], at + PAGE - 8), -1);
        let mut buffer = [0; 16];
        assert_eq!(into(at + PAGE - 8, &mut buffer), 0);
        assert_eq!(buffer, [[6; 8], [5; 8]].concat()[..]);
        p.aspace().protect(at + PAGE, 1, Prot::None);
        assert_eq!(into(at + PAGE - 8, &mut buffer), -1);
        p.aspace().protect(at, 2 * PAGE, Prot::ReadWrite);
        assert_eq!(out(&[9; 16], at + PAGE - 8), 0);
    });
}

fn unmapped_again(_: &Kernel) {
    user(|p| {
        let at = p.aspace().map(PAGE);
        assert_eq!(out(&[5; 16], at), 0);
        p.aspace().unmap(at, PAGE);
        assert_eq!(into(at, &mut [0; 1]), -1);
        let again = p.aspace().map(PAGE);
        assert_eq!(again, at);
        assert_eq!(p.aspace().get(again, 16), Some(vec![0; 16]));
    });
}

fn own_process_only(_: &Kernel) {
    let other = process(DATAMODEL_LP64);
    let theirs = other.aspace().map(PAGE);
    user(|_| assert_eq!(into(theirs, &mut [0; 1]), -1));
    as_lwp(other, || assert_eq!(into(theirs, &mut [0; 1]), 0));
}

fn ilp32_is_low(_: &Kernel) {
    let p = process(DATAMODEL_ILP32);
    assert!(p.is_ilp32());
    let at = p.aspace().map(64 * PAGE);
    assert!(at + 64 * PAGE < 1 << 32, "{at:#x}");
    let high = process(DATAMODEL_LP64).aspace().map(PAGE);
    assert!(high > 1 << 32, "{high:#x}");
}

fn kernel_thread(_: &Kernel) {
    let p = process(DATAMODEL_LP64);
    let at = p.aspace().map(PAGE);
    assert_eq!(into(at, &mut [0; 1]), -1);
}

fn fault_at_byte(_: &Kernel) {
    use fakekernel::fault::{Fault, FaultRule, When, arm};
    user(|p| {
        let at = p.aspace().map(PAGE);
        arm(FaultRule {
            fault: Fault::Copyout,
            when: When::Nth(2),
            arg: 5,
        });
        assert_eq!(out(&[1; 16], at), 0);
        assert_eq!(out(&[2; 16], at), -1);
        assert_eq!(p.aspace().get(at, 7), Some(vec![2, 2, 2, 2, 2, 1, 1]));
        assert_eq!(out(&[3; 16], at), 0);
        arm(FaultRule {
            fault: Fault::Copyin,
            when: When::Always,
            arg: 1000,
        });
        let mut buffer = [0; 4];
        assert_eq!(into(at, &mut buffer), -1);
        assert_eq!(buffer, [3, 3, 3, 0]);
    });
}

fn with_mutex(_: &Kernel) {
    user(|p| {
        let at = p.aspace().map(PAGE);
        let mp = leaked();
        // SAFETY: a mutex of this case.
        unsafe { mutex_enter(mp) };
        assert_eq!(out(b"x", at), 0);
        // SAFETY: as above.
        unsafe { mutex_exit(mp) };
    });
}

fn in_interrupt(kernel: &Kernel) {
    kernel.interrupt("device", || _ = out(b"x", 0)).join();
}

fn under_nosleep(_: &Kernel) {
    let mp = leaked();
    // SAFETY: a mutex of this case.
    unsafe {
        mutex::no_sleep(mp);
        mutex_enter(mp);
    }
    out(b"x", 0);
}
