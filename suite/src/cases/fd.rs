//! Associated descriptors: what makes an event, and what is in it (S19 to S24).

use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case(
        "fd.event_when_it_becomes_ready",
        "S19 S24 C13",
        becomes_ready,
    )
    .both(),
    case(
        "fd.event_at_once_when_it_is_ready",
        "S20 C13",
        ready_already,
    )
    .both(),
    case("fd.one_event_per_association", "S19", once),
    case("fd.event_ends_the_association", "S19 S20 C15", ends),
    case("fd.regular_file_is_always_ready", "S20 C3", regular_file).both(),
    case("fd.hangup_without_asking", "S22 S23 C1", hangup).both(),
    case("fd.no_bits_asked", "S23 C1", no_bits).needs(Caps::DEVICE),
    case("fd.error_bits_without_asking", "S22", error_bits).needs(Caps::DEVICE),
    case("fd.only_asked_bits_are_reported", "S22", only_asked).needs(Caps::DEVICE),
    case("fd.nval_makes_an_event_without_bits", "S22", nval).needs(Caps::DEVICE),
    case(
        "fd.bits_are_those_of_the_first_wakeup",
        "S19 S22",
        first_wakeup,
    )
    .needs(Caps::DEVICE),
    case("fd.socket_in_both_directions", "S20 S22", socket),
    case(
        "fd.one_descriptor_on_several_ports",
        "S19 S24",
        several_ports,
    ),
    case(
        "fd.several_descriptors_on_one_port",
        "S24 C5",
        several_descriptors,
    ),
    case("fd.edge_bit_changes_nothing_here", "S27 S19", edge).needs(Caps::DEVICE),
];

/// Makes the other end readable: one byte.
pub(super) fn put(sys: &dyn System, fd: i32) -> Result<(), Errno> {
    match sys.write(fd, b"x")? {
        1 => Ok(()),
        _ => Err(Errno::EIO),
    }
}

/// Takes one byte.
pub(super) fn take(sys: &dyn System, fd: i32) -> Result<(), Errno> {
    match sys.read(fd, &mut [0])? {
        1 => Ok(()),
        _ => Err(Errno::EIO),
    }
}

/// A pipe that can be read at once.
pub(super) fn ready_pipe(ctx: &Ctx<'_>) -> Result<(i32, i32), Failure> {
    let (reader, writer) = ctx.pipe()?;
    put(ctx.sys, writer)?;
    Ok((reader, writer))
}

/// The port has exactly this event; takes it.
#[track_caller]
pub(super) fn expect_event(port: Port<'_>, event: Event) -> Verdict {
    check::equal("events queued", port.queued(), Ok(1))?;
    check::equal("event", port.get(Timeout::Poll), Ok(event))?;
    check::equal("events left", port.queued(), Ok(0))
}

/// The port has no event.
#[track_caller]
pub(super) fn expect_none(port: Port<'_>) -> Verdict {
    check::equal("events queued", port.queued(), Ok(0))?;
    let batch = port.getn(4, 1, Timeout::Poll);
    check::equal("port_getn", (batch.result, batch.events), (Ok(()), vec![]))
}

/// Nothing queued, association over.
fn becomes_ready(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 0xdead_beef)?;
    expect_none(port)?;
    put(ctx.sys, writer)?;
    expect_event(port, Event::of_fd(reader, poll::IN, 0xdead_beef))
}

/// The level counts, not the change.
fn ready_already(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, _) = ready_pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 7)?;
    expect_event(port, Event::of_fd(reader, poll::IN, 7))?;
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 1, Timeout::Never))?;
    port.associate_fd(reader, poll::IN, 8)?;
    ctx.expect_done("port_getn", &waiter)?;
    check::equal(
        "events",
        waiter.join()?.events,
        vec![Event::of_fd(reader, poll::IN, 8)],
    )
}

/// More data, more readers: no second event.
fn once(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    for _ in 0..3 {
        put(ctx.sys, writer)?;
    }
    expect_event(port, Event::of_fd(reader, poll::IN, 1))?;
    put(ctx.sys, writer)?;
    take(ctx.sys, reader)?;
    put(ctx.sys, writer)?;
    expect_none(port)
}

/// After the event nothing is told until the next association, which looks at the level.
fn ends(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    for user in 1..=4 {
        port.associate_fd(reader, poll::IN, user)?;
        if user % 2 == 1 {
            expect_none(port)?;
            put(ctx.sys, writer)?;
        }
        expect_event(port, Event::of_fd(reader, poll::IN, user as u64))?;
        if user % 2 == 0 {
            take(ctx.sys, reader)?;
        }
        expect_none(port)?;
    }
    Ok(())
}

/// Readable and writable without end.
fn regular_file(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for fd in [ctx.file(b"content")?, ctx.file(b"")?] {
        let both = poll::IN | poll::OUT;
        for bits in [poll::IN, poll::OUT, both, poll::IN, poll::RDNORM] {
            port.associate_fd(fd, bits, 3)?;
            expect_event(port, Event::of_fd(fd, bits, 3))?;
        }
        port.associate_fd(fd, 0, 3)?;
        expect_none(port)?;
    }
    Ok(())
}

/// The writer leaves.
fn hangup(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, 0, 5)?;
    put(ctx.sys, writer)?;
    expect_none(port)?;
    take(ctx.sys, reader)?;
    ctx.sys.close(writer)?;
    expect_event(port, Event::of_fd(reader, poll::HUP, 5))?;
    expect_none(port)?;
    port.associate_fd(reader, 0, 6)?;
    expect_event(port, Event::of_fd(reader, poll::HUP, 6))
}

