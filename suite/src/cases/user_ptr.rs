//! Bad and odd addresses for `port_get` and `port_getn`: EFAULT, and no event is lost (D22, S65,
//! S66).

use super::prelude::*;
use crate::{Fault, PORT_ALERT_SET};

pub(super) const CASES: &[Case] = &[
    case("user_ptr.get_null", "S65 D22", get_null).both(),
    case("user_ptr.get_unmapped", "S66 D22", get_unmapped).both(),
    case("user_ptr.get_half_mapped", "S66 D22", get_half).both(),
    case("user_ptr.get_read_only", "S66 D22", get_read_only).both(),
    case("user_ptr.get_no_access", "S66 D22", get_no_access).both(),
    case("user_ptr.get_misaligned", "S6 S93", get_misaligned).both(),
    case("user_ptr.get_last_bytes_of_a_page", "S93", get_page_end).both(),
    case("user_ptr.get_null_on_an_empty_port", "S65", get_null_empty).both(),
    case("user_ptr.getn_null", "S65 D22", getn_null).both(),
    case("user_ptr.getn_unmapped", "S66 D22", getn_unmapped).both(),
    case("user_ptr.getn_half_mapped", "S66 D22", getn_half).both(),
    case("user_ptr.getn_read_only", "S66 D22", getn_read_only).both(),
    case("user_ptr.getn_no_access", "S66 D22", getn_no_access).both(),
    case("user_ptr.getn_misaligned", "S93", getn_misaligned).both(),
    case(
        "user_ptr.getn_long_list_half_mapped",
        "S66 D22",
        getn_long_half,
    )
    .both(),
    case("user_ptr.getn_bad_part_is_not_needed", "S60 D22", getn_part).both(),
    case(
        "user_ptr.getn_null_list_and_zero_timeout_pointer",
        "S65 S67",
        getn_null_empty,
    )
    .both(),
    case("user_ptr.kernel_address", "S66 D22", kernel_address),
    case("user_ptr.copy_fails_at_each_byte", "S66 D22", each_byte)
        .both()
        .needs(Caps::FAULTS),
    case(
        "user_ptr.waiter_with_a_bad_list_loses_nothing",
        "S66 D22",
        waiter,
    )
    .both(),
    case("user_ptr.alert_with_a_bad_buffer", "S77 D22", alert).both(),
    case(
        "user_ptr.list_that_goes_away_while_waiting",
        "S66 D22",
        goes_away,
    ),
];

/// Queues 1, 2, 3; every call of `port_get` to `addr` must be EFAULT; the queue must be whole.
#[track_caller]
fn get_faults(ctx: &Ctx<'_>, addr: usize) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    for timeout in [Timeout::Never, Timeout::Poll, Timeout::After(MSEC)] {
        check::refused(
            format!("port_get, {timeout:?}"),
            port.get_at(addr, timeout),
            Errno::EFAULT,
        )?;
        check::equal("queue length", port.queued(), Ok(3))?;
    }
    check::equal("1st event", port.get(Timeout::Poll)?.user, 1)?;
    ctx.expect_queue(port, &[2, 3])
}

/// Queues 1 to 5; every `port_getn` of `max` to `addr` must be EFAULT with n unchanged; the queue
/// must be whole.
#[track_caller]
fn getn_faults(ctx: &Ctx<'_>, addr: usize, max: u32) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=5)?;
    for (n, timeout) in [
        (1, Timeout::Never),
        (1, Timeout::Poll),
        (max, Timeout::After(MSEC)),
    ] {
        let mut nget = n;
        let got = port.getn_at(addr, max, Some(&mut nget), timeout);
        check::refused(format!("port_getn, n {n}, {timeout:?}"), got, Errno::EFAULT)?;
        check::equal("n", nget, n)?;
        check::equal("queue length", port.queued(), Ok(5))?;
    }
    check::equal("1st event", port.get(Timeout::Poll)?.user, 1)?;
    ctx.expect_queue(port, &[2, 3, 4, 5])
}

fn get_null(ctx: &Ctx<'_>) -> Verdict {
    get_faults(ctx, 0)
}

fn get_unmapped(ctx: &Ctx<'_>) -> Verdict {
    let buf = UserBuf::unmapped(ctx.sys, 24)?;
    get_faults(ctx, buf.addr())?;
    get_faults(ctx, 1)
}

/// Every split of the structure.
fn get_half(ctx: &Ctx<'_>) -> Verdict {
    let size = ctx.sys.model().event();
    for good in [1, 4, size / 2, size - 1] {
        let buf = UserBuf::cut(ctx.sys, size, good)?;
        get_faults(ctx, buf.addr())?;
    }
    Ok(())
}

