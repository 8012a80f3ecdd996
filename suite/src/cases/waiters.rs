//! Who of several waiting threads is served (S72, D1).

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    case(
        "waiters.d1_larger_waiter_does_not_hide_smaller",
        "S72 D1",
        larger_second,
    )
    .both(),
    case(
        "waiters.d1_larger_waiter_with_timeout_takes_nothing",
        "S72 D1",
        larger_timed,
    ),
    case("waiters.d1_third_larger_waiter", "S72 D1", third_larger),
    case("waiters.d1_any_order_of_arrival", "S72 D1", any_order),
    case("waiters.smallest_first", "S72", smallest_first),
    case("waiters.newest_first_among_equals", "S72", newest_first),
    case(
        "waiters.equal_large_waiters_newest_first",
        "S72 D1",
        newest_first_large,
    ),
    case("waiters.larger_waiter_gets_the_rest", "S60 S72", rest),
    case(
        "waiters.small_timed_out_leaves_large",
        "S72 D2",
        small_leaves,
    ),
    case(
        "waiters.large_timed_out_leaves_small",
        "S72 D1",
        large_leaves,
    ),
    case("waiters.many_of_random_size", "S72 D1 D2", random_sizes),
];

/// Result and cookies of one `port_getn`.
type Served = (Result<(), Errno>, Vec<u64>);

/// Starts a thread in `port_getn(max, n)` for ever and waits until it sleeps.
fn waiter(ctx: &Ctx<'_>, port: Port<'_>, n: u32) -> Result<Task<Served>, Failure> {
    let fd = port.fd();
    ctx.spawn_asleep(move |sys| {
        let batch = Port::at(sys, fd).getn(n, n, Timeout::Never);
        (batch.result, batch.users())
    })
}

/// `port_get` waits first, `port_getn` for five second: the first event is for `port_get`.
fn larger_second(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let one = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let five = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 5, Timeout::Never))?;
    port.send(1, 1)?;
    ctx.expect_done("port_get", &one)?;
    check::equal("port_get", one.join()??.user, 1)?;
    for user in 2..=5 {
        port.send(1, user)?;
        ctx.expect_asleep("port_getn for 5 events", &five)?;
    }
    port.send(1, 6)?;
    ctx.expect_done("port_getn for 5 events", &five)?;
    let batch = five.join()?;
    check::equal(
        "port_getn",
        (batch.result, batch.users()),
        (Ok(()), vec![2, 3, 4, 5, 6]),
    )
}

/// The larger waiter's time-out finds nothing: the event went to the smaller one.
fn larger_timed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let one = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let five =
        ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 5, Timeout::After(100 * MSEC)))?;
    port.send(1, 1)?;
    ctx.expect_done("port_get", &one)?;
    let batch = five.join()?;
    check::equal(
        "port_getn",
        (batch.result, batch.nget),
        (Err(Errno::ETIME), 0),
    )?;
    check::equal("port_get", one.join()??.user, 1)
}

/// Waiters for 1, 1 and 5: two events serve the two small ones.
fn third_larger(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let small = [waiter(ctx, port, 1)?, waiter(ctx, port, 1)?];
    let large = waiter(ctx, port, 5)?;
    for (sent, _) in small.iter().enumerate() {
        port.send(1, sent)?;
        ctx.settle();
        let done = small.iter().filter(|w| w.done()).count();
        check::equal("small waiters that returned", done, sent + 1)?;
    }
    ctx.expect_asleep("the large waiter", &large)?;
    port.send_all(10..15)?;
    ctx.expect_done("the large waiter", &large)?;
    check::equal("large waiter", large.join()?, (Ok(()), (10..15).collect()))
}

/// Three waiters for 1, 2 and 4 in every order of arrival.
fn any_order(ctx: &Ctx<'_>) -> Verdict {
    let orders = [
        [1, 2, 4],
        [1, 4, 2],
        [2, 1, 4],
        [2, 4, 1],
        [4, 1, 2],
        [4, 2, 1],
    ];
    for order in orders {
        let port = ctx.port()?;
        let mut waiters = Vec::new();
        for n in order {
            waiters.push((n, waiter(ctx, port, n)?));
        }
        waiters.sort_by_key(|(n, _)| *n);
        for (n, task) in waiters {
            for sent in 1..=n {
                ctx.expect_asleep(&format!("waiter for {n} in {order:?}"), &task)?;
                port.send(1, sent as usize)?;
            }
            ctx.expect_done(&format!("waiter for {n} in {order:?}"), &task)?;
            let expected: Vec<u64> = (1..=u64::from(n)).collect();
            check::equal("events", task.join()?, (Ok(()), expected))?;
        }
    }
    Ok(())
}

