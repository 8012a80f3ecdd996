//! Signals and the close of a descriptor while threads wait.

use super::prelude::*;
use crate::{Fault, PORT_ALERT_SET};

pub(super) const CASES: &[Case] = &[
    case("interrupt.get_gives_eintr", "S12 S70", get).both(),
    case(
        "interrupt.getn_gives_eintr_and_leaves_n",
        "S8 S12 S70 C13",
        getn,
    )
    .both(),
    case("interrupt.no_event_is_lost", "S70", nothing_lost).both(),
    case("interrupt.partial_events_stay_queued", "S70 S8", partial).both(),
    case("interrupt.other_waiters_stay", "S70", others),
    case("interrupt.wait_can_be_repeated", "S70 C2", repeat),
    case("interrupt.timed_wait", "S70 S58", timed),
    case("interrupt.at_each_sleep", "S70 D2", at_each_sleep).needs(Caps::FAULTS),
    case("interrupt.spurious_wakeup_is_no_event", "S80 D6", spurious).needs(Caps::FAULTS),
    case("interrupt.signal_and_event_together", "S70 D2", together),
    case(
        "interrupt.signal_and_alert_together",
        "S70 S76",
        alert_together,
    ),
];

/// -1/EINTR, nothing written.
fn get(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| -> Result<_, Errno> {
        let list = EventList::new(sys, 1)?;
        let got = Port::at(sys, fd).get_at(list.addr(), Timeout::Never);
        Ok((got, list.untouched_from(0)))
    })?;
    waiter.signal()?;
    ctx.expect_done("port_get", &waiter)?;
    let (got, untouched) = waiter.join()??;
    check::refused("port_get", got, Errno::EINTR)?;
    check::that("the buffer is untouched", untouched)
}

/// -1/EINTR, `n` and the list as before.
fn getn(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 3, Timeout::Never))?;
    waiter.signal()?;
    ctx.expect_done("port_getn", &waiter)?;
    let batch = waiter.join()?;
    check::equal(
        "port_getn",
        (batch.result, batch.nget),
        (Err(Errno::EINTR), 3),
    )?;
    check::that("the list is untouched", batch.rest_untouched)
}

/// An event sent after the signal is still there.
fn nothing_lost(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    waiter.signal()?;
    ctx.settle();
    port.send(1, 1)?;
    check::refused("port_get", waiter.join()?, Errno::EINTR)?;
    ctx.expect_queue(port, &[1])
}

/// Fewer events than wanted are not taken by an interrupted wait.
fn partial(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send_all(1..=2)?;
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 3, Timeout::Never))?;
    waiter.signal()?;
    let batch = waiter.join()?;
    check::equal(
        "port_getn",
        (batch.result, batch.nget),
        (Err(Errno::EINTR), 3),
    )?;
    ctx.expect_queue(port, &[1, 2])
}

/// A signal is for one thread only.
fn others(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let wait = move |sys: &dyn System| Port::at(sys, fd).get(Timeout::Never);
    let (a, b, c) = (
        ctx.spawn_asleep(wait)?,
        ctx.spawn_asleep(wait)?,
        ctx.spawn_asleep(wait)?,
    );
    b.signal()?;
    ctx.expect_done("the signalled thread", &b)?;
    check::refused("port_get", b.join()?, Errno::EINTR)?;
    check::that("the other threads still sleep", !a.done() && !c.done())?;
    port.send_all(1..=2)?;
    ctx.expect_done("the first thread", &a)?;
    ctx.expect_done("the last thread", &c)
}

/// EINTR loops work.
fn repeat(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| {
        let mut interrupts = 0;
        loop {
            match Port::at(sys, fd).get(Timeout::Never) {
                Err(Errno::EINTR) => interrupts += 1,
                other => return (other, interrupts),
            }
        }
    })?;
    for _ in 0..5 {
        waiter.signal()?;
        ctx.expect_asleep("the EINTR loop", &waiter)?;
    }
    port.send(1, 3)?;
    let (got, interrupts) = waiter.join()?;
    check::equal("event", got?.user, 3)?;
    check::equal("interrupts seen", interrupts, 5)
}

