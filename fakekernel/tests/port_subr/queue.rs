//! The queue: sending, freeing, removing, blocking.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use bindings::*;
use fakekernel::user::{Alloc, KEvent};

use super::port::{counts, drop_cached, event, locked, open, pp, take, waiter};
use super::support::{Kernel, process};

pub fn send_fifo(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(8);
        let cached = event(lwp, port, Alloc::Cached, 9);
        for user in 1..4 {
            event(lwp, port, Alloc::Default, user).send();
        }
        cached.send();
        cached.send();
        assert!(cached.is_queued());
        assert_eq!(counts(), (4, 4), "an event is queued once");
        assert_eq!([take(), take(), take(), take()], [1, 2, 3, 9]);
        assert!(!cached.is_queued());
        assert_eq!(counts(), (1, 0), "the cached one keeps its slot");
        drop_cached(cached);
    });
}

pub fn send_wakes(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(8);
        let waiting = waiter(lwp, 2);
        event(lwp, port, Alloc::Default, 1).send();
        lwp.settle();
        assert!(!waiting.has_ended(), "one event is not enough");
        event(lwp, port, Alloc::Default, 2).send();
        waiting.join();
        // SAFETY: read under the lock.
        let flags = locked(|q| unsafe { (*q).portq_flags });
        assert_eq!(flags & PORTQ_WAIT_EVENTS, 0);
    });
}

pub fn send_getn(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(8);
        let waiting = waiter(lwp, 1);
        // SAFETY: a retriever is at work.
        locked(|q| unsafe {
            (*q).portq_getn = 1;
            (*q).portq_flags |= PORTQ_WAIT_EVENTS;
        });
        event(lwp, port, Alloc::Default, 1).send();
        lwp.settle();
        assert!(!waiting.has_ended(), "the retriever will look again");
        // SAFETY: under the lock.
        locked(|q| unsafe {
            assert_eq!((*q).portq_flags & PORTQ_WAIT_EVENTS, 0);
            (*q).portq_getn = 0;
            cv_signal(&raw mut (*(*q).portq_thread).portget_cv);
        });
        waiting.join();
    });
}

pub fn send_close(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(8);
        let (one, two) = (
            event(lwp, port, Alloc::Default, 1),
            event(lwp, port, Alloc::Default, 2),
        );
        let closer = lwp.spawn(|_| {
            locked(|q| {
                // SAFETY: as the module's close waits for its slots.
                unsafe {
                    (*q).portq_flags |= PORTQ_CLOSE;
                    while (*pp()).port_curr > (*q).portq_nent {
                        cv_wait(&raw mut (*q).portq_closecv, &raw mut (*q).portq_mutex);
                    }
                }
            });
        });
        lwp.settle();
        one.send();
        lwp.settle();
        assert!(!closer.has_ended());
        two.free();
        closer.join();
        assert_eq!(counts(), (1, 1));
    });
}

pub fn send_interrupt(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(8);
        let waiting = waiter(lwp, 1);
        let one = event(lwp, port, Alloc::Default, 7);
        lwp.interrupt(move || one.send()).join();
        waiting.join();
        assert_eq!(take(), 7);
    });
}

pub fn free_queued(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(8);
        let one = KEvent::alloc(lwp, port, Alloc::Default, 3).unwrap();
        one.init(0, 0, Some(Box::new(|_, _, _| 0)));
        one.send();
        one.free();
        assert_eq!(counts(), (1, 1), "the slot comes back with the retrieval");
        // SAFETY: the event is queued.
        locked(|q| unsafe {
            let kev: *mut port_kevent_t = list_head(&raw mut (*q).portq_list).cast();
            assert!((*kev).portkev_flags & PORT_KEV_FREE != 0);
            assert!(
                (*kev).portkev_callback.is_none(),
                "the source is not asked any more"
            );
        });
    });
}

pub fn free_cached(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(8);
        let one = event(lwp, port, Alloc::Cached, 1);
        one.free();
        assert_eq!(counts(), (1, 0), "a cached slot stays with its source");
        drop_cached(one);
        assert_eq!(counts(), (0, 0));
    });
}

pub fn free_private(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(8);
        event(lwp, port, Alloc::Private, 1).free();
        assert_eq!(counts(), (0, 0));
    });
}

pub fn remove_queued(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(8);
        let one = event(lwp, port, Alloc::Private, 1);
        assert!(!one.remove_done());
        one.send();
        assert!(one.remove_done());
        assert!(!one.is_queued());
        assert_eq!(counts(), (1, 0));
        one.free();
    });
}

pub fn remove_getn(kernel: &Kernel) {
    process(kernel, |lwp| {
        let port = open(8);
        let one = event(lwp, port, Alloc::Private, 1);
        event(lwp, port, Alloc::Default, 2).send();
        one.send();
        // A retriever moved the queue aside and then gave way.
        // SAFETY: under the lock, as port_getn does it.
        locked(|q| unsafe {
            (*q).portq_getn = 1;
            list_move_tail(&raw mut (*q).portq_get_list, &raw mut (*q).portq_list);
            (*q).portq_tnent = (*q).portq_nent;
            (*q).portq_nent = 0;
        });
        event(lwp, port, Alloc::Default, 3).send();
        assert!(one.remove_done());
        // SAFETY: under the lock.
        locked(|q| unsafe {
            assert_eq!(((*q).portq_tnent, (*q).portq_nent), (0, 2));
            (*q).portq_getn = 0;
        });
        assert_eq!([take(), take()], [3, 2], "behind what came meanwhile (D3)");
        one.free();
    });
}

pub fn block_one(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(1);
        // SAFETY: the port is open and locked.
        locked(|q| unsafe { port_block(q) });
        let turn = Arc::new(AtomicU32::new(0));
        let others: Vec<_> = (0..3)
            .map(|_| {
                let turn = Arc::clone(&turn);
                lwp.spawn(move |_| {
                    // SAFETY: the port is open and locked.
                    locked(|q| unsafe {
                        port_block(q);
                        turn.fetch_add(1, SeqCst);
                        port_unblock(q);
                    });
                })
            })
            .collect();
        lwp.settle();
        assert_eq!(turn.load(SeqCst), 0);
        // SAFETY: as above.
        locked(|q| unsafe { port_unblock(q) });
        others.into_iter().for_each(|o| o.join());
        assert_eq!(turn.load(SeqCst), 3);
    });
}
