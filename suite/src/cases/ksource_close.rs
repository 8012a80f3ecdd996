//! Kernel event sources and the close of a port (S81, S82, D16, D17, D18, D27).

use alloc::sync::Arc;
use spin::Mutex;

use super::ksource::{SOURCE, plain};
use super::prelude::*;
use crate::{Allocation, Answer, CallbackReason, Delivery, PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case(
        "ksource.close_waits_for_events_in_use",
        "S82 D18",
        close_waits,
    )
    .needs(Caps::KSOURCE),
    case(
        "ksource.close_takes_an_event_from_an_interrupt",
        "S82",
        close_sent,
    )
    .needs(Caps::KSOURCE),
    case(
        "ksource.close_after_a_poll_leaves_nobody_to_wake",
        "S82 S17",
        close_polled,
    )
    .needs(Caps::KSOURCE),
    case(
        "ksource.close_tells_every_source",
        "S81 S82 D27",
        close_callbacks,
    )
    .needs(Caps::KSOURCE),
    case("ksource.dissociated_source_is_not_told", "S82", dissociated).needs(Caps::KSOURCE),
    case(
        "ksource.close_calls_back_for_queued_events",
        "S82",
        close_queued,
    )
    .needs(Caps::KSOURCE),
    case(
        "ksource.d16_close_during_pollwakeup",
        "D16",
        during_pollwakeup,
    )
    .needs(Caps::KSOURCE),
    case(
        "ksource.getattr_during_the_last_close",
        "S16 S82",
        getattr_close,
    )
    .needs(Caps::KSOURCE),
    case("ksource.d17_second_vop_close", "D17", second_close).needs(Caps::KSOURCE),
    case(
        "ksource.vop_close_under_waiting_threads",
        "S82 D17",
        close_waited,
    )
    .needs(Caps::KSOURCE),
];

/// Somebody who holds only the vnode, as a look into /proc/PID/fd does, asks for the attributes
/// while the last close empties the port: no event stays behind.
fn getattr_close(ctx: &Ctx<'_>) -> Verdict {
    for _ in 0..4 {
        let port = ctx.port()?;
        let fd = port.fd();
        port.send_all(1..=5000)?;
        let stop = Arc::new(Mutex::new(false));
        let stopped = Arc::clone(&stop);
        let looker = ctx.spawn(move |sys| {
            while !*stopped.lock() {
                let _ = sys.fstat(fd);
            }
        })?;
        for _ in 0..3 {
            ctx.sys.fstat(fd)?;
        }
        check::equal("VOP_CLOSE", ctx.ksource()?.vop_close(fd, 1), Ok(()))?;
        *stop.lock() = true;
        looker.join()?;
        check::equal("st_size", ctx.sys.fstat(fd)?.size, 0)?;
        port.close()?;
    }
    Ok(())
}

/// The last close sleeps until every event that a source holds has come in. (A source that gives an
/// event back with port_free_event instead may touch the port after the close: that race is
/// genunix's own.)
fn close_waits(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let events = [
        plain(ctx, port, Allocation::Default, 1)?,
        plain(ctx, port, Allocation::Default, 2)?,
        plain(ctx, port, Allocation::Default, 3)?,
    ];
    port.send(1, 9)?;
    let closer = ctx.spawn_asleep(move |sys| Port::at(sys, fd).close())?;
    for event in events {
        ctx.expect_asleep("close(2)", &closer)?;
        ctx.ksource()?.send(event);
    }
    ctx.expect_done("close(2)", &closer)?;
    check::equal("close(2)", closer.join()?, Ok(()))
}

/// A poll that found nothing is over; the event that the close waits for must not look for the
/// poller in a port that may be gone by then.
fn close_polled(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let event = plain(ctx, port, Allocation::Default, 1)?;
    let mut polled = [PollFd::new(fd, poll::IN)];
    check::equal("poll(2)", ctx.sys.poll(&mut polled, Some(0)), Ok(0))?;
    let closer = ctx.spawn_asleep(move |sys| Port::at(sys, fd).close())?;
    ctx.expect_asleep("close(2)", &closer)?;
    ctx.ksource()?.send(event);
    ctx.expect_done("close(2)", &closer)?;
    check::equal("close(2)", closer.join()?, Ok(()))
}

/// The same when the last event comes from an interrupt.
fn close_sent(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let event = plain(ctx, port, Allocation::Default, 2)?;
    let closer = ctx.spawn_asleep(move |sys| Port::at(sys, fd).close())?;
    ctx.expect_asleep("close(2)", &closer)?;
    ctx.ksource()?.send_from_interrupt(event);
    ctx.expect_done("close(2)", &closer)?;
    check::equal("close(2)", closer.join()?, Ok(()))
}

/// A source number that nobody uses.
const OTHER: i32 = 8;

