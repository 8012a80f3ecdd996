//! poll(2) over several descriptors, and what pollheads are held to.

#[path = "support/pollfile.rs"]
mod pollfile;
mod support;

use std::process::ExitCode;
use std::ptr;
use std::sync::atomic::Ordering::SeqCst;

use bindings::*;
use fakekernel::user::{Lwp, PollFd, ProcCfg};
use pollfile::{ANYYET, ASKED, FILE, open_file};
use support::{Kernel, case, process, process_with, trip};

const IN: i16 = POLLIN as i16;
const OUT: i16 = POLLOUT as i16;
const NVAL: i16 = POLLNVAL as i16;

fn main() -> ExitCode {
    support::main(vec![
        case("poll.ready_at_once", ready),
        case("poll.zero_timeout_does_not_wait", zero_timeout),
        case("poll.timeout_on_the_virtual_clock", timeout),
        case("poll.wakes_on_write", wakes),
        case("poll.many_pollers_all_wake", many),
        case("poll.no_wakeup_lost", race).on(restless),
        case("poll.signal", signal),
        case("poll.signal_without_descriptors", signal_empty),
        case("poll.negative_and_closed_descriptors", closed),
        case("poll.same_descriptor_twice", twice),
        case("poll.close_by_another_thread", close_under),
        case("poll.close_in_the_child_does_not_matter", close_in_child),
        case("poll.too_many_descriptors", too_many),
        case("poll.interrupt_wakes", interrupt_wakes),
        case("poll.asks_again_before_it_sleeps", asks),
        trip(
            "trip.vnode_freed_while_polled",
            "pollhead-leftover",
            leftover,
        ),
        trip(
            "trip.pollwakeup_under_the_files_lock",
            "lock-order",
            under_lock,
        ),
        trip("trip.polldat_on_two_pollheads", "polldat", two_heads),
    ])
}

fn ready(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (null, latch) = (lwp.open_null().unwrap(), lwp.open_latch().unwrap());
        let mut fds = [
            PollFd::new(null, IN | OUT),
            PollFd::new(latch, IN),
            PollFd::new(latch, IN | OUT),
        ];
        let before = lwp.gethrtime();
        assert_eq!(lwp.poll(&mut fds, None), Ok(2));
        assert_eq!(fds.map(|f| f.revents), [IN | OUT, 0, OUT]);
        assert_eq!(lwp.gethrtime(), before);
    });
}

fn zero_timeout(kernel: &Kernel) {
    process(kernel, |lwp| {
        let latch = lwp.open_latch().unwrap();
        let mut fds = [PollFd::new(latch, IN)];
        let before = lwp.gethrtime();
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        assert_eq!(lwp.poll(&mut [], Some(0)), Ok(0));
        assert_eq!((fds[0].revents, lwp.gethrtime()), (0, before));
    });
}

fn timeout(kernel: &Kernel) {
    process(kernel, |lwp| {
        let latch = lwp.open_latch().unwrap();
        for fds in [&mut [PollFd::new(latch, IN)][..], &mut []] {
            let before = lwp.gethrtime();
            assert_eq!(lwp.poll(fds, Some(50_000_000)), Ok(0));
            assert_eq!(lwp.gethrtime() - before, 50_000_000);
            // A wait lasts a tick at least.
            let before = lwp.gethrtime();
            assert_eq!(lwp.poll(fds, Some(1)), Ok(0));
            assert_eq!(lwp.gethrtime() - before, 10_000_000);
        }
    });
}

/// Every rule on, and tasks that give way often.
fn restless() -> fakekernel::Config {
    fakekernel::Config {
        yield_chance: 0.3,
        ..support::strict()
    }
}

/// Writes a byte to a latch.
fn set(lwp: &Lwp, fd: i32) {
    let addr = lwp.alloc(1);
    assert_eq!(lwp.write(fd, addr, 1), Ok(1));
    lwp.unmap(addr, 1);
}

fn wakes(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = (lwp.open_latch().unwrap(), lwp.open_latch().unwrap());
        let poller = lwp.spawn(move |lwp| {
            let mut fds = [PollFd::new(a, IN), PollFd::new(b, IN)];
            (lwp.poll(&mut fds, None), fds.map(|f| f.revents))
        });
        lwp.settle();
        assert!(!poller.has_ended());
        set(lwp, b);
        assert_eq!(poller.join(), (Ok(1), [0, IN]));
    });
}

