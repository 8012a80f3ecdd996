//! First in, first out, whatever happens during a retrieval (D3).

use alloc::sync::Arc;

use super::ksource::{queue_that_sends, queue_with};
use super::prelude::*;
use crate::{Answer, Fault};

pub(super) const CASES: &[Case] = &[
    case("order.d3_event_during_port_get", "D3 S96", during_get)
        .both()
        .needs(Caps::KSOURCE),
    case("order.d3_events_during_port_getn", "D3 S96", during_getn)
        .both()
        .needs(Caps::KSOURCE),
    case("order.d3_steady_producer_starves_nobody", "D3 S96", steady).needs(Caps::KSOURCE),
    case("order.refused_event_keeps_its_place", "D3 S80 S34", refused).needs(Caps::KSOURCE),
    case("order.events_of_different_sources", "S96 C16", sources).both(),
    case("order.after_a_timed_out_wait", "S96 S59", after_timeout).both(),
    case("order.after_a_failed_copy", "D22 S96", after_fault)
        .both()
        .needs(Caps::FAULTS),
    case(
        "order.concurrent_producer_and_small_lists",
        "D3 S96 C16",
        producer,
    ),
];

/// 1, 2, 3 queued; 4 arrives while 1 is taken: 2 comes next.
fn during_get(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    queue_that_sends(ctx, port, 1, &[4])?;
    port.send_all(2..=3)?;
    check::equal("1st event", port.get(Timeout::Poll)?.user, 1)?;
    ctx.expect_queue(port, &[2, 3, 4])
}

/// The same with a list that takes two of four.
fn during_getn(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    queue_that_sends(ctx, port, 1, &[10, 11])?;
    queue_that_sends(ctx, port, 2, &[20, 21])?;
    port.send_all(3..=4)?;
    let batch = port.getn(2, 2, Timeout::Never);
    check::equal("1st list", batch.users(), vec![1, 2])?;
    ctx.expect_queue(port, &[3, 4, 10, 11, 20, 21])
}

/// Each retrieval of one event lets a new one in; the old ones still come out in order.
fn steady(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for user in 0..40 {
        queue_that_sends(ctx, port, user, &[user + 1000])?;
    }
    for user in 0..40 {
        check::equal("event", port.get(Timeout::Poll)?.user, user)?;
    }
    let rest: Vec<u64> = (1000..1040).collect();
    ctx.expect_queue(port, &rest)
}

/// Events that the caller may not have stay where they are between the others.
fn refused(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let open = Arc::new(core::sync::atomic::AtomicBool::new(false));
    for user in 1..=6 {
        let open = Arc::clone(&open);
        queue_with(ctx, port, user, move |_, delivery| {
            if user % 2 == 1 && !open.load(core::sync::atomic::Ordering::Relaxed) {
                return Answer::Refuse;
            }
            Answer::Deliver(delivery.events)
        })?;
    }
    let batch = port.getn(8, 1, Timeout::Poll);
    check::equal("deliverable events", batch.users(), vec![2, 4, 6])?;
    port.send(1, 7)?;
    open.store(true, core::sync::atomic::Ordering::Relaxed);
    let batch = port.getn(8, 1, Timeout::Poll);
    check::equal("the others", batch.users(), vec![1, 3, 5, 7])
}

/// The queue knows no priority among sources.
fn sources(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 1)?;
    port.dispatch(0, source::AIO, 1, 0, 2)?;
    port.send(1, 3)?;
    port.dispatch(crate::PORT_SHARE_EVENT, source::MQ, 1, 0, 4)?;
    port.send(1, 5)?;
    ctx.expect_queue(port, &[1, 2, 3, 4, 5])
}

/// What a timed-out list left or took does not change the order.
fn after_timeout(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=5)?;
    let batch = port.getn(3, 3, Timeout::After(MSEC));
    check::equal(
        "events",
        (batch.result, batch.users()),
        (Ok(()), vec![1, 2, 3]),
    )?;
    let batch = port.getn(3, 3, Timeout::After(MSEC));
    check::equal(
        "events",
        (batch.result, batch.users()),
        (Err(Errno::ETIME), vec![4, 5]),
    )?;
    port.send_all(6..=7)?;
    ctx.expect_queue(port, &[6, 7])
}

/// EFAULT in the middle of a list puts everything back in front.
fn after_fault(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=5)?;
    let event = ctx.sys.model().event() as u64;
    for at in [0, 1, event - 1, event, 2 * event + 3] {
        ctx.faults()?.inject(Fault::CopyoutAt(at));
        let batch = port.getn(3, 1, Timeout::Poll);
        check::equal("failures that happened", ctx.faults()?.clear(), 1)?;
        check::equal("port_getn", batch.result, Err(Errno::EFAULT))?;
        check::equal("queue length", port.queued(), Ok(5))?;
    }
    ctx.expect_queue(port, &[1, 2, 3, 4, 5])
}

/// A producer runs while a consumer takes lists of random size: strict order end to end.
fn producer(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let total = 3000_usize;
    let task = ctx.spawn(move |sys| -> Result<(), Errno> {
        for user in 0..total {
            Port::at(sys, fd).send(1, user)?;
            if user % 64 == 0 {
                sys.pause();
            }
        }
        Ok(())
    })?;
    let mut rng = ctx.rng();
    let mut next = 0;
    while next < total as u64 {
        let max = 1 + rng.below(40) as u32;
        let batch = port.getn(max, 1, Timeout::Never);
        check::equal("result", batch.result, Ok(()))?;
        for user in batch.users() {
            check::equal("event", user, next)?;
            next += 1;
        }
    }
    task.join()??;
    ctx.expect_queue(port, &[])
}
