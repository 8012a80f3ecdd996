//! Associations and several descriptors of one port (D8, D9, S81).

use super::fd::{expect_event, expect_none, put, ready_pipe, take};
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::{PORT_ALERT_SET, poll};

pub(super) const CASES: &[Case] = &[
    case("fd.d8_close_of_a_copy_loses_nothing", "D8 C7", copy_closed).both(),
    case(
        "fd.d8_close_of_the_original_loses_nothing",
        "D8 D9",
        original_closed,
    ),
    case(
        "fd.d8_close_of_a_copy_keeps_alert_and_own_events",
        "D8 S78",
        keeps_alert,
    ),
    case("fd.d8_dup2_over_a_copy_loses_nothing", "D8", dup2_over),
    case("fd.d8_passed_copy_loses_nothing", "D8", passed_copy),
    case("fd.d8_exec_closes_a_copy", "D8 S97", exec_copy).needs(Caps::EXEC),
    case("fd.d8_child_closes_one_of_two", "D8 S81", child_copy),
    case(
        "fd.d8_last_descriptor_of_a_process_counts",
        "D8 S81",
        last_counts,
    )
    .needs(Caps::RCTL),
    case("fd.d8_two_threads_close_two_copies", "D8 S82", closes_race).needs(Caps::KSTAT),
    case(
        "fd.close_of_a_copy_drops_associations_classic",
        "S81 D8",
        drops_classic,
    )
    .classic(),
    case("fd.d9_first_association_through_a_copy", "D9", through_copy).both(),
    case("fd.d9_old_number_is_another_port", "D9", another_port).needs(Caps::KSTAT),
    case("fd.d9_old_number_is_no_port", "D9", no_port).needs(Caps::KSTAT),
    case("fd.d9_port_passed_to_another_process", "D9", passed_port),
    case(
        "fd.d9_copy_keeps_the_association_of_the_original",
        "D9 S82",
        either_descriptor,
    ),
    case(
        "fd.port_in_flight_dies_with_the_socket",
        "S82 D9",
        port_in_flight,
    )
    .needs(Caps::KSTAT),
];

/// A copy of the port, closed at the end of the case.
fn copy_of<'s>(ctx: &Ctx<'s>, port: Port<'s>) -> Result<Port<'s>, Failure> {
    let copy = check::granted("dup", port.dup())?;
    ctx.keep(copy.fd());
    Ok(copy)
}

/// Associations in every state: armed (1), queued (2), retrieved.
struct Watched {
    armed: i32,
    writer: i32,
    queued: i32,
    retrieved: i32,
}

/// Makes them through `port`.
fn watch(ctx: &Ctx<'_>, port: Port<'_>) -> Result<Watched, Failure> {
    let (armed, writer) = ctx.pipe()?;
    let (queued, _) = ready_pipe(ctx)?;
    let (retrieved, _) = ready_pipe(ctx)?;
    port.associate_fd(retrieved, poll::IN, 3)?;
    expect_event(port, Event::of_fd(retrieved, poll::IN, 3))?;
    port.associate_fd(armed, poll::IN, 1)?;
    port.associate_fd(queued, poll::IN, 2)?;
    Ok(Watched {
        armed,
        writer,
        queued,
        retrieved,
    })
}

/// They are all there, seen through `port`.
#[track_caller]
fn expect_watched(ctx: &Ctx<'_>, port: Port<'_>, fds: &Watched) -> Verdict {
    put(ctx.sys, fds.writer)?;
    let batch = port.getn(8, 1, Timeout::Poll);
    let expected = vec![
        Event::of_fd(fds.queued, poll::IN, 2),
        Event::of_fd(fds.armed, poll::IN, 1),
    ];
    check::equal("events", (batch.result, batch.events), (Ok(()), expected))?;
    port.associate_fd(fds.retrieved, poll::IN, 4)?;
    check::equal("port_dissociate", port.dissociate_fd(fds.retrieved), Ok(()))?;
    take(ctx.sys, fds.armed).map_err(Failure::from)
}

/// The waker that drops its copy.
fn copy_closed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let copy = copy_of(ctx, port)?;
    let fds = watch(ctx, port)?;
    copy.close()?;
    expect_watched(ctx, port, &fds)
}

/// The other way round.
fn original_closed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let copy = copy_of(ctx, port)?;
    let fds = watch(ctx, port)?;
    port.close()?;
    expect_watched(ctx, copy, &fds)
}

