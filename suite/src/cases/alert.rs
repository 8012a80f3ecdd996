//! Alert mode: delivery (S76, S77, C1, C23).

use super::prelude::*;
use crate::{PORT_ALERT_SET, PORT_ALERT_UPDATE};

pub(super) const CASES: &[Case] = &[
    case("alert.get_returns_it_again_and_again", "S77 S9 D21", get).both(),
    case("alert.getn_returns_one_event", "S77", getn).both(),
    case("alert.comes_before_queued_events", "S77 S53", before_events).both(),
    case("alert.cleared_port_is_as_before", "S75", cleared).both(),
    case("alert.wakes_every_waiter", "S76 C1 C23", wakes_all).both(),
    case(
        "alert.reaches_waiters_although_cleared",
        "S76",
        cleared_at_once,
    ),
    case(
        "alert.second_set_does_not_change_the_first",
        "S76",
        second_set,
    ),
    case(
        "alert.waiter_for_many_gets_one_event",
        "S76 S77",
        large_waiter,
    )
    .both(),
    case("alert.waiter_with_a_bad_buffer", "S76 D22", bad_buffer),
    case("alert.d20_copied_without_a_lock", "S77 D20", no_lock).both(),
    case("alert.d21_padding_is_zero", "D21 S77", padding).both(),
    case("alert.keeps_any_user_value", "S74 S94", user_values).both(),
    case("alert.bad_descriptors", "S11 S9", bad_descriptors).both(),
    case(
        "alert.events_sent_meanwhile_come_later",
        "S53",
        sent_meanwhile,
    )
    .both(),
    case(
        "alert.partial_wait_leaves_its_events",
        "S76 S53",
        partial_wait,
    ),
    case("alert.beside_senders_and_takers", "S76 S77 C26", stress),
];

/// Fields, and that it stays.
fn get(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.alert(PORT_ALERT_SET, 0x77, 0x1234)?;
    for timeout in [
        Timeout::Never,
        Timeout::Poll,
        Timeout::After(1000 * MSEC),
        Timeout::Never,
    ] {
        let event = port.get(timeout)?;
        check::equal("alert", event, Event::new(source::ALERT, 0x77, 0, 0x1234))?;
    }
    Ok(())
}

/// One event whatever n and max are; the rest of the list is untouched.
fn getn(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.alert(PORT_ALERT_SET, 1, 2)?;
    for (max, n) in [(1, 1), (8, 1), (8, 8), (100, 50)] {
        let batch = port.getn(max, n, Timeout::Never);
        let alert = Event::new(source::ALERT, 1, 0, 2);
        check::equal(
            "port_getn",
            (batch.result, batch.events),
            (Ok(()), vec![alert]),
        )?;
        check::that("the rest of the list is untouched", batch.rest_untouched)?;
    }
    Ok(())
}

/// Queued events are hidden and kept.
fn before_events(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    port.alert(PORT_ALERT_SET, 1, 9)?;
    check::equal("port_get", port.get(Timeout::Poll)?.user, 9)?;
    check::equal("port_getn", port.getn(8, 3, Timeout::Poll).users(), vec![9])?;
    check::equal("queue length", port.queued(), Ok(3))?;
    port.alert(0, 0, 0)?;
    ctx.expect_queue(port, &[1, 2, 3])
}

/// After the end of alert mode the port waits again.
fn cleared(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.alert(PORT_ALERT_SET, 1, 1)?;
    port.alert(0, 0, 0)?;
    check::refused("port_get", port.get(Timeout::Poll), Errno::ETIME)?;
    check::refused("port_get", port.get(Timeout::After(MSEC)), Errno::ETIME)?;
    let batch = port.getn(4, 1, Timeout::Poll);
    check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 0))
}

