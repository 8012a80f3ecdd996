//! Processes that share a port do things to the same descriptors at the same time.

use super::fd::{expect_none, put, take};
use super::fd_race::{Ran, TURNS, either};
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("fd.race_exit_with_threads_inside", "S97 S82", exit_inside).needs(Caps::RCTL),
    case("fork.race_of_owner_and_child", "S33 S30 S32", processes).needs(Caps::RCTL),
    case(
        "fork.race_of_delivery_and_reassociation",
        "S22 S33 S73",
        delivery_and_rearming,
    ),
    case("fork.race_of_owners_that_leave", "S81 S82", leavers).needs(Caps::KSTAT),
];

/// A process ends while its threads are at work; everything that it had goes.
fn exit_inside(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(4)?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    for _ in 0..8 {
        let child = ctx.fork(move |ctx| {
            let (own, to_own) = ctx.pipe()?;
            for thread in 0..3 {
                ctx.spawn(move |sys| -> Ran {
                    let port = Port::at(sys, fd);
                    for user in 0..TURNS {
                        match thread {
                            0 => port.associate_fd(reader, poll::IN, user)?,
                            1 => port.associate_fd(own, poll::IN, user)?,
                            _ => put(sys, to_own)?,
                        }
                    }
                    port.get(Timeout::Never).map(drop)
                })?;
            }
            ctx.sys.pause();
            Ok(0)
        })?;
        put(ctx.sys, writer)?;
        child.wait()?;
        take(ctx.sys, reader)?;
        port.getn(8, 1, Timeout::Poll).result?;
        expect_free_slots(port, 4)?;
    }
    Ok(())
}

/// The owner makes and ends the association, a child arms it, both take from it.
fn processes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(3)?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    let (second, _) = ctx.pipe()?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        for turn in 0..TURNS {
            port.associate_fd(reader, poll::IN, turn)?;
            ctx.sys.pause();
            either(port.get(Timeout::Poll).map(drop), &[Errno::ETIME])?;
            let gone = port.dissociate_fd(reader);
            either(gone, &[Errno::EACCES, Errno::ENOENT])?;
        }
        Ok(0)
    })?;
    for turn in 0..TURNS {
        port.associate_fd(reader, poll::IN, turn)?;
        put(ctx.sys, writer)?;
        match turn % 3 {
            0 => either(port.dissociate_fd(reader), &[Errno::EACCES, Errno::ENOENT])?,
            1 => {
                // Closed in this process only.
                let kept = ctx.sys.dup(reader)?;
                check::equal("dup2", ctx.sys.dup2(second, reader), Ok(reader))?;
                ctx.sys.pause();
                check::equal("dup2", ctx.sys.dup2(kept, reader), Ok(reader))?;
                ctx.sys.close(kept)?;
            }
            _ => either(port.get(Timeout::Poll).map(drop), &[Errno::ETIME])?,
        }
        take(ctx.sys, reader)?;
    }
    child.wait()?;
    either(port.dissociate_fd(reader), &[Errno::ENOENT])?;
    expect_none(port)?;
    expect_free_slots(port, 3)
}

/// A child retrieves what the owner arms again at the same time: what it gets is whole, and
/// nothing that the owner armed is left without an event.
fn delivery_and_rearming(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    put(ctx.sys, writer)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        for _ in 0..4 * TURNS {
            match port.get(Timeout::Poll) {
                Ok(event) => check::equal("bits", event.events, i32::from(poll::IN))?,
                Err(Errno::ETIME) => ctx.sys.pause(),
                Err(errno) => return Err(Failure::new(format!("port_get: {errno:?}"))),
            }
        }
        Ok(0)
    })?;
    for turn in 0..4 * TURNS {
        port.associate_fd(reader, poll::IN, turn)?;
        ctx.sys.pause();
    }
    check::equal("the child's exit", child.wait()?, 0)?;
    port.associate_fd(reader, poll::IN, 1)?;
    check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
    expect_none(port)
}

/// Several processes associate and leave; the port ends with the last one.
fn leavers(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let (reader, writer) = ctx.pipe()?;
    for round in 0..10 {
        let port = ctx.port()?;
        let fd = port.fd();
        let mut children = Vec::new();
        for user in 0..3 {
            children.push(ctx.fork(move |ctx| {
                let port = Port::at(ctx.sys, fd);
                let (own, to_own) = ctx.pipe()?;
                for turn in 0..20 {
                    port.associate_fd(own, poll::IN, user)?;
                    port.associate_fd(reader, poll::IN, user)?;
                    if turn % 2 == 0 {
                        put(ctx.sys, to_own)?;
                    }
                    either(port.get(Timeout::Poll).map(drop), &[Errno::ETIME])?;
                }
                port.close()?;
                Ok(0)
            })?);
        }
        put(ctx.sys, writer)?;
        if round % 2 == 0 {
            port.close()?;
        }
        for child in children {
            child.wait()?;
        }
        take(ctx.sys, reader)?;
        if round % 2 == 1 {
            expect_none(port)?;
            port.close()?;
        }
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
    }
    Ok(())
}
