//! Asynchronous I/O of several processes with one port (S79, S81, C27, D13, D19).

use super::aio::{SIZE, device, request, slow_device};
use super::aio_close::{expect_reusable, submitted};
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::{PollFd, aio, poll};

pub(super) const CASES: &[Case] = &[
    case(
        "aio.event_is_its_process_s_alone",
        "S79 S80 C27",
        owner_only,
    )
    .both()
    .needs(Caps::KAIO),
    case("aio.each_process_gets_its_own", "S79 C27", each_its_own).needs(Caps::KAIO),
    case("aio.not_inherited_by_fork", "S79 C27", not_inherited).needs(Caps::KAIO),
    case("aio.exit_takes_the_events_back", "S81 S82", exit)
        .both()
        .needs(Caps::KAIO.union(Caps::RCTL)),
    case("aio.exit_as_last_holder", "S82", exit_last).needs(Caps::KAIO),
    case(
        "aio.d13_leave_with_an_unread_event",
        "D13 S81",
        leave_unread,
    )
    .needs(Caps::KAIO.union(Caps::RCTL)),
    case(
        "aio.d13_leave_with_a_pending_request",
        "D13 S81",
        leave_pending,
    )
    .needs(Caps::KAIO.union(Caps::RCTL)),
    case("aio.d13_leave_half_way", "D13 S81", leave_half).needs(Caps::KAIO.union(Caps::RCTL)),
    case("aio.d13_leave_through_a_dup", "D13 D10 S81", leave_dup)
        .needs(Caps::KAIO.union(Caps::RCTL)),
    case(
        "aio.d13_leave_at_the_moment_of_completion",
        "D13 S81",
        leave_now,
    )
    .needs(Caps::KAIO.union(Caps::RCTL).union(Caps::VIRTUAL_CLOCK)),
    case("aio.d13_others_leave_first", "D13 S82", others_first).needs(Caps::KAIO),
    case(
        "aio.d13_last_close_in_a_foreign_process",
        "D13 S82",
        foreign_last,
    )
    .needs(Caps::KAIO),
    case(
        "aio.d19_close_waits_without_locks",
        "D19 D12",
        without_locks,
    )
    .needs(Caps::KAIO.union(Caps::KSOURCE).union(Caps::VIRTUAL_CLOCK)),
];

/// How the submitter of [`leave`] leaves its port.
#[derive(Clone, Copy)]
struct Leaving {
    /// Requests completed and unread.
    completed: usize,
    /// Requests pending.
    pending: usize,
    /// Nanoseconds from the submission of the pending ones to the close.
    after: u64,
    /// By way of a dup that is closed before.
    dup: bool,
}

/// A child submits, gives the port up and lives on; when it has, nothing of it is left in the
/// port. Then the port goes, and then the child.
fn leave(ctx: &Ctx<'_>, how: Leaving) -> Verdict {
    let port = ctx.port_of(8)?;
    let number = port.fd();
    port.send(1, 100)?;
    let child = ctx.fork(move |ctx| {
        let (fast, slow) = (device(ctx)?, slow_device(ctx, 5 * MSEC)?);
        let name = if how.dup {
            ctx.sys.dup(number)?
        } else {
            number
        };
        let mut requests = submitted(ctx, fast, name, how.completed)?;
        ctx.sys.sleep(2 * MSEC);
        requests.extend(submitted(ctx, slow, name, how.pending)?);
        ctx.sys.sleep(how.after);
        if how.dup {
            ctx.sys.close(name)?;
        }
        ctx.sys.close(number)?;
        expect_reusable(ctx, fast, requests)?;
        ctx.sys.sleep(100 * MSEC);
        Ok(0)
    })?;
    ctx.sys.sleep(50 * MSEC);
    check::equal("queue length", port.queued(), Ok(1))?;
    let mut fds = [PollFd::new(number, poll::IN)];
    ctx.expect_queue(port, &[100])?;
    check::equal("poll(2)", ctx.sys.poll(&mut fds, Some(0)), Ok(0))?;
    expect_free_slots(port, 8)?;
    port.close()?;
    child.wait()?;
    Ok(())
}

