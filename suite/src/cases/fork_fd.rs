//! Associations over fork(2): who may take, re-associate, dissociate and end them (S30, S33, S34,
//! S79, C27).

use super::fd::{expect_event, expect_none, put, ready_pipe, take};
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case(
        "fork.child_takes_the_event_of_an_inherited_descriptor",
        "S33 S79 C27",
        child_takes,
    )
    .both(),
    case(
        "fork.parent_takes_the_event_of_a_child_s_association",
        "S33 S34",
        parent_takes,
    ),
    case(
        "fork.child_reassociates_an_inherited_descriptor",
        "S33 C27",
        child_reassociates,
    ),
    case(
        "fork.child_reassociates_and_goes",
        "S33 S81",
        child_reassociates_and_goes,
    ),
    case("fork.dissociate_is_for_the_owner", "S30", owner_dissociates).both(),
    case(
        "fork.dissociate_order_of_errors",
        "S30 S31",
        dissociate_order,
    ),
    case("fork.child_closes_the_descriptor", "S33 C27", child_closes),
    case("fork.owner_closes_the_descriptor", "S33 S32", owner_closes).needs(Caps::RCTL),
    case(
        "fork.child_closes_the_port",
        "S81 C10 C27",
        child_closes_port,
    ),
    case(
        "fork.child_closes_the_port_with_associations",
        "S81 S28 C27",
        child_drops_own,
    )
    .needs(Caps::RCTL),
    case(
        "fork.parent_closes_the_port_first",
        "S81 S82",
        parent_closes_port,
    )
    .needs(Caps::RCTL),
    case(
        "fork.exit_drops_the_child_s_associations",
        "S81 S97 C27",
        child_exits,
    )
    .needs(Caps::RCTL),
];

/// Same number, same file: the event is for both, and comes once.
fn child_takes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 7)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        put(ctx.sys, writer)?;
        expect_event(port, Event::of_fd(reader, poll::IN, 7))?;
        Ok(0)
    })?;
    child.wait()?;
    expect_none(port)
}

/// The other direction, while the child lives.
fn parent_takes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, _) = ready_pipe(ctx)?;
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        port.associate_fd(reader, poll::IN, 7)?;
        ctx.sys.sleep(100 * MSEC);
        expect_none(port)?;
        check::refused("port_dissociate", port.dissociate_fd(reader), Errno::ENOENT)?;
        Ok(0)
    })?;
    expect_event(port, Event::of_fd(reader, poll::IN, 7))?;
    child.wait().map(drop)
}

/// New bits, new user, no second association.
fn child_reassociates(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        put(ctx.sys, writer)?;
        check::equal("events queued", port.queued(), Ok(1))?;
        take(ctx.sys, reader)?;
        port.associate_fd(reader, poll::IN, 2)?;
        expect_none(port)?;
        put(ctx.sys, writer)?;
        expect_event(port, Event::of_fd(reader, poll::IN, 2))?;
        port.associate_fd(reader, poll::IN, 3)?;
        Ok(0)
    })?;
    child.wait()?;
    expect_event(port, Event::of_fd(reader, poll::IN, 3))?;
    port.associate_fd(reader, poll::IN, 4)?;
    check::equal(
        "port_dissociate by the owner",
        port.dissociate_fd(reader),
        Ok(()),
    )
}

/// What the child armed again is still the parent's.
fn child_reassociates_and_goes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    for way in 0..3 {
        let child = ctx.fork(move |ctx| {
            let port = Port::at(ctx.sys, fd);
            port.associate_fd(reader, poll::IN, 2 + way)?;
            match way {
                0 => port.close()?,
                1 => ctx.sys.close(reader)?,
                _ => {}
            }
            Ok(0)
        })?;
        child.wait()?;
        expect_none(port)?;
        put(ctx.sys, writer)?;
        expect_event(port, Event::of_fd(reader, poll::IN, 2 + way as u64))?;
        take(ctx.sys, reader)?;
    }
    Ok(())
}

/// EACCES for the child in every state; nothing changes by it.
fn owner_dissociates(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        check::refused("armed", port.dissociate_fd(reader), Errno::EACCES)?;
        put(ctx.sys, writer)?;
        check::refused("queued", port.dissociate_fd(reader), Errno::EACCES)?;
        expect_event(port, Event::of_fd(reader, poll::IN, 1))?;
        check::refused("retrieved", port.dissociate_fd(reader), Errno::EACCES)?;
        port.associate_fd(reader, poll::IN, 2)?;
        check::refused("armed again", port.dissociate_fd(reader), Errno::EACCES)?;
        Ok(0)
    })?;
    child.wait()?;
    check::equal(
        "port_dissociate by the owner",
        port.dissociate_fd(reader),
        Ok(()),
    )?;
    expect_none(port)
}

/// EBADFD and ENOENT come before EACCES.
fn dissociate_order(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        check::refused(
            "never associated",
            port.dissociate_fd(writer),
            Errno::ENOENT,
        )?;
        ctx.sys.close(reader)?;
        check::refused("closed", port.dissociate_fd(reader), Errno::EBADFD)?;
        check::equal("dup2", ctx.sys.dup2(writer, reader), Ok(reader))?;
        check::refused("another file", port.dissociate_fd(reader), Errno::ENOENT)?;
        Ok(0)
    })?;
    child.wait()?;
    check::equal(
        "port_dissociate by the owner",
        port.dissociate_fd(reader),
        Ok(()),
    )
}