fn get_read_only(ctx: &Ctx<'_>) -> Verdict {
    let buf = UserBuf::read_only(ctx.sys, 24, &[7; 24])?;
    get_faults(ctx, buf.addr())?;
    let mut bytes = [0; 24];
    buf.read_at(0, &mut bytes);
    check::equal("read-only memory", bytes, [7; 24])
}

fn get_no_access(ctx: &Ctx<'_>) -> Verdict {
    let buf = UserBuf::no_access(ctx.sys, 24)?;
    get_faults(ctx, buf.addr())
}

/// Any alignment will do.
fn get_misaligned(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (model, size) = (ctx.sys.model(), ctx.sys.model().event());
    for by in 1..8 {
        let buf = UserBuf::misaligned(ctx.sys, size, by)?;
        port.send(3, by)?;
        port.get_at(buf.addr(), Timeout::Poll)?;
        let mut bytes = [0; 24];
        buf.read_at(0, &mut bytes[..size]);
        let event = Event::decode(model, &bytes);
        check::equal("event", event, Event::new(source::USER, 3, 0, by as u64))?;
    }
    Ok(())
}

/// Not one byte more than the structure is written.
fn get_page_end(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 9)?;
    // An event list ends where an unmapped page begins.
    let list = EventList::new(ctx.sys, 1)?;
    port.get_at(list.addr(), Timeout::Poll)?;
    check::equal("event", list.event(0).user, 9)
}

/// NULL is refused before the wait.
fn get_null_empty(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for timeout in [Timeout::Never, Timeout::Poll, Timeout::After(MSEC)] {
        check::refused("port_get", port.get_at(0, timeout), Errno::EFAULT)?;
    }
    port.send(1, 1)?;
    ctx.expect_queue(port, &[1])
}

fn getn_null(ctx: &Ctx<'_>) -> Verdict {
    getn_faults(ctx, 0, 4)
}

fn getn_unmapped(ctx: &Ctx<'_>) -> Verdict {
    let buf = UserBuf::unmapped(ctx.sys, 4 * 24)?;
    getn_faults(ctx, buf.addr(), 4)
}

/// Cut inside the first, between and inside later entries.
fn getn_half(ctx: &Ctx<'_>) -> Verdict {
    let size = ctx.sys.model().event();
    for good in [1, size - 1, size, size + 1, 2 * size, 4 * size - 1] {
        let buf = UserBuf::cut(ctx.sys, 4 * size, good)?;
        getn_faults(ctx, buf.addr(), 4)?;
    }
    Ok(())
}

fn getn_read_only(ctx: &Ctx<'_>) -> Verdict {
    let buf = UserBuf::read_only(ctx.sys, 96, &[7; 96])?;
    getn_faults(ctx, buf.addr(), 4)?;
    let mut bytes = [0; 96];
    buf.read_at(0, &mut bytes);
    check::equal("read-only memory", bytes, [7; 96])
}

fn getn_no_access(ctx: &Ctx<'_>) -> Verdict {
    let buf = UserBuf::no_access(ctx.sys, 96)?;
    getn_faults(ctx, buf.addr(), 4)
}

/// Any alignment will do, across a page border too.
fn getn_misaligned(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (model, size) = (ctx.sys.model(), ctx.sys.model().event());
    let count = 2 * ctx.sys.page() / size;
    for by in [1, 3, 5, 7] {
        let buf = UserBuf::misaligned(ctx.sys, count * size, by)?;
        port.send_all(0..count)?;
        let mut nget = count as u32;
        port.getn_raw(buf.addr(), count as u32, Some(&mut nget), 0)?;
        check::equal("n", nget as usize, count)?;
        for index in 0..count {
            let mut bytes = [0; 24];
            buf.read_at(index * size, &mut bytes[..size]);
            let event = Event::decode(model, &bytes);
            check::equal("event", event, Event::new(source::USER, 1, 0, index as u64))?;
        }
    }
    Ok(())
}

/// A list of 200 events of which the second half is not there.
fn getn_long_half(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let size = ctx.sys.model().event();
    port.send_all(0..200)?;
    for good in [
        10 * size,
        32 * size,
        33 * size,
        100 * size + 7,
        200 * size - 1,
    ] {
        let buf = UserBuf::cut(ctx.sys, 200 * size, good)?;
        let mut nget = 1;
        let got = port.getn_raw(buf.addr(), 200, Some(&mut nget), 0);
        check::refused(
            format!("port_getn with {good} good bytes"),
            got,
            Errno::EFAULT,
        )?;
        check::equal("n", nget, 1)?;
        check::equal("queue length", port.queued(), Ok(200))?;
    }
    let expected: Vec<u64> = (0..200).collect();
    ctx.expect_queue(port, &expected)
}

