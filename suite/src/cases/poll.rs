//! poll(2) on a port (S17, S98, D15, C18).

use super::prelude::*;
use crate::{PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case("poll.empty_port_is_writable_only", "S17", empty).both(),
    case("poll.queued_event_makes_it_readable", "S17 C18", readable).both(),
    case("poll.full_port_is_not_writable", "S17 S98", full).needs(Caps::RCTL),
    case("poll.only_asked_bits_are_reported", "S17", only_asked),
    case("poll.never_rdnorm", "S17", never_rdnorm),
    case("poll.send_wakes_a_poller", "S17 S51", send_wakes).both(),
    case(
        "poll.every_way_of_sending_wakes_a_poller",
        "S17 S52 S91",
        all_senders_wake,
    ),
    case("poll.freed_slot_wakes_a_poller", "S98", slot_wakes).needs(Caps::RCTL),
    case("poll.timeout_reports_nothing", "S17", timeout),
    case("poll.two_ports_in_one_call", "C18 S17", two_ports),
    case("poll.closed_port_reports_nval", "S17 S82", closed),
    case(
        "poll.readable_means_getn_has_something",
        "C18 S17",
        means_something,
    ),
    case("poll.d15_no_spurious_pollin_after_getn", "D15", no_spurious),
    case("poll.several_pollers_wake_together", "S17", several),
    case("poll.poller_and_getter_together", "S17 S73", with_getter),
    case("poll.signal_ends_it", "S70", signal),
    case("poll.same_port_twice", "S17", same_twice),
    case(
        "poll.full_port_with_a_waiting_dispatch",
        "S98 S91",
        with_dispatch,
    )
    .needs(Caps::RCTL),
    case(
        "poll.looks_at_1024_events_of_others",
        "D15 S17",
        farthest_look,
    ),
];

/// Polls one descriptor and answers the bits found.
fn bits(port: Port<'_>, events: i16) -> Result<i16, Errno> {
    let mut fds = [PollFd::new(port.fd(), events)];
    let count = port.sys().poll(&mut fds, Some(0))?;
    if count != usize::from(fds[0].revents != 0) {
        return Err(Errno::EIO);
    }
    Ok(fds[0].revents)
}

const BOTH: i16 = poll::IN | poll::OUT;

/// Nothing queued, room for more.
fn empty(ctx: &Ctx<'_>) -> Verdict {
    check::equal("bits", bits(ctx.port()?, BOTH), Ok(poll::OUT))
}

/// POLLIN as long as an event is queued.
fn readable(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=2)?;
    check::equal("two events", bits(port, BOTH), Ok(BOTH))?;
    port.get(Timeout::Poll)?;
    check::equal("one event", bits(port, BOTH), Ok(BOTH))?;
    port.get(Timeout::Poll)?;
    check::equal("no event", bits(port, BOTH), Ok(poll::OUT))
}

/// No slot, no POLLOUT.
fn full(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    port.send(1, 1)?;
    check::equal("one slot left", bits(port, BOTH), Ok(BOTH))?;
    port.send(1, 2)?;
    check::equal("no slot left", bits(port, BOTH), Ok(poll::IN))?;
    port.get(Timeout::Poll)?;
    check::equal("one slot free again", bits(port, BOTH), Ok(BOTH))
}

/// Bits nobody asked for are not reported.
fn only_asked(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 1)?;
    check::equal("nothing asked", bits(port, 0), Ok(0))?;
    check::equal("POLLIN asked", bits(port, poll::IN), Ok(poll::IN))?;
    check::equal("POLLOUT asked", bits(port, poll::OUT), Ok(poll::OUT))?;
    check::equal("POLLPRI asked", bits(port, poll::PRI), Ok(0))
}

/// POLLRDNORM and its kind mean nothing to a port.
fn never_rdnorm(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 1)?;
    let others = poll::RDNORM | poll::RDBAND | poll::WRBAND | poll::PRI;
    check::equal("other bits", bits(port, others), Ok(0))?;
    check::equal("all bits", bits(port, others | BOTH), Ok(BOTH))
}

/// What poll(2) of one descriptor returned, and the bits found.
type Polled = (Result<usize, Errno>, i16);

/// Starts a thread in poll(2) of one descriptor.
fn sleeper(
    ctx: &Ctx<'_>,
    fd: i32,
    events: i16,
    timeout: Option<u64>,
) -> Result<Task<Polled>, Failure> {
    ctx.spawn_asleep(move |sys| {
        let mut fds = [PollFd::new(fd, events)];
        (sys.poll(&mut fds, timeout), fds[0].revents)
    })
}

