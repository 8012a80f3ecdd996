//! A process leaves a port while another thread of it makes a request that reports there.
//!
//! The close has to wait for the request, whatever becomes of it: its event would outlive the port.

use super::aio::device;
use super::prelude::*;
use crate::UserBuf;
use crate::aio::{Notify, Request};

pub(super) const CASES: &[Case] = &[
    case(
        "aio.d13_leave_before_a_request_knows_its_event",
        "S88 D13",
        before_the_event,
    )
    .needs(Caps::KAIO.union(Caps::VIRTUAL_CLOCK)),
    case(
        "aio.d13_leave_before_a_request_is_refused",
        "S88 D13",
        before_a_refusal,
    )
    .needs(Caps::KAIO.union(Caps::VIRTUAL_CLOCK)),
];

/// A buffer of this size that is not mapped.
const LEN: usize = 512;

/// The request has a slot of the port and does not say so yet.
fn before_the_event(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let number = port.fd();
    let child = ctx.fork(move |ctx| {
        let fd = device(ctx)?;
        let late = ctx.spawn(move |sys| -> Result<Result<(), Errno>, Errno> {
            let late = Request::new(sys, fd, LEN)?.notify(Notify::Port(number, 1));
            Ok(late.read())
        })?;
        ctx.settle();
        ctx.sys.close(number)?;
        check::equal("aio_read", late.join()?, Ok(Ok(())))?;
        ctx.sys.sleep(10 * MSEC);
        Ok(0)
    })?;
    ctx.sys.sleep(5 * MSEC);
    check::equal("queue length", port.queued(), Ok(0))?;
    port.close()?;
    child.wait()?;
    Ok(())
}

/// The kernel finds out that the buffer is not there when the close waits already.
fn before_a_refusal(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let number = port.fd();
    let child = ctx.fork(move |ctx| {
        let fd = device(ctx)?;
        let bad = ctx.spawn(move |sys| -> Result<Result<(), Errno>, Errno> {
            let nowhere = UserBuf::unmapped(sys, LEN)?.addr();
            let bad = Request::new(sys, fd, 64)?.notify(Notify::Port(number, 1));
            Ok(bad.buffer(nowhere, LEN).read())
        })?;
        ctx.settle();
        // Past the first wait, into that for the pages.
        ctx.sys.sleep(2);
        ctx.sys.close(number)?;
        check::equal("aio_read", bad.join()?, Ok(Err(Errno::EFAULT)))?;
        Ok(0)
    })?;
    check::equal("the child's exit", child.wait()?, 0)?;
    port.close()?;
    Ok(())
}