/// Every source hears of a process that closes, and of the last close, once each.
fn close_callbacks(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let calls: Arc<Mutex<Vec<(i32, i32, bool)>>> = Arc::default();
    // Not timers: the port knows those by itself.
    for source in [OTHER, source::MQ, 9] {
        let calls = Arc::clone(&calls);
        let close = move |_: &dyn System, port_fd: i32, pid: i32, last: bool| {
            calls.lock().push((source, pid, last));
            let _ = port_fd;
        };
        ctx.ksource()?.associate(fd, source, Arc::new(close))?;
    }
    let child = ctx.fork(move |ctx| {
        ctx.sys.close(fd)?;
        Ok(0)
    })?;
    let child_pid = child.pid();
    child.wait()?;
    let mut first = core::mem::take(&mut *calls.lock());
    first.sort_unstable();
    let told = |pid, last| vec![(6, pid, last), (OTHER, pid, last), (9, pid, last)];
    check::equal("calls at the child's close", first, told(child_pid, false))?;
    port.close()?;
    let mut last = core::mem::take(&mut *calls.lock());
    last.sort_unstable();
    check::equal("calls at the last close", last, told(ctx.sys.pid(), true))
}

/// A source that has left is not called.
fn dissociated(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let calls: Arc<Mutex<u32>> = Arc::default();
    let counter = Arc::clone(&calls);
    let close = move |_: &dyn System, _: i32, _: i32, _: bool| *counter.lock() += 1;
    let reference = ctx
        .ksource()?
        .associate(port.fd(), OTHER, Arc::new(close))?;
    ctx.ksource()?.dissociate(port.fd(), OTHER, reference)?;
    port.close()?;
    check::equal("calls", *calls.lock(), 0)
}

/// Events still queued at the last close: one callback each, with the reason.
fn close_queued(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let ksource = ctx.ksource()?;
    let reasons: Arc<Mutex<Vec<CallbackReason>>> = Arc::default();
    for user in 0..3 {
        let event = ksource.allocate(port.fd(), Allocation::Default, SOURCE)?;
        let reasons = Arc::clone(&reasons);
        let callback = move |_: &dyn System, delivery: Delivery| {
            reasons.lock().push(delivery.reason);
            Answer::Deliver(delivery.events)
        };
        ksource.init(event, 0, user, 1, false, Some(Arc::new(callback)));
        ksource.send(event);
    }
    check::equal("event", port.get(Timeout::Poll)?.user, 0)?;
    port.close()?;
    let expected = vec![
        CallbackReason::Deliver,
        CallbackReason::Close,
        CallbackReason::Close,
    ];
    check::equal("reasons", core::mem::take(&mut *reasons.lock()), expected)
}

/// `pollwakeup` of another object holds the port: the close waits for it and then ends.
fn during_pollwakeup(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    // An earlier poll leaves the port marked as polled.
    let mut fds = [PollFd::new(fd, poll::IN)];
    check::equal("poll(2)", ctx.sys.poll(&mut fds, Some(MSEC)), Ok(0))?;
    let Some(hold) = ctx.ksource()?.poll_hold(fd) else {
        return Err(Failure::new("the port is not marked as polled"));
    };
    let closer = ctx.spawn_asleep(move |sys| Port::at(sys, fd).close())?;
    ctx.expect_asleep("close(2)", &closer)?;
    ctx.ksource()?.poll_release(hold);
    ctx.expect_done("close(2)", &closer)?;
    check::equal("close(2)", closer.join()?, Ok(()))
}

/// A closed port answers another VOP_CLOSE with 0 and touches nothing: a private event that came in
/// later is not dropped by a partial close.
fn second_close(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let ksource = ctx.ksource()?;
    port.send_all(1..=2)?;
    check::equal("1st VOP_CLOSE", ksource.vop_close(port.fd(), 1), Ok(()))?;
    check::equal("2nd VOP_CLOSE", ksource.vop_close(port.fd(), 1), Ok(()))?;
    let event = ksource.allocate(port.fd(), Allocation::SourceCached, SOURCE)?;
    ksource.init(event, 0, 3, 1, true, None);
    ksource.send(event);
    check::equal("3rd VOP_CLOSE", ksource.vop_close(port.fd(), 2), Ok(()))?;
    check::equal("queue length", port.queued(), Ok(1))?;
    check::that("the event is still queued", ksource.remove_done(event))?;
    ksource.free(event);
    port.close().map_err(Failure::from)
}

/// VOP_CLOSE for the last reference while threads wait (no system call can do that): they leave
/// with EBADFD, and the close ends.
fn close_waited(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let get = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let getn = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(4, 2, Timeout::Never))?;
    check::equal("VOP_CLOSE", ctx.ksource()?.vop_close(fd, 1), Ok(()))?;
    ctx.expect_done("port_get", &get)?;
    check::refused("port_get", get.join()?, Errno::EBADFD)?;
    ctx.expect_done("port_getn", &getn)?;
    check::equal("port_getn", getn.join()?.result, Err(Errno::EBADFD))?;
    check::refused(
        "port_get afterwards",
        port.get(Timeout::Poll),
        Errno::EBADFD,
    )
}
