//! Event loops: how programs call `port_getn`, and what they make of ETIME and EINTR (C3, C5-C10,
//! C13, C15, C18).

use super::prelude::*;
use crate::{PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case("consumer.c3_batches_until_empty", "C3 S56", libuv).both(),
    case("consumer.c4_drains_one_by_one", "C4 S56", libuv_fs).both(),
    case("consumer.c5_growing_list", "C5 S60", libevent).both(),
    case(
        "consumer.c6_preset_list_is_untouched_by_etime",
        "C6 S59",
        libev,
    )
    .both(),
    case(
        "consumer.c7_drops_events_that_come_with_etime",
        "C7 C8 C9 D7",
        drops_etime,
    ),
    case("consumer.c7_waker_through_a_dup", "C7 S82", mio_waker).both(),
    case("consumer.c8_notify_key", "C8 S51", polling).both(),
    case("consumer.c9_sources_in_one_batch", "C9 S96", nginx).both(),
    case("consumer.c10_n_is_a_minimum", "C10 S60 S59", haproxy).both(),
    case("consumer.c10_port_per_thread", "C10 S51", haproxy_threads),
    case("consumer.c10_new_port_after_fork", "C10 S82", haproxy_fork),
    case("consumer.c13_eintr_leaves_the_preset", "C13 S8 S70", apr).both(),
    case("consumer.c15_event_at_half_time", "C15 S59", twemproxy).both(),
    case("consumer.c18_poll_then_getn", "C18 S17", watchman),
    case("consumer.c20_threads_and_injections", "C20 S73", libvarpd),
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

/// libevent doubles its list whenever it came back full.
fn libevent(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(0..9)?;
    let first = port.getn(8, 1, Timeout::Never);
    check::equal("full list of 8", first.users(), (0..8).collect())?;
    port.send_all(9..17)?;
    let second = port.getn(16, 1, Timeout::Never);
    check::equal("list of 16", second.users(), (8..17).collect())
}

/// libev presets a source of 0 and looks at n entries after ETIME.
fn libev(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let batch = port.getn(64, 1, Timeout::After(MSEC));
    check::equal(
        "port_getn",
        (batch.result, batch.nget),
        (Err(Errno::ETIME), 0),
    )?;
    check::that("the list is untouched", batch.rest_untouched)
}

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

/// Events of several sources in one list, each with its own cookie.
fn nginx(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.dispatch(0, source::AIO, 5, 6, 7)?;
    port.send(8, 9)?;
    port.dispatch(0, source::MQ, 10, 11, 12)?;
    let batch = port.getn(32, 1, Timeout::Never);
    let expected = vec![
        Event::new(source::AIO, 5, 6, 7),
        Event::new(source::USER, 8, 0, 9),
        Event::new(source::MQ, 10, 11, 12),
    ];
    check::equal("events", batch.events, expected)
}

/// Three queued: n = 1 returns three at once; n = 32 waits and returns three with ETIME.
fn haproxy(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    let before = ctx.sys.now();
    let batch = port.getn(32, 1, Timeout::After(1000 * MSEC));
    check::equal(
        "n = 1",
        (batch.result, batch.users()),
        (Ok(()), vec![1, 2, 3]),
    )?;
    check::within("time spent", ctx.sys.now() - before, 0, 900 * MSEC)?;
    port.send_all(4..=6)?;
    let before = ctx.sys.now();
    let batch = port.getn(32, 32, Timeout::After(50 * MSEC));
    check::equal(
        "n = 32",
        (batch.result, batch.users()),
        (Err(Errno::ETIME), vec![4, 5, 6]),
    )?;
    check::that("50 ms have passed", ctx.sys.now() - before >= 50 * MSEC)
}

/// Each thread has its port; the others send to it.
fn haproxy_threads(ctx: &Ctx<'_>) -> Verdict {
    let ports = [ctx.port()?, ctx.port()?, ctx.port()?];
    let fds = ports.map(|p| p.fd());
    let rounds = 100_usize;
    let mut tasks = Vec::new();
    for own in 0..3_usize {
        tasks.push(ctx.spawn(move |sys| -> Result<u64, Errno> {
            let mut sum = 0;
            let mut taken = 0;
            for round in 0..rounds {
                Port::at(sys, fds[(own + 1) % 3]).send(1, round)?;
                while taken <= round {
                    let batch = Port::at(sys, fds[own]).getn(32, 1, Timeout::Never);
                    batch.result?;
                    taken += batch.nget as usize;
                    sum += batch.users().iter().sum::<u64>();
                }
            }
            Ok(sum)
        })?);
    }
    for task in tasks {
        check::equal("sum of the events", task.join()??, 4950)?;
    }
    Ok(())
}

/// A child closes the inherited port and makes its own; the parent's works on.
fn haproxy_fork(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send(1, 1)?;
    let child = ctx.fork(move |ctx| {
        ctx.sys.close(fd)?;
        let own = ctx.port()?;
        check::equal("the child's own port is empty", own.queued(), Ok(0))?;
        own.send(1, 50)?;
        check::equal("event", own.get(Timeout::Poll)?.user, 50)?;
        Ok(0)
    })?;
    child.wait()?;
    port.send(1, 2)?;
    ctx.expect_queue(port, &[1, 2])
}

/// APR presets list[0] and accepts an event with EINTR only when that changed.
fn apr(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let poller = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 1, Timeout::Never))?;
    poller.signal()?;
    ctx.expect_done("port_getn", &poller)?;
    let batch = poller.join()?;
    check::equal(
        "port_getn",
        (batch.result, batch.nget),
        (Err(Errno::EINTR), 1),
    )?;
    check::that("list[0] still holds the preset", batch.rest_untouched)?;
    let poller = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 1, Timeout::Never))?;
    port.send(1, 3)?;
    ctx.expect_done("port_getn", &poller)?;
    check::equal("events", poller.join()?.users(), vec![3])
}

