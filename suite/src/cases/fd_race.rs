//! Threads that do things to the same descriptors at the same time.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use super::fd::{expect_event, expect_none, put, take};
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("fd.race_associate_and_associate", "S21 S28", associates).needs(Caps::RCTL),
    case("fd.race_associate_and_dissociate", "S29 S28", dissociates).needs(Caps::RCTL),
    case("fd.race_associate_and_close", "S32 S25 S28", closes).needs(Caps::RCTL),
    case(
        "fd.race_associate_and_close_of_the_port",
        "S82 S71",
        port_closes,
    )
    .needs(Caps::KSTAT),
    case(
        "fd.race_close_of_descriptor_and_port",
        "S32 S82 D18",
        both_close,
    )
    .needs(Caps::KSTAT),
    case("fd.race_at_the_slot_limit", "S27 S28 S95", slot_limit).needs(Caps::RCTL),
    case(
        "fd.race_of_readers_on_one_descriptor",
        "S19 C20 C26",
        readers,
    ),
    case("fd.race_of_wakeups_and_dissociate", "S29 C2 C16", wakeups).needs(Caps::DEVICE),
    case(
        "fd.d16_close_of_a_watched_port_during_pollwakeup",
        "D16 S18",
        held_port,
    )
    .needs(Caps::KSOURCE.union(Caps::KSTAT)),
    case(
        "fd.race_wakeup_and_close_of_a_watched_port",
        "S18 S82",
        watched_port,
    )
    .needs(Caps::KSTAT),
    case("fd.race_in_a_cycle_of_ports", "S18 S82", cycle).needs(Caps::KSTAT),
];

/// What a racing thread answers: the error that it did not expect.
pub(super) type Ran = Result<(), Errno>;

/// Turns of each thread.
pub(super) const TURNS: usize = 150;

/// Joins the threads; none met an unexpected error.
#[track_caller]
pub(super) fn join_all(tasks: Vec<Task<Ran>>) -> Verdict {
    for task in tasks {
        check::equal("a racing thread", task.join()?, Ok(()))?;
    }
    Ok(())
}

/// Success, or an error that the race explains.
pub(super) fn either(result: Ran, expected: &[Errno]) -> Ran {
    match result {
        Err(errno) if expected.contains(&errno) => Ok(()),
        other => other,
    }
}

/// Starts a thread that makes the pipe readable and empty again, over and over.
fn flicker(ctx: &Ctx<'_>, reader: i32, writer: i32) -> Result<Task<Ran>, Failure> {
    ctx.spawn(move |sys| {
        for _ in 0..TURNS {
            put(sys, writer)?;
            sys.pause();
            take(sys, reader)?;
        }
        Ok(())
    })
}

/// One association whoever makes it, one slot.
fn associates(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    let mut tasks = vec![flicker(ctx, reader, writer)?];
    for thread in 1..=3 {
        tasks.push(ctx.spawn(move |sys| {
            for turn in 0..TURNS {
                Port::at(sys, fd).associate_fd(reader, poll::IN, thread * 1000 + turn)?;
                if turn % 3 == 0 {
                    sys.pause();
                }
            }
            Ok(())
        })?);
    }
    join_all(tasks)?;
    let left = port.getn(4, 1, Timeout::Poll);
    check::within("events left", left.nget, 0, 1)?;
    port.associate_fd(reader, poll::IN, 7)?;
    put(ctx.sys, writer)?;
    expect_event(port, Event::of_fd(reader, poll::IN, 7))?;
    check::refused("port_dissociate", port.dissociate_fd(reader), Errno::ENOENT)?;
    expect_free_slots(port, 2)
}

/// Armed, queued, taken or gone: nothing else is found.
fn dissociates(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    let mut tasks = vec![flicker(ctx, reader, writer)?];
    for thread in 0..4 {
        tasks.push(ctx.spawn(move |sys| {
            let port = Port::at(sys, fd);
            for turn in 0..TURNS {
                match thread {
                    0 | 1 => port.associate_fd(reader, poll::IN, turn)?,
                    2 => either(port.dissociate_fd(reader), &[Errno::ENOENT])?,
                    _ => either(port.get(Timeout::Poll).map(drop), &[Errno::ETIME])?,
                }
                sys.pause();
            }
            Ok(())
        })?);
    }
    join_all(tasks)?;
    either(port.dissociate_fd(reader), &[Errno::ENOENT])?;
    expect_none(port)?;
    expect_free_slots(port, 2)
}

