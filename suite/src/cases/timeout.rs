//! Time-outs: legal, illegal, huge, and the wall clock that does not matter (D25, S67-S69).

use super::prelude::*;
use crate::{Fault, PORT_ALERT_SET};

pub(super) const CASES: &[Case] = &[
    case(
        "timeout.negative_or_out_of_range_gives_einval",
        "S67",
        illegal,
    )
    .both(),
    case("timeout.illegal_but_not_needed", "S67", illegal_not_needed).both(),
    case(
        "timeout.illegal_with_too_few_events",
        "S67 S59",
        illegal_with_events,
    )
    .both(),
    case("timeout.illegal_in_alert_mode", "S67 S77", illegal_alert).both(),
    case("timeout.largest_nanoseconds", "S67", largest_nsec).both(),
    case("timeout.bad_pointer_gives_efault", "S67", bad_pointer).both(),
    case(
        "timeout.bad_pointer_but_not_needed",
        "S67",
        bad_pointer_not_needed,
    )
    .both(),
    case("timeout.misaligned_pointer", "S67", misaligned).both(),
    case("timeout.read_only_pointer", "S67", read_only).both(),
    case("timeout.d25_huge_waits_for_ever", "S69 D25", huge).both(),
    case("timeout.d25_huge_getn_waits_for_ever", "S69 D25", huge_getn).both(),
    case(
        "timeout.d25_wakeup_with_months_to_go",
        "D25 S70",
        months_to_go,
    )
    .needs(Caps::FAULTS.union(Caps::VIRTUAL_CLOCK)),
    case("timeout.d25_clock_step_forward", "S68 D25", step_forward).needs(Caps::WALL_STEP),
    case("timeout.d25_clock_step_back", "S68 D25", step_back)
        .needs(Caps::WALL_STEP.union(Caps::VIRTUAL_CLOCK)),
    case("timeout.d25_below_a_tick", "S68 D25", below_a_tick)
        .both()
        .needs(Caps::VIRTUAL_CLOCK),
    case("timeout.each_waiter_has_its_own", "S58 S59", own_timeouts),
    case("timeout.structure_is_not_written", "S7", not_written).both(),
];

/// `{-1,0}`, `{0,-1}`, `{0,10^9}` and worse.
const ILLEGAL: [(i64, i64); 6] = [
    (-1, 0),
    (0, -1),
    (0, 1_000_000_000),
    (1, 1_000_000_000),
    (-1, 999_999_999),
    (i32::MIN as i64, i32::MIN as i64),
];

fn spec((sec, nsec): (i64, i64)) -> Timeout {
    Timeout::Spec(Timespec { sec, nsec })
}

/// EINVAL when a wait would be needed.
fn illegal(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for pair in ILLEGAL {
        check::refused(
            format!("port_get {pair:?}"),
            port.get(spec(pair)),
            Errno::EINVAL,
        )?;
        let batch = port.getn(4, 2, spec(pair));
        check::equal(
            "port_getn",
            (batch.result, batch.nget),
            (Err(Errno::EINVAL), 2),
        )?;
        check::that("the list is untouched", batch.rest_untouched)?;
    }
    ctx.expect_queue(port, &[])
}

/// With enough events nobody looks at it.
fn illegal_not_needed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for pair in ILLEGAL {
        port.send_all(1..=3)?;
        check::equal("port_get", port.get(spec(pair))?.user, 1)?;
        let batch = port.getn(4, 2, spec(pair));
        check::equal(
            "port_getn",
            (batch.result, batch.users()),
            (Ok(()), vec![2, 3]),
        )?;
    }
    Ok(())
}

/// Fewer events than wanted: a wait is needed, EINVAL, and the events stay.
fn illegal_with_events(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    for pair in ILLEGAL {
        let batch = port.getn(8, 4, spec(pair));
        check::equal(
            "port_getn",
            (batch.result, batch.nget),
            (Err(Errno::EINVAL), 4),
        )?;
    }
    ctx.expect_queue(port, &[1, 2, 3])
}

/// In alert mode nobody waits.
fn illegal_alert(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.alert(PORT_ALERT_SET, 1, 2)?;
    for pair in ILLEGAL {
        check::equal("port_get", port.get(spec(pair))?.user, 2)?;
        check::equal("port_getn", port.getn(4, 4, spec(pair)).users(), vec![2])?;
    }
    Ok(())
}

