//! Delivery callbacks of kernel event sources: what they are told and what they may do.

use alloc::sync::Arc;
use spin::Mutex;

use super::ksource::{queue_from, queue_with, send_slow};
use super::prelude::*;
use crate::{Allocation, Answer, PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case(
        "delivery.callback_may_change_the_events",
        "S22 S83",
        changes,
    )
    .both()
    .needs(Caps::KSOURCE),
    case("delivery.callback_knows_the_owner", "S34 S79", owner).needs(Caps::KSOURCE),
    case("delivery.callback_runs_once_per_event", "S54 S60", once)
        .both()
        .needs(Caps::KSOURCE),
    case("delivery.callback_runs_in_queue_order", "S96 S60", order).needs(Caps::KSOURCE),
    case(
        "delivery.refused_event_is_offered_again",
        "S80 S34",
        offered_again,
    )
    .needs(Caps::KSOURCE),
    case("delivery.callback_may_use_the_port", "D20 S51", uses_port).needs(Caps::KSOURCE),
    case(
        "delivery.slow_callback_does_not_block_senders",
        "D20 S51",
        slow_senders,
    )
    .needs(Caps::KSOURCE),
    case("delivery.d15_no_transient_zero", "D15 S17 S16", transient).needs(Caps::KSOURCE),
    case("delivery.d15_no_pollin_left_behind", "D15 S17", no_pollin).needs(Caps::KSOURCE),
    case(
        "delivery.slow_taker_leaves_the_rest_to_others",
        "S61 D2",
        slow_taker,
    )
    .needs(Caps::KSOURCE),
    case(
        "delivery.max_zero_beside_a_slow_taker",
        "S62 D15",
        slow_max_zero,
    )
    .needs(Caps::KSOURCE),
    case(
        "delivery.signal_while_another_retrieves",
        "S70 D2",
        signal_slow,
    )
    .needs(Caps::KSOURCE),
];

/// The bits a callback answers are those delivered.
fn changes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for user in 1..=3 {
        queue_with(ctx, port, user, move |_, delivery| {
            Answer::Deliver(delivery.events + (user as i32) * 16)
        })?;
    }
    let events: Vec<i32> = port
        .getn(8, 3, Timeout::Poll)
        .events
        .iter()
        .map(|e| e.events)
        .collect();
    check::equal("events", events, vec![17, 33, 49])
}

/// The pid is that of the process that allocated the event.
fn owner(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let seen: Arc<Mutex<Vec<(i32, i32)>>> = Arc::default();
    let log = Arc::clone(&seen);
    queue_from(ctx, port, source::MQ, 1, move |sys, delivery| {
        log.lock().push((delivery.owner, sys.pid()));
        Answer::Deliver(delivery.events)
    })?;
    let child = ctx.fork(move |ctx| {
        check::equal("event", Port::at(ctx.sys, fd).get(Timeout::Poll)?.user, 1)?;
        Ok(0)
    })?;
    let child_pid = child.pid();
    child.wait()?;
    let seen = core::mem::take(&mut *seen.lock());
    check::equal("owner and taker", seen, vec![(ctx.sys.pid(), child_pid)])
}

/// One call for each delivered event, whatever the list is.
fn once(ctx: &Ctx<'_>) -> Verdict {
    for (count, max) in [(1, 1), (10, 3), (40, 40), (70, 33)] {
        let port = ctx.port()?;
        let calls: Arc<Mutex<usize>> = Arc::default();
        for user in 0..count {
            let calls = Arc::clone(&calls);
            queue_with(ctx, port, user, move |_, delivery| {
                *calls.lock() += 1;
                Answer::Deliver(delivery.events)
            })?;
        }
        let mut taken = 0;
        while taken < count {
            taken += port.getn(max, 1, Timeout::Poll).nget as usize;
            check::equal("calls so far", *calls.lock(), taken)?;
        }
        port.close()?;
    }
    Ok(())
}

/// Oldest event first.
fn order(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let calls: Arc<Mutex<Vec<usize>>> = Arc::default();
    for user in 0..20 {
        let calls = Arc::clone(&calls);
        queue_with(ctx, port, user, move |_, delivery| {
            calls.lock().push(user);
            Answer::Deliver(delivery.events)
        })?;
    }
    port.getn(20, 20, Timeout::Poll).result?;
    check::equal(
        "calls",
        core::mem::take(&mut *calls.lock()),
        (0..20).collect(),
    )
}

/// Refused now, accepted later.
fn offered_again(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let open: Arc<Mutex<bool>> = Arc::default();
    let gate = Arc::clone(&open);
    queue_with(ctx, port, 1, move |_, delivery| match *gate.lock() {
        true => Answer::Deliver(delivery.events),
        false => Answer::Refuse,
    })?;
    for timeout in [Timeout::Poll, Timeout::After(MSEC), Timeout::Poll] {
        check::refused("port_get", port.get(timeout), Errno::ETIME)?;
    }
    *open.lock() = true;
    check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
    ctx.expect_queue(port, &[])
}

