//! `port_sendn` up to 8192 entries: one system call.

use super::prelude::*;
use crate::{Fault, PORT_ALERT_SET};

pub(super) const CASES: &[Case] = &[
    case("sendn.sends_to_every_port", "S5 S52", every_port).both(),
    case("sendn.same_port_several_times", "S52", same_port).both(),
    case("sendn.no_entries_gives_einval", "S52", no_entries).both(),
    case("sendn.reports_each_bad_entry", "S52", bad_entries).both(),
    case("sendn.all_entries_bad", "S52", all_bad).both(),
    case(
        "sendn.errors_untouched_when_all_good",
        "S52",
        errors_untouched,
    )
    .both(),
    case("sendn.without_memory_for_one_event", "S52", enomem)
        .both()
        .needs(Caps::FAULTS),
    case("sendn.keeps_events_and_user", "S51 S52", fields).both(),
    case("sendn.to_a_port_in_alert_mode", "S52 S53", alert).both(),
    case("sendn.wakes_the_waiters_of_every_port", "S52 S73", wakes),
    case("sendn.return_values", "S5 S52", return_values).both(),
    case("sendn.order_on_one_port", "S52 S96", order),
];

/// One event for every port in the list.
fn every_port(ctx: &Ctx<'_>) -> Verdict {
    let mut ports = Vec::new();
    for _ in 0..10 {
        ports.push(ctx.port()?);
    }
    let fds: Vec<i32> = ports.iter().map(|p| p.fd()).collect();
    let sent = Port::sendn(ctx.sys, &fds, 1, 77)?;
    check::equal("return value", sent.result, Ok(10))?;
    for port in ports {
        ctx.expect_queue(port, &[77])?;
    }
    Ok(())
}

/// A port listed several times gets several events.
fn same_port(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    let sent = Port::sendn(ctx.sys, &[a.fd(), b.fd(), a.fd(), a.fd()], 1, 5)?;
    check::equal("return value", sent.result, Ok(4))?;
    ctx.expect_queue(a, &[5, 5, 5])?;
    ctx.expect_queue(b, &[5])
}

/// EINVAL before the lists are looked at.
fn no_entries(ctx: &Ctx<'_>) -> Verdict {
    let sent = Port::sendn(ctx.sys, &[], 1, 1)?;
    check::equal("return value", sent.result, Err(Errno::EINVAL))?;
    let sent = Port::sendn_at(ctx.sys, 0, 0, 0, 1, 1);
    check::refused("port_sendn(NULL, NULL, 0)", sent, Errno::EINVAL)
}

/// Errors stand at the index of their entry; good entries are served and read 0.
fn bad_entries(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    let (null, closed) = (ctx.null()?, ctx.closed()?);
    let fds = [a.fd(), -1, null, b.fd(), closed, i32::MAX, i32::MIN, a.fd()];
    let sent = Port::sendn(ctx.sys, &fds, 1, 6)?;
    check::equal("return value", sent.result, Ok(3))?;
    let (bad, no_port) = (Some(Errno::EBADF.0), Some(Errno::EBADFD.0));
    let errors = vec![Some(0), bad, no_port, Some(0), bad, bad, bad, Some(0)];
    check::equal("errors[]", sent.errors, errors)?;
    ctx.expect_queue(a, &[6, 6])?;
    ctx.expect_queue(b, &[6])
}

/// Nothing sent is no failure of the call.
fn all_bad(ctx: &Ctx<'_>) -> Verdict {
    let null = ctx.null()?;
    let sent = Port::sendn(ctx.sys, &[-1, null], 1, 1)?;
    check::equal("return value", sent.result, Ok(0))?;
    let errors = vec![Some(Errno::EBADF.0), Some(Errno::EBADFD.0)];
    check::equal("errors[]", sent.errors, errors)
}

/// Without a bad entry nobody writes to `errors[]`, so it may be any address.
fn errors_untouched(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let sent = Port::sendn(ctx.sys, &[port.fd(), port.fd()], 1, 1)?;
    check::equal("errors[]", sent.errors, vec![None, None])?;
    let list = UserBuf::new(ctx.sys, 4)?;
    list.write_ints(&[port.fd()]);
    let unmapped = UserBuf::unmapped(ctx.sys, 4)?;
    for errors in [0, unmapped.addr(), 1] {
        let sent = Port::sendn_at(ctx.sys, list.addr(), errors, 1, 1, 1);
        check::equal("return value", sent, Ok(1))?;
    }
    ctx.expect_queue(port, &[1; 5])
}

/// ENOMEM fails its entry only.
fn enomem(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    ctx.faults()?.inject(Fault::NoSleep(2));
    let sent = Port::sendn(ctx.sys, &[a.fd(), b.fd(), a.fd()], 1, 3)?;
    check::equal("failures that happened", ctx.faults()?.clear(), 1)?;
    check::equal("return value", sent.result, Ok(2))?;
    let errors = vec![Some(0), Some(Errno::ENOMEM.0), Some(0)];
    check::equal("errors[]", sent.errors, errors)?;
    ctx.expect_queue(a, &[3, 3])?;
    ctx.expect_queue(b, &[])
}

/// The event is that of `port_send`.
fn fields(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    Port::sendn(ctx.sys, &[port.fd()], i32::MIN, usize::MAX)?.result?;
    let user = ctx.sys.model().truncate(u64::MAX);
    let event = port.get(Timeout::Poll)?;
    check::equal("event", event, Event::new(source::USER, i32::MIN, 0, user))
}

/// Alert mode does not refuse events.
fn alert(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.alert(PORT_ALERT_SET, 1, 1)?;
    let sent = Port::sendn(ctx.sys, &[port.fd()], 1, 4)?;
    check::equal("return value", sent.result, Ok(1))?;
    port.alert(0, 0, 0)?;
    ctx.expect_queue(port, &[4])
}

/// One waiter of each port returns.
fn wakes(ctx: &Ctx<'_>) -> Verdict {
    let ports = [ctx.port()?, ctx.port()?, ctx.port()?];
    let mut waiters = Vec::new();
    for port in ports {
        let fd = port.fd();
        waiters.push(ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?);
    }
    Port::sendn(ctx.sys, &ports.map(|p| p.fd()), 1, 8)?.result?;
    for waiter in waiters {
        ctx.expect_done("the waiter", &waiter)?;
        check::equal("event", waiter.join()??.user, 8)?;
    }
    Ok(())
}

/// `rval1` is the count, `rval2` is 0, with and without bad entries.
fn return_values(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = UserBuf::new(ctx.sys, 8)?;
    let errors = UserBuf::new(ctx.sys, 8)?;
    for (fds, count) in [([port.fd(), port.fd()], 2), ([port.fd(), -1], 1)] {
        list.write_ints(&fds);
        let args = [list.addr(), errors.addr(), 2, 1, 1];
        let rvals = ctx.sys.portfs(op::SENDN | op::NOPORT, args);
        check::equal("return values", rvals, Ok(count))?;
    }
    ctx.expect_queue(port, &[1; 3])
}

/// Events of `port_send` and `port_sendn` come out as they went in.
fn order(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 1)?;
    Port::sendn(ctx.sys, &[port.fd(), port.fd()], 1, 2)?.result?;
    port.send(1, 3)?;
    ctx.expect_queue(port, &[1, 2, 2, 3])
}
