//! The end of the port, of the process and of its program, with descriptors associated (S82, S97).

use super::fd::{expect_event, expect_none, put, ready_pipe, take};
use super::fd_close::EPIPE;
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("fd.close_of_the_port_first", "S82 S32", port_first),
    case(
        "fd.close_of_the_port_with_queued_events",
        "S82",
        port_queued,
    ),
    case(
        "fd.close_of_the_port_forgets_everything",
        "S82 S32",
        port_forgets,
    ),
    case("fd.close_of_the_port_under_waiters", "S71 S82", port_waited),
    case("fd.exit_closes_everything", "S32 S82 S97", exit),
    case("fd.exec_keeps_surviving_descriptors", "S97", exec_keeps).needs(Caps::EXEC),
    case(
        "fd.exec_closes_close_on_exec_descriptors",
        "S97 S32",
        exec_closes,
    )
    .needs(Caps::EXEC.union(Caps::RCTL)),
    case("fd.exec_closes_a_close_on_exec_port", "S97 S82", exec_port)
        .needs(Caps::EXEC.union(Caps::KSTAT)),
];

/// The descriptors live on and know nothing of it.
fn port_first(ctx: &Ctx<'_>) -> Verdict {
    let (reader, writer) = ctx.pipe()?;
    let file = ctx.file(b"")?;
    for _ in 0..3 {
        let port = ctx.port()?;
        port.associate_fd(reader, poll::IN, 1)?;
        port.associate_fd(writer, 0, 2)?;
        port.associate_fd(file, poll::IN, 3)?;
        port.close()?;
        put(ctx.sys, writer)?;
        take(ctx.sys, reader)?;
    }
    for fd in [reader, file, writer] {
        ctx.sys.close(fd)?;
    }
    Ok(())
}

/// Unread events of every kind.
fn port_queued(ctx: &Ctx<'_>) -> Verdict {
    let (reader, writer) = ready_pipe(ctx)?;
    let port = ctx.port()?;
    port.send(1, 1)?;
    port.associate_fd(reader, poll::IN, 2)?;
    port.associate_fd(writer, 0, 3)?;
    port.dispatch(0, source::AIO, 1, 0, 4)?;
    check::equal("events queued", port.queued(), Ok(3))?;
    port.close()?;
    take(ctx.sys, reader)?;
    let next = ctx.port()?;
    check::equal("descriptor", next.fd(), port.fd())?;
    put(ctx.sys, writer)?;
    expect_none(next)
}

/// A new port under the number has none of the old associations.
fn port_forgets(ctx: &Ctx<'_>) -> Verdict {
    let (reader, writer) = ctx.pipe()?;
    let port = ctx.port()?;
    port.associate_fd(reader, poll::IN, 1)?;
    port.close()?;
    let next = ctx.port()?;
    check::equal("descriptor", next.fd(), port.fd())?;
    check::refused("port_dissociate", next.dissociate_fd(reader), Errno::ENOENT)?;
    put(ctx.sys, writer)?;
    expect_none(next)?;
    next.associate_fd(reader, poll::IN, 2)?;
    expect_event(next, Event::of_fd(reader, poll::IN, 2))
}

/// EBADF for the waiters, and the objects can change as they like.
fn port_waited(ctx: &Ctx<'_>) -> Verdict {
    let (reader, writer) = ctx.pipe()?;
    for _ in 0..3 {
        let port = ctx.port()?;
        let fd = port.fd();
        port.associate_fd(reader, poll::IN, 1)?;
        let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
        port.close()?;
        put(ctx.sys, writer)?;
        ctx.expect_done("port_get", &waiter)?;
        check::refused("port_get", waiter.join()?, Errno::EBADF)?;
        take(ctx.sys, reader)?;
    }
    Ok(())
}

/// A process that just ends leaves associations in every state.
fn exit(ctx: &Ctx<'_>) -> Verdict {
    let (reader, writer) = ready_pipe(ctx)?;
    for ports_first in [true, false] {
        let child = ctx.fork(move |ctx| {
            let own = if ports_first { None } else { Some(ctx.pipe()?) };
            let ports = [Port::create(ctx.sys)?, Port::create(ctx.sys)?];
            for port in ports {
                port.associate_fd(reader, poll::IN, 1)?;
                port.associate_fd(writer, 0, 2)?;
                port.associate_fd(ports[0].fd(), poll::IN, 3)?;
                if let Some((reader, _)) = own {
                    port.associate_fd(reader, poll::IN, 4)?;
                }
            }
            ports[1].get(Timeout::Poll)?;
            Ok(0)
        })?;
        child.wait()?;
    }
    take(ctx.sys, reader).map_err(Failure::from)
}

/// The new program goes on with descriptors, associations and events.
fn exec_keeps(ctx: &Ctx<'_>) -> Verdict {
    let child = ctx.fork(|ctx| {
        let port = ctx.port()?;
        let (reader, writer) = ctx.pipe()?;
        let (ready, _) = ready_pipe(ctx)?;
        port.associate_fd(reader, poll::IN, 1)?;
        port.associate_fd(ready, poll::IN, 2)?;
        port.send(1, 3)?;
        check::granted("exec", ctx.sys.exec())?;
        put(ctx.sys, writer)?;
        ctx.expect_queue(port, &[2, 3, 1])?;
        port.associate_fd(reader, poll::IN, 4)?;
        check::equal("port_dissociate", port.dissociate_fd(reader), Ok(()))?;
        Ok(0)
    })?;
    child.wait().map(drop)
}

/// As if they had been closed.
fn exec_closes(ctx: &Ctx<'_>) -> Verdict {
    let child = ctx.fork(|ctx| {
        let port = ctx.port_of(4)?;
        let (reader, writer) = ctx.pipe()?;
        let (ready, _) = ready_pipe(ctx)?;
        let (stays, _) = ready_pipe(ctx)?;
        port.associate_fd(reader, poll::IN, 1)?;
        port.associate_fd(ready, poll::IN, 2)?;
        port.associate_fd(stays, poll::IN, 3)?;
        for fd in [reader, ready] {
            ctx.sys.set_close_on_exec(fd, true)?;
        }
        check::granted("exec", ctx.sys.exec())?;
        let written = put(ctx.sys, writer);
        check::refused("write to the closed pipe", written, EPIPE)?;
        expect_event(port, Event::of_fd(stays, poll::IN, 3))?;
        expect_free_slots(port, 3)?;
        Ok(0)
    })?;
    child.wait().map(drop)
}

/// The port goes, what it watched stays.
fn exec_port(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let child = ctx.fork(move |ctx| {
        let port = ctx.port()?;
        let (reader, writer) = ctx.pipe()?;
        port.associate_fd(reader, poll::IN, 1)?;
        ctx.sys.set_close_on_exec(port.fd(), true)?;
        check::granted("exec", ctx.sys.exec())?;
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
        put(ctx.sys, writer)?;
        let next = ctx.port()?;
        expect_none(next)?;
        next.associate_fd(reader, poll::IN, 2)?;
        expect_event(next, Event::of_fd(reader, poll::IN, 2))?;
        Ok(0)
    })?;
    child.wait().map(drop)
}