/// A child sees nothing of it in any way, and cannot take it.
fn owner_only(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let number = port.fd();
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, number);
        let event = port.get(Timeout::Never)?;
        check::equal("queue length", port.queued(), Ok(0))?;
        let mut fds = [PollFd::new(number, poll::IN)];
        check::equal("poll(2)", ctx.sys.poll(&mut fds, Some(0)), Ok(0))?;
        Ok(event.user as i64)
    })?;
    let request = request(ctx, fd, number, 1)?;
    request.read()?;
    ctx.sys.sleep(2 * MSEC);
    port.send(1, 2)?;
    check::equal("event of the child", child.wait()?, 2)?;
    ctx.expect_queue(port, &[1])?;
    check::equal("result", request.result(), Some(Ok(512)))
}

/// Parent and child submit to one port and wait: each wakes for its own.
fn each_its_own(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let number = port.fd();
    let work = move |ctx: &Ctx<'_>, base: u64| {
        aio::init(ctx.sys)?;
        let port = Port::at(ctx.sys, number);
        for round in 0..20 {
            let request = request(ctx, fd, number, (base + round) as usize)?;
            request.read()?;
            let event = port.get(Timeout::Never)?;
            check::equal("event", event.user, base + round)?;
            check::equal("result", request.result(), Some(Ok(512)))?;
        }
        Ok(0)
    };
    let child = ctx.fork(move |ctx| work(ctx, 1000))?;
    work(ctx, 1)?;
    child.wait()?;
    ctx.expect_queue(port, &[])
}