/// The number is closed, another object comes in its place, the association goes or never was.
fn closes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let fd = port.fd();
    let (one, to_one) = ctx.pipe()?;
    let (other, to_other) = ctx.pipe()?;
    let number = ctx.sys.dup(one)?;
    ctx.keep(number);
    let mut tasks = vec![flicker(ctx, one, to_one)?, flicker(ctx, other, to_other)?];
    for _ in 0..2 {
        tasks.push(ctx.spawn(move |sys| {
            for turn in 0..TURNS {
                let made = Port::at(sys, fd).associate_fd(number, poll::IN, turn);
                // EBADF: closed while it was asked.
                either(made, &[Errno::EBADFD, Errno::EBADF])?;
            }
            Ok(())
        })?);
    }
    tasks.push(ctx.spawn(move |sys| {
        for turn in 0..TURNS {
            if turn % 3 == 0 {
                sys.close(number)?;
            }
            sys.pause();
            sys.dup2(if turn % 2 == 0 { other } else { one }, number)?;
        }
        Ok(())
    })?);
    join_all(tasks)?;
    ctx.sys.close(number)?;
    expect_none(port)?;
    expect_free_slots(port, 2)
}

/// Ports end while threads associate; the descriptors stay.
fn port_closes(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let (reader, writer) = ctx.pipe()?;
    let flickers = flicker(ctx, reader, writer)?;
    for _ in 0..25 {
        let fd = ctx.port()?.fd();
        let mut tasks = Vec::new();
        for thread in 0..3 {
            tasks.push(ctx.spawn(move |sys| {
                let port = Port::at(sys, fd);
                loop {
                    let done = match thread {
                        0 => either(port.dissociate_fd(reader), &[Errno::ENOENT]),
                        _ => port.associate_fd(reader, poll::IN, 1),
                    };
                    match done {
                        Err(Errno::EBADF) => return Ok(()),
                        other => other?,
                    }
                    sys.pause();
                }
            })?);
        }
        ctx.sys.pause();
        ctx.sys.close(fd)?;
        join_all(tasks)?;
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
    }
    join_all(vec![flickers])
}

/// Whoever comes first to an association removes it, the other waits for that.
fn both_close(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    for _ in 0..40 {
        let (reader, writer) = ctx.pipe()?;
        let ports = [ctx.port()?, ctx.port()?, ctx.port()?];
        let mut numbers = vec![reader];
        for _ in 0..3 {
            numbers.push(ctx.sys.dup(reader)?);
        }
        for port in ports {
            for number in &numbers {
                port.associate_fd(*number, poll::IN, 1)?;
            }
        }
        let mut all = numbers;
        all.extend(ports.map(|port| port.fd()));
        ctx.rng().shuffle(&mut all);
        let half = all.split_off(all.len() / 2);
        let close_all =
            |fds: Vec<i32>| ctx.spawn(move |sys| fds.into_iter().try_for_each(|fd| sys.close(fd)));
        let tasks = vec![
            close_all(all)?,
            close_all(half)?,
            ctx.spawn(move |sys| either(put(sys, writer), &[super::fd_close::EPIPE]))?,
        ];
        join_all(tasks)?;
        ctx.sys.close(writer)?;
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
    }
    Ok(())
}

/// More descriptors than slots: EAGAIN or an association, and all slots come back.
fn slot_limit(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(6)?;
    let fd = port.fd();
    let mut tasks = Vec::new();
    let mut all = Vec::new();
    for _ in 0..4 {
        let pipes = [ctx.pipe()?, ctx.pipe()?, ctx.pipe()?];
        all.extend(pipes);
        tasks.push(ctx.spawn(move |sys| {
            let port = Port::at(sys, fd);
            for turn in 0..TURNS {
                let (reader, writer) = pipes[turn % 3];
                match port.associate_fd(reader, poll::IN, turn) {
                    Ok(()) if turn % 2 == 0 => {
                        put(sys, writer)?;
                        take(sys, reader)?;
                        either(port.dissociate_fd(reader), &[Errno::ENOENT])?;
                    }
                    Ok(()) => port.dissociate_fd(reader)?,
                    Err(Errno::EAGAIN) => {
                        either(
                            port.dissociate_fd(reader).and(Err(Errno::EIO)),
                            &[Errno::ENOENT],
                        )?;
                        sys.pause();
                    }
                    Err(errno) => return Err(errno),
                }
                either(port.send(1, 1), &[Errno::EAGAIN])?;
                either(port.getn(2, 1, Timeout::Poll).result, &[])?;
            }
            Ok(())
        })?);
    }
    join_all(tasks)?;
    port.getn(8, 1, Timeout::Poll).result?;
    for (reader, _) in all {
        check::refused("port_dissociate", port.dissociate_fd(reader), Errno::ENOENT)?;
    }
    expect_free_slots(port, 6)
}

