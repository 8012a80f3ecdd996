//! Resource controls: ports of a project, events of a port.

use super::prelude::*;
use crate::{PORT_SHARE_EVENT, Rctl};

pub(super) const CASES: &[Case] = &[
    case("limits.ports_of_a_project", "S13 D24", ports).needs(Caps::RCTL),
    case("limits.closing_makes_room", "S13 D24", closing).needs(Caps::RCTL),
    case("limits.d24_projects_do_not_share", "S13 D24", projects)
        .needs(Caps::RCTL.union(Caps::PROJECT)),
    case("limits.dup_is_no_new_port", "S13 D24", dup).needs(Caps::RCTL),
    case(
        "limits.port_counts_until_its_last_close",
        "S13 S82 D24",
        last_close,
    )
    .needs(Caps::RCTL),
    case("limits.child_counts_for_the_project", "S13 D24", child).needs(Caps::RCTL),
    case("limits.full_port_refuses_send", "S14 S51 S95", full)
        .both()
        .needs(Caps::RCTL),
    case("limits.full_port_delivers", "S95", full_delivers)
        .both()
        .needs(Caps::RCTL),
    case("limits.taking_makes_room", "S51 S95", taking).needs(Caps::RCTL),
    case("limits.one_event", "S14 S51", one).needs(Caps::RCTL),
    case("limits.fixed_when_created", "S14", fixed).needs(Caps::RCTL),
    case("limits.limit_of_the_creator", "S14", creator).needs(Caps::RCTL),
    case(
        "limits.full_port_fails_one_entry_of_sendn",
        "S52 S95",
        sendn,
    )
    .both()
    .needs(Caps::RCTL),
    case("limits.full_port_takes_an_alert", "S53 S95", alert).needs(Caps::RCTL),
    case("limits.dispatched_events_count", "S91 S95", dispatched).needs(Caps::RCTL),
    case("limits.default_is_65536_events", "S14", default_limit),
];

/// The project's limit is exact: EAGAIN at the limit.
fn ports(ctx: &Ctx<'_>) -> Verdict {
    ctx.sys.set_rctl(Rctl::ProjectMaxPortIds, 3)?;
    let ports = [ctx.port()?, ctx.port()?, ctx.port()?];
    for _ in 0..2 {
        check::refused(
            "4th port_create",
            Port::create(ctx.sys).map(|p| p.fd()),
            Errno::EAGAIN,
        )?;
    }
    ports[1].send(1, 5)?;
    ctx.expect_queue(ports[1], &[5])
}

/// A closed port does not count any more.
fn closing(ctx: &Ctx<'_>) -> Verdict {
    ctx.sys.set_rctl(Rctl::ProjectMaxPortIds, 2)?;
    let (first, _second) = (ctx.port()?, ctx.port()?);
    check::refused(
        "3rd port_create",
        Port::create(ctx.sys).map(|p| p.fd()),
        Errno::EAGAIN,
    )?;
    first.close()?;
    ctx.port()?;
    check::refused(
        "4th port_create",
        Port::create(ctx.sys).map(|p| p.fd()),
        Errno::EAGAIN,
    )
}

/// A project at its limit leaves the others alone, and the other way round.
fn projects(ctx: &Ctx<'_>) -> Verdict {
    ctx.sys.set_rctl(Rctl::ProjectMaxPortIds, 4)?;
    for _ in 0..4 {
        ctx.port()?;
    }
    let other = ctx.spawn_in_project(77, |ctx| {
        ctx.sys.set_rctl(Rctl::ProjectMaxPortIds, 2)?;
        ctx.port()?;
        ctx.port()?;
        let third = Port::create(ctx.sys).map(|p| p.fd());
        check::refused("3rd port_create of the other project", third, Errno::EAGAIN)?;
        Ok(0)
    })?;
    other.wait()?;
    check::refused(
        "5th port_create",
        Port::create(ctx.sys).map(|p| p.fd()),
        Errno::EAGAIN,
    )?;
    ctx.sys.set_rctl(Rctl::ProjectMaxPortIds, 5)?;
    ctx.port().map(drop)
}

/// A second descriptor of a port is not a second port.
fn dup(ctx: &Ctx<'_>) -> Verdict {
    ctx.sys.set_rctl(Rctl::ProjectMaxPortIds, 2)?;
    let port = ctx.port()?;
    for _ in 0..4 {
        ctx.keep(port.dup()?.fd());
    }
    ctx.port().map(drop)
}

/// While any descriptor is open the port counts.
fn last_close(ctx: &Ctx<'_>) -> Verdict {
    ctx.sys.set_rctl(Rctl::ProjectMaxPortIds, 1)?;
    let port = ctx.port()?;
    let copy = port.dup()?;
    port.close()?;
    check::refused(
        "port_create",
        Port::create(ctx.sys).map(|p| p.fd()),
        Errno::EAGAIN,
    )?;
    copy.close()?;
    ctx.port().map(drop)
}