/// An event at 10 ms of 20 ms.
fn twemproxy(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let sender = ctx.spawn(move |sys| {
        sys.sleep(10 * MSEC);
        Port::at(sys, fd).send(1, 1)
    })?;
    let batch = port.getn(8, 1, Timeout::After(20 * MSEC));
    check::equal(
        "port_getn",
        (batch.result, batch.users()),
        (Ok(()), vec![1]),
    )?;
    sender.join()??;
    let batch = port.getn(8, 1, Timeout::After(20 * MSEC));
    check::equal(
        "port_getn",
        (batch.result, batch.nget),
        (Err(Errno::ETIME), 0),
    )
}

/// Two ports in one poll(2), then a getn that waits for ever on the readable one.
fn watchman(ctx: &Ctx<'_>) -> Verdict {
    let ports = [ctx.port()?, ctx.port()?];
    let fds = ports.map(|p| p.fd());
    let total = 100_usize;
    let sender = ctx.spawn(move |sys| -> Result<(), Errno> {
        for user in 0..total {
            Port::at(sys, fds[user % 2]).send(1, user)?;
            sys.sleep(MSEC / 10);
        }
        Ok(())
    })?;
    let mut users = Vec::new();
    while users.len() < total {
        let mut entries = fds.map(|fd| PollFd::new(fd, poll::IN));
        ctx.sys.poll(&mut entries, None)?;
        for (port, entry) in ports.iter().zip(entries) {
            if entry.revents & poll::IN != 0 {
                users.extend(port.getn(8, 1, Timeout::Never).users());
            }
        }
    }
    sender.join()??;
    users.sort_unstable();
    check::equal("events", users, (0..total as u64).collect())
}

/// 2*ncpu+1 daemon threads in `port_get`, injections from four others: the count is exact.
fn libvarpd(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (daemons, senders, each) = (9, 4, 500_usize);
    let mut takers = Vec::new();
    for _ in 0..daemons {
        takers.push(ctx.spawn(move |sys| -> Result<u64, Errno> {
            let mut count = 0;
            while Port::at(sys, fd).get(Timeout::Never)?.events != 2 {
                count += 1;
            }
            Ok(count)
        })?);
    }
    let mut tasks = Vec::new();
    for _ in 0..senders {
        tasks.push(ctx.spawn(move |sys| Port::at(sys, fd).send_all(0..each))?);
    }
    for task in tasks {
        task.join()??;
    }
    for _ in 0..daemons {
        port.send(2, 0)?;
    }
    let mut count = 0;
    for taker in takers {
        count += taker.join()??;
    }
    check::equal("events", count, (senders * each) as u64)?;
    ctx.expect_queue(port, &[])
}