/// The process has not left the port.
fn keeps_alert(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 1)?;
    port.dispatch(0, source::AIO, 1, 0, 2)?;
    port.alert(PORT_ALERT_SET, 1, 3)?;
    for _ in 0..3 {
        copy_of(ctx, port)?.close()?;
        check::equal(
            "alert",
            port.get(Timeout::Poll)?,
            Event::new(source::ALERT, 1, 0, 3),
        )?;
    }
    port.alert(0, 0, 0)?;
    ctx.expect_queue(port, &[1, 2])
}

/// A close all the same, and a copy all the same.
fn dup2_over(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let copy = copy_of(ctx, port)?;
    let fds = watch(ctx, copy)?;
    check::equal("dup2", ctx.sys.dup2(fds.armed, copy.fd()), Ok(copy.fd()))?;
    expect_watched(ctx, port, &fds)
}

/// Sent to itself over a socket, received, closed.
fn passed_copy(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (one, other) = ctx.socketpair()?;
    let fds = watch(ctx, port)?;
    ctx.sys.send_fd(one, port.fd())?;
    let received = ctx.sys.receive_fd(other)?;
    Port::at(ctx.sys, received).close()?;
    expect_watched(ctx, port, &fds)
}

/// A copy that is close-on-exec.
fn exec_copy(ctx: &Ctx<'_>) -> Verdict {
    let child = ctx.fork(|ctx| {
        let port = ctx.port()?;
        let copy = copy_of(ctx, port)?;
        let fds = watch(ctx, port)?;
        ctx.sys.set_close_on_exec(copy.fd(), true)?;
        check::granted("exec", ctx.sys.exec())?;
        check::refused("port_send", copy.send(1, 1), Errno::EBADF)?;
        expect_watched(ctx, port, &fds)?;
        Ok(0)
    })?;
    child.wait().map(drop)
}

/// In a process that inherited both: its own associations stay until it has left the port.
fn child_copy(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (fd, copy) = (port.fd(), copy_of(ctx, port)?.fd());
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        let fds = watch(ctx, port)?;
        ctx.sys.close(copy)?;
        expect_watched(ctx, port, &fds)?;
        port.associate_fd(fds.armed, poll::IN, 1)?;
        port.close()?;
        put(ctx.sys, fds.writer)?;
        Ok(0)
    })?;
    child.wait()?;
    expect_none(port)
}

/// When the process has no descriptor left, its associations go, whoever else has one.
fn last_counts(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(8)?;
    let copy = copy_of(ctx, port)?;
    let fds = watch(ctx, port)?;
    port.send(1, 9)?;
    let fd = port.fd();
    let child = ctx.fork_asleep(move |ctx| {
        ctx.sys.sleep(100 * MSEC);
        let port = Port::at(ctx.sys, fd);
        ctx.expect_queue(port, &[9])?;
        expect_free_slots(port, 8)?;
        Ok(0)
    })?;
    copy.close()?;
    check::equal("events queued", port.queued(), Ok(2))?;
    port.close()?;
    put(ctx.sys, fds.writer)?;
    child.wait().map(drop)
}

/// Whoever is last destroys the port, with a child that has it or without.
fn closes_race(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    for round in 0..20 {
        let port = ctx.port()?;
        let copies = [port.dup()?.fd(), port.dup()?.fd(), port.fd()];
        watch(ctx, port)?;
        let child = match round % 2 {
            0 => None,
            _ => Some(ctx.fork_asleep(move |ctx| {
                ctx.sys.sleep(10 * MSEC);
                expect_none(Port::at(ctx.sys, copies[0]))?;
                Ok(0)
            })?),
        };
        let mut closers = Vec::new();
        for fd in copies {
            closers.push(ctx.spawn(move |sys| sys.close(fd))?);
        }
        for closer in closers {
            check::equal("close", closer.join()?, Ok(()))?;
        }
        if let Some(child) = child {
            child.wait()?;
        }
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
    }
    Ok(())
}

/// As the C module: the close of any descriptor ends what the process associated.
fn drops_classic(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let copy = copy_of(ctx, port)?;
    let fds = watch(ctx, port)?;
    copy.close()?;
    put(ctx.sys, fds.writer)?;
    expect_none(port)?;
    check::refused(
        "port_dissociate",
        port.dissociate_fd(fds.armed),
        Errno::ENOENT,
    )?;
    port.associate_fd(fds.armed, poll::IN, 5)?;
    expect_event(port, Event::of_fd(fds.armed, poll::IN, 5))
}

