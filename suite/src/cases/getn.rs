//! `port_getn`: how many events, and when.

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    case("getn.takes_everything_up_to_max", "S7 S60 C10", up_to_max).both(),
    case("getn.max_is_a_cap", "S60 C5", max_is_a_cap).both(),
    case("getn.returns_more_than_n", "S60 C10", more_than_n).both(),
    case("getn.waits_for_n_events", "S60 C10", waits_for_n).both(),
    case("getn.n_equal_to_max", "S60", n_is_max).both(),
    case(
        "getn.zero_timeout_takes_what_is_there",
        "S56 C2",
        poll_partial,
    )
    .both(),
    case(
        "getn.zero_timeout_on_an_empty_port",
        "S56 C1 C4",
        poll_empty,
    )
    .both(),
    case(
        "getn.timeout_with_some_events",
        "S59 S7 C10 C2",
        partial_timeout,
    )
    .both(),
    case("getn.timeout_without_events", "S59 S7 D5", empty_timeout).both(),
    case("getn.return_values", "S7", return_values).both(),
    case("getn.rest_of_the_list_is_untouched", "S60 D5", untouched).both(),
    case("getn.events_within_the_timeout", "S59 C15", in_time).both(),
    case("getn.fills_every_field", "S51 S60 D21 S93", fields).both(),
    case(
        "getn.d7_never_etime_with_n_events",
        "D7 S59 C7 C8 C9",
        d7_race,
    ),
    case(
        "getn.d7_expired_wait_with_n_events_returns_zero",
        "D7 S59",
        d7_expired,
    )
    .needs(Caps::KSOURCE.union(Caps::VIRTUAL_CLOCK)),
    case("getn.more_than_8192_events", "S60 D23", more_than_max_list),
    case("getn.several_lists_in_a_row", "S60 S96 C5", several_lists).both(),
    case("getn.two_takers_share_the_queue", "S61 S60", two_takers),
];

/// Three queued, room for 32: all three at once.
fn up_to_max(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    let batch = port.getn(32, 1, Timeout::Never);
    check::equal(
        "port_getn",
        (batch.result, batch.users()),
        (Ok(()), vec![1, 2, 3]),
    )?;
    check::that("the rest of the list is untouched", batch.rest_untouched)?;
    ctx.expect_queue(port, &[])
}

/// More queued than room: `max` events, the others stay in order.
fn max_is_a_cap(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=9)?;
    let batch = port.getn(8, 1, Timeout::Never);
    check::equal("1st port_getn", batch.users(), (1..=8).collect())?;
    let batch = port.getn(16, 1, Timeout::Never);
    check::equal("2nd port_getn", batch.users(), vec![9])
}

/// `n` is a minimum to wait for, not a limit.
fn more_than_n(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=10)?;
    let batch = port.getn(10, 2, Timeout::After(MSEC));
    check::equal("result", batch.result, Ok(()))?;
    check::equal("events", batch.users(), (1..=10).collect())
}

/// The wait ends with the n-th event, not before.
fn waits_for_n(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(10, 3, Timeout::Never))?;
    for user in 1..=2 {
        port.send(1, user)?;
        ctx.expect_asleep("port_getn for 3 events", &waiter)?;
    }
    check::equal("queue length meanwhile", port.queued(), Ok(2))?;
    port.send(1, 3)?;
    ctx.expect_done("port_getn for 3 events", &waiter)?;
    let batch = waiter.join()?;
    check::equal(
        "port_getn",
        (batch.result, batch.users()),
        (Ok(()), vec![1, 2, 3]),
    )
}

/// A full list of exactly the wanted number.
fn n_is_max(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=6)?;
    let batch = port.getn(5, 5, Timeout::Never);
    check::equal(
        "port_getn",
        (batch.result, batch.users()),
        (Ok(()), vec![1, 2, 3, 4, 5]),
    )?;
    ctx.expect_queue(port, &[6])
}

/// `{0, 0}`: success with fewer than n.
fn poll_partial(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    let batch = port.getn(8, 5, Timeout::Poll);
    check::equal(
        "port_getn",
        (batch.result, batch.users()),
        (Ok(()), vec![1, 2, 3]),
    )?;
    check::that("the rest of the list is untouched", batch.rest_untouched)
}

/// `{0, 0}` and nothing there: success with n = 0.
fn poll_empty(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for n in [1, 8] {
        let batch = port.getn(8, n, Timeout::Poll);
        check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 0))?;
        check::that("the list is untouched", batch.rest_untouched)?;
    }
    Ok(())
}

/// Time is up with fewer than n events: ETIME, and the events are delivered.
fn partial_timeout(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    let before = ctx.sys.now();
    let batch = port.getn(32, 32, Timeout::After(50 * MSEC));
    check::that("50 ms have passed", ctx.sys.now() - before >= 50 * MSEC)?;
    check::equal("result", batch.result, Err(Errno::ETIME))?;
    check::equal("events", batch.users(), vec![1, 2, 3])?;
    check::that("the rest of the list is untouched", batch.rest_untouched)?;
    ctx.expect_queue(port, &[])
}

/// Time is up without events: ETIME with n = 0, nothing written.
fn empty_timeout(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for n in [1, 4] {
        let batch = port.getn(4, n, Timeout::After(MSEC));
        check::equal(
            "port_getn",
            (batch.result, batch.nget),
            (Err(Errno::ETIME), 0),
        )?;
        check::that("the list is untouched", batch.rest_untouched)?;
    }
    Ok(())
}

