//! Events that only one process may take (S79, S80, D15).

use super::prelude::*;
use crate::{PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case(
        "share.child_cannot_take_the_parent_s_event",
        "S79 S80",
        not_for_child,
    )
    .both(),
    case(
        "share.skipped_event_keeps_its_place",
        "S80 S34",
        keeps_place,
    )
    .both(),
    case("share.port_get_keeps_waiting", "S80", keeps_waiting),
    case("share.getn_returns_fewer_than_n", "S61 S80", fewer_than_n),
    case("share.max_zero_counts_for_the_caller", "S62 D15", max_zero).both(),
    case("share.size_counts_for_the_caller", "S16 D15", size),
    case(
        "share.poll_answers_for_the_caller",
        "S17 D15 C18",
        poll_caller,
    ),
    case("share.poller_is_not_woken_for_good", "S17 D15", poller),
    case("share.mixed_queue_of_three_processes", "S79 S80 S96", mixed),
    case(
        "share.many_foreign_events_in_front",
        "S80 S61",
        many_foreign,
    )
    .both(),
    case(
        "share.exact_counts_after_partial_retrieval",
        "D15 S62",
        partial_counts,
    ),
    case(
        "share.classic_port_get_finds_nothing",
        "S55 S80",
        classic_get,
    )
    .classic(),
];

/// Not taken, not counted as an error, still there for its owner.
fn not_for_child(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.dispatch(0, source::AIO, 1, 2, 3)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        check::refused("child's port_get", port.get(Timeout::Poll), Errno::ETIME)?;
        check::refused(
            "child's port_get",
            port.get(Timeout::After(MSEC)),
            Errno::ETIME,
        )?;
        let batch = port.getn(4, 1, Timeout::Poll);
        check::equal("child's port_getn", (batch.result, batch.nget), (Ok(()), 0))?;
        check::that("its list is untouched", batch.rest_untouched)?;
        Ok(0)
    })?;
    child.wait()?;
    check::equal(
        "event",
        port.get(Timeout::Poll)?,
        Event::new(source::AIO, 1, 2, 3),
    )
}

/// Other events around it are taken; it comes out first for its owner.
fn keeps_place(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.dispatch(0, source::AIO, 1, 0, 1)?;
    port.send(1, 2)?;
    port.dispatch(0, source::MQ, 1, 0, 3)?;
    port.send(1, 4)?;
    port.send(1, 5)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        check::equal("child's port_get", port.get(Timeout::Poll)?.user, 2)?;
        check::equal(
            "child's port_getn",
            port.getn(1, 1, Timeout::Poll).users(),
            vec![4],
        )?;
        Ok(0)
    })?;
    child.wait()?;
    port.send(1, 6)?;
    ctx.expect_queue(port, &[1, 3, 5, 6])
}

/// A child waits through foreign events until one is for it.
fn keeps_waiting(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child =
        ctx.fork_asleep(move |ctx| Ok(Port::at(ctx.sys, fd).get(Timeout::Never)?.user as i64))?;
    for user in 1..=5 {
        port.dispatch(0, source::AIO, 1, 0, user)?;
        ctx.settle();
    }
    check::equal("queue length", port.queued(), Ok(5))?;
    port.send(1, 6)?;
    check::equal("child's event", child.wait()?, 6)?;
    ctx.expect_queue(port, &[1, 2, 3, 4, 5])
}

/// Enough events, but not for the caller: success with what there is.
fn fewer_than_n(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.dispatch(0, source::AIO, 1, 0, 1)?;
    port.dispatch(0, source::AIO, 1, 0, 2)?;
    port.send(1, 3)?;
    let child = ctx.fork(move |ctx| {
        let batch = Port::at(ctx.sys, fd).getn(8, 3, Timeout::Poll);
        check::equal(
            "child's port_getn",
            (batch.result, batch.users()),
            (Ok(()), vec![3]),
        )?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_queue(port, &[1, 2])
}

/// The queue length is what the caller could take.
fn max_zero(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.dispatch(0, source::AIO, 1, 0, 1)?;
    port.send(1, 2)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        check::equal("queue length for the child", port.queued(), Ok(1))?;
        port.dispatch(0, source::AIO, 1, 0, 3)?;
        port.dispatch(0, source::AIO, 1, 0, 4)?;
        check::equal("queue length for the child", port.queued(), Ok(3))?;
        ctx.sys.sleep(10 * MSEC);
        Ok(0)
    })?;
    ctx.settle();
    check::equal("queue length for the parent", port.queued(), Ok(2))?;
    child.wait()?;
    ctx.expect_queue(port, &[1, 2])
}

/// So is `st_size`.
fn size(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.dispatch(0, source::AIO, 1, 0, 1)?;
    port.send(1, 2)?;
    let child = ctx.fork(move |ctx| {
        check::equal("st_size for the child", ctx.sys.fstat(fd)?.size, 1)?;
        Port::at(ctx.sys, fd).get(Timeout::Poll)?;
        check::equal("st_size for the child", ctx.sys.fstat(fd)?.size, 0)?;
        Ok(0)
    })?;
    child.wait()?;
    check::equal("st_size", ctx.sys.fstat(fd)?.size, 1)
}

