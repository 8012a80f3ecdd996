//! bhyve's mevent: one thread in `port_get`, handlers that are enabled and disabled by others (C21).

use super::consumer_io::{expect, expect_quiet, pipe, ready_pipe};
use super::prelude::*;
use crate::poll;

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