/// `rval1` is the count, `rval2` is 0 or ETIME.
fn return_values(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 4)?;
    port.send_all(1..=2)?;
    let rvals = port.call(op::GETN, [list.addr(), 4, 2, 0])?;
    check::equal("return values of success", rvals, 2)?;
    port.send(1, 3)?;
    let spec = UserBuf::new(ctx.sys, ctx.sys.model().timespec())?;
    let (bytes, len) = Timespec {
        sec: 0,
        nsec: 1_000_000,
    }
    .encode(ctx.sys.model());
    spec.write(&bytes[..len]);
    let rvals = port.call(op::GETN, [list.addr(), 4, 2, spec.addr()])?;
    check::equal("rval1 of a time-out", rvals as i32, 1)?;
    check::equal("rval2 of a time-out", (rvals >> 32) as i32, Errno::ETIME.0)
}

/// No byte behind the last event is written.
fn untouched(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 100)?;
    for count in [1, 31, 32, 33, 64, 99] {
        port.send_all(0..count)?;
        let batch = port.getn_list(&list, 100, 1, Timeout::Never);
        check::equal("events", batch.users(), (0..count as u64).collect())?;
        check::that("the rest of the list is untouched", batch.rest_untouched)?;
    }
    Ok(())
}

/// An event at half of the time-out.
fn in_time(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter =
        ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 1, Timeout::After(20 * MSEC)))?;
    ctx.sys.sleep(10 * MSEC);
    port.send(1, 1)?;
    let batch = waiter.join()?;
    check::equal(
        "port_getn",
        (batch.result, batch.users()),
        (Ok(()), vec![1]),
    )
}

/// Every field of every entry, padding included.
fn fields(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for i in 0..40 {
        port.send(i * 3, i as usize * 7)?;
    }
    let batch = port.getn(40, 40, Timeout::Never);
    let expected = (0..40).map(|i| Event::new(source::USER, i * 3, 0, i as u64 * 7));
    check::equal("events", batch.events, expected.collect())
}

/// A sender that fires when the wait expires: ETIME never comes with n events or more, so that
/// callers who drop events with ETIME lose none as long as n is 1.
fn d7_race(ctx: &Ctx<'_>) -> Verdict {
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
        let batch = port.getn(16, 1, Timeout::After(MSEC));
        match batch.result {
            Ok(()) => users.extend(batch.users()),
            Err(Errno::ETIME) => check::equal("events with ETIME", batch.users(), vec![])?,
            Err(other) => return Err(Failure::new(format!("port_getn: {other}"))),
        }
    }
    sender.join()??;
    let expected: Vec<u64> = (0..rounds as u64).collect();
    check::equal("events", users, expected)
}

/// The n-th event arrives while another process retrieves and the time-out passes: success.
fn d7_expired(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter =
        ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 2, Timeout::After(10 * MSEC)))?;
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        super::ksource::send_slow(ctx, port, 50 * MSEC, 1)?;
        check::equal("child's event", port.get(Timeout::Never)?.user, 1)?;
        Ok(0)
    })?;
    ctx.sys.sleep(5 * MSEC);
    port.send_all(2..=3)?;
    let batch = waiter.join()?;
    check::equal(
        "port_getn",
        (batch.result, batch.users()),
        (Ok(()), vec![2, 3]),
    )?;
    child.wait()?;
    ctx.expect_queue(port, &[])
}

/// A list longer than the kernel's preferred size: nothing is lost or reordered.
fn more_than_max_list(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(0..9000)?;
    let list = EventList::new(ctx.sys, 10_000)?;
    let batch = port.getn_list(&list, 10_000, 1, Timeout::Never);
    check::equal("result", batch.result, Ok(()))?;
    check::within("events at once", batch.nget, 8192, 9000)?;
    let mut users = batch.users();
    users.extend(port.getn(1000, 1, Timeout::Poll).users());
    check::equal("events", users, (0..9000).collect())
}

/// Lists of growing size over a refilled queue.
fn several_lists(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (mut sent, mut taken) = (0, 0);
    for max in [1, 2, 5, 31, 32, 33, 50, 100] {
        port.send_all(sent..sent + 40)?;
        sent += 40;
        let batch = port.getn(max, 1, Timeout::Poll);
        check::equal("result", batch.result, Ok(()))?;
        let expected: Vec<u64> = (taken..taken + u64::from(batch.nget)).collect();
        check::equal("events", batch.users(), expected)?;
        taken += u64::from(batch.nget);
    }
    let rest: Vec<u64> = (taken..sent as u64).collect();
    ctx.expect_queue(port, &rest)
}

/// Two threads empty one queue: every event once, each list in order.
fn two_takers(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send_all(0..1000)?;
    let take = move |sys: &dyn System| -> Result<Vec<u64>, Errno> {
        let mut users = Vec::new();
        loop {
            let batch = Port::at(sys, fd).getn(7, 1, Timeout::Poll);
            batch.result?;
            if batch.nget == 0 {
                return Ok(users);
            }
            users.extend(batch.users());
        }
    };
    let (a, b) = (ctx.spawn(take)?, ctx.spawn(take)?);
    let (a, b) = (a.join()??, b.join()??);
    check::that(
        "each thread saw its events in order",
        a.is_sorted() && b.is_sorted(),
    )?;
    let mut users = a;
    users.extend(b);
    // A poll beside another retrieval may find nothing; what is left is taken here.
    users.extend(port.getn(1000, 1, Timeout::Poll).users());
    users.sort_unstable();
    check::equal("events", users, (0..1000).collect())
}