/// Everybody who waits returns with the alert.
fn wakes_all(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut waiters = Vec::new();
    for _ in 0..3 {
        waiters.push(ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?);
    }
    let timed = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::After(1000 * MSEC)))?;
    waiters.push(timed);
    let list = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(128, 1, Timeout::Never))?;
    port.alert(PORT_ALERT_UPDATE, 0x10, 0x20)?;
    let alert = Event::new(source::ALERT, 0x10, 0, 0x20);
    for waiter in waiters {
        ctx.expect_done("a waiter", &waiter)?;
        check::equal("alert", waiter.join()?, Ok(alert))?;
    }
    ctx.expect_done("port_getn", &list)?;
    let batch = list.join()?;
    check::equal(
        "port_getn",
        (batch.result, batch.events),
        (Ok(()), vec![alert]),
    )?;
    check::equal("alert afterwards", port.get(Timeout::Poll), Ok(alert))
}

/// Set and cleared before they could run: they return all the same.
fn cleared_at_once(ctx: &Ctx<'_>) -> Verdict {
    for _ in 0..50 {
        let port = ctx.port()?;
        let fd = port.fd();
        let wait = move |sys: &dyn System| Port::at(sys, fd).get(Timeout::Never);
        let waiters = [
            ctx.spawn_asleep(wait)?,
            ctx.spawn_asleep(wait)?,
            ctx.spawn_asleep(wait)?,
        ];
        port.alert(PORT_ALERT_SET, 3, 4)?;
        port.alert(0, 0, 0)?;
        for waiter in waiters {
            ctx.expect_done("a waiter", &waiter)?;
            check::equal(
                "alert",
                waiter.join()?,
                Ok(Event::new(source::ALERT, 3, 0, 4)),
            )?;
        }
        check::refused("port_get afterwards", port.get(Timeout::Poll), Errno::ETIME)?;
        port.close()?;
    }
    Ok(())
}

/// Woken threads report the alert that woke them.
fn second_set(ctx: &Ctx<'_>) -> Verdict {
    for _ in 0..50 {
        let port = ctx.port()?;
        let fd = port.fd();
        let wait = move |sys: &dyn System| Port::at(sys, fd).get(Timeout::Never);
        let waiters = [ctx.spawn_asleep(wait)?, ctx.spawn_asleep(wait)?];
        port.alert(PORT_ALERT_SET, 1, 1)?;
        port.alert(PORT_ALERT_SET, 2, 2)?;
        for waiter in waiters {
            ctx.expect_done("a waiter", &waiter)?;
            check::equal(
                "alert",
                waiter.join()?,
                Ok(Event::new(source::ALERT, 1, 0, 1)),
            )?;
        }
        let now = port.get(Timeout::Poll);
        check::equal(
            "alert afterwards",
            now,
            Ok(Event::new(source::ALERT, 2, 0, 2)),
        )?;
        port.close()?;
    }
    Ok(())
}

/// `*nget` is 1 whatever the thread waited for.
fn large_waiter(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(16, 10, Timeout::Never))?;
    port.alert(PORT_ALERT_SET, 1, 2)?;
    let batch = waiter.join()?;
    check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 1))?;
    check::equal(
        "events",
        batch.events,
        vec![Event::new(source::ALERT, 1, 0, 2)],
    )?;
    check::that("the rest of the list is untouched", batch.rest_untouched)
}

/// EFAULT for the thread with the bad buffer only; the alert stays.
fn bad_buffer(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send(1, 1)?;
    let good = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(4, 2, Timeout::Never))?;
    let bad = ctx.spawn_asleep(move |sys| -> Result<_, Errno> {
        let buf = UserBuf::read_only(sys, 64, &[])?;
        let mut nget = 2;
        let got = Port::at(sys, fd).getn_raw(buf.addr(), 2, Some(&mut nget), 0);
        Ok((got, nget))
    })?;
    port.alert(PORT_ALERT_SET, 1, 5)?;
    check::equal(
        "port_getn, bad buffer",
        bad.join()??,
        (Err(Errno::EFAULT), 2),
    )?;
    check::equal("port_getn, good buffer", good.join()?.users(), vec![5])?;
    check::equal("the alert", port.get(Timeout::Poll)?.user, 5)?;
    port.alert(0, 0, 0)?;
    ctx.expect_queue(port, &[1])
}

