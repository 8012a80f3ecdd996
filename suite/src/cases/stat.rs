//! fstat(2) and the calls that a port cannot answer (S16).

use super::prelude::*;
use crate::{FileOp, Process, S_IFMT, S_IFPORT};

pub(super) const CASES: &[Case] = &[
    case("stat.type_and_mode", "S16 S92", mode).both(),
    case("stat.owner_is_the_creator", "S16", owner),
    case("stat.times_are_those_of_creation", "S16", times),
    case("stat.size_is_the_queue_length", "S16 D15", size).both(),
    case("stat.size_in_alert_mode", "S16", size_alert),
    case("stat.read_and_write_fail", "S16", read_write),
    case("stat.other_file_calls_fail", "S16", other_calls),
    case("stat.statvfs_and_syncfs_give_enosys", "S16", statvfs),
    case("stat.failed_calls_leave_the_queue", "S16", leave_queue),
];

/// S_IFPORT and no permission bits.
fn mode(ctx: &Ctx<'_>) -> Verdict {
    let stat = ctx.sys.fstat(ctx.port()?.fd())?;
    check::equal("file type", stat.mode & S_IFMT, S_IFPORT)?;
    check::equal("mode", stat.mode & !S_IFMT, 0)
}

/// Effective ids of the process that created it.
fn owner(ctx: &Ctx<'_>) -> Verdict {
    let process = Process::of(ctx.sys);
    let stat = ctx.sys.fstat(ctx.port()?.fd())?;
    check::equal(
        "uid and gid",
        (stat.uid, stat.gid),
        (process.uid, process.gid),
    )
}

/// Use does not change them.
fn times(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.wall();
    let port = ctx.port()?;
    let after = ctx.sys.wall();
    let stat = ctx.sys.fstat(port.fd())?;
    check::within("st_ctime", stat.ctime, before, after)?;
    check::equal("st_atime", stat.atime, stat.ctime)?;
    check::equal("st_mtime", stat.mtime, stat.ctime)?;
    ctx.sys.sleep(50 * MSEC);
    port.send(1, 1)?;
    port.get(Timeout::Poll)?;
    check::equal("attributes later", ctx.sys.fstat(port.fd())?, stat)
}

/// One more for each event, one less for each event taken.
fn size(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for size in 0..5 {
        check::equal("st_size", ctx.sys.fstat(port.fd())?.size, size)?;
        port.send(1, 1)?;
    }
    port.getn(3, 3, Timeout::Poll).result?;
    check::equal("st_size", ctx.sys.fstat(port.fd())?.size, 2)
}

/// An alert is no queued event.
fn size_alert(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.alert(1, 1, 1)?;
    check::equal("st_size", ctx.sys.fstat(port.fd())?.size, 0)?;
    port.send(1, 1)?;
    check::equal("st_size", ctx.sys.fstat(port.fd())?.size, 1)
}

/// EBADF: the descriptor is open for neither.
fn read_write(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for op in [FileOp::Read, FileOp::Write] {
        check::refused(
            format!("{op:?}"),
            ctx.sys.file_op(port.fd(), op),
            Errno::EBADF,
        )?;
    }
    Ok(())
}

/// ioctl, lseek and record locks are refused, with whatever error.
fn other_calls(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for op in [FileOp::Ioctl, FileOp::Lseek, FileOp::Lock] {
        let found = ctx.sys.file_op(port.fd(), op);
        check::that(format!("{op:?} fails, found {found:?}"), found.is_err())?;
    }
    Ok(())
}

/// The port's file system cannot be asked.
fn statvfs(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for op in [FileOp::Fstatvfs, FileOp::Syncfs] {
        check::refused(
            format!("{op:?}"),
            ctx.sys.file_op(port.fd(), op),
            Errno::ENOSYS,
        )?;
    }
    Ok(())
}

/// None of them costs an event.
fn leave_queue(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    for op in [
        FileOp::Read,
        FileOp::Write,
        FileOp::Ioctl,
        FileOp::Lseek,
        FileOp::Lock,
        FileOp::Fstatvfs,
        FileOp::Syncfs,
    ] {
        check::that(
            format!("{op:?} fails"),
            ctx.sys.file_op(port.fd(), op).is_err(),
        )?;
    }
    ctx.expect_queue(port, &[1, 2, 3])
}
