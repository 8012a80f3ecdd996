//! Timers whose port, process or number goes away (S85, S86, D8, D10, D12, D19).

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::prelude::*;
use super::timer::event_of;
use crate::{CLOCK_HIGHRES, CLOCK_REALTIME, Itimer, PollFd, Timer, poll};

pub(super) const CASES: &[Case] = &[
    case(
        "timer.delete_removes_the_queued_event",
        "S85",
        delete_queued,
    )
    .needs(Caps::VIRTUAL_CLOCK),
    case("timer.holds_its_slot", "S84 S85 S95", slot).needs(Caps::RCTL),
    case(
        "timer.delete_at_the_moment_of_expiry",
        "S85",
        delete_at_expiry,
    )
    .needs(Caps::VIRTUAL_CLOCK),
    case("timer.close_makes_it_silent", "S86 S82", close_silent)
        .both()
        .needs(Caps::VIRTUAL_CLOCK),
    case("timer.close_with_an_unread_event", "S86 S82", close_unread).needs(Caps::VIRTUAL_CLOCK),
    case(
        "timer.close_at_the_moment_of_expiry",
        "S86 S82",
        close_at_expiry,
    )
    .needs(Caps::VIRTUAL_CLOCK),
    case("timer.exit_with_armed_timers", "S81 S82", exit).needs(Caps::VIRTUAL_CLOCK),
    case("timer.exec_deletes_it", "S97 S85", exec).needs(Caps::VIRTUAL_CLOCK.union(Caps::EXEC)),
    case("timer.not_inherited_by_fork", "S83 C27", not_inherited).needs(Caps::VIRTUAL_CLOCK),
    case(
        "timer.d14_event_is_its_process_s_alone",
        "S79 C27 D14",
        owner_only,
    )
    .both()
    .needs(Caps::VIRTUAL_CLOCK),
    case(
        "timer.d08_close_of_a_dup_keeps_it",
        "S81 D8",
        close_of_a_dup,
    )
    .needs(Caps::VIRTUAL_CLOCK),
    case(
        "timer.classic_close_of_a_dup_ends_it",
        "S81 S86 D8",
        classic_close_of_a_dup,
    )
    .classic()
    .needs(Caps::VIRTUAL_CLOCK),
    case(
        "timer.d12_create_beside_a_close",
        "D12",
        create_beside_close,
    ),
    case(
        "timer.d12_classic_create_beside_the_close_of_a_dup",
        "D12",
        create_beside_close_of_a_dup,
    )
    .classic(),
    case(
        "timer.d19_last_close_beside_expiry",
        "D19 D10",
        last_close_beside_expiry,
    )
    .needs(Caps::VIRTUAL_CLOCK),
    case(
        "timer.d19_partial_close_beside_expiry",
        "D19 D13",
        partial_close_beside_expiry,
    )
    .needs(Caps::VIRTUAL_CLOCK),
];

fn delete_queued(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 7)?;
    port.send(1, 1)?;
    timer.arm(MSEC)?;
    ctx.sys.sleep(2 * MSEC);
    port.send(1, 2)?;
    check::equal("queued", port.queued()?, 3)?;
    timer.delete()?;
    ctx.expect_queue(port, &[1, 2])
}

fn slot(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 7)?;
    port.send(1, 1)?;
    let another = || Timer::to_port(&port, CLOCK_HIGHRES, 8).map(|timer| timer.id());
    check::refused("send", port.send(1, 2), Errno::EAGAIN)?;
    check::refused("timer", another(), Errno::EAGAIN)?;
    // A full port goes on delivering, the timer's event too, whose slot stays taken.
    timer.arm(MSEC)?;
    check::equal("first", port.get(Timeout::Never)?.user, 1)?;
    check::equal("second", port.get(Timeout::Never)?, event_of(&timer, 1, 7))?;
    port.send(1, 3)?;
    check::refused("timer", another(), Errno::EAGAIN)?;
    timer.delete()?;
    let next = another()?;
    check::equal("the number is free again", next, timer.id())?;
    check::refused("send", port.send(1, 4), Errno::EAGAIN)?;
    Timer::at(ctx.sys, next).delete()?;
    port.send(1, 5)?;
    ctx.expect_queue(port, &[3, 5])
}

/// The clock's interrupt and the deleting thread run at the same time.
fn delete_at_expiry(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for round in 0..200_u64 {
        let clock = [CLOCK_HIGHRES, CLOCK_REALTIME][round as usize % 2];
        let timer = Timer::to_port(&port, clock, 7)?;
        timer.every(10 * MSEC)?;
        let first = ctx.sys.now() / (10 * MSEC) * 10 * MSEC + 10 * MSEC;
        ctx.sys.sleep(first + round % 3 * 10 * MSEC - ctx.sys.now());
        timer.delete()?;
        check::equal("queued", port.queued()?, 0)?;
        check::refused("get", port.get(Timeout::After(25 * MSEC)), Errno::ETIME)?;
    }
    Ok(())
}

