//! Events of descriptors for a process that has the descriptor, has another file under its number,
//! or has nothing there (S34, S80, D15).

use super::fd::{expect_event, expect_none, put, ready_pipe};
use super::prelude::*;
use crate::{PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case(
        "fork.event_of_a_descriptor_the_child_lacks",
        "S34 S80",
        child_lacks,
    )
    .both(),
    case(
        "fork.event_of_another_file_under_the_number",
        "S34 S80",
        another_file,
    ),
    case(
        "fork.event_of_a_copy_under_the_number",
        "S34",
        copy_under_number,
    ),
    case(
        "fork.waiter_goes_on_over_a_foreign_event",
        "S34 S80",
        waiter_goes_on,
    ),
    case(
        "fork.d15_foreign_descriptor_event_is_not_counted",
        "D15 S34",
        not_counted,
    ),
    case("fork.grandchild_of_the_owner", "S33 S79", grandchild),
    case("fork.same_number_in_two_processes", "S30 S34", same_number),
    case(
        "fork.passed_descriptor_under_the_same_number",
        "S33",
        passed,
    ),
    case("fork.32_bit_child_takes_an_event", "S33 S94", models).needs(Caps::FORK_MODEL),
];

/// It is skipped and stays in its place.
fn child_lacks(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, _) = ready_pipe(ctx)?;
    port.send(1, 1)?;
    port.associate_fd(reader, poll::IN, 2)?;
    port.send(1, 3)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        ctx.sys.close(reader)?;
        check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
        let batch = port.getn(4, 1, Timeout::Poll);
        check::equal(
            "port_getn",
            (batch.result, batch.users()),
            (Ok(()), vec![3]),
        )?;
        check::refused("port_get", port.get(Timeout::Poll), Errno::ETIME)?;
        Ok(0)
    })?;
    child.wait()?;
    port.send(1, 4)?;
    ctx.expect_queue(port, &[2, 4])
}

/// The number alone is not enough.
fn another_file(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, _) = ready_pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        let (other, _) = ready_pipe(ctx)?;
        check::equal("dup2", ctx.sys.dup2(other, reader), Ok(reader))?;
        check::refused("port_get", port.get(Timeout::Poll), Errno::ETIME)?;
        port.associate_fd(reader, poll::IN, 2)?;
        let event = port.get(Timeout::Poll);
        check::equal("event", event, Ok(Event::of_fd(reader, poll::IN, 2)))?;
        check::refused("port_dissociate", port.dissociate_fd(reader), Errno::ENOENT)?;
        Ok(0)
    })?;
    child.wait()?;
    expect_event(port, Event::of_fd(reader, poll::IN, 1))
}

/// The file is the same again.
fn copy_under_number(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, _) = ready_pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        let copy = ctx.sys.dup(reader)?;
        ctx.sys.close(reader)?;
        check::refused("port_get", port.get(Timeout::Poll), Errno::ETIME)?;
        check::equal("dup2", ctx.sys.dup2(copy, reader), Ok(reader))?;
        let event = port.get(Timeout::Poll);
        check::equal("event", event, Ok(Event::of_fd(reader, poll::IN, 1)))?;
        Ok(0)
    })?;
    child.wait()?;
    expect_none(port)
}

/// A child in `port_get` sees descriptors become ready that it does not have.
fn waiter_goes_on(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child =
        ctx.fork_asleep(move |ctx| Ok(Port::at(ctx.sys, fd).get(Timeout::Never)?.user as i64))?;
    let mut expected = Vec::new();
    for user in 1..=4 {
        let (reader, writer) = ctx.pipe()?;
        port.associate_fd(reader, poll::IN, user)?;
        put(ctx.sys, writer)?;
        ctx.settle();
        expected.push(user as u64);
    }
    port.send(1, 9)?;
    check::equal("child's event", child.wait()?, 9)?;
    ctx.expect_queue(port, &expected)
}

