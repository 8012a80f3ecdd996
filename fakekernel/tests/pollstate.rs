//! What a thread keeps between its poll(2) calls.

#[path = "support/pollfile.rs"]
mod pollfile;
mod support;

use std::process::ExitCode;
use std::sync::atomic::Ordering::SeqCst;

use bindings::*;
use fakekernel::user::{Lwp, PollFd, ProcCfg};
use pollfile::{ASKED, FILE, open_file};
use support::{Kernel, case, process, process_with};

const IN: i16 = POLLIN as i16;
const OUT: i16 = POLLOUT as i16;
const NVAL: i16 = POLLNVAL as i16;

fn main() -> ExitCode {
    support::main(vec![
        case("state.asks_what_was_marked", marked),
        case("state.asks_again_when_events_change", events),
        case("state.known_by_the_address_of_the_list", addresses),
        case("state.closed_and_opened_again", reopened),
        case("state.closed_between_two_calls", closed_between),
        case("state.descriptor_twice_in_changing_lists", twice),
        case("state.ends_with_its_thread", thread_ends),
        case("state.a_hundred_descriptors_and_more", many),
        case("state.random_lists", random),
        case("state.random_lists_with_closers", random_closers).on(restless),
        case("state.events_nobody_may_ask_for", filtered),
        case("clean.takes_everybody_off", clean),
    ])
}

/// Every rule on, and tasks that give way often.
fn restless() -> fakekernel::Config {
    fakekernel::Config {
        yield_chance: 0.3,
        ..support::strict()
    }
}

/// How often the test's file was asked since the last call.
fn asked() -> u32 {
    ASKED.swap(0, SeqCst)
}

fn set(lwp: &Lwp, fd: i32) {
    let addr = lwp.alloc(1);
    assert_eq!(lwp.write(fd, addr, 1), Ok(1));
    lwp.unmap(addr, 1);
}

fn reset(lwp: &Lwp, fd: i32) {
    let addr = lwp.alloc(1);
    lwp.read(fd, addr, 1).unwrap();
    lwp.unmap(addr, 1);
}

fn wakeup(events: i16) {
    // SAFETY: the test's file is open.
    unsafe { pollwakeup(&raw mut (*FILE.load(SeqCst)).head, events) };
}

fn marked(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, _) = open_file();
        let mut fds = [PollFd::new(fd, IN)];
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        assert_eq!(asked(), 2);
        // Nothing happened since: nothing is asked.
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        assert_eq!(lwp.poll(&mut fds, Some(20_000_000)), Ok(0));
        assert_eq!(asked(), 0);
        wakeup(OUT);
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        assert_eq!(asked(), 0, "not what it waits for");
        wakeup(IN);
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        assert_eq!(asked(), 1);
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        assert_eq!(asked(), 0);
    });
}

fn events(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, _) = open_file();
        let mut fds = [PollFd::new(fd, IN)];
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        asked();
        fds[0].events = IN | OUT;
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        assert!(asked() > 0);
        wakeup(OUT);
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        assert_eq!(asked(), 1);
    });
}

fn addresses(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, _) = open_file();
        let mut lists = [[PollFd::new(fd, IN)]; 3];
        for fds in &mut lists[..2] {
            assert_eq!(lwp.poll(fds, Some(0)), Ok(0));
        }
        asked();
        for fds in &mut lists[..2] {
            assert_eq!(lwp.poll(fds, Some(0)), Ok(0));
        }
        assert_eq!(asked(), 0, "two lists are remembered");
        // The third takes the place of one of them, and finds the same descriptor there.
        assert_eq!(lwp.poll(&mut lists[2], Some(0)), Ok(0));
        assert_eq!(asked(), 0);
        wakeup(IN);
        for fds in &mut lists {
            assert_eq!(lwp.poll(fds, Some(0)), Ok(0));
        }
        assert!(asked() >= 1);
    });
}

