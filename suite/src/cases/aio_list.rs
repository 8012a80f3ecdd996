//! Lists of requests: `lio_listio(3C)` with ports (S88).

use super::aio::{device, request, slow_device};
use super::aio_close::expect_reusable;
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::aio::{ListNotify, Notify, Request, submit_list};
use crate::kaio;

pub(super) const CASES: &[Case] = &[
    case("aio.list_tells_when_all_is_done", "S88", at_the_end)
        .both()
        .needs(Caps::KAIO),
    case("aio.list_of_large_files", "S88", large)
        .ilp32()
        .needs(Caps::KAIO),
    case("aio.list_and_each_request_tell", "S88", each)
        .both()
        .needs(Caps::KAIO.union(Caps::RCTL)),
    case("aio.list_without_a_slot", "S88 S95", no_slot).needs(Caps::KAIO.union(Caps::RCTL)),
    case("aio.list_runs_out_of_slots", "S88 S95", out_of_slots)
        .both()
        .needs(Caps::KAIO.union(Caps::RCTL)),
    case("aio.list_of_nothing_tells_nobody", "S88", nothing).needs(Caps::KAIO.union(Caps::RCTL)),
    case("aio.list_may_be_waited_for", "S88 S90", waited)
        .both()
        .needs(Caps::KAIO),
    case("aio.list_with_bad_arguments", "S88", bad)
        .both()
        .needs(Caps::KAIO),
    case("aio.list_pending_at_the_last_close", "S82 D13", last_close).needs(Caps::KAIO),
    case("aio.d13_leave_with_a_list", "D13 S81", leave).needs(Caps::KAIO.union(Caps::RCTL)),
];

/// What the event of a list says.
fn event_of(list: &ListNotify<'_>, opcode: i32, user: u64) -> Event {
    Event::new(source::AIO, opcode, list.addr() as u64, user)
}

/// Requests for a list, of which `port` is told with cookies from 1 on.
fn told<'s>(ctx: &Ctx<'s>, fd: i32, port: i32, count: usize) -> Result<Vec<Request<'s>>, Failure> {
    let mut requests = Vec::new();
    for user in 1..=count {
        requests.push(request(ctx, fd, port, user)?.listed(kaio::AREAD));
    }
    Ok(requests)
}

/// One event: AIOLIO, the sigevent, the cookie; the requests have no events.
fn at_the_end(ctx: &Ctx<'_>) -> Verdict {
    let (fast, slow, port) = (device(ctx)?, slow_device(ctx, 3 * MSEC)?, ctx.port()?);
    let quiet = |fd, opcode| Request::new(ctx.sys, fd, 64).map(|r| r.listed(opcode));
    let requests = [
        quiet(fast, kaio::AREAD)?,
        quiet(slow, kaio::AWRITE)?,
        quiet(fast, 0)?,
    ];
    let list = ListNotify::new(ctx.sys, Notify::Port(port.fd(), 9))?;
    submit_list(ctx.sys, false, &requests.each_ref(), Some(&list))?;
    ctx.sys.sleep(2 * MSEC);
    check::equal("queue length", port.queued(), Ok(0))?;
    check::equal(
        "event",
        port.get(Timeout::Never)?,
        event_of(&list, kaio::LIO, 9),
    )?;
    for request in &requests[..2] {
        check::equal("aio_error", request.error(), Ok(()))?;
        check::equal("result", request.result(), Some(Ok(64)))?;
    }
    check::equal("result of the one to skip", requests[2].result(), None)?;
    ctx.expect_queue(port, &[])
}

/// A 32-bit program with 64-bit offsets: the opcodes end in 64.
fn large(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let requests = [kaio::AREAD, kaio::AWRITE].map(|opcode| {
        let request = Request::large(ctx.sys, fd, 64)?;
        Ok::<_, Errno>(request.listed(opcode).notify(Notify::Port(port.fd(), 1)))
    });
    let [read, write] = requests;
    let (read, write) = (read?, write?);
    let list = ListNotify::new(ctx.sys, Notify::Thread(port.fd(), 9))?;
    submit_list(ctx.sys, false, &[&read, &write], Some(&list))?;
    let batch = port.getn(8, 3, Timeout::Never);
    let events: Vec<i32> = batch.events.iter().map(|e| e.events).collect();
    check::equal(
        "events",
        events,
        vec![kaio::AREAD64, kaio::AWRITE64, kaio::LIO64],
    )?;
    check::equal("objects", batch.events[2], event_of(&list, kaio::LIO64, 9))?;
    check::equal("result", write.result(), Some(Ok(64)))
}

