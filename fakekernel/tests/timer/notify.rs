//! What an expiry does: signals, events of a port, nothing.

use std::ptr;

use bindings::*;
use fakekernel::Kernel;
use fakekernel::user::Lwp;

use super::support::process;
use super::{MS, create, get, port, set, signal};

pub fn overruns(kernel: &Kernel) {
    process(kernel, |lwp| {
        for event in [signal(SIGUSR1), None] {
            let id = create(lwp, CLOCK_HIGHRES, event).unwrap();
            set(lwp, id, TIMER_RELTIME, MS, MS).unwrap();
            assert_eq!(lwp.poll(&mut [], None), Err(EINTR));
            assert_eq!(lwp.timer_getoverrun(id), Ok(0));
            lwp.sleep(7 * MS + MS / 2);
            let before = lwp.signals();
            assert_eq!(lwp.timer_getoverrun(id), Ok(6));
            assert_eq!(lwp.signals(), before + 1);
            lwp.timer_delete(id).unwrap();
        }
    });
}

/// Two timers with one signal: each is heard of.
pub fn ends_a_sleep(kernel: &Kernel) {
    process(kernel, |lwp| {
        let ids = [0, 1].map(|_| {
            let id = create(lwp, CLOCK_HIGHRES, signal(SIGUSR1)).unwrap();
            set(lwp, id, TIMER_RELTIME, MS, MS).unwrap();
            id
        });
        lwp.sleep(3 * MS + MS / 2);
        assert_eq!(lwp.timer_getoverrun(ids[0]), Ok(2));
        assert_eq!(lwp.timer_getoverrun(ids[1]), Ok(2));
        assert_eq!(lwp.signals(), 2);
    });
}

/// The signal outlives its timer, and what it carries is freed when it is taken.
pub fn delete_pending(kernel: &Kernel) {
    process(kernel, |lwp| {
        lwp.hold_signal(SIGUSR1, true);
        let id = create(lwp, CLOCK_HIGHRES, signal(SIGUSR1)).unwrap();
        set(lwp, id, TIMER_RELTIME, 0, MS).unwrap();
        lwp.sleep(2 * MS);
        lwp.timer_delete(id).unwrap();
        lwp.hold_signal(SIGUSR1, false);
        assert_eq!(lwp.poll(&mut [], Some(0)), Ok(0));
        assert_eq!(lwp.signals(), 1);
    });
}

pub fn exit_pending(kernel: &Kernel) {
    process(kernel, |lwp| {
        lwp.hold_signal(SIGUSR1, true);
        for clock in [CLOCK_HIGHRES, CLOCK_REALTIME] {
            let id = create(lwp, clock, signal(SIGUSR1)).unwrap();
            set(lwp, id, TIMER_RELTIME, MS, MS).unwrap();
        }
        lwp.sleep(25 * MS);
    });
}

pub fn none(kernel: &Kernel) {
    process(kernel, |lwp| {
        let id = create(lwp, CLOCK_HIGHRES, Some((SIGEV_NONE, 0, 0))).unwrap();
        set(lwp, id, TIMER_RELTIME, 10 * MS, MS).unwrap();
        assert_eq!(lwp.poll(&mut [], Some(25 * MS)), Ok(0));
        assert_eq!(get(lwp, id), Ok((10 * MS, 6 * MS)));
        assert_eq!(lwp.timer_getoverrun(id), Ok(0));
    });
}

/// A timer that reports to the port of that number.
fn on_port(lwp: &Lwp, fd: i32, user: usize) -> Result<i32, i32> {
    let page = lwp.alloc(16);
    let mut bytes = (fd as i64).to_ne_bytes().to_vec();
    bytes.extend(user.to_ne_bytes());
    assert!(lwp.poke(page, &bytes));
    create(lwp, CLOCK_HIGHRES, Some((SIGEV_PORT, 0, page)))
}

/// Takes the first event as a retriever does; user value and what its source says happened.
fn take() -> (usize, Result<i32, i32>) {
    let event = port::locked(|q| {
        // SAFETY: the port is open and locked.
        unsafe {
            let event: *mut port_kevent_t = list_remove_head(&raw mut (*q).portq_list).cast();
            (*q).portq_nent -= 1;
            (*event).portkev_flags &= !PORT_KEV_DONEQ;
            event
        }
    });
    // SAFETY: the event is its timer's, which nobody deletes now.
    unsafe {
        let call = (*event).portkev_callback.unwrap();
        let mut events = 0;
        let pid = (*event).portkev_pid;
        let error = call(
            (*event).portkev_arg,
            &raw mut events,
            pid,
            PORT_CALLBACK_DEFAULT,
            event.cast(),
        );
        let answer = if error == 0 { Ok(events) } else { Err(error) };
        ((*event).portkev_user as usize, answer)
    }
}