fn reopened(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = (lwp.open_latch().unwrap(), lwp.open_latch().unwrap());
        let mut fds = [PollFd::new(a, IN), PollFd::new(b, IN), PollFd::new(a, IN)];
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        assert_eq!(lwp.close(a), Ok(()));
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(2));
        assert_eq!(fds.map(|f| f.revents), [NVAL, 0, NVAL]);
        assert_eq!(lwp.open_latch(), Ok(a));
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        // The number means another file without a call in between.
        assert_eq!(lwp.close(a), Ok(()));
        assert_eq!(lwp.open_latch(), Ok(a));
        set(lwp, a);
        assert_eq!(lwp.poll(&mut fds, None), Ok(2));
        assert_eq!(fds.map(|f| f.revents), [IN, 0, IN]);
        assert_eq!(lwp.dup2(b, a), Ok(a));
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        set(lwp, b);
        assert_eq!(lwp.poll(&mut fds, None), Ok(3));
    });
}

fn closed_between(kernel: &Kernel) {
    process(kernel, |lwp| {
        let latch = lwp.open_latch().unwrap();
        let copy = lwp.dup(latch).unwrap();
        let poller = lwp.spawn(move |lwp| {
            let mut fds = [PollFd::new(latch, IN), PollFd::new(copy, IN)];
            assert_eq!(lwp.poll(&mut fds, Some(10_000_000)), Ok(0));
            lwp.sleep(50_000_000);
            // Closed by another thread meanwhile; the file is still open as `copy`.
            let first = (lwp.poll(&mut fds, Some(0)), fds.map(|f| f.revents));
            fds[0].fd = -1;
            set(lwp, copy);
            (first, lwp.poll(&mut fds, None), fds.map(|f| f.revents))
        });
        lwp.sleep(30_000_000);
        assert_eq!(lwp.close(latch), Ok(()));
        assert_eq!(poller.join(), ((Ok(1), [NVAL, 0]), Ok(1), [0, IN]));
    });
}

fn twice(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = (lwp.open_latch().unwrap(), lwp.open_latch().unwrap());
        let mut fds = [
            PollFd::new(a, IN),
            PollFd::new(b, IN),
            PollFd::new(a, IN | OUT),
        ];
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(1));
        assert_eq!(fds.map(|f| f.revents), [0, 0, OUT]);
        fds[0].fd = b;
        set(lwp, b);
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(3));
        assert_eq!(fds.map(|f| f.revents), [IN, IN, OUT]);
        fds[2] = PollFd::new(b, OUT);
        reset(lwp, b);
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(1));
        assert_eq!(fds.map(|f| f.revents), [0, 0, OUT]);
        assert_eq!(lwp.close(b), Ok(()));
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(3));
        assert_eq!(fds.map(|f| f.revents), [NVAL; 3]);
    });
}

fn thread_ends(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, _) = open_file();
        for _ in 0..3 {
            let poller = lwp.spawn(move |lwp| lwp.poll(&mut [PollFd::new(fd, IN)], Some(0)));
            assert_eq!(poller.join(), Ok(0));
        }
        let file = FILE.load(SeqCst);
        // SAFETY: the file is open, and nobody polls it any more.
        assert!(unsafe { (*file).head.ph_list.is_null() });
        // The one of a process that exits, and one that is killed in its sleep.
        let child = lwp.fork(None, move |lwp| {
            lwp.spawn(move |lwp| lwp.poll(&mut [PollFd::new(fd, IN)], None));
            lwp.settle();
            lwp.poll(&mut [PollFd::new(fd, IN)], Some(0))
        });
        assert_eq!(child.wait(), Ok(0));
        // SAFETY: as above.
        assert!(unsafe { (*file).head.ph_list.is_null() });
        assert_eq!(lwp.close(fd), Ok(()));
    });
}

fn many(kernel: &Kernel) {
    let cfg = ProcCfg {
        nofile: 3000,
        ..ProcCfg::default()
    };
    process_with(kernel, cfg, |lwp| {
        let latches: Vec<i32> = (0..700).map(|_| lwp.open_latch().unwrap()).collect();
        assert_eq!(lwp.dup2(latches[0], 2900), Ok(2900));
        let list = latches.iter().chain(&[2900]);
        let mut fds: Vec<_> = list.map(|&fd| PollFd::new(fd, IN)).collect();
        assert_eq!(lwp.poll(&mut fds[..10], Some(0)), Ok(0));
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        for fd in [latches[0], latches[699]] {
            set(lwp, fd);
        }
        assert_eq!(
            lwp.poll(&mut fds, None),
            Ok(3),
            "one of them by two descriptors"
        );
        let ready = |fds: &[PollFd]| fds.iter().filter(|f| f.revents == IN).count();
        assert_eq!(ready(&fds), 3);
        assert_eq!(lwp.poll(&mut fds[..10], Some(0)), Ok(1));
    });
}

