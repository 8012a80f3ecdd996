//! Bad and odd addresses for `port_sendn`: EFAULT, and what was sent or not (S52).

use super::prelude::*;
use crate::Fault;

pub(super) const CASES: &[Case] = &[
    case("user_ptr.sendn_ports_null", "S52", ports_null).both(),
    case("user_ptr.sendn_ports_unmapped", "S52", ports_unmapped).both(),
    case("user_ptr.sendn_ports_half_mapped", "S52", ports_half).both(),
    case("user_ptr.sendn_ports_read_only", "S52", ports_read_only).both(),
    case("user_ptr.sendn_ports_misaligned", "S52", ports_misaligned).both(),
    case("user_ptr.sendn_errors_null", "S52", errors_null).both(),
    case("user_ptr.sendn_errors_unmapped", "S52", errors_unmapped).both(),
    case("user_ptr.sendn_errors_half_mapped", "S52", errors_half).both(),
    case("user_ptr.sendn_errors_read_only", "S52", errors_read_only).both(),
    case("user_ptr.sendn_errors_misaligned", "S52", errors_misaligned).both(),
    case(
        "user_ptr.sendn_same_memory_for_both_lists",
        "S52",
        same_memory,
    )
    .both(),
    case("user_ptr.sendn_copy_fails_at_a_byte", "S52", at_a_byte)
        .both()
        .needs(Caps::FAULTS),
];

/// Bytes of so many ints.
fn ints(count: usize) -> usize {
    count * 4
}

/// A list of ports that cannot be read: EFAULT, and nobody gets an event.
#[track_caller]
fn ports_fault(ctx: &Ctx<'_>, port: Port<'_>, addr: usize, count: u32) -> Verdict {
    let errors = UserBuf::new(ctx.sys, ints(count as usize))?;
    errors.write_ints(&vec![7; count as usize]);
    let sent = Port::sendn_at(ctx.sys, addr, errors.addr(), count, 1, 1);
    check::refused("port_sendn", sent, Errno::EFAULT)?;
    check::equal(
        "errors[]",
        errors.read_ints(count as usize),
        vec![7; count as usize],
    )?;
    ctx.expect_queue(port, &[])
}

fn ports_null(ctx: &Ctx<'_>) -> Verdict {
    ports_fault(ctx, ctx.port()?, 0, 2)
}

fn ports_unmapped(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = UserBuf::unmapped(ctx.sys, ints(4))?;
    ports_fault(ctx, port, list.addr(), 4)?;
    let hidden = UserBuf::no_access(ctx.sys, ints(4))?;
    ports_fault(ctx, port, hidden.addr(), 4)
}

/// Three good entries and a missing fourth: none is served.
fn ports_half(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for good in [1, ints(1), ints(3), ints(4) - 1] {
        let list = UserBuf::cut(ctx.sys, ints(4), good)?;
        list.write_ints(&vec![port.fd(); good / 4]);
        ports_fault(ctx, port, list.addr(), 4)?;
    }
    Ok(())
}

/// The list is only read.
fn ports_read_only(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd().to_ne_bytes();
    let list = UserBuf::read_only(ctx.sys, ints(2), &[fd, fd].concat())?;
    check::equal(
        "port_sendn",
        Port::sendn_at(ctx.sys, list.addr(), 0, 2, 1, 5),
        Ok(2),
    )?;
    ctx.expect_queue(port, &[5, 5])
}

/// Any alignment will do.
fn ports_misaligned(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for by in [1, 2, 3] {
        let list = UserBuf::misaligned(ctx.sys, ints(3), by)?;
        list.write_ints(&[port.fd(); 3]);
        check::equal(
            "port_sendn",
            Port::sendn_at(ctx.sys, list.addr(), 0, 3, 1, 5),
            Ok(3),
        )?;
        ctx.expect_queue(port, &[5, 5, 5])?;
    }
    Ok(())
}

/// A good and a bad entry with an `errors[]` that cannot be written: EFAULT, and the good entry was
/// served.
#[track_caller]
fn errors_fault(ctx: &Ctx<'_>, addr: usize) -> Verdict {
    let port = ctx.port()?;
    let list = UserBuf::new(ctx.sys, ints(4))?;
    list.write_ints(&[port.fd(), -1, port.fd(), -1]);
    let sent = Port::sendn_at(ctx.sys, list.addr(), addr, 4, 1, 5);
    check::refused("port_sendn", sent, Errno::EFAULT)?;
    ctx.expect_queue(port, &[5, 5])
}

fn errors_null(ctx: &Ctx<'_>) -> Verdict {
    errors_fault(ctx, 0)
}

fn errors_unmapped(ctx: &Ctx<'_>) -> Verdict {
    let errors = UserBuf::unmapped(ctx.sys, ints(4))?;
    errors_fault(ctx, errors.addr())
}

fn errors_half(ctx: &Ctx<'_>) -> Verdict {
    for good in [1, ints(1), ints(4) - 1] {
        let errors = UserBuf::cut(ctx.sys, ints(4), good)?;
        errors_fault(ctx, errors.addr())?;
    }
    Ok(())
}

fn errors_read_only(ctx: &Ctx<'_>) -> Verdict {
    let errors = UserBuf::read_only(ctx.sys, ints(4), &[9; 16])?;
    errors_fault(ctx, errors.addr())?;
    let mut bytes = [0; 16];
    errors.read_at(0, &mut bytes);
    check::equal("read-only memory", bytes, [9; 16])
}

/// Any alignment will do.
fn errors_misaligned(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = UserBuf::new(ctx.sys, ints(2))?;
    list.write_ints(&[port.fd(), -1]);
    for by in [1, 2, 3] {
        let errors = UserBuf::misaligned(ctx.sys, ints(2), by)?;
        let sent = Port::sendn_at(ctx.sys, list.addr(), errors.addr(), 2, 1, 5);
        check::equal("port_sendn", sent, Ok(1))?;
        check::equal("errors[]", errors.read_ints(2), vec![0, Errno::EBADF.0])?;
        ctx.expect_queue(port, &[5])?;
    }
    Ok(())
}

/// `errors[]` may be the list of ports itself: it was copied in first.
fn same_memory(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = UserBuf::new(ctx.sys, ints(3))?;
    list.write_ints(&[port.fd(), -1, port.fd()]);
    let sent = Port::sendn_at(ctx.sys, list.addr(), list.addr(), 3, 1, 5);
    check::equal("port_sendn", sent, Ok(2))?;
    check::equal("errors[]", list.read_ints(3), vec![0, Errno::EBADF.0, 0])?;
    ctx.expect_queue(port, &[5, 5])
}

/// Copies that stop in the middle, in and out.
fn at_a_byte(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fds = [port.fd(), -1, port.fd()];
    for at in 0..12 {
        ctx.faults()?.inject(Fault::CopyinAt(at));
        let sent = Port::sendn(ctx.sys, &fds, 1, 5)?;
        check::equal("failures that happened", ctx.faults()?.clear(), 1)?;
        check::equal("port_sendn", sent.result, Err(Errno::EFAULT))?;
        ctx.expect_queue(port, &[])?;
        ctx.faults()?.inject(Fault::CopyoutAt(at));
        let sent = Port::sendn(ctx.sys, &fds, 1, 5)?;
        check::equal("failures that happened", ctx.faults()?.clear(), 1)?;
        check::equal("port_sendn", sent.result, Err(Errno::EFAULT))?;
        ctx.expect_queue(port, &[5, 5])?;
    }
    Ok(())
}
