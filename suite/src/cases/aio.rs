//! Kernel asynchronous I/O that reports to a port (S88, S90): submission and delivery.

use super::prelude::*;
use crate::aio::{self, Notify, Request};
use crate::{PollFd, cancel, kaio, poll};

pub(super) const CASES: &[Case] = &[
    case("aio.event_carries_the_request", "S88", carries)
        .both()
        .needs(Caps::KAIO),
    case("aio.large_files_have_their_own_events", "S88", large)
        .ilp32()
        .needs(Caps::KAIO),
    case("aio.libc_asks_for_a_private_port", "S88 C23", private_port)
        .both()
        .needs(Caps::KAIO),
    case("aio.result_is_valid_when_retrieved", "S90", result_valid)
        .both()
        .needs(Caps::KAIO),
    case("aio.batch_has_every_result", "S90 S7", batch).needs(Caps::KAIO),
    case("aio.failed_transfer_is_an_event", "S88 S90", failed)
        .both()
        .needs(Caps::KAIO),
    case("aio.nothing_to_transfer_is_done_at_once", "S88", empty)
        .both()
        .needs(Caps::KAIO),
    case("aio.wakes_a_waiter", "S88 S73", wakes).needs(Caps::KAIO),
    case("aio.poll_sees_the_completion", "S17 S88", polled).needs(Caps::KAIO),
    case("aio.events_come_in_order_of_completion", "S88 S96", order).needs(Caps::KAIO),
    case("aio.slot_is_taken_at_submission", "S88 S95", slot)
        .both()
        .needs(Caps::KAIO.union(Caps::RCTL)),
    case("aio.refused_request_leaves_nothing", "S88 S95", refused)
        .both()
        .needs(Caps::KAIO.union(Caps::RCTL)),
    case("aio.bad_ports", "S88", bad_ports)
        .both()
        .needs(Caps::KAIO),
    case("aio.without_memory", "S88", no_memory).needs(Caps::KAIO.union(Caps::FAULTS)),
    case("aio.one_request_per_control_block", "S88", control_block)
        .both()
        .needs(Caps::KAIO),
    case("aio.pending_request_is_not_cancelled", "S88", cancelled)
        .both()
        .needs(Caps::KAIO),
    case("aio.bad_list_loses_no_result", "S90 D22", bad_list)
        .both()
        .needs(Caps::KAIO),
    case(
        "aio.bad_result_address_is_nobodys_business",
        "S90",
        bad_result,
    )
    .needs(Caps::KAIO),
];

/// Bytes of the devices in these cases.
pub(super) const SIZE: usize = 1 << 14;

/// A device whose transfers take a millisecond, and a process ready for requests.
#[track_caller]
pub(super) fn device(ctx: &Ctx<'_>) -> Result<i32, Failure> {
    slow_device(ctx, MSEC)
}

/// As [`device`], with transfers of `latency` nanoseconds.
#[track_caller]
pub(super) fn slow_device(ctx: &Ctx<'_>, latency: u64) -> Result<i32, Failure> {
    check::granted("AIOINIT", aio::init(ctx.sys))?;
    let fd = check::granted("raw device", ctx.sys.open_raw(SIZE, latency))?;
    ctx.keep(fd);
    Ok(fd)
}

/// A request for 512 bytes that tells `port` with cookie `user`.
#[track_caller]
pub(super) fn request<'s>(
    ctx: &Ctx<'s>,
    fd: i32,
    port: i32,
    user: usize,
) -> Result<Request<'s>, Failure> {
    let request = check::granted("control block", Request::new(ctx.sys, fd, 512))?;
    Ok(request.notify(Notify::Port(port, user)))
}

/// What the event of a request says.
pub(super) fn event_of(request: &Request<'_>, opcode: i32, user: u64) -> Event {
    Event::new(
        source::AIO,
        request.events(opcode),
        request.addr() as u64,
        user,
    )
}

/// Source AIO, the opcode, the control block and the cookie; and the bytes have moved.
fn carries(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let write = request(ctx, fd, port.fd(), 0x77)?;
    write.fill(&[0xc3; 512]);
    write.write()?;
    let event = port.get(Timeout::Never)?;
    check::equal("event", event, event_of(&write, kaio::AWRITE, 0x77))?;
    check::equal("result", write.result(), Some(Ok(512)))?;

    let read = request(ctx, fd, port.fd(), 0x78)?.at(256);
    read.read()?;
    let event = port.get(Timeout::Never)?;
    check::equal("event", event, event_of(&read, kaio::AREAD, 0x78))?;
    check::equal("result", read.result(), Some(Ok(512)))?;
    let (old, new) = (vec![0xc3; 256], vec![0; 256]);
    check::equal("bytes", read.data(), [old, new].concat())?;
    ctx.expect_queue(port, &[])
}

