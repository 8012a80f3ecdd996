//! Asynchronous I/O and the close of its port by the process that asked for it (S81, S82, D8, D13,
//! D19).

use super::aio::{device, request, slow_device};
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::aio::Request;

pub(super) const CASES: &[Case] = &[
    case("aio.close_waits_for_the_only_request", "S82 D13", close_one)
        .both()
        .needs(Caps::KAIO),
    case("aio.close_waits_for_every_request", "S82 D13", close_many).needs(Caps::KAIO),
    case("aio.close_with_unread_events", "S82 D19", close_unread)
        .both()
        .needs(Caps::KAIO),
    case("aio.close_half_way", "S82 D13", close_half).needs(Caps::KAIO),
    case("aio.close_at_the_moment_of_completion", "S82", close_now)
        .needs(Caps::KAIO.union(Caps::VIRTUAL_CLOCK)),
    case("aio.close_under_a_waiting_thread", "S82 S71", close_waited).needs(Caps::KAIO),
    case("aio.close_of_two_ports_at_once", "S82", close_two).needs(Caps::KAIO),
    case("aio.d08_close_of_a_dup_keeps_requests", "S81 D8", close_dup).needs(Caps::KAIO),
    case(
        "aio.classic_close_of_a_dup_discards_requests",
        "S81 D8",
        classic_close_dup,
    )
    .classic()
    .needs(Caps::KAIO.union(Caps::RCTL)),
    case(
        "aio.submitted_through_a_dup",
        "S81 S82 D10 D13",
        through_dup,
    )
    .needs(Caps::KAIO),
    case("aio.close_goes_by_the_port", "S82 D10", other_port).needs(Caps::KAIO),
    case("aio.close_of_the_device_waits", "S88", close_device).needs(Caps::KAIO),
];

/// `count` requests that were submitted, with cookies from 1 on.
pub(super) fn submitted<'s>(
    ctx: &Ctx<'s>,
    fd: i32,
    port: i32,
    count: usize,
) -> Result<Vec<Request<'s>>, Failure> {
    let mut requests = Vec::new();
    for user in 1..=count {
        let request = request(ctx, fd, port, user)?;
        check::granted("aio_read", request.read())?;
        requests.push(request);
    }
    Ok(requests)
}

/// The control blocks are nobody's any more: each can be submitted again, to another port.
pub(super) fn expect_reusable(ctx: &Ctx<'_>, fd: i32, requests: Vec<Request<'_>>) -> Verdict {
    let port = ctx.port()?;
    for (user, request) in requests.into_iter().enumerate() {
        let request = request.notify(crate::aio::Notify::Port(port.fd(), user));
        check::granted("a request of the same control block", request.read())?;
        let event = check::granted("port_get", port.get(Timeout::Never))?;
        check::equal("cookie", event.user, user as u64)?;
    }
    check::granted("close", ctx.sys.close(fd))
}

/// Submits `count` requests, has a thread close the port, and looks when it returns.
fn close_pending(ctx: &Ctx<'_>, count: usize) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let number = port.fd();
    let requests = submitted(ctx, fd, number, count)?;
    let closer = ctx.spawn_asleep(move |sys| (sys.close(number), sys.now()))?;
    ctx.expect_asleep("close(2)", &closer)?;
    let begin = ctx.sys.now();
    let (closed, end) = closer.join()?;
    check::equal("close(2)", closed, Ok(()))?;
    check::within("duration", end - begin, MSEC / 2, 2 * MSEC)?;
    for request in &requests {
        check::equal("result", request.result(), None)?;
    }
    expect_reusable(ctx, fd, requests)
}

/// The close returns when the transfer is over.
fn close_one(ctx: &Ctx<'_>) -> Verdict {
    close_pending(ctx, 1)
}

/// The same with several: none is left behind.
fn close_many(ctx: &Ctx<'_>) -> Verdict {
    close_pending(ctx, 2)?;
    close_pending(ctx, 7)
}

/// Completed requests whose events nobody took go with the port; the close need not wait.
fn close_unread(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let requests = submitted(ctx, fd, port.fd(), 3)?;
    ctx.sys.sleep(2 * MSEC);
    check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
    let begin = ctx.sys.now();
    port.close()?;
    check::equal("duration of the close", ctx.sys.now() - begin, 0)?;
    check::equal("result of the first", requests[0].result(), Some(Ok(512)))?;
    check::equal("result of the second", requests[1].result(), None)?;
    expect_reusable(ctx, fd, requests)
}

/// Some have completed, one of those was retrieved, others are pending.
fn close_half(ctx: &Ctx<'_>) -> Verdict {
    let (fast, slow) = (device(ctx)?, slow_device(ctx, 5 * MSEC)?);
    for pending in [1, 3] {
        let port = ctx.port()?;
        let mut requests = submitted(ctx, slow, port.fd(), pending)?;
        requests.extend(submitted(ctx, fast, port.fd(), 3)?);
        ctx.sys.sleep(2 * MSEC);
        check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
        port.close()?;
        let last = ctx.port()?;
        for request in requests {
            let request = request.notify(crate::aio::Notify::Port(last.fd(), 1));
            request.read()?;
            check::equal("event", last.get(Timeout::Never)?.user, 1)?;
        }
        last.close()?;
    }
    Ok(())
}

