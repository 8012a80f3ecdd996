//! Redis: aborts when a dissociation fails, and keeps the mask as the user value (C12).

use super::consumer_io::{drain, expect, expect_quiet, pipe, ready_pipe};
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("consumer.c12_removes_a_queued_event", "C12 S29", redis_del).both(),
    case("consumer.c12_mask_as_user_value", "C12 S21 S24", redis_mask).both(),
    case("consumer.c12_loop", "C12 S19 S29 S59", redis_loop),
];

/// aeApiDelEvent of a readable, unread descriptor works once; its event is gone.
fn redis_del(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, _) = ready_pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    check::equal("queued", port.queued(), Ok(1))?;
    check::equal("dissociate", port.dissociate_fd(reader), Ok(()))?;
    expect_quiet("the event is gone", port)?;
    check::refused("again", port.dissociate_fd(reader), Errno::ENOENT)
}

/// A change of the mask replaces a queued event by one for the new mask, or by none.
fn redis_mask(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (ours, theirs) = ctx.socketpair()?;
    ctx.sys.write(theirs, b"x")?;
    let both = poll::IN | poll::OUT;
    port.associate_fd(ours, poll::IN, 1)?;
    port.associate_fd(ours, both, 3)?;
    check::equal("queued", port.queued(), Ok(1))?;
    let batch = port.getn(512, 1, Timeout::Poll);
    expect("both", batch, &[Event::of_fd(ours, both, 3)])?;
    port.associate_fd(ours, both, 3)?;
    port.associate_fd(ours, poll::OUT, 2)?;
    let batch = port.getn(512, 1, Timeout::Poll);
    expect("less", batch, &[Event::of_fd(ours, poll::OUT, 2)])?;
    // Read before the loop comes to it: the queued event goes with the old mask.
    ctx.sys.set_nonblocking(ours, true)?;
    port.associate_fd(ours, poll::IN, 1)?;
    check::equal("queued", port.queued(), Ok(1))?;
    check::equal("read", drain(ctx.sys, ours)?, (1, false))?;
    port.associate_fd(ours, poll::IN, 4)?;
    expect_quiet("nothing to read", port)?;
    ctx.sys.write(theirs, b"y")?;
    let batch = port.getn(512, 1, Timeout::Poll);
    expect("new data", batch, &[Event::of_fd(ours, poll::IN, 4)])
}

/// Clients come, ask, are answered and go, each by a thread; events that come with ETIME count.
fn redis_loop(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (count, each) = (8, 30_usize);
    let mut clients = Vec::new();
    let mut open = 0;
    for _ in 0..count {
        let (server, client) = ctx.socketpair()?;
        ctx.sys.set_nonblocking(server, true)?;
        port.associate_fd(server, poll::IN, 1)?;
        open += 1;
        let mut rng = ctx.rng();
        clients.push(ctx.spawn(move |sys| -> Result<(), Errno> {
            for _ in 0..each {
                sys.write(client, b"?")?;
                sys.read(client, &mut [0])?;
                sys.sleep(rng.below(MSEC));
            }
            sys.close(client)
        })?);
    }
    let mut requests = 0;
    while open > 0 {
        let batch = port.getn(512, 1, Timeout::After(MSEC / 2));
        match batch.result {
            Ok(()) | Err(Errno::ETIME) => {}
            Err(other) => return Err(Failure::new(format!("port_getn: {other}"))),
        }
        for event in &batch.events {
            check::equal("user value", event.user, 1)?;
            let fd = event.object as i32;
            let (bytes, end) = drain(ctx.sys, fd)?;
            requests += bytes;
            // The mask is set again before the handler decides that the client has gone.
            port.associate_fd(fd, poll::IN, 1)?;
            if end {
                check::equal("dissociate", port.dissociate_fd(fd), Ok(()))?;
                ctx.sys.close(fd)?;
                open -= 1;
            } else if bytes > 0 {
                ctx.sys.write(fd, b"!")?;
            }
        }
    }
    for client in clients {
        client.join()??;
    }
    check::equal("requests", requests, count * each)?;
    expect_quiet("all clients have gone", port)?;
    let (reader, _) = pipe(ctx)?;
    check::refused("dissociate", port.dissociate_fd(reader), Errno::ENOENT)
}
