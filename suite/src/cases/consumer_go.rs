//! The Go runtime's network poller (C1) and the slices of golang.org/x/sys/unix (C2): descriptors
//! are opened, armed and closed by any thread while others sit in `port_getn`; alerts wake them.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

use super::consumer_io::{Told, drain, expect, expect_quiet, pipe, read_byte};
use super::prelude::*;
use crate::{PORT_ALERT_UPDATE, poll};

pub(super) const CASES: &[Case] = &[
    case(
        "consumer.c1_alert_wakes_blocked_pollers",
        "C1 S74 S76 S56",
        go_netpoll,
    )
    .both(),
    case(
        "consumer.c1_alert_is_left_by_non_blocking_pollers",
        "C1 S77",
        go_non_blocking,
    ),
    case(
        "consumer.c2_pending_and_slices",
        "C2 S62 S59 S56",
        go_slices,
    )
    .both(),
    case("consumer.c1_open_asks_for_nothing", "C1 S22 S23", go_open).both(),
    case("consumer.c1_arm_from_another_thread", "C1 S21 S20", go_arm).both(),
    case(
        "consumer.c1_rearms_what_was_not_delivered",
        "C1 S19 S22",
        go_rearm,
    ),
    case(
        "consumer.c1_close_from_another_thread",
        "C1 S29 S32",
        go_close,
    ),
    case("consumer.c1_data_races_with_the_open", "C1 S20", go_race),
    case("consumer.c1_server", "C1 C26 S19 S24", go_server),
    case("consumer.c2_slices_of_descriptors", "C2 S60 S62", go_fds).both(),
];

/// The Go runtime: two pollers sleep, an alert with UPDATE wakes both, a second one is EBUSY, a
/// non-blocking poll still sees it, a cleared port polls empty with success.
fn go_netpoll(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let wait = move |sys: &dyn System| Port::at(sys, fd).getn(128, 1, Timeout::Never);
    let pollers = [ctx.spawn_asleep(wait)?, ctx.spawn_asleep(wait)?];
    port.alert(PORT_ALERT_UPDATE, 0x10, 0x4242)?;
    let alert = Event::new(source::ALERT, 0x10, 0, 0x4242);
    for poller in pollers {
        ctx.expect_done("a poller", &poller)?;
        let batch = poller.join()?;
        check::equal(
            "port_getn",
            (batch.result, batch.events),
            (Ok(()), vec![alert]),
        )?;
    }
    check::refused(
        "2nd alert",
        port.alert(PORT_ALERT_UPDATE, 0x10, 1),
        Errno::EBUSY,
    )?;
    let batch = port.getn(128, 1, Timeout::Poll);
    check::equal(
        "non-blocking poll",
        (batch.result, batch.events),
        (Ok(()), vec![alert]),
    )?;
    port.alert(0, 0, 0)?;
    let batch = port.getn(128, 1, Timeout::Poll);
    check::equal("after the clear", (batch.result, batch.nget), (Ok(()), 0))
}

/// A non-blocking poller leaves the alert for the blocking one that comes later and clears it.
fn go_non_blocking(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    for _ in 0..20 {
        port.alert(PORT_ALERT_UPDATE, 0x10, 1)?;
        check::equal("non-blocking", port.getn(128, 1, Timeout::Poll).nget, 1)?;
        let poller = ctx.spawn(move |sys| -> Result<u32, Errno> {
            let port = Port::at(sys, fd);
            let batch = port.getn(128, 1, Timeout::After(1_000_000 * MSEC));
            batch.result?;
            port.alert(0, 0, 0)?;
            Ok(batch.nget)
        })?;
        check::equal("blocking", poller.join()?, Ok(1))?;
        check::equal("non-blocking", port.getn(128, 1, Timeout::Poll).nget, 0)?;
    }
    Ok(())
}

/// Pending() is 6; slices of four; the last one is short and says ETIME.
fn go_slices(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=6)?;
    check::equal("Pending()", port.queued(), Ok(6))?;
    let batch = port.getn(4, 3, Timeout::After(1));
    check::equal(
        "1st slice",
        (batch.result, batch.users()),
        (Ok(()), vec![1, 2, 3, 4]),
    )?;
    let batch = port.getn(4, 3, Timeout::After(1));
    check::equal(
        "2nd slice",
        (batch.result, batch.users()),
        (Err(Errno::ETIME), vec![5, 6]),
    )?;
    port.send_all(7..=8)?;
    let batch = port.getn(4, 1, Timeout::Never);
    check::equal(
        "3rd slice",
        (batch.result, batch.users()),
        (Ok(()), vec![7, 8]),
    )
}

