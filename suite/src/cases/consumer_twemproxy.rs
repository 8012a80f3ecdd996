//! twemproxy and PowerDNS: events at half time, a level check at each association (C15).

use super::consumer_io::{drain, expect, expect_quiet, pipe};
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("consumer.c15_event_at_half_time", "C15 S59", twemproxy).both(),
    case(
        "consumer.c15_data_between_event_and_rearm",
        "C15 S20 S29",
        level,
    )
    .both(),
    case("consumer.c15_write_interest", "C15 S20 S21", write_interest),
];

/// An event at 10 ms of 20 ms.
fn twemproxy(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let sender = ctx.spawn(move |sys| {
        sys.sleep(10 * MSEC);
        Port::at(sys, fd).send(1, 1)
    })?;
    let batch = port.getn(8, 1, Timeout::After(20 * MSEC));
    check::equal(
        "port_getn",
        (batch.result, batch.users()),
        (Ok(()), vec![1]),
    )?;
    sender.join()??;
    let batch = port.getn(8, 1, Timeout::After(20 * MSEC));
    check::equal(
        "port_getn",
        (batch.result, batch.nget),
        (Err(Errno::ETIME), 0),
    )
}

/// A byte at 10 ms of 20 ms; while the handler works another arrives: the new association reports
/// it. Removal of what has fired is ENOENT.
fn level(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    let start = ctx.sys.now();
    let sender = ctx.spawn(move |sys| {
        sys.sleep(10 * MSEC);
        sys.write(writer, b"a").map(drop)
    })?;
    let event = Event::of_fd(reader, poll::IN, 1);
    expect(
        "half time",
        port.getn(8, 1, Timeout::After(20 * MSEC)),
        &[event],
    )?;
    check::that("10 ms have passed", ctx.sys.now() - start >= 10 * MSEC)?;
    sender.join()??;
    check::equal("read", drain(ctx.sys, reader)?, (1, false))?;
    ctx.sys.write(writer, b"b")?;
    expect_quiet("not associated", port)?;
    port.associate_fd(reader, poll::IN, 1)?;
    expect(
        "the level",
        port.getn(8, 1, Timeout::After(20 * MSEC)),
        &[event],
    )?;
    check::refused("fired", port.dissociate_fd(reader), Errno::ENOENT)?;
    check::refused("fired", port.dissociate_fd(reader), Errno::ENOENT)
}

/// A connection is watched for room to write as long as there is output, and then no more.
fn write_interest(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = pipe(ctx)?;
    ctx.sys.set_nonblocking(writer, true)?;
    let chunk = [7; 1024];
    let mut filled = 0;
    loop {
        match ctx.sys.write(writer, &chunk) {
            Ok(count) => filled += count,
            Err(Errno::EAGAIN) => break,
            Err(other) => return Err(Failure::new(format!("write: {other}"))),
        }
    }
    port.associate_fd(writer, poll::OUT, 2)?;
    expect_quiet("the pipe is full", port)?;
    let reading = ctx.spawn(move |sys| {
        sys.sleep(10 * MSEC);
        drain(sys, reader)
    })?;
    let event = Event::of_fd(writer, poll::OUT, 2);
    expect("room", port.getn(8, 1, Timeout::After(20 * MSEC)), &[event])?;
    check::equal("read", reading.join()??, (filled, false))?;
    expect_quiet("one event", port)?;
    port.associate_fd(writer, poll::OUT, 2)?;
    expect("room", port.getn(8, 1, Timeout::Poll), &[event])
}
