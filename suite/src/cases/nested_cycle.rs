//! Ports that watch each other: cycles, chains, the port itself (S18).

use super::fd::{expect_event, expect_none, put, take};
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("fd.nested_in_itself", "S18", itself).both(),
    case("fd.nested_in_itself_with_events", "S18 S20", itself_ready),
    case("fd.nested_in_itself_and_closed", "S18 S82", itself_closed).needs(Caps::KSTAT),
    case("fd.nested_cycle_of_two", "S18", cycle),
    case("fd.nested_cycle_of_many", "S18", long_cycle),
    case(
        "fd.nested_cycle_closed_in_any_order",
        "S18 S82",
        cycle_closed,
    )
    .needs(Caps::KSTAT),
    case("fd.nested_chain_carries_a_wakeup", "S18 C4", chain),
    case("fd.nested_chain_of_a_thousand", "S18", long_chain).needs(Caps::DEVICE),
    case("fd.nested_port_reached_on_two_ways", "S18", diamond),
];

/// Its own event makes a second one, and no third.
fn itself(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.associate_fd(fd, poll::IN, 7)?;
    expect_none(port)?;
    port.send(1, 1)?;
    let batch = port.getn(8, 1, Timeout::Poll);
    let expected = vec![
        Event::new(source::USER, 1, 0, 1),
        Event::of_fd(fd, poll::IN, 7),
    ];
    check::equal("events", (batch.result, batch.events), (Ok(()), expected))?;
    expect_none(port)?;
    port.send(1, 2)?;
    ctx.expect_queue(port, &[2])?;
    port.associate_fd(fd, poll::IN, 8)?;
    check::equal("port_dissociate", port.dissociate_fd(fd), Ok(()))?;
    expect_none(port)
}

/// Ready at the association.
fn itself_ready(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send(1, 1)?;
    port.associate_fd(fd, poll::IN | poll::OUT, 7)?;
    check::equal("events queued", port.queued(), Ok(2))?;
    check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
    expect_event(port, Event::of_fd(fd, poll::IN | poll::OUT, 7))?;
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    port.associate_fd(fd, poll::OUT, 8)?;
    check::equal("event", waiter.join()?, Ok(Event::of_fd(fd, poll::OUT, 8)))
}

/// Armed, with its event queued, after it: the close ends.
fn itself_closed(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    for state in 0..4 {
        let port = ctx.port()?;
        let copy = port.dup()?;
        ctx.keep(copy.fd());
        port.associate_fd(port.fd(), poll::IN, 1)?;
        port.associate_fd(copy.fd(), poll::IN, 2)?;
        if state % 2 == 1 {
            port.send(1, 1)?;
        }
        if state >= 2 {
            port.getn(8, 1, Timeout::Poll).result?;
        }
        port.close()?;
        copy.close()?;
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
    }
    Ok(())
}

/// A watches B and B watches A: each tells the other once.
fn cycle(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    for round in 0..3 {
        a.associate_fd(b.fd(), poll::IN, 1)?;
        b.associate_fd(a.fd(), poll::IN, 2)?;
        expect_none(a)?;
        expect_none(b)?;
        let (from, other) = if round % 2 == 0 { (a, b) } else { (b, a) };
        from.send(1, 3)?;
        let seen = from.getn(8, 1, Timeout::Poll);
        check::equal(
            "first event of the sender",
            seen.events.first().map(|e| e.user),
            Some(3),
        )?;
        check::within("events of the sender", seen.nget, 1, 2)?;
        let seen = other.getn(8, 1, Timeout::Poll);
        check::equal(
            "event of the other",
            seen.events,
            vec![Event::of_fd(
                from.fd(),
                poll::IN,
                if round % 2 == 0 { 2 } else { 1 },
            )],
        )?;
        expect_none(a)?;
        expect_none(b)?;
    }
    Ok(())
}

