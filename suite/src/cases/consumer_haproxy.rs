//! HAProxy: a port per thread, n = 1 as a minimum to wait for, and a new port after fork (C10).

use super::consumer_io::{drain, expect, expect_quiet, pipe, ready_pipe};
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("consumer.c10_n_is_a_minimum", "C10 S60 S59", haproxy).both(),
    case("consumer.c10_port_per_thread", "C10 S51", haproxy_threads),
    case("consumer.c10_new_port_after_fork", "C10 S82", haproxy_fork),
    case(
        "consumer.c10_associations_survive_the_childs_close",
        "C10 S33 S81 S82",
        haproxy_fork_fds,
    ),
    case("consumer.c10_test_port", "C10 S82", haproxy_test).needs(Caps::KSTAT),
    case(
        "consumer.c10_rearms_after_the_callbacks",
        "C10 S19 S20 S21",
        haproxy_rearm,
    )
    .both(),
];

/// Three queued: n = 1 returns three at once; n = 32 waits and returns three with ETIME.
fn haproxy(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    let before = ctx.sys.now();
    let batch = port.getn(32, 1, Timeout::After(1000 * MSEC));
    check::equal(
        "n = 1",
        (batch.result, batch.users()),
        (Ok(()), vec![1, 2, 3]),
    )?;
    check::within("time spent", ctx.sys.now() - before, 0, 900 * MSEC)?;
    port.send_all(4..=6)?;
    let before = ctx.sys.now();
    let batch = port.getn(32, 32, Timeout::After(50 * MSEC));
    check::equal(
        "n = 32",
        (batch.result, batch.users()),
        (Err(Errno::ETIME), vec![4, 5, 6]),
    )?;
    check::that("50 ms have passed", ctx.sys.now() - before >= 50 * MSEC)
}

/// Each thread has its port; the others send to it.
fn haproxy_threads(ctx: &Ctx<'_>) -> Verdict {
    let ports = [ctx.port()?, ctx.port()?, ctx.port()?];
    let fds = ports.map(|p| p.fd());
    let rounds = 100_usize;
    let mut tasks = Vec::new();
    for own in 0..3_usize {
        tasks.push(ctx.spawn(move |sys| -> Result<u64, Errno> {
            let mut sum = 0;
            let mut taken = 0;
            for round in 0..rounds {
                Port::at(sys, fds[(own + 1) % 3]).send(1, round)?;
                while taken <= round {
                    let batch = Port::at(sys, fds[own]).getn(32, 1, Timeout::Never);
                    batch.result?;
                    taken += batch.nget as usize;
                    sum += batch.users().iter().sum::<u64>();
                }
            }
            Ok(sum)
        })?);
    }
    for task in tasks {
        check::equal("sum of the events", task.join()??, 4950)?;
    }
    Ok(())
}

/// A child closes the inherited port and makes its own; the parent's works on.
fn haproxy_fork(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send(1, 1)?;
    let child = ctx.fork(move |ctx| {
        ctx.sys.close(fd)?;
        let own = ctx.port()?;
        check::equal("the child's own port is empty", own.queued(), Ok(0))?;
        own.send(1, 50)?;
        check::equal("event", own.get(Timeout::Poll)?.user, 50)?;
        Ok(0)
    })?;
    child.wait()?;
    port.send(1, 2)?;
    ctx.expect_queue(port, &[1, 2])
}

/// A child closes the inherited port and all inherited descriptors, and works with its own; the
/// parent's associations, armed or queued, are as before.
fn haproxy_fork_fds(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (armed, writer) = pipe(ctx)?;
    let (queued, _) = ready_pipe(ctx)?;
    port.associate_fd(armed, poll::IN, 1)?;
    port.associate_fd(queued, poll::IN, 2)?;
    let child = ctx.fork(move |ctx| {
        ctx.sys.close(fd)?;
        let own = ctx.port()?;
        check::equal("the number of the new port", own.fd(), fd)?;
        expect_quiet("the child's own port", own)?;
        own.associate_fd(queued, poll::IN, 50)?;
        let batch = own.getn(32, 1, Timeout::Poll);
        expect(
            "the child's event",
            batch,
            &[Event::of_fd(queued, poll::IN, 50)],
        )?;
        own.associate_fd(armed, poll::IN, 51)?;
        ctx.sys.close(armed)?;
        ctx.sys.close(queued)?;
        expect_quiet("after the child's closes", own)?;
        Ok(0)
    })?;
    child.wait()?;
    let event = |fd, user| Event::of_fd(fd, poll::IN, user);
    let batch = port.getn(32, 1, Timeout::Poll);
    expect("queued before the fork", batch, &[event(queued, 2)])?;
    ctx.sys.write(writer, b".")?;
    let batch = port.getn(32, 1, Timeout::Poll);
    expect("armed before the fork", batch, &[event(armed, 1)])
}

/// The start-up test makes a port and closes it; nothing is left, also with an association.
fn haproxy_test(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let (reader, writer) = pipe(ctx)?;
    for _ in 0..20 {
        let port = ctx.port()?;
        port.associate_fd(reader, poll::IN, 1)?;
        port.close()?;
        ctx.sys.write(writer, b".")?;
        drain(ctx.sys, reader)?;
    }
    check::equal("kstat", ctx.sys.ports_kstat()?, before)
}

/// Data that arrives between the event and the new association, which has the same mask and the
/// next generation, is reported with that generation.
fn haproxy_rearm(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ready_pipe(ctx)?;
    for generation in 1..=20_usize {
        port.associate_fd(reader, poll::IN, generation)?;
        let batch = port.getn(32, 1, Timeout::After(50 * MSEC));
        let expected = Event::of_fd(reader, poll::IN, generation as u64);
        expect("event", batch, &[expected])?;
        check::equal("read", drain(ctx.sys, reader)?, (1, false))?;
        ctx.sys.write(writer, b".")?;
    }
    port.associate_fd(reader, poll::IN, 100)?;
    // Queued with generation 100; a new generation takes its place.
    port.associate_fd(reader, poll::IN, 101)?;
    let batch = port.getn(32, 1, Timeout::Poll);
    expect("event", batch, &[Event::of_fd(reader, poll::IN, 101)])?;
    check::refused("removed", port.dissociate_fd(reader), Errno::ENOENT)
}
