//! Closing a port (S71, S81, S82).

use super::prelude::*;
use crate::PORT_SHARE_EVENT;

pub(super) const CASES: &[Case] = &[
    case("close.waiting_get_gives_ebadf", "S71 C14", waiting_get).both(),
    case(
        "close.waiting_getn_gives_ebadf_and_leaves_n",
        "S71 S8 C14",
        waiting_getn,
    )
    .both(),
    case("close.all_waiters_return", "S71 D18", all_waiters),
    case(
        "close.blocked_dispatch_returns",
        "S71 S91",
        blocked_dispatch,
    )
    .needs(Caps::RCTL),
    case("close.discards_queued_events", "S82", discards)
        .both()
        .needs(Caps::KSTAT),
    case(
        "close.new_port_on_the_same_number_is_empty",
        "S82",
        same_number,
    )
    .both(),
    case("close.twice_gives_ebadf", "S11 S82", twice).both(),
    case("close.every_call_gives_ebadf_afterwards", "S11", every_call).both(),
    case("close.during_alert_mode", "S82 S77", during_alert),
    case(
        "close.by_another_process_keeps_the_port",
        "S81 S82",
        by_child,
    ),
    case(
        "close.by_another_process_keeps_the_waiters",
        "S81",
        by_child_waiters,
    ),
    case(
        "close.d14_drops_events_of_the_closing_process",
        "S81 D14",
        drops_own,
    )
    .both(),
    case(
        "close.keeps_shareable_events_of_the_closing_process",
        "S81 S79",
        keeps_shareable,
    ),
    case(
        "close.dropped_events_free_their_slots",
        "S81 D14",
        frees_slots,
    )
    .needs(Caps::RCTL),
    case("close.exit_of_a_process_is_a_close", "S81 S97", exit),
    case("close.race_with_senders", "S71 S82", race_senders),
    case("close.race_with_takers", "S71 S82", race_takers),
];

/// A thread in `port_get` returns at once.
fn waiting_get(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    port.close()?;
    ctx.expect_done("port_get", &waiter)?;
    check::refused("port_get", waiter.join()?, Errno::EBADF)
}

/// A thread in `port_getn` returns at once; `n` and list are as before.
fn waiting_getn(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send(1, 1)?;
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 3, Timeout::Never))?;
    port.close()?;
    ctx.expect_done("port_getn", &waiter)?;
    let batch = waiter.join()?;
    check::equal(
        "port_getn",
        (batch.result, batch.nget),
        (Err(Errno::EBADF), 3),
    )?;
    check::that("the list is untouched", batch.rest_untouched)
}

/// Eight threads, with and without time-out.
fn all_waiters(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut waiters = Vec::new();
    for number in 0..8 {
        waiters.push(ctx.spawn_asleep(move |sys| {
            let port = Port::at(sys, fd);
            match number % 4 {
                0 => port.get(Timeout::Never).map(drop),
                1 => port.get(Timeout::After(1_000_000 * MSEC)).map(drop),
                2 => port.getn(8, 2, Timeout::Never).result,
                _ => port.getn(8, 1, Timeout::After(1_000_000 * MSEC)).result,
            }
        })?);
    }
    port.close()?;
    for waiter in waiters {
        ctx.expect_done("a waiter", &waiter)?;
        check::refused("a waiter", waiter.join()?, Errno::EBADF)?;
    }
    Ok(())
}

/// A thread that waits for a slot returns.
fn blocked_dispatch(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(1)?;
    let fd = port.fd();
    port.send(1, 1)?;
    let sender =
        ctx.spawn_asleep(move |sys| Port::at(sys, fd).dispatch(0, source::AIO, 1, 2, 3))?;
    port.close()?;
    ctx.expect_done("_port_dispatch", &sender)?;
    check::refused("_port_dispatch", sender.join()?, Errno::EBADF)
}

/// Queued events go with the port.
fn discards(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let port = ctx.port()?;
    port.send_all(0..1000)?;
    port.dispatch(0, source::AIO, 1, 2, 3)?;
    port.close()?;
    check::equal("kstat", ctx.sys.ports_kstat()?, before)
}

/// The number is free and the next port has no history.
fn same_number(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    port.alert(1, 1, 1)?;
    port.close()?;
    let next = ctx.port()?;
    check::equal("descriptor", next.fd(), port.fd())?;
    ctx.expect_queue(next, &[])?;
    next.send(1, 4)?;
    ctx.expect_queue(next, &[4])
}

/// The second close is EBADF.
fn twice(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.close()?;
    check::refused("2nd close", port.close(), Errno::EBADF)
}

