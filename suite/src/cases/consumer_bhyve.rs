//! bhyve's mevent: one thread in `port_get`, handlers that are enabled and disabled by others (C21).

use super::consumer_io::{drain, expect, expect_quiet, pipe, ready_pipe};
use super::prelude::*;
use crate::{CLOCK_HIGHRES, CLOCK_REALTIME, Timer, poll};

pub(super) const CASES: &[Case] = &[
    case(
        "consumer.c21_disable_and_enable",
        "C21 S20 S29",
        bhyve_enable,
    )
    .both(),
    case(
        "consumer.c21_read_and_write_handlers",
        "C21 S19 S24",
        bhyve_handlers,
    ),
    case(
        "consumer.c21_timer_is_deleted_with_its_event",
        "C21 S85",
        bhyve_timer,
    )
    .both(),
    case(
        "consumer.c21_timer_and_descriptor",
        "C21 S83 S84",
        bhyve_mixed,
    )
    .needs(Caps::VIRTUAL_CLOCK),
];

/// Disabled in its own handler: ENOENT. Enabled with data pending: an event at once, in the thread
/// that sleeps.
fn bhyve_enable(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, _) = ready_pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    let expected = Event::of_fd(reader, poll::IN, 1);
    check::equal("event", port.get(Timeout::Never), Ok(expected))?;
    check::refused("disable", port.dissociate_fd(reader), Errno::ENOENT)?;
    let mevent = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    port.associate_fd(reader, poll::IN, 2)?;
    ctx.expect_done("the event thread", &mevent)?;
    let expected = Event::of_fd(reader, poll::IN, 2);
    check::equal("event", mevent.join()?, Ok(expected))
}

/// Two handlers, reading and writing, of one console; the writing one is disabled before it fires.
fn bhyve_handlers(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (input, guest) = pipe(ctx)?;
    let (_, output) = pipe(ctx)?;
    for round in 1..=5 {
        port.associate_fd(input, poll::IN, 1)?;
        port.associate_fd(output, poll::OUT, 2)?;
        if round % 2 == 0 {
            check::equal("disable", port.dissociate_fd(output), Ok(()))?;
            expect_quiet("disabled", port)?;
            check::equal("disable", port.dissociate_fd(input), Ok(()))?;
            continue;
        }
        let batch = port.getn(8, 1, Timeout::Never);
        expect("write", batch, &[Event::of_fd(output, poll::OUT, 2)])?;
        ctx.sys.write(guest, b"k")?;
        let batch = port.getn(8, 1, Timeout::Never);
        expect("read", batch, &[Event::of_fd(input, poll::IN, 1)])?;
        ctx.sys.read(input, &mut [0])?;
    }
    Ok(())
}

/// A timer is deleted while its event is queued: the event is gone, the next timer works.
fn bhyve_timer(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for user in 1..=3 {
        let timer = Timer::to_port(&port, CLOCK_REALTIME, user)?;
        timer.every(10 * MSEC)?;
        ctx.sys.sleep(35 * MSEC);
        check::equal("queued", port.queued(), Ok(1))?;
        if user == 2 {
            let event = port.get(Timeout::Poll)?;
            let found = (i32::from(event.source), event.user, event.object);
            let expected = (source::TIMER, 2, timer.id() as u64);
            check::equal("event", found, expected)?;
        }
        timer.delete()?;
        ctx.sys.sleep(35 * MSEC);
        expect_quiet("deleted", port)?;
    }
    check::equal("queue length", port.queued(), Ok(0))
}

/// One thread serves a periodic timer and a descriptor; each expiration counts once.
fn bhyve_mixed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    let mevent = ctx.spawn_asleep(move |sys| -> Result<(i32, usize), Errno> {
        let port = Port::at(sys, fd);
        let (mut ticks, mut bytes) = (0, 0);
        loop {
            let event = port.get(Timeout::Never)?;
            match i32::from(event.source) {
                source::TIMER => ticks += event.events,
                source::FD => {
                    bytes += drain(sys, reader)?.0;
                    port.associate_fd(reader, poll::IN, 1)?;
                }
                _ => return Ok((ticks, bytes)),
            }
        }
    })?;
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 2)?;
    timer.every(10 * MSEC)?;
    for _ in 0..30 {
        ctx.sys.sleep(4 * MSEC);
        ctx.sys.write(writer, b".")?;
    }
    ctx.sys.sleep(5 * MSEC);
    timer.arm(0)?;
    ctx.settle();
    port.send(1, 0)?;
    check::equal("expirations and bytes", mevent.join()?, Ok((12, 30)))?;
    timer.delete()?;
    expect_quiet("nothing is left", port)
}
