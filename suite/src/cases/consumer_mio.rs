//! mio (C7) and polling (C8): one-shot users that throw away what comes with ETIME, wake their loop
//! through a user event, and validate readiness themselves.

use super::consumer_io::{drain, expect, expect_quiet, pipe, ready_pipe};
use super::prelude::*;
use crate::{PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case(
        "consumer.c7_drops_events_that_come_with_etime",
        "C7 C8 C9 D7",
        drops_etime,
    ),
    case("consumer.c7_waker_through_a_dup", "C7 S82", mio_waker).both(),
    case("consumer.c8_notify_key", "C8 S51", polling).both(),
    case(
        "consumer.c7_readiness_at_the_timeout",
        "C7 C8 C9 D7 S59",
        mio_timeout,
    ),
    case(
        "consumer.c7_dropped_waker_leaves_the_registrations",
        "C7 D8 S81",
        mio_drop,
    ),
    case(
        "consumer.c7_validates_with_poll",
        "C7 S19 S22",
        mio_validate,
    ),
    case(
        "consumer.c7_register_during_poll",
        "C7 C8 S20 S21",
        mio_register,
    ),
    case("consumer.c8_one_shot", "C8 S19 S29", polling_oneshot).both(),
    case("consumer.c8_several_pollers", "C8 S19 S73", polling_pollers),
];

/// mio, rustix and nginx throw away what comes with ETIME: with n = 1 nothing may come with it.
fn drops_etime(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let total = 2000_usize;
    let sender = ctx.spawn(move |sys| -> Result<(), Errno> {
        for user in 0..total {
            // Every other event comes exactly when a time-out of the loop expires.
            sys.sleep(if user % 2 == 0 { MSEC } else { MSEC / 3 });
            Port::at(sys, fd).send(1, user)?;
        }
        Ok(())
    })?;
    let mut users = Vec::new();
    while users.len() < total {
        let batch = port.getn(32, 1, Timeout::After(MSEC));
        match batch.result {
            Ok(()) => users.extend(batch.users()),
            // Dropped, as these programs do.
            Err(Errno::ETIME) => check::equal("events with ETIME", batch.nget, 0)?,
            Err(other) => return Err(Failure::new(format!("port_getn: {other}"))),
        }
    }
    sender.join()??;
    check::equal("events", users, (0..total as u64).collect())
}

/// A waker that sends through its own copy of the descriptor.
fn mio_waker(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waker = port.dup()?;
    ctx.keep(waker.fd());
    for token in 1..=5 {
        let poller = ctx
            .spawn_asleep(move |sys| Port::at(sys, fd).getn(16, 1, Timeout::After(9_000 * MSEC)))?;
        waker.send(i32::from(poll::IN), token)?;
        let batch = poller.join()?;
        check::equal("result", batch.result, Ok(()))?;
        let expected = Event::new(source::USER, i32::from(poll::IN), 0, token as u64);
        check::equal("events", batch.events, vec![expected])?;
    }
    Ok(())
}

/// polling's notify: port_send(3, usize::MAX).
fn polling(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let key = usize::MAX;
    port.send(3, key)?;
    let batch = port.getn(10, 1, Timeout::After(0));
    let key = ctx.sys.model().truncate(key as u64);
    check::equal(
        "events",
        batch.events,
        vec![Event::new(source::USER, 3, 0, key)],
    )?;
    let batch = port.getn(10, 1, Timeout::After(0));
    check::equal(
        "a zero time-out polls",
        (batch.result, batch.nget),
        (Ok(()), 0),
    )
}

/// A pipe that becomes readable in the moment in which the wait ends: readiness is never swallowed
/// by an ETIME.
fn mio_timeout(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = pipe(ctx)?;
    let total = 2000;
    let sender = ctx.spawn(move |sys| -> Result<(), Errno> {
        for round in 0..total {
            sys.sleep(if round % 2 == 0 { MSEC } else { MSEC / 3 });
            sys.write(writer, b".")?;
        }
        Ok(())
    })?;
    let mut bytes = 0;
    port.associate_fd(reader, poll::IN, 1)?;
    while bytes < total {
        let batch = port.getn(32, 1, Timeout::After(MSEC));
        match batch.result {
            Ok(()) => {
                expect("event", batch, &[Event::of_fd(reader, poll::IN, 1)])?;
                bytes += drain(ctx.sys, reader)?.0;
                port.associate_fd(reader, poll::IN, 1)?;
            }
            // Dropped, as these programs do.
            Err(Errno::ETIME) => check::equal("events with ETIME", batch.nget, 0)?,
            Err(other) => return Err(Failure::new(format!("port_getn: {other}"))),
        }
    }
    sender.join()??;
    check::equal("bytes", bytes, total)
}