/// The events of `aio_read64` and `aio_write64` of a 32-bit program are the opcodes of these.
fn large(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let request = Request::large(ctx.sys, fd, 64)?.notify(Notify::Port(port.fd(), 5));
    for opcode in [kaio::AWRITE, kaio::AREAD] {
        request.submit(opcode)?;
        let event = port.get(Timeout::Never)?;
        check::equal("event", event, event_of(&request, opcode, 5))?;
        check::that("an opcode ending in 64", event.events >= kaio::AREAD64)?;
        check::equal("result", request.result(), Some(Ok(64)))?;
    }
    let far = Request::large(ctx.sys, fd, 64)?
        .at(1 << 40)
        .notify(Notify::Port(port.fd(), 6));
    far.read()?;
    check::equal("event", port.get(Timeout::Never)?.user, 6)?;
    check::equal("result", far.result(), Some(Err(Errno::ENXIO)))
}

/// SIGEV_THREAD: the descriptor of libc's port is in the place of the signal number. A spawner
/// that cannot start a thread puts the event back.
fn private_port(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let number = port.fd();
    let spawner = ctx.spawn_asleep(move |sys| {
        let port = Port::at(sys, number);
        let event = port.get(Timeout::Never)?;
        let (object, user) = (event.object as usize, event.user as usize);
        port.dispatch(0, i32::from(event.source), event.events, object, user)?;
        Ok::<_, Errno>((event, port.get(Timeout::Never)?))
    })?;
    let request = Request::new(ctx.sys, fd, 8)?.notify(Notify::Thread(port.fd(), 0x99));
    request.read()?;
    let events = spawner.join()?;
    let event = event_of(&request, kaio::AREAD, 0x99);
    check::equal("events", events, Ok((event, event)))?;
    ctx.expect_queue(port, &[])
}

/// It is in progress until the event is retrieved, however long the transfer is over.
fn result_valid(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let request = request(ctx, fd, port.fd(), 1)?;
    request.read()?;
    check::equal("result while pending", request.result(), None)?;
    ctx.sys.sleep(2 * MSEC);
    check::equal("queue length", port.queued(), Ok(1))?;
    check::equal("result before the event", request.result(), None)?;
    check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
    check::equal("result", request.result(), Some(Ok(512)))
}

/// One port_getn: all its events have results, the others have none yet.
fn batch(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let mut requests = Vec::new();
    for user in 0..40 {
        requests.push(request(ctx, fd, port.fd(), user)?);
    }
    for request in &requests {
        request.read()?;
    }
    ctx.sys.sleep(2 * MSEC);
    let taken = port.getn(33, 33, Timeout::Poll);
    check::equal("port_getn", taken.result, Ok(()))?;
    check::equal("cookies", taken.users(), (0..33).collect())?;
    for (user, request) in requests.iter().enumerate() {
        let expected = (user < 33).then_some(Ok(512));
        check::equal(format!("result {user}"), request.result(), expected)?;
    }
    ctx.expect_queue(port, &(33..40).collect::<Vec<_>>())
}

/// Behind the end: ENXIO; over the end: what there is.
fn failed(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let behind = request(ctx, fd, port.fd(), 1)?.at(SIZE as i64);
    let over = request(ctx, fd, port.fd(), 2)?.at(SIZE as i64 - 100);
    behind.read()?;
    over.read()?;
    ctx.sys.sleep(2 * MSEC);
    ctx.expect_queue(port, &[1, 2])?;
    check::equal("behind the end", behind.result(), Some(Err(Errno::ENXIO)))?;
    check::equal("over the end", over.result(), Some(Ok(100)))
}

/// No bytes: the event is there when the call returns.
fn empty(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let request = Request::new(ctx.sys, fd, 0)?.notify(Notify::Port(port.fd(), 3));
    request.write()?;
    let event = port.get(Timeout::Poll)?;
    check::equal("event", event, event_of(&request, kaio::AWRITE, 3))?;
    check::equal("result", request.result(), Some(Ok(0)))
}

