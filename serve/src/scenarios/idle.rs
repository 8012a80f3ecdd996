//! `idle`: very many descriptors on one port, of which few have anything to say (C1, C3, C26).
//!
//! Both ends of socket pairs are associated. Writers write to the peers of one descriptor in a
//! hundred, spread over all; threads take the events, read what is there and associate again. The
//! other descriptors must neither have an event nor cost more than their kernel memory. At the end
//! every other association is ended by `port_dissociate`, the rest by closing; then the port must
//! have all its slots back (S28).

use alloc::sync::Arc;
use alloc::vec::Vec;

use suite::{Errno, Failure, Port, Rng, System};

use super::{refill, settle, sleep, wakeups};
use crate::event_loop::{EventLoop, stop};
use crate::sender::Sender;
use crate::stage::{Stage, join};
use crate::watchlist::Watchlist;
use crate::{Cookie, Load, Progress, Service};

/// One descriptor in so many is active.
const ACTIVE: usize = 100;
/// Events that one writer can have under way.
const WINDOW: usize = 64;
/// Entries of the list of every other thread; the rest use `port_get`.
const LIST: u32 = 64;
/// Bytes of a cookie.
const COOKIE: usize = 8;

/// The descriptors, in socket pairs: the peer of descriptor n is n with its lowest bit flipped.
struct Crowd {
    ends: Vec<i32>,
    watched: Watchlist,
    /// Distance from one active descriptor to the next.
    stride: usize,
    active: usize,
}

impl Crowd {
    /// Opens socket pairs, of whose ends `count` will be watched.
    fn open(sys: &dyn System, count: u32) -> Result<Crowd, Failure> {
        let count = count as usize;
        let mut ends = Vec::new();
        while ends.len() < count {
            let (one, other) = sys.socketpair().map_err(|why| {
                let open = ends.len();
                Failure::new(format_args!("socketpair, with {open} descriptors: {why}"))
            })?;
            ends.extend([one, other]);
        }
        let active = (count / ACTIVE).max(1);
        let crowd = Crowd {
            watched: Watchlist::new(ends.iter().copied().take(count)),
            ends,
            stride: count / active,
            active,
        };
        for nth in 0..active {
            sys.set_nonblocking(crowd.watched.fd(nth * crowd.stride), true)?;
        }
        Ok(crowd)
    }

    fn is_active(&self, index: usize) -> bool {
        index.is_multiple_of(self.stride) && index / self.stride < self.active
    }

    /// Where to write for active descriptor number `nth`.
    fn peer(&self, nth: usize) -> i32 {
        let index = nth * self.stride;
        self.ends.get(index ^ 1).copied().unwrap_or(-1)
    }
}

/// Runs with `threads` threads and half as many writers.
pub(crate) fn run(
    sys: &dyn System,
    load: Load,
    progress: Progress<'_>,
) -> Result<Service, Failure> {
    let (readers, writers, count) = (load.threads, load.half(), load.connections.max(2));
    let limit = u64::from(count) + u64::from(readers);
    let stage = Stage::set(sys, writers, WINDOW, limit)?;
    let port = Port::at(sys, stage.port);
    let crowd = Arc::new(Crowd::open(sys, count)?);
    let mut service = Service {
        retrievers: readers,
        senders: writers,
        connections: Some(count),
        association_bytes: crowd.watched.arm_all(port)?,
        ..Service::default()
    };
    let before = wakeups(sys);

    let mut reading = Vec::new();
    for id in 0..readers {
        let crowd = Arc::clone(&crowd);
        let list = if id % 2 == 0 { 1 } else { LIST };
        reading.push(stage.spawn(sys, move |sys, stage, tally| {
            EventLoop::new(sys, stage, &crowd.watched, list, tally)?
                .run(|event_loop, index| read(event_loop, index, &crowd))
        })?);
    }
    let mut writing = Vec::new();
    for id in 0..writers {
        let crowd = Arc::clone(&crowd);
        let mut rng = Rng::new(load.seed + u64::from(id));
        writing.push(stage.spawn(sys, move |sys, stage, tally| {
            let write = |user: u64| {
                let peer = crowd.peer(rng.below(crowd.active as u64) as usize);
                // The socket has room for what the window allows.
                match sys.write(peer, &user.to_ne_bytes())? {
                    COOKIE => Ok(()),
                    _ => Err(Errno::EIO),
                }
            };
            Sender::through(sys, stage, id, "write", write).flood(tally)
        })?);
    }
    let findings = &mut service.tally.findings;
    service.elapsed = stage.serve(sys, load, progress, findings, sleep(sys));
    service.wakeups = wakeups(sys).zip(before).map(|(now, before)| now - before);

    stage.end();
    join(writing, &mut service.tally);
    stop(port, readers)?;
    join(reading, &mut service.tally);
    if !stage.has_failed() {
        leave(sys, port, &crowd)?;
        refill(port, limit, &mut service.tally.findings)?;
    }
    settle(&stage, &mut service);
    port.close()?;
    Ok(service)
}

/// A thread has the event of a descriptor: reads some of what is there.
fn read(event_loop: &mut EventLoop<'_>, index: usize, crowd: &Crowd) -> Result<(), Failure> {
    let (sys, stage) = (event_loop.sys(), event_loop.stage);
    let fd = crowd.watched.fd(index);
    if !crowd.is_active(index) {
        let text = format_args!("descriptor {fd} has an event, and nobody wrote to its peer");
        return Err(Failure::new(text));
    }
    let mut bytes = [0; 8 * COOKIE];
    match sys.read(fd, &mut bytes) {
        Ok(count) if count > 0 && count.is_multiple_of(COOKIE) => {
            let now = sys.now();
            let (cookies, _) = bytes.as_chunks();
            for cookie in cookies.iter().take(count / COOKIE) {
                let cookie = Cookie::decode(u64::from_ne_bytes(*cookie));
                event_loop.tally().book(&stage.ledger, cookie, now);
            }
        }
        Err(Errno::EAGAIN) => event_loop.tally().spurious += 1,
        other => return Err(Failure::new(format_args!("read from {fd}: {other:?}"))),
    }
    crowd.watched.arm(event_loop.port, index)
}

/// Ends every association: one by one, and by closing.
fn leave(sys: &dyn System, port: Port<'_>, crowd: &Crowd) -> Result<(), Failure> {
    for index in (0..crowd.watched.fds().count()).step_by(2) {
        crowd.watched.disarm(port, index)?;
    }
    for (pair, ends) in crowd.ends.chunks(2).enumerate() {
        // The other end either goes first, and its event goes with it, or has an event by then.
        let mut order: Vec<i32> = ends.to_vec();
        if pair % 2 == 0 {
            order.reverse();
        }
        for fd in order {
            sys.close(fd)?;
        }
    }
    Ok(())
}
