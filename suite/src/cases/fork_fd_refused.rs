//! A process that is refused when it associates what another process has associated (D11): the
//! other one's association only rests.

use super::fd::{POLLET, expect_event, expect_none, ready_pipe};
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("fork.d11_child_is_refused", "D11 S27 S33", refused)
        .both()
        .needs(Caps::RCTL),
    case(
        "fork.d11_child_is_refused_after_the_event",
        "D11 S29",
        after_event,
    )
    .needs(Caps::RCTL),
    case(
        "fork.d11_child_with_associations_of_its_own",
        "D11",
        own_list,
    ),
    case("fork.d11_owner_closes_afterwards", "D11 S32", owner_closes).needs(Caps::RCTL),
    case(
        "fork.d11_owner_leaves_afterwards",
        "D11 S81 S82",
        owner_leaves,
    )
    .needs(Caps::KSTAT),
    case("fork.d11_owner_and_child_in_turns", "D11 S33", in_turns).needs(Caps::RCTL),
    case(
        "fork.d11_refused_without_an_association",
        "D11 S27",
        no_association,
    )
    .needs(Caps::RCTL),
    case("fork.d11_many_processes_are_refused", "D11 C27", many),
];

/// What a regular file refuses.
const EDGE: i16 = poll::IN | POLLET;

/// Associates with POLLET in a child of its own.
#[track_caller]
fn refused_in_child(ctx: &Ctx<'_>, port: Port<'_>, file: i32) -> Verdict {
    let fd = port.fd();
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        check::refused(
            "port_associate",
            port.associate_fd(file, EDGE, 9),
            Errno::EPERM,
        )?;
        expect_none(port)?;
        check::refused("port_dissociate", port.dissociate_fd(file), Errno::EACCES)?;
        Ok(0)
    })?;
    child.wait().map(drop)
}

/// The event is taken back, the slot stays, and the owner goes on.
fn refused(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(1)?;
    let file = ctx.file(b"content")?;
    for user in 0..3 {
        port.associate_fd(file, poll::IN, user)?;
        refused_in_child(ctx, port, file)?;
        expect_none(port)?;
        check::refused("port_send", port.send(1, 1), Errno::EAGAIN)?;
        port.associate_fd(file, poll::IN, user + 10)?;
        expect_event(port, Event::of_fd(file, poll::IN, user as u64 + 10))?;
    }
    port.associate_fd(file, poll::IN, 1)?;
    refused_in_child(ctx, port, file)?;
    check::refused("port_dissociate", port.dissociate_fd(file), Errno::ENOENT)?;
    expect_free_slots(port, 1)
}

/// Nothing was armed, nothing is taken back.
fn after_event(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(1)?;
    let file = ctx.file(b"content")?;
    port.associate_fd(file, poll::IN, 1)?;
    expect_event(port, Event::of_fd(file, poll::IN, 1))?;
    refused_in_child(ctx, port, file)?;
    check::refused("port_send", port.send(1, 1), Errno::EAGAIN)?;
    check::refused("port_dissociate", port.dissociate_fd(file), Errno::ENOENT)?;
    expect_free_slots(port, 1)
}

/// Its own list of ports for the descriptor is not touched, nor is the owner's.
fn own_list(ctx: &Ctx<'_>) -> Verdict {
    let (port, other) = (ctx.port()?, ctx.port()?);
    let (fd, other_fd) = (port.fd(), other.fd());
    let file = ctx.file(b"content")?;
    other.associate_fd(file, 0, 1)?;
    port.associate_fd(file, poll::IN, 2)?;
    let child = ctx.fork(move |ctx| {
        let own = [ctx.port()?, ctx.port()?];
        for port in own {
            port.associate_fd(file, 0, 1)?;
        }
        for shared in [fd, other_fd, fd] {
            let made = Port::at(ctx.sys, shared).associate_fd(file, EDGE, 9);
            check::refused("port_associate", made, Errno::EPERM)?;
        }
        for port in own {
            port.associate_fd(file, poll::IN, 3)?;
            expect_event(port, Event::of_fd(file, poll::IN, 3))?;
        }
        check::refused("port_dissociate", own[0].dissociate_fd(file), Errno::ENOENT)?;
        ctx.sys.close(file)?;
        expect_none(own[1])?;
        Ok(0)
    })?;
    child.wait()?;
    for (port, user) in [(port, 4), (other, 5)] {
        port.associate_fd(file, poll::IN, user)?;
        expect_event(port, Event::of_fd(file, poll::IN, user as u64))?;
    }
    ctx.sys.close(file)?;
    expect_none(port)?;
    expect_none(other)
}

