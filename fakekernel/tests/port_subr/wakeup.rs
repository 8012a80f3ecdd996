//! Pollers of a port, sources that are told of its close, and events of associated descriptors.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

use bindings::*;
use fakekernel::fault::{self, Fault, FaultRule, When};
use fakekernel::user::{Alloc, KEvent, KSource, PollFd};

use super::port::{event, locked, open, pp, queue};
use super::support::{Kernel, process};
use super::{IN, OUT};

pub fn poll_in(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(8);
        let poller = lwp.spawn(move |lwp| lwp.poll(&mut [PollFd::new(port, IN)], None));
        lwp.settle();
        event(lwp, port, Alloc::Default, 1).send();
        assert_eq!(poller.join(), Ok(1));
        // SAFETY: read under the lock.
        let flags = locked(|q| unsafe { (*q).portq_flags });
        assert_eq!(flags & PORTQ_POLLIN, 0);
    });
}

pub fn poll_out(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(1);
        let held = event(lwp, port, Alloc::Default, 1);
        let poller = lwp.spawn(move |lwp| lwp.poll(&mut [PollFd::new(port, OUT)], None));
        lwp.settle();
        assert!(!poller.has_ended());
        held.free();
        assert_eq!(poller.join(), Ok(1), "S98");
    });
}

pub fn closing_polled(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(8);
        let held = event(lwp, port, Alloc::Default, 1);
        locked(|q| {
            // SAFETY: flags of a live port, under the lock.
            unsafe { (*q).portq_flags |= PORTQ_CLOSE | PORTQ_POLLIN }
        });
        held.send();
    });
}

pub fn pollwkup(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(1);
        // SAFETY: the port is open.
        unsafe {
            assert_eq!(port_pollwkup(pp()), 0, "nobody polls");
            locked(|q| (*q).portq_flags |= PORTQ_POLLIN);
            assert_eq!(port_pollwkup(pp()), POLLIN);
            assert_eq!(locked(|q| (*q).portq_flags), PORTQ_POLLWK_PEND);
            locked(|q| (*q).portq_flags |= PORTQ_POLLIN);
            assert_eq!(port_pollwkup(pp()), 0, "one at a time");
        }
        let closer = lwp.spawn(|_| {
            // SAFETY: as a close that waits for the pollwakeup (on port_cv, D16).
            locked(|q| unsafe {
                while (*q).portq_flags & PORTQ_POLLWK_PEND != 0 {
                    cv_wait(&raw mut (*pp()).port_cv, &raw mut (*q).portq_mutex);
                }
            });
        });
        lwp.settle();
        assert!(!closer.has_ended());
        // SAFETY: the port is open and marked.
        unsafe { port_pollwkdone(pp()) };
        closer.join();
    });
}

pub fn ksource_counts(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(1);
        let told = Arc::new(AtomicI32::new(0));
        let tell = Arc::clone(&told);
        let make = || {
            let tell = Arc::clone(&tell);
            KSource::associate(lwp, port, PORT_SOURCE_TIMER, move |_, _, last| {
                tell.fetch_add(if last { 100 } else { 1 }, SeqCst);
            })
        };
        let (one, two) = (make().unwrap(), make().unwrap());
        assert_eq!(one, two, "one entry per source");
        // SAFETY: the table is the port's.
        let entry = || unsafe { *(*queue()).portq_scache.add(PORT_SOURCE_TIMER as usize) };
        // SAFETY: registered.
        unsafe {
            let ps = entry();
            assert_eq!((*ps).portsrc_cnt, 2);
            ((*ps).portsrc_close.unwrap())((*ps).portsrc_closearg, port, 1, 1);
        }
        assert_eq!(told.load(SeqCst), 100);
        assert_eq!(one.dissociate(lwp), Ok(()));
        assert!(!entry().is_null());
        assert_eq!(two.dissociate(lwp), Ok(()));
        assert!(entry().is_null());
    });
}

pub fn ksource_errors(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(1);
        let null = lwp.open_null().unwrap();
        let make = |fd| KSource::associate(lwp, fd, 2, |_, _, _| ()).map(drop);
        assert_eq!(make(77), Err(EBADF));
        assert_eq!(make(null), Err(EBADFD));
        fault::arm(FaultRule::new(Fault::KmemNosleep, When::Nth(1)));
        assert_eq!(make(port), Err(ENOMEM));
        // SAFETY: called by a thread of a process.
        unsafe {
            assert_eq!(port_dissociate_ksource(port, 2, ptr::null_mut()), EINVAL);
        }
    });
}

pub fn fd_event(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(2);
        let latch = lwp.open_latch().unwrap();
        // An association as PORT_SOURCE_FD will make it: the event on the file's pollhead.
        let one = KEvent::alloc(lwp, port, Alloc::Private, PORT_SOURCE_FD).unwrap();
        one.init(latch as usize, 5, None);
        // SAFETY: the event is ours; the polldat lives until it is taken off the pollhead.
        unsafe {
            let kev = std::mem::transmute::<KEvent, *mut port_kevent_t>(one);
            (*kev).portkev_flags |= PORT_KEV_VALID;
            let fp = getf(latch);
            let (mut head, mut revents) = (ptr::null_mut(), 0);
            fop_poll(
                (*fp).f_vnode,
                IN,
                0,
                &raw mut revents,
                &raw mut head,
                ptr::null_mut(),
            );
            releasef(latch);
            let mut pdp: polldat_t = std::mem::zeroed();
            pdp.pd_events = POLLIN;
            pdp.pd_portev = kev;
            polldat_associate(&raw mut pdp, head);
            // Somebody polls the port itself.
            let poller = lwp.spawn(move |lwp| lwp.poll(&mut [PollFd::new(port, IN)], None));
            lwp.settle();
            let addr = lwp.alloc(1);
            lwp.write(latch, addr, 1).unwrap();
            assert_eq!(
                poller.join(),
                Ok(1),
                "told after the file's pollhead was let go"
            );
            assert_eq!((*kev).portkev_events, POLLIN);
            assert_eq!((*kev).portkev_flags & PORT_KEV_VALID, 0);
            assert!(one.is_queued());
            assert_eq!(locked(|q| (*q).portq_flags) & PORTQ_POLLWK_PEND, 0);
            polldat_disassociate(&raw mut pdp);
        }
        assert!(one.remove_done());
        one.free();
    });
}