/// Each port watches the next one, the last the first.
fn long_cycle(ctx: &Ctx<'_>) -> Verdict {
    let mut ports = Vec::new();
    for _ in 0..50 {
        ports.push(ctx.port()?);
    }
    for round in 0..3 {
        for (index, port) in ports.iter().enumerate() {
            let next = ports[(index + 1) % ports.len()];
            port.associate_fd(next.fd(), poll::IN, 1)?;
        }
        ports[round].send(1, 9)?;
        for (index, port) in ports.iter().enumerate() {
            let most = if index == round { 2 } else { 1 };
            let batch = port.getn(8, 1, Timeout::Poll);
            check::equal("port_getn", batch.result, Ok(()))?;
            check::within("events of a port in the cycle", batch.nget, 1, most)?;
        }
        for port in &ports {
            expect_none(*port)?;
        }
    }
    Ok(())
}

/// With and without events on the way.
fn cycle_closed(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let mut rng = ctx.rng();
    for round in 0..12 {
        let mut ports = Vec::new();
        for _ in 0..4 {
            ports.push(ctx.port()?);
        }
        for from in &ports {
            for to in &ports {
                from.associate_fd(to.fd(), poll::IN, 1)?;
            }
        }
        if round % 2 == 1 {
            ports[0].send(1, 1)?;
        }
        rng.shuffle(&mut ports);
        for port in ports {
            port.close()?;
        }
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
    }
    Ok(())
}

/// A pipe under three ports.
fn chain(ctx: &Ctx<'_>) -> Verdict {
    let ports = [ctx.port()?, ctx.port()?, ctx.port()?];
    let last = ports[2].fd();
    let (reader, writer) = ctx.pipe()?;
    for _ in 0..3 {
        ports[2].associate_fd(ports[1].fd(), poll::IN, 3)?;
        ports[1].associate_fd(ports[0].fd(), poll::IN, 2)?;
        ports[0].associate_fd(reader, poll::IN, 1)?;
        let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, last).get(Timeout::Never))?;
        put(ctx.sys, writer)?;
        ctx.expect_done("port_get on the outermost port", &waiter)?;
        let expected = Event::of_fd(ports[1].fd(), poll::IN, 3);
        check::equal("outermost event", waiter.join()?, Ok(expected))?;
        expect_event(ports[1], Event::of_fd(ports[0].fd(), poll::IN, 2))?;
        expect_event(ports[0], Event::of_fd(reader, poll::IN, 1))?;
        take(ctx.sys, reader)?;
    }
    Ok(())
}

/// One interrupt goes through all of them; no stack is that deep.
fn long_chain(ctx: &Ctx<'_>) -> Verdict {
    let device = ctx.device()?;
    let mut ports = Vec::new();
    let mut below = device;
    for _ in 0..1000 {
        let port = ctx.port()?;
        port.associate_fd(below, poll::IN, 1)?;
        below = port.fd();
        ports.push(port);
    }
    ctx.sys.raise(device, poll::IN)?;
    let mut below = device;
    for port in &ports {
        expect_event(*port, Event::of_fd(below, poll::IN, 1))?;
        below = port.fd();
    }
    for port in ports {
        port.close()?;
    }
    Ok(())
}

/// Two ports watch a pipe, a third watches both: two events.
fn diamond(ctx: &Ctx<'_>) -> Verdict {
    let (left, right, top) = (ctx.port()?, ctx.port()?, ctx.port()?);
    let (reader, writer) = ctx.pipe()?;
    left.associate_fd(reader, poll::IN, 1)?;
    right.associate_fd(reader, poll::IN, 2)?;
    top.associate_fd(left.fd(), poll::IN, 3)?;
    top.associate_fd(right.fd(), poll::IN, 4)?;
    put(ctx.sys, writer)?;
    let mut users = top.getn(8, 2, Timeout::Poll).users();
    users.sort_unstable();
    check::equal("events at the top", users, vec![3, 4])?;
    expect_event(left, Event::of_fd(reader, poll::IN, 1))?;
    expect_event(right, Event::of_fd(reader, poll::IN, 2))?;
    expect_none(top)
}