/// Legal; only POLLHUP and POLLERR come.
fn no_bits(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    for bits in [poll::HUP, poll::ERR] {
        port.associate_fd(device, 0, 1)?;
        ctx.sys.raise(device, poll::IN | poll::OUT | poll::PRI)?;
        expect_none(port)?;
        ctx.sys.raise(device, bits)?;
        expect_event(port, Event::of_fd(device, bits, 1))?;
        ctx.sys
            .lower(device, bits | poll::IN | poll::OUT | poll::PRI)?;
    }
    Ok(())
}

/// At the association and later.
fn error_bits(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    for bits in [poll::ERR, poll::HUP, poll::ERR | poll::HUP] {
        port.associate_fd(device, poll::IN, 1)?;
        expect_none(port)?;
        ctx.sys.raise(device, bits)?;
        expect_event(port, Event::of_fd(device, bits, 1))?;
        port.associate_fd(device, poll::OUT, 2)?;
        expect_event(port, Event::of_fd(device, bits, 2))?;
        ctx.sys.lower(device, bits)?;
    }
    Ok(())
}

/// Ready bits that nobody asked for make no event and are not in one.
fn only_asked(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    let all = [poll::IN, poll::PRI, poll::OUT, poll::RDNORM, poll::RDBAND];
    for asked in all {
        let others = all.iter().filter(|bit| **bit != asked).sum::<i16>();
        port.associate_fd(device, asked, 1)?;
        ctx.sys.raise(device, others)?;
        expect_none(port)?;
        ctx.sys.raise(device, others | asked)?;
        expect_event(port, Event::of_fd(device, asked, 1))?;
        port.associate_fd(device, asked, 2)?;
        expect_event(port, Event::of_fd(device, asked, 2))?;
        ctx.sys.lower(device, others | asked)?;
    }
    Ok(())
}

/// A device that says POLLNVAL when it is asked: the bit is masked, the event stays.
fn nval(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    ctx.sys.raise(device, poll::NVAL)?;
    port.associate_fd(device, poll::IN, 9)?;
    expect_event(port, Event::of_fd(device, 0, 9))?;
    ctx.sys.lower(device, poll::NVAL)?;
    port.associate_fd(device, poll::IN, 10)?;
    expect_none(port)
}

/// What happens between event and retrieval belongs to the next association.
fn first_wakeup(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    port.associate_fd(device, poll::IN | poll::OUT, 1)?;
    ctx.sys.raise(device, poll::OUT)?;
    ctx.sys.raise(device, poll::IN)?;
    expect_event(port, Event::of_fd(device, poll::OUT, 1))?;
    port.associate_fd(device, poll::IN | poll::OUT, 2)?;
    expect_event(port, Event::of_fd(device, poll::IN | poll::OUT, 2))?;
    ctx.sys.lower(device, poll::OUT)?;
    port.associate_fd(device, poll::IN | poll::OUT, 3)?;
    expect_event(port, Event::of_fd(device, poll::IN, 3))
}

/// Writable at once, readable when the peer writes.
fn socket(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (one, other) = ctx.socketpair()?;
    let both = poll::IN | poll::OUT;
    port.associate_fd(one, both, 1)?;
    expect_event(port, Event::of_fd(one, poll::OUT, 1))?;
    port.associate_fd(one, poll::IN, 2)?;
    expect_none(port)?;
    put(ctx.sys, other)?;
    expect_event(port, Event::of_fd(one, poll::IN, 2))?;
    port.associate_fd(one, both, 3)?;
    expect_event(port, Event::of_fd(one, both, 3))
}

/// Each port has an association of its own.
fn several_ports(ctx: &Ctx<'_>) -> Verdict {
    let ports = [ctx.port()?, ctx.port()?, ctx.port()?];
    let (reader, writer) = ctx.pipe()?;
    for (user, port) in ports.iter().enumerate() {
        port.associate_fd(reader, poll::IN, user)?;
    }
    put(ctx.sys, writer)?;
    for (user, port) in ports.iter().enumerate() {
        expect_event(*port, Event::of_fd(reader, poll::IN, user as u64))?;
    }
    ports[1].associate_fd(reader, poll::IN, 5)?;
    expect_none(ports[0])?;
    expect_event(ports[1], Event::of_fd(reader, poll::IN, 5))?;
    expect_none(ports[2])
}

/// Events come in the order in which the descriptors became ready, each with its own number.
fn several_descriptors(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let mut pipes = Vec::new();
    for user in 0..20 {
        let (reader, writer) = ctx.pipe()?;
        port.associate_fd(reader, poll::IN, user)?;
        pipes.push((reader, writer, user as u64));
    }
    ctx.rng().shuffle(&mut pipes);
    for (_, writer, _) in &pipes {
        put(ctx.sys, *writer)?;
    }
    let expected: Vec<Event> = pipes
        .iter()
        .map(|(reader, _, user)| Event::of_fd(*reader, poll::IN, *user))
        .collect();
    let batch = port.getn(64, 1, Timeout::Poll);
    check::equal(
        "port_getn",
        (batch.result, batch.events),
        (Ok(()), expected),
    )
}

/// A descriptor that takes POLLET: still one event per association, and no POLLET in it.
fn edge(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    let (socket, peer) = ctx.socketpair()?;
    for (fd, other) in [(reader, writer), (socket, peer)] {
        port.associate_fd(fd, poll::IN | POLLET, 1)?;
        expect_none(port)?;
        put(ctx.sys, other)?;
        expect_event(port, Event::of_fd(fd, poll::IN, 1))?;
        put(ctx.sys, other)?;
        expect_none(port)?;
        port.associate_fd(fd, poll::IN | POLLET, 2)?;
        expect_event(port, Event::of_fd(fd, poll::IN, 2))?;
    }
    Ok(())
}

/// `POLLET` of `sys/poll.h`.
pub(super) const POLLET: i16 = 0x2000;
