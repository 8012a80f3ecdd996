//! `port_send`.

use super::prelude::*;
use crate::{Fault, PORT_ALERT_SET};

pub(super) const CASES: &[Case] = &[
    case("send.delivers_the_event", "S4 S51 S54 D21", delivers).both(),
    case("send.keeps_any_event_bits", "S51", event_bits).both(),
    case("send.keeps_any_user_value", "S51 S94", user_values).both(),
    case("send.returns_zero", "S4 S51", returns_zero).both(),
    case("send.is_fifo", "S96 D3", fifo).both(),
    case("send.wakes_a_waiter", "S51 S57", wakes).both(),
    case("send.wakes_one_thread", "S73", wakes_one),
    case("send.without_memory_gives_enomem", "S51", enomem)
        .both()
        .needs(Caps::FAULTS),
    case("send.in_alert_mode", "S53", in_alert_mode).both(),
    case("send.bad_descriptors", "S11", bad_descriptors).both(),
    case("send.descriptor_is_an_int", "S4 S11", int_descriptor),
    case("send.event_bits_are_an_int", "S4", int_events),
    case(
        "send.from_several_threads_keeps_their_order",
        "S51 S96",
        threads,
    ),
    case("send.to_itself_from_a_waiter", "S51 S54", ping_pong),
];

/// All fields of the event.
fn delivers(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(0x1234, 0x5678)?;
    let event = port.get(Timeout::Poll)?;
    check::equal("event", event, Event::new(source::USER, 0x1234, 0, 0x5678))?;
    check::equal("portev_pad", event.pad, 0)
}

/// Event bits are the sender's business.
fn event_bits(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for bits in [0, 1, -1, i32::MAX, i32::MIN] {
        port.send(bits, 1)?;
        check::equal("portev_events", port.get(Timeout::Poll)?.events, bits)?;
    }
    Ok(())
}

/// A user value is a pointer nobody looks at.
fn user_values(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for user in [
        0,
        1,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0x1_0000_0000,
        usize::MAX,
    ] {
        port.send(1, user)?;
        let expected = ctx.sys.model().truncate(user as u64);
        check::equal("portev_user", port.get(Timeout::Poll)?.user, expected)?;
    }
    Ok(())
}

/// Both return values are 0.
fn returns_zero(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    check::equal("return values", port.call(op::SEND, [1, 2, 3, 4]), Ok(0))?;
    ctx.expect_queue(port, &[2])
}

/// First in, first out.
fn fifo(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=50)?;
    for user in 1..=10 {
        check::equal("event", port.get(Timeout::Poll)?.user, user)?;
    }
    port.send_all(51..=60)?;
    let rest: Vec<u64> = (11..=60).collect();
    ctx.expect_queue(port, &rest)
}

/// A sleeping `port_get` gets the event.
fn wakes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    ctx.expect_asleep("the waiter of an empty port", &waiter)?;
    port.send(3, 4)?;
    ctx.expect_done("the waiter", &waiter)?;
    check::equal(
        "event",
        waiter.join()?,
        Ok(Event::new(source::USER, 3, 0, 4)),
    )
}

/// One event ends one wait; N events end N waits.
fn wakes_one(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut waiters = Vec::new();
    for _ in 0..4 {
        waiters.push(ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?);
    }
    for sent in 1..=4 {
        port.send(1, sent)?;
        ctx.settle();
        let done = waiters.iter().filter(|w| w.done()).count();
        check::equal("threads that returned", done, sent)?;
    }
    let mut users = Vec::new();
    for waiter in waiters {
        users.push(waiter.join()??.user);
    }
    users.sort_unstable();
    check::equal("events", users, vec![1, 2, 3, 4])
}

/// ENOMEM takes no slot and loses nothing.
fn enomem(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 1)?;
    ctx.faults()?.inject(Fault::NoSleep(1));
    check::refused("port_send", port.send(1, 2), Errno::ENOMEM)?;
    check::equal("failures that happened", ctx.faults()?.clear(), 1)?;
    port.send(1, 3)?;
    ctx.expect_queue(port, &[1, 3])
}

/// Events sent while the port is in alert mode wait until it ends.
fn in_alert_mode(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.alert(PORT_ALERT_SET, 1, 2)?;
    port.send_all(10..=12)?;
    check::equal(
        "event",
        port.get(Timeout::Poll)?.source,
        source::ALERT as u16,
    )?;
    port.alert(0, 0, 0)?;
    ctx.expect_queue(port, &[10, 11, 12])
}

/// EBADF for what is not open, EBADFD for what is no port.
fn bad_descriptors(ctx: &Ctx<'_>) -> Verdict {
    let (null, closed) = (ctx.null()?, ctx.closed()?);
    for fd in [-1, i32::MIN, i32::MAX, closed, 100_000] {
        let sent = Port::at(ctx.sys, fd).send(1, 1);
        check::refused(format!("port_send to {fd}"), sent, Errno::EBADF)?;
    }
    check::refused(
        "port_send",
        Port::at(ctx.sys, null).send(1, 1),
        Errno::EBADFD,
    )
}

/// The upper half of the descriptor argument does not count.
fn int_descriptor(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let wide = port.fd() as usize | 0x5_0000_0000;
    ctx.sys.portfs(op::SEND, [wide, 1, 2, 0, 0])?;
    ctx.expect_queue(port, &[2])
}

/// The upper half of the events argument does not count.
fn int_events(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.call(op::SEND, [0x7_0000_0003, 2, 0, 0])?;
    check::equal(
        "event",
        port.get(Timeout::Poll)?,
        Event::new(source::USER, 3, 0, 2),
    )
}

/// Events of one sender stay in order whatever the others do.
fn threads(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut senders = Vec::new();
    for sender in 0..4_usize {
        let numbers = (0..100).map(move |i| sender << 16 | i);
        senders.push(ctx.spawn(move |sys| Port::at(sys, fd).send_all(numbers))?);
    }
    for sender in senders {
        sender.join()??;
    }
    let users = port.getn(500, 1, Timeout::Poll).users();
    check::equal("events", users.len(), 400)?;
    for sender in 0..4 {
        let own: Vec<u64> = users
            .iter()
            .filter(|u| **u >> 16 == sender)
            .copied()
            .collect();
        check::that("the events of a sender are in order", own.is_sorted())?;
        check::equal("events of a sender", own.len(), 100)?;
    }
    Ok(())
}

/// A thread that is woken answers on another port.
fn ping_pong(ctx: &Ctx<'_>) -> Verdict {
    let (ping, pong) = (ctx.port()?, ctx.port()?);
    let (ping_fd, pong_fd) = (ping.fd(), pong.fd());
    let echo = ctx.spawn(move |sys| -> Result<(), Errno> {
        loop {
            let event = Port::at(sys, ping_fd).get(Timeout::Never)?;
            Port::at(sys, pong_fd).send(event.events, event.user as usize + 1)?;
            if event.user == 0 {
                return Ok(());
            }
        }
    })?;
    for user in (0..50).rev() {
        ping.send(1, user)?;
        check::equal("answer", pong.get(Timeout::Never)?.user, user as u64 + 1)?;
    }
    echo.join()??;
    ctx.expect_queue(pong, &[])
}