/// Each request has an event of its own, the list's comes last; each takes a slot.
fn each(ctx: &Ctx<'_>) -> Verdict {
    let fd = device(ctx)?;
    let port = ctx.port_of(4)?;
    let requests = told(ctx, fd, port.fd(), 3)?;
    let list = ListNotify::new(ctx.sys, Notify::Port(port.fd(), 9))?;
    submit_list(
        ctx.sys,
        false,
        &requests.iter().collect::<Vec<_>>(),
        Some(&list),
    )?;
    check::refused("port_send", port.send(1, 1), Errno::EAGAIN)?;
    let batch = port.getn(8, 4, Timeout::Never);
    check::equal("cookies", batch.users(), vec![1, 2, 3, 9])?;
    check::equal("last event", batch.events[3], event_of(&list, kaio::LIO, 9))?;
    check::equal("result", requests[2].result(), Some(Ok(512)))?;
    expect_free_slots(port, 4)
}

/// No slot for the list's event: EAGAIN, and nothing is started.
fn no_slot(ctx: &Ctx<'_>) -> Verdict {
    let fd = device(ctx)?;
    let port = ctx.port_of(1)?;
    port.send(1, 7)?;
    let requests = told(ctx, fd, port.fd(), 2)?;
    let all = requests.iter().collect::<Vec<_>>();
    let list = ListNotify::new(ctx.sys, Notify::Port(port.fd(), 9))?;
    let submitted = submit_list(ctx.sys, false, &all, Some(&list));
    check::refused("lio_listio", submitted, Errno::EAGAIN)?;
    check::equal("result", requests[0].result(), None)?;
    ctx.sys.sleep(2 * MSEC);
    ctx.expect_queue(port, &[7])?;
    expect_reusable(ctx, fd, requests)
}

/// The slots end in the middle: EIO, the rest has EAGAIN as result, the others and the list tell.
fn out_of_slots(ctx: &Ctx<'_>) -> Verdict {
    let fd = device(ctx)?;
    let port = ctx.port_of(3)?;
    let requests = told(ctx, fd, port.fd(), 4)?;
    let all = requests.iter().collect::<Vec<_>>();
    let list = ListNotify::new(ctx.sys, Notify::Port(port.fd(), 9))?;
    let submitted = submit_list(ctx.sys, false, &all, Some(&list));
    check::refused("lio_listio", submitted, Errno::EIO)?;
    for request in &requests[2..] {
        check::equal("result", request.result(), Some(Err(Errno::EAGAIN)))?;
    }
    let batch = port.getn(8, 3, Timeout::Never);
    check::equal("cookies", batch.users(), vec![1, 2, 9])?;
    expect_free_slots(port, 3)?;
    expect_reusable(ctx, fd, requests)
}

/// Nothing in the list is for the kernel: no event, and its slot is free again.
fn nothing(ctx: &Ctx<'_>) -> Verdict {
    let (_device, null) = (device(ctx)?, ctx.null()?);
    let port = ctx.port_of(1)?;
    let requests = told(ctx, null, port.fd(), 2)?;
    let skipped = told(ctx, null, port.fd(), 1)?.remove(0).listed(0);
    let list = ListNotify::new(ctx.sys, Notify::Port(port.fd(), 9))?;
    for _ in 0..3 {
        let all = [&requests[0], &skipped, &requests[1]];
        let submitted = submit_list(ctx.sys, false, &all, Some(&list));
        check::refused("lio_listio", submitted, Errno::ENOTSUP)?;
        let result = requests[1].result();
        check::equal("result", result, Some(Err(Errno::EBADFD)))?;
        submit_list(ctx.sys, false, &[&skipped], Some(&list))?;
    }
    ctx.expect_queue(port, &[])?;
    expect_free_slots(port, 1)
}

