//! Message queues: what libc makes of `mq_notify(3C)` with `SIGEV_PORT` (S92, S91).

use super::prelude::*;
use crate::mq::Queue;

pub(super) const CASES: &[Case] = &[
    case("mq.first_message_is_an_event", "S92 C23", first_message).both(),
    case("mq.registration_is_used_up", "S92", used_up),
    case("mq.only_ports_are_registered", "S92", only_ports).both(),
    case("mq.one_registration_at_a_time", "S92", one_at_a_time),
    case("mq.wakes_a_waiter", "S92 S73", wakes),
    case("mq.full_port_delays_the_event", "S92 S91 S95", full)
        .both()
        .needs(Caps::RCTL),
    case("mq.signal_ends_the_wait_for_a_slot", "S92 S91", signal).needs(Caps::RCTL),
    case("mq.port_closed_meanwhile", "S92", closed),
    case(
        "mq.event_is_the_registrant_s_alone",
        "S92 S79 C27",
        owner_only,
    )
    .both(),
    case("mq.registrants_of_several_processes", "S92 C27", several),
    case("mq.keeps_its_place_among_others", "S92 S96", order),
];

/// What stands for the `mqd_t`.
const MQD: usize = 0x4d51;

/// An empty queue.
#[track_caller]
fn queue(ctx: &Ctx<'_>) -> Result<Queue, Failure> {
    let queue = check::granted("mq_open", Queue::open(ctx.sys, MQD))?;
    ctx.keep(queue.semaphore());
    Ok(queue)
}

/// The event of a queue with this cookie.
fn event_of(user: u64) -> Event {
    Event::new(source::MQ, 0, MQD as u64, user)
}

/// Empty to non-empty: source MQ, no bits, the descriptor, the cookie.
fn first_message(ctx: &Ctx<'_>) -> Verdict {
    let (queue, port) = (queue(ctx)?, ctx.port()?);
    let spawner = queue.notify(ctx.sys, port.fd(), 0x66)?;
    ctx.expect_asleep("spawner", &spawner)?;
    ctx.expect_queue(port, &[])?;
    queue.send(ctx.sys, b"one")?;
    check::equal("event", port.get(Timeout::Never)?, event_of(0x66))?;
    check::equal("dispatch", spawner.join()?, Ok(()))?;
    check::equal("message", queue.receive(), Some(b"one".to_vec()))?;
    ctx.expect_queue(port, &[])
}

/// One event for one registration; a new one waits for the queue to be empty first.
fn used_up(ctx: &Ctx<'_>) -> Verdict {
    let (queue, port) = (queue(ctx)?, ctx.port()?);
    let spawner = queue.notify(ctx.sys, port.fd(), 1)?;
    queue.send(ctx.sys, b"one")?;
    queue.send(ctx.sys, b"two")?;
    check::equal("dispatch", spawner.join()?, Ok(()))?;
    ctx.expect_queue(port, &[1])?;
    queue.receive();
    queue.receive();
    queue.send(ctx.sys, b"three")?;
    ctx.settle();
    ctx.expect_queue(port, &[])?;

    let spawner = queue.notify(ctx.sys, port.fd(), 2)?;
    queue.send(ctx.sys, b"four")?;
    ctx.expect_asleep("spawner", &spawner)?;
    queue.receive();
    queue.receive();
    queue.send(ctx.sys, b"five")?;
    check::equal("dispatch", spawner.join()?, Ok(()))?;
    ctx.expect_queue(port, &[2])
}

/// libc asks fstat: EBADF for anything but a port.
fn only_ports(ctx: &Ctx<'_>) -> Verdict {
    let (queue, port) = (queue(ctx)?, ctx.port()?);
    for fd in [-1, ctx.closed()?, ctx.null()?, i32::MAX] {
        let answer = queue.notify(ctx.sys, fd, 1).map(drop);
        check::refused(format!("mq_notify to {fd}"), answer, Errno::EBADF)?;
    }
    let spawner = queue.notify(ctx.sys, port.fd(), 1)?;
    queue.send(ctx.sys, b"one")?;
    check::equal("dispatch", spawner.join()?, Ok(()))?;
    ctx.expect_queue(port, &[1])
}

/// EBUSY for the second.
fn one_at_a_time(ctx: &Ctx<'_>) -> Verdict {
    let (queue, port) = (queue(ctx)?, ctx.port()?);
    let spawner = queue.notify(ctx.sys, port.fd(), 1)?;
    let second = queue.notify(ctx.sys, port.fd(), 2).map(drop);
    check::refused("second mq_notify", second, Errno::EBUSY)?;
    queue.send(ctx.sys, b"one")?;
    check::equal("dispatch", spawner.join()?, Ok(()))?;
    ctx.expect_queue(port, &[1])
}

