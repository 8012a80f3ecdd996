//! `thread-pool`: threads of a pool in `port_get` (C17).
//!
//! Every thread of the pool waits for ever for one event at a time. Senders hand out work with
//! `port_send` as long as they have no more under way than the pool has threads, so that threads
//! fall asleep and are woken all the time. The pool is ended by one event per thread, each of
//! which must end exactly one thread.

use alloc::vec::Vec;

use suite::{Errno, Failure, Port, System};

use super::{settle, sleep, wakeups};
use crate::retriever::Retriever;
use crate::sender::Sender;
use crate::stage::{Stage, join};
use crate::{Cookie, Load, Progress, Service, Tally};

/// Event bits of work.
const WORK: i32 = 1;

/// Runs with a pool of `threads` threads and half as many senders.
pub(crate) fn run(
    sys: &dyn System,
    load: Load,
    progress: Progress<'_>,
) -> Result<Service, Failure> {
    let (pool, senders) = (load.threads, load.half());
    let window = usize::from(pool);
    // Room for all work and for the events that end the pool.
    let limit = window as u64 * (u64::from(senders) + 1);
    let stage = Stage::set(sys, senders, window, limit)?;
    let port = Port::at(sys, stage.port);
    let before = wakeups(sys);
    let mut service = Service {
        retrievers: pool,
        senders,
        ..Service::default()
    };

    let mut working = Vec::new();
    for _ in 0..pool {
        working.push(stage.spawn(sys, work)?);
    }
    let mut sending = Vec::new();
    for id in 0..senders {
        sending.push(stage.spawn(sys, move |sys, stage, tally| {
            Sender::new(sys, stage, id, WORK).flood(tally)
        })?);
    }
    let findings = &mut service.tally.findings;
    service.elapsed = stage.serve(sys, load, progress, findings, sleep(sys));

    stage.end();
    join(sending, &mut service.tally);
    for _ in 0..pool {
        port.send(WORK, Cookie::STOP as usize)?;
    }
    join(working, &mut service.tally);
    service.wakeups = wakeups(sys).zip(before).map(|(now, before)| now - before);
    let left = port.queued()?;
    if left != 0 && !stage.has_failed() {
        let text =
            format_args!("{left} events are queued after every thread got the one that ends it");
        service.tally.findings.fail(text);
    }
    settle(&stage, &mut service);
    port.close()?;
    Ok(service)
}

/// A thread of the pool.
fn work(sys: &dyn System, stage: &Stage, tally: &mut Tally) -> Result<(), Failure> {
    let mut retriever = Retriever::new(sys, stage, 1, WORK, tally)?;
    loop {
        match retriever.get() {
            Ok(event) if event.user == Cookie::STOP => return Ok(()),
            Ok(event) => retriever.take(event, sys.now()),
            // The process ends: its first thread gave up.
            Err(Errno::EINTR) if stage.has_failed() => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(Failure::new(format_args!("port_get: {errno}"))),
        }
    }
}
