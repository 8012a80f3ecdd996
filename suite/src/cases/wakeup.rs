//! No thread sleeps while an event that it could take is queued (D2, D4, D5, D6).

use super::ksource::{queue_cancelled, queue_with};
use super::prelude::*;
use crate::Answer;

pub(super) const CASES: &[Case] = &[
    case(
        "wakeup.d2_interrupted_waiter_passes_it_on",
        "S70 S73 D2",
        interrupted,
    ),
    case(
        "wakeup.d2_timed_out_waiter_passes_it_on",
        "S58 S73 D2",
        timed_out,
    ),
    case(
        "wakeup.d2_waiter_with_a_bad_buffer_passes_it_on",
        "S73 D2 D22",
        bad_buffer,
    ),
    case(
        "wakeup.d2_large_waiter_leaves_events_for_small",
        "S72 D2",
        large_leaves,
    )
    .needs(Caps::FAULTS),
    case("wakeup.d4_event_for_the_sleeping_parent", "S80 D4", parent),
    case(
        "wakeup.d4_parent_that_looked_before",
        "S80 D4",
        parent_looked_before,
    ),
    case("wakeup.d4_repeatedly", "S80 D4 C26", parent_repeatedly),
    case("wakeup.d4_after_cancelled_events", "D4", cancelled).needs(Caps::KSOURCE),
    case(
        "wakeup.d4_cancelled_event_in_front_of_a_waiter",
        "D4",
        cancelled_waiter,
    )
    .needs(Caps::KSOURCE),
    case(
        "wakeup.d5_fruitless_wakeups_then_timeout",
        "S80 D5",
        fruitless,
    )
    .both(),
    case("wakeup.d5_fruitless_port_get", "S80 D5", fruitless_get),
    case(
        "wakeup.d6_fruitless_wakeups_keep_the_timeout",
        "S80 D6",
        keeps_timeout,
    )
    .needs(Caps::VIRTUAL_CLOCK),
    case(
        "wakeup.fruitless_waiter_takes_its_own_event",
        "S80 D4",
        own_event,
    ),
    case(
        "wakeup.refused_event_wakes_nobody_twice",
        "S80 D4",
        refused_once,
    )
    .needs(Caps::KSOURCE),
];

/// Two threads in `port_get`; one event and a signal for the thread that is woken: the event is
/// taken by one of them, or nobody waits for it.
fn interrupted(ctx: &Ctx<'_>) -> Verdict {
    let mut rng = ctx.rng();
    for _ in 0..200 {
        let port = ctx.port()?;
        let fd = port.fd();
        let wait = move |sys: &dyn System| Port::at(sys, fd).get(Timeout::Never);
        let old = ctx.spawn_asleep(wait)?;
        let new = ctx.spawn_asleep(wait)?;
        if rng.below(2) == 0 {
            port.send(1, 1)?;
            new.signal()?;
        } else {
            new.signal()?;
            port.send(1, 1)?;
        }
        ctx.expect_done("the signalled thread", &new)?;
        if new.join()?.is_err() {
            ctx.expect_done("the other thread", &old)?;
        } else {
            port.send(1, 2)?;
        }
        old.join()??;
        ctx.expect_queue(port, &[])?;
        port.close()?;
    }
    Ok(())
}

/// The newest waiter times out at the moment of the send: the older one gets the event.
fn timed_out(ctx: &Ctx<'_>) -> Verdict {
    for _ in 0..200 {
        let port = ctx.port()?;
        let fd = port.fd();
        let old = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
        let new = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::After(MSEC)))?;
        ctx.sys.sleep(MSEC);
        port.send(1, 1)?;
        ctx.expect_done("the waiter with the time-out", &new)?;
        if new.join()?.is_err() {
            ctx.expect_done("the waiter without", &old)?;
        } else {
            port.send(1, 2)?;
        }
        old.join()??;
        ctx.expect_queue(port, &[])?;
        port.close()?;
    }
    Ok(())
}