/// So is POLLIN.
fn poll_caller(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.dispatch(0, source::AIO, 1, 0, 1)?;
    let child = ctx.fork(move |ctx| {
        let mut fds = [PollFd::new(fd, poll::IN)];
        check::equal("child's poll(2)", ctx.sys.poll(&mut fds, Some(0)), Ok(0))?;
        Port::at(ctx.sys, fd).send(1, 2)?;
        check::equal("child's poll(2)", ctx.sys.poll(&mut fds, Some(0)), Ok(1))?;
        check::equal("event", Port::at(ctx.sys, fd).get(Timeout::Poll)?.user, 2)?;
        check::equal("child's poll(2)", ctx.sys.poll(&mut fds, Some(0)), Ok(0))?;
        Ok(0)
    })?;
    child.wait()?;
    let mut fds = [PollFd::new(fd, poll::IN)];
    check::equal("poll(2)", ctx.sys.poll(&mut fds, Some(0)), Ok(1))?;
    ctx.expect_queue(port, &[1])
}

/// A sleeping poller of another process looks and goes back to sleep.
fn poller(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork_asleep(move |ctx| {
        let mut fds = [PollFd::new(fd, poll::IN)];
        check::equal("child's poll(2)", ctx.sys.poll(&mut fds, None), Ok(1))?;
        Ok(Port::at(ctx.sys, fd).get(Timeout::Poll)?.user as i64)
    })?;
    for user in 1..=3 {
        port.dispatch(0, source::AIO, 1, 0, user)?;
        ctx.settle();
    }
    ctx.expect_queue(port, &[1, 2, 3])?;
    port.send(1, 4)?;
    check::equal("child's event", child.wait()?, 4)
}

/// Each process takes its own and what is shared, in order.
fn mixed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let body = move |first: usize| {
        move |ctx: &Ctx<'_>| -> Outcome {
            let port = Port::at(ctx.sys, fd);
            ctx.sys.sleep(first as u64 * MSEC);
            for user in [first, first + 1, first + 2] {
                port.dispatch(0, source::AIO, 1, 0, user)?;
            }
            ctx.sys.sleep(100 * MSEC);
            let users = port.getn(16, 1, Timeout::Poll).users();
            let own: Vec<u64> = (first as u64..first as u64 + 3).collect();
            check::equal("events of a child", users, own)?;
            Ok(0)
        }
    };
    let children = [ctx.fork(body(10))?, ctx.fork(body(20))?];
    ctx.sys.sleep(5 * MSEC);
    port.send(1, 1)?;
    ctx.sys.sleep(10 * MSEC);
    port.dispatch(0, source::MQ, 1, 0, 2)?;
    ctx.sys.sleep(10 * MSEC);
    port.send(1, 3)?;
    ctx.expect_queue(port, &[1, 2, 3])?;
    for child in children {
        child.wait()?;
    }
    ctx.expect_queue(port, &[])
}

/// A long run of foreign events does not hide the caller's own.
fn many_foreign(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    for user in 0..100 {
        port.dispatch(0, source::AIO, 1, 0, user)?;
    }
    port.send_all(100..150)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        check::equal("port_get", port.get(Timeout::Poll)?.user, 100)?;
        let batch = port.getn(20, 20, Timeout::Never);
        check::equal("port_getn of 20", batch.users(), (101..=120).collect())?;
        let batch = port.getn(100, 1, Timeout::Never);
        check::equal("port_getn of the rest", batch.users(), (121..150).collect())?;
        Ok(0)
    })?;
    child.wait()?;
    let expected: Vec<u64> = (0..100).collect();
    ctx.expect_queue(port, &expected)
}

/// Counting is right after every step of a mixed queue.
fn partial_counts(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork_asleep(move |ctx| {
        for user in 0..4 {
            Port::at(ctx.sys, fd).dispatch(0, source::AIO, 1, 0, 100 + user)?;
        }
        ctx.sys.sleep(100 * MSEC);
        check::equal(
            "queue length for the child",
            Port::at(ctx.sys, fd).queued(),
            Ok(4),
        )?;
        Ok(0)
    })?;
    port.send_all(0..6)?;
    for taken in 0..6 {
        check::equal("queue length", port.queued(), Ok(6 - taken))?;
        check::equal("st_size", ctx.sys.fstat(fd)?.size, 6 - i64::from(taken))?;
        check::equal("event", port.get(Timeout::Poll)?.user, u64::from(taken))?;
    }
    check::equal("queue length", port.queued(), Ok(0))?;
    child.wait().map(drop)
}

/// As the C module: foreign events alone are "no event".
fn classic_get(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.dispatch(0, source::AIO, 1, 0, 1)?;
    let child = ctx.fork(move |ctx| {
        let event = Port::at(ctx.sys, fd).get(Timeout::Poll)?;
        check::equal("child's port_get", event, Event::preset(ctx.sys.model()))?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_queue(port, &[1])
}
