//! `_port_dispatch`: events of libraries (S10, S91).

use super::prelude::*;
use crate::{PORT_ALERT_SET, PORT_SHARE_EVENT};

pub(super) const CASES: &[Case] = &[
    case("dispatch.delivers_the_event", "S10 S91 S89 S92", delivers).both(),
    case("dispatch.only_aio_and_mq", "S91", sources).both(),
    case("dispatch.returns_zero", "S10", returns_zero).both(),
    case(
        "dispatch.noport_bit_makes_it_shareable",
        "S11 S10",
        noport_bit,
    )
    .both(),
    case("dispatch.blocks_on_a_full_port", "S91 S95", blocks)
        .both()
        .needs(Caps::RCTL),
    case(
        "dispatch.blocked_threads_go_on_one_by_one",
        "S91",
        blocked_threads,
    )
    .needs(Caps::RCTL),
    case("dispatch.signal_gives_eintr", "S91", signal)
        .both()
        .needs(Caps::RCTL),
    case(
        "dispatch.interrupted_takes_no_slot",
        "S91",
        interrupted_slot,
    )
    .needs(Caps::RCTL),
    case("dispatch.wakes_a_waiter", "S91 S73", wakes),
    case("dispatch.in_alert_mode", "S91 S53", in_alert_mode).both(),
    case("dispatch.bad_descriptors", "S11 S10", bad_descriptors).both(),
    case("dispatch.bad_source_on_a_full_port", "S91", bad_source_full).needs(Caps::RCTL),
    case("dispatch.without_memory_waits", "S91", no_memory).needs(Caps::FAULTS),
    case("dispatch.keeps_any_values", "S10 S94", values).both(),
];

/// Source, bits, object and user as given; padding 0.
fn delivers(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for flags in [0, PORT_SHARE_EVENT] {
        for source in [source::AIO, source::MQ] {
            port.dispatch(flags, source, 0x11, 0x22, 0x33)?;
            let event = port.get(Timeout::Poll)?;
            check::equal("event", event, Event::new(source, 0x11, 0x22, 0x33))?;
        }
    }
    Ok(())
}

/// Every other source is EINVAL and queues nothing.
fn sources(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for source in [0, 2, 3, 4, 5, 7, 8, -1, 0x10001, i32::MIN, i32::MAX] {
        let sent = port.dispatch(0, source, 1, 2, 3);
        check::refused(format!("source {source}"), sent, Errno::EINVAL)?;
        let sent = port.dispatch(PORT_SHARE_EVENT, source, 1, 2, 3);
        check::refused(format!("source {source}, shared"), sent, Errno::EINVAL)?;
    }
    ctx.expect_queue(port, &[])
}

/// Both return values are 0.
fn returns_zero(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let args = [source::AIO as usize, 1, 2, 3];
    check::equal(
        "return values",
        port.call(op::DISPATCH | op::NOSHARE, args),
        Ok(0),
    )?;
    ctx.expect_queue(port, &[3])
}

/// The NOPORT bit masks NOSHARE away: a child can take the event.
fn noport_bit(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let args = [source::AIO as usize, 1, 2, 3];
    port.call(op::DISPATCH | op::NOSHARE | op::NOPORT, args)?;
    let child = ctx.fork(move |ctx| Ok(Port::at(ctx.sys, fd).get(Timeout::Poll)?.user as i64))?;
    check::equal("event taken by the child", child.wait()?, 3)?;
    ctx.expect_queue(port, &[])
}

/// No slot: the thread sleeps until one is free.
fn blocks(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let fd = port.fd();
    port.send_all(1..=2)?;
    let sender =
        ctx.spawn_asleep(move |sys| Port::at(sys, fd).dispatch(0, source::AIO, 1, 2, 3))?;
    ctx.expect_asleep("_port_dispatch to a full port", &sender)?;
    check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
    ctx.expect_done("_port_dispatch", &sender)?;
    check::equal("_port_dispatch", sender.join()?, Ok(()))?;
    ctx.expect_queue(port, &[2, 3])
}

