//! Closing an associated descriptor, and its number afterwards (S32).

use super::fd::{expect_event, expect_none, put, ready_pipe, take};
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("fd.close_ends_the_association", "S32 C3 C6", ends).both(),
    case("fd.close_removes_the_queued_event", "S32 C9", queued).both(),
    case("fd.close_ends_it_on_every_port", "S32", every_port),
    case("fd.close_makes_no_event", "S32", no_event).needs(Caps::DEVICE),
    case("fd.close_frees_the_slot", "S28 S32", slot).needs(Caps::RCTL),
    case("fd.closed_number_opened_again", "S32 C3 C6 C9", reopened),
    case("fd.closed_number_with_the_same_file", "S32", same_file),
    case("fd.copies_are_descriptors_of_their_own", "S24 S32", copies),
    case("fd.dup2_over_an_associated_descriptor", "S32", dup2),
    case("fd.dup2_onto_itself_changes_nothing", "S32", dup2_itself),
    case("fd.close_of_the_last_file_reference", "S32", last_reference),
    case("fd.close_from_another_thread", "S32", other_thread),
    case("fd.close_of_one_of_many", "S32 S96", one_of_many),
    case("fd.close_of_the_peer_is_an_event", "S22 S32", peer),
    case(
        "fd.descriptor_in_flight_keeps_no_association",
        "S32",
        in_flight,
    ),
];

/// Nothing comes for the number any more.
fn ends(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    ctx.sys.close(reader)?;
    expect_none(port)?;
    check::refused("port_dissociate", port.dissociate_fd(reader), Errno::EBADFD)?;
    let (other, _) = ctx.socketpair()?;
    check::equal("descriptor", other, reader)?;
    check::refused("port_dissociate", port.dissociate_fd(other), Errno::ENOENT)?;
    ctx.sys.close(writer)?;
    expect_none(port)
}

/// An event that nobody has read goes with its descriptor; the others keep their order.
fn queued(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, _) = ready_pipe(ctx)?;
    port.send(1, 1)?;
    port.associate_fd(reader, poll::IN, 2)?;
    port.send(1, 3)?;
    ctx.sys.close(reader)?;
    ctx.expect_queue(port, &[1, 3])
}

/// Armed on one, queued on another, retrieved on a third.
fn every_port(ctx: &Ctx<'_>) -> Verdict {
    let ports = [ctx.port()?, ctx.port()?, ctx.port()?];
    let (reader, _) = ready_pipe(ctx)?;
    ports[0].associate_fd(reader, poll::OUT, 1)?;
    ports[1].associate_fd(reader, poll::IN, 2)?;
    ports[2].associate_fd(reader, poll::IN, 3)?;
    ports[2].get(Timeout::Poll)?;
    ctx.sys.close(reader)?;
    for port in ports {
        expect_none(port)?;
        check::refused("port_dissociate", port.dissociate_fd(reader), Errno::EBADFD)?;
    }
    Ok(())
}

/// A waiting thread is not woken by it.
fn no_event(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let device = ctx.device()?;
    let (one, other) = ctx.socketpair()?;
    for fd in [device, one, other] {
        port.associate_fd(fd, 0, 1)?;
    }
    check::equal("port_dissociate", port.dissociate_fd(other), Ok(()))?;
    ctx.sys.close(device)?;
    ctx.sys.close(one)?;
    ctx.expect_asleep("port_get", &waiter)?;
    port.send(1, 2)?;
    check::equal("event", waiter.join()??.user, 2)
}

/// In each state that an association can have.
fn slot(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(3)?;
    let pipes = [ctx.pipe()?, ready_pipe(ctx)?, ready_pipe(ctx)?];
    for (user, (reader, _)) in pipes.iter().enumerate() {
        port.associate_fd(*reader, poll::IN, user)?;
    }
    check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
    check::refused("port_send", port.send(1, 9), Errno::EAGAIN)?;
    for (reader, _) in pipes {
        ctx.sys.close(reader)?;
    }
    expect_free_slots(port, 3)
}

/// The next object under the number starts without a history.
fn reopened(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for round in 0..4 {
        let (reader, writer) = ctx.pipe()?;
        port.associate_fd(reader, poll::IN, 1)?;
        if round % 2 == 1 {
            put(ctx.sys, writer)?;
        }
        ctx.sys.close(reader)?;
        ctx.sys.close(writer)?;
        let (next, other) = ctx.pipe()?;
        check::equal("descriptor", next, reader)?;
        put(ctx.sys, other)?;
        expect_none(port)?;
        port.associate_fd(next, poll::IN, 2)?;
        expect_event(port, Event::of_fd(next, poll::IN, 2))?;
        ctx.sys.close(next)?;
        ctx.sys.close(other)?;
    }
    Ok(())
}

/// Same number, same file: a new descriptor all the same.
fn same_file(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    let copy = ctx.sys.dup(reader)?;
    ctx.keep(copy);
    for _ in 0..3 {
        port.associate_fd(reader, poll::IN, 1)?;
        ctx.sys.close(reader)?;
        check::equal("dup2", ctx.sys.dup2(copy, reader), Ok(reader))?;
        put(ctx.sys, writer)?;
        expect_none(port)?;
        check::refused("port_dissociate", port.dissociate_fd(reader), Errno::ENOENT)?;
        take(ctx.sys, copy)?;
    }
    port.associate_fd(reader, poll::IN, 2)?;
    put(ctx.sys, writer)?;
    expect_event(port, Event::of_fd(reader, poll::IN, 2))
}

