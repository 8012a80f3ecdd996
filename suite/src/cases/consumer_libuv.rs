//! libuv: a loop that associates every active watcher again in each turn (C3), and a port inside a
//! port for its watched files (C4).

use super::consumer_io::{drain, expect, expect_quiet, objects, pipe, ready_pipe};
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("consumer.c3_batches_until_empty", "C3 S56", libuv).both(),
    case("consumer.c4_drains_one_by_one", "C4 S56", libuv_fs).both(),
    case("consumer.c3_checks_a_descriptor", "C3 S29 S20", libuv_check).both(),
    case("consumer.c3_close_stops_a_watcher", "C3 S32", libuv_close),
    case("consumer.c3_level_by_rearming", "C3 S19 S20", libuv_levels),
    case(
        "consumer.c3_stopped_in_the_same_batch",
        "C3 S19 S32",
        libuv_batch,
    ),
    case("consumer.c4_port_in_a_port", "C4 S18 S17 D15", libuv_nested).both(),
    case(
        "consumer.c4_descriptor_in_a_port_in_a_port",
        "C4 S18 D15",
        libuv_nested_fd,
    ),
    case(
        "consumer.c4_handle_is_kept_until_its_event",
        "C4 S29",
        libuv_stop,
    ),
];

/// libuv: up to 48 batches of 1024, the later ones without waiting.
fn libuv(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let total = 3000;
    port.send_all(0..total)?;
    let list = EventList::new(ctx.sys, 1024)?;
    let (mut users, mut timeout, mut batches) = (Vec::new(), Timeout::After(100 * MSEC), 0);
    loop {
        let batch = port.getn_list(&list, 1024, 1, timeout);
        check::equal("port_getn", batch.result, Ok(()))?;
        if batch.nget == 0 {
            break;
        }
        batches += 1;
        users.extend(batch.users());
        timeout = Timeout::Poll;
    }
    check::equal("batches", batches, 3)?;
    check::equal("events", users, (0..total as u64).collect())
}

/// getn(1, 1, {0,0}) until n is 0.
fn libuv_fs(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for round in 0..4_u64 {
        port.send_all(0..round as usize)?;
        let mut users = Vec::new();
        loop {
            let batch = port.getn(1, 1, Timeout::Poll);
            check::equal("port_getn", batch.result, Ok(()))?;
            match batch.nget {
                0 => break,
                _ => users.extend(batch.users()),
            }
        }
        check::equal("events", users, (0..round).collect())?;
    }
    Ok(())
}

/// uv__io_check_fd: associate and dissociate succeed though the event of a regular file is queued
/// at once; nothing is left of it.
fn libuv_check(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let file = ctx.file(b"content")?;
    let (reader, _) = pipe(ctx)?;
    for fd in [file, reader] {
        port.associate_fd(fd, poll::IN, 0)?;
        check::equal("dissociate", port.dissociate_fd(fd), Ok(()))?;
        expect_quiet("after the check", port)?;
    }
    check::equal("queue length", port.queued(), Ok(0))
}

/// close() alone ends a watcher, whether its event is queued or not; the same number is a new
/// descriptor.
fn libuv_close(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for _ in 0..3 {
        let file = ctx.file(b"content")?;
        port.associate_fd(file, poll::IN, 1)?;
        check::equal("queued", port.queued(), Ok(1))?;
        ctx.sys.close(file)?;
        let again = ctx.file(b"other")?;
        check::equal("the number of the new file", again, file)?;
        expect_quiet("no stale event", port)?;
        ctx.sys.close(again)?;
        let (reader, writer) = pipe(ctx)?;
        check::equal("the number of the pipe", reader, file)?;
        port.associate_fd(reader, poll::IN, 2)?;
        ctx.sys.close(reader)?;
        let again = ctx.file(b"third")?;
        ctx.sys.close(writer)?;
        expect_quiet("no stale event of the pipe", port)?;
        ctx.sys.close(again)?;
    }
    Ok(())
}

/// What is left unread is reported again in the next turn, and only then.
fn libuv_levels(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let mut pipes = Vec::new();
    for _ in 0..6 {
        pipes.push(pipe(ctx)?);
    }
    for (_, writer) in &pipes[..4] {
        ctx.sys.write(*writer, b"abc")?;
    }
    let turn = |unread: usize| -> Verdict {
        for (index, (reader, _)) in pipes.iter().enumerate() {
            port.associate_fd(*reader, poll::IN, index)?;
        }
        let batch = port.getn(1024, 1, Timeout::Never);
        let expected: Vec<Event> = (0..pipes.len())
            .filter(|index| (unread..4).contains(index))
            .map(|index| Event::of_fd(pipes[index].0, poll::IN, index as u64))
            .collect();
        expect("events of a turn", batch, &expected)?;
        expect_quiet("no second event in a turn", port)
    };
    turn(0)?;
    turn(0)?;
    for (read, (reader, _)) in pipes[..3].iter().enumerate() {
        check::equal("read", drain(ctx.sys, *reader)?, (3, false))?;
        turn(read + 1)?;
    }
    drain(ctx.sys, pipes[3].0)?;
    for (reader, _) in &pipes {
        port.associate_fd(*reader, poll::IN, 0)?;
    }
    expect_quiet("all was read", port)
}

