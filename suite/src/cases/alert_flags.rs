//! Alert mode: who sets it, with which flags, and when it ends (S74, S75, S78, D28).

use super::prelude::*;
use crate::{PORT_ALERT_SET, PORT_ALERT_UPDATE, PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case("alert.set_overwrites", "S74", set_overwrites).both(),
    case("alert.update_sets_when_unset", "S74", update_sets).both(),
    case("alert.update_while_set_gives_ebusy", "S74 C1", update_busy).both(),
    case("alert.update_after_clear", "S74 S75", update_after_clear).both(),
    case("alert.set_and_update_give_einval", "S74", both_flags).both(),
    case(
        "alert.d28_unknown_flags_give_einval",
        "S74 D28",
        unknown_flags,
    )
    .both(),
    case(
        "alert.d28_refused_flags_change_nothing",
        "S74 D28",
        refused_changes_nothing,
    ),
    case(
        "alert.d28_unknown_flags_classic",
        "S74 D28",
        unknown_flags_classic,
    )
    .both()
    .classic(),
    case(
        "alert.d28_both_flags_classic",
        "S74 D28",
        both_flags_classic,
    )
    .classic(),
    case(
        "alert.no_events_clears_with_any_flags",
        "S75",
        clears_any_flags,
    )
    .both(),
    case(
        "alert.no_events_clears_with_any_flags_classic",
        "S75",
        clears_any_flags,
    )
    .classic(),
    case("alert.clear_when_unset", "S75", clear_unset).both(),
    case("alert.clear_wakes_nobody", "S75", clear_wakes_nobody),
    case(
        "alert.ends_when_its_setter_closes",
        "S78 S81",
        setter_closes,
    ),
    case(
        "alert.stays_when_another_process_closes",
        "S78 S81",
        other_closes,
    ),
    case(
        "alert.stays_when_its_process_keeps_the_port",
        "S78",
        setter_keeps,
    ),
    case("alert.second_setter_owns_it", "S78 S74", second_setter),
    case("alert.d28_makes_the_port_readable", "S17 D28", readable).both(),
    case("alert.d28_wakes_a_poller", "S17 D28", wakes_poller),
    case(
        "alert.d28_not_readable_classic",
        "S17 D28",
        readable_classic,
    )
    .classic(),
];

fn alert_of(events: i32, user: u64) -> Result<Event, Errno> {
    Ok(Event::new(source::ALERT, events, 0, user))
}

/// Does poll(2) report the port readable?
fn polls_in(port: Port<'_>) -> Result<bool, Errno> {
    let mut fds = [PollFd::new(port.fd(), poll::IN)];
    port.sys().poll(&mut fds, Some(0))?;
    Ok(fds[0].revents & poll::IN != 0)
}

/// SET replaces the alert.
fn set_overwrites(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for user in 1..=3 {
        port.alert(PORT_ALERT_SET, user, user as usize)?;
        check::equal(
            "alert",
            port.get(Timeout::Poll),
            alert_of(user, user as u64),
        )?;
    }
    Ok(())
}

/// UPDATE on a port without an alert.
fn update_sets(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.alert(PORT_ALERT_UPDATE, 1, 2)?;
    check::equal("alert", port.get(Timeout::Poll), alert_of(1, 2))
}

/// UPDATE does not replace.
fn update_busy(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.alert(PORT_ALERT_SET, 1, 2)?;
    check::refused(
        "port_alert",
        port.alert(PORT_ALERT_UPDATE, 3, 4),
        Errno::EBUSY,
    )?;
    check::equal("alert", port.get(Timeout::Poll), alert_of(1, 2))?;
    check::refused(
        "port_alert",
        port.alert(PORT_ALERT_UPDATE, 3, 4),
        Errno::EBUSY,
    )
}

/// A cleared port can be updated again.
fn update_after_clear(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for round in 1..=5 {
        port.alert(PORT_ALERT_UPDATE, round, 2)?;
        check::equal("alert", port.get(Timeout::Poll), alert_of(round, 2))?;
        port.alert(0, 0, 0)?;
    }
    Ok(())
}

/// SET|UPDATE is refused, set or not.
fn both_flags(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let flags = PORT_ALERT_SET | PORT_ALERT_UPDATE;
    check::refused("port_alert", port.alert(flags, 1, 2), Errno::EINVAL)?;
    check::refused("port_get", port.get(Timeout::Poll), Errno::ETIME)?;
    port.alert(PORT_ALERT_SET, 1, 2)?;
    check::refused("port_alert", port.alert(flags, 3, 4), Errno::EINVAL)?;
    check::equal("alert", port.get(Timeout::Poll), alert_of(1, 2))
}

/// Exactly SET or UPDATE.
fn unknown_flags(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for flags in [0, 4, 5, 6, 7, 8, 0x100, -1, i32::MIN] {
        let set = port.alert(flags, 1, 2);
        check::refused(
            format!("port_alert with flags {flags:#x}"),
            set,
            Errno::EINVAL,
        )?;
    }
    check::refused("port_get", port.get(Timeout::Poll), Errno::ETIME)
}

/// Neither the alert nor the waiters nor the queue.
fn refused_changes_nothing(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    for flags in [0, 3, 4, 6] {
        check::refused("port_alert", port.alert(flags, 1, 2), Errno::EINVAL)?;
    }
    ctx.expect_asleep("port_get", &waiter)?;
    port.send(1, 5)?;
    check::equal("event", waiter.join()??.user, 5)
}

