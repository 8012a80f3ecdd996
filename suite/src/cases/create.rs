//! `port_create`.

use super::prelude::*;
use crate::{FD_CLOEXEC, Fault, FileOp};

pub(super) const CASES: &[Case] = &[
    case("create.takes_lowest_descriptor", "S1", lowest_descriptor).both(),
    case("create.clears_close_on_exec", "S1", close_on_exec).both(),
    case("create.neither_readable_nor_writable", "S1 S16", open_mode).both(),
    case("create.ignores_other_arguments", "S1", other_arguments).both(),
    case("create.second_return_value_is_zero", "S1", return_values).both(),
    case("create.starts_empty", "S1 S16 S62", starts_empty).both(),
    case("create.ports_are_independent", "S1 S51", independent),
    case("create.many_then_close_all", "S1 S15 S82", many).needs(Caps::KSTAT),
    case("create.no_descriptor_gives_emfile", "S13", emfile).needs(Caps::FAULTS),
    case(
        "create.emfile_undoes_the_counts",
        "S13 S15 D24",
        emfile_counts,
    )
    .needs(Caps::FAULTS.union(Caps::KSTAT).union(Caps::RCTL)),
    case("create.from_many_threads", "S1 S15", threads).needs(Caps::KSTAT),
];

/// The descriptor is the lowest free number.
fn lowest_descriptor(ctx: &Ctx<'_>) -> Verdict {
    let fds = [ctx.null()?, ctx.null()?, ctx.null()?];
    ctx.sys.close(fds[1])?;
    let first = ctx.port()?;
    check::equal("first descriptor", first.fd(), fds[1])?;
    let second = ctx.port()?;
    check::equal("second descriptor", second.fd(), fds[2] + 1)
}

/// `FD_CLOEXEC` is clear.
fn close_on_exec(ctx: &Ctx<'_>) -> Verdict {
    let flags = ctx.sys.descriptor_flags(ctx.port()?.fd())?;
    check::equal("FD_CLOEXEC", flags & FD_CLOEXEC, 0)
}

/// The open file has neither `FREAD` nor `FWRITE`.
fn open_mode(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let read = ctx.sys.file_op(port.fd(), FileOp::Read);
    check::refused("read(2)", read, Errno::EBADF)?;
    let write = ctx.sys.file_op(port.fd(), FileOp::Write);
    check::refused("write(2)", write, Errno::EBADF)
}

/// The version argument and the rest are not looked at.
fn other_arguments(ctx: &Ctx<'_>) -> Verdict {
    let args = [usize::MAX, 1, usize::MAX - 7, 42, usize::MAX];
    let fd = ctx.sys.portfs(op::CREATE | op::NOPORT, args)? as i32;
    ctx.keep(fd);
    let port = Port::at(ctx.sys, fd);
    port.send(1, 2)?;
    check::equal(
        "event",
        port.get(Timeout::Poll),
        Ok(Event::new(source::USER, 1, 0, 2)),
    )
}

/// `rval2` of the call is 0.
fn return_values(ctx: &Ctx<'_>) -> Verdict {
    let rvals = ctx.sys.portfs(op::CREATE | op::NOPORT, [0; 5])?;
    ctx.keep(rvals as i32);
    check::equal("rval2", rvals >> 32, 0)?;
    check::that("the descriptor is not negative", rvals >= 0)
}

/// A new port holds nothing and is in no alert mode.
fn starts_empty(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    check::equal("queue length", port.queued(), Ok(0))?;
    check::equal("st_size", ctx.sys.fstat(port.fd())?.size, 0)?;
    let batch = port.getn(4, 1, Timeout::Poll);
    check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 0))
}

/// An event sent to one port is not seen by another.
fn independent(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    a.send(1, 10)?;
    check::equal("queue of the other port", b.queued(), Ok(0))?;
    b.send(1, 20)?;
    ctx.expect_queue(a, &[10])?;
    ctx.expect_queue(b, &[20])
}

/// Hundreds of ports, closed in random order, leave nothing behind.
fn many(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let mut ports = Vec::new();
    for _ in 0..200 {
        ports.push(ctx.port()?);
    }
    check::equal("kstat with 200 ports", ctx.sys.ports_kstat()?, before + 200)?;
    ctx.rng().shuffle(&mut ports);
    for port in &ports {
        port.send(1, 1)?;
        port.close()?;
    }
    check::equal("kstat after closing them", ctx.sys.ports_kstat()?, before)
}

/// No descriptor left: EMFILE.
fn emfile(ctx: &Ctx<'_>) -> Verdict {
    ctx.faults()?.inject(Fault::Falloc(1));
    check::refused(
        "port_create",
        Port::create(ctx.sys).map(|p| p.fd()),
        Errno::EMFILE,
    )?;
    check::equal("failures that happened", ctx.faults()?.clear(), 1)?;
    ctx.expect_queue(ctx.port()?, &[])
}

/// A refused creation counts neither in the kstat nor against the limit of the project.
fn emfile_counts(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    ctx.sys.set_rctl(crate::Rctl::ProjectMaxPortIds, 1)?;
    for _ in 0..3 {
        ctx.faults()?.inject(Fault::Falloc(1));
        check::refused(
            "port_create",
            Port::create(ctx.sys).map(|p| p.fd()),
            Errno::EMFILE,
        )?;
        ctx.faults()?.clear();
    }
    check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
    let port = ctx.port()?;
    check::equal("kstat with a port", ctx.sys.ports_kstat()?, before + 1)?;
    ctx.expect_queue(port, &[])
}

/// Threads that create, use and close ports at the same time do not disturb each other.
fn threads(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let mut tasks = Vec::new();
    for thread in 0..4_usize {
        tasks.push(ctx.spawn(move |sys| -> Result<(), Errno> {
            for round in 0..50 {
                let port = Port::create(sys)?;
                port.send(1, thread * 1000 + round)?;
                let event = port.get(Timeout::Poll)?;
                port.close()?;
                if event.user != (thread * 1000 + round) as u64 {
                    return Err(Errno::EIO);
                }
            }
            Ok(())
        })?);
    }
    for task in tasks {
        check::equal("thread", task.join()?, Ok(()))?;
    }
    check::equal("kstat", ctx.sys.ports_kstat()?, before)
}