/// A child's ports count for the project; a fork alone does not.
fn child(ctx: &Ctx<'_>) -> Verdict {
    ctx.sys.set_rctl(Rctl::ProjectMaxPortIds, 2)?;
    let port = ctx.port()?;
    let child = ctx.fork(|ctx| {
        ctx.port()?;
        check::refused(
            "child",
            Port::create(ctx.sys).map(|p| p.fd()),
            Errno::EAGAIN,
        )?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.port()?;
    check::refused(
        "parent",
        Port::create(ctx.sys).map(|p| p.fd()),
        Errno::EAGAIN,
    )?;
    ctx.expect_queue(port, &[])
}

/// EAGAIN at the limit; the queue is as before.
fn full(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(4)?;
    port.send_all(1..=4)?;
    for _ in 0..3 {
        check::refused("5th port_send", port.send(1, 5), Errno::EAGAIN)?;
    }
    ctx.expect_queue(port, &[1, 2, 3, 4])
}

/// A full port delivers, to a waiter as well.
fn full_delivers(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 2, Timeout::Never))?;
    port.send_all(1..=2)?;
    check::equal("waiter's events", waiter.join()?.users(), vec![1, 2])?;
    port.send_all(3..=4)?;
    check::refused("port_send", port.send(1, 5), Errno::EAGAIN)?;
    check::equal("event", port.get(Timeout::Poll)?.user, 3)
}

/// Each event taken makes room for one.
fn taking(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(3)?;
    port.send_all(1..=3)?;
    for next in 4..20 {
        check::refused("port_send", port.send(1, 99), Errno::EAGAIN)?;
        check::equal("event", port.get(Timeout::Poll)?.user, next as u64 - 3)?;
        port.send(1, next)?;
    }
    ctx.expect_queue(port, &[17, 18, 19])
}

/// The smallest useful limit.
fn one(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(1)?;
    port.send(1, 1)?;
    check::refused("2nd port_send", port.send(1, 2), Errno::EAGAIN)?;
    check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
    port.send(1, 3)?;
    ctx.expect_queue(port, &[3])
}

/// Raising or lowering the control does not touch ports that exist.
fn fixed(ctx: &Ctx<'_>) -> Verdict {
    let small = ctx.port_of(2)?;
    let large = ctx.port_of(5)?;
    ctx.sys.set_rctl(Rctl::ProcessMaxPortEvents, 3)?;
    small.send_all(1..=2)?;
    check::refused("3rd port_send", small.send(1, 3), Errno::EAGAIN)?;
    large.send_all(1..=5)?;
    check::refused("6th port_send", large.send(1, 6), Errno::EAGAIN)?;
    ctx.expect_queue(small, &[1, 2])?;
    ctx.expect_queue(large, &[1, 2, 3, 4, 5])
}

/// A sender's own limit does not matter.
fn creator(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(3)?;
    let fd = port.fd();
    let child = ctx.fork(move |ctx| {
        ctx.sys.set_rctl(Rctl::ProcessMaxPortEvents, 100)?;
        let port = Port::at(ctx.sys, fd);
        port.send_all(1..=3)?;
        check::refused("child's 4th port_send", port.send(1, 4), Errno::EAGAIN)?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_queue(port, &[1, 2, 3])
}

/// `port_sendn` reports the full port and serves the others.
fn sendn(ctx: &Ctx<'_>) -> Verdict {
    let full = ctx.port_of(1)?;
    let free = ctx.port_of(10)?;
    full.send(1, 1)?;
    let sent = Port::sendn(ctx.sys, &[free.fd(), full.fd(), free.fd()], 2, 9)?;
    check::equal("return value", sent.result, Ok(2))?;
    let errors = vec![Some(0), Some(Errno::EAGAIN.0), Some(0)];
    check::equal("errors[]", sent.errors, errors)?;
    ctx.expect_queue(full, &[1])?;
    ctx.expect_queue(free, &[9, 9])
}

/// An alert needs no slot.
fn alert(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(1)?;
    port.send(1, 1)?;
    port.alert(crate::PORT_ALERT_SET, 7, 8)?;
    check::equal(
        "alert",
        port.get(Timeout::Poll)?,
        Event::new(source::ALERT, 7, 0, 8),
    )?;
    port.alert(0, 0, 0)?;
    ctx.expect_queue(port, &[1])
}

/// Events of `_port_dispatch` take slots like all others.
fn dispatched(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    port.dispatch(0, source::AIO, 1, 2, 3)?;
    port.dispatch(PORT_SHARE_EVENT, source::MQ, 1, 2, 4)?;
    check::refused("port_send", port.send(1, 5), Errno::EAGAIN)?;
    ctx.expect_queue(port, &[3, 4])
}

/// The default limit of events.
fn default_limit(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(0..65_536)?;
    check::refused("65537th port_send", port.send(1, 1), Errno::EAGAIN)?;
    check::equal("queue length", port.queued(), Ok(65_536))?;
    let list = EventList::new(ctx.sys, 8192)?;
    let mut next = 0;
    while next < 65_536 {
        let batch = port.getn_list(&list, 8192, 1, Timeout::Poll);
        check::equal("port_getn", batch.result, Ok(()))?;
        check::that("port_getn takes something", batch.nget > 0)?;
        for user in batch.users() {
            check::equal("event", user, next)?;
            next += 1;
        }
    }
    check::equal("queue length", port.queued(), Ok(0))
}
