//! What programs in the field do with a port: wakeups, teardown, backlog (C1, C2, C11, C14, C16,
//! C17, C27).

use super::ksource::queue_with;
use super::prelude::*;
use crate::{Answer, PORT_ALERT_UPDATE};

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
    case(
        "consumer.c11_backlog_taken_by_somebody_else",
        "C11 S59 S62",
        lighttpd,
    )
    .both(),
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
    case("consumer.c16_user_event_comes_last", "C16 S96 D3", nng).needs(Caps::KSOURCE),
    case(
        "consumer.c16_user_event_comes_last_under_load",
        "C16 S96 D3",
        nng_load,
    )
    .needs(Caps::KSOURCE),
    case("consumer.c16_send_retries_on_eagain", "C16 S51", nng_eagain).needs(Caps::RCTL),
    case(
        "consumer.c17_each_send_feeds_one_thread",
        "C17 S73",
        java_channels,
    ),
    case(
        "consumer.c17_wakeup_by_user_event",
        "C17 S51",
        java_selector,
    )
    .both(),
    case("consumer.c27_prefork_workers", "C27 S79 S81", prefork),
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

/// lighttpd asks for the backlog and waits for as many; another thread took three of five.
fn lighttpd(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send_all(1..=5)?;
    let backlog = port.queued()?;
    check::equal("backlog", backlog, 5)?;
    let other = ctx.spawn(move |sys| Port::at(sys, fd).getn(3, 3, Timeout::Never).users())?;
    check::equal("events of the other thread", other.join()?, vec![1, 2, 3])?;
    let batch = port.getn(16, backlog, Timeout::After(50 * MSEC));
    check::equal(
        "port_getn",
        (batch.result, batch.users()),
        (Err(Errno::ETIME), vec![4, 5]),
    )
}

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

/// AsynchronousChannelGroup: N threads in `port_get`, N sends end them, one each.
fn java_channels(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let threads = 12;
    let mut tasks = Vec::new();
    for _ in 0..threads {
        tasks.push(ctx.spawn_asleep(move |sys| {
            let mut fed = 0;
            loop {
                match Port::at(sys, fd).get(Timeout::Never) {
                    Ok(event) if event.user == 0 => return Ok(fed),
                    Ok(_) => fed += 1,
                    Err(errno) => return Err(errno),
                }
            }
        })?);
    }
    port.send_all(1..=200)?;
    ctx.settle();
    check::equal(
        "threads that ended early",
        tasks.iter().filter(|t| t.done()).count(),
        0,
    )?;
    for stopped in 1..=threads {
        port.send(1, 0)?;
        ctx.settle();
        check::equal(
            "threads ended",
            tasks.iter().filter(|t| t.done()).count(),
            stopped,
        )?;
    }
    let mut fed = 0;
    for task in tasks {
        fed += task.join()??;
    }
    check::equal("tasks run", fed, 200)?;
    ctx.expect_queue(port, &[])
}

/// EventPortSelectorImpl: a selector wakes up by a user event; several wakeups may queue up.
fn java_selector(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let selector = ctx
        .spawn_asleep(move |sys| Port::at(sys, fd).getn(1024, 1, Timeout::After(10_000 * MSEC)))?;
    for _ in 0..3 {
        port.send(-1, 0)?;
    }
    let batch = selector.join()?;
    check::equal("result", batch.result, Ok(()))?;
    check::within("wakeups seen at once", batch.nget, 1, 3)?;
    let rest = port.getn(1024, 1, Timeout::Poll);
    check::equal("wakeups in all", batch.nget + rest.nget, 3)?;
    check::that("all are user events", {
        batch
            .events
            .iter()
            .chain(&rest.events)
            .all(|e| e.source == source::USER as u16)
    })
}

/// Workers of a prefork server share one port: user events and alerts reach them, the parent's
/// private events do not, and a worker that ends takes nothing with it.
fn prefork(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.dispatch(0, source::AIO, 1, 0, 500)?;
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(ctx.fork_asleep(move |ctx| {
            let mut jobs = 0;
            loop {
                let event = Port::at(ctx.sys, fd).get(Timeout::Never)?;
                match event.source {
                    3 if event.user == 0 => return Ok(jobs),
                    3 => jobs += 1,
                    other => check::equal("source of a worker's event", other, 3)?,
                }
            }
        })?);
    }
    port.send_all(1..=30)?;
    ctx.settle();
    port.send(1, 0)?;
    ctx.settle();
    // One worker has gone, with its descriptor; the others go on.
    port.send_all(31..=60)?;
    ctx.settle();
    port.send_all([0, 0])?;
    let mut jobs = 0;
    for worker in workers {
        jobs += worker.wait()?;
    }
    check::equal("jobs done", jobs, 60)?;
    ctx.expect_queue(port, &[500])
}
