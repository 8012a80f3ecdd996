//! A port shared by parent and child (S79, C27).

use super::prelude::*;
use crate::PORT_ALERT_SET;

pub(super) const CASES: &[Case] = &[
    case("fork.child_has_the_port", "S79 C27", child_has_it).both(),
    case("fork.user_events_are_for_everybody", "S79 C27", user_events).both(),
    case("fork.child_wakes_the_parent", "S79", child_wakes),
    case("fork.parent_wakes_the_child", "S79", parent_wakes),
    case("fork.alert_is_for_everybody", "S79 S76", alert),
    case("fork.parent_closes_first", "S82 C10", parent_closes),
    case("fork.signal_to_the_child", "S70", signal_child),
    case(
        "fork.descriptors_are_the_child_s_own",
        "S82",
        own_descriptors,
    ),
    case(
        "fork.attributes_are_those_of_the_creator",
        "S16",
        attributes,
    ),
    case("fork.64_bit_parent_and_32_bit_child", "S94 S93", models).needs(Caps::FORK_MODEL),
    case(
        "fork.each_event_goes_to_one_process",
        "S79 C26 C27",
        each_once,
    ),
    case("fork.grandchild", "S79 S82", grandchild),
];

/// Same number, same queue.
fn child_has_it(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send_all(1..=3)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        check::equal("queue length for the child", port.queued(), Ok(3))?;
        check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_queue(port, &[2, 3])
}

/// Both directions.
fn user_events(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send(1, 1)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        let event = port.get(Timeout::Poll)?;
        check::equal("event", event, Event::new(source::USER, 1, 0, 1))?;
        port.send(2, 2)?;
        Ok(0)
    })?;
    child.wait()?;
    check::equal(
        "event",
        port.get(Timeout::Poll)?,
        Event::new(source::USER, 2, 0, 2),
    )
}

/// A thread of the parent gets the child's event.
fn child_wakes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let child = ctx.fork(move |ctx| {
        Port::at(ctx.sys, fd).send(1, 4)?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_done("the parent's port_get", &waiter)?;
    check::equal("event", waiter.join()??.user, 4)
}

/// And the other way round.
fn parent_wakes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child =
        ctx.fork_asleep(move |ctx| Ok(Port::at(ctx.sys, fd).get(Timeout::Never)?.user as i64))?;
    port.send(1, 4)?;
    check::equal("child's event", child.wait()?, 4)
}

/// Threads of both processes return.
fn alert(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let child =
        ctx.fork_asleep(move |ctx| Ok(Port::at(ctx.sys, fd).get(Timeout::Never)?.user as i64))?;
    port.alert(PORT_ALERT_SET, 1, 9)?;
    check::equal("parent's alert", waiter.join()??.user, 9)?;
    check::equal("child's alert", child.wait()?, 9)
}

/// The child goes on alone with everything that may be shared.
fn parent_closes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send_all(1..=2)?;
    let child = ctx.fork_asleep(move |ctx| {
        ctx.sys.sleep(10 * MSEC);
        let port = Port::at(ctx.sys, fd);
        port.send(1, 3)?;
        ctx.expect_queue(port, &[1, 2, 3])?;
        Ok(0)
    })?;
    port.close()?;
    child.wait().map(drop)
}

/// A signal for one process leaves the other alone.
fn signal_child(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    let child = ctx.fork_asleep(move |ctx| {
        let got = Port::at(ctx.sys, fd).get(Timeout::Never);
        check::refused("child's port_get", got, Errno::EINTR)?;
        Ok(0)
    })?;
    child.signal()?;
    child.wait()?;
    ctx.expect_asleep("the parent's port_get", &waiter)?;
    port.send(1, 1)?;
    check::equal("event", waiter.join()??.user, 1)
}

/// What the child opens and closes is not seen by the parent.
fn own_descriptors(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send(1, 1)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        port.close()?;
        let own = ctx.port()?;
        check::equal("descriptor of the child's port", own.fd(), fd)?;
        ctx.expect_queue(own, &[])?;
        own.send_all(7..=9)?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_queue(port, &[1])
}

/// Owner and times do not change in the child.
fn attributes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let stat = ctx.sys.fstat(fd)?;
    let child = ctx.fork(move |ctx| {
        ctx.sys.sleep(10 * MSEC);
        check::equal("fstat", ctx.sys.fstat(fd)?, stat)?;
        Ok(0)
    })?;
    child.wait().map(drop)
}

/// A 32-bit child sees the low half of the parent's pointers, in its own layout.
fn models(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let wide = 0x1_2345_6789_usize;
    port.send(7, wide)?;
    port.dispatch(crate::PORT_SHARE_EVENT, source::MQ, 8, wide + 1, wide + 2)?;
    port.send(9, wide)?;
    let child = ctx.fork_as(Model::Ilp32, move |ctx| {
        let port = Port::at(ctx.sys, fd);
        let batch = port.getn(2, 2, Timeout::Never);
        let expected = vec![
            Event::new(source::USER, 7, 0, 0x2345_6789),
            Event::new(source::MQ, 8, 0x2345_678a, 0x2345_678b),
        ];
        check::equal("events of the 32-bit child", batch.events, expected)?;
        check::that("the rest of its list is untouched", batch.rest_untouched)?;
        port.send(1, 0xffff_fff0)?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_queue(port, &[wide as u64, 0xffff_fff0])
}

/// Parent and child take from one queue: nothing twice, nothing lost.
fn each_once(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let total = 600;
    let take = move |sys: &dyn System| -> Result<i64, Errno> {
        // Event 0 says that there are no more.
        let (mut sum, port) = (0, Port::at(sys, fd));
        loop {
            match port.get(Timeout::Never)?.user as i64 {
                0 => return Ok(sum),
                user => sum += user,
            }
        }
    };
    let child = ctx.fork(move |ctx| Ok(take(ctx.sys)?))?;
    let task = ctx.spawn(take)?;
    port.send_all(1..=total)?;
    ctx.settle();
    port.send_all([0, 0])?;
    let sum = task.join()?? + child.wait()?;
    check::equal("sum of all events", sum, (total * (total + 1) / 2) as i64)?;
    ctx.expect_queue(port, &[])
}

/// Three generations.
fn grandchild(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.dispatch(0, source::AIO, 1, 0, 1)?;
    port.send(1, 2)?;
    let child = ctx.fork(move |ctx| {
        let grandchild = ctx.fork(move |ctx| {
            let port = Port::at(ctx.sys, fd);
            check::equal("grandchild's event", port.get(Timeout::Poll)?.user, 2)?;
            port.send(1, 3)?;
            Ok(0)
        })?;
        grandchild.wait()?;
        check::equal(
            "child's event",
            Port::at(ctx.sys, fd).get(Timeout::Poll)?.user,
            3,
        )?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_queue(port, &[1])
}
