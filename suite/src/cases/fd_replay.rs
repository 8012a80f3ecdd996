//! Sequences that once went wrong in public (P3, P6, T2, T3, T8).

use super::fd::{expect_event, expect_none, put, ready_pipe, take};
use super::prelude::*;
use crate::{PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case(
        "fd.look_through_proc_detaches_nothing",
        "S32 S28",
        through_proc,
    ),
    case(
        "fd.regular_files_on_many_ports",
        "S20 S29 C3",
        regular_files,
    ),
    case("fd.poll_and_ports_on_one_descriptor", "S20 S29", with_poll),
    case("fd.event_outlives_its_data", "S19 S20", stale),
    case(
        "fd.error_paths_of_a_dissociated_descriptor",
        "S29 S25 C2",
        double_dissociate,
    ),
    case("fd.pair_of_pipe_ends", "S19 S24 C2", pair_of_ends).both(),
    case("fd.every_object_and_its_events", "S20 S22", every_object),
];

/// lstat of the port and of the descriptor through /proc: the event still comes.
fn through_proc(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    for user in 1..=3 {
        port.associate_fd(reader, poll::IN, user)?;
        for fd in [port.fd(), reader, writer] {
            check::granted("lstat through /proc", ctx.sys.stat_through_proc(fd))?;
        }
        put(ctx.sys, writer)?;
        expect_event(port, Event::of_fd(reader, poll::IN, user as u64))?;
        take(ctx.sys, reader)?;
    }
    Ok(())
}

/// Associated and dissociated with its event queued, on each port in turn, over and over.
fn regular_files(ctx: &Ctx<'_>) -> Verdict {
    let (mut files, mut ports) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        files.push(ctx.file(b"content")?);
        ports.push(ctx.port()?);
    }
    for round in 0..100 {
        for port in &ports {
            for file in &files {
                port.associate_fd(*file, poll::IN, round)?;
                check::equal("port_dissociate", port.dissociate_fd(*file), Ok(()))?;
            }
        }
    }
    for port in ports {
        expect_none(port)?;
    }
    Ok(())
}

/// The caches of poll(2) and of ports do not mix.
fn with_poll(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    let file = ctx.file(b"")?;
    for user in 0..5 {
        port.associate_fd(reader, poll::IN, user)?;
        let mut fds = [
            PollFd::new(reader, poll::IN),
            PollFd::new(file, poll::IN),
            PollFd::new(port.fd(), poll::IN),
        ];
        check::equal("poll(2) before", ctx.sys.poll(&mut fds, Some(0)), Ok(1))?;
        let poller = ctx.spawn_asleep(move |sys| {
            let mut fds = [PollFd::new(reader, poll::IN)];
            sys.poll(&mut fds, None)
        })?;
        put(ctx.sys, writer)?;
        ctx.expect_done("poll(2)", &poller)?;
        check::equal("poll(2) asleep", poller.join()?, Ok(1))?;
        check::equal("poll(2) after", ctx.sys.poll(&mut fds, Some(0)), Ok(3))?;
        expect_event(port, Event::of_fd(reader, poll::IN, user as u64))?;
        port.associate_fd(file, poll::IN, user)?;
        check::equal("port_dissociate", port.dissociate_fd(file), Ok(()))?;
        take(ctx.sys, reader)?;
    }
    Ok(())
}

/// Somebody else has read the data before the event is taken: it comes all the same, once.
fn stale(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    put(ctx.sys, writer)?;
    take(ctx.sys, reader)?;
    expect_event(port, Event::of_fd(reader, poll::IN, 1))?;
    ctx.sys.set_nonblocking(reader, true)?;
    check::refused("read", take(ctx.sys, reader), Errno::EAGAIN)?;
    port.associate_fd(reader, poll::IN, 2)?;
    expect_none(port)
}

/// Each mistake has its error.
fn double_dissociate(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ready_pipe(ctx)?;
    check::equal(
        "port_associate",
        port.associate_fd(reader, poll::IN, 1),
        Ok(()),
    )?;
    check::equal("port_dissociate", port.dissociate_fd(reader), Ok(()))?;
    check::refused("port_dissociate", port.dissociate_fd(reader), Errno::ENOENT)?;
    let got = port.get(Timeout::After(1));
    check::refused("port_get", got, Errno::ETIME)?;
    ctx.sys.close(reader)?;
    check::refused("port_dissociate", port.dissociate_fd(reader), Errno::EBADFD)?;
    let made = port.associate_fd(reader, poll::IN, 1);
    check::refused("port_associate", made, Errno::EBADFD)?;
    check::refused("port_dissociate", port.dissociate_fd(writer), Errno::ENOENT)
}

/// A pipe, both ends on one port: a write makes two events, retrieved together.
fn pair_of_ends(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    port.associate_fd(writer, poll::OUT, 2)?;
    put(ctx.sys, writer)?;
    let batch = port.getn(4, 2, Timeout::After(MSEC));
    let expected = vec![
        Event::of_fd(writer, poll::OUT, 2),
        Event::of_fd(reader, poll::IN, 1),
    ];
    check::equal("events", (batch.result, batch.events), (Ok(()), expected))?;
    let batch = port.getn(4, 1, Timeout::After(1));
    check::equal(
        "port_getn",
        (batch.result, batch.nget),
        (Err(Errno::ETIME), 0),
    )
}

/// What each object says about both directions when it is new.
fn every_object(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let both = poll::IN | poll::OUT;
    let (reader, writer) = ready_pipe(ctx)?;
    let (one, other) = ctx.socketpair()?;
    put(ctx.sys, one)?;
    let inner = ctx.port()?;
    let expected = [
        (reader, poll::IN, poll::IN),
        (writer, both, poll::OUT),
        (one, both, poll::OUT),
        (other, both, both),
        (ctx.file(b"")?, both, both),
        (ctx.null()?, both, both),
        (inner.fd(), both, poll::OUT),
    ];
    for (fd, asked, ready) in expected {
        port.associate_fd(fd, asked, 1)?;
        expect_event(port, Event::of_fd(fd, ready, 1))?;
    }
    Ok(())
}