/// The port is closed at the very time at which the transfers end.
fn close_now(ctx: &Ctx<'_>) -> Verdict {
    let (one, two) = (device(ctx)?, device(ctx)?);
    for delay in [MSEC - 1, MSEC, MSEC, MSEC, MSEC + 1] {
        let port = ctx.port()?;
        let mut requests = submitted(ctx, one, port.fd(), 2)?;
        requests.extend(submitted(ctx, two, port.fd(), 2)?);
        ctx.sys.sleep(delay);
        port.close()?;
        ctx.sys.sleep(2 * MSEC);
    }
    Ok(())
}

/// A thread in port_get leaves with EBADF although the close has to wait.
fn close_waited(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let number = port.fd();
    let _requests = submitted(ctx, fd, number, 2)?;
    let getter = ctx.spawn_asleep(move |sys| Port::at(sys, number).get(Timeout::Never))?;
    let closer = ctx.spawn_asleep(move |sys| sys.close(number))?;
    ctx.expect_done("port_get", &getter)?;
    check::refused("port_get", getter.join()?, Errno::EBADF)?;
    ctx.expect_asleep("close(2)", &closer)?;
    check::equal("close(2)", closer.join()?, Ok(()))
}

/// Two threads close a port each while requests for both are pending.
fn close_two(ctx: &Ctx<'_>) -> Verdict {
    let (fast, slow) = (device(ctx)?, slow_device(ctx, 3 * MSEC)?);
    let (first, second) = (ctx.port()?.fd(), ctx.port()?.fd());
    let mut requests = submitted(ctx, fast, first, 2)?;
    requests.extend(submitted(ctx, slow, second, 2)?);
    let closers = [
        ctx.spawn_asleep(move |sys| sys.close(first))?,
        ctx.spawn_asleep(move |sys| sys.close(second))?,
    ];
    for closer in closers {
        check::equal("close(2)", closer.join()?, Ok(()))?;
    }
    expect_reusable(ctx, fast, requests)
}

/// The process still has the port: pending requests and queued events stay.
fn close_dup(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let requests = submitted(ctx, fd, port.fd(), 2)?;
    ctx.sys.sleep(2 * MSEC);
    let late = request(ctx, fd, port.fd(), 3)?;
    late.read()?;
    port.dup()?.close()?;
    check::equal("queue length", port.queued(), Ok(2))?;
    ctx.sys.sleep(2 * MSEC);
    ctx.expect_queue(port, &[1, 2, 3])?;
    for request in requests.iter().chain([&late]) {
        check::equal("result", request.result(), Some(Ok(512)))?;
    }
    Ok(())
}

/// As the C module: whatever descriptor is closed, the process's requests go and their slots are
/// free.
fn classic_close_dup(ctx: &Ctx<'_>) -> Verdict {
    let fd = device(ctx)?;
    let port = ctx.port_of(4)?;
    let mut requests = submitted(ctx, fd, port.fd(), 1)?;
    ctx.sys.sleep(2 * MSEC);
    requests.extend(submitted(ctx, fd, port.fd(), 1)?);
    port.dup()?.close()?;
    check::equal("queue length", port.queued(), Ok(0))?;
    expect_free_slots(port, 4)?;
    expect_reusable(ctx, fd, requests)
}

/// The number that named the port is gone or another file's when the port is closed.
fn through_dup(ctx: &Ctx<'_>) -> Verdict {
    let fd = device(ctx)?;
    for completed in [false, true] {
        let port = ctx.port()?;
        let dup = port.dup()?;
        let requests = submitted(ctx, fd, dup.fd(), 2)?;
        if completed {
            ctx.sys.sleep(2 * MSEC);
        }
        dup.close()?;
        let null = ctx.null()?;
        check::equal("number", null, dup.fd())?;
        if !completed {
            ctx.sys.sleep(2 * MSEC);
        }
        check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
        let late = request(ctx, fd, port.fd(), 3)?;
        late.read()?;
        port.close()?;
        ctx.sys.close(null)?;
        check::equal("result", requests[0].result(), Some(Ok(512)))?;
        check::equal("result", requests[1].result(), None)?;
        check::equal("result", late.result(), None)?;
    }
    Ok(())
}

/// Port A's first number is port B's now: the close of A neither waits for B's requests nor
/// discards them.
fn other_port(ctx: &Ctx<'_>) -> Verdict {
    let fd = slow_device(ctx, 10 * MSEC)?;
    let a = ctx.port()?;
    let dup = a.dup()?;
    a.close()?;
    let b = ctx.port()?;
    check::equal("number", b.fd(), a.fd())?;
    let requests = submitted(ctx, fd, b.fd(), 2)?;
    let begin = ctx.sys.now();
    dup.close()?;
    check::equal("duration of the close", ctx.sys.now() - begin, 0)?;
    ctx.sys.sleep(11 * MSEC);
    ctx.expect_queue(b, &[1, 2])?;
    for request in &requests {
        check::equal("result", request.result(), Some(Ok(512)))?;
    }
    Ok(())
}

/// The device stays open for its requests; their events come.
fn close_device(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let requests = submitted(ctx, fd, port.fd(), 2)?;
    let begin = ctx.sys.now();
    ctx.sys.close(fd)?;
    check::within("duration", ctx.sys.now() - begin, MSEC / 2, 2 * MSEC)?;
    ctx.settle();
    ctx.expect_queue(port, &[1, 2])?;
    check::equal("result", requests[1].result(), Some(Ok(512)))
}
