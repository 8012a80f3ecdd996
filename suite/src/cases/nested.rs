//! Ports associated with ports (S18, S98, C4): chains, cycles, the port itself.

use super::fd::{expect_event, expect_none, put, ready_pipe};
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::{PORT_ALERT_SET, PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case("fd.nested_port_becomes_readable", "S18 S17 C4", readable).both(),
    case(
        "fd.nested_port_with_events_is_ready_at_once",
        "S18 S20 C4",
        ready_already,
    )
    .both(),
    case("fd.nested_port_is_drained_and_rearmed", "C4 S18", drained),
    case(
        "fd.nested_port_hears_of_every_source",
        "S18 S17",
        every_source,
    ),
    case(
        "fd.nested_port_hears_of_an_event_at_association",
        "S18 S20",
        at_association,
    ),
    case("fd.nested_port_becomes_writable", "S98 S18", writable).needs(Caps::RCTL),
    case(
        "fd.nested_port_in_alert_mode_is_readable",
        "S17 D28 S18",
        alert,
    ),
    case(
        "fd.nested_port_in_alert_mode_classic",
        "S17 S18",
        alert_classic,
    )
    .classic(),
    case(
        "fd.d15_nested_port_hears_nothing_from_a_fruitless_getn",
        "D15 S18",
        fruitless,
    ),
    case(
        "fd.d15_nested_port_hears_nothing_of_foreign_events",
        "D15 S18 S79",
        foreign,
    ),
    case("fd.nested_inner_port_closes", "S18 S32", inner_closes),
    case("fd.nested_outer_port_closes", "S18 S82", outer_closes),
    case("fd.nested_port_dissociated", "S18 S29", dissociated),
    case("fd.nested_port_and_poller", "S18 S17", with_poller),
];

/// An event of A is readiness of A for B.
fn readable(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    b.associate_fd(a.fd(), poll::IN, 7)?;
    expect_none(b)?;
    a.send(1, 1)?;
    expect_event(b, Event::of_fd(a.fd(), poll::IN, 7))?;
    a.send(1, 2)?;
    expect_none(b)?;
    ctx.expect_queue(a, &[1, 2])
}

/// The level counts.
fn ready_already(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    a.send(1, 1)?;
    b.associate_fd(a.fd(), poll::IN | poll::OUT, 7)?;
    expect_event(b, Event::of_fd(a.fd(), poll::IN | poll::OUT, 7))?;
    a.get(Timeout::Poll)?;
    b.associate_fd(a.fd(), poll::IN, 8)?;
    expect_none(b)
}

/// A loop: the outer event, the inner events one by one, armed again.
fn drained(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    for round in 1..=5 {
        b.associate_fd(a.fd(), poll::IN, round)?;
        expect_none(b)?;
        a.send_all(0..round)?;
        expect_event(b, Event::of_fd(a.fd(), poll::IN, round as u64))?;
        for user in 0..round {
            check::equal(
                "inner event",
                a.getn(1, 1, Timeout::Poll).users(),
                vec![user as u64],
            )?;
        }
        expect_none(a)?;
        expect_none(b)?;
    }
    Ok(())
}

/// USER, dispatched and FD events of the inner port.
fn every_source(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    let (reader, writer) = ctx.pipe()?;
    for way in 0..3 {
        b.associate_fd(a.fd(), poll::IN, way)?;
        a.associate_fd(reader, poll::IN, 1)?;
        expect_none(b)?;
        match way {
            0 => a.send(1, 1)?,
            1 => a.dispatch(0, source::MQ, 1, 0, 1)?,
            _ => put(ctx.sys, writer)?,
        }
        expect_event(b, Event::of_fd(a.fd(), poll::IN, way as u64))?;
        ctx.expect_queue(a, &[1])?;
    }
    Ok(())
}

/// A descriptor that is ready when the inner port takes it in.
fn at_association(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    let (reader, _) = ready_pipe(ctx)?;
    b.associate_fd(a.fd(), poll::IN, 1)?;
    a.associate_fd(reader, poll::IN, 2)?;
    expect_event(b, Event::of_fd(a.fd(), poll::IN, 1))?;
    expect_event(a, Event::of_fd(reader, poll::IN, 2))
}

/// A full port has room again.
fn writable(ctx: &Ctx<'_>) -> Verdict {
    let b = ctx.port()?;
    let a = ctx.port_of(2)?;
    for round in 1..=3 {
        a.send_all([1, 2])?;
        b.associate_fd(a.fd(), poll::OUT, round)?;
        expect_none(b)?;
        a.get(Timeout::Poll)?;
        expect_event(b, Event::of_fd(a.fd(), poll::OUT, round as u64))?;
        ctx.expect_queue(a, &[2])?;
    }
    Ok(())
}

