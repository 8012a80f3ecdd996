//! Varnish's waiter: clients are handed over by user events, watched as descriptors, and the whole
//! ends with a close from another thread (C14).

use super::consumer_io::{drain, expect_quiet, pipe};
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case(
        "consumer.c14_close_from_another_thread",
        "C14 S71",
        varnish_close,
    ),
    case(
        "consumer.c14_work_queue_with_a_limit",
        "C14 S51",
        varnish_queue,
    )
    .needs(Caps::RCTL),
    case(
        "consumer.c14_hands_clients_over",
        "C14 S29 S96",
        varnish_waiter,
    )
    .both(),
    case(
        "consumer.c14_close_with_clients",
        "C14 S71 S82",
        varnish_close_with_clients,
    ),
];

/// The waiter thread ends when the port is closed under it.
fn varnish_close(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| {
        let mut seen = 0;
        loop {
            // The list is preset as Varnish's is: a slot read after EINTR must be recognised.
            let batch = Port::at(sys, fd).getn(256, 1, Timeout::Never);
            match batch.result {
                Ok(()) => seen += batch.nget,
                Err(Errno::EINTR) if batch.nget == 1 && batch.rest_untouched => {}
                Err(errno) => return (errno, seen),
            }
        }
    })?;
    port.send_all(1..=3)?;
    ctx.settle();
    waiter.signal()?;
    ctx.expect_asleep("the waiter", &waiter)?;
    port.send_all(4..=5)?;
    ctx.settle();
    port.close()?;
    ctx.expect_done("the waiter", &waiter)?;
    check::equal("waiter", waiter.join()?, (Errno::EBADF, 5))
}

/// EAGAIN tells the acceptor to refuse a client; what was accepted is served.
fn varnish_queue(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(8)?;
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for client in 0..20_u64 {
        match port.send(0, client as usize) {
            Ok(()) => accepted.push(client),
            Err(Errno::EAGAIN) => refused += 1,
            Err(other) => return Err(Failure::new(format!("port_send: {other}"))),
        }
        if client == 11 {
            check::equal(
                "served",
                port.getn(3, 1, Timeout::Poll).users(),
                vec![0, 1, 2],
            )?;
        }
    }
    check::equal("refused clients", refused, 9)?;
    let events = port.getn(32, 1, Timeout::Poll);
    check::equal("served", &events.users()[..], &accepted[3..])?;
    check::that("events are 0", events.events.iter().all(|e| e.events == 0))
}

/// A user event with the descriptor as its value becomes an association; after its event the
/// client is dissociated, which may find nothing.
fn varnish_waiter(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(pipe(ctx)?);
    }
    let waiter = ctx.spawn_asleep(move |sys| -> Result<Vec<i32>, Errno> {
        let port = Port::at(sys, fd);
        let mut served = Vec::new();
        while served.len() < 10 {
            let batch = port.getn(256, 1, Timeout::Never);
            batch.result?;
            for event in &batch.events {
                if i32::from(event.source) == source::USER {
                    let client = event.user as i32;
                    port.associate_fd(client, poll::IN, event.user as usize)?;
                    continue;
                }
                let client = event.object as i32;
                if event.user != event.object || drain(sys, client)?.0 != 1 {
                    return Err(Errno::EIO);
                }
                match port.dissociate_fd(client) {
                    Err(Errno::ENOENT) => served.push(client),
                    other => return other.and(Err(Errno::EEXIST)),
                }
            }
        }
        Ok(served)
    })?;
    for (index, (reader, writer)) in clients.iter().enumerate() {
        if index % 2 == 0 {
            ctx.sys.write(*writer, b".")?;
        }
        port.send(0, *reader as usize)?;
        ctx.expect_asleep("the waiter", &waiter)?;
    }
    for (_, writer) in clients.iter().skip(1).step_by(2) {
        ctx.sys.write(*writer, b".")?;
    }
    ctx.expect_done("the waiter", &waiter)?;
    let mut served = waiter.join()??;
    served.sort_unstable();
    let expected: Vec<i32> = clients.iter().map(|(reader, _)| *reader).collect();
    check::equal("clients served", served, expected)?;
    expect_quiet("nothing is left", port)
}

/// The port goes away under the waiter while clients are associated and one has just spoken.
fn varnish_close_with_clients(ctx: &Ctx<'_>) -> Verdict {
    for spoken in [0, 1] {
        let port = ctx.port()?;
        let fd = port.fd();
        let mut clients = Vec::new();
        for _ in 0..5 {
            let (reader, writer) = pipe(ctx)?;
            port.associate_fd(reader, poll::IN, 1)?;
            clients.push((reader, writer));
        }
        let waiter = ctx.spawn_asleep(move |sys| {
            let mut events = 0;
            loop {
                let batch = Port::at(sys, fd).getn(256, 1, Timeout::Never);
                match batch.result {
                    Ok(()) => events += batch.nget,
                    Err(errno) => return (events, errno),
                }
            }
        })?;
        for (_, writer) in &clients[..spoken] {
            ctx.sys.write(*writer, b".")?;
            ctx.settle();
        }
        port.close()?;
        ctx.expect_done("the waiter", &waiter)?;
        check::equal("waiter", waiter.join()?, (spoken as u32, Errno::EBADF))?;
        for (reader, writer) in clients {
            // Nobody listens any more; the descriptors are as good as ever.
            ctx.sys.write(writer, b".")?;
            check::that("readable", drain(ctx.sys, reader)?.0 > 0)?;
        }
    }
    Ok(())
}
