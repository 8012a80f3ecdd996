//! Many descriptors in one process.

use fakekernel::counter::{Counter, Snapshot};
use fakekernel::user::{Lwp, PollFd, ProcCfg};
use fakekernel::{Config, Strict};

use super::support::{self, Case, Kernel, case, process_with};
use super::{IN, read, ready, write};

/// Descriptors that a process has in these cases ...
const MANY: usize = 100_000;
/// ... and when the number makes no difference.
const FEWER: usize = 20_000;
/// Kernel memory that each of them may take: file, vnode, its part of a pipe, its place in the
/// table of descriptors (which doubles when it grows, and keeps the smaller ones).
const BYTES: u64 = 1024;

pub fn cases() -> Vec<Case> {
    vec![
        case("many.pipes", pipes).on(fast),
        case("many.socket_pairs", sockets).on(fast),
        case("many.devices", devices).on(fast),
        case("many.poll", poll).on(fast),
    ]
}

/// The rules that cost little; leaks count.
fn fast() -> Config {
    Config {
        strict: Strict {
            leaks: true,
            ..Strict::fast()
        },
        ..support::strict()
    }
}

/// Runs `body` in a process that may have so many.
fn process(kernel: &Kernel, body: impl FnOnce(&Lwp)) {
    let cfg = ProcCfg {
        nofile: MANY as u32 + 100,
        ..ProcCfg::default()
    };
    process_with(kernel, cfg, body);
}

/// Bytes of kernel memory in use.
fn in_use(counters: Snapshot) -> u64 {
    counters.get(Counter::KmemAllocBytes) - counters.get(Counter::KmemFreeBytes)
}

/// Opens descriptors two at a time; checks what they cost.
fn open_pairs(
    kernel: &Kernel,
    lwp: &Lwp,
    count: usize,
    pair: impl Fn(&Lwp) -> Result<(i32, i32), i32>,
) -> Vec<i32> {
    let before = in_use(kernel.counters());
    let mut fds = Vec::new();
    while fds.len() < count {
        let (one, other) = pair(lwp).unwrap();
        fds.extend([one, other]);
    }
    let bytes = in_use(kernel.counters()) - before;
    assert!(bytes < BYTES * count as u64, "{bytes} bytes");
    assert!(fds.iter().enumerate().all(|(n, &fd)| n as i32 == fd));
    fds
}

/// Each of them works, and its number is the lowest when it is closed.
fn use_all(lwp: &Lwp, fds: &[i32]) {
    for pair in fds.chunks(2).step_by(100) {
        write(lwp, pair[1], b"x").unwrap();
        assert_eq!(ready(lwp, pair[0], IN), IN);
        assert_eq!(read(lwp, pair[0], 2).unwrap(), b"x");
    }
    let middle = fds[fds.len() / 2];
    lwp.close(middle).unwrap();
    assert_eq!(lwp.open_null(), Ok(middle));
    // Half of them by close, the rest by exit.
    for &fd in &fds[..fds.len() / 2] {
        lwp.close(fd).unwrap();
    }
}

fn pipes(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fds = open_pairs(kernel, lwp, MANY, Lwp::pipe);
        use_all(lwp, &fds);
    });
}

fn sockets(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fds = open_pairs(kernel, lwp, FEWER, Lwp::socketpair);
        use_all(lwp, &fds);
    });
}

fn devices(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fds = open_pairs(kernel, lwp, FEWER, |lwp| {
            Ok((lwp.open_device()?, lwp.open_device()?))
        });
        for &fd in fds.iter().step_by(1000) {
            lwp.raise(fd, IN).unwrap();
            assert_eq!(ready(lwp, fd, IN), IN);
        }
    });
}

fn poll(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fds = open_pairs(kernel, lwp, FEWER, Lwp::pipe);
        let mut list: Vec<_> = fds.iter().map(|&fd| PollFd::new(fd, IN)).collect();
        assert_eq!(lwp.poll(&mut list, Some(0)), Ok(0));
        for &fd in fds.iter().step_by(1000) {
            write(lwp, fd, b"x").unwrap();
        }
        assert_eq!(lwp.poll(&mut list, None), Ok(FEWER / 1000));
        assert_eq!(list[1].revents, IN);
        assert_eq!(list[0].revents, 0);
    });
}