/// A child has no requests until it makes some; its close does not touch those of the parent.
fn not_inherited(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let number = port.fd();
    let requests = submitted(ctx, fd, number, 2)?;
    let child = ctx.fork(move |ctx| {
        let own = request(ctx, fd, number, 7)?;
        check::refused("before AIOINIT", own.read(), Errno::EINVAL)?;
        let begin = ctx.sys.now();
        ctx.sys.close(number)?;
        check::equal("duration of the close", ctx.sys.now() - begin, 0)?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.sys.sleep(2 * MSEC);
    ctx.expect_queue(port, &[1, 2])?;
    check::equal("result", requests[1].result(), Some(Ok(512)))
}

/// A child exits with requests unread and pending: no event and no slot stays taken.
fn exit(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(6)?;
    let number = port.fd();
    for (unread, pending) in [(2, 0), (0, 2), (2, 3)] {
        let child = ctx.fork(move |ctx| {
            let (fast, slow) = (device(ctx)?, slow_device(ctx, 5 * MSEC)?);
            let _unread = submitted(ctx, fast, number, unread)?;
            ctx.sys.sleep(2 * MSEC);
            let _pending = submitted(ctx, slow, number, pending)?;
            Ok(0)
        })?;
        child.wait()?;
        ctx.expect_queue(port, &[])?;
        expect_free_slots(port, 6)?;
    }
    Ok(())
}

/// A process that holds the port alone exits with requests unread and pending.
fn exit_last(ctx: &Ctx<'_>) -> Verdict {
    for (unread, pending) in [(1, 0), (0, 1), (2, 2)] {
        let child = ctx.fork(move |ctx| {
            let port = Port::create(ctx.sys)?;
            let (fast, slow) = (device(ctx)?, slow_device(ctx, 5 * MSEC)?);
            let _unread = submitted(ctx, fast, port.fd(), unread)?;
            ctx.sys.sleep(2 * MSEC);
            let _pending = submitted(ctx, slow, port.fd(), pending)?;
            Ok(0)
        })?;
        child.wait()?;
    }
    Ok(())
}

/// Completed, not retrieved.
fn leave_unread(ctx: &Ctx<'_>) -> Verdict {
    for completed in [1, 3] {
        leave(
            ctx,
            Leaving {
                completed,
                pending: 0,
                after: 0,
                dup: false,
            },
        )?;
    }
    Ok(())
}

/// Not completed: the close waits.
fn leave_pending(ctx: &Ctx<'_>) -> Verdict {
    for pending in [1, 3] {
        leave(
            ctx,
            Leaving {
                completed: 0,
                pending,
                after: 0,
                dup: false,
            },
        )?;
    }
    Ok(())
}

/// Both kinds.
fn leave_half(ctx: &Ctx<'_>) -> Verdict {
    for (completed, pending) in [(1, 1), (3, 1), (2, 3)] {
        leave(
            ctx,
            Leaving {
                completed,
                pending,
                after: MSEC,
                dup: false,
            },
        )?;
    }
    Ok(())
}

/// Both kinds, submitted through a descriptor that is closed before.
fn leave_dup(ctx: &Ctx<'_>) -> Verdict {
    for (completed, pending) in [(1, 0), (0, 1), (2, 2)] {
        leave(
            ctx,
            Leaving {
                completed,
                pending,
                after: 0,
                dup: true,
            },
        )?;
    }
    Ok(())
}

/// The transfers end at the very time of the close.
fn leave_now(ctx: &Ctx<'_>) -> Verdict {
    for after in [5 * MSEC - 1, 5 * MSEC, 5 * MSEC, 5 * MSEC] {
        leave(
            ctx,
            Leaving {
                completed: 1,
                pending: 3,
                after,
                dup: false,
            },
        )?;
    }
    Ok(())
}

/// Everybody else gives the port up first: the submitter's events stay, and go with its close.
fn others_first(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let number = port.fd();
    let child = ctx.fork(move |ctx| {
        let (port, fd) = (Port::at(ctx.sys, number), device(ctx)?);
        let requests = submitted(ctx, fd, number, 3)?;
        ctx.sys.sleep(10 * MSEC);
        check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
        check::equal("result", requests[0].result(), Some(Ok(512)))?;
        port.close()?;
        expect_reusable(ctx, fd, requests)?;
        Ok(0)
    })?;
    ctx.sys.sleep(5 * MSEC);
    port.close()?;
    child.wait()?;
    Ok(())
}

/// The last close happens in a process with requests of its own, for other ports: they stay.
fn foreign_last(ctx: &Ctx<'_>) -> Verdict {
    let (fd, own, port) = (slow_device(ctx, 20 * MSEC)?, ctx.port()?, ctx.port()?);
    let number = port.fd();
    let requests = submitted(ctx, fd, own.fd(), 2)?;
    let child = ctx.fork(move |ctx| {
        let fd = device(ctx)?;
        let _requests = submitted(ctx, fd, number, 2)?;
        ctx.sys.close(number)?;
        ctx.sys.sleep(20 * MSEC);
        Ok(0)
    })?;
    ctx.sys.sleep(15 * MSEC);
    let begin = ctx.sys.now();
    port.close()?;
    check::equal("duration of the close", ctx.sys.now() - begin, 0)?;
    child.wait()?;
    ctx.sys.sleep(20 * MSEC);
    ctx.expect_queue(own, &[1, 2])?;
    check::equal("result", requests[0].result(), Some(Ok(512)))
}

/// While a process waits in its close for a transfer, others use the port: they send, take, alert
/// and register sources. (Not fork or close: the file's own lock is held over every close.)
fn without_locks(ctx: &Ctx<'_>) -> Verdict {
    const LATENCY: u64 = 1000 * MSEC;
    let port = ctx.port()?;
    let number = port.fd();
    let child = ctx.fork_asleep(move |ctx| {
        aio::init(ctx.sys)?;
        let fd = ctx.sys.open_raw(SIZE, LATENCY)?;
        let _requests = submitted(ctx, fd, number, 2)?;
        ctx.sys.close(number)?;
        Ok(ctx.sys.now() as i64)
    })?;
    let begin = ctx.sys.now();
    port.send_all(1..=2)?;
    check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
    port.alert(crate::PORT_ALERT_SET, 1, 9)?;
    port.alert(0, 0, 0)?;
    let ksource = ctx.ksource()?;
    let registered =
        ksource.associate(number, source::MQ, alloc::sync::Arc::new(|_, _, _, _| ()))?;
    ksource.dissociate(number, source::MQ, registered)?;
    ctx.expect_queue(port, &[2])?;
    check::equal("time passed", ctx.sys.now() - begin, 0)?;
    let closed = child.wait()? as u64;
    check::that("the close has waited", closed >= begin + LATENCY)
}