pub fn port_event(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = port::open(4);
        let id = on_port(lwp, fd, 7).unwrap();
        assert_eq!(port::counts(), (1, 0), "a slot from the start");
        set(lwp, id, TIMER_RELTIME, MS, MS).unwrap();
        lwp.sleep(5 * MS + MS / 2);
        assert_eq!(port::counts(), (1, 1));
        assert_eq!(take(), (7, Ok(5)));
        lwp.sleep(MS);
        assert_eq!(take(), (7, Ok(1)));
        // Another process is denied, and nothing is counted off.
        lwp.sleep(2 * MS);
        let child = lwp.fork(None, |_| take());
        assert_eq!(child.wait(), (7, Err(EACCES)));
        lwp.timer_delete(id).unwrap();
        assert_eq!(port::counts(), (0, 0));
        lwp.close(fd).unwrap();
    });
}

/// The close callback that genunix registered, called as a closing module would.
fn tell_close(number: i32) {
    // SAFETY: the port is open; the entry lives as long as a timer counts on it.
    unsafe {
        let entry = *(*port::queue())
            .portq_scache
            .add(PORT_SOURCE_TIMER as usize);
        let close = (*entry).portsrc_close.unwrap();
        close((*entry).portsrc_closearg, number, 0, 0);
    }
}

/// A closing module drops the entry of the source, whatever counts on it.
fn drop_source() {
    // SAFETY: the port is open, nobody else uses the table, and no timer knows the entry any more.
    unsafe {
        let bucket = (*port::queue())
            .portq_scache
            .add(PORT_SOURCE_TIMER as usize);
        let entry = std::mem::replace(&mut *bucket, ptr::null_mut());
        kmem_free(entry.cast(), size_of::<port_source_t>());
    }
}

pub fn port_close(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = port::open(4);
        let dup = lwp.dup(fd).unwrap();
        let timers = [fd, dup].map(|fd| on_port(lwp, fd, fd as usize).unwrap());
        for id in timers {
            set(lwp, id, TIMER_RELTIME, 10 * MS, MS).unwrap();
        }
        lwp.sleep(2 * MS);
        assert_eq!([take().0, take().0], [fd as usize, dup as usize]);
        assert_eq!(port::counts(), (2, 0));
        tell_close(fd);
        // Only the one that was made through this number (D10).
        assert_eq!(port::counts(), (1, 0));
        lwp.sleep(10 * MS);
        assert_eq!(port::counts(), (1, 1));
        assert_eq!(take(), (dup as usize, Ok(1)));
        tell_close(dup);
        assert_eq!(port::counts(), (0, 0));
        lwp.sleep(20 * MS);
        assert_eq!(port::counts(), (0, 0));
        for id in timers {
            assert!(get(lwp, id).is_ok());
            lwp.timer_delete(id).unwrap();
        }
        drop_source();
        lwp.close(dup).unwrap();
        lwp.close(fd).unwrap();
    });
}

pub fn port_delete(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = port::open(1);
        for _ in 0..3 {
            let id = on_port(lwp, fd, 7).unwrap();
            set(lwp, id, TIMER_RELTIME, MS, MS).unwrap();
            lwp.sleep(3 * MS);
            assert_eq!(port::counts(), (1, 1));
            lwp.timer_delete(id).unwrap();
            assert_eq!(port::counts(), (0, 0));
        }
        lwp.close(fd).unwrap();
    });
}

pub fn port_errors(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = port::open(1);
        assert_eq!(on_port(lwp, -1, 7), Err(EBADF));
        let null = lwp.open_null().unwrap();
        assert_eq!(on_port(lwp, null, 7), Err(EBADFD));
        let unmapped = lwp.alloc(1) + 4096;
        assert_eq!(
            create(lwp, CLOCK_HIGHRES, Some((SIGEV_PORT, 0, unmapped))),
            Err(EFAULT)
        );
        assert_eq!(lwp.timer_create(CLOCK_HIGHRES, 0, unmapped), Err(EFAULT));
        assert_eq!(lwp.timer_create(CLOCK_HIGHRES, unmapped, 0), Err(EFAULT));
        let id = on_port(lwp, fd, 7).unwrap();
        assert_eq!(id, 0);
        assert_eq!(on_port(lwp, fd, 7), Err(EAGAIN));
        lwp.timer_delete(id).unwrap();
        assert_eq!(port::counts(), (0, 0));
        lwp.close(fd).unwrap();
    });
}