/// The poller's answer to readiness of an open descriptor that nobody waits for.
fn go_open(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = pipe(ctx)?;
    port.associate_fd(reader, 0, 0x77)?;
    ctx.sys.write(writer, b"data")?;
    expect_quiet("data that nobody asked for", port)?;
    ctx.sys.close(writer)?;
    let hangup = Event::of_fd(reader, poll::HUP, 0x77);
    expect(
        "the peer has gone",
        port.getn(128, 1, Timeout::Never),
        &[hangup],
    )?;
    expect_quiet("one event only", port)
}

/// A thread that wants to read arms the descriptor while two pollers sleep: one of them gets it.
fn go_arm(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = pipe(ctx)?;
    port.associate_fd(reader, 0, 1)?;
    let wait = move |sys: &dyn System| Port::at(sys, fd).getn(128, 1, Timeout::Never);
    let pollers = [ctx.spawn_asleep(wait)?, ctx.spawn_asleep(wait)?];
    ctx.sys.write(writer, b".")?;
    for poller in &pollers {
        ctx.expect_asleep("a poller", poller)?;
    }
    let armed = ctx.spawn(move |sys| Port::at(sys, fd).associate_fd(reader, poll::IN, 2))?;
    armed.join()??;
    ctx.settle();
    let done = pollers.iter().filter(|p| p.done()).count();
    check::equal("pollers that woke up", done, 1)?;
    port.alert(PORT_ALERT_UPDATE, 0x10, 3)?;
    let (mut ready, mut alerts) = (Vec::new(), 0);
    for poller in pollers {
        let batch = poller.join()?;
        check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 1))?;
        match i32::from(batch.events[0].source) {
            source::ALERT => alerts += 1,
            _ => ready.extend(batch.events),
        }
    }
    check::equal("alerts", alerts, 1)?;
    let expected = vec![Event::of_fd(reader, poll::IN, 2)];
    check::equal("ready descriptors", ready, expected)?;
    port.alert(0, 0, 0)?;
    expect_quiet("after the clear", port)
}

/// Both directions are armed; the one that was not delivered is armed again by the poller.
fn go_rearm(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (ours, theirs) = ctx.socketpair()?;
    ctx.sys.set_nonblocking(ours, true)?;
    port.associate_fd(ours, 0, 5)?;
    expect_quiet("an open socket", port)?;
    port.associate_fd(ours, poll::IN | poll::OUT, 5)?;
    let event = |bits| Event::of_fd(ours, bits, 5);
    let batch = port.getn(128, 1, Timeout::Never);
    expect("room to write", batch, &[event(poll::OUT)])?;
    port.associate_fd(ours, poll::IN, 5)?;
    expect_quiet("nothing to read", port)?;
    ctx.sys.write(theirs, b"x")?;
    let batch = port.getn(128, 1, Timeout::Never);
    expect("something to read", batch, &[event(poll::IN)])?;
    check::equal("read", drain(ctx.sys, ours)?, (1, false))?;
    port.associate_fd(ours, 0, 5)?;
    expect_quiet("nobody waits", port)?;
    port.associate_fd(ours, poll::IN | poll::OUT, 5)?;
    ctx.sys.write(theirs, b"y")?;
    let batch = port.getn(128, 1, Timeout::Never);
    check::equal("one event for both", batch.nget, 1)?;
    check::that(
        "room to write is among the bits",
        batch.events[0].events & i32::from(poll::OUT) != 0,
    )
}

/// A descriptor is closed by one thread while another sleeps in the poller: nothing happens there,
/// and the number can be used again at once.
fn go_close(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, writer) = pipe(ctx)?;
    port.associate_fd(reader, 0, 1)?;
    port.associate_fd(reader, poll::IN, 1)?;
    let poller = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(128, 1, Timeout::Never))?;
    let closer = ctx.spawn(move |sys| -> Result<(), Errno> {
        Port::at(sys, fd).dissociate_fd(reader)?;
        sys.close(reader)
    })?;
    closer.join()??;
    ctx.sys.close(writer)?;
    ctx.expect_asleep("the poller", &poller)?;
    let (again, writer) = pipe(ctx)?;
    check::equal("the number of the new pipe", again, reader)?;
    port.associate_fd(again, 0, 2)?;
    ctx.expect_asleep("the poller", &poller)?;
    ctx.sys.write(writer, b".")?;
    port.associate_fd(again, poll::IN, 2)?;
    ctx.expect_done("the poller", &poller)?;
    let expected = Event::of_fd(again, poll::IN, 2);
    expect("the new pipe", poller.join()?, &[expected])
}