fn close_silent(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 7)?;
    timer.every(10 * MSEC)?;
    port.close()?;
    // It runs on, and can be set and deleted.
    ctx.sys.sleep(25 * MSEC);
    let left = Itimer {
        interval: 10 * MSEC,
        value: 5 * MSEC,
    };
    check::equal("setting", timer.get()?, left)?;
    timer.every(20 * MSEC)?;
    ctx.sys.sleep(50 * MSEC);
    // A port of that number has nothing to do with it.
    let next = ctx.port()?;
    check::equal("number", next.fd(), port.fd())?;
    check::refused("get", next.get(Timeout::After(50 * MSEC)), Errno::ETIME)?;
    timer.delete()?;
    check::refused("second delete", timer.delete(), Errno::EINVAL)
}

fn close_unread(ctx: &Ctx<'_>) -> Verdict {
    for clock in [CLOCK_HIGHRES, CLOCK_REALTIME] {
        let port = ctx.port()?;
        let once = Timer::to_port(&port, clock, 7)?;
        let often = Timer::to_port(&port, clock, 8)?;
        once.arm(10 * MSEC)?;
        often.every(10 * MSEC)?;
        ctx.sys.sleep(55 * MSEC);
        check::equal("queued", port.queued()?, 2)?;
        port.close()?;
        ctx.sys.sleep(55 * MSEC);
        // Deleted or left to the end of the process, nothing stays behind.
        once.delete()?;
    }
    Ok(())
}

fn close_at_expiry(ctx: &Ctx<'_>) -> Verdict {
    for round in 0..100_u64 {
        let port = Port::create(ctx.sys)?;
        let clock = [CLOCK_HIGHRES, CLOCK_REALTIME][round as usize % 2];
        let timer = Timer::to_port(&port, clock, 7)?;
        timer.every(10 * MSEC)?;
        let first = ctx.sys.now() / (10 * MSEC) * 10 * MSEC + 10 * MSEC;
        ctx.sys.sleep(first + round % 3 * 10 * MSEC - ctx.sys.now());
        port.close()?;
        ctx.sys.sleep(10 * MSEC);
        timer.delete()?;
    }
    Ok(())
}

/// A child ends with timers armed, unread and on a port of its own; the parent's port is as it was.
fn exit(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send(1, 1)?;
    let child = ctx.fork(move |ctx| {
        let shared = Port::at(ctx.sys, fd);
        let own = Port::create(ctx.sys)?;
        for (port, clock) in [(&shared, CLOCK_HIGHRES), (&own, CLOCK_REALTIME)] {
            Timer::to_port(port, clock, 7)?.every(10 * MSEC)?;
            Timer::to_port(port, clock, 8)?.arm(3600 * 1000 * MSEC)?;
        }
        ctx.sys.sleep(35 * MSEC);
        check::equal("queued", shared.queued()?, 2)?;
        check::equal("queued", own.queued()?, 1)?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.sys.sleep(30 * MSEC);
    ctx.expect_queue(port, &[1])
}

/// The next program finds the port without timers and their events.
fn exec(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        let timer = Timer::to_port(&port, CLOCK_HIGHRES, 7)?;
        timer.every(MSEC)?;
        port.send(1, 1)?;
        ctx.sys.sleep(2 * MSEC);
        check::equal("queued", port.queued()?, 2)?;
        ctx.sys.exec()?;
        check::refused("gettime", timer.get(), Errno::EINVAL)?;
        ctx.sys.sleep(2 * MSEC);
        ctx.expect_queue(port, &[1])?;
        let next = Timer::to_port(&port, CLOCK_HIGHRES, 8)?;
        check::equal("number", next.id(), timer.id())?;
        next.arm(MSEC)?;
        check::equal("event", port.get(Timeout::Never)?, event_of(&next, 1, 8))?;
        Ok(0)
    })?;
    child.wait()?;
    ctx.expect_queue(port, &[])
}

fn not_inherited(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 7)?;
    timer.every(10 * MSEC)?;
    let id = timer.id();
    let child = ctx.fork(move |ctx| {
        let timer = Timer::at(ctx.sys, id);
        check::refused("gettime", timer.get(), Errno::EINVAL)?;
        check::refused("settime", timer.arm(MSEC), Errno::EINVAL)?;
        check::refused("delete", timer.delete(), Errno::EINVAL)?;
        // The numbers of the child begin anew; its timers are on the shared port.
        let own = Timer::to_port(&Port::at(ctx.sys, fd), CLOCK_HIGHRES, 9)?;
        check::equal("number", own.id(), id)?;
        own.arm(5 * MSEC)?;
        let event = Port::at(ctx.sys, fd).get(Timeout::Never)?;
        check::equal("event of the child", event, event_of(&own, 1, 9))?;
        Ok(0)
    })?;
    child.wait()?;
    check::equal("event of the parent", port.get(Timeout::Never)?.user, 7)
}

fn owner_only(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 7)?;
    timer.arm(MSEC)?;
    ctx.sys.sleep(2 * MSEC);
    let child = ctx.fork(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        check::equal("queued for the child", port.queued()?, 0)?;
        let mut fds = [PollFd::new(fd, poll::IN)];
        check::equal("poll", ctx.sys.poll(&mut fds, Some(0)), Ok(0))?;
        let got = port.get(Timeout::After(10 * MSEC));
        check::refused("get", got, Errno::ETIME)?;
        // What the child closes is not the parent's.
        ctx.sys.close(fd)?;
        Ok(0)
    })?;
    child.wait()?;
    check::equal("queued for the parent", port.queued()?, 1)?;
    check::equal("event", port.get(Timeout::Poll)?, event_of(&timer, 1, 7))
}

