//! The kstat portfs:0:"Event Ports":ports (S15).

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    case("kstat.counts_ports", "S15", counts).needs(Caps::KSTAT),
    case("kstat.dup_and_fork_do_not_count", "S15 S82", dup_fork).needs(Caps::KSTAT),
    case("kstat.port_of_a_dead_process", "S15 S97", dead_process).needs(Caps::KSTAT),
    case(
        "kstat.last_close_by_another_process",
        "S15 S82",
        other_process,
    )
    .needs(Caps::KSTAT),
    case("kstat.refused_creation_does_not_count", "S15 S13", refused)
        .needs(Caps::KSTAT.union(Caps::RCTL)),
];

/// One more for each port, one less for each last close.
fn counts(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let a = ctx.port()?;
    check::equal("one port", ctx.sys.ports_kstat()?, before + 1)?;
    let b = ctx.port()?;
    check::equal("two ports", ctx.sys.ports_kstat()?, before + 2)?;
    a.close()?;
    check::equal("one port", ctx.sys.ports_kstat()?, before + 1)?;
    b.close()?;
    check::equal("no port", ctx.sys.ports_kstat()?, before)
}

/// Ports, not descriptors.
fn dup_fork(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let port = ctx.port()?;
    let copy = port.dup()?;
    let child = ctx.fork(move |ctx| Ok(i64::from(ctx.sys.ports_kstat()?)))?;
    check::equal(
        "while a child has it too",
        child.wait()?,
        i64::from(before) + 1,
    )?;
    port.close()?;
    check::equal("after the first close", ctx.sys.ports_kstat()?, before + 1)?;
    copy.close()?;
    check::equal("after the last close", ctx.sys.ports_kstat()?, before)
}

/// A process that exits leaves no ports behind.
fn dead_process(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let child = ctx.fork(move |ctx| {
        for user in 0..5 {
            // Not through the context: nobody closes these.
            Port::create(ctx.sys)?.send(1, user)?;
        }
        Ok(i64::from(ctx.sys.ports_kstat()?))
    })?;
    check::equal("in the child", child.wait()?, i64::from(before) + 5)?;
    check::equal("afterwards", ctx.sys.ports_kstat()?, before)
}

/// The creator's close is not the last one.
fn other_process(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork_asleep(move |ctx| {
        ctx.sys.sleep(10 * MSEC);
        Port::at(ctx.sys, fd).close()?;
        Ok(i64::from(ctx.sys.ports_kstat()?))
    })?;
    port.close()?;
    check::equal("while the child has it", ctx.sys.ports_kstat()?, before + 1)?;
    check::equal("after the child's close", child.wait()?, i64::from(before))
}

/// EAGAIN counts nothing.
fn refused(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    ctx.sys.set_rctl(crate::Rctl::ProjectMaxPortIds, 1)?;
    ctx.port()?;
    for _ in 0..3 {
        check::refused(
            "port_create",
            Port::create(ctx.sys).map(|p| p.fd()),
            Errno::EAGAIN,
        )?;
    }
    check::equal("kstat", ctx.sys.ports_kstat()?, before + 1)
}
