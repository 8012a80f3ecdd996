//! Event slots.

use std::ffi::c_int;
use std::ptr;

use bindings::*;
use fakekernel::fault::{self, Fault, FaultRule, When};
use fakekernel::user::{Alloc, KEvent};

use super::port::{counts, event, locked, open, pp, take};
use super::support::{Kernel, process};

pub fn alloc_errors(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(4);
        let null = lwp.open_null().unwrap();
        let alloc = |fd| KEvent::alloc(lwp, fd, Alloc::Default, 3).map(drop);
        assert_eq!(alloc(77), Err(EBADF));
        assert_eq!(alloc(-1), Err(EBADF));
        assert_eq!(alloc(null), Err(EBADFD));
        fault::arm(FaultRule::new(Fault::KmemNosleep, When::Nth(1)));
        assert_eq!(alloc(port), Err(ENOMEM));
        assert_eq!(counts(), (0, 0));
    });
}

pub fn alloc_limit(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(2);
        let one = event(lwp, port, Alloc::Default, 1);
        let two = one.dup(Alloc::Default).unwrap();
        assert_eq!(
            KEvent::alloc(lwp, port, Alloc::Default, 3).map(drop),
            Err(EAGAIN)
        );
        assert_eq!(two.dup(Alloc::Default).map(drop), Err(EAGAIN));
        two.free();
        assert_eq!(counts(), (1, 0));
        event(lwp, port, Alloc::Default, 2).free();
        one.free();
    });
}

/// port_alloc_event_block, then free at once.
pub fn blocking() -> c_int {
    let mut event = ptr::null_mut();
    // SAFETY: the port stays open during the case.
    unsafe {
        let error = port_alloc_event_block(pp(), PORT_SOURCE_AIO, 0, &raw mut event);
        if error == 0 {
            port_free_event(event);
        }
        error
    }
}

pub fn block_waits(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(1);
        let held = event(lwp, port, Alloc::Default, 1);
        let waiter = lwp.spawn(|_| blocking());
        lwp.settle();
        assert!(!waiter.has_ended());
        held.free();
        assert_eq!(waiter.join(), 0);
        assert_eq!(counts(), (0, 0));
    });
}

pub fn block_eintr(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(1);
        let held = event(lwp, port, Alloc::Default, 1);
        let waiter = lwp.spawn(|_| blocking());
        lwp.settle();
        waiter.kill(SIGUSR1);
        assert_eq!(waiter.join(), EINTR);
        held.free();
    });
}

pub fn dup_pid(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(4);
        let one = event(lwp, port, Alloc::Default, 1);
        let copy = lwp
            .fork(None, move |_| one.dup(Alloc::Default).unwrap())
            .wait();
        copy.send();
        // SAFETY: the event is queued.
        let pid = locked(|q| unsafe {
            (*list_head(&raw mut (*q).portq_list).cast::<port_kevent_t>()).portkev_pid
        });
        assert_eq!(pid, lwp.pid());
        take();
        one.free();
    });
}