/// The woken thread cannot store the event: it stays, and the other waiter gets it.
fn bad_buffer(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let good = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let bad = ctx.spawn_asleep(move |sys| -> Result<(), Errno> {
        let buf = UserBuf::read_only(sys, sys.model().event(), &[])?;
        Port::at(sys, fd).get_at(buf.addr(), Timeout::Never)
    })?;
    port.send(1, 1)?;
    ctx.settle();
    check::refused("port_get into read-only memory", bad.join()?, Errno::EFAULT)?;
    ctx.expect_done("port_get of the other thread", &good)?;
    check::equal("event", good.join()??.user, 1)
}

/// A waiter for three is signalled by three events and interrupted: a waiter for more than one
/// event behind it must not be forgotten.
fn large_leaves(ctx: &Ctx<'_>) -> Verdict {
    for _ in 0..50 {
        let port = ctx.port()?;
        let fd = port.fd();
        let three = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(3, 3, Timeout::Never))?;
        let two = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(2, 2, Timeout::Never))?;
        Port::sendn(ctx.sys, &[fd; 3], 1, 1)?.result?;
        two.signal()?;
        ctx.expect_done("the waiter for 2", &two)?;
        match two.join()?.result {
            Err(Errno::EINTR) => ctx.expect_done("the waiter for 3", &three)?,
            other => {
                check::equal("waiter for 2", other, Ok(()))?;
                ctx.expect_asleep("the waiter for 3", &three)?;
                port.send_all(1..=2)?;
            }
        }
        check::equal("waiter for 3", three.join()?.nget, 3)?;
        port.close()?;
    }
    Ok(())
}

/// A child waits in front; an event only for the parent arrives: the parent gets it.
fn parent(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let child = ctx.fork_asleep(move |ctx| {
        let event = Port::at(ctx.sys, fd).get(Timeout::Never)?;
        Ok(event.user as i64)
    })?;
    port.dispatch(0, source::AIO, 1, 0, 5)?;
    ctx.expect_done("the parent's port_get", &waiter)?;
    check::equal("parent's event", waiter.join()??.user, 5)?;
    port.send(1, 6)?;
    check::equal("child's event", child.wait()?, 6)
}

/// The same after the parent was woken for an event of the child.
fn parent_looked_before(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        // Wakes the parent for nothing.
        port.dispatch(0, source::AIO, 1, 0, 1)?;
        ctx.settle();
        check::equal("child's own event", port.get(Timeout::Never)?.user, 1)?;
        Ok(port.get(Timeout::Never)?.user as i64)
    })?;
    ctx.expect_asleep("the parent's port_get", &waiter)?;
    port.dispatch(0, source::AIO, 1, 0, 5)?;
    ctx.expect_done("the parent's port_get", &waiter)?;
    check::equal("parent's event", waiter.join()??.user, 5)?;
    port.send(1, 6)?;
    check::equal("child's event", child.wait()?, 6)
}

/// Many rounds: every event for the parent is taken at once although the child, which comes back
/// again and again, waits in front.
fn parent_repeatedly(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        loop {
            match port.get(Timeout::After(10 * MSEC)) {
                Ok(event) => return Ok(event.user as i64),
                Err(errno) => check::equal("child's port_get", errno, Errno::ETIME)?,
            }
        }
    })?;
    for round in 1..=30 {
        let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
        ctx.sys.sleep(15 * MSEC);
        port.dispatch(0, source::MQ, 1, 0, round)?;
        ctx.expect_done("the parent's port_get", &waiter)?;
        check::equal("parent's event", waiter.join()??.user, round as u64)?;
    }
    port.send(1, 77)?;
    check::equal("child's event", child.wait()?, 77)
}

/// A thread that found only cancelled events is woken by the next good one.
fn cancelled(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    for _ in 0..3 {
        queue_cancelled(ctx, port)?;
    }
    let first = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let second = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    port.send(1, 1)?;
    ctx.settle();
    check::equal(
        "threads that returned",
        first.done() as u8 + second.done() as u8,
        1,
    )?;
    port.send(1, 2)?;
    ctx.expect_done("the first thread", &first)?;
    ctx.expect_done("the second thread", &second)?;
    ctx.expect_queue(port, &[])
}

