//! Events of descriptors in the port's queue: who wakes, who sees them (S17, S66, S73, S96).

use super::fd::{expect_event, expect_none, put, ready_pipe, take};
use super::prelude::*;
use crate::{PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case("fd.interrupt_wakes_a_waiter", "S20 S57", interrupt).needs(Caps::DEVICE),
    case("fd.one_event_wakes_one_thread", "S73 S19", one_thread),
    case("fd.order_among_other_sources", "S96 C16", order).needs(Caps::DEVICE),
    case("fd.bad_list_loses_no_event", "S66 S19", bad_list).both(),
    case("fd.event_makes_the_port_readable", "S17 S19", readable),
    case("fd.event_wakes_a_poller_of_the_port", "S17 S20", poller),
    case(
        "fd.event_at_association_wakes_a_poller",
        "S17 S20",
        poller_at_association,
    ),
];

/// `pollwakeup` out of an interrupt ends a `port_get`.
fn interrupt(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let device = ctx.device()?;
    for user in 1..=3 {
        port.associate_fd(device, poll::IN, user)?;
        let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
        ctx.sys.raise(device, poll::IN)?;
        ctx.expect_done("port_get", &waiter)?;
        let expected = Event::of_fd(device, poll::IN, user as u64);
        check::equal("event", waiter.join()?, Ok(expected))?;
        ctx.sys.lower(device, poll::IN)?;
    }
    Ok(())
}

/// Four threads wait, one returns.
fn one_thread(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    let mut waiters = Vec::new();
    for _ in 0..4 {
        waiters.push(ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?);
    }
    put(ctx.sys, writer)?;
    ctx.settle();
    let returned = waiters.iter().filter(|w| w.done()).count();
    check::equal("threads that returned", returned, 1)?;
    port.send_all([1, 1, 1])?;
    for waiter in waiters {
        check::equal("user", waiter.join()??.user, 1)?;
    }
    expect_none(port)
}

/// First in, first out, wherever an event comes from.
fn order(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    let device = ctx.device()?;
    port.associate_fd(device, poll::OUT, 6)?;
    port.associate_fd(reader, poll::IN, 2)?;
    port.send(1, 1)?;
    put(ctx.sys, writer)?;
    port.dispatch(0, source::AIO, 1, 0, 3)?;
    port.associate_fd(ctx.file(b"")?, poll::IN, 4)?;
    port.send(1, 5)?;
    ctx.sys.raise(device, poll::OUT)?;
    port.send(1, 7)?;
    ctx.expect_queue(port, &[1, 2, 3, 4, 5, 6, 7])
}

/// EFAULT, and the event is there for the next call.
fn bad_list(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, _) = ready_pipe(ctx)?;
    let nowhere = UserBuf::unmapped(ctx.sys, 64)?;
    port.associate_fd(reader, poll::IN, 4)?;
    let got = port.get_at(nowhere.addr(), Timeout::Poll);
    check::refused("port_get", got, Errno::EFAULT)?;
    let mut nget = 1;
    let got = port.getn_raw(nowhere.addr(), 2, Some(&mut nget), 0);
    check::refused("port_getn", got, Errno::EFAULT)?;
    expect_event(port, Event::of_fd(reader, poll::IN, 4))?;
    port.associate_fd(reader, poll::IN, 5)?;
    check::equal(
        "port_dissociate of a queued event",
        port.dissociate_fd(reader),
        Ok(()),
    )
}

/// poll(2) sees it and no longer sees it.
fn readable(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    let polled = |what: &str, bits: i16| {
        let mut fds = [PollFd::new(port.fd(), poll::IN)];
        check::granted(what, ctx.sys.poll(&mut fds, Some(0)))?;
        check::equal(what, fds[0].revents, bits)
    };
    for _ in 0..3 {
        port.associate_fd(reader, poll::IN, 1)?;
        polled("poll(2) before", 0)?;
        put(ctx.sys, writer)?;
        polled("poll(2) with an event", poll::IN)?;
        check::equal("st_size", ctx.sys.fstat(port.fd())?.size, 1)?;
        expect_event(port, Event::of_fd(reader, poll::IN, 1))?;
        polled("poll(2) after", 0)?;
        take(ctx.sys, reader)?;
    }
    Ok(())
}

/// Starts a thread in poll(2) on the port.
fn sleeping_poller(ctx: &Ctx<'_>, fd: i32) -> Result<Task<Result<i16, Errno>>, Failure> {
    ctx.spawn_asleep(move |sys| {
        let mut fds = [PollFd::new(fd, poll::IN)];
        sys.poll(&mut fds, None)?;
        Ok(fds[0].revents)
    })
}

/// poll(2) that sleeps on the port returns.
fn poller(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    for _ in 0..3 {
        port.associate_fd(reader, poll::IN, 1)?;
        let poller = sleeping_poller(ctx, port.fd())?;
        put(ctx.sys, writer)?;
        ctx.expect_done("poll(2)", &poller)?;
        check::equal("poll(2)", poller.join()?, Ok(poll::IN))?;
        expect_event(port, Event::of_fd(reader, poll::IN, 1))?;
        take(ctx.sys, reader)?;
    }
    Ok(())
}

/// So it does when the event comes with the association itself.
fn poller_at_association(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, _) = ready_pipe(ctx)?;
    let poller = sleeping_poller(ctx, port.fd())?;
    port.associate_fd(reader, poll::IN, 1)?;
    ctx.expect_done("poll(2)", &poller)?;
    check::equal("poll(2)", poller.join()?, Ok(poll::IN))?;
    expect_event(port, Event::of_fd(reader, poll::IN, 1))
}