/// Room for 8 of which 3 entries are mapped, and 3 events: success.
fn getn_part(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (model, size) = (ctx.sys.model(), ctx.sys.model().event());
    port.send_all(1..=3)?;
    let buf = UserBuf::cut(ctx.sys, 8 * size, 3 * size)?;
    let mut nget = 1;
    port.getn_raw(buf.addr(), 8, Some(&mut nget), 0)?;
    check::equal("n", nget, 3)?;
    let mut bytes = [0; 24];
    buf.read_at(2 * size, &mut bytes[..size]);
    let last = Event::decode(model, &bytes);
    check::equal("last event", last, Event::new(source::USER, 1, 0, 3))
}

/// A NULL list is refused before n and the time-out are looked at.
fn getn_null_empty(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let unmapped = UserBuf::unmapped(ctx.sys, 16)?;
    for (n, timeout) in [(1, 0), (0, 0), (4, unmapped.addr()), (0, unmapped.addr())] {
        let mut nget = n;
        let got = port.getn_raw(0, 4, Some(&mut nget), timeout);
        check::refused(format!("port_getn, n {n}"), got, Errno::EFAULT)?;
        check::equal("n", nget, n)?;
    }
    ctx.expect_queue(port, &[])
}

/// Addresses in the kernel's half, and ranges that run into it or around the end.
fn kernel_address(ctx: &Ctx<'_>) -> Verdict {
    let addrs = [
        0xffff_ff00_0000_0000,
        0xffff_ffff_ffff_fff0,
        usize::MAX,
        usize::MAX - 23,
        0x0000_7fff_ffff_fff8,
        0x0000_8000_0000_0000,
    ];
    for addr in addrs {
        get_faults(ctx, addr)?;
        getn_faults(ctx, addr, 4)?;
    }
    Ok(())
}

/// A copy that stops at the n-th byte, for every n of three events.
fn each_byte(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let size = ctx.sys.model().event() as u64;
    port.send_all(1..=3)?;
    for at in 0..3 * size {
        ctx.faults()?.inject(Fault::CopyoutAt(at));
        let batch = port.getn(8, 3, Timeout::Never);
        check::equal("failures that happened", ctx.faults()?.clear(), 1)?;
        check::equal(
            "port_getn",
            (batch.result, batch.nget),
            (Err(Errno::EFAULT), 3),
        )?;
        check::equal("queue length", port.queued(), Ok(3))?;
    }
    ctx.expect_queue(port, &[1, 2, 3])
}

/// A thread that sleeps with a bad list: EFAULT when the events arrive, and they stay.
fn waiter(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| -> Result<_, Errno> {
        let buf = UserBuf::cut(sys, 4 * sys.model().event(), sys.model().event())?;
        let mut nget = 3;
        let got = Port::at(sys, fd).getn_raw(buf.addr(), 4, Some(&mut nget), 0);
        Ok((got, nget))
    })?;
    port.send_all(1..=3)?;
    ctx.settle();
    if !waiter.done() {
        return Err(Failure::new(
            "port_getn for 3 events sleeps although they are there",
        ));
    }
    check::equal("port_getn", waiter.join()??, (Err(Errno::EFAULT), 3))?;
    ctx.expect_queue(port, &[1, 2, 3])
}

/// An alert that cannot be stored is still set.
fn alert(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 1)?;
    port.alert(PORT_ALERT_SET, 1, 2)?;
    let size = ctx.sys.model().event();
    let buf = UserBuf::cut(ctx.sys, size, size - 1)?;
    for addr in [0, buf.addr(), 1] {
        check::refused("port_get", port.get_at(addr, Timeout::Poll), Errno::EFAULT)?;
        let mut nget = 1;
        let got = port.getn_raw(addr, 1, Some(&mut nget), 0);
        check::refused("port_getn", got, Errno::EFAULT)?;
        check::equal("n", nget, 1)?;
    }
    check::equal("alert", port.get(Timeout::Poll)?.user, 2)?;
    port.alert(0, 0, 0)?;
    ctx.expect_queue(port, &[1])
}

/// The list is unmapped by another thread while the wait lasts.
fn goes_away(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let base = ctx.sys.map(ctx.sys.page())?;
    let waiter = ctx.spawn_asleep(move |sys| {
        let mut nget = 2;
        (
            Port::at(sys, fd).getn_raw(base, 4, Some(&mut nget), 0),
            nget,
        )
    })?;
    ctx.sys.unmap(base, ctx.sys.page())?;
    port.send_all(1..=2)?;
    ctx.expect_done("port_getn", &waiter)?;
    check::equal("port_getn", waiter.join()?, (Err(Errno::EFAULT), 2))?;
    ctx.expect_queue(port, &[1, 2])
}