/// Waiters that were woken for an event that is cancelled before they look.
fn cancelled_waiter(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let first = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let second = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    for _ in 0..20 {
        queue_cancelled(ctx, port)?;
    }
    ctx.settle();
    check::that("both threads still sleep", !first.done() && !second.done())?;
    port.send_all(1..=2)?;
    ctx.expect_done("the first thread", &first)?;
    ctx.expect_done("the second thread", &second)?;
    ctx.expect_queue(port, &[])
}

/// Woken in vain several times, then out of time: n = 0 and nothing written.
fn fruitless(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork(move |ctx| {
        for user in 1..=4 {
            ctx.sys.sleep(10 * MSEC);
            Port::at(ctx.sys, fd).dispatch(0, source::AIO, 1, 0, user)?;
        }
        ctx.sys.sleep(200 * MSEC);
        let batch = Port::at(ctx.sys, fd).getn(8, 1, Timeout::Poll);
        check::equal("child's own events", batch.users(), vec![1, 2, 3, 4])?;
        Ok(0)
    })?;
    let batch = port.getn(4, 1, Timeout::After(100 * MSEC));
    check::equal(
        "port_getn",
        (batch.result, batch.nget),
        (Err(Errno::ETIME), 0),
    )?;
    check::that("the list is untouched", batch.rest_untouched)?;
    child.wait().map(drop)
}

/// The same for `port_get`.
fn fruitless_get(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork(move |ctx| {
        for user in 1..=4 {
            ctx.sys.sleep(10 * MSEC);
            Port::at(ctx.sys, fd).dispatch(0, source::AIO, 1, 0, user)?;
        }
        ctx.sys.sleep(200 * MSEC);
        Ok(0)
    })?;
    check::refused(
        "port_get",
        port.get(Timeout::After(100 * MSEC)),
        Errno::ETIME,
    )?;
    child.wait().map(drop)
}

/// The time-out counts from the call, however often the thread was woken in vain.
fn keeps_timeout(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork(move |ctx| {
        for user in 1..=9 {
            ctx.sys.sleep(10 * MSEC);
            Port::at(ctx.sys, fd).dispatch(0, source::AIO, 1, 0, user)?;
        }
        ctx.sys.sleep(200 * MSEC);
        Ok(0)
    })?;
    let before = ctx.sys.now();
    let batch = port.getn(4, 1, Timeout::After(75 * MSEC));
    check::equal("port_getn", batch.result, Err(Errno::ETIME))?;
    let spent = ctx.sys.now() - before;
    check::within("time spent", spent, 75 * MSEC, 76 * MSEC)?;
    child.wait().map(drop)
}

/// Woken in vain, then its own event arrives.
fn own_event(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 2, Timeout::Never))?;
    let child = ctx.fork_asleep(move |ctx| {
        for user in 1..=3 {
            Port::at(ctx.sys, fd).dispatch(0, source::AIO, 1, 0, user)?;
            ctx.settle();
        }
        // Its events stay queued while it lives.
        ctx.sys.sleep(100 * MSEC);
        Ok(0)
    })?;
    ctx.expect_asleep("the parent's port_getn", &waiter)?;
    port.dispatch(0, source::MQ, 1, 0, 10)?;
    port.dispatch(0, source::MQ, 1, 0, 11)?;
    ctx.expect_done("the parent's port_getn", &waiter)?;
    let users = waiter.join()?.users();
    check::that("the parent got events of its own", !users.is_empty())?;
    check::that("only of its own", users.iter().all(|u| *u >= 10))?;
    child.wait().map(drop)
}

/// An event that nobody may have costs each waiter one look, not a busy loop.
fn refused_once(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let looks = alloc::sync::Arc::new(core::sync::atomic::AtomicU32::new(0));
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let counter = alloc::sync::Arc::clone(&looks);
    queue_with(ctx, port, 1, move |_, _| {
        counter.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
        Answer::Refuse
    })?;
    ctx.settle();
    ctx.sys.sleep(1000 * MSEC);
    let looks_so_far = looks.load(core::sync::atomic::Ordering::Relaxed);
    check::within("looks at the refused event", looks_so_far, 1, 3)?;
    port.send(1, 2)?;
    ctx.expect_done("port_get", &waiter)?;
    check::equal("event", waiter.join()??.user, 2)
}