/// 999,999,999 ns are legal.
fn largest_nsec(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let before = ctx.sys.now();
    check::refused("port_get", port.get(spec((0, 999_999_999))), Errno::ETIME)?;
    let batch = port.getn(1, 1, spec((1, 999_999_999)));
    check::equal("port_getn", batch.result, Err(Errno::ETIME))?;
    check::that("3 s have passed", ctx.sys.now() - before >= 2_999_999_998)
}

/// EFAULT when a wait would be needed; the events stay.
fn bad_pointer(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=2)?;
    let size = ctx.sys.model().timespec();
    let list = EventList::new(ctx.sys, 8)?;
    let unmapped = UserBuf::unmapped(ctx.sys, size)?;
    let half = UserBuf::cut(ctx.sys, size, size / 2)?;
    let hidden = UserBuf::no_access(ctx.sys, size)?;
    for addr in [unmapped.addr(), half.addr(), hidden.addr(), 1] {
        let mut nget = 3;
        let got = port.getn_raw(list.addr(), 8, Some(&mut nget), addr);
        check::refused("port_getn", got, Errno::EFAULT)?;
        check::equal("n", nget, 3)?;
    }
    check::that("the list is untouched", list.untouched_from(0))?;
    ctx.expect_queue(port, &[1, 2])
}

/// With enough events the pointer is not followed; nor by `port_get`, which has it as a flag.
fn bad_pointer_not_needed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    let list = EventList::new(ctx.sys, 8)?;
    let unmapped = UserBuf::unmapped(ctx.sys, 16)?;
    let mut nget = 2;
    port.getn_raw(list.addr(), 2, Some(&mut nget), unmapped.addr())?;
    check::equal("n", nget, 2)?;
    port.call(op::GET, [list.addr(), 0, 0, unmapped.addr()])?;
    check::equal("event", list.event(0).user, 3)?;
    let got = port.call(op::GET, [list.addr(), 0, 1, unmapped.addr()]);
    check::refused("port_get with 1 ns", got, Errno::ETIME)
}

/// Alignment does not matter.
fn misaligned(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 1)?;
    let model = ctx.sys.model();
    let (bytes, len) = Timespec {
        sec: 0,
        nsec: 1_000_000,
    }
    .encode(model);
    for by in [1, 2, 3, 4, 7] {
        let buf = UserBuf::misaligned(ctx.sys, len, by)?;
        buf.write(&bytes[..len]);
        let mut nget = 1;
        let got = port.getn_raw(list.addr(), 1, Some(&mut nget), buf.addr());
        check::refused(format!("time-out off by {by}"), got, Errno::ETIME)?;
        check::equal("n", nget, 0)?;
    }
    Ok(())
}

/// The structure is only read.
fn read_only(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 1)?;
    let (bytes, len) = Timespec { sec: 0, nsec: 1 }.encode(ctx.sys.model());
    let buf = UserBuf::read_only(ctx.sys, len, &bytes[..len])?;
    let mut nget = 1;
    let got = port.getn_raw(list.addr(), 1, Some(&mut nget), buf.addr());
    check::refused("port_getn", got, Errno::ETIME)
}

/// The largest second counts of the data model.
fn huge_specs(model: Model) -> Vec<(i64, i64)> {
    match model {
        Model::Ilp32 => vec![(i32::MAX as i64, 999_999_999), (1_000_000_000, 0)],
        Model::Lp64 => vec![
            (i64::MAX, 999_999_999),
            (i64::MAX, 0),
            (i64::MAX - 1_800_000_000, 0),
            (i64::MAX / 1_000_000_000, 999_999_999),
            (1_000_000_000, 0),
        ],
    }
}

/// Not one of them is early.
fn huge(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    for pair in huge_specs(ctx.sys.model()) {
        let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(spec(pair)))?;
        ctx.sys.sleep(1_000_000 * MSEC);
        ctx.expect_asleep(&format!("port_get {pair:?}"), &waiter)?;
        port.send(1, 1)?;
        ctx.expect_done("port_get", &waiter)?;
        check::equal("event", waiter.join()??.user, 1)?;
    }
    Ok(())
}

