//! Several descriptors of one port in one process (S82, S81).

use super::prelude::*;
use crate::PORT_ALERT_SET;

pub(super) const CASES: &[Case] = &[
    case("dup.same_queue", "S82", same_queue).both(),
    case("dup.original_closed", "S82 C7", original_closed).both(),
    case("dup.copy_closed", "S82 C7", copy_closed).both(),
    case("dup.waiter_on_the_other_descriptor", "S82 C7", other_waiter).both(),
    case(
        "dup.close_ends_only_waits_on_that_descriptor",
        "S71 S82",
        closes_own_waiters,
    ),
    case("dup.alert_is_seen_by_both", "S77", alert).both(),
    case(
        "dup.close_drops_alert_and_own_events_classic",
        "S81 D8",
        drops_classic,
    )
    .classic(),
    case("dup.dup2_over_another_port_closes_it", "S82", dup2).both(),
    case(
        "dup.dup2_over_a_waited_port_ends_the_wait",
        "S71 S82",
        dup2_waited,
    ),
    case("dup.same_attributes", "S16", same_stat),
    case("dup.last_of_many_destroys", "S82 S15", last_of_many).needs(Caps::KSTAT),
    case("dup.sendn_to_both_descriptors", "S52 S82", sendn).both(),
];

fn two<'s>(ctx: &Ctx<'s>) -> Result<(Port<'s>, Port<'s>), Failure> {
    let port = ctx.port()?;
    let copy = check::granted("dup", port.dup())?;
    ctx.keep(copy.fd());
    Ok((port, copy))
}

/// What is sent through one comes out of the other.
fn same_queue(ctx: &Ctx<'_>) -> Verdict {
    let (port, copy) = two(ctx)?;
    port.send(1, 1)?;
    copy.send(1, 2)?;
    check::equal(
        "queue length",
        (port.queued(), copy.queued()),
        (Ok(2), Ok(2)),
    )?;
    check::equal("event", copy.get(Timeout::Poll)?.user, 1)?;
    ctx.expect_queue(port, &[2])
}

/// The port lives on without its first descriptor.
fn original_closed(ctx: &Ctx<'_>) -> Verdict {
    let (port, copy) = two(ctx)?;
    port.send(1, 1)?;
    port.close()?;
    check::refused("port_send", port.send(1, 9), Errno::EBADF)?;
    copy.send(1, 2)?;
    copy.alert(PORT_ALERT_SET, 1, 3)?;
    check::equal("alert", copy.get(Timeout::Poll)?.user, 3)?;
    copy.alert(0, 0, 0)?;
    ctx.expect_queue(copy, &[1, 2])
}

/// The port lives on without the copy; a waiter of the original is not disturbed.
fn copy_closed(ctx: &Ctx<'_>) -> Verdict {
    let (port, copy) = two(ctx)?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    copy.close()?;
    ctx.expect_asleep("port_get on the original", &waiter)?;
    port.send(1, 1)?;
    check::equal("event", waiter.join()??.user, 1)?;
    port.send(1, 2)?;
    ctx.expect_queue(port, &[2])
}

/// A send through one descriptor wakes a waiter on the other.
fn other_waiter(ctx: &Ctx<'_>) -> Verdict {
    let (port, copy) = two(ctx)?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    copy.send(3, 1)?;
    ctx.expect_done("port_get", &waiter)?;
    check::equal(
        "event",
        waiter.join()?,
        Ok(Event::new(source::USER, 3, 0, 1)),
    )
}

/// EBADF for threads that came through the closed number; the others stay.
fn closes_own_waiters(ctx: &Ctx<'_>) -> Verdict {
    let (port, copy) = two(ctx)?;
    let (fd, copy_fd) = (port.fd(), copy.fd());
    let stays = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let goes = ctx.spawn_asleep(move |sys| Port::at(sys, copy_fd).get(Timeout::Never))?;
    copy.close()?;
    ctx.expect_done("port_get on the closed descriptor", &goes)?;
    check::refused("port_get", goes.join()?, Errno::EBADF)?;
    ctx.expect_asleep("port_get on the other descriptor", &stays)?;
    port.send(1, 1)?;
    check::equal("event", stays.join()??.user, 1)
}

/// Alert mode belongs to the port.
fn alert(ctx: &Ctx<'_>) -> Verdict {
    let (port, copy) = two(ctx)?;
    port.alert(PORT_ALERT_SET, 1, 2)?;
    check::equal(
        "alert",
        copy.get(Timeout::Poll),
        Ok(Event::new(source::ALERT, 1, 0, 2)),
    )?;
    check::refused(
        "update",
        copy.alert(crate::PORT_ALERT_UPDATE, 3, 4),
        Errno::EBUSY,
    )?;
    copy.alert(0, 0, 0)?;
    check::refused("port_get", port.get(Timeout::Poll), Errno::ETIME)
}

/// As the C module: the close of any descriptor ends the process's alert and drops the events that
/// only it could take.
fn drops_classic(ctx: &Ctx<'_>) -> Verdict {
    let (port, copy) = two(ctx)?;
    port.alert(PORT_ALERT_SET, 1, 2)?;
    port.send(1, 1)?;
    port.dispatch(0, source::AIO, 1, 0, 2)?;
    copy.close()?;
    let batch = port.getn(8, 1, Timeout::Poll);
    check::equal(
        "port_getn",
        (batch.result, batch.users()),
        (Ok(()), vec![1]),
    )
}

/// The target's port is gone, the number is the source's port.
fn dup2(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    a.send(1, 1)?;
    b.send(1, 2)?;
    check::equal("dup2", ctx.sys.dup2(a.fd(), b.fd()), Ok(b.fd()))?;
    check::equal("queue of the target", b.queued(), Ok(1))?;
    a.close()?;
    ctx.expect_queue(b, &[1])
}

/// EBADF for threads that wait on the replaced number.
fn dup2_waited(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    let fd = b.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    ctx.sys.dup2(a.fd(), b.fd())?;
    ctx.expect_done("port_get", &waiter)?;
    check::refused("port_get", waiter.join()?, Errno::EBADF)?;
    b.send(1, 1)?;
    ctx.expect_queue(a, &[1])
}

/// fstat tells the same.
fn same_stat(ctx: &Ctx<'_>) -> Verdict {
    let (port, copy) = two(ctx)?;
    port.send(1, 1)?;
    check::equal(
        "fstat",
        ctx.sys.fstat(copy.fd())?,
        ctx.sys.fstat(port.fd())?,
    )
}

/// Only the last close counts.
fn last_of_many(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let port = ctx.port()?;
    let mut fds = vec![port.fd()];
    for _ in 0..10 {
        fds.push(port.dup()?.fd());
    }
    ctx.rng().shuffle(&mut fds);
    for (index, fd) in fds.iter().enumerate() {
        check::equal("kstat", ctx.sys.ports_kstat()?, before + 1)?;
        let port = Port::at(ctx.sys, *fd);
        port.send(1, index)?;
        check::equal("queue length", port.queued(), Ok(index as u32 + 1))?;
        port.close()?;
    }
    check::equal("kstat", ctx.sys.ports_kstat()?, before)
}

/// Two descriptors are two entries, for one queue.
fn sendn(ctx: &Ctx<'_>) -> Verdict {
    let (port, copy) = two(ctx)?;
    let sent = Port::sendn(ctx.sys, &[port.fd(), copy.fd()], 1, 5)?;
    check::equal("return value", sent.result, Ok(2))?;
    ctx.expect_queue(copy, &[5, 5])
}
