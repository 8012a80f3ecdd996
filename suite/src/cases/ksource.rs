//! Kernel event sources: life of an event structure, slots (S84, S85).

use alloc::sync::Arc;

use super::prelude::*;
use crate::{Allocation, Answer, CallbackReason, Delivery, KernelEvent, PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case("ksource.delivers_the_event", "S83 S96", delivers)
        .both()
        .needs(Caps::KSOURCE),
    case("ksource.holds_a_slot_from_the_start", "S28 S84 S95", slot)
        .needs(Caps::KSOURCE.union(Caps::RCTL)),
    case("ksource.cached_event_is_sent_again", "S84", cached).needs(Caps::KSOURCE),
    case("ksource.queued_event_is_not_queued_twice", "S84", once).needs(Caps::KSOURCE),
    case(
        "ksource.cancelled_event_is_not_delivered",
        "S85 D15",
        cancelled,
    )
    .needs(Caps::KSOURCE),
    case(
        "ksource.cancelled_event_frees_its_slot",
        "S85 S95",
        cancelled_slot,
    )
    .needs(Caps::KSOURCE.union(Caps::RCTL)),
    case("ksource.removed_event_is_not_delivered", "S21 S29", removed).needs(Caps::KSOURCE),
    case("ksource.sent_from_an_interrupt", "S51 S57", interrupt).needs(Caps::KSOURCE),
    case("ksource.bad_descriptors", "S11", bad_descriptors).needs(Caps::KSOURCE),
];

/// The source number these cases play.
pub(super) const SOURCE: i32 = source::TIMER;

/// Queues an event whose deliveries ask `answer`; other reasons are accepted.
pub(super) fn queue_with(
    ctx: &Ctx<'_>,
    port: Port<'_>,
    user: usize,
    answer: impl Fn(&dyn System, Delivery) -> Answer + Send + Sync + 'static,
) -> Result<KernelEvent, Failure> {
    queue_from(ctx, port, SOURCE, user, answer)
}

/// The same for a source of the caller's choice: timers are for their process
/// only, message queues are not.
pub(super) fn queue_from(
    ctx: &Ctx<'_>,
    port: Port<'_>,
    source: i32,
    user: usize,
    answer: impl Fn(&dyn System, Delivery) -> Answer + Send + Sync + 'static,
) -> Result<KernelEvent, Failure> {
    let ksource = ctx.ksource()?;
    let event = ksource.allocate(port.fd(), Allocation::Default, source)?;
    let callback = move |sys: &dyn System, delivery: Delivery| match delivery.reason {
        CallbackReason::Deliver => answer(sys, delivery),
        _ => Answer::Deliver(delivery.events),
    };
    ksource.init(event, 0, user, 1, false, Some(Arc::new(callback)));
    ksource.send(event);
    Ok(event)
}

/// Queues an event for the calling process only, whose delivery takes `ns`.
pub(super) fn send_slow(ctx: &Ctx<'_>, port: Port<'_>, ns: u64, user: usize) -> Verdict {
    let ksource = ctx.ksource()?;
    let event = ksource.allocate(port.fd(), Allocation::Default, SOURCE)?;
    let callback = move |sys: &dyn System, delivery: Delivery| {
        if sys.pid() != delivery.owner {
            return Answer::Refuse;
        }
        if delivery.reason == CallbackReason::Deliver {
            sys.sleep(ns);
        }
        Answer::Deliver(delivery.events)
    };
    ksource.init(event, 0, user, 1, true, Some(Arc::new(callback)));
    ksource.send(event);
    Ok(())
}

/// Queues an event during whose delivery other events are sent.
pub(super) fn queue_that_sends(
    ctx: &Ctx<'_>,
    port: Port<'_>,
    user: usize,
    others: &[usize],
) -> Verdict {
    let mut events = Vec::new();
    for other in others {
        events.push(plain(ctx, port, Allocation::Default, *other)?);
    }
    queue_with(ctx, port, user, move |sys, delivery| {
        if let Some(ksource) = sys.ksource() {
            events.iter().for_each(|event| ksource.send(*event));
        }
        Answer::Deliver(delivery.events)
    })?;
    Ok(())
}

/// Queues an event and cancels it, as a deleted timer does. Nobody can take it in between.
pub(super) fn queue_cancelled(ctx: &Ctx<'_>, port: Port<'_>) -> Verdict {
    let event = queue_with(ctx, port, 0xdead, |_, _| Answer::Refuse)?;
    ctx.ksource()?.free(event);
    Ok(())
}

/// Allocates an event without a callback.
pub(super) fn plain(
    ctx: &Ctx<'_>,
    port: Port<'_>,
    how: Allocation,
    user: usize,
) -> Result<KernelEvent, Failure> {
    let event = ctx.ksource()?.allocate(port.fd(), how, SOURCE)?;
    ctx.ksource()?.init(event, 0x0b, user, 1, false, None);
    Ok(event)
}