/// Data comes in the moment in which the descriptor is armed for the first time: it is reported, by
/// whichever side sees it.
fn go_race(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let jobs = ctx.port()?.fd();
    let peer = ctx.spawn(move |sys| -> Result<(), Errno> {
        loop {
            match Port::at(sys, jobs).get(Timeout::Never)?.user {
                0 => return Ok(()),
                writer => sys.write(writer as i32, b".").map(drop)?,
            }
        }
    })?;
    for tag in 1..=300 {
        let (reader, writer) = pipe(ctx)?;
        Port::at(ctx.sys, jobs).send(1, writer as usize)?;
        if tag % 2 == 0 {
            ctx.sys.pause();
        }
        port.associate_fd(reader, poll::IN, tag)?;
        let expected = Event::of_fd(reader, poll::IN, tag as u64);
        let batch = port.getn(128, 1, Timeout::After(1000 * MSEC));
        expect("the data", batch, &[expected])?;
        ctx.sys.close(reader)?;
        ctx.settle();
        ctx.sys.close(writer)?;
    }
    Port::at(ctx.sys, jobs).send(1, 0)?;
    check::equal("the peer", peer.join()?, Ok(()))
}

/// Connections that a client of the server makes one after the other.
const CONNECTIONS: usize = 40;
/// Requests on each connection.
const REQUESTS: u8 = 3;

/// Which tag is current for a descriptor number: an event with another one is stale.
type Tags = Arc<[AtomicU64]>;

/// Echoes what comes in on the sockets that clients hand over, until an alert.
fn go_poller(sys: &dyn System, fd: i32, tags: &Tags) -> Told {
    let port = Port::at(sys, fd);
    let mut closed = 0;
    loop {
        let batch = port.getn(128, 1, Timeout::Never);
        match batch.result {
            Ok(()) => {}
            Err(Errno::EINTR) => continue,
            Err(other) => return Err(other),
        }
        for event in &batch.events {
            if i32::from(event.source) == source::ALERT {
                return Ok(closed);
            }
            let socket = event.object as i32;
            if tags[socket as usize].load(Ordering::Acquire) != event.user {
                return Err(Errno::EEXIST);
            }
            let (count, end) = drain(sys, socket)?;
            if count > 0 {
                sys.write(socket, &vec![b'.'; count])?;
            }
            if end {
                // The event is out, so the port knows nothing of the socket any more.
                match port.dissociate_fd(socket) {
                    Err(Errno::ENOENT) => {}
                    other => return other.and(Err(Errno::EBUSY)),
                }
                tags[socket as usize].store(0, Ordering::Release);
                sys.close(socket)?;
                closed += 1;
            } else {
                port.associate_fd(socket, poll::IN, event.user as usize)?;
            }
        }
    }
}

/// Opens connections, and has each request answered by one byte.
fn go_client(sys: &dyn System, fd: i32, client: u64, tags: &Tags) -> Told {
    let port = Port::at(sys, fd);
    let mut answers = 0;
    for number in 1..=CONNECTIONS {
        let (socket, own) = sys.socketpair()?;
        sys.set_nonblocking(socket, true)?;
        let tag = client << 16 | number as u64;
        tags[socket as usize].store(tag, Ordering::Release);
        port.associate_fd(socket, 0, tag as usize)?;
        port.associate_fd(socket, poll::IN, tag as usize)?;
        for _ in 0..REQUESTS {
            sys.write(own, b"?")?;
            read_byte(sys, own)?;
            answers += 1;
        }
        sys.close(own)?;
    }
    Ok(answers)
}

/// Pollers and clients, each of several threads; numbers are used again all the time. Every
/// request is answered, every socket is closed once, no event carries the tag of an older one.
fn go_server(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let tags: Tags = (0..512).map(|_| AtomicU64::new(0)).collect();
    let mut pollers = Vec::new();
    for _ in 0..4 {
        let tags = Arc::clone(&tags);
        pollers.push(ctx.spawn(move |sys| go_poller(sys, fd, &tags))?);
    }
    let mut clients = Vec::new();
    for client in 1..=4 {
        let tags = Arc::clone(&tags);
        clients.push(ctx.spawn(move |sys| go_client(sys, fd, client, &tags))?);
    }
    for client in clients {
        let answers = CONNECTIONS as u64 * u64::from(REQUESTS);
        check::equal("answers of a client", client.join()?, Ok(answers))?;
    }
    ctx.settle();
    check::equal("events left while pollers sleep", port.queued(), Ok(0))?;
    port.alert(PORT_ALERT_UPDATE, 0x10, 1)?;
    let mut closed = 0;
    for poller in pollers {
        closed += poller.join()??;
    }
    check::equal("sockets closed", closed, 4 * CONNECTIONS as u64)
}

/// A pipe with both ends associated: one write makes two events of one wait.
fn go_fds(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    port.associate_fd(writer, poll::OUT, 2)?;
    ctx.sys.write(writer, b"x")?;
    check::equal("Pending()", port.queued(), Ok(2))?;
    let mut batch = port.getn(4, 1, Timeout::Never);
    batch.events.sort_by_key(|e| e.user);
    let expected = [
        Event::of_fd(reader, poll::IN, 1),
        Event::of_fd(writer, poll::OUT, 2),
    ];
    expect("both ends", batch, &expected)?;
    check::equal("Pending()", port.queued(), Ok(0))
}