/// As the C module: unknown flags act as SET.
fn unknown_flags_classic(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for flags in [0, 4, 8, PORT_ALERT_UPDATE | 4, PORT_ALERT_SET | 4, 0x100] {
        port.alert(flags, flags + 1, 2)?;
        check::equal("alert", port.get(Timeout::Poll), alert_of(flags + 1, 2))?;
    }
    Ok(())
}

/// As the C module: both bits are EINVAL, alone or with others.
fn both_flags_classic(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for flags in [3, 7, -1] {
        check::refused("port_alert", port.alert(flags, 1, 2), Errno::EINVAL)?;
    }
    let got = port.getn(1, 1, Timeout::Poll);
    check::equal("port_getn", (got.result, got.nget), (Ok(()), 0))
}

/// Events 0 end alert mode whatever the flags are.
fn clears_any_flags(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for flags in [0, PORT_ALERT_SET, PORT_ALERT_UPDATE, 3, 4, 6, -1] {
        port.alert(PORT_ALERT_SET, 1, 2)?;
        check::granted(format!("flags {flags:#x}"), port.alert(flags, 0, 77))?;
        let batch = port.getn(1, 1, Timeout::Poll);
        check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 0))?;
    }
    Ok(())
}

/// Clearing nothing is no error.
fn clear_unset(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for _ in 0..3 {
        check::equal("return values", port.call(op::ALERT, [0, 0, 0, 0]), Ok(0))?;
    }
    port.send(1, 1)?;
    ctx.expect_queue(port, &[1])
}

/// The end of alert mode is no event.
fn clear_wakes_nobody(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    port.alert(0, 0, 0)?;
    ctx.expect_asleep("port_get", &waiter)?;
    port.send(1, 1)?;
    check::equal("event", waiter.join()??.user, 1)
}

/// A child sets the alert and closes the port: alert mode ends for the parent.
fn setter_closes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        port.alert(PORT_ALERT_SET, 1, 2)?;
        ctx.sys.sleep(10 * MSEC);
        port.close()?;
        ctx.sys.sleep(10 * MSEC);
        Ok(0)
    })?;
    check::equal(
        "alert of the child",
        port.get(Timeout::Poll),
        alert_of(1, 2),
    )?;
    ctx.sys.sleep(15 * MSEC);
    check::refused("port_get", port.get(Timeout::Poll), Errno::ETIME)?;
    child.wait().map(drop)
}

/// Somebody else's close does not end it.
fn other_closes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.alert(PORT_ALERT_SET, 1, 2)?;
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        check::equal(
            "alert as the child sees it",
            port.get(Timeout::Poll),
            alert_of(1, 2),
        )?;
        port.close()?;
        Ok(0)
    })?;
    child.wait()?;
    check::equal("alert", port.get(Timeout::Poll), alert_of(1, 2))
}

/// The end of the thread that set it does not matter.
fn setter_keeps(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    ctx.spawn(move |sys| Port::at(sys, fd).alert(PORT_ALERT_SET, 1, 2))?
        .join()??;
    check::equal("alert", port.get(Timeout::Poll), alert_of(1, 2))
}

/// The last process that set it owns it.
fn second_setter(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork_asleep(move |ctx| {
        Port::at(ctx.sys, fd).alert(PORT_ALERT_SET, 1, 1)?;
        ctx.sys.sleep(10 * MSEC);
        Port::at(ctx.sys, fd).close()?;
        Ok(0)
    })?;
    port.alert(PORT_ALERT_SET, 2, 2)?;
    child.wait()?;
    check::equal("alert", port.get(Timeout::Poll), alert_of(2, 2))
}

/// poll(2) says POLLIN while an alert is set, and not afterwards.
fn readable(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    check::equal("readable", polls_in(port), Ok(false))?;
    port.alert(PORT_ALERT_SET, 1, 2)?;
    check::equal("readable in alert mode", polls_in(port), Ok(true))?;
    check::equal("alert", port.get(Timeout::Poll), alert_of(1, 2))?;
    check::equal("readable as long as it is set", polls_in(port), Ok(true))?;
    port.alert(0, 0, 0)?;
    check::equal("readable afterwards", polls_in(port), Ok(false))
}

/// A thread that sleeps in poll(2) returns when an alert is set.
fn wakes_poller(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    for flags in [PORT_ALERT_SET, PORT_ALERT_UPDATE] {
        let poller = ctx.spawn_asleep(move |sys| {
            let mut fds = [PollFd::new(fd, poll::IN)];
            (sys.poll(&mut fds, None), fds[0].revents)
        })?;
        port.alert(flags, 1, 2)?;
        ctx.expect_done("poll(2)", &poller)?;
        check::equal("poll(2)", poller.join()?, (Ok(1), poll::IN))?;
        port.alert(0, 0, 0)?;
    }
    Ok(())
}

/// As the C module: an alert is invisible to poll(2).
fn readable_classic(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.alert(PORT_ALERT_SET, 1, 2)?;
    check::equal("readable in alert mode", polls_in(port), Ok(false))?;
    let fd = port.fd();
    let poller = ctx.spawn_asleep(move |sys| {
        let mut fds = [PollFd::new(fd, poll::IN)];
        (sys.poll(&mut fds, Some(100 * MSEC)), fds[0].revents)
    })?;
    port.alert(PORT_ALERT_SET, 3, 4)?;
    ctx.expect_asleep("poll(2)", &poller)?;
    check::equal("poll(2)", poller.join()?, (Ok(0), 0))
}