/// LIO_WAIT: all is done when the call returns; those with a port have their events.
fn waited(ctx: &Ctx<'_>) -> Verdict {
    let (fast, slow, port) = (device(ctx)?, slow_device(ctx, 3 * MSEC)?, ctx.port()?);
    let quiet = Request::new(ctx.sys, slow, 64)?.listed(kaio::AREAD);
    let told = told(ctx, fast, port.fd(), 1)?;
    let begin = ctx.sys.now();
    submit_list(ctx.sys, true, &[&quiet, &told[0]], None)?;
    check::within("duration", ctx.sys.now() - begin, 2 * MSEC, 4 * MSEC)?;
    check::equal("result", quiet.result(), Some(Ok(64)))?;
    ctx.expect_queue(port, &[1])?;
    check::equal("result", told[0].result(), Some(Ok(512)))
}

/// Lengths, addresses and ports that are none.
fn bad(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let requests = told(ctx, fd, port.fd(), 1)?;
    let all = requests.iter().collect::<Vec<_>>();
    check::refused(
        "no entry",
        submit_list(ctx.sys, false, &[], None),
        Errno::EINVAL,
    )?;
    let nowhere = UserBuf::unmapped(ctx.sys, 64)?.addr();
    let call = |args| ctx.sys.kaio(kaio::LIO, args);
    check::refused(
        "4097 entries",
        call([0, nowhere, 4097, 0, 0]),
        Errno::EINVAL,
    )?;
    check::refused("bad list", call([0, nowhere, 1, 0, 0]), Errno::EFAULT)?;
    for (notify, errno) in [
        (Notify::Port(-1, 1), Errno::EINVAL),
        (Notify::Thread(ctx.null()?, 1), Errno::EINVAL),
        (Notify::At(nowhere), Errno::EFAULT),
    ] {
        let list = ListNotify::new(ctx.sys, notify)?;
        let submitted = submit_list(ctx.sys, false, &all, Some(&list));
        check::refused(format!("{notify:?}"), submitted, errno)?;
    }
    check::equal("result", requests[0].result(), None)?;
    ctx.expect_queue(port, &[])?;
    expect_reusable(ctx, fd, requests)
}

/// The last close waits for the list, with and without events of its requests.
fn last_close(ctx: &Ctx<'_>) -> Verdict {
    let fd = device(ctx)?;
    for own in [false, true] {
        let port = ctx.port()?;
        let mut requests = told(ctx, fd, port.fd(), 2)?;
        if !own {
            requests = requests
                .into_iter()
                .map(|r| r.notify(Notify::None))
                .collect();
        }
        let all = requests.iter().collect::<Vec<_>>();
        let list = ListNotify::new(ctx.sys, Notify::Port(port.fd(), 9))?;
        submit_list(ctx.sys, false, &all, Some(&list))?;
        let begin = ctx.sys.now();
        port.close()?;
        check::within("duration", ctx.sys.now() - begin, MSEC / 2, 2 * MSEC)?;
        let reaped = if own { Err(Errno::EINVAL) } else { Ok(()) };
        for request in &requests {
            check::equal("aio_error", request.error(), reaped)?;
        }
    }
    Ok(())
}

/// A child leaves the port while its list is pending. Its requests end with that; the list's event,
/// which nobody owns, comes.
fn leave(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(8)?;
    let number = port.fd();
    let child = ctx.fork(move |ctx| {
        let fd = device(ctx)?;
        let requests = told(ctx, fd, number, 2)?;
        let all = requests.iter().collect::<Vec<_>>();
        let list = ListNotify::new(ctx.sys, Notify::Port(number, 9))?;
        submit_list(ctx.sys, false, &all, Some(&list))?;
        ctx.sys.close(number)?;
        expect_reusable(ctx, fd, requests)?;
        Ok(0)
    })?;
    child.wait()?;
    let event = port.get(Timeout::Poll)?;
    check::equal("event", (event.events, event.user), (kaio::LIO, 9))?;
    ctx.expect_queue(port, &[])?;
    expect_free_slots(port, 8)
}