/// The list of the descriptor is whole.
fn owner_closes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(4)?;
    let other = ctx.port()?;
    for shape in 0..3 {
        let file = ctx.file(b"content")?;
        if shape > 0 {
            other.associate_fd(file, poll::IN, 1)?;
        }
        port.associate_fd(file, poll::IN, 2)?;
        if shape > 1 {
            ctx.port()?.associate_fd(file, poll::IN, 3)?;
        }
        refused_in_child(ctx, port, file)?;
        ctx.sys.close(file)?;
        expect_none(port)?;
        expect_none(other)?;
        expect_free_slots(port, 4)?;
    }
    Ok(())
}

/// The port can be left, and ends.
fn owner_leaves(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let file = ctx.file(b"content")?;
    for child_lives in [false, true] {
        let port = ctx.port()?;
        let fd = port.fd();
        port.associate_fd(file, poll::IN, 1)?;
        let child = ctx.fork_asleep(move |ctx| {
            let port = Port::at(ctx.sys, fd);
            check::refused(
                "port_associate",
                port.associate_fd(file, EDGE, 9),
                Errno::EPERM,
            )?;
            if child_lives {
                ctx.sys.sleep(100 * MSEC);
                port.associate_fd(file, poll::IN, 2)?;
                expect_event(port, Event::of_fd(file, poll::IN, 2))?;
                check::refused("port_dissociate", port.dissociate_fd(file), Errno::ENOENT)?;
            }
            Ok(0)
        })?;
        port.close()?;
        child.wait()?;
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
    }
    Ok(())
}

/// Refused, accepted, refused: one association all the time.
fn in_turns(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(1)?;
    let fd = port.fd();
    let file = ctx.file(b"content")?;
    port.associate_fd(file, poll::IN, 0)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        for user in 1..5 {
            check::refused(
                "port_associate",
                port.associate_fd(file, EDGE, 9),
                Errno::EPERM,
            )?;
            port.associate_fd(file, poll::IN, user)?;
            if user % 2 == 0 {
                expect_event(port, Event::of_fd(file, poll::IN, user as u64))?;
            }
        }
        port.associate_fd(file, poll::IN, 5)?;
        Ok(0)
    })?;
    child.wait()?;
    expect_event(port, Event::of_fd(file, poll::IN, 5))?;
    // The owner's own failure ends it.
    port.associate_fd(file, poll::IN, 6)?;
    check::refused(
        "port_associate",
        port.associate_fd(file, EDGE, 9),
        Errno::EPERM,
    )?;
    expect_free_slots(port, 1)
}

/// The child is the owner of what it fails to make; nothing is left of it.
fn no_association(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let fd = port.fd();
    let file = ctx.file(b"content")?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        check::refused(
            "port_associate",
            port.associate_fd(file, EDGE, 9),
            Errno::EPERM,
        )?;
        check::refused("port_dissociate", port.dissociate_fd(file), Errno::ENOENT)?;
        expect_free_slots(port, 2)?;
        Ok(0)
    })?;
    child.wait()?;
    port.associate_fd(file, poll::IN, 1)?;
    check::equal("port_dissociate", port.dissociate_fd(file), Ok(()))?;
    expect_free_slots(port, 2)
}

/// At the same time, while the owner associates too: the last word is the owner's.
fn many(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let file = ctx.file(b"content")?;
    let (reader, _) = ready_pipe(ctx)?;
    port.associate_fd(file, poll::IN, 1)?;
    let mut children = Vec::new();
    for _ in 0..4 {
        children.push(ctx.fork(move |ctx| {
            let port = Port::at(ctx.sys, fd);
            for _ in 0..50 {
                // 0: somebody took the event that the call had found.
                match port.associate_fd(file, EDGE, 9) {
                    Err(Errno::EPERM) | Ok(()) => {}
                    Err(errno) => return Err(Failure::from(errno)),
                }
                ctx.sys.pause();
            }
            Ok(0)
        })?);
    }
    for user in 0..50 {
        port.associate_fd(file, poll::IN, user)?;
        port.associate_fd(reader, poll::IN, user)?;
        let batch = port.getn(8, 1, Timeout::Poll);
        check::equal("port_getn", batch.result, Ok(()))?;
        check::that(
            "the pipe's event",
            batch.events.iter().any(|e| e.object == reader as u64),
        )?;
        ctx.sys.pause();
    }
    for child in children {
        child.wait()?;
    }
    port.associate_fd(file, poll::IN, 77)?;
    expect_event(port, Event::of_fd(file, poll::IN, 77))?;
    check::refused("port_dissociate", port.dissociate_fd(file), Errno::ENOENT)?;
    ctx.sys.close(file)?;
    expect_none(port)
}