/// EINTR also ends a wait with a time-out, before the time is up.
fn timed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let before = ctx.sys.now();
    let waiter = ctx.spawn_asleep(move |sys| {
        (
            Port::at(sys, fd).getn(4, 1, Timeout::After(10_000 * MSEC)),
            sys.now(),
        )
    })?;
    waiter.signal()?;
    ctx.settle();
    let (batch, at) = waiter.join()?;
    check::equal(
        "port_getn",
        (batch.result, batch.nget),
        (Err(Errno::EINTR), 1),
    )?;
    check::within("time spent", at - before, 0, 9_000 * MSEC)
}

/// A signal at the n-th sleep of a producer-consumer loop: the loop sees EINTR at most, and every
/// event arrives once.
fn at_each_sleep(ctx: &Ctx<'_>) -> Verdict {
    for nth in 1..=8 {
        let port = ctx.port()?;
        let fd = port.fd();
        ctx.faults()?.inject(Fault::SignalAtSleep(nth));
        let consumer = ctx.spawn(move |sys| -> Result<Vec<u64>, Errno> {
            let mut users = Vec::new();
            while users.len() < 10 {
                match Port::at(sys, fd).get(Timeout::Never) {
                    Ok(event) => users.push(event.user),
                    Err(Errno::EINTR) => {}
                    Err(other) => return Err(other),
                }
            }
            Ok(users)
        })?;
        for user in 0..10 {
            ctx.settle();
            port.send(1, user)?;
        }
        let users = consumer.join()??;
        ctx.faults()?.clear();
        check::equal("events", users, (0..10).collect())?;
        port.close()?;
    }
    Ok(())
}

/// A condition variable that wakes without cause ends no wait.
fn spurious(ctx: &Ctx<'_>) -> Verdict {
    for nth in 1..=3 {
        let port = ctx.port()?;
        let fd = port.fd();
        ctx.faults()?.inject(Fault::SpuriousWakeup(nth));
        let before = ctx.sys.now();
        check::refused(
            "port_get",
            port.get(Timeout::After(10 * MSEC)),
            Errno::ETIME,
        )?;
        check::that("the time-out was kept", ctx.sys.now() - before >= 10 * MSEC)?;
        let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(4, 2, Timeout::Never))?;
        port.send(1, 1)?;
        ctx.expect_asleep("port_getn for 2 events", &waiter)?;
        port.send(1, 2)?;
        ctx.expect_done("port_getn for 2 events", &waiter)?;
        check::equal("events", waiter.join()?.users(), vec![1, 2])?;
        ctx.faults()?.clear();
        port.close()?;
    }
    Ok(())
}

/// Signal and event for one lone waiter at the same moment: the event is returned, or it is
/// queued.
fn together(ctx: &Ctx<'_>) -> Verdict {
    let mut rng = ctx.rng();
    for round in 0..200 {
        let port = ctx.port()?;
        let fd = port.fd();
        let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
        if rng.below(2) == 0 {
            port.send(1, round)?;
            waiter.signal()?;
        } else {
            waiter.signal()?;
            port.send(1, round)?;
        }
        ctx.expect_done("port_get", &waiter)?;
        match waiter.join()? {
            Ok(event) => check::equal("event", event.user, round as u64)?,
            Err(Errno::EINTR) => ctx.expect_queue(port, &[round as u64])?,
            Err(other) => return Err(Failure::new(format!("port_get: {other}"))),
        }
        port.close()?;
    }
    Ok(())
}

/// Signal and alert at the same moment: the waiter sees one of them and the alert stays set.
fn alert_together(ctx: &Ctx<'_>) -> Verdict {
    for _ in 0..50 {
        let port = ctx.port()?;
        let fd = port.fd();
        let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
        port.alert(PORT_ALERT_SET, 5, 6)?;
        waiter.signal()?;
        ctx.expect_done("port_get", &waiter)?;
        let alert = Event::new(source::ALERT, 5, 0, 6);
        match waiter.join()? {
            Ok(event) => check::equal("event", event, alert)?,
            Err(errno) => check::equal("port_get", errno, Errno::EINTR)?,
        }
        check::equal("the alert afterwards", port.get(Timeout::Poll), Ok(alert))?;
        port.close()?;
    }
    Ok(())
}
