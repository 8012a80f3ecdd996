//! `port_sendn` around and beyond 8192 entries: the kernel's limit and libc's way around it.

use super::prelude::*;
use crate::PORT_MAX_LIST;

pub(super) const CASES: &[Case] = &[
    case("sendn.largest_list_of_one_call", "S5 S52", largest).both(),
    case("sendn.kernel_refuses_longer_lists", "S52", kernel_limit).both(),
    case("sendn.huge_count_gives_einval", "S52", huge).both(),
    case("sendn.libc_splits_long_lists", "S5", split),
    case(
        "sendn.libc_keeps_the_index_of_errors",
        "S5 S52",
        split_errors,
    ),
    case("sendn.libc_first_chunk_fails", "S5", first_chunk),
    case("sendn.libc_later_chunk_fails", "S5", later_chunk),
    case(
        "sendn.libc_all_of_first_chunk_bad",
        "S5 S52",
        first_chunk_all_bad,
    ),
];

const MAX: usize = PORT_MAX_LIST as usize;

/// Takes everything out of the port and answers how many events there were.
fn take_all(port: Port<'_>) -> Result<usize, Failure> {
    let list = EventList::new(port.sys(), MAX)?;
    let mut taken = 0;
    loop {
        let batch = port.getn_list(&list, PORT_MAX_LIST, 1, Timeout::Poll);
        batch.result?;
        if batch.nget == 0 {
            return Ok(taken);
        }
        taken += batch.nget as usize;
    }
}

/// 8192 entries are one system call.
fn largest(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = UserBuf::new(ctx.sys, MAX * 4)?;
    list.write_ints(&vec![port.fd(); MAX]);
    let rvals = ctx
        .sys
        .portfs(op::SENDN | op::NOPORT, [list.addr(), 0, MAX, 1, 1]);
    check::equal("return values", rvals, Ok(MAX as i64))?;
    check::equal("events", take_all(port)?, MAX)
}

/// 8193 entries are EINVAL from the kernel, and nothing is sent.
fn kernel_limit(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = UserBuf::new(ctx.sys, (MAX + 1) * 4)?;
    list.write_ints(&vec![port.fd(); MAX + 1]);
    let rvals = ctx
        .sys
        .portfs(op::SENDN | op::NOPORT, [list.addr(), 0, MAX + 1, 1, 1]);
    check::refused("port_sendn", rvals, Errno::EINVAL)?;
    ctx.expect_queue(port, &[])
}

/// Counts near the ends of their type.
fn huge(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = UserBuf::new(ctx.sys, 4)?;
    list.write_ints(&[port.fd()]);
    for count in [0x8000_0000, 0xffff_ffff, 0x4000_0001] {
        let rvals = ctx
            .sys
            .portfs(op::SENDN | op::NOPORT, [list.addr(), 0, count, 1, 1]);
        check::refused(
            format!("port_sendn of {count:#x} entries"),
            rvals,
            Errno::EINVAL,
        )?;
    }
    ctx.expect_queue(port, &[])
}

/// Two chunks and one entry.
fn split(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for count in [MAX + 1, 2 * MAX, 2 * MAX + 1] {
        let sent = Port::sendn(ctx.sys, &vec![port.fd(); count], 1, 1)?;
        check::equal("return value", sent.result, Ok(count as u32))?;
        check::equal("events", take_all(port)?, count)?;
    }
    Ok(())
}

/// A bad entry of the second chunk is reported at its own place; the first chunk, which has none,
/// leaves its part of `errors[]` alone.
fn split_errors(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let mut fds = vec![port.fd(); MAX + 10];
    fds[MAX + 3] = -1;
    let sent = Port::sendn(ctx.sys, &fds, 1, 1)?;
    check::equal("return value", sent.result, Ok(MAX as u32 + 9))?;
    check::that("errors[] of the first chunk are untouched", {
        sent.errors[..MAX].iter().all(Option::is_none)
    })?;
    let mut expected = [Some(0); 10];
    expected[3] = Some(Errno::EBADF.0);
    check::equal(
        "errors[] of the second chunk",
        &sent.errors[MAX..],
        &expected[..],
    )?;
    check::equal("events", take_all(port)?, MAX + 9)
}

/// A list that cannot be read at all: -1.
fn first_chunk(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = UserBuf::cut(ctx.sys, (MAX + 10) * 4, 64)?;
    list.write_ints(&[port.fd(); 16]);
    let sent = Port::sendn_at(ctx.sys, list.addr(), 0, MAX as u32 + 10, 1, 1);
    check::refused("port_sendn", sent, Errno::EFAULT)?;
    ctx.expect_queue(port, &[])
}

/// A list whose second chunk cannot be read: the count so far.
fn later_chunk(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = UserBuf::cut(ctx.sys, (2 * MAX) * 4, (MAX + 100) * 4)?;
    list.write_ints(&vec![port.fd(); MAX + 100]);
    let sent = Port::sendn_at(ctx.sys, list.addr(), 0, 2 * MAX as u32, 1, 1);
    check::equal("return value", sent, Ok(MAX as u32))?;
    check::equal("events", take_all(port)?, MAX)
}

/// A first chunk of bad entries is no failure; the second one is sent.
fn first_chunk_all_bad(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let mut fds = vec![-1; MAX];
    fds.extend([port.fd(); 2]);
    let sent = Port::sendn(ctx.sys, &fds, 1, 1)?;
    check::equal("return value", sent.result, Ok(2))?;
    check::that("errors[] of the first chunk are EBADF", {
        sent.errors[..MAX]
            .iter()
            .all(|e| *e == Some(Errno::EBADF.0))
    })?;
    check::equal(
        "errors[] of the second chunk",
        &sent.errors[MAX..],
        &[None, None][..],
    )?;
    ctx.expect_queue(port, &[1, 1])
}
