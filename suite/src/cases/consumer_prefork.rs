//! A prefork server: processes that share a port and the descriptors in it (C27).

use super::consumer_io::{drain, expect, expect_quiet, pipe, ready_pipe};
use super::prelude::*;
use crate::{CLOCK_HIGHRES, Timer, poll};

pub(super) const CASES: &[Case] = &[
    case("consumer.c27_prefork_workers", "C27 S79 S81", prefork),
    case(
        "consumer.c27_inherited_descriptors",
        "C27 S33 S79",
        prefork_fds,
    ),
    case(
        "consumer.c27_events_of_the_parent_stay",
        "C27 S34 S79 S80",
        prefork_private,
    ),
    case(
        "consumer.c27_worker_drops_its_own",
        "C27 S33 S81",
        prefork_close,
    ),
    case(
        "consumer.c27_timer_of_the_parent",
        "C27 S79 S84",
        prefork_timer,
    )
    .needs(Caps::VIRTUAL_CLOCK),
];

/// Workers of a prefork server share one port: user events and alerts reach them, the parent's
/// private events do not, and a worker that ends takes nothing with it.
fn prefork(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.dispatch(0, source::AIO, 1, 0, 500)?;
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(ctx.fork_asleep(move |ctx| {
            let mut jobs = 0;
            loop {
                let event = Port::at(ctx.sys, fd).get(Timeout::Never)?;
                match event.source {
                    3 if event.user == 0 => return Ok(jobs),
                    3 => jobs += 1,
                    other => check::equal("source of a worker's event", other, 3)?,
                }
            }
        })?);
    }
    port.send_all(1..=30)?;
    ctx.settle();
    port.send(1, 0)?;
    ctx.settle();
    // One worker has gone, with its descriptor; the others go on.
    port.send_all(31..=60)?;
    ctx.settle();
    port.send_all([0, 0])?;
    let mut jobs = 0;
    for worker in workers {
        jobs += worker.wait()?;
    }
    check::equal("jobs done", jobs, 60)?;
    ctx.expect_queue(port, &[500])
}

/// Workers take the events of inherited descriptors and associate them again; every byte is read
/// by one of them, also after one has gone.
fn prefork_fds(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut writers = Vec::new();
    for user in 0..8 {
        let (reader, writer) = pipe(ctx)?;
        port.associate_fd(reader, poll::IN, user)?;
        writers.push(writer);
    }
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(ctx.fork_asleep(move |ctx| {
            let port = Port::at(ctx.sys, fd);
            let mut bytes = 0;
            loop {
                let event = port.get(Timeout::Never)?;
                match i32::from(event.source) {
                    source::USER => return Ok(bytes),
                    source::FD => {
                        let reader = event.object as i32;
                        bytes += drain(ctx.sys, reader)?.0 as i64;
                        port.associate_fd(reader, poll::IN, event.user as usize)?;
                    }
                    other => check::equal("source of a worker's event", other, source::FD)?,
                }
            }
        })?);
    }
    let mut rng = ctx.rng();
    for round in 0..90 {
        ctx.sys.write(writers[rng.below(8) as usize], b".")?;
        if round % 9 == 0 {
            ctx.settle();
            check::equal("events left while workers sleep", port.queued(), Ok(0))?;
        }
        if round == 45 {
            port.send(1, 0)?;
            ctx.settle();
        }
    }
    ctx.settle();
    port.send_all([0, 0])?;
    let mut bytes = 0;
    for worker in workers {
        bytes += worker.wait()?;
    }
    check::equal("bytes read", bytes, 90)?;
    ctx.expect_queue(port, &[])
}

/// A descriptor that was opened after the fork, and another under the number of a worker's own: the
/// events are the parent's, the worker sleeps on.
fn prefork_private(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let worker = ctx.fork_asleep(move |ctx| {
        // The lowest free number, as the parent's new pipe will have.
        let own = ctx.null()?;
        let event = Port::at(ctx.sys, fd).get(Timeout::Never)?;
        check::equal(
            "event",
            (event.source, event.user),
            (source::USER as u16, 9),
        )?;
        Ok(i64::from(own))
    })?;
    let (first, _) = ready_pipe(ctx)?;
    let (second, _) = ready_pipe(ctx)?;
    port.associate_fd(first, poll::IN, 1)?;
    port.associate_fd(second, poll::IN, 2)?;
    port.send(1, 9)?;
    let own = worker.wait()?;
    check::equal("the worker's own number", own, i64::from(first))?;
    let expected = [
        Event::of_fd(first, poll::IN, 1),
        Event::of_fd(second, poll::IN, 2),
    ];
    expect(
        "the parent's events",
        port.getn(8, 1, Timeout::Poll),
        &expected,
    )
}

/// What a worker associated goes with it; what the parent associated stays, whatever the worker
/// closes.
fn prefork_close(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (shared, shared_writer) = pipe(ctx)?;
    let (workers, workers_writer) = pipe(ctx)?;
    let (queued, _) = ready_pipe(ctx)?;
    port.associate_fd(shared, poll::IN, 1)?;
    port.associate_fd(queued, poll::IN, 2)?;
    let worker = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        port.associate_fd(workers, poll::IN, 3)?;
        ctx.sys.close(shared)?;
        ctx.sys.close(queued)?;
        port.close()?;
        Ok(0)
    })?;
    worker.wait()?;
    ctx.sys.write(workers_writer, b".")?;
    let batch = port.getn(8, 1, Timeout::Poll);
    expect(
        "queued by the parent",
        batch,
        &[Event::of_fd(queued, poll::IN, 2)],
    )?;
    ctx.sys.write(shared_writer, b".")?;
    let batch = port.getn(8, 1, Timeout::Poll);
    expect(
        "armed by the parent",
        batch,
        &[Event::of_fd(shared, poll::IN, 1)],
    )?;
    port.associate_fd(workers, poll::IN, 4)?;
    let batch = port.getn(8, 1, Timeout::Poll);
    expect(
        "the parent's now",
        batch,
        &[Event::of_fd(workers, poll::IN, 4)],
    )?;
    expect_quiet("nothing else", port)
}

/// Expirations of the parent's timer are the parent's: a worker sleeps on, and takes user events.
fn prefork_timer(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 5)?;
    timer.every(10 * MSEC)?;
    let worker = ctx.fork_asleep(move |ctx| {
        let event = Port::at(ctx.sys, fd).get(Timeout::Never)?;
        check::equal(
            "event",
            (event.source, event.user),
            (source::USER as u16, 9),
        )?;
        Ok(0)
    })?;
    ctx.sys.sleep(55 * MSEC);
    port.send(1, 9)?;
    worker.wait()?;
    let event = port.get(Timeout::Poll)?;
    let expected = Event::new(source::TIMER, 5, timer.id() as u64, 5);
    check::equal("the timer's event", event, expected)?;
    timer.delete()?;
    expect_quiet("nothing else", port)
}
