//! Devices whose readiness somebody decides.

use super::support::{Case, Kernel, case, process};
use super::{HUP, IN, OUT, poller, ready, restless};
use bindings::*;
use fakekernel::user::PollFd;

pub fn cases() -> Vec<Case> {
    vec![
        case("device.ready_for_what_was_raised", raised),
        case("device.interrupt_wakes_pollers", wakes),
        case("device.lower_tells_nobody", lowered),
        case("device.unpollable", unpollable),
        case("device.not_every_file_is_one", others),
        case("device.poll_held_up", held),
        case(
            "device.poll_held_up_sees_what_was_raised",
            raised_while_held,
        ),
        case("device.no_interrupt_lost", race).on(restless),
    ]
}

fn raised(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_device().unwrap();
        let stat = lwp.fstat(fd).unwrap();
        assert_eq!(stat.mode & S_IFMT as u32, S_IFCHR as u32);
        assert_eq!(ready(lwp, fd, IN | OUT), 0);
        lwp.raise(fd, IN).unwrap();
        assert_eq!(ready(lwp, fd, IN | OUT), IN);
        assert_eq!(ready(lwp, fd, OUT), 0);
        // What nobody asks for is told nevertheless.
        let always = (POLLHUP | POLLERR | POLLNVAL) as i16;
        lwp.raise(fd, always).unwrap();
        assert_eq!(ready(lwp, fd, OUT), always);
        assert!(lwp.polls(fd).unwrap() >= 4);
    });
}

fn wakes(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (one, two) = (lwp.open_device().unwrap(), lwp.open_device().unwrap());
        let waiting = poller(lwp, one, IN);
        lwp.raise(two, IN).unwrap();
        lwp.raise(one, OUT).unwrap();
        lwp.settle();
        assert!(!waiting.has_ended());
        lwp.raise(one, IN).unwrap();
        assert_eq!(waiting.join(), IN);
        let waiting = poller(lwp, one, 0);
        lwp.raise(one, HUP).unwrap();
        assert_eq!(waiting.join(), HUP);
    });
}

fn lowered(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_device().unwrap();
        lwp.raise(fd, IN | OUT).unwrap();
        lwp.lower(fd, IN).unwrap();
        assert_eq!(ready(lwp, fd, IN | OUT), OUT);
        let waiting = poller(lwp, fd, IN);
        let before = lwp.polls(fd).unwrap();
        lwp.lower(fd, OUT).unwrap();
        lwp.settle();
        assert_eq!(lwp.polls(fd), Ok(before));
        lwp.raise(fd, IN).unwrap();
        waiting.join();
    });
}

fn unpollable(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_unpollable().unwrap();
        let mut fds = [PollFd::new(fd, IN)];
        assert_eq!(lwp.poll(&mut fds, Some(0)), Err(ENXIO));
        lwp.raise(fd, IN).unwrap();
        assert_eq!(lwp.poll(&mut fds, Some(0)), Err(ENXIO));
        assert!(lwp.polls(fd).unwrap() >= 2);
    });
}

fn others(kernel: &Kernel) {
    process(kernel, |lwp| {
        let null = lwp.open_null().unwrap();
        assert_eq!(lwp.raise(null, IN), Err(ENOTTY));
        assert_eq!(lwp.lower(null, IN), Err(ENOTTY));
        assert_eq!(lwp.hold_poll(null, true), Err(ENOTTY));
        assert_eq!(lwp.polls(null), Err(ENOTTY));
        assert_eq!(lwp.raise(99, IN), Err(EBADF));
    });
}

fn held(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_device().unwrap();
        lwp.hold_poll(fd, true).unwrap();
        let waiting = lwp.spawn(move |lwp| ready(lwp, fd, IN));
        lwp.settle();
        assert_eq!(lwp.polls(fd), Ok(1));
        assert!(!waiting.has_ended());
        // Other descriptors are not affected.
        let other = lwp.open_device().unwrap();
        assert_eq!(ready(lwp, other, IN), 0);
        lwp.hold_poll(fd, false).unwrap();
        assert_eq!(waiting.join(), 0);
    });
}

fn raised_while_held(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_device().unwrap();
        lwp.hold_poll(fd, true).unwrap();
        let waiting = lwp.spawn(move |lwp| ready(lwp, fd, IN));
        lwp.settle();
        lwp.raise(fd, IN).unwrap();
        lwp.hold_poll(fd, false).unwrap();
        assert_eq!(waiting.join(), IN);
    });
}

fn race(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_device().unwrap();
        let waiting = lwp.spawn(move |lwp| {
            for _ in 0..100 {
                super::await_ready(lwp, fd, IN);
                lwp.lower(fd, IN).unwrap();
                lwp.raise(fd, OUT).unwrap();
            }
        });
        for _ in 0..100 {
            lwp.raise(fd, IN).unwrap();
            super::await_ready(lwp, fd, OUT);
            lwp.lower(fd, OUT).unwrap();
        }
        waiting.join();
    });
}