/// The number that the port was made with is closed.
fn through_copy(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let copy = copy_of(ctx, port)?;
    port.close()?;
    let (reader, _) = ready_pipe(ctx)?;
    copy.associate_fd(reader, poll::IN, 1)?;
    expect_event(copy, Event::of_fd(reader, poll::IN, 1))?;
    copy.associate_fd(reader, poll::IN, 2)?;
    check::equal("port_dissociate", copy.dissociate_fd(reader), Ok(()))
}

/// Another port under the old number: it hears nothing, and its end is not this one's.
fn another_port(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let (reader, writer) = ready_pipe(ctx)?;
    for other_first in [true, false] {
        let port = ctx.port()?;
        let copy = copy_of(ctx, port)?;
        port.close()?;
        let other = ctx.port()?;
        check::equal("descriptor of the other port", other.fd(), port.fd())?;
        copy.associate_fd(reader, poll::IN, 1)?;
        expect_none(other)?;
        let gone = other.dissociate_fd(reader);
        check::refused("port_dissociate on the other port", gone, Errno::ENOENT)?;
        if other_first {
            other.close()?;
            expect_event(copy, Event::of_fd(reader, poll::IN, 1))?;
            copy.associate_fd(writer, 0, 2)?;
            copy.close()?;
        } else {
            copy.close()?;
            other.associate_fd(reader, poll::IN, 3)?;
            expect_event(other, Event::of_fd(reader, poll::IN, 3))?;
            other.close()?;
        }
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
    }
    Ok(())
}

/// Something else under it.
fn no_port(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let port = ctx.port()?;
    let copy = copy_of(ctx, port)?;
    port.close()?;
    let (reader, writer) = ready_pipe(ctx)?;
    check::equal("descriptor", reader, port.fd())?;
    copy.associate_fd(reader, poll::IN, 1)?;
    copy.associate_fd(writer, 0, 2)?;
    expect_event(copy, Event::of_fd(reader, poll::IN, 1))?;
    copy.close()?;
    check::equal("kstat", ctx.sys.ports_kstat()?, before)
}

/// A process that never had the number: it inherits nothing but a socket.
fn passed_port(ctx: &Ctx<'_>) -> Verdict {
    let (one, other) = ctx.socketpair()?;
    let port = ctx.port()?;
    ctx.sys.send_fd(one, port.fd())?;
    port.close()?;
    let child = ctx.fork(move |ctx| {
        let (reader, _) = ready_pipe(ctx)?;
        let received = Port::at(ctx.sys, ctx.sys.receive_fd(other)?);
        ctx.keep(received.fd());
        received.associate_fd(reader, poll::IN, 1)?;
        expect_event(received, Event::of_fd(reader, poll::IN, 1))?;
        let (reader, writer) = ctx.pipe()?;
        received.associate_fd(reader, poll::IN, 2)?;
        put(ctx.sys, writer)?;
        expect_event(received, Event::of_fd(reader, poll::IN, 2))?;
        Ok(0)
    })?;
    child.wait().map(drop)
}

/// Associated through one, taken and dissociated through the other.
fn either_descriptor(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let copy = copy_of(ctx, port)?;
    let (reader, _) = ready_pipe(ctx)?;
    for (one, other) in [(port, copy), (copy, port)] {
        one.associate_fd(reader, poll::IN, 1)?;
        other.associate_fd(reader, poll::IN, 2)?;
        expect_event(one, Event::of_fd(reader, poll::IN, 2))?;
        other.associate_fd(reader, poll::IN, 3)?;
        check::equal("port_dissociate", one.dissociate_fd(reader), Ok(()))?;
        expect_none(other)?;
    }
    Ok(())
}

/// The last reference is a message that nobody reads.
fn port_in_flight(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let (reader, writer) = ctx.pipe()?;
    for state in 0..3 {
        let (one, other) = ctx.socketpair()?;
        let port = ctx.port()?;
        port.send(1, 1)?;
        if state > 0 {
            port.associate_fd(reader, poll::IN, 1)?;
        }
        if state > 1 {
            put(ctx.sys, writer)?;
        }
        ctx.sys.send_fd(one, port.fd())?;
        port.close()?;
        check::equal("kstat", ctx.sys.ports_kstat()?, before + 1)?;
        ctx.sys.close(one)?;
        ctx.sys.close(other)?;
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
    }
    Ok(())
}
