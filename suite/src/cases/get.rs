//! `port_get`.

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    case("get.takes_the_first_event", "S54 S6", first).both(),
    case("get.returns_zero", "S6 S54", returns_zero).both(),
    case(
        "get.empty_port_times_out_at_once",
        "S55 S58 D26",
        poll_empty,
    )
    .both(),
    case("get.empty_port_classic", "S55 D26", poll_empty_classic)
        .both()
        .classic(),
    case("get.null_timeout_waits", "S57 S6", waits).both(),
    case("get.spec_without_pointer_waits", "S6 S57", pointer_decides).both(),
    case("get.timeout_gives_etime", "S58", etime).both(),
    case(
        "get.etime_leaves_the_event_untouched",
        "S58 D5",
        etime_untouched,
    )
    .both(),
    case("get.event_before_the_timeout", "S58", in_time).both(),
    case(
        "get.ignores_a_timeout_it_does_not_need",
        "S67 S54",
        timeout_not_needed,
    )
    .both(),
    case("get.repeated_timeouts", "S58", repeated).both(),
    case(
        "get.d7_event_at_the_timeout_is_not_lost",
        "D7 S59 C7 C8",
        at_the_timeout,
    ),
    case(
        "get.d7_expired_wait_takes_a_queued_event",
        "D7 S58",
        expired_but_queued,
    )
    .needs(Caps::KSOURCE.union(Caps::VIRTUAL_CLOCK)),
    case(
        "get.many_threads_take_each_event_once",
        "S73 C17",
        many_threads,
    ),
];

/// Events come one at a time, oldest first.
fn first(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    check::equal("1st event", port.get(Timeout::Poll)?.user, 1)?;
    check::equal("2nd event", port.get(Timeout::Never)?.user, 2)?;
    check::equal("3rd event", port.get(Timeout::After(MSEC))?.user, 3)?;
    ctx.expect_queue(port, &[])
}

/// Both return values are 0.
fn returns_zero(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 1)?;
    let list = EventList::new(ctx.sys, 1)?;
    check::equal(
        "return values",
        port.call(op::GET, [list.addr(), 0, 0, 8]),
        Ok(0),
    )
}

/// `{0, 0}` and no event: ETIME, and the buffer is not written.
fn poll_empty(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 1)?;
    let before = ctx.sys.now();
    check::refused(
        "port_get",
        port.get_at(list.addr(), Timeout::Poll),
        Errno::ETIME,
    )?;
    check::that("the buffer is untouched", list.untouched_from(0))?;
    if ctx.sys.caps().contains(Caps::VIRTUAL_CLOCK) {
        check::equal("time spent", ctx.sys.now() - before, 0)?;
    }
    Ok(())
}

/// As the C module: success without an event, and the buffer is not written.
fn poll_empty_classic(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    check::equal(
        "port_get",
        port.get(Timeout::Poll),
        Ok(Event::preset(ctx.sys.model())),
    )?;
    port.send(1, 1)?;
    check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
    check::equal(
        "port_get",
        port.get(Timeout::Poll),
        Ok(Event::preset(ctx.sys.model())),
    )
}

/// No time-out: the thread sleeps until there is an event.
fn waits(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    ctx.sys.sleep(3_600_000 * MSEC);
    ctx.expect_asleep("port_get without a time-out", &waiter)?;
    port.send(1, 9)?;
    ctx.expect_done("port_get", &waiter)?;
    check::equal("event", waiter.join()??.user, 9)
}

/// Seconds and nanoseconds count only when the pointer argument is not NULL.
fn pointer_decides(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| -> Result<Event, Errno> {
        let list = EventList::new(sys, 1)?;
        let args = [list.addr(), usize::MAX, usize::MAX, 0];
        Port::at(sys, fd).call(op::GET, args)?;
        Ok(list.event(0))
    })?;
    ctx.expect_asleep("port_get with a NULL pointer", &waiter)?;
    port.send(1, 9)?;
    check::equal("event", waiter.join()??.user, 9)
}

