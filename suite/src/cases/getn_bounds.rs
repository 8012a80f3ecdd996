//! `port_getn` at the edges of its counts.

use super::prelude::*;
use crate::{Fault, PORT_ALERT_SET};

pub(super) const CASES: &[Case] = &[
    case(
        "getn.max_zero_tells_the_queue_length",
        "S62 C2 C11",
        max_zero,
    )
    .both(),
    case(
        "getn.max_zero_ignores_everything_else",
        "S62 S64",
        max_zero_rest,
    )
    .both(),
    case("getn.max_zero_in_alert_mode", "S62", max_zero_alert).both(),
    case("getn.max_zero_never_waits", "S62", max_zero_no_wait).both(),
    case("getn.n_zero_returns_at_once", "S63", n_zero).both(),
    case("getn.n_zero_in_alert_mode", "S63", n_zero_alert).both(),
    case("getn.n_zero_with_events", "S63", n_zero_events).both(),
    case("getn.n_above_max_gives_einval", "S64", n_above_max).both(),
    case(
        "getn.n_above_max_comes_before_everything",
        "S64 S65",
        n_above_max_first,
    )
    .both(),
    case("getn.null_nget_gives_einval", "S7", null_nget).both(),
    case("getn.huge_max", "S60 D23", huge_max).both(),
    case("getn.max_whose_size_overflows", "D23", overflowing_max).both(),
    case("getn.error_leaves_nget_alone", "S8", error_leaves_nget).both(),
    case("getn.without_memory_for_the_list", "S60", no_memory)
        .both()
        .needs(Caps::FAULTS),
    case("getn.without_memory_for_a_huge_list", "S60", no_memory_huge).needs(Caps::FAULTS),
];

/// The queue length, and nothing is taken.
fn max_zero(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    check::equal("length of an empty queue", port.queued(), Ok(0))?;
    for length in 1..=5 {
        port.send(1, length)?;
        check::equal("queue length", port.queued(), Ok(length as u32))?;
    }
    ctx.expect_queue(port, &[1, 2, 3, 4, 5])
}

/// List, n and time-out mean nothing then.
fn max_zero_rest(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=2)?;
    let unmapped = UserBuf::unmapped(ctx.sys, 16)?;
    for (list, n, timeout) in [
        (0, u32::MAX, 0),
        (unmapped.addr(), 5, unmapped.addr()),
        (1, 0, 3),
    ] {
        let mut nget = n;
        port.getn_raw(list, 0, Some(&mut nget), timeout)?;
        check::equal("queue length", nget, 2)?;
    }
    ctx.expect_queue(port, &[1, 2])
}

/// An alert is not seen by a look at the length.
fn max_zero_alert(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    port.alert(PORT_ALERT_SET, 1, 1)?;
    check::equal("queue length in alert mode", port.queued(), Ok(3))?;
    port.alert(0, 0, 0)?;
    ctx.expect_queue(port, &[1, 2, 3])
}

/// No wait on an empty queue even without a time-out.
fn max_zero_no_wait(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let before = ctx.sys.now();
    let batch = port.getn(0, 7, Timeout::Never);
    check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 0))?;
    let batch = port.getn(0, 7, Timeout::After(1000 * MSEC));
    check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 0))?;
    check::within("time spent", ctx.sys.now() - before, 0, 500 * MSEC)
}

/// Nothing wanted, nothing done.
fn n_zero(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for timeout in [Timeout::Never, Timeout::Poll, Timeout::After(1000 * MSEC)] {
        let batch = port.getn(4, 0, timeout);
        check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 0))?;
        check::that("the list is untouched", batch.rest_untouched)?;
    }
    Ok(())
}

/// Not even an alert.
fn n_zero_alert(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.alert(PORT_ALERT_SET, 1, 1)?;
    let batch = port.getn(4, 0, Timeout::Never);
    check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 0))?;
    check::that("the list is untouched", batch.rest_untouched)
}

/// Queued events stay.
fn n_zero_events(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    let batch = port.getn(4, 0, Timeout::Never);
    check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 0))?;
    ctx.expect_queue(port, &[1, 2, 3])
}

/// EINVAL, n unchanged, nothing taken.
fn n_above_max(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    for (max, n) in [(1, 2), (2, 3), (8, u32::MAX), (u32::MAX - 1, u32::MAX)] {
        let list = EventList::new(ctx.sys, 8)?;
        let mut nget = n;
        let got = port.getn_raw(list.addr(), max, Some(&mut nget), 0);
        check::refused(format!("port_getn(max {max}, n {n})"), got, Errno::EINVAL)?;
        check::equal("n", nget, n)?;
        check::that("the list is untouched", list.untouched_from(0))?;
    }
    ctx.expect_queue(port, &[1, 2, 3])
}

