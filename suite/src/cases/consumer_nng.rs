//! nng: one thread reads the port, and tears a socket down by a user event after which no event of
//! the socket may come (C16).

use super::consumer_io::{expect, pipe, ready_pipe};
use super::ksource::queue_with;
use super::prelude::*;
use crate::{Answer, Shutdown, poll};

pub(super) const CASES: &[Case] = &[
    case("consumer.c16_user_event_comes_last", "C16 S96 D3", nng).needs(Caps::KSOURCE),
    case(
        "consumer.c16_user_event_comes_last_under_load",
        "C16 S96 D3",
        nng_load,
    )
    .needs(Caps::KSOURCE),
    case("consumer.c16_send_retries_on_eagain", "C16 S51", nng_eagain).needs(Caps::RCTL),
    case("consumer.c16_teardown", "C16 S29 S96", nng_teardown).both(),
    case(
        "consumer.c16_teardown_under_load",
        "C16 S29 S96 D3",
        nng_teardown_load,
    ),
];

/// nng tears a socket down: after the user event no event of the socket may follow.
fn nng(ctx: &Ctx<'_>) -> Verdict {
    for max in [1, 4, 64] {
        let port = ctx.port()?;
        for user in 1..=5 {
            queue_with(ctx, port, user, |_, delivery| {
                Answer::Deliver(delivery.events)
            })?;
        }
        port.send(1, 100)?;
        let mut users = Vec::new();
        while users.last() != Some(&100) {
            let batch = port.getn(max, 1, Timeout::Never);
            check::equal("port_getn", batch.result, Ok(()))?;
            users.extend(batch.users());
        }
        check::equal(
            "events up to the user event",
            users,
            vec![1, 2, 3, 4, 5, 100],
        )?;
        port.close()?;
    }
    Ok(())
}

/// The same with a thread that sends all the time and a reader that takes one event at a time.
fn nng_load(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let rounds = 40_usize;
    let producer = ctx.spawn(move |sys| {
        while Port::at(sys, fd).send(9, 0).is_ok() {
            sys.sleep(MSEC / 100);
        }
    })?;
    for round in 1..=rounds {
        // A socket's event, then the user event that ends its life.
        queue_with(ctx, port, 1000 + round, |_, delivery| {
            Answer::Deliver(delivery.events)
        })?;
        port.send(1, 2000 + round)?;
        let mut socket_seen = false;
        loop {
            let event = port.get(Timeout::Never)?;
            if event.user == 1000 + round as u64 {
                socket_seen = true;
            } else if event.user == 2000 + round as u64 {
                break;
            } else {
                check::equal("event of the producer", event.events, 9)?;
            }
        }
        check::that("the socket's event came before the user event", socket_seen)?;
    }
    port.close()?;
    producer.join()
}

/// The sender yields and tries again until the reader made room.
fn nng_eagain(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let fd = port.fd();
    let total = 100_usize;
    let sender = ctx.spawn(move |sys| -> Result<u32, Errno> {
        let mut retries = 0;
        for user in 0..total {
            loop {
                match Port::at(sys, fd).send(1, user) {
                    Err(Errno::EAGAIN) => {
                        retries += 1;
                        sys.sleep(MSEC);
                    }
                    other => break other?,
                }
            }
        }
        Ok(retries)
    })?;
    let mut users = Vec::new();
    while users.len() < total {
        ctx.sys.sleep(MSEC / 2);
        users.extend(port.getn(64, 1, Timeout::After(1000 * MSEC)).users());
    }
    sender.join()??;
    check::equal("events", users, (0..total as u64).collect())
}

/// A ready socket is shut down and dissociated: the user event alone comes. Another socket's event
/// that was queued before stands in the same or an earlier list.
fn nng_teardown(ctx: &Ctx<'_>) -> Verdict {
    for max in [1, 64] {
        let port = ctx.port()?;
        let (socket, peer) = ctx.socketpair()?;
        ctx.sys.write(peer, b"data")?;
        port.associate_fd(socket, poll::IN, 1)?;
        let (other, _) = ready_pipe(ctx)?;
        port.associate_fd(other, poll::IN, 2)?;
        ctx.sys.shutdown(socket, Shutdown::Both)?;
        check::equal("dissociate", port.dissociate_fd(socket), Ok(()))?;
        port.send(1, 3)?;
        let mut events = Vec::new();
        while events.len() < 2 {
            let batch = port.getn(max, 1, Timeout::After(MSEC));
            check::equal("port_getn", batch.result, Ok(()))?;
            events.extend(batch.events);
        }
        let expected = vec![
            Event::of_fd(other, poll::IN, 2),
            Event::new(source::USER, 1, 0, 3),
        ];
        check::equal("events", events, expected)?;
        expect("the end", port.getn(max, 1, Timeout::Poll), &[])?;
        port.close()?;
    }
    Ok(())
}

/// The same with a producer of user events, a reader that takes one event at a time, and sockets
/// that may have fired already.
fn nng_teardown_load(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let rounds = 40_usize;
    let producer = ctx.spawn(move |sys| {
        while Port::at(sys, fd).send(9, 0).is_ok() {
            sys.sleep(MSEC / 100);
        }
    })?;
    let reader = ctx.spawn(move |sys| -> Result<Vec<Event>, Errno> {
        let mut events = Vec::new();
        loop {
            let event = Port::at(sys, fd).get(Timeout::Never)?;
            match event.events {
                9 => {}
                10 => return Ok(events),
                _ => events.push(event),
            }
        }
    })?;
    for round in 1..=rounds {
        let (socket, writer) = pipe(ctx)?;
        port.associate_fd(socket, poll::IN, round)?;
        ctx.sys.write(writer, b".")?;
        if round % 3 == 0 {
            ctx.sys.pause();
        }
        match port.dissociate_fd(socket) {
            Ok(()) | Err(Errno::ENOENT) => port.send(1, round)?,
            Err(other) => return Err(Failure::new(format!("port_dissociate: {other}"))),
        }
        ctx.sys.close(socket)?;
        ctx.sys.close(writer)?;
    }
    port.send(10, 0)?;
    let mut ended = 0;
    for event in reader.join()?? {
        match i32::from(event.source) {
            source::FD => check::equal("a living socket", event.user, ended + 1)?,
            _ => {
                ended += 1;
                check::equal("the end of a socket", event.user, ended)?;
            }
        }
    }
    check::equal("sockets that ended", ended, rounds as u64)?;
    port.close()?;
    producer.join()
}