/// The copy to user memory holds no lock (a system under test that watches it would stop), so
/// senders go on.
fn no_lock(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.alert(PORT_ALERT_SET, 1, 2)?;
    check::equal("at once", port.get(Timeout::Poll)?.user, 2)?;
    check::equal("at once", port.getn(2, 1, Timeout::Poll).users(), vec![2])?;
    port.alert(0, 0, 0)?;
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    port.alert(PORT_ALERT_SET, 1, 3)?;
    check::equal("after a wait", waiter.join()??.user, 3)
}

/// The two bytes behind the source number hold nothing of the kernel.
fn padding(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    port.alert(PORT_ALERT_SET, 1, 2)?;
    check::equal("portev_pad after a wait", waiter.join()??.pad, 0)?;
    check::equal("portev_pad of port_get", port.get(Timeout::Poll)?.pad, 0)?;
    check::equal(
        "portev_pad of port_getn",
        port.getn(1, 1, Timeout::Poll).events[0].pad,
        0,
    )
}

/// Events and user value as given.
fn user_values(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for (events, user) in [
        (-1, usize::MAX),
        (i32::MIN, 0),
        (1, 0x8000_0000),
        (i32::MAX, 1),
    ] {
        port.alert(PORT_ALERT_SET, events, user)?;
        let user = ctx.sys.model().truncate(user as u64);
        let event = port.get(Timeout::Poll)?;
        check::equal("alert", event, Event::new(source::ALERT, events, 0, user))?;
    }
    Ok(())
}

/// EBADF, EBADFD.
fn bad_descriptors(ctx: &Ctx<'_>) -> Verdict {
    let (null, closed) = (ctx.null()?, ctx.closed()?);
    for (fd, errno) in [
        (-1, Errno::EBADF),
        (closed, Errno::EBADF),
        (null, Errno::EBADFD),
    ] {
        for (flags, events) in [(PORT_ALERT_SET, 1), (0, 0), (PORT_ALERT_UPDATE, 1), (9, 9)] {
            let set = Port::at(ctx.sys, fd).alert(flags, events, 1);
            check::refused(format!("port_alert on {fd}"), set, errno)?;
        }
    }
    Ok(())
}

/// Events of all senders wait for the end of alert mode, in order.
fn sent_meanwhile(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 1)?;
    port.alert(PORT_ALERT_SET, 1, 9)?;
    port.send(1, 2)?;
    port.dispatch(0, source::MQ, 1, 0, 3)?;
    Port::sendn(ctx.sys, &[port.fd()], 1, 4)?.result?;
    check::equal("port_get", port.get(Timeout::Poll)?.user, 9)?;
    port.alert(0, 0, 0)?;
    ctx.expect_queue(port, &[1, 2, 3, 4])
}

/// A thread that waited for more events than are queued returns with the alert alone.
fn partial_wait(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send_all(1..=2)?;
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 5, Timeout::Never))?;
    port.alert(PORT_ALERT_SET, 1, 9)?;
    check::equal("port_getn", waiter.join()?.users(), vec![9])?;
    port.alert(0, 0, 0)?;
    ctx.expect_queue(port, &[1, 2])
}

/// Alerts set and cleared while threads send and take: each event arrives once.
fn stress(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let total = 400_usize;
    let mut takers = Vec::new();
    for _ in 0..3 {
        takers.push(ctx.spawn(move |sys| -> Result<Vec<u64>, Errno> {
            let mut users = Vec::new();
            loop {
                let event = Port::at(sys, fd).get(Timeout::Never)?;
                if event.source == source::ALERT as u16 {
                    if event.events == 2 {
                        return Ok(users);
                    }
                    sys.pause();
                } else {
                    users.push(event.user);
                }
            }
        })?);
    }
    for user in 0..total {
        port.send(1, user)?;
        if user % 16 == 0 {
            port.alert(PORT_ALERT_SET, 1, 1)?;
            port.alert(0, 0, 0)?;
        }
    }
    ctx.settle();
    check::equal("queue length", port.queued(), Ok(0))?;
    port.alert(PORT_ALERT_SET, 2, 2)?;
    let mut users = Vec::new();
    for taker in takers {
        users.extend(taker.join()??);
    }
    users.sort_unstable();
    check::equal("events", users, (0..total as u64).collect())
}