/// A sleeping poll(2) returns with POLLIN.
fn send_wakes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for user in 1..=3 {
        let poller = sleeper(ctx, port.fd(), poll::IN, None)?;
        ctx.expect_asleep("poll(2)", &poller)?;
        port.send(1, user)?;
        ctx.expect_done("poll(2)", &poller)?;
        check::equal("poll(2)", poller.join()?, (Ok(1), poll::IN))?;
        ctx.expect_queue(port, &[user as u64])?;
    }
    Ok(())
}

/// port_send, port_sendn and _port_dispatch.
fn all_senders_wake(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for way in 0..3 {
        let poller = sleeper(ctx, port.fd(), poll::IN, None)?;
        match way {
            0 => port.send(1, 1)?,
            1 => Port::sendn(ctx.sys, &[port.fd()], 1, 1)?.result.map(drop)?,
            _ => port.dispatch(0, source::AIO, 1, 0, 1)?,
        }
        ctx.expect_done("poll(2)", &poller)?;
        check::equal("poll(2)", poller.join()?, (Ok(1), poll::IN))?;
        ctx.expect_queue(port, &[1])?;
    }
    Ok(())
}

/// A poll for POLLOUT on a full port returns when an event is taken.
fn slot_wakes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(1)?;
    for user in 1..=3 {
        port.send(1, user)?;
        let poller = sleeper(ctx, port.fd(), poll::OUT, None)?;
        ctx.expect_asleep("poll(2) for POLLOUT on a full port", &poller)?;
        port.get(Timeout::Poll)?;
        ctx.expect_done("poll(2)", &poller)?;
        check::equal("poll(2)", poller.join()?, (Ok(1), poll::OUT))?;
    }
    Ok(())
}

/// No event, no bits.
fn timeout(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let before = ctx.sys.now();
    let mut fds = [PollFd::new(port.fd(), poll::IN)];
    check::equal("poll(2)", ctx.sys.poll(&mut fds, Some(20 * MSEC)), Ok(0))?;
    check::equal("revents", fds[0].revents, 0)?;
    check::that("20 ms have passed", ctx.sys.now() - before >= 20 * MSEC)
}

/// An event on one port: POLLIN for it, nothing for the other.
fn two_ports(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    let (a_fd, b_fd) = (a.fd(), b.fd());
    for (port, expected) in [(a, [poll::IN, 0]), (b, [0, poll::IN])] {
        let poller = ctx.spawn_asleep(move |sys| {
            let mut fds = [PollFd::new(a_fd, poll::IN), PollFd::new(b_fd, poll::IN)];
            (sys.poll(&mut fds, None), fds.map(|f| f.revents))
        })?;
        port.send(1, 1)?;
        check::equal("poll(2)", poller.join()?, (Ok(1), expected))?;
        let batch = port.getn(8, 1, Timeout::Poll);
        check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 1))?;
    }
    Ok(())
}

/// What poll(2) says of any closed descriptor.
fn closed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.close()?;
    check::equal("bits", bits(port, poll::IN), Ok(poll::NVAL))
}

/// A lone consumer that saw POLLIN gets at least one event without waiting.
fn means_something(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let total = 300;
    let sender = ctx.spawn(move |sys| -> Result<(), Errno> {
        for user in 0..total {
            Port::at(sys, fd).send(1, user)?;
            sys.pause();
        }
        Ok(())
    })?;
    let mut taken = 0;
    while taken < total {
        let mut fds = [PollFd::new(fd, poll::IN)];
        check::equal("poll(2)", ctx.sys.poll(&mut fds, None), Ok(1))?;
        let batch = port.getn(3, 1, Timeout::Poll);
        check::equal("port_getn", batch.result, Ok(()))?;
        check::that("port_getn finds something after POLLIN", batch.nget > 0)?;
        taken += batch.nget as usize;
    }
    sender.join()??;
    ctx.expect_queue(port, &[])
}

/// After a retrieval took the last event nothing is readable, however often that happens.
fn no_spurious(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for user in 0..20 {
        // Leaves the mark of a poller behind.
        check::equal("poll(2) before", bits(port, poll::IN), Ok(0))?;
        port.send(1, user)?;
        check::equal("events taken", port.getn(8, 1, Timeout::Poll).nget, 1)?;
        check::equal("poll(2) after", bits(port, poll::IN), Ok(0))?;
        let mut fds = [PollFd::new(port.fd(), poll::IN)];
        check::equal(
            "poll(2) for 1 ms",
            ctx.sys.poll(&mut fds, Some(MSEC)),
            Ok(0),
        )?;
    }
    Ok(())
}