/// Each free slot lets one thread go on.
fn blocked_threads(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(1)?;
    let fd = port.fd();
    port.send(1, 100)?;
    let mut senders = Vec::new();
    for user in 0..4_usize {
        senders.push(ctx.spawn_asleep(move |sys| {
            Port::at(sys, fd).dispatch(PORT_SHARE_EVENT, source::MQ, 1, 0, user)
        })?);
    }
    let mut users = Vec::new();
    for taken in 1..=4 {
        users.push(port.get(Timeout::Poll)?.user);
        ctx.settle();
        let done = senders.iter().filter(|s| s.done()).count();
        check::equal("threads that went on", done, taken)?;
        check::equal("queue length", port.queued(), Ok(1))?;
    }
    users.push(port.get(Timeout::Poll)?.user);
    for sender in senders {
        check::equal("_port_dispatch", sender.join()?, Ok(()))?;
    }
    users.sort_unstable();
    check::equal("events", users, vec![0, 1, 2, 3, 100])
}

/// EINTR, and nothing is queued.
fn signal(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(1)?;
    let fd = port.fd();
    port.send(1, 1)?;
    let sender =
        ctx.spawn_asleep(move |sys| Port::at(sys, fd).dispatch(0, source::AIO, 1, 2, 3))?;
    sender.signal()?;
    ctx.expect_done("_port_dispatch", &sender)?;
    check::refused("_port_dispatch", sender.join()?, Errno::EINTR)?;
    ctx.expect_queue(port, &[1])
}

/// After an interrupted call the port takes as many events as before.
fn interrupted_slot(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let fd = port.fd();
    for _ in 0..3 {
        port.send_all(1..=2)?;
        let sender =
            ctx.spawn_asleep(move |sys| Port::at(sys, fd).dispatch(0, source::AIO, 1, 2, 3))?;
        sender.signal()?;
        check::refused("_port_dispatch", sender.join()?, Errno::EINTR)?;
        ctx.expect_queue(port, &[1, 2])?;
    }
    Ok(())
}

/// A waiting thread gets the event.
fn wakes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    port.dispatch(0, source::MQ, 1, 2, 3)?;
    ctx.expect_done("port_get", &waiter)?;
    check::equal("event", waiter.join()?, Ok(Event::new(source::MQ, 1, 2, 3)))
}

/// Alert mode does not refuse it.
fn in_alert_mode(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.alert(PORT_ALERT_SET, 1, 1)?;
    port.dispatch(0, source::AIO, 1, 0, 7)?;
    port.alert(0, 0, 0)?;
    ctx.expect_queue(port, &[7])
}

/// EBADF and EBADFD come before the source is judged.
fn bad_descriptors(ctx: &Ctx<'_>) -> Verdict {
    let (null, closed) = (ctx.null()?, ctx.closed()?);
    for (fd, errno) in [
        (-1, Errno::EBADF),
        (closed, Errno::EBADF),
        (null, Errno::EBADFD),
    ] {
        for source in [source::AIO, source::USER] {
            let sent = Port::at(ctx.sys, fd).dispatch(0, source, 1, 2, 3);
            check::refused(format!("_port_dispatch to {fd}"), sent, errno)?;
        }
    }
    Ok(())
}

/// A source that is refused does not wait for a slot.
fn bad_source_full(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(1)?;
    port.send(1, 1)?;
    check::refused(
        "source 3",
        port.dispatch(0, source::USER, 1, 2, 3),
        Errno::EINVAL,
    )?;
    ctx.expect_queue(port, &[1])
}

/// It may sleep for memory, so a failing KM_NOSLEEP is not its business.
fn no_memory(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    ctx.faults()?.inject(crate::Fault::NoSleep(1));
    port.dispatch(0, source::AIO, 1, 2, 3)?;
    ctx.faults()?.clear();
    ctx.expect_queue(port, &[3])
}

/// Bits, object and user are the library's business.
fn values(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let model = ctx.sys.model();
    for (events, object, user) in [
        (0, 0, 0),
        (-1, usize::MAX, usize::MAX),
        (i32::MIN, 1 << 31, 1),
    ] {
        port.dispatch(0, source::AIO, events, object, user)?;
        let (object, user) = (model.truncate(object as u64), model.truncate(user as u64));
        let event = port.get(Timeout::Poll)?;
        check::equal(
            "event",
            event,
            Event::new(source::AIO, events, object, user),
        )?;
    }
    Ok(())
}