/// Before the NULL list, a bad time-out and the alert.
fn n_above_max_first(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let mut nget = 2;
    check::refused(
        "NULL list",
        port.getn_raw(0, 1, Some(&mut nget), 0),
        Errno::EINVAL,
    )?;
    let unmapped = UserBuf::unmapped(ctx.sys, 16)?;
    let got = port.getn_raw(unmapped.addr(), 1, Some(&mut nget), unmapped.addr());
    check::refused("unmapped list and time-out", got, Errno::EINVAL)?;
    port.alert(PORT_ALERT_SET, 1, 1)?;
    check::equal(
        "alert mode",
        port.getn(1, 2, Timeout::Poll).result,
        Err(Errno::EINVAL),
    )?;
    check::equal("n", nget, 2)
}

/// libc's own check; the kernel is not called.
fn null_nget(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 1)?;
    let list = EventList::new(ctx.sys, 1)?;
    check::refused(
        "port_getn",
        port.getn_raw(list.addr(), 1, None, 0),
        Errno::EINVAL,
    )?;
    ctx.expect_queue(port, &[1])
}

/// A `max` far beyond the list's memory is no harm while there are few events.
fn huge_max(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for max in [65_536, 1 << 20, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
        port.send_all(1..=3)?;
        let list = EventList::new(ctx.sys, 3)?;
        let mut nget = 1;
        port.getn_at(list.addr(), max, Some(&mut nget), Timeout::Poll)?;
        check::equal("events taken", nget, 3)?;
        let users: Vec<u64> = list.events(3).iter().map(|e| e.user).collect();
        check::equal("events", users, vec![1, 2, 3])?;
    }
    Ok(())
}

/// Counts whose size in bytes does not fit 32 bits.
fn overflowing_max(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for max in [178_956_971, 178_956_970, 268_435_456, 268_435_457] {
        port.send_all(1..=40)?;
        let list = EventList::new(ctx.sys, 40)?;
        let mut nget = 40;
        port.getn_at(list.addr(), max, Some(&mut nget), Timeout::Poll)?;
        check::equal("events taken", nget, 40)?;
        let users: Vec<u64> = list.events(40).iter().map(|e| e.user).collect();
        check::equal("events", users, (1..=40).collect())?;
    }
    Ok(())
}

/// EFAULT, EINVAL, EBADF and EBADFD do not touch `*nget`.
fn error_leaves_nget(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 4)?;
    let null = Port::at(ctx.sys, ctx.null()?);
    let closed = Port::at(ctx.sys, ctx.closed()?);
    let negative = Timeout::Spec(Timespec { sec: -1, nsec: 0 });
    for (port, list, timeout, errno) in [
        (port, 0, Timeout::Poll, Errno::EFAULT),
        (port, list.addr(), negative, Errno::EINVAL),
        (null, list.addr(), Timeout::Poll, Errno::EBADFD),
        (closed, list.addr(), Timeout::Poll, Errno::EBADF),
    ] {
        let mut nget = 3;
        check::refused(
            "port_getn",
            port.getn_at(list, 4, Some(&mut nget), timeout),
            errno,
        )?;
        check::equal("n", nget, 3)?;
    }
    check::that("the list is untouched", list.untouched_from(0))
}

/// No memory without sleeping: the events come all the same.
fn no_memory(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(0..200)?;
    ctx.faults()?.inject(Fault::NoSleep(1));
    let batch = port.getn(200, 1, Timeout::Never);
    ctx.faults()?.clear();
    check::equal("result", batch.result, Ok(()))?;
    check::within("events", batch.nget, 1, 200)?;
    let mut users = batch.users();
    users.extend(port.getn(200, 1, Timeout::Poll).users());
    check::equal("events", users, (0..200).collect())
}

/// The same beyond 8192 events.
fn no_memory_huge(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(0..9000)?;
    let list = EventList::new(ctx.sys, 9000)?;
    ctx.faults()?.inject(Fault::NoSleep(1));
    let batch = port.getn_list(&list, 9000, 1, Timeout::Never);
    ctx.faults()?.clear();
    check::equal("result", batch.result, Ok(()))?;
    check::within("events", batch.nget, 1, 9000)?;
    let mut users = batch.users();
    while users.len() < 9000 {
        let batch = port.getn_list(&list, 9000, 1, Timeout::Poll);
        check::that("there are more events", batch.nget > 0)?;
        users.extend(batch.users());
    }
    check::equal("events", users, (0..9000).collect())
}