/// No operation reaches a closed port.
fn every_call(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 1)?;
    port.close()?;
    check::refused("port_send", port.send(1, 1), Errno::EBADF)?;
    check::refused("port_get", port.get(Timeout::Poll), Errno::EBADF)?;
    check::refused(
        "port_getn",
        port.getn(1, 1, Timeout::Poll).result,
        Errno::EBADF,
    )?;
    check::refused("port_getn(max 0)", port.queued(), Errno::EBADF)?;
    check::refused("port_alert", port.alert(1, 1, 1), Errno::EBADF)?;
    check::refused("_port_dispatch", port.dispatch(0, 1, 1, 1, 1), Errno::EBADF)?;
    check::refused(
        "port_associate",
        port.associate(source::USER, 1, 1, 1),
        Errno::EBADF,
    )?;
    check::refused(
        "port_dissociate",
        port.dissociate(source::USER, 1),
        Errno::EBADF,
    )?;
    let sent = Port::sendn(ctx.sys, &[port.fd()], 1, 1)?;
    check::equal("port_sendn", sent.result, Ok(0))?;
    check::equal("errors[]", sent.errors, vec![Some(Errno::EBADF.0)])
}

/// An alert is no reason to stay.
fn during_alert(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    port.alert(1, 1, 1)?;
    port.close()?;
    ctx.expect_done("port_get", &waiter)?;
    match waiter.join()? {
        Ok(event) => check::equal("event", event.source, source::ALERT as u16),
        Err(errno) => check::equal("port_get", errno, Errno::EBADF),
    }
}

/// Events and port stay when a child closes its descriptor.
fn by_child(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send_all(1..=2)?;
    port.dispatch(0, source::AIO, 1, 0, 3)?;
    let child = ctx.fork(move |ctx| {
        Port::at(ctx.sys, fd).close()?;
        Ok(0)
    })?;
    child.wait()?;
    port.send(1, 4)?;
    ctx.expect_queue(port, &[1, 2, 3, 4])
}

/// Threads of the parent go on waiting.
fn by_child_waiters(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let child = ctx.fork(move |ctx| {
        Port::at(ctx.sys, fd).close()?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_asleep("the parent's port_get", &waiter)?;
    port.send(1, 1)?;
    check::equal("event", waiter.join()??.user, 1)
}

/// Events that only the closing process could take are gone: not counted, not readable, not there.
fn drops_own(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send(1, 1)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        port.dispatch(0, source::AIO, 1, 0, 2)?;
        port.dispatch(0, source::MQ, 1, 0, 3)?;
        check::equal("queue length for the child", port.queued(), Ok(3))?;
        port.close()?;
        Ok(0)
    })?;
    child.wait()?;
    port.send(1, 4)?;
    ctx.expect_queue(port, &[1, 4])
}

/// What everybody may take stays.
fn keeps_shareable(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        port.send(1, 1)?;
        port.dispatch(0, source::AIO, 1, 0, 2)?;
        port.dispatch(PORT_SHARE_EVENT, source::AIO, 1, 0, 3)?;
        port.close()?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_queue(port, &[1, 3])
}

/// Dropped events do not fill the port for ever.
fn frees_slots(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(3)?;
    let fd = port.fd();
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        for user in 1..=3 {
            port.dispatch(0, source::AIO, 1, 0, user)?;
        }
        port.close()?;
        Ok(0)
    })?;
    child.wait()?;
    let batch = port.getn(4, 1, Timeout::Poll);
    check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 0))?;
    port.send_all(1..=3)?;
    check::refused("4th port_send", port.send(1, 4), Errno::EAGAIN)?;
    ctx.expect_queue(port, &[1, 2, 3])
}

/// A child that exits without closing.
fn exit(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        port.send(1, 1)?;
        port.dispatch(0, source::AIO, 1, 0, 2)?;
        port.alert(1, 1, 1)?;
        Ok(0)
    })?;
    child.wait()?;
    check::equal(
        "alert mode",
        port.get(Timeout::Poll)?.source,
        source::USER as u16,
    )?;
    ctx.expect_queue(port, &[])
}

/// Senders see success or EBADF, and the last close waits for nobody.
fn race_senders(ctx: &Ctx<'_>) -> Verdict {
    for _ in 0..20 {
        let port = ctx.port()?;
        let fd = port.fd();
        let mut senders = Vec::new();
        for _ in 0..3 {
            senders.push(ctx.spawn(move |sys| {
                loop {
                    match Port::at(sys, fd).send(1, 1) {
                        Ok(()) | Err(Errno::EAGAIN) => sys.pause(),
                        Err(errno) => return errno,
                    }
                }
            })?);
        }
        ctx.sys.pause();
        port.close()?;
        for sender in senders {
            check::equal("port_send", sender.join()?, Errno::EBADF)?;
        }
    }
    Ok(())
}

/// Takers see events, then EBADF.
fn race_takers(ctx: &Ctx<'_>) -> Verdict {
    for _ in 0..20 {
        let port = ctx.port()?;
        let fd = port.fd();
        let mut takers = Vec::new();
        for _ in 0..3 {
            takers.push(ctx.spawn(move |sys| {
                loop {
                    if let Err(errno) = Port::at(sys, fd).get(Timeout::Never) {
                        return errno;
                    }
                }
            })?);
        }
        port.send_all(0..30)?;
        ctx.sys.pause();
        port.close()?;
        for taker in takers {
            check::equal("port_get", taker.join()?, Errno::EBADF)?;
        }
    }
    Ok(())
}