/// All pollers of a port see the event.
fn several(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let mut pollers = Vec::new();
    for _ in 0..4 {
        pollers.push(sleeper(ctx, port.fd(), poll::IN, None)?);
    }
    port.send(1, 1)?;
    for poller in pollers {
        ctx.expect_done("poll(2)", &poller)?;
        check::equal("poll(2)", poller.join()?, (Ok(1), poll::IN))?;
    }
    ctx.expect_queue(port, &[1])
}

/// The event wakes a waiting `port_get`, which takes it; the poller may or may not have seen it.
fn with_getter(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let poller = sleeper(ctx, fd, poll::IN, Some(10 * MSEC))?;
    let getter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    port.send(1, 1)?;
    ctx.expect_done("port_get", &getter)?;
    check::equal("event", getter.join()??.user, 1)?;
    let (found, revents) = poller.join()?;
    check::that(
        "poll(2) is consistent",
        found == Ok(usize::from(revents == poll::IN)),
    )?;
    check::equal("poll(2) afterwards", bits(port, poll::IN), Ok(0))
}

/// EINTR, and the port works on.
fn signal(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let poller = sleeper(ctx, port.fd(), poll::IN, None)?;
    poller.signal()?;
    ctx.expect_done("poll(2)", &poller)?;
    check::refused("poll(2)", poller.join()?.0, Errno::EINTR)?;
    port.send(1, 1)?;
    check::equal("poll(2)", bits(port, poll::IN), Ok(poll::IN))
}

/// One port under two entries and under two descriptors: a poller that was woken may have looked
/// at one of them only, the next look shows all.
fn same_twice(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let copy = port.dup()?;
    ctx.keep(copy.fd());
    let fds = [port.fd(), port.fd(), copy.fd()];
    let poller = ctx.spawn_asleep(move |sys| {
        let mut entries = fds.map(|fd| PollFd::new(fd, poll::IN));
        (sys.poll(&mut entries, None), entries.map(|e| e.revents))
    })?;
    copy.send(1, 1)?;
    let (count, revents) = poller.join()?;
    let seen = revents.iter().filter(|bits| **bits == poll::IN).count();
    check::that(
        "poll(2) says how many entries are readable",
        count == Ok(seen),
    )?;
    check::within("readable entries of the woken poller", seen, 1, 3)?;
    let mut entries = fds.map(|fd| PollFd::new(fd, poll::IN));
    check::equal("poll(2) again", ctx.sys.poll(&mut entries, Some(0)), Ok(3))?;
    check::equal("revents", entries.map(|e| e.revents), [poll::IN; 3])
}

/// A poller for POLLOUT and a thread in `_port_dispatch` on the same full port: one event taken
/// lets the dispatch go on.
fn with_dispatch(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(1)?;
    let fd = port.fd();
    port.send(1, 1)?;
    let poller = sleeper(ctx, fd, poll::OUT, Some(10 * MSEC))?;
    let sender =
        ctx.spawn_asleep(move |sys| Port::at(sys, fd).dispatch(0, source::AIO, 1, 0, 2))?;
    port.get(Timeout::Poll)?;
    ctx.expect_done("_port_dispatch", &sender)?;
    check::equal("_port_dispatch", sender.join()?, Ok(()))?;
    let (found, revents) = poller.join()?;
    check::that(
        "poll(2) is consistent",
        found == Ok(usize::from(revents == poll::OUT)),
    )?;
    ctx.expect_queue(port, &[2])
}

/// Events of another process make the port readable only when there are more than a poll looks at.
fn farthest_look(ctx: &Ctx<'_>) -> Verdict {
    let (port, gate) = (ctx.port()?, ctx.port()?);
    let (fd, gate_fd) = (port.fd(), gate.fd());
    let child = ctx.fork(move |ctx| {
        let (port, gate) = (Port::at(ctx.sys, fd), Port::at(ctx.sys, gate_fd));
        for user in 0..1024 {
            port.dispatch(0, source::AIO, 1, 0, user)?;
        }
        gate.get(Timeout::Never)?;
        port.dispatch(0, source::AIO, 1, 0, 1024)?;
        gate.get(Timeout::Never)?;
        Ok(0)
    })?;
    ctx.settle();
    check::equal("bits with 1024", bits(port, poll::IN), Ok(0))?;
    gate.send(1, 0)?;
    ctx.settle();
    check::equal("bits with 1025", bits(port, poll::IN), Ok(poll::IN))?;
    check::equal("queue length", port.queued(), Ok(0))?;
    gate.send(1, 0)?;
    child.wait()?;
    check::equal("bits afterwards", bits(port, poll::IN), Ok(0))
}