/// Two pipes on a port: a reading end that waits as event 1, one whose event 2 is queued; and what
/// makes the first ready.
fn armed_and_queued(ctx: &Ctx<'_>, port: Port<'_>) -> Result<(i32, i32, i32), Failure> {
    let (armed, writer) = ctx.pipe()?;
    let (queued, _) = ready_pipe(ctx)?;
    port.associate_fd(armed, poll::IN, 1)?;
    port.associate_fd(queued, poll::IN, 2)?;
    Ok((armed, queued, writer))
}

/// Its table is its own.
fn child_closes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (armed, queued, writer) = armed_and_queued(ctx, port)?;
    let child = ctx.fork(move |ctx| {
        ctx.sys.close(armed)?;
        ctx.sys.close(queued)?;
        Ok(0)
    })?;
    child.wait()?;
    put(ctx.sys, writer)?;
    ctx.expect_queue(port, &[2, 1])
}

/// The association ends although the child still has the file, and had armed it last.
fn owner_closes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let fd = port.fd();
    let (armed, queued, writer) = armed_and_queued(ctx, port)?;
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        port.associate_fd(armed, poll::IN, 3)?;
        ctx.sys.sleep(100 * MSEC);
        put(ctx.sys, writer)?;
        expect_none(port)?;
        check::refused("port_dissociate", port.dissociate_fd(armed), Errno::ENOENT)?;
        port.associate_fd(armed, poll::IN, 4)?;
        expect_event(port, Event::of_fd(armed, poll::IN, 4))?;
        Ok(0)
    })?;
    ctx.sys.close(armed)?;
    ctx.sys.close(queued)?;
    expect_none(port)?;
    child.wait()?;
    expect_free_slots(port, 2)
}

/// A child that made no association leaves the port as it was.
fn child_closes_port(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (_, queued, writer) = armed_and_queued(ctx, port)?;
    let child = ctx.fork(move |ctx| {
        ctx.sys.close(fd)?;
        let own = ctx.port()?;
        check::equal("descriptor of the child's port", own.fd(), fd)?;
        own.associate_fd(queued, poll::IN, 3)?;
        expect_event(own, Event::of_fd(queued, poll::IN, 3))?;
        Ok(0)
    })?;
    child.wait()?;
    put(ctx.sys, writer)?;
    ctx.expect_queue(port, &[2, 1])
}

/// One that did takes its own along, events and slots included, and no other.
fn child_drops_own(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(6)?;
    let fd = port.fd();
    let (parents, writer) = ctx.pipe()?;
    let (inherited, _) = ready_pipe(ctx)?;
    port.associate_fd(parents, poll::IN, 1)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        let (own, _) = ctx.pipe()?;
        let (ready, _) = ready_pipe(ctx)?;
        port.associate_fd(inherited, poll::IN, 2)?;
        port.associate_fd(own, poll::IN, 3)?;
        port.associate_fd(ready, poll::IN, 4)?;
        port.send(1, 5)?;
        port.close()?;
        put(ctx.sys, writer)?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_queue(port, &[5, 1])?;
    port.associate_fd(inherited, poll::IN, 6)?;
    expect_event(port, Event::of_fd(inherited, poll::IN, 6))?;
    expect_free_slots(port, 4)
}

/// The owner leaves the port: the child gets nothing of it any more, and may start again.
fn parent_closes_port(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(4)?;
    let fd = port.fd();
    let (armed, _, writer) = armed_and_queued(ctx, port)?;
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        let (own, to_own) = ctx.pipe()?;
        port.associate_fd(own, poll::IN, 3)?;
        ctx.sys.sleep(100 * MSEC);
        put(ctx.sys, writer)?;
        expect_none(port)?;
        put(ctx.sys, to_own)?;
        expect_event(port, Event::of_fd(own, poll::IN, 3))?;
        port.associate_fd(armed, poll::IN, 4)?;
        expect_event(port, Event::of_fd(armed, poll::IN, 4))?;
        check::refused("port_dissociate", port.dissociate_fd(armed), Errno::ENOENT)?;
        expect_free_slots(port, 3)?;
        Ok(0)
    })?;
    port.close()?;
    child.wait().map(drop)
}

/// As its close.
fn child_exits(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(3)?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    for own_descriptor in [false, true] {
        let child = ctx.fork(move |ctx| {
            let port = Port::at(ctx.sys, fd);
            let ready = match own_descriptor {
                true => ready_pipe(ctx)?.0,
                false => reader,
            };
            port.associate_fd(ready, poll::IN, 1)?;
            port.associate_fd(writer, 0, 2)?;
            // What Ctx keeps is closed before the end; these are not.
            let left = ctx.sys.dup(ready)?;
            port.associate_fd(left, poll::IN, 3)?;
            Ok(0)
        })?;
        child.wait()?;
        put(ctx.sys, writer)?;
        expect_none(port)?;
        expect_free_slots(port, 3)?;
    }
    Ok(())
}
