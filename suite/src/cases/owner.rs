//! Events that are their owner's alone without saying so: sources FILE, TIMER and kernel AIO
//! (D14), and what is asked when a process leaves the port (D13, D19).

use alloc::sync::Arc;
use spin::Mutex;

use super::fd::expect_none;
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::{Allocation, Answer, CallbackReason, Delivery, PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case(
        "close.d14_file_event_goes_with_its_owner",
        "D14 S81 S49",
        file_goes,
    )
    .needs(Caps::KSOURCE.union(Caps::RCTL)),
    case(
        "close.d14_timer_and_aio_events_go_with_their_owner",
        "D14 D13 S81",
        others_go,
    )
    .needs(Caps::KSOURCE.union(Caps::RCTL)),
    case("close.d14_exit_of_the_owner", "D14 S81 S97", owner_exits)
        .needs(Caps::KSOURCE.union(Caps::RCTL)),
    case("close.d14_waiter_is_not_kept_awake", "D14 S81 S80", waiter).needs(Caps::KSOURCE),
    case(
        "share.d14_file_event_counts_for_its_owner_only",
        "D14 D15 S49",
        counts,
    )
    .needs(Caps::KSOURCE),
    case(
        "close.d14_other_processes_keep_theirs",
        "D14 S81",
        keeps_others,
    )
    .needs(Caps::KSOURCE),
    case(
        "close.d13_leaving_owner_is_called_back_once",
        "D13 S81",
        called_back,
    )
    .needs(Caps::KSOURCE),
    case(
        "close.d19_slow_callback_blocks_no_sender",
        "D19 S81",
        slow_event,
    )
    .needs(Caps::KSOURCE.union(Caps::VIRTUAL_CLOCK)),
    case(
        "close.d19_slow_source_blocks_no_other_source",
        "D19 D12",
        slow_source,
    )
    .needs(Caps::KSOURCE.union(Caps::VIRTUAL_CLOCK)),
];

/// Sends an event of `source` without NOSHARE, which denies itself to everybody but the process
/// that made it. `told` hears of every call.
fn send_own(
    ctx: &Ctx<'_>,
    port: Port<'_>,
    source: i32,
    user: usize,
    told: impl Fn(&dyn System, CallbackReason) + Send + Sync + 'static,
) -> Verdict {
    let ksource = ctx.ksource()?;
    let event = ksource.allocate(port.fd(), Allocation::Default, source)?;
    let callback = move |sys: &dyn System, delivery: Delivery| {
        let foreign = sys.pid() != delivery.owner;
        if delivery.reason == CallbackReason::Deliver && foreign {
            return Answer::Refuse;
        }
        told(sys, delivery.reason);
        Answer::Deliver(delivery.events)
    };
    ksource.init(event, 0x0b, user, 4, false, Some(Arc::new(callback)));
    ksource.send(event);
    Ok(())
}

/// The sources whose events nobody else may take.
const PRIVATE: [i32; 3] = [source::FILE, source::TIMER, source::AIO];

/// Nothing to see and nothing to take: a poll loop does not spin.
#[track_caller]
fn expect_idle(port: Port<'_>) -> Verdict {
    let sys = port.sys();
    let mut fds = [PollFd::new(port.fd(), poll::IN)];
    check::equal("poll(2)", sys.poll(&mut fds, Some(MSEC)), Ok(0))?;
    check::equal("st_size", sys.fstat(port.fd())?.size, 0)?;
    expect_none(port)
}

/// The child leaves the port with `sources` unread.
fn goes(ctx: &Ctx<'_>, sources: &'static [i32], exits: bool) -> Verdict {
    let port = ctx.port_of(8)?;
    let fd = port.fd();
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        port.send(1, 1)?;
        for source in sources {
            send_own(ctx, port, *source, 2, |_, _| {})?;
        }
        check::equal(
            "queue length for the child",
            port.queued(),
            Ok(1 + sources.len() as u32),
        )?;
        if !exits {
            port.close()?;
        }
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_queue(port, &[1])?;
    expect_idle(port)?;
    expect_free_slots(port, 8)
}

/// The exception of a watched file.
fn file_goes(ctx: &Ctx<'_>) -> Verdict {
    goes(ctx, &[source::FILE, source::FILE], false)
}