/// The waker's copy of the descriptor is closed: all that was registered goes on.
fn mio_drop(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (armed, writer) = pipe(ctx)?;
    let (queued, _) = ready_pipe(ctx)?;
    let waker = port.dup()?;
    port.associate_fd(armed, poll::IN, 1)?;
    port.associate_fd(queued, poll::IN, 2)?;
    waker.send(i32::from(poll::IN), 3)?;
    waker.close()?;
    let batch = port.getn(16, 1, Timeout::After(MSEC));
    let expected = [
        Event::of_fd(queued, poll::IN, 2),
        Event::new(source::USER, i32::from(poll::IN), 0, 3),
    ];
    expect("queued before the drop", batch, &expected)?;
    ctx.sys.write(writer, b".")?;
    let batch = port.getn(16, 1, Timeout::After(MSEC));
    expect(
        "armed before the drop",
        batch,
        &[Event::of_fd(armed, poll::IN, 1)],
    )?;
    port.associate_fd(queued, poll::IN, 4)?;
    let batch = port.getn(16, 1, Timeout::After(MSEC));
    expect(
        "associated after the drop",
        batch,
        &[Event::of_fd(queued, poll::IN, 4)],
    )
}

/// What poll(2) does not confirm is associated again; interests that were not delivered too.
fn mio_validate(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (ours, theirs) = ctx.socketpair()?;
    ctx.sys.set_nonblocking(ours, true)?;
    let both = poll::IN | poll::OUT;
    port.associate_fd(ours, both, 7)?;
    let batch = port.getn(16, 1, Timeout::After(MSEC));
    expect("writable", batch, &[Event::of_fd(ours, poll::OUT, 7)])?;
    port.associate_fd(ours, poll::IN, 7)?;
    ctx.sys.write(theirs, b"x")?;
    // Somebody else reads it before the loop looks.
    check::equal("read", drain(ctx.sys, ours)?, (1, false))?;
    let batch = port.getn(16, 1, Timeout::After(MSEC));
    expect("stale", batch, &[Event::of_fd(ours, poll::IN, 7)])?;
    let mut entries = [PollFd::new(ours, both)];
    check::equal("poll", ctx.sys.poll(&mut entries, Some(0)), Ok(1))?;
    check::equal("revents", entries[0].revents, poll::OUT)?;
    port.associate_fd(ours, poll::IN, 7)?;
    expect_quiet("nothing to read", port)?;
    ctx.sys.write(theirs, b"y")?;
    let batch = port.getn(16, 1, Timeout::After(MSEC));
    expect("readable", batch, &[Event::of_fd(ours, poll::IN, 7)])
}

/// Registrations and changes by another thread reach a loop that is asleep already.
fn mio_register(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    for round in 1..=10_usize {
        let (reader, writer) = pipe(ctx)?;
        let poller = ctx
            .spawn_asleep(move |sys| Port::at(sys, fd).getn(16, 1, Timeout::After(9_000 * MSEC)))?;
        let other = ctx.spawn(move |sys| -> Result<(), Errno> {
            let port = Port::at(sys, fd);
            match round % 3 {
                0 => {
                    port.associate_fd(reader, poll::IN, round)?;
                    sys.write(writer, b".").map(drop)
                }
                1 => {
                    sys.write(writer, b".")?;
                    port.associate_fd(reader, poll::IN, round)
                }
                _ => {
                    port.associate_fd(reader, 0, 0)?;
                    sys.write(writer, b".")?;
                    port.associate_fd(reader, poll::IN, round)
                }
            }
        })?;
        other.join()??;
        ctx.expect_done("the loop", &poller)?;
        let expected = Event::of_fd(reader, poll::IN, round as u64);
        expect("event", poller.join()?, &[expected])?;
        ctx.sys.close(reader)?;
        ctx.sys.close(writer)?;
    }
    Ok(())
}

/// One event for each modify(); delete() of what has fired is not found.
fn polling_oneshot(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ready_pipe(ctx)?;
    for key in 1..=3 {
        port.associate_fd(reader, poll::IN, key)?;
        let expected = Event::of_fd(reader, poll::IN, key as u64);
        expect("event", port.getn(10, 1, Timeout::Poll), &[expected])?;
        ctx.sys.write(writer, b".")?;
        expect_quiet("no second event", port)?;
    }
    check::refused("delete", port.dissociate_fd(reader), Errno::ENOENT)?;
    port.associate_fd(reader, 0, 4)?;
    expect_quiet("no interest", port)?;
    check::equal("delete", port.dissociate_fd(reader), Ok(()))?;
    check::refused("2nd delete", port.dissociate_fd(reader), Errno::ENOENT)
}

/// Two loops on one port: each event wakes one of them.
fn polling_pollers(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let wait = move |sys: &dyn System| Port::at(sys, fd).getn(10, 1, Timeout::Never);
    let mut pipes = Vec::new();
    let mut pollers = Vec::new();
    for key in 1..=3 {
        let (reader, writer) = pipe(ctx)?;
        port.associate_fd(reader, poll::IN, key)?;
        pipes.push((reader, writer));
        pollers.push(ctx.spawn_asleep(wait)?);
    }
    let mut events = Vec::new();
    for woken in 1..=3 {
        ctx.sys.write(pipes[woken - 1].1, b".")?;
        ctx.settle();
        let done = pollers.iter().filter(|p| p.done()).count();
        check::equal("pollers that woke up", done, woken)?;
    }
    for poller in pollers {
        let batch = poller.join()?;
        check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 1))?;
        events.extend(batch.events);
    }
    events.sort_by_key(|e| e.user);
    let expected: Vec<Event> = (1..=3)
        .map(|key| Event::of_fd(pipes[key - 1].0, poll::IN, key as u64))
        .collect();
    check::equal("events", events, expected)
}
