//! What the common calls allocate: nothing (design: no heap in the common path).

use super::prelude::*;
use crate::Counters;

pub(super) const CASES: &[Case] = &[
    case("memory.port_get_allocates_nothing", "S54", get)
        .both()
        .needs(Caps::COUNTERS),
    case("memory.waiting_port_get_allocates_nothing", "S57", waiting).needs(Caps::COUNTERS),
    case("memory.port_getn_up_to_32_allocates_nothing", "S60", getn)
        .both()
        .needs(Caps::COUNTERS),
    case(
        "memory.waiting_port_getn_allocates_nothing",
        "S60",
        waiting_getn,
    )
    .needs(Caps::COUNTERS),
    case(
        "memory.timed_out_calls_allocate_nothing",
        "S58 S59",
        timed_out,
    )
    .needs(Caps::COUNTERS),
    case("memory.alert_allocates_nothing", "S74", alert).needs(Caps::COUNTERS),
    case("memory.queue_length_allocates_nothing", "S62", max_zero).needs(Caps::COUNTERS),
    case("memory.port_send_allocates_one_event", "S51", send).needs(Caps::COUNTERS),
    case("memory.one_copy_per_list", "S60", one_copy)
        .both()
        .needs(Caps::COUNTERS),
    case("memory.one_wakeup_per_event", "S73", one_wakeup).needs(Caps::COUNTERS),
    case(
        "memory.one_wakeup_after_a_retrieval",
        "S73 D2",
        one_wakeup_later,
    )
    .needs(Caps::COUNTERS.union(Caps::KSOURCE)),
];

/// What this thread allocated while `body` ran.
fn allocations(sys: &dyn System, body: impl FnOnce() -> Result<(), Errno>) -> Result<u64, Errno> {
    let count = |sys: &dyn System| {
        sys.counters()
            .map(|c: Counters| c.thread_allocations)
            .ok_or(Errno::ENOSYS)
    };
    let before = count(sys)?;
    body()?;
    Ok(count(sys)? - before)
}

/// With an event there.
fn get(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 1)?;
    port.send_all(1..=50)?;
    let made = allocations(ctx.sys, || {
        (0..50).try_for_each(|_| port.get_at(list.addr(), Timeout::Poll))
    })?;
    check::equal("allocations", made, 0)?;
    ctx.expect_queue(port, &[])
}

/// Sleeping first.
fn waiting(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    for timeout in [Timeout::Never, Timeout::After(1000 * MSEC)] {
        let waiter = ctx.spawn_asleep(move |sys| {
            let list = EventList::new(sys, 1)?;
            allocations(sys, || Port::at(sys, fd).get_at(list.addr(), timeout))
        })?;
        port.send(1, 1)?;
        check::equal("allocations", waiter.join()?, Ok(0))?;
    }
    Ok(())
}

/// Lists of 1 to 32 events, also when more room is offered than there are events.
fn getn(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 64)?;
    for (events, max) in [(1, 1), (2, 8), (31, 32), (32, 32), (40, 32), (20, 64)] {
        port.send_all(0..events)?;
        let mut nget = 1;
        let made = allocations(ctx.sys, || {
            port.getn_raw(list.addr(), max, Some(&mut nget), 0)
        })?;
        check::equal(format!("allocations for {nget} events"), made, 0)?;
        port.getn(64, 1, Timeout::Poll).result?;
    }
    Ok(())
}

/// Sleeping first.
fn waiting_getn(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| {
        let list = EventList::new(sys, 32)?;
        let mut nget = 20;
        allocations(sys, || {
            Port::at(sys, fd).getn_raw(list.addr(), 32, Some(&mut nget), 0)
        })
    })?;
    port.send_all(0..20)?;
    check::equal("allocations", waiter.join()?, Ok(0))
}

/// A wait that finds nothing.
fn timed_out(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 8)?;
    let made = allocations(ctx.sys, || {
        for timeout in [Timeout::Poll, Timeout::After(MSEC)] {
            let got = port.get_at(list.addr(), timeout);
            if got != Err(Errno::ETIME) {
                return Err(Errno::EIO);
            }
        }
        Ok(())
    })?;
    check::equal("allocations", made, 0)
}

/// Setting, seeing and clearing.
fn alert(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 8)?;
    let made = allocations(ctx.sys, || {
        port.alert(1, 2, 3)?;
        port.get_at(list.addr(), Timeout::Poll)?;
        let mut nget = 1;
        port.getn_raw(list.addr(), 8, Some(&mut nget), 0)?;
        port.alert(0, 0, 0)
    })?;
    check::equal("allocations", made, 0)
}

/// `max` 0.
fn max_zero(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(0..100)?;
    let made = allocations(ctx.sys, || port.queued().map(drop))?;
    check::equal("allocations", made, 0)
}

/// The event structure and nothing else.
fn send(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let made = allocations(ctx.sys, || port.send_all(0..10))?;
    check::equal("allocations for 10 events", made, 10)
}

/// A list that fits the stack goes out in one copy.
fn one_copy(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 64)?;
    for (events, most) in [(1, 1), (8, 1), (32, 1)] {
        port.send_all(0..events)?;
        let before = ctx.counters()?.copyouts;
        let mut nget = 1;
        port.getn_raw(list.addr(), 64, Some(&mut nget), 0)?;
        let copies = ctx.counters()?.copyouts - before;
        check::equal("events", nget as usize, events)?;
        check::within(format!("copies for {events} events"), copies, 1, most)?;
    }
    Ok(())
}

/// Ten sleeping threads and one event: one thread is woken.
fn one_wakeup(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut waiters = Vec::new();
    for _ in 0..10 {
        waiters.push(ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?);
    }
    let before = ctx.counters()?.wakeups;
    port.send(1, 1)?;
    ctx.settle();
    check::equal("threads woken", ctx.counters()?.wakeups - before, 1)?;
    port.send_all(2..=10)?;
    for waiter in waiters {
        waiter.join()??;
    }
    Ok(())
}

/// Five sleeping threads and one event left over by a slow retrieval: one thread is woken for it.
fn one_wakeup_later(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut waiters = Vec::new();
    for _ in 0..5 {
        waiters.push(ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?);
    }
    super::ksource::send_slow(ctx, port, 100 * MSEC, 0)?;
    ctx.settle();
    let before = ctx.counters()?.wakeups;
    port.send(1, 1)?;
    ctx.settle();
    check::equal(
        "threads woken meanwhile",
        ctx.counters()?.wakeups - before,
        0,
    )?;
    ctx.sys.sleep(200 * MSEC);
    ctx.settle();
    check::equal(
        "threads woken afterwards",
        ctx.counters()?.wakeups - before,
        1,
    )?;
    check::equal(
        "threads that returned",
        waiters.iter().filter(|w| w.done()).count(),
        2,
    )?;
    port.send_all(2..=4)?;
    for waiter in waiters {
        waiter.join()??;
    }
    Ok(())
}