/// Sets an alert on a port that another one watches; answers whether that made an event.
fn alert_tells(ctx: &Ctx<'_>) -> Result<bool, Failure> {
    let (a, b) = (ctx.port()?, ctx.port()?);
    b.associate_fd(a.fd(), poll::IN, 1)?;
    a.alert(PORT_ALERT_SET, 1, 2)?;
    let told = b.queued()? == 1;
    if told {
        expect_event(b, Event::of_fd(a.fd(), poll::IN, 1))?;
        b.associate_fd(a.fd(), poll::IN, 2)?;
        expect_event(b, Event::of_fd(a.fd(), poll::IN, 2))?;
    }
    a.alert(0, 0, 0)?;
    b.associate_fd(a.fd(), poll::IN, 3)?;
    expect_none(b)?;
    a.send(1, 3)?;
    expect_event(b, Event::of_fd(a.fd(), poll::IN, 3))?;
    ctx.expect_queue(a, &[3])?;
    Ok(told)
}

/// An alert is something to take.
fn alert(ctx: &Ctx<'_>) -> Verdict {
    check::that("the outer port is told of the alert", alert_tells(ctx)?)
}

/// As the C module: an alert is no event in the queue.
fn alert_classic(ctx: &Ctx<'_>) -> Verdict {
    check::that(
        "the outer port is not told of the alert",
        !alert_tells(ctx)?,
    )
}

/// Looking into an empty port is not an event.
fn fruitless(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    let fd = a.fd();
    b.associate_fd(fd, poll::IN, 1)?;
    for timeout in [Timeout::Poll, Timeout::After(MSEC)] {
        check::refused("port_get", a.get(timeout), Errno::ETIME)?;
        check::equal("port_getn", a.getn(4, 1, timeout).nget, 0)?;
        expect_none(b)?;
    }
    // Waiters that take the event before anybody looks again.
    for user in 1..=3 {
        let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
        a.send(1, user)?;
        check::equal("inner event", waiter.join()??.user, user as u64)?;
        // The wakeup itself was right; it is told once.
        expect_event(b, Event::of_fd(fd, poll::IN, 1))?;
        b.associate_fd(fd, poll::IN, 1)?;
        expect_none(b)?;
    }
    Ok(())
}

/// Events that only a child can take: its look, and the parent's, wake nobody for nothing.
fn foreign(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    let fd = a.fd();
    let child = ctx.fork_asleep(move |ctx| {
        let a = Port::at(ctx.sys, fd);
        a.dispatch(0, source::AIO, 1, 0, 1)?;
        ctx.sys.sleep(100 * MSEC);
        check::equal("child's event", a.get(Timeout::Poll)?.user, 1)?;
        Ok(0)
    })?;
    b.associate_fd(fd, poll::IN, 1)?;
    for _ in 0..3 {
        check::equal("port_getn", a.getn(4, 1, Timeout::Poll).nget, 0)?;
        expect_none(b)?;
    }
    child.wait()?;
    expect_none(b)?;
    a.send(1, 2)?;
    expect_event(b, Event::of_fd(fd, poll::IN, 1))
}

/// As any descriptor: no event.
fn inner_closes(ctx: &Ctx<'_>) -> Verdict {
    let b = ctx.port_of(4)?;
    for queued in [false, true] {
        let a = ctx.port()?;
        b.associate_fd(a.fd(), poll::IN, 1)?;
        if queued {
            a.send(1, 1)?;
        }
        a.close()?;
        expect_none(b)?;
        expect_free_slots(b, 4)?;
    }
    Ok(())
}

/// The inner port does not notice.
fn outer_closes(ctx: &Ctx<'_>) -> Verdict {
    let a = ctx.port()?;
    for queued in [false, true] {
        let b = ctx.port()?;
        b.associate_fd(a.fd(), poll::IN, 1)?;
        if queued {
            a.send(1, 1)?;
        }
        b.close()?;
        a.send(1, 2)?;
        let expected: &[u64] = if queued { &[1, 2] } else { &[2] };
        ctx.expect_queue(a, expected)?;
    }
    Ok(())
}

/// Armed and queued.
fn dissociated(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    for queued in [false, true] {
        b.associate_fd(a.fd(), poll::IN, 1)?;
        if queued {
            a.send(1, 1)?;
        }
        check::equal("port_dissociate", b.dissociate_fd(a.fd()), Ok(()))?;
        a.send(1, 2)?;
        expect_none(b)?;
        a.getn(4, 1, Timeout::Poll).result?;
    }
    Ok(())
}

/// A port under another port and in poll(2) at the same time: both are told.
fn with_poller(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    let fd = a.fd();
    let (reader, writer) = ctx.pipe()?;
    b.associate_fd(fd, poll::IN, 1)?;
    a.associate_fd(reader, poll::IN, 2)?;
    let poller = ctx.spawn_asleep(move |sys| {
        let mut fds = [PollFd::new(fd, poll::IN)];
        sys.poll(&mut fds, None)?;
        Ok::<i16, Errno>(fds[0].revents)
    })?;
    put(ctx.sys, writer)?;
    ctx.expect_done("poll(2)", &poller)?;
    check::equal("poll(2)", poller.join()?, Ok(poll::IN))?;
    expect_event(b, Event::of_fd(fd, poll::IN, 1))?;
    expect_event(a, Event::of_fd(reader, poll::IN, 2))
}