struct Random(u32);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % n
    }
}

/// Latches of one process, what they should answer, and lists in a few places.
fn random(kernel: &Kernel) {
    process(kernel, |lwp| {
        let mut random = Random(7);
        // Some of the descriptors are closed, some latches are set.
        let mut state = [None; 8];
        let mut lists = vec![vec![PollFd::new(-1, 0); 6]; 4];
        for _ in 0..3000 {
            let fd = random.below(8);
            match state[fd] {
                None => {
                    let made = lwp.open_latch().unwrap();
                    state[made as usize] = Some(false);
                }
                Some(_) if random.below(4) == 0 => {
                    assert_eq!(lwp.close(fd as i32), Ok(()));
                    state[fd] = None;
                }
                Some(false) => {
                    set(lwp, fd as i32);
                    state[fd] = Some(true);
                }
                Some(true) => {
                    reset(lwp, fd as i32);
                    state[fd] = Some(false);
                }
            }
            let list = &mut lists[random.below(4)];
            let change = random.below(6);
            list[change].fd = random.below(9) as i32 - 1;
            list[change].events = [0, IN, OUT, IN | OUT][random.below(4)];
            let used = 1 + random.below(6);
            let answer = lwp.poll(&mut list[..used], Some(0)).unwrap();
            let mut ready = 0;
            for entry in &list[..used] {
                let right = match usize::try_from(entry.fd).map(|fd| state[fd]) {
                    Err(_) => 0,
                    Ok(None) => NVAL,
                    Ok(Some(set)) => entry.events & (OUT | if set { IN } else { 0 }),
                };
                assert_eq!(entry.revents, right, "{entry:?}");
                ready += usize::from(right != 0);
            }
            assert_eq!(answer, ready);
        }
    });
}

fn random_closers(kernel: &Kernel) {
    process(kernel, |lwp| {
        let pollers: Vec<_> = (0..3)
            .map(|seed| {
                lwp.spawn(move |lwp| {
                    let mut random = Random(seed);
                    let mut lists = [[PollFd::new(-1, IN); 5]; 3];
                    for _ in 0..120 {
                        let list = &mut lists[random.below(3)];
                        list[random.below(5)].fd = random.below(7) as i32 - 1;
                        let found = lwp.poll(list, Some([0, 10_000_000][random.below(2)]));
                        // EBADF: woken by the close of a descriptor it was asking.
                        assert!(matches!(found, Ok(_) | Err(EBADF)), "{found:?}");
                    }
                })
            })
            .collect();
        let mut random = Random(99);
        for _ in 0..400 {
            let fd = random.below(6) as i32;
            match random.below(4) {
                0 => drop(lwp.close(fd)),
                1 if lwp.getfd(fd).is_ok() => set(lwp, fd),
                2 if lwp.getfd(fd).is_ok() => reset(lwp, fd),
                _ if lwp.getfd(fd).is_err() => drop(lwp.open_latch()),
                _ => lwp.yield_now(),
            }
        }
        for poller in pollers {
            poller.join();
        }
    });
}

fn filtered(kernel: &Kernel) {
    process(kernel, |lwp| {
        let null = lwp.open_null().unwrap();
        let mut fds = [PollFd::new(null, IN | (POLLET | POLLONESHOT) as i16)];
        assert_eq!(lwp.poll(&mut fds, None), Ok(1));
        assert_eq!(fds[0].revents, IN);
    });
}

fn clean(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, _) = open_file();
        let poller = lwp.spawn(move |lwp| {
            let mut fds = [PollFd::new(fd, IN)];
            let first = lwp.poll(&mut fds, Some(20_000_000));
            (first, lwp.poll(&mut fds, Some(20_000_000)))
        });
        let mut fds = [PollFd::new(fd, IN)];
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        lwp.settle();
        let file = FILE.load(SeqCst);
        // SAFETY: the file is open; the polldat is taken off before it goes.
        unsafe {
            let head = &raw mut (*file).head;
            let mut port: polldat_t = std::mem::zeroed();
            polldat_associate(&raw mut port, head);
            pollhead_clean(head);
            assert!((*head).ph_list.is_null() && port.pd_php.is_null());
        }
        assert_eq!(poller.join(), (Ok(0), Ok(0)));
    });
}