/// A timer and its unread event survive when one of two descriptors goes, whichever it is.
fn close_of_a_dup(ctx: &Ctx<'_>) -> Verdict {
    for close_the_first in [false, true] {
        let port = ctx.port()?;
        let dup = port.dup()?;
        ctx.keep(dup.fd());
        let timer = Timer::to_port(&port, CLOCK_HIGHRES, 7)?;
        timer.every(10 * MSEC)?;
        ctx.sys.sleep(15 * MSEC);
        let (goes, stays) = if close_the_first {
            (port, dup)
        } else {
            (dup, port)
        };
        goes.close()?;
        check::equal("queued", stays.queued()?, 1)?;
        check::equal("event", stays.get(Timeout::Poll)?, event_of(&timer, 1, 7))?;
        check::equal("next", stays.get(Timeout::Never)?, event_of(&timer, 1, 7))?;
        timer.delete()?;
        stays.close()?;
    }
    Ok(())
}

/// As the C module: closing any descriptor ends what the process had on the port.
fn classic_close_of_a_dup(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let dup = port.dup()?;
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 7)?;
    timer.every(10 * MSEC)?;
    ctx.sys.sleep(15 * MSEC);
    dup.close()?;
    check::equal("queued", port.queued()?, 0)?;
    check::refused("get", port.get(Timeout::After(50 * MSEC)), Errno::ETIME)?;
    timer.delete().map_err(Failure::from)
}

/// Makes and deletes timers until told to stop, or the port is gone.
fn churn(sys: &dyn System, fd: i32, stop: &AtomicBool) -> Result<(), Errno> {
    let port = Port::at(sys, fd);
    while !stop.load(Relaxed) {
        match Timer::to_port(&port, CLOCK_HIGHRES, 7) {
            Ok(timer) => timer.delete()?,
            Err(Errno::EBADF) => return Ok(()),
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// A process makes timers while it gives up a port that its parent keeps.
fn create_beside_close(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    for _ in 0..20 {
        let child = ctx.fork(move |ctx| {
            Timer::to_port(&Port::at(ctx.sys, fd), CLOCK_HIGHRES, 7)?.every(MSEC)?;
            let maker = ctx.spawn(move |sys| churn(sys, fd, &AtomicBool::new(false)))?;
            for _ in 0..ctx.rng().below(20) {
                ctx.sys.pause();
            }
            ctx.sys.close(fd)?;
            maker.join()??;
            Ok(0)
        })?;
        child.wait()?;
    }
    ctx.expect_queue(port, &[])
}

/// The same inside one process, where the close of a dup is one of the port.
fn create_beside_close_of_a_dup(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    Timer::to_port(&port, CLOCK_HIGHRES, 7)?.every(MSEC)?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let maker = ctx.spawn(move |sys| churn(sys, fd, &stopped))?;
    for _ in 0..100 {
        port.dup()?.close()?;
    }
    // Not beside the last close: port_free_event looks at the port after it gave the slot back.
    stop.store(true, Relaxed);
    maker.join()??;
    Ok(())
}

/// Expiry enters the port under the timer's lock; the close of a port with the timer's event in
/// the queue must not do it the other way round.
fn last_close_beside_expiry(ctx: &Ctx<'_>) -> Verdict {
    for round in 0..50 {
        let first = Port::create(ctx.sys)?;
        let port = first.dup()?;
        let timer = Timer::to_port(&port, CLOCK_HIGHRES, 7)?;
        timer.every(MSEC)?;
        ctx.sys.sleep(2 * MSEC);
        first.close()?;
        check::equal("queued", port.queued()?, 1)?;
        if round % 2 == 0 {
            port.get(Timeout::Never)?;
            ctx.sys.sleep(MSEC);
        }
        port.close()?;
        ctx.sys.sleep(2 * MSEC);
        timer.delete()?;
    }
    Ok(())
}

/// As above, by one of two processes.
fn partial_close_beside_expiry(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send(1, 1)?;
    for _ in 0..10 {
        let child = ctx.fork(move |ctx| {
            let dup = Port::at(ctx.sys, fd).dup()?;
            let timers = [
                Timer::to_port(&dup, CLOCK_HIGHRES, 7)?,
                Timer::to_port(&Port::at(ctx.sys, fd), CLOCK_HIGHRES, 8)?,
            ];
            for timer in timers {
                timer.every(MSEC)?;
            }
            ctx.sys.sleep(2 * MSEC);
            ctx.sys.close(fd)?;
            check::equal("queued", dup.queued()?, 3)?;
            dup.close()?;
            ctx.sys.sleep(3 * MSEC);
            timers[0].delete()?;
            Ok(0)
        })?;
        child.wait()?;
    }
    ctx.expect_queue(port, &[1])
}