/// No lock is held: the callback sends to the port and takes events out of its queue.
fn uses_port(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let ksource = ctx.ksource()?;
    let removed = ksource.allocate(port.fd(), Allocation::Private, source::TIMER)?;
    ksource.init(removed, 0, 50, 1, false, None);
    let sent = ksource.allocate(port.fd(), Allocation::Default, source::TIMER)?;
    ksource.init(sent, 0, 3, 1, false, None);
    ksource.send(removed);
    check::that("the event can be removed", ksource.remove_done(removed))?;
    queue_with(ctx, port, 1, move |sys, delivery| {
        if let Some(ksource) = sys.ksource() {
            ksource.send(removed);
            ksource.send(sent);
        }
        Answer::Deliver(delivery.events)
    })?;
    port.send(1, 2)?;
    check::equal("1st event", port.get(Timeout::Poll)?.user, 1)?;
    check::that(
        "the event can be removed again",
        ksource.remove_done(removed),
    )?;
    ksource.free(removed);
    ctx.expect_queue(port, &[2, 3])
}

/// While a callback sleeps, `port_send` returns at once.
fn slow_senders(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    send_slow(ctx, port, 100 * MSEC, 1)?;
    let taker = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let before = ctx.sys.now();
    port.send_all(2..=4)?;
    port.alert(1, 1, 9)?;
    port.alert(0, 0, 0)?;
    check::within(
        "time spent by the sender",
        ctx.sys.now() - before,
        0,
        50 * MSEC,
    )?;
    check::equal("slow event", taker.join()??.user, 1)?;
    ctx.expect_queue(port, &[2, 3, 4])
}

/// While one thread takes the first of three events, the others are seen all the time.
fn transient(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    send_slow(ctx, port, 100 * MSEC, 1)?;
    port.send_all(2..=3)?;
    let taker = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    check::that("the taker is still busy", !taker.done())?;
    let mut fds = [PollFd::new(fd, poll::IN)];
    check::equal("poll(2)", ctx.sys.poll(&mut fds, Some(0)), Ok(1))?;
    check::within("st_size", ctx.sys.fstat(fd)?.size, 2, 3)?;
    check::equal("slow event", taker.join()??.user, 1)?;
    ctx.expect_queue(port, &[2, 3])
}

/// A thread that polls while the only event is taken does not see POLLIN afterwards.
fn no_pollin(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    for _ in 0..10 {
        let poller = ctx.spawn_asleep(move |sys| {
            let mut fds = [PollFd::new(fd, poll::IN)];
            (sys.poll(&mut fds, Some(50 * MSEC)), fds[0].revents)
        })?;
        // Delivered inside the kernel before anybody can look.
        port.send(1, 1)?;
        let taken = port.getn(4, 1, Timeout::Poll).nget;
        check::equal("events taken", taken, 1)?;
        let (found, revents) = poller.join()?;
        // The poller may have looked between send and getn; then it saw a real event.
        check::that(
            "poll(2) is consistent",
            found == Ok(usize::from(revents == poll::IN)),
        )?;
        let mut fds = [PollFd::new(fd, poll::IN)];
        check::equal("poll(2) afterwards", ctx.sys.poll(&mut fds, Some(0)), Ok(0))?;
    }
    Ok(())
}

/// One thread is busy with a slow event; a second one gets what comes behind.
fn slow_taker(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    send_slow(ctx, port, 100 * MSEC, 1)?;
    let slow = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let other = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    port.send(1, 2)?;
    ctx.sys.sleep(200 * MSEC);
    ctx.expect_done("the slow thread", &slow)?;
    ctx.expect_done("the other thread", &other)?;
    let mut users = [slow.join()??.user, other.join()??.user];
    users.sort_unstable();
    check::equal("events", users, [1, 2])
}

/// The length is right before, during and after.
fn slow_max_zero(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    send_slow(ctx, port, 100 * MSEC, 1)?;
    port.send_all(2..=5)?;
    check::equal("queue length before", port.queued(), Ok(5))?;
    let taker = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(2, 1, Timeout::Never))?;
    let during = port.queued()?;
    check::within("queue length meanwhile", during, 3, 5)?;
    check::equal("events", taker.join()?.users(), vec![1, 2])?;
    check::equal("queue length after", port.queued(), Ok(3))?;
    ctx.expect_queue(port, &[3, 4, 5])
}

/// A waiter behind a slow retrieval is interrupted; the event goes to the third thread.
fn signal_slow(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let third = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let second = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(2, 2, Timeout::Never))?;
    send_slow(ctx, port, 100 * MSEC, 1)?;
    ctx.settle();
    port.send_all(2..=3)?;
    second.signal()?;
    ctx.sys.sleep(300 * MSEC);
    ctx.settle();
    check::equal("slow event", third.join()??.user, 1)?;
    match second.join()?.result {
        Ok(()) => ctx.expect_queue(port, &[]),
        Err(errno) => {
            check::equal("interrupted port_getn", errno, Errno::EINTR)?;
            ctx.expect_queue(port, &[2, 3])
        }
    }
}