/// The interrupt wakes a thread in port_get and one in port_getn.
fn wakes(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let number = port.fd();
    let get = ctx.spawn_asleep(move |sys| Port::at(sys, number).get(Timeout::Never))?;
    let one = request(ctx, fd, number, 1)?;
    one.read()?;
    ctx.expect_asleep("port_get", &get)?;
    ctx.sys.sleep(2 * MSEC);
    ctx.expect_done("port_get", &get)?;
    check::equal("event", get.join()?, Ok(event_of(&one, kaio::AREAD, 1)))?;
    check::equal("result", one.result(), Some(Ok(512)))?;

    let getn = ctx.spawn_asleep(move |sys| Port::at(sys, number).getn(8, 2, Timeout::Never))?;
    one.read()?;
    ctx.sys.sleep(2 * MSEC);
    ctx.expect_asleep("port_getn for 2", &getn)?;
    let two = request(ctx, fd, number, 2)?;
    two.read()?;
    ctx.sys.sleep(2 * MSEC);
    ctx.expect_done("port_getn for 2", &getn)?;
    check::equal("cookies", getn.join()?.users(), vec![1, 2])
}

/// A completion makes the port readable and wakes its poller.
fn polled(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let number = port.fd();
    let poller = ctx.spawn_asleep(move |sys| {
        let mut fds = [PollFd::new(number, poll::IN)];
        (sys.poll(&mut fds, None), fds[0].revents)
    })?;
    let request = request(ctx, fd, number, 1)?;
    request.read()?;
    ctx.expect_asleep("poll(2)", &poller)?;
    ctx.sys.sleep(2 * MSEC);
    ctx.expect_done("poll(2)", &poller)?;
    check::equal("poll(2)", poller.join()?, (Ok(1), poll::IN))?;
    ctx.expect_queue(port, &[1])
}

/// A fast device overtakes a slow one; events of other sources keep their place.
fn order(ctx: &Ctx<'_>) -> Verdict {
    let (slow, fast, port) = (slow_device(ctx, 5 * MSEC)?, device(ctx)?, ctx.port()?);
    let first = request(ctx, slow, port.fd(), 1)?;
    first.read()?;
    let second = request(ctx, fast, port.fd(), 2)?;
    second.read()?;
    port.send(1, 3)?;
    ctx.sys.sleep(3 * MSEC);
    port.send(1, 4)?;
    ctx.sys.sleep(3 * MSEC);
    port.send(1, 5)?;
    ctx.expect_queue(port, &[3, 2, 4, 1, 5])
}

/// At the limit EAGAIN, before anything is started; the slot is free again when the event was
/// retrieved.
fn slot(ctx: &Ctx<'_>) -> Verdict {
    let fd = device(ctx)?;
    let port = ctx.port_of(2)?;
    let requests = [
        request(ctx, fd, port.fd(), 1)?,
        request(ctx, fd, port.fd(), 2)?,
        request(ctx, fd, port.fd(), 3)?,
    ];
    requests[0].read()?;
    requests[1].read()?;
    check::refused("third request", requests[2].read(), Errno::EAGAIN)?;
    check::refused("port_send", port.send(1, 9), Errno::EAGAIN)?;
    ctx.sys.sleep(2 * MSEC);
    check::refused("still no slot", requests[2].read(), Errno::EAGAIN)?;
    check::equal("its result", requests[2].result(), None)?;
    check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
    requests[2].read()?;
    ctx.sys.sleep(2 * MSEC);
    ctx.expect_queue(port, &[2, 3])?;
    port.send_all(1..=2)?;
    ctx.expect_queue(port, &[1, 2])
}

/// The driver or the kernel refuses after the slot was taken: the slot, the descriptor and the
/// control block are as before.
fn refused(ctx: &Ctx<'_>) -> Verdict {
    let fd = device(ctx)?;
    let port = ctx.port_of(1)?;
    let to = Notify::Port(port.fd(), 1);
    let request = |len| Request::new(ctx.sys, fd, len).map(|r| r.notify(to));
    let huge = request(1 << 17)?;
    let bad = request(64)?.buffer(UserBuf::unmapped(ctx.sys, 64)?.addr(), 64);
    for _ in 0..3 {
        check::refused("too large a request", huge.read(), Errno::ENOTSUP)?;
        check::refused("bad buffer", bad.read(), Errno::EFAULT)?;
        if ctx.sys.model() == Model::Lp64 {
            let before = request(64)?.at(-1);
            check::refused("bad offset", before.read(), Errno::EINVAL)?;
        }
    }
    check::equal("queue length", port.queued(), Ok(0))?;
    port.send(1, 7)?;
    ctx.expect_queue(port, &[7])?;
    ctx.sys.close(fd)?;
    check::refused("closed device", huge.read(), Errno::EBADF)?;
    ctx.expect_queue(port, &[])
}