/// Not earlier than asked, and hardly later where time is virtual.
fn etime(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for ns in [1, 999, 5 * MSEC, 1500 * MSEC] {
        let before = ctx.sys.now();
        check::refused("port_get", port.get(Timeout::After(ns)), Errno::ETIME)?;
        let spent = ctx.sys.now() - before;
        check::that(format!("{spent} ns is not less than {ns} ns"), spent >= ns)?;
        if ctx.sys.caps().contains(Caps::VIRTUAL_CLOCK) {
            check::within("time spent", spent, ns, ns + MSEC / 4)?;
        }
    }
    Ok(())
}

/// No byte of the buffer is written.
fn etime_untouched(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 1)?;
    let got = port.get_at(list.addr(), Timeout::After(MSEC));
    check::refused("port_get", got, Errno::ETIME)?;
    check::that("the buffer is untouched", list.untouched_from(0))
}

/// An event before the end of the time-out ends the wait.
fn in_time(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| {
        let got = Port::at(sys, fd).get(Timeout::After(1000 * MSEC));
        (got, sys.now())
    })?;
    ctx.sys.sleep(100 * MSEC);
    let sent_at = ctx.sys.now();
    port.send(1, 4)?;
    ctx.settle();
    let (got, at) = waiter.join()?;
    check::equal("event", got?.user, 4)?;
    check::within("time of return", at, sent_at, sent_at + 800 * MSEC)
}

/// A time-out that would be refused does not matter while an event is there.
fn timeout_not_needed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for (number, (sec, nsec)) in [(-1, 0), (0, -1), (0, 1_000_000_000)]
        .into_iter()
        .enumerate()
    {
        port.send(1, number)?;
        let got = port.get(Timeout::Spec(Timespec { sec, nsec }))?;
        check::equal("event", got.user, number as u64)?;
    }
    Ok(())
}

/// A thread that timed out leaves nothing behind that disturbs the next wait.
fn repeated(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for round in 0..20 {
        check::refused("port_get", port.get(Timeout::After(MSEC)), Errno::ETIME)?;
        port.send(1, round)?;
        check::equal("event", port.get(Timeout::After(MSEC))?.user, round as u64)?;
    }
    ctx.expect_queue(port, &[])
}

/// A sender that fires just when the wait expires: the event is returned or stays, never both and
/// never neither.
fn at_the_timeout(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let rounds = 500_usize;
    let sender = ctx.spawn(move |sys| -> Result<(), Errno> {
        for round in 0..rounds {
            sys.sleep(MSEC);
            Port::at(sys, fd).send(1, round)?;
        }
        Ok(())
    })?;
    let mut users = Vec::new();
    while users.len() < rounds {
        match port.get(Timeout::After(MSEC)) {
            Ok(event) => users.push(event.user),
            Err(Errno::ETIME) => {}
            Err(other) => return Err(Failure::new(format!("port_get: {other}"))),
        }
    }
    sender.join()??;
    let expected: Vec<u64> = (0..rounds as u64).collect();
    check::equal("events", users, expected)?;
    ctx.expect_queue(port, &[])
}

/// While another process is busy taking its own event, an event arrives and the time-out passes:
/// the waiter returns the event, not ETIME.
fn expired_but_queued(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::After(10 * MSEC)))?;
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        super::ksource::send_slow(ctx, port, 50 * MSEC, 1)?;
        let event = port.get(Timeout::Never)?;
        check::equal("child's event", event.user, 1)?;
        Ok(0)
    })?;
    ctx.sys.sleep(5 * MSEC);
    port.send(1, 2)?;
    check::equal(
        "port_get at its time-out",
        waiter.join()?.map(|e| e.user),
        Ok(2),
    )?;
    child.wait()?;
    ctx.expect_queue(port, &[])
}

/// Threads and events in equal number: everybody gets one.
fn many_threads(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut tasks = Vec::new();
    for _ in 0..8 {
        tasks.push(ctx.spawn(move |sys| -> Result<Vec<u64>, Errno> {
            let get = |_| Port::at(sys, fd).get(Timeout::Never).map(|e| e.user);
            (0..25).map(get).collect()
        })?);
    }
    port.send_all(0..200)?;
    let mut users = Vec::new();
    for task in tasks {
        users.extend(task.join()??);
    }
    users.sort_unstable();
    let expected: Vec<u64> = (0..200).collect();
    check::equal("events", users, expected)?;
    ctx.expect_queue(port, &[])
}