/// The owner of an event is the only one who reads: each byte is read once, and the last byte is
/// not forgotten.
fn readers(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = ctx.pipe()?;
    ctx.sys.set_nonblocking(reader, true)?;
    let busy = Arc::new(AtomicBool::new(false));
    let mut takers = Vec::new();
    for _ in 0..4 {
        let busy = Arc::clone(&busy);
        takers.push(ctx.spawn(move |sys| -> Result<usize, Errno> {
            let port = Port::at(sys, fd);
            let mut bytes = 0;
            loop {
                if port.get(Timeout::Never)?.source == source::USER as u16 {
                    return Ok(bytes);
                }
                if busy.swap(true, Ordering::AcqRel) {
                    return Err(Errno::EBUSY);
                }
                match take(sys, reader) {
                    Ok(()) => bytes += 1,
                    // The writer's wakeup came after another thread had read its byte (P6).
                    Err(Errno::EAGAIN) => {}
                    Err(errno) => return Err(errno),
                }
                sys.pause();
                busy.store(false, Ordering::Release);
                port.associate_fd(reader, poll::IN, bytes)?;
            }
        })?);
    }
    port.associate_fd(reader, poll::IN, 0)?;
    for turn in 0..4 * TURNS {
        put(ctx.sys, writer)?;
        if turn % 7 == 0 {
            ctx.settle();
        }
    }
    ctx.settle();
    check::equal("events left while takers sleep", port.queued(), Ok(0))?;
    port.send_all(0..takers.len())?;
    let mut bytes = 0;
    for taker in takers {
        bytes += taker.join()??;
    }
    check::equal("bytes read", bytes, 4 * TURNS)
}

/// After a successful dissociation no event of it comes, whatever interrupts do meanwhile.
fn wakeups(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    let raiser = ctx.spawn(move |sys| -> Ran {
        for _ in 0..TURNS {
            sys.raise(device, poll::IN)?;
            sys.lower(device, poll::IN)?;
        }
        Ok(())
    })?;
    for user in 0..2 * TURNS {
        port.associate_fd(device, poll::IN, user)?;
        if user % 3 == 0 {
            ctx.sys.pause();
        }
        let taken = port.getn(2, 1, Timeout::Poll);
        check::equal("port_getn", taken.result, Ok(()))?;
        let gone = port.dissociate_fd(device);
        if taken.nget == 0 {
            check::equal("port_dissociate of an unread association", gone, Ok(()))?;
        } else {
            check::equal("users", taken.users(), vec![user as u64])?;
            check::refused("port_dissociate of a read one", gone, Errno::ENOENT)?;
        }
        expect_none(port)?;
    }
    join_all(vec![raiser])
}

/// `pollwakeup` holds the inner port on behalf of the outer one that watches it: the close of the
/// inner port waits for it and then ends, and the outer port hears nothing.
fn held_port(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let ksource = ctx.ksource()?;
    for queued in [0, 2] {
        let (inner, outer) = (ctx.port()?, ctx.port()?);
        let fd = inner.fd();
        let nobody = ksource.poll_hold(fd);
        check::that("nobody watches a new port", nobody.is_none())?;
        outer.associate_fd(fd, poll::IN, 1)?;
        let Some(hold) = ksource.poll_hold(fd) else {
            return Err(Failure::new("the association does not mark the port"));
        };
        inner.send_all(0..queued)?;
        let closer = ctx.spawn_asleep(move |sys| Port::at(sys, fd).close())?;
        ctx.expect_asleep("close(2)", &closer)?;
        expect_none(outer)?;
        ksource.poll_release(hold);
        ctx.expect_done("close(2)", &closer)?;
        check::equal("close(2)", closer.join()?, Ok(()))?;
        expect_none(outer)?;
        outer.close()?;
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
    }
    Ok(())
}

/// A wakeup of the inner port is on its way to the outer one when the inner port closes.
fn watched_port(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let (reader, writer) = ctx.pipe()?;
    for _ in 0..60 {
        let (inner, outer) = (ctx.port()?, ctx.port()?);
        outer.associate_fd(inner.fd(), poll::IN, 1)?;
        inner.associate_fd(reader, poll::IN, 2)?;
        let wakes = ctx.spawn(move |sys| put(sys, writer))?;
        ctx.sys.pause();
        inner.close()?;
        join_all(vec![wakes])?;
        expect_none(outer)?;
        outer.close()?;
        take(ctx.sys, reader)?;
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
    }
    Ok(())
}

/// Ports that watch each other, events for all of them, and some of them end.
fn cycle(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    for _ in 0..15 {
        let ports = [ctx.port()?, ctx.port()?, ctx.port()?];
        let fds = ports.map(|port| port.fd());
        let mut tasks = Vec::new();
        for thread in 0..3 {
            tasks.push(ctx.spawn(move |sys| {
                let (own, next) = (Port::at(sys, fds[thread]), fds[(thread + 1) % 3]);
                for turn in 0..30 {
                    let gone = [Errno::EBADF, Errno::EBADFD, Errno::ETIME];
                    either(own.associate_fd(next, poll::IN, turn), &gone)?;
                    either(own.associate_fd(own.fd(), poll::IN, turn), &gone)?;
                    either(own.send(1, turn), &gone)?;
                    either(own.getn(4, 1, Timeout::Poll).result, &gone)?;
                }
                Ok(())
            })?);
        }
        ctx.sys.pause();
        ports[0].close()?;
        join_all(tasks)?;
        ports[1].close()?;
        ports[2].close()?;
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
    }
    Ok(())
}
