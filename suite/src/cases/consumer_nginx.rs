//! nginx: one list for timers, notifications and connections; close() is its only way to end an
//! association (C9).

use super::consumer_io::{drain, expect, expect_quiet, pipe, ready_pipe};
use super::prelude::*;
use crate::{CLOCK_REALTIME, Timer, poll};

pub(super) const CASES: &[Case] = &[
    case("consumer.c9_sources_in_one_batch", "C9 S96", nginx).both(),
    case(
        "consumer.c9_close_drops_only_its_event",
        "C9 S32 S96",
        nginx_close,
    )
    .both(),
    case("consumer.c9_instance_bit", "C9 S24 S32", nginx_instance),
    case(
        "consumer.c9_timer_user_and_socket",
        "C9 S83 S96 S32",
        nginx_timer,
    )
    .both(),
];

/// Events of several sources in one list, each with its own cookie.
fn nginx(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.dispatch(0, source::AIO, 5, 6, 7)?;
    port.send(8, 9)?;
    port.dispatch(0, source::MQ, 10, 11, 12)?;
    let batch = port.getn(32, 1, Timeout::Never);
    let expected = vec![
        Event::new(source::AIO, 5, 6, 7),
        Event::new(source::USER, 8, 0, 9),
        Event::new(source::MQ, 10, 11, 12),
    ];
    check::equal("events", batch.events, expected)
}

/// A connection is closed while its event is queued: that event is gone, the others stay in order.
fn nginx_close(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (before, _) = ready_pipe(ctx)?;
    let (closed, _) = ready_pipe(ctx)?;
    let (behind, _) = ready_pipe(ctx)?;
    port.associate_fd(before, poll::IN, 1)?;
    port.send(1, 2)?;
    port.associate_fd(closed, poll::IN, 3)?;
    port.send(1, 4)?;
    port.associate_fd(behind, poll::IN, 5)?;
    check::equal("queue length", port.queued(), Ok(5))?;
    ctx.sys.close(closed)?;
    check::equal("queue length after the close", port.queued(), Ok(4))?;
    let expected = [
        Event::of_fd(before, poll::IN, 1),
        Event::new(source::USER, 1, 0, 2),
        Event::new(source::USER, 1, 0, 4),
        Event::of_fd(behind, poll::IN, 5),
    ];
    expect("events", port.getn(32, 1, Timeout::After(MSEC)), &expected)
}

/// The user value is an address with one bit for the instance, which changes with each connection
/// under the same number: an event with the bit of the old one never comes.
fn nginx_instance(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let address = 0x1234_5670;
    let mut number = None;
    for instance in [0, 1, 0, 1, 0, 1] {
        let (connection, client) = pipe(ctx)?;
        check::equal("the number", connection, *number.get_or_insert(connection))?;
        port.associate_fd(connection, poll::IN, address | instance)?;
        ctx.sys.write(client, b".")?;
        let event = Event::of_fd(connection, poll::IN, (address | instance) as u64);
        expect("event", port.getn(32, 1, Timeout::Poll), &[event])?;
        check::equal("read", drain(ctx.sys, connection)?, (1, false))?;
        port.associate_fd(connection, poll::IN, address | instance)?;
        // This one stays in the queue, or is never made.
        ctx.sys.write(client, b".")?;
        ctx.sys.close(connection)?;
        ctx.sys.close(client)?;
    }
    expect_quiet("nothing of closed connections", port)
}

/// A periodic timer, a notification and a ready connection in one list, each with its value; the
/// connection's event goes with the connection, the others stay in order.
fn nginx_timer(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let timer = Timer::to_port(&port, CLOCK_REALTIME, 0x11)?;
    timer.every(50 * MSEC)?;
    for close in [false, true] {
        let (connection, _) = ready_pipe(ctx)?;
        ctx.sys.sleep(80 * MSEC);
        port.send(1, 0x22)?;
        port.associate_fd(connection, poll::IN, 0x33)?;
        if close {
            ctx.sys.close(connection)?;
        }
        let batch = port.getn(32, 1, Timeout::After(50 * MSEC));
        check::equal("port_getn", batch.result, Ok(()))?;
        let found: Vec<(i32, u64)> = batch
            .events
            .iter()
            .map(|e| (i32::from(e.source), e.user))
            .collect();
        let mut expected = vec![
            (source::TIMER, 0x11),
            (source::USER, 0x22),
            (source::FD, 0x33),
        ];
        if close {
            expected.pop();
        }
        check::equal("sources and values", found, expected)?;
        let (ticks, object) = (batch.events[0].events, batch.events[0].object);
        check::that("the timer has expired", ticks >= 1)?;
        check::equal("its object", object, timer.id() as u64)?;
    }
    timer.delete()?;
    Ok(())
}