/// The same through the structure in user memory.
fn huge_getn(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    for pair in huge_specs(ctx.sys.model()) {
        let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(4, 2, spec(pair)))?;
        ctx.sys.sleep(1_000_000 * MSEC);
        ctx.expect_asleep(&format!("port_getn {pair:?}"), &waiter)?;
        port.send_all(1..=2)?;
        ctx.expect_done("port_getn", &waiter)?;
        check::equal("events", waiter.join()?.users(), vec![1, 2])?;
    }
    Ok(())
}

/// A wall clock set forward ends no wait.
fn step_forward(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let before = ctx.sys.now();
    let waiter = ctx.spawn_asleep(move |sys| {
        (
            Port::at(sys, fd).get(Timeout::After(1000 * MSEC)),
            sys.now(),
        )
    })?;
    ctx.sys.step_wall_clock(3_600_000_000_000)?;
    ctx.expect_asleep("port_get after the clock was set", &waiter)?;
    let (got, at) = waiter.join()?;
    check::refused("port_get", got, Errno::ETIME)?;
    check::that("1 s has passed", at - before >= 1000 * MSEC)
}

/// A wall clock set back lengthens no wait.
fn step_back(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let before = ctx.sys.now();
    let waiter = ctx.spawn_asleep(move |sys| {
        (
            Port::at(sys, fd)
                .getn(4, 1, Timeout::After(1000 * MSEC))
                .result,
            sys.now(),
        )
    })?;
    ctx.sys.step_wall_clock(-3_600_000_000_000)?;
    let (got, at) = waiter.join()?;
    check::refused("port_getn", got, Errno::ETIME)?;
    check::within("time spent", at - before, 1000 * MSEC, 1001 * MSEC)
}

/// A wakeup without cause while 2^31 and more clock ticks are left: a kernel that counts them in an
/// int makes a time-out or a signal of that.
fn months_to_go(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    // At 100 ticks a second: a little over 2^31 of them, and exactly 2^32.
    for ms in [21_500_000_000, 42_949_672_960] {
        ctx.faults()?.inject(Fault::SpuriousWakeup(1));
        let waiter =
            ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::After(ms * MSEC)))?;
        check::equal("spurious wakeups", ctx.faults()?.clear(), 1)?;
        port.send(1, 5)?;
        ctx.expect_done("port_get", &waiter)?;
        check::equal("event", waiter.join()??.user, 5)?;
    }
    Ok(())
}

/// Waits are not rounded to clock ticks; none is shorter than 200 microseconds.
fn below_a_tick(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for ns in [1, 1000, 3_100_000, 9_999_999] {
        let before = ctx.sys.now();
        let batch = port.getn(4, 1, Timeout::After(ns));
        check::equal("port_getn", batch.result, Err(Errno::ETIME))?;
        check::within("time spent", ctx.sys.now() - before, ns, ns + MSEC / 4)?;
    }
    Ok(())
}

/// Waiters with different time-outs end one after the other.
fn own_timeouts(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let start = ctx.sys.now();
    let mut waiters = Vec::new();
    for ms in [40, 10, 30, 20] {
        let task = ctx.spawn_asleep(move |sys| {
            (Port::at(sys, fd).get(Timeout::After(ms * MSEC)), sys.now())
        })?;
        waiters.push((ms, task));
    }
    for (ms, task) in waiters {
        let (got, at) = task.join()?;
        check::refused("port_get", got, Errno::ETIME)?;
        check::that(format!("{ms} ms have passed"), at - start >= ms * MSEC)?;
    }
    Ok(())
}

/// The rest of the time is not written back.
fn not_written(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 1)?;
    let (bytes, len) = Timespec {
        sec: 0,
        nsec: 5_000_000,
    }
    .encode(ctx.sys.model());
    let buf = UserBuf::new(ctx.sys, len)?;
    buf.write(&bytes[..len]);
    let mut nget = 1;
    let got = port.getn_raw(list.addr(), 1, Some(&mut nget), buf.addr());
    check::refused("port_getn", got, Errno::ETIME)?;
    let mut after = [0; 16];
    buf.read_at(0, &mut after[..len]);
    check::equal("the structure", &after[..len], &bytes[..len])
}