/// EINVAL for what is no port, EFAULT for a bad `port_notify_t`; nothing is left behind.
fn bad_ports(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    for bad in [-1, ctx.closed()?, ctx.null()?, i32::MAX] {
        let request = request(ctx, fd, bad, 1)?;
        check::refused(format!("port {bad}"), request.read(), Errno::EINVAL)?;
        let request = request.notify(Notify::Thread(bad, 1));
        check::refused(format!("port {bad}"), request.read(), Errno::EINVAL)?;
        let request = request.notify(Notify::Port(port.fd(), 1));
        request.read()?;
        check::equal("event", port.get(Timeout::Never)?.user, 1)?;
    }
    let nowhere = UserBuf::unmapped(ctx.sys, 16)?;
    let request = request(ctx, fd, port.fd(), 1)?.notify(Notify::At(nowhere.addr()));
    check::refused("bad port_notify_t", request.read(), Errno::EFAULT)?;
    ctx.sys.close(fd)?;
    ctx.expect_queue(port, &[])
}

/// Whichever allocation fails: EAGAIN, and the next attempt works.
fn no_memory(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let mut refusals = 0;
    for nth in 1..=4 {
        let request = request(ctx, fd, port.fd(), nth)?;
        ctx.faults()?.inject(crate::Fault::NoSleep(nth as u64));
        let submitted = request.read();
        if ctx.faults()?.clear() == 0 {
            check::equal("request", submitted, Ok(()))?;
        } else {
            refusals += 1;
            check::refused("request", submitted, Errno::EAGAIN)?;
            request.read()?;
        }
        check::equal("event", port.get(Timeout::Never)?.user, nth as u64)?;
    }
    check::that("an allocation has failed", refusals > 0)?;
    ctx.expect_queue(port, &[])
}

/// EBUSY until its event was retrieved; the refusal costs no slot and disturbs nothing.
fn control_block(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let request = request(ctx, fd, port.fd(), 1)?;
    request.read()?;
    check::refused("pending request", request.read(), Errno::EBUSY)?;
    ctx.sys.sleep(2 * MSEC);
    check::refused("completed request", request.read(), Errno::EBUSY)?;
    ctx.expect_queue(port, &[1])?;
    request.write()?;
    check::equal("event", port.get(Timeout::Never)?.user, 1)
}

/// AIOCANCEL says so, and the event comes.
fn cancelled(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let request = request(ctx, fd, port.fd(), 1)?;
    request.read()?;
    check::equal("pending", request.cancel(), Ok(cancel::NOTCANCELED))?;
    check::refused(
        "aio_error while pending",
        request.error(),
        Errno::EINPROGRESS,
    )?;
    ctx.sys.sleep(2 * MSEC);
    check::equal("completed", request.cancel(), Ok(cancel::ALLDONE))?;
    check::refused(
        "aio_error before the event",
        request.error(),
        Errno::EINPROGRESS,
    )?;
    ctx.expect_queue(port, &[1])?;
    check::equal("retrieved", request.cancel(), Ok(cancel::ALLDONE))?;
    check::refused("aio_error after the event", request.error(), Errno::EINVAL)
}

/// EFAULT: the event stays, and its result is there when it is retrieved.
fn bad_list(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let request = request(ctx, fd, port.fd(), 1)?;
    request.read()?;
    ctx.sys.sleep(2 * MSEC);
    let nowhere = UserBuf::unmapped(ctx.sys, 24)?;
    let got = port.get_at(nowhere.addr(), Timeout::Poll);
    check::refused("port_get", got, Errno::EFAULT)?;
    let mut nget = 1;
    let got = port.getn_at(nowhere.addr(), 4, Some(&mut nget), Timeout::Poll);
    check::refused("port_getn", got, Errno::EFAULT)?;
    ctx.expect_queue(port, &[1])?;
    check::equal("result", request.result(), Some(Ok(512)))
}

/// The control block is gone when the event is retrieved: the event comes all the same.
fn bad_result(ctx: &Ctx<'_>) -> Verdict {
    let (fd, port) = (device(ctx)?, ctx.port()?);
    let request = request(ctx, fd, port.fd(), 1)?;
    request.read()?;
    let addr = request.addr() as u64;
    drop(request);
    let event = port.get(Timeout::Never)?;
    check::equal(
        "event",
        event,
        Event::new(source::AIO, kaio::AREAD, addr, 1),
    )?;
    ctx.expect_queue(port, &[])
}
