//! Pipes, sockets, regular files and devices: what can be read, written and waited for.

#![allow(missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod device;
mod many;
mod pipe;
mod regular;
mod socket;
mod travel;

use std::process::ExitCode;
use std::ptr;

use bindings::*;
use fakekernel::user::{Lwp, PollFd};

const IN: i16 = POLLIN as i16;
const OUT: i16 = POLLOUT as i16;
const HUP: i16 = POLLHUP as i16;

fn main() -> ExitCode {
    let cases = [
        pipe::cases(),
        socket::cases(),
        travel::cases(),
        regular::cases(),
        device::cases(),
        many::cases(),
    ];
    support::main(cases.concat())
}

/// Every rule on, and tasks that give way often.
fn restless() -> fakekernel::Config {
    fakekernel::Config {
        yield_chance: 0.3,
        ..support::strict()
    }
}

/// write(2) of these bytes.
fn write(lwp: &Lwp, fd: i32, bytes: &[u8]) -> Result<usize, i32> {
    let addr = lwp.alloc(bytes.len().max(1));
    assert!(lwp.poke(addr, bytes));
    let done = lwp.write(fd, addr, bytes.len());
    lwp.unmap(addr, bytes.len().max(1));
    done
}

/// read(2) of up to `len` bytes.
fn read(lwp: &Lwp, fd: i32, len: usize) -> Result<Vec<u8>, i32> {
    let addr = lwp.alloc(len.max(1));
    let done = lwp.read(fd, addr, len);
    let bytes = done.map(|n| lwp.peek(addr, n).expect("memory of the process"));
    lwp.unmap(addr, len.max(1));
    bytes
}

/// What the file of `fd` answers to VOP_POLL, which is asked for more than poll(2) lets through.
fn vop_poll(fd: i32, events: i16) -> Result<i16, i32> {
    let (mut revents, mut php) = (0, ptr::null_mut());
    // SAFETY: the file is held meanwhile; the out pointers are ours.
    let error = unsafe {
        let vp = (*getf(fd)).f_vnode;
        let (to, head) = (&raw mut revents, &raw mut php);
        let error = fop_poll(vp, events, 0, to, head, ptr::null_mut());
        releasef(fd);
        error
    };
    if error == 0 { Ok(revents) } else { Err(error) }
}

/// What poll(2) answers at once.
fn ready(lwp: &Lwp, fd: i32, events: i16) -> i16 {
    let mut fds = [PollFd::new(fd, events)];
    let n = lwp.poll(&mut fds, Some(0)).expect("a poll without waiting");
    assert_eq!(n, usize::from(fds[0].revents != 0));
    fds[0].revents
}

/// Starts a thread that polls for ever and answers what it found.
fn poller(lwp: &Lwp, fd: i32, events: i16) -> fakekernel::user::LwpHandle<i16> {
    let handle = lwp.spawn(move |lwp| {
        let mut fds = [PollFd::new(fd, events)];
        assert_eq!(lwp.poll(&mut fds, None), Ok(1));
        fds[0].revents
    });
    lwp.settle();
    handle
}

/// O_NONBLOCK on.
fn nonblocking(lwp: &Lwp, fd: i32) {
    let flags = lwp.getfl(fd).unwrap();
    lwp.setfl(fd, flags | O_NONBLOCK).unwrap();
    assert_eq!(lwp.getfl(fd).unwrap() & O_NONBLOCK, O_NONBLOCK);
}

/// poll(2) until one of `events` is there.
fn await_ready(lwp: &Lwp, fd: i32, events: i16) {
    let mut fds = [PollFd::new(fd, events)];
    assert_eq!(lwp.poll(&mut fds, None), Ok(1));
    assert_eq!(fds[0].revents & !events, 0);
}

/// Three threads write `turns` times into `b`, every quarter of them `long` bytes: all of it is
/// read from `a`, from each thread as much as it wrote.
fn three_writers(lwp: &Lwp, a: i32, b: i32, turns: usize, long: usize) {
    let writers: Vec<_> = (0..3u8)
        .map(|id| {
            lwp.spawn(move |lwp| {
                for n in 0..turns {
                    let len = if n % (turns / 4) == 0 { long } else { 40 };
                    assert_eq!(write(lwp, b, &vec![id; len]), Ok(len));
                }
            })
        })
        .collect();
    let mut counts = [0usize; 3];
    let total = 3 * (4 * long + (turns - 4) * 40);
    while counts.iter().sum::<usize>() < total {
        for byte in read(lwp, a, 3000).unwrap() {
            counts[usize::from(byte)] += 1;
        }
    }
    writers.into_iter().for_each(|w| w.join());
    assert_eq!(counts, [total / 3; 3]);
}

/// A byte goes from `a` to `b` and back, three hundred times, each side waiting in poll(2).
fn echo_bytes(lwp: &Lwp, a: i32, b: i32) {
    let echo = lwp.spawn(move |lwp| {
        for _ in 0..300 {
            await_ready(lwp, b, IN);
            let byte = read(lwp, b, 1).unwrap();
            write(lwp, b, &byte).unwrap();
        }
    });
    for n in 0..300u32 {
        write(lwp, a, &[n as u8]).unwrap();
        await_ready(lwp, a, IN);
        assert_eq!(read(lwp, a, 1).unwrap(), [n as u8]);
    }
    echo.join();
}
