//! `go-poller`: the protocol of the Go runtime's network poller (C1), without descriptors.
//!
//! Pollers sit in `port_getn` with a list of 128 and ask for one event, each time without waiting,
//! for a moment, or for ever. Workers post readiness as user events in small bursts. The first
//! thread breaks pollers out of their sleep with `port_alert(PORT_ALERT_UPDATE)`, where `EBUSY`
//! says that somebody did so before, and interrupts them with signals as the runtime's preemption
//! does. A poller that was ready to wait clears the alert; one that was not leaves it. In calm
//! rounds nobody alerts or signals and every poller waits for ever: only events wake there.

use alloc::vec::Vec;

use suite::{
    Errno, Failure, PORT_ALERT_SET, PORT_ALERT_UPDATE, Port, Rng, System, Timeout, poll, source,
};

use super::{settle, wakeups};
use crate::retriever::Retriever;
use crate::sender::Sender;
use crate::stage::{Stage, join};
use crate::{Load, Progress, Service, Tally};

/// Entries of a poller's list.
const LIST: u32 = 128;
/// Event bits of an alert.
const BREAK: i32 = poll::HUP as i32;
/// Event bits of readiness.
const READY: i32 = poll::IN as i32;
/// Events that one worker can have posted and not seen handled.
const WINDOW: usize = 256;
/// Longest burst of a worker.
const BURST: u64 = 8;

/// Runs with `threads` pollers and half as many workers.
pub(crate) fn run(
    sys: &dyn System,
    load: Load,
    progress: Progress<'_>,
) -> Result<Service, Failure> {
    let (pollers, workers) = (load.threads, load.half());
    let limit = WINDOW as u64 * u64::from(workers);
    let stage = Stage::set(sys, workers, WINDOW, limit)?;
    let port = Port::at(sys, stage.port);
    let before = wakeups(sys);
    let mut rng = Rng::new(load.seed);
    let mut service = Service {
        retrievers: pollers,
        senders: workers,
        ..Service::default()
    };

    let mut polling = Vec::new();
    for _ in 0..pollers {
        let seed = rng.bits();
        polling.push(stage.spawn(sys, move |sys, stage, tally| {
            poll_loop(sys, stage, seed, tally)
        })?);
    }
    let mut working = Vec::new();
    for id in 0..workers {
        let seed = rng.bits();
        working.push(stage.spawn(sys, move |sys, stage, tally| {
            work(sys, stage, id, seed, tally)
        })?);
    }

    let mut alerts = 0;
    let findings = &mut service.tally.findings;
    service.elapsed = stage.serve(sys, load, progress, findings, |left| {
        sys.sleep(left.min(200_000 + rng.below(800_000)));
        match rng.below(4) {
            _ if stage.is_calm() => {}
            0 | 1 => match port.alert(PORT_ALERT_UPDATE, BREAK, port.fd() as usize) {
                Ok(()) => alerts += 1,
                Err(Errno::EBUSY) => {}
                Err(errno) => return Err(Failure::new(format_args!("port_alert: {errno}"))),
            },
            2 => {
                if let Some(poller) = polling.get(rng.below(u64::from(pollers)) as usize) {
                    // ESRCH: it has given up, and says why itself.
                    let _ = poller.signal();
                }
            }
            _ => {}
        }
        Ok(())
    });
    service.alerts = alerts;

    // A poller may clear this alert late, in front of one that has not gone to sleep yet.
    stage.end();
    while !polling.iter().all(|poller| poller.done()) {
        port.alert(PORT_ALERT_SET, BREAK, port.fd() as usize)?;
        sys.sleep(1_000_000);
    }
    join(polling, &mut service.tally);
    join(working, &mut service.tally);
    service.wakeups = wakeups(sys).zip(before).map(|(now, before)| now - before);
    settle(&stage, &mut service);
    port.close()?;
    Ok(service)
}

/// A poller: polls and hands out what is ready until it is over.
fn poll_loop(sys: &dyn System, stage: &Stage, seed: u64, tally: &mut Tally) -> Result<(), Failure> {
    let mut rng = Rng::new(seed);
    let mut retriever = Retriever::new(sys, stage, LIST, READY, tally)?;
    while !stage.is_over() {
        let delay = match rng.below(4) {
            _ if stage.is_calm() => Timeout::Never,
            0 => Timeout::Poll,
            1 => Timeout::After(50_000 + rng.below(950_000)),
            _ => Timeout::Never,
        };
        let (result, got) = retriever.getn(1, delay);
        match result {
            Ok(()) if got == 0 && delay != Timeout::Poll => {
                return Err(Failure::new("port_getn returned 0 without an event"));
            }
            Ok(()) | Err(Errno::ETIME | Errno::EINTR) => {}
            Err(errno) => return Err(Failure::new(format_args!("port_getn: {errno}"))),
        }
        let now = sys.now();
        for index in 0..got {
            let event = retriever.event(index);
            if i32::from(event.source) != source::ALERT {
                retriever.take(event, now);
                continue;
            }
            if event.events != BREAK || event.user != stage.port as u64 {
                return Err(Failure::new(format_args!(
                    "not the alert that was set: {event:?}"
                )));
            }
            retriever.tally.alerted += 1;
            if delay != Timeout::Poll && !stage.is_over() {
                Port::at(sys, stage.port).alert(0, 0, 0)?;
            }
        }
    }
    Ok(())
}

/// A worker: posts readiness in bursts, with pauses that let pollers fall asleep.
fn work(
    sys: &dyn System,
    stage: &Stage,
    id: u16,
    seed: u64,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut rng = Rng::new(seed);
    let mut sender = Sender::new(sys, stage, id, READY);
    while !stage.is_over() {
        if let Some(_burst) = stage.enter() {
            for _ in 0..=rng.below(BURST) {
                if !sender.send(tally)? {
                    break;
                }
            }
        }
        sys.sleep(10_000 + rng.below(90_000));
    }
    Ok(())
}