fn many(kernel: &Kernel) {
    process(kernel, |lwp| {
        let latch = lwp.open_latch().unwrap();
        let pollers: Vec<_> = (0..5)
            .map(|_| lwp.spawn(move |lwp| lwp.poll(&mut [PollFd::new(latch, IN)], None)))
            .collect();
        lwp.settle();
        set(lwp, latch);
        for poller in pollers {
            assert_eq!(poller.join(), Ok(1));
        }
    });
}

fn race(kernel: &Kernel) {
    // On a virtual clock a lost wakeup is a deadlock panic.
    process(kernel, |lwp| {
        let (ping, pong) = (lwp.open_latch().unwrap(), lwp.open_latch().unwrap());
        let turns = 300;
        let other = lwp.spawn(move |lwp| {
            let addr = lwp.alloc(1);
            for _ in 0..turns {
                assert_eq!(lwp.poll(&mut [PollFd::new(ping, IN)], None), Ok(1));
                lwp.read(ping, addr, 1).unwrap();
                lwp.write(pong, addr, 1).unwrap();
            }
        });
        let addr = lwp.alloc(1);
        for _ in 0..turns {
            lwp.write(ping, addr, 1).unwrap();
            assert_eq!(lwp.poll(&mut [PollFd::new(pong, IN)], None), Ok(1));
            lwp.read(pong, addr, 1).unwrap();
        }
        other.join();
    });
}

fn signal(kernel: &Kernel) {
    process(kernel, |lwp| {
        let latch = lwp.open_latch().unwrap();
        let poller = lwp.spawn(move |lwp| {
            let answer = lwp.poll(&mut [PollFd::new(latch, IN)], None);
            (answer, lwp.signals())
        });
        lwp.settle();
        poller.kill(SIGUSR1);
        assert_eq!(poller.join(), (Err(EINTR), 1));
        // One that comes before the call was taken in user mode; a blocked one waits.
        lwp.kill(SIGUSR1);
        lwp.hold_signal(SIGUSR2, true);
        lwp.kill(SIGUSR2);
        let mut fds = [PollFd::new(latch, IN)];
        assert_eq!(lwp.poll(&mut fds, Some(20_000_000)), Ok(0));
        assert_eq!(lwp.signals(), 1);
        lwp.hold_signal(SIGUSR2, false);
        assert_eq!(lwp.poll(&mut fds, Some(20_000_000)), Ok(0));
        assert_eq!(lwp.signals(), 2);
    });
}

fn signal_empty(kernel: &Kernel) {
    process(kernel, |lwp| {
        let sleeper = lwp.spawn(|lwp| lwp.poll(&mut [], None));
        lwp.settle();
        sleeper.kill(SIGUSR1);
        assert_eq!(sleeper.join(), Err(EINTR));
    });
}

fn closed(kernel: &Kernel) {
    process(kernel, |lwp| {
        let null = lwp.open_null().unwrap();
        let mut fds = [
            PollFd::new(-1, IN),
            PollFd::new(99, IN),
            PollFd::new(null, IN),
        ];
        assert_eq!(lwp.poll(&mut fds, None), Ok(2));
        assert_eq!(fds.map(|f| f.revents), [0, NVAL, IN]);
    });
}

fn twice(kernel: &Kernel) {
    process(kernel, |lwp| {
        let latch = lwp.open_latch().unwrap();
        let poller = lwp.spawn(move |lwp| {
            let mut fds = [PollFd::new(latch, IN), PollFd::new(latch, IN)];
            (lwp.poll(&mut fds, None), fds.map(|f| f.revents))
        });
        lwp.settle();
        set(lwp, latch);
        assert_eq!(poller.join(), (Ok(2), [IN, IN]));
    });
}