/// Two numbers of one file: two associations, two events, two ends.
fn copies(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    let copy = ctx.sys.dup(reader)?;
    ctx.keep(copy);
    port.associate_fd(reader, poll::IN, 1)?;
    port.associate_fd(copy, poll::IN, 2)?;
    put(ctx.sys, writer)?;
    let mut found = port.getn(4, 2, Timeout::Poll).events;
    found.sort_unstable_by_key(|event| event.user);
    let expected = vec![
        Event::of_fd(reader, poll::IN, 1),
        Event::of_fd(copy, poll::IN, 2),
    ];
    check::equal("events", found, expected)?;
    port.associate_fd(reader, poll::IN, 3)?;
    port.associate_fd(copy, poll::IN, 4)?;
    ctx.sys.close(reader)?;
    expect_event(port, Event::of_fd(copy, poll::IN, 4))
}

/// The replaced object takes its association along.
fn dup2(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (a, to_a) = ctx.pipe()?;
    let (b, to_b) = ctx.pipe()?;
    port.associate_fd(a, poll::IN, 1)?;
    port.associate_fd(b, poll::IN, 2)?;
    check::equal("dup2", ctx.sys.dup2(b, a), Ok(a))?;
    put(ctx.sys, to_b)?;
    expect_event(port, Event::of_fd(b, poll::IN, 2))?;
    check::refused("port_dissociate", port.dissociate_fd(a), Errno::ENOENT)?;
    port.associate_fd(a, poll::IN, 3)?;
    expect_event(port, Event::of_fd(a, poll::IN, 3))?;
    check::refused("write to the replaced pipe", put(ctx.sys, to_a), EPIPE)
}

/// `EPIPE` of `sys/errno.h`.
pub(super) const EPIPE: Errno = Errno(32);

/// Not a close.
fn dup2_itself(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    check::equal("dup2", ctx.sys.dup2(reader, reader), Ok(reader))?;
    put(ctx.sys, writer)?;
    expect_event(port, Event::of_fd(reader, poll::IN, 1))
}

/// Whichever of two numbers goes last, nothing is left.
fn last_reference(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for first in [0, 1] {
        let (reader, writer) = ctx.pipe()?;
        let fds = [reader, ctx.sys.dup(reader)?];
        ctx.keep(fds[1]);
        for fd in fds {
            port.associate_fd(fd, poll::IN, fd as usize)?;
        }
        ctx.sys.close(fds[first])?;
        put(ctx.sys, writer)?;
        let left = fds[1 - first];
        expect_event(port, Event::of_fd(left, poll::IN, left as u64))?;
        port.associate_fd(left, poll::IN, 1)?;
        ctx.sys.close(left)?;
        expect_none(port)?;
        ctx.sys.close(writer)?;
    }
    Ok(())
}

/// The thread that closes need not be the one that associated.
fn other_thread(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(4, 2, Timeout::Never))?;
    let (reader, writer) = ctx.pipe()?;
    let (other, to_other) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    port.associate_fd(other, poll::IN, 2)?;
    put(ctx.sys, writer)?;
    let closer = ctx.spawn(move |sys| sys.close(reader))?;
    check::equal("close", closer.join()?, Ok(()))?;
    put(ctx.sys, to_other)?;
    ctx.expect_asleep("port_getn for two events", &waiter)?;
    port.send(1, 3)?;
    check::equal("events", waiter.join()?.users(), vec![2, 3])
}

/// Numbers that share a place in the port's table do not disturb each other.
fn one_of_many(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    let mut fds = Vec::new();
    for user in 0..600 {
        let fd = ctx.sys.dup(reader)?;
        ctx.keep(fd);
        port.associate_fd(fd, poll::IN, user)?;
        fds.push((fd, user as u64));
    }
    ctx.rng().shuffle(&mut fds);
    let left = fds.split_off(300);
    for (turn, (fd, _)) in fds.iter().enumerate() {
        match turn % 2 {
            0 => ctx.sys.close(*fd)?,
            _ => check::equal("port_dissociate", port.dissociate_fd(*fd), Ok(()))?,
        }
    }
    put(ctx.sys, writer)?;
    let mut expected: Vec<u64> = left.iter().map(|(_, user)| *user).collect();
    let mut users = port.getn(1000, 1, Timeout::Poll).users();
    users.sort_unstable();
    expected.sort_unstable();
    check::equal("users", users, expected)
}

/// For the end that stays: the end of a stream, a hangup, or the error of writing.
fn peer(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for (one, other) in [ctx.pipe()?, ctx.socketpair()?] {
        port.associate_fd(one, poll::IN, 1)?;
        expect_none(port)?;
        ctx.sys.close(other)?;
        check::equal("events queued", port.queued(), Ok(1))?;
        let event = port.get(Timeout::Poll)?;
        check::equal("object", event.object, one as u64)?;
        let end = i32::from(poll::IN | poll::HUP | poll::ERR);
        check::that("the event says so", event.events & end != 0)?;
        check::equal("other bits", event.events & !end, 0)?;
    }
    Ok(())
}

/// A descriptor that was sent and closed comes back without its association, and so does one that
/// dies with the socket.
fn in_flight(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (one, other) = ctx.socketpair()?;
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    ctx.sys.send_fd(one, reader)?;
    ctx.sys.close(reader)?;
    put(ctx.sys, writer)?;
    expect_none(port)?;
    let received = ctx.sys.receive_fd(other)?;
    ctx.keep(received);
    check::equal("descriptor", received, reader)?;
    expect_none(port)?;
    port.associate_fd(received, poll::IN, 2)?;
    expect_event(port, Event::of_fd(received, poll::IN, 2))?;
    port.associate_fd(received, poll::IN, 3)?;
    ctx.sys.send_fd(one, received)?;
    ctx.sys.close(received)?;
    ctx.sys.close(one)?;
    ctx.sys.close(other)?;
    expect_none(port)
}