/// The same for the other sources of the kind.
fn others_go(ctx: &Ctx<'_>) -> Verdict {
    goes(ctx, &[source::TIMER, source::AIO], false)
}

/// Without a close.
fn owner_exits(ctx: &Ctx<'_>) -> Verdict {
    goes(ctx, &PRIVATE, true)
}

/// A thread that waits sleeps on, and gets the next event.
fn waiter(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let child = ctx.fork(move |ctx| {
        for (user, source) in PRIVATE.into_iter().enumerate() {
            send_own(ctx, Port::at(ctx.sys, fd), source, user, |_, _| {})?;
            ctx.settle();
        }
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_asleep("port_get", &waiter)?;
    expect_none(port)?;
    port.send(1, 9)?;
    check::equal("event", waiter.join()??.user, 9)
}

/// For everybody else the port is empty.
fn counts(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    for (user, source) in PRIVATE.into_iter().enumerate() {
        send_own(ctx, port, source, user, |_, _| {})?;
    }
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        expect_idle(port)?;
        check::refused("port_get", port.get(Timeout::After(MSEC)), Errno::ETIME)?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_queue(port, &[0, 1, 2])
}

/// Only the events of the process that leaves go.
fn keeps_others(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    send_own(ctx, port, source::FILE, 1, |_, _| {})?;
    let sibling = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        send_own(ctx, port, source::FILE, 2, |_, _| {})?;
        ctx.sys.sleep(100 * MSEC);
        check::equal(
            "events of the sibling",
            port.getn(8, 1, Timeout::Poll).users(),
            vec![2],
        )?;
        Ok(0)
    })?;
    let child = ctx.fork(move |ctx| {
        send_own(ctx, Port::at(ctx.sys, fd), source::FILE, 3, |_, _| {})?;
        Ok(0)
    })?;
    child.wait()?;
    sibling.wait()?;
    ctx.expect_queue(port, &[1])
}

/// A source that keeps something for its event is told that the port gives it up.
fn called_back(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        let told: Arc<Mutex<Vec<CallbackReason>>> = Arc::default();
        let hears = Arc::clone(&told);
        send_own(ctx, port, source::AIO, 1, move |_, reason| {
            hears.lock().push(reason)
        })?;
        port.close()?;
        check::equal(
            "calls",
            core::mem::take(&mut *told.lock()),
            vec![CallbackReason::Close],
        )?;
        Ok(0)
    })?;
    child.wait()?;
    expect_idle(port)
}

/// A callback that takes its time at the close of another process holds nothing that a sender
/// needs. (Takers wait for each other's callbacks in any case.)
fn slow_event(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        send_own(ctx, port, source::AIO, 1, |sys, _| sys.sleep(50 * MSEC))?;
        ctx.sys.sleep(10 * MSEC);
        port.close()?;
        Ok(0)
    })?;
    // In the middle of the callback.
    ctx.sys.sleep(30 * MSEC);
    let before = ctx.sys.now();
    port.send(1, 2)?;
    check::equal("nanoseconds of port_send", ctx.sys.now() - before, 0)?;
    child.wait()?;
    check::that(
        "the callback took its time",
        ctx.sys.now() - before >= 20 * MSEC,
    )?;
    ctx.expect_queue(port, &[2])?;
    expect_idle(port)
}

/// A source that takes its time at the close of another process does not hold up one that joins.
fn slow_source(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let ksource = ctx.ksource()?;
    let close = |sys: &dyn System, _: i32, _: i32, last: bool| {
        if !last {
            sys.sleep(50 * MSEC);
        }
    };
    ksource.associate(fd, source::MQ, Arc::new(close))?;
    let child = ctx.fork_asleep(move |ctx| {
        ctx.sys.sleep(10 * MSEC);
        ctx.sys.close(fd)?;
        Ok(0)
    })?;
    ctx.sys.sleep(30 * MSEC);
    let before = ctx.sys.now();
    let joined = ksource.associate(fd, source::AIO, Arc::new(|_: &dyn System, _, _, _| {}))?;
    ksource.dissociate(fd, source::AIO, joined)?;
    check::equal("nanoseconds for it", ctx.sys.now() - before, 0)?;
    child.wait()?;
    check::that(
        "the source took its time",
        ctx.sys.now() - before >= 20 * MSEC,
    )
}