/// Source, object, bits, user.
fn delivers(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let ksource = ctx.ksource()?;
    let event = ksource.allocate(port.fd(), Allocation::Default, SOURCE)?;
    ksource.init(event, 0x1111, 0x2222, 0x3333, false, None);
    check::equal("queue length before the send", port.queued(), Ok(0))?;
    ksource.send(event);
    let found = port.get(Timeout::Poll)?;
    check::equal("event", found, Event::new(SOURCE, 0x3333, 0x1111, 0x2222))
}

/// An allocated event counts against the limit before it is sent.
fn slot(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let ksource = ctx.ksource()?;
    let event = plain(ctx, port, Allocation::Default, 1)?;
    port.send(1, 2)?;
    check::refused("port_send", port.send(1, 3), Errno::EAGAIN)?;
    let third = ksource.allocate(port.fd(), Allocation::Default, SOURCE);
    check::refused("port_alloc_event", third, Errno::EAGAIN)?;
    ksource.free(event);
    port.send(1, 3)?;
    ctx.expect_queue(port, &[2, 3])
}

/// A cached event lives until its source frees it.
fn cached(ctx: &Ctx<'_>) -> Verdict {
    let ksource = ctx.ksource()?;
    for how in [Allocation::SourceCached, Allocation::Private] {
        let port = ctx.port()?;
        let event = plain(ctx, port, how, 7)?;
        for _ in 0..5 {
            ksource.send(event);
            port.send(1, 8)?;
            ctx.expect_queue(port, &[7, 8])?;
        }
        ksource.free(event);
        port.close()?;
    }
    Ok(())
}

/// A second send of a queued event changes nothing.
fn once(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let ksource = ctx.ksource()?;
    let event = plain(ctx, port, Allocation::SourceCached, 7)?;
    ksource.send(event);
    port.send(1, 8)?;
    ksource.send(event);
    ctx.expect_queue(port, &[7, 8])?;
    ksource.send(event);
    ctx.expect_queue(port, &[7])?;
    ksource.free(event);
    Ok(())
}

/// It is neither counted nor readable nor delivered, and hides nothing.
fn cancelled(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    queue_cancelled(ctx, port)?;
    check::equal("queue length", port.queued(), Ok(0))?;
    let mut fds = [PollFd::new(port.fd(), poll::IN)];
    check::equal("poll(2)", ctx.sys.poll(&mut fds, Some(0)), Ok(0))?;
    check::refused("port_get", port.get(Timeout::Poll), Errno::ETIME)?;
    queue_cancelled(ctx, port)?;
    port.send(1, 1)?;
    queue_cancelled(ctx, port)?;
    port.send(1, 2)?;
    ctx.expect_queue(port, &[1, 2])
}

/// The slot of a cancelled event comes back with the next retrieval at the latest.
fn cancelled_slot(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(3)?;
    for _ in 0..3 {
        for _ in 0..3 {
            queue_cancelled(ctx, port)?;
        }
        let batch = port.getn(4, 1, Timeout::Poll);
        check::equal("port_getn", (batch.result, batch.nget), (Ok(()), 0))?;
    }
    port.send_all(1..=3)?;
    ctx.expect_queue(port, &[1, 2, 3])
}

/// `port_remove_done_event` takes the event out, once.
fn removed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let ksource = ctx.ksource()?;
    let event = plain(ctx, port, Allocation::SourceCached, 7)?;
    port.send(1, 1)?;
    ksource.send(event);
    port.send(1, 2)?;
    check::that("the queued event was removed", ksource.remove_done(event))?;
    check::that("it cannot be removed again", !ksource.remove_done(event))?;
    check::equal("queue length", port.queued(), Ok(2))?;
    ksource.send(event);
    ctx.expect_queue(port, &[1, 2, 7])?;
    check::that(
        "a delivered event cannot be removed",
        !ksource.remove_done(event),
    )?;
    ksource.free(event);
    Ok(())
}

/// An interrupt wakes the waiter.
fn interrupt(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let ksource = ctx.ksource()?;
    let event = plain(ctx, port, Allocation::SourceCached, 7)?;
    for _ in 0..3 {
        let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
        ksource.send_from_interrupt(event);
        ctx.expect_done("port_get", &waiter)?;
        check::equal("event", waiter.join()??.user, 7)?;
    }
    ksource.free(event);
    Ok(())
}

/// EBADF, EBADFD.
fn bad_descriptors(ctx: &Ctx<'_>) -> Verdict {
    let (null, closed) = (ctx.null()?, ctx.closed()?);
    let ksource = ctx.ksource()?;
    for (fd, errno) in [
        (closed, Errno::EBADF),
        (-1, Errno::EBADF),
        (null, Errno::EBADFD),
    ] {
        let event = ksource.allocate(fd, Allocation::Default, SOURCE);
        check::refused("port_alloc_event", event, errno)?;
    }
    Ok(())
}