/// The first callback of a batch closes the descriptor of the second: the number that is opened
/// again has no event.
fn libuv_batch(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (first, _) = ready_pipe(ctx)?;
    let (second, _) = ready_pipe(ctx)?;
    let (third, _) = ready_pipe(ctx)?;
    port.associate_fd(first, poll::IN, 1)?;
    port.associate_fd(second, poll::IN, 2)?;
    port.associate_fd(third, poll::IN, 3)?;
    let batch = port.getn(2, 1, Timeout::Never);
    check::equal("events", objects(&batch), vec![first, second])?;
    // Of the two closed ones one event was retrieved, the other is queued.
    ctx.sys.close(second)?;
    ctx.sys.close(third)?;
    expect_quiet("stopped watchers", port)?;
    let (second_again, _) = ready_pipe(ctx)?;
    check::equal("the number", second_again, second)?;
    expect_quiet("not associated", port)?;
    port.associate_fd(second_again, poll::IN, 4)?;
    let expected = Event::of_fd(second_again, poll::IN, 4);
    expect(
        "the new watcher",
        port.getn(1024, 1, Timeout::Poll),
        &[expected],
    )
}

/// The inner port is readable in the outer one while it has events; once drained and associated
/// again it is quiet.
fn libuv_nested(ctx: &Ctx<'_>) -> Verdict {
    let inner = ctx.port()?;
    let outer = ctx.port()?;
    outer.associate_fd(inner.fd(), poll::IN, 9)?;
    expect_quiet("an empty inner port", outer)?;
    let readable = Event::of_fd(inner.fd(), poll::IN, 9);
    for round in 1..=5_usize {
        inner.send_all(1..=round)?;
        let batch = outer.getn(1024, 1, Timeout::Never);
        expect("the inner port", batch, &[readable])?;
        for user in 1..=round as u64 {
            let batch = inner.getn(1, 1, Timeout::Poll);
            check::equal("an event of the inner port", batch.users(), vec![user])?;
        }
        check::equal("drained", inner.getn(1, 1, Timeout::Poll).nget, 0)?;
        outer.associate_fd(inner.fd(), poll::IN, 9)?;
        expect_quiet("nothing new", outer)?;
    }
    inner.send(1, 1)?;
    outer.associate_fd(inner.fd(), poll::IN, 9)?;
    let batch = outer.getn(1024, 1, Timeout::Never);
    expect("associated while readable", batch, &[readable])
}

/// A pipe in the inner port, a loop asleep on the outer one. The pipe becomes readable while it is
/// armed, or is so when it is associated.
fn libuv_nested_fd(ctx: &Ctx<'_>) -> Verdict {
    let inner = ctx.port()?;
    let outer = ctx.port()?;
    let fd = outer.fd();
    let (reader, writer) = pipe(ctx)?;
    for round in 1..=5 {
        let armed = round % 2 == 1;
        if armed {
            inner.associate_fd(reader, poll::IN, round)?;
        }
        outer.associate_fd(inner.fd(), poll::IN, 9)?;
        let waiter = ctx.spawn_asleep(move |sys| {
            Port::at(sys, fd).getn(1024, 1, Timeout::After(10_000 * MSEC))
        })?;
        ctx.sys.write(writer, b".")?;
        if !armed {
            ctx.expect_asleep("the loop", &waiter)?;
            inner.associate_fd(reader, poll::IN, round)?;
        }
        ctx.expect_done("the loop", &waiter)?;
        let readable = Event::of_fd(inner.fd(), poll::IN, 9);
        expect("the inner port", waiter.join()?, &[readable])?;
        let expected = Event::of_fd(reader, poll::IN, round as u64);
        let batch = inner.getn(1, 1, Timeout::Poll);
        expect("the pipe", batch, &[expected])?;
        check::equal("read", drain(ctx.sys, reader)?, (1, false))?;
        expect_quiet("the inner port is empty", inner)?;
    }
    Ok(())
}

/// A stopped handle whose dissociation says ENOENT has its event still to come, or had it.
fn libuv_stop(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    check::equal("armed", port.dissociate_fd(reader), Ok(()))?;
    check::refused("stopped", port.dissociate_fd(reader), Errno::ENOENT)?;
    port.associate_fd(reader, poll::IN, 2)?;
    ctx.sys.write(writer, b".")?;
    let batch = port.getn(1024, 1, Timeout::Never);
    expect("event", batch, &[Event::of_fd(reader, poll::IN, 2)])?;
    check::refused("retrieved", port.dissociate_fd(reader), Errno::ENOENT)?;
    expect_quiet("no callback after the close", port)
}
