//! Apache's APR: any thread adds to the set while one polls it (C13).

use super::consumer_io::{drain, expect, pipe, read_byte, ready_pipe};
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("consumer.c13_eintr_leaves_the_preset", "C13 S8 S70", apr).both(),
    case("consumer.c13_add_while_polling", "C13 S20 S57", apr_add).both(),
    case(
        "consumer.c13_signal_with_associations",
        "C13 S8 S70",
        apr_signal,
    ),
    case("consumer.c13_several_adders", "C13 C26 S19 S20", apr_adders),
];

/// APR presets list[0] and accepts an event with EINTR only when that changed.
fn apr(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let poller = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 1, Timeout::Never))?;
    poller.signal()?;
    ctx.expect_done("port_getn", &poller)?;
    let batch = poller.join()?;
    check::equal(
        "port_getn",
        (batch.result, batch.nget),
        (Err(Errno::EINTR), 1),
    )?;
    check::that("list[0] still holds the preset", batch.rest_untouched)?;
    let poller = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 1, Timeout::Never))?;
    port.send(1, 3)?;
    ctx.expect_done("port_getn", &poller)?;
    check::equal("events", poller.join()?.users(), vec![3])
}

/// A ready descriptor ends the wait of a thread that sleeps on an empty port.
fn apr_add(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, _) = ready_pipe(ctx)?;
    let poller = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 1, Timeout::Never))?;
    let adder = ctx.spawn(move |sys| Port::at(sys, fd).associate_fd(reader, poll::IN, 6))?;
    adder.join()??;
    ctx.expect_done("port_getn", &poller)?;
    let expected = Event::of_fd(reader, poll::IN, 6);
    expect("events", poller.join()?, &[expected])?;
    check::refused("remove", port.dissociate_fd(reader), Errno::ENOENT)
}

/// A signal ends the wait and nothing else: list[0] holds the preset, the association is armed.
fn apr_signal(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 6)?;
    let poller = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 1, Timeout::Never))?;
    poller.signal()?;
    ctx.expect_done("port_getn", &poller)?;
    let batch = poller.join()?;
    let found = (batch.result, batch.nget, batch.rest_untouched);
    check::equal("port_getn", found, (Err(Errno::EINTR), 1, true))?;
    ctx.sys.write(writer, b".")?;
    let expected = Event::of_fd(reader, poll::IN, 6);
    expect("events", port.getn(8, 1, Timeout::Never), &[expected])
}

/// Several threads add, use and remove descriptors of their own; one polls and tells the owner by a
/// byte on another pipe. Each addition is reported once.
fn apr_adders(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (threads, rounds) = (4_usize, 60);
    let mut adders = Vec::new();
    let mut notices = Vec::new();
    for thread in 0..threads {
        let (told, notice) = ctx.pipe()?;
        notices.push(notice);
        adders.push(ctx.spawn(move |sys| -> Result<u64, Errno> {
            let port = Port::at(sys, fd);
            let mut fired = 0;
            for round in 0..rounds {
                let (reader, writer) = sys.pipe()?;
                sys.set_nonblocking(reader, true)?;
                if round % 2 == 0 {
                    sys.write(writer, b".")?;
                }
                port.associate_fd(reader, poll::IN, thread)?;
                if round % 2 == 1 {
                    sys.write(writer, b".")?;
                }
                read_byte(sys, told)?;
                match port.dissociate_fd(reader) {
                    Err(Errno::ENOENT) => {}
                    other => return other.and(Err(Errno::EEXIST)),
                }
                fired += drain(sys, reader)?.0 as u64;
                sys.close(reader)?;
                sys.close(writer)?;
            }
            Ok(fired)
        })?);
    }
    for _ in 0..threads * rounds {
        let batch = port.getn(1, 1, Timeout::After(10_000 * MSEC));
        check::equal("port_getn", batch.result, Ok(()))?;
        ctx.sys
            .write(notices[batch.events[0].user as usize], b"!")?;
    }
    for adder in adders {
        check::equal("events of a thread", adder.join()?, Ok(rounds as u64))?;
    }
    ctx.expect_queue(port, &[])
}
