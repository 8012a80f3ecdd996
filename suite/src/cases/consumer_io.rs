//! What the replayed programs do with their descriptors.

use super::prelude::*;
use crate::Batch;

/// What a thread of a replay answers: a number, or the call that went wrong.
pub(super) type Told = Result<u64, Errno>;

/// Reads what is there now, without waiting: how many bytes, and was it the end of the stream? The
/// descriptor must be in `O_NONBLOCK` mode.
pub(super) fn drain(sys: &dyn System, fd: i32) -> Result<(usize, bool), Errno> {
    let mut bytes = [0; 64];
    let mut total = 0;
    loop {
        match sys.read(fd, &mut bytes) {
            Ok(0) => return Ok((total, true)),
            Ok(count) => total += count,
            Err(Errno::EAGAIN) => return Ok((total, false)),
            Err(Errno::EINTR) => {}
            Err(other) => return Err(other),
        }
    }
}

/// Waits for one byte.
pub(super) fn read_byte(sys: &dyn System, fd: i32) -> Result<u8, Errno> {
    let mut byte = [0];
    match sys.read(fd, &mut byte)? {
        1 => Ok(byte[0]),
        _ => Err(Errno::EIO),
    }
}

/// A pipe that is read without waiting.
#[track_caller]
pub(super) fn pipe(ctx: &Ctx<'_>) -> Result<(i32, i32), Failure> {
    let (reader, writer) = ctx.pipe()?;
    check::granted("O_NONBLOCK", ctx.sys.set_nonblocking(reader, true))?;
    Ok((reader, writer))
}

/// A pipe with one byte in it.
#[track_caller]
pub(super) fn ready_pipe(ctx: &Ctx<'_>) -> Result<(i32, i32), Failure> {
    let (reader, writer) = pipe(ctx)?;
    check::granted("write", ctx.sys.write(writer, b"."))?;
    Ok((reader, writer))
}

/// `port_getn` succeeded with exactly these events.
#[track_caller]
pub(super) fn expect(what: &str, batch: Batch, events: &[Event]) -> Verdict {
    check::equal(
        what,
        (batch.result, &batch.events[..], batch.nget as usize),
        (Ok(()), events, events.len()),
    )
}

/// A look at the port finds nothing, and says so with success.
#[track_caller]
pub(super) fn expect_quiet(what: &str, port: Port<'_>) -> Verdict {
    expect(what, port.getn(64, 1, Timeout::Poll), &[])
}

/// The objects of the events, in order.
pub(super) fn objects(batch: &Batch) -> Vec<i32> {
    batch.events.iter().map(|e| e.object as i32).collect()
}