/// Counts, size and poll(2) say what the caller can take.
fn not_counted(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    let (shared, _) = ready_pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    put(ctx.sys, writer)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        ctx.sys.close(reader)?;
        check::equal("queue length for the child", port.queued(), Ok(0))?;
        check::equal("st_size for the child", ctx.sys.fstat(fd)?.size, 0)?;
        let mut fds = [PollFd::new(fd, poll::IN)];
        check::equal("child's poll(2)", ctx.sys.poll(&mut fds, Some(0)), Ok(0))?;
        port.associate_fd(shared, poll::IN, 2)?;
        check::equal("queue length for the child", port.queued(), Ok(1))?;
        check::equal("child's poll(2)", ctx.sys.poll(&mut fds, Some(0)), Ok(1))?;
        Ok(0)
    })?;
    child.wait()?;
    check::equal("queue length", port.queued(), Ok(1))?;
    expect_event(port, Event::of_fd(reader, poll::IN, 1))
}

/// Three generations, one association.
fn grandchild(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    let child = ctx.fork(move |ctx| {
        let grandchild = ctx.fork(move |ctx| {
            let port = Port::at(ctx.sys, fd);
            put(ctx.sys, writer)?;
            expect_event(port, Event::of_fd(reader, poll::IN, 1))?;
            port.associate_fd(reader, poll::IN, 2)?;
            check::refused("port_dissociate", port.dissociate_fd(reader), Errno::EACCES)?;
            Ok(0)
        })?;
        grandchild.wait()?;
        let port = Port::at(ctx.sys, fd);
        expect_event(port, Event::of_fd(reader, poll::IN, 2))?;
        port.associate_fd(reader, poll::IN, 3)?;
        Ok(0)
    })?;
    child.wait()?;
    expect_event(port, Event::of_fd(reader, poll::IN, 3))
}

/// Different files under one number: two associations, each for its process.
fn same_number(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        let (reader, writer) = ctx.pipe()?;
        port.associate_fd(reader, poll::IN, 1)?;
        ctx.sys.sleep(100 * MSEC);
        put(ctx.sys, writer)?;
        let event = port.get(Timeout::Poll);
        check::equal(
            "child's event",
            event,
            Ok(Event::of_fd(reader, poll::IN, 1)),
        )?;
        check::refused("port_get", port.get(Timeout::Poll), Errno::ETIME)?;
        Ok(i64::from(reader))
    })?;
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 2)?;
    put(ctx.sys, writer)?;
    check::equal("descriptor of the child", child.wait()?, i64::from(reader))?;
    expect_event(port, Event::of_fd(reader, poll::IN, 2))
}

/// Sent over a socket instead of inherited: the same rights.
fn passed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (one, other) = ctx.socketpair()?;
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        let received = ctx.sys.receive_fd(other)?;
        let event = port.get(Timeout::Poll);
        check::equal("event", event, Ok(Event::of_fd(received, poll::IN, 1)))?;
        check::refused(
            "port_dissociate",
            port.dissociate_fd(received),
            Errno::EACCES,
        )?;
        port.associate_fd(received, poll::IN, 2)?;
        ctx.sys.close(received)?;
        Ok(i64::from(received))
    })?;
    let (reader, _) = ready_pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    ctx.sys.send_fd(one, reader)?;
    check::equal("descriptor of the child", child.wait()?, i64::from(reader))?;
    expect_event(port, Event::of_fd(reader, poll::IN, 2))
}

/// The cookie is cut to the child's pointers.
fn models(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let wide = 0x1_2345_6789_usize;
    let (reader, _) = ready_pipe(ctx)?;
    port.associate_fd(reader, poll::IN, wide)?;
    let child = ctx.fork_as(Model::Ilp32, move |ctx| {
        let port = Port::at(ctx.sys, fd);
        expect_event(port, Event::of_fd(reader, poll::IN, 0x2345_6789))?;
        port.associate_fd(reader, poll::IN, 0xffff_fff0)?;
        Ok(0)
    })?;
    child.wait()?;
    expect_event(port, Event::of_fd(reader, poll::IN, 0xffff_fff0))
}