/// A thread that waits on the port gets it.
fn wakes(ctx: &Ctx<'_>) -> Verdict {
    let (queue, port) = (queue(ctx)?, ctx.port()?);
    let number = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, number).get(Timeout::Never))?;
    let _spawner = queue.notify(ctx.sys, number, 3)?;
    queue.send(ctx.sys, b"one")?;
    ctx.expect_done("port_get", &waiter)?;
    check::equal("event", waiter.join()?, Ok(event_of(3)))
}

/// The spawner sleeps until a slot is free.
fn full(ctx: &Ctx<'_>) -> Verdict {
    let queue = queue(ctx)?;
    let port = ctx.port_of(2)?;
    port.send_all(1..=2)?;
    let spawner = queue.notify(ctx.sys, port.fd(), 3)?;
    queue.send(ctx.sys, b"one")?;
    ctx.expect_asleep("spawner", &spawner)?;
    check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
    ctx.expect_done("spawner", &spawner)?;
    check::equal("dispatch", spawner.join()?, Ok(()))?;
    ctx.expect_queue(port, &[2, 3])
}

/// EINTR: no event, no slot.
fn signal(ctx: &Ctx<'_>) -> Verdict {
    let queue = queue(ctx)?;
    let port = ctx.port_of(1)?;
    port.send(1, 1)?;
    let spawner = queue.notify(ctx.sys, port.fd(), 3)?;
    queue.send(ctx.sys, b"one")?;
    ctx.expect_asleep("spawner", &spawner)?;
    spawner.signal()?;
    check::refused("dispatch", spawner.join()?, Errno::EINTR)?;
    ctx.expect_queue(port, &[1])?;
    port.send(1, 2)?;
    ctx.expect_queue(port, &[2])
}

/// The number means nothing, or no port any more: the event goes nowhere.
fn closed(ctx: &Ctx<'_>) -> Verdict {
    let (queue, port) = (queue(ctx)?, ctx.port()?);
    for (fill, errno) in [(false, Errno::EBADF), (true, Errno::EBADFD)] {
        let gone = ctx.port()?;
        let spawner = queue.notify(ctx.sys, gone.fd(), 1)?;
        gone.close()?;
        if fill {
            check::equal("number", ctx.null()?, gone.fd())?;
        }
        queue.send(ctx.sys, b"one")?;
        check::refused("dispatch", spawner.join()?, errno)?;
        queue.receive();
    }
    ctx.expect_queue(port, &[])
}

/// A child sends the message; the event is dispatched by and for the parent.
fn owner_only(ctx: &Ctx<'_>) -> Verdict {
    let (queue, port) = (queue(ctx)?, ctx.port()?);
    let number = port.fd();
    let spawner = queue.notify(ctx.sys, number, 5)?;
    let same = queue.clone();
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, number);
        same.send(ctx.sys, b"from the child")?;
        ctx.settle();
        check::equal("queue length", port.queued(), Ok(0))?;
        check::refused("port_get", port.get(Timeout::Poll), Errno::ETIME)?;
        Ok(0)
    })?;
    child.wait()?;
    check::equal("dispatch", spawner.join()?, Ok(()))?;
    check::equal("event", port.get(Timeout::Poll)?, event_of(5))?;
    check::equal("message", queue.receive(), Some(b"from the child".to_vec()))
}

/// Parent and child wait on one port, each for a queue of its own.
fn several(ctx: &Ctx<'_>) -> Verdict {
    let (first, second, port) = (queue(ctx)?, queue(ctx)?, ctx.port()?);
    let number = port.fd();
    let theirs = second.clone();
    let child = ctx.fork_asleep(move |ctx| {
        let spawner = theirs.notify(ctx.sys, number, 2)?;
        let event = Port::at(ctx.sys, number).get(Timeout::Never)?;
        check::equal("dispatch", spawner.join()?, Ok(()))?;
        Ok(event.user as i64)
    })?;
    let spawner = first.notify(ctx.sys, number, 1)?;
    first.send(ctx.sys, b"one")?;
    ctx.settle();
    second.send(ctx.sys, b"two")?;
    check::equal("event of the child", child.wait()?, 2)?;
    check::equal("event", port.get(Timeout::Poll)?.user, 1)?;
    check::equal("dispatch", spawner.join()?, Ok(()))
}

/// First in, first out with events of other sources.
fn order(ctx: &Ctx<'_>) -> Verdict {
    let (queue, port) = (queue(ctx)?, ctx.port()?);
    port.send(1, 1)?;
    let spawner = queue.notify(ctx.sys, port.fd(), 2)?;
    queue.send(ctx.sys, b"one")?;
    check::equal("dispatch", spawner.join()?, Ok(()))?;
    port.send(1, 3)?;
    ctx.expect_queue(port, &[1, 2, 3])
}