fn close_under(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = (lwp.open_latch().unwrap(), lwp.open_latch().unwrap());
        let poller = lwp.spawn(move |lwp| {
            let mut fds = [PollFd::new(a, IN), PollFd::new(b, IN), PollFd::new(a, IN)];
            (lwp.poll(&mut fds, None), fds.map(|f| f.revents))
        });
        lwp.settle();
        assert_eq!(lwp.close(a), Ok(()));
        // The number is free again and means another file.
        assert_eq!(lwp.open_null(), Ok(a));
        assert_eq!(poller.join(), (Ok(2), [NVAL, 0, NVAL]));
        assert_eq!(lwp.close(b), Ok(()));
    });
}

fn close_in_child(kernel: &Kernel) {
    process(kernel, |lwp| {
        let latch = lwp.open_latch().unwrap();
        let poller =
            lwp.spawn(move |lwp| lwp.poll(&mut [PollFd::new(latch, IN)], Some(1_000_000_000)));
        lwp.settle();
        lwp.fork(None, move |lwp| lwp.close(latch)).wait().unwrap();
        assert_eq!(poller.join(), Ok(0));
    });
}

fn too_many(kernel: &Kernel) {
    process_with(
        kernel,
        ProcCfg {
            nofile: 4,
            ..ProcCfg::default()
        },
        |lwp| {
            assert_eq!(
                lwp.poll(&mut [PollFd::new(-1, IN); 5], Some(0)),
                Err(EINVAL)
            );
            assert_eq!(lwp.poll(&mut [PollFd::new(-1, IN); 4], Some(0)), Ok(0));
        },
    );
}

fn interrupt_wakes(kernel: &Kernel) {
    process(kernel, |lwp| {
        let latch = lwp.open_latch().unwrap();
        let poller = lwp.spawn(move |lwp| lwp.poll(&mut [PollFd::new(latch, IN)], None));
        lwp.settle();
        // SAFETY: an interrupt may only call pollwakeup; the vnode is open.
        let head = unsafe {
            let fp = getf(latch);
            let mut head = ptr::null_mut();
            let mut revents = 0;
            fop_poll(
                (*fp).f_vnode,
                IN,
                0,
                &raw mut revents,
                &raw mut head,
                ptr::null_mut(),
            );
            releasef(latch);
            head as usize
        };
        let interrupt = lwp.interrupt(move || {
            // SAFETY: as above.
            unsafe { pollwakeup(head as *mut pollhead_t, IN) }
        });
        interrupt.join();
        lwp.settle();
        assert!(
            !poller.has_ended(),
            "the latch is not set: it has to sleep on"
        );
        set(lwp, latch);
        assert_eq!(poller.join(), Ok(1));
    });
}

fn asks(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, _) = open_file();
        let mut fds = [PollFd::new(fd, IN)];
        assert_eq!(lwp.poll(&mut fds, Some(20_000_000)), Ok(0));
        let asked = ASKED.load(SeqCst);
        assert_eq!(asked, 2, "once without, once on the pollhead's list");
        assert_eq!(ANYYET.load(SeqCst), 0);
    });
}

fn leftover(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, vp) = open_file();
        lwp.spawn(move |lwp| lwp.poll(&mut [PollFd::new(fd, IN)], None));
        lwp.settle();
        // SAFETY: misused on purpose.
        unsafe { vn_free(vp) };
    });
}

fn under_lock(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, _) = open_file();
        let poller =
            lwp.spawn(move |lwp| lwp.poll(&mut [PollFd::new(fd, IN)], Some(1_000_000_000)));
        lwp.settle();
        // A file that calls pollwakeup with the lock that its own VOP_POLL takes. The first time
        // nobody is in the way, so only the order of locks shows it.
        let file = FILE.load(SeqCst);
        // SAFETY: misused on purpose.
        unsafe {
            mutex_enter(&raw mut (*file).lock);
            pollwakeup(&raw mut (*file).head, IN);
            mutex_exit(&raw mut (*file).lock);
        }
        let _ = poller.join();
    });
}

fn two_heads(kernel: &Kernel) {
    process(kernel, |_| {
        // SAFETY: misused on purpose; all-zero bytes are valid values.
        unsafe {
            let mut pdp: polldat_t = std::mem::zeroed();
            let mut head: pollhead_t = std::mem::zeroed();
            polldat_associate(&raw mut pdp, &raw mut head);
            polldat_associate(&raw mut pdp, &raw mut head);
        }
    });
}