/// The waiter for fewer events is served first although it came last.
fn smallest_first(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let three = waiter(ctx, port, 3)?;
    let two = waiter(ctx, port, 2)?;
    port.send(1, 1)?;
    ctx.expect_asleep("the waiter for 2", &two)?;
    port.send(1, 2)?;
    ctx.expect_done("the waiter for 2", &two)?;
    ctx.expect_asleep("the waiter for 3", &three)?;
    port.send_all(3..=5)?;
    ctx.expect_done("the waiter for 3", &three)?;
    check::equal("waiter for 3", three.join()?, (Ok(()), vec![3, 4, 5]))
}

/// Equal waiters: last in, first out.
fn newest_first(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let mut waiters = Vec::new();
    for _ in 0..5 {
        waiters.push(waiter(ctx, port, 1)?);
    }
    let mut user = 0;
    while let Some(newest) = waiters.pop() {
        port.send(1, user)?;
        ctx.expect_done("the newest waiter", &newest)?;
        check::equal("event", newest.join()?, (Ok(()), vec![user as u64]))?;
        user += 1;
    }
    Ok(())
}

/// The same for waiters that want more than one event, behind a smaller one.
fn newest_first_large(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let old = waiter(ctx, port, 3)?;
    let new = waiter(ctx, port, 3)?;
    let small = waiter(ctx, port, 1)?;
    port.send(1, 0)?;
    ctx.expect_done("the small waiter", &small)?;
    port.send_all(1..=3)?;
    ctx.expect_done("the newer of the equal waiters", &new)?;
    ctx.expect_asleep("the older of the equal waiters", &old)?;
    port.send_all(4..=6)?;
    ctx.expect_done("the older of the equal waiters", &old)
}

/// More events at once than the first waiter takes: the next waiter gets the rest.
fn rest(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let four = waiter(ctx, port, 4)?;
    let one = waiter(ctx, port, 1)?;
    let sent = Port::sendn(ctx.sys, &[port.fd(); 5], 1, 7)?;
    check::equal("port_sendn", sent.result, Ok(5))?;
    ctx.expect_done("the waiter for 1", &one)?;
    ctx.expect_done("the waiter for 4", &four)?;
    check::equal("waiter for 4", four.join()?, (Ok(()), vec![7; 4]))
}

/// The smaller waiter gives up; two events still wake the larger one.
fn small_leaves(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let two = waiter(ctx, port, 2)?;
    let one = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::After(MSEC)))?;
    check::refused("port_get", one.join()?, Errno::ETIME)?;
    port.send(1, 1)?;
    ctx.expect_asleep("the waiter for 2", &two)?;
    port.send(1, 2)?;
    ctx.expect_done("the waiter for 2", &two)
}

/// The larger waiter gives up; the smaller one is still served.
fn large_leaves(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let one = waiter(ctx, port, 1)?;
    let five = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 5, Timeout::After(MSEC)))?;
    check::equal("port_getn", five.join()?.result, Err(Errno::ETIME))?;
    ctx.expect_asleep("the waiter for 1", &one)?;
    port.send(1, 1)?;
    ctx.expect_done("the waiter for 1", &one)
}

/// Waiters of random size and as many events as they want together: all return, and at no point
/// does one sleep while enough events for it are queued.
fn random_sizes(ctx: &Ctx<'_>) -> Verdict {
    let mut rng = ctx.rng();
    for _ in 0..10 {
        let port = ctx.port()?;
        let mut waiters = Vec::new();
        let mut wanted = 0;
        for _ in 0..8 {
            let n = 1 + rng.below(6) as u32;
            wanted += n;
            waiters.push((n, waiter(ctx, port, n)?));
        }
        for user in 0..wanted {
            port.send(1, user as usize)?;
            ctx.settle();
            let queued = port.queued()?;
            for (n, task) in &waiters {
                check::that(
                    format!("no waiter for {n} sleeps with {queued} events queued"),
                    task.done() || *n > queued,
                )?;
            }
        }
        let mut users = Vec::new();
        for (_, task) in waiters {
            users.extend(task.join()?.1);
        }
        users.sort_unstable();
        check::equal("events", users, (0..u64::from(wanted)).collect())?;
        port.close()?;
    }
    Ok(())
}
