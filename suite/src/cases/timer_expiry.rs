//! Expiry while threads wait: libc's timer threads (C23), many threads at one port, time-outs and
//! steps of the clock.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicI64, Ordering::SeqCst};

use super::prelude::*;
use super::timer::event_of;
use crate::{CLOCK_HIGHRES, CLOCK_REALTIME, Itimer, Notify, PORT_ALERT_SET, Timer};

pub(super) const CASES: &[Case] = &[
    case("timer.libc_thread_per_timer", "S83 S87 C23", libc_thread)
        .both()
        .needs(Caps::VIRTUAL_CLOCK),
    case("timer.every_expiry_is_counted", "S83 S84 C26", every_expiry).needs(Caps::VIRTUAL_CLOCK),
    case("timer.expiry_at_the_timeout", "S83 D7", at_the_timeout).needs(Caps::VIRTUAL_CLOCK),
    case("timer.wakes_the_waiter", "S57 S83", wakes),
    case("timer.wall_clock_steps", "S83", wall_clock)
        .needs(Caps::VIRTUAL_CLOCK.union(Caps::WALL_STEP)),
    case("timer.set_delete_and_get_at_once", "S83 S85 C26", stress).needs(Caps::VIRTUAL_CLOCK),
];

/// The alert that ends a timer's thread.
const TERM: i32 = 9;

/// What libc makes of `SIGEV_THREAD`: a private port and a thread for each timer, which starts the
/// handler for each expiry; timer_delete ends the thread by an alert.
fn libc_thread(ctx: &Ctx<'_>) -> Verdict {
    let mut kept = Vec::new();
    for interval in [5, 7, 11] {
        let port = ctx.port()?;
        let fd = port.fd();
        let notify = Notify::Thread {
            port: fd,
            user: 0x77,
        };
        let timer = Timer::create(ctx.sys, CLOCK_HIGHRES, notify)?;
        let calls = Arc::new(AtomicI64::new(0));
        let seen = Arc::clone(&calls);
        let thread = ctx.spawn_asleep(move |sys| {
            let port = Port::at(sys, fd);
            loop {
                let event = port.get(Timeout::Never)?;
                match i32::from(event.source) {
                    source::TIMER if event.user == 0x77 => {
                        // Overruns are expirations beyond the first.
                        seen.fetch_add(i64::from(event.events), SeqCst);
                    }
                    source::ALERT if event.events == TERM => {
                        return sys.close(fd);
                    }
                    _ => return Err(Errno::EIO),
                }
            }
        })?;
        timer.every(interval * MSEC)?;
        kept.push((timer, port, thread, calls, interval));
    }
    ctx.sys.sleep(385 * MSEC + MSEC / 2);
    for (timer, port, thread, calls, interval) in kept {
        timer.delete()?;
        port.alert(PORT_ALERT_SET, TERM, 0)?;
        check::equal("the thread's end", thread.join()?, Ok(()))?;
        let calls = calls.load(SeqCst);
        check::equal("calls", calls as u64, 385 / interval)?;
    }
    Ok(())
}

/// Many threads take the events of many timers; nothing is counted twice or lost.
fn every_expiry(ctx: &Ctx<'_>) -> Verdict {
    const TIMERS: u64 = 8;
    let port = ctx.port()?;
    let fd = port.fd();
    let counts: Arc<[AtomicI64; TIMERS as usize]> = Arc::default();
    let threads = (0..6_u32)
        .map(|thread| {
            let counts = Arc::clone(&counts);
            ctx.spawn(move |sys| {
                let port = Port::at(sys, fd);
                loop {
                    let batch = port.getn(1 + thread, 1, Timeout::Never);
                    batch.result?;
                    for event in &batch.events {
                        match counts.get(event.user as usize) {
                            Some(count) => count.fetch_add(i64::from(event.events), SeqCst),
                            None => return Ok::<_, Errno>(()),
                        };
                    }
                }
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let timers = (0..TIMERS)
        .map(|user| Timer::to_port(&port, CLOCK_HIGHRES, user as usize))
        .collect::<Result<Vec<_>, _>>()?;
    let intervals: Vec<u64> = (1..=TIMERS).map(|n| n * MSEC).collect();
    let begin = ctx.sys.now() + MSEC;
    for (timer, interval) in timers.iter().zip(&intervals) {
        let setting = Itimer {
            interval: *interval,
            value: begin,
        };
        timer.set(true, setting)?;
    }
    ctx.sys.sleep(501 * MSEC + MSEC / 2);
    timers.iter().try_for_each(|timer| timer.arm(0))?;
    ctx.settle();
    for (count, interval) in counts.iter().zip(&intervals) {
        let expected = 500 * MSEC / interval + 1;
        let what = format!("expirations every {interval} ns");
        check::equal(what, count.load(SeqCst) as u64, expected)?;
    }
    for _ in &threads {
        // One at a time: a thread may take several events.
        port.send(1, TIMERS as usize)?;
        ctx.settle();
    }
    for thread in threads {
        thread.join()??;
    }
    Ok(())
}

/// A timer that expires when the wait does: its event comes now or with the next call.
fn at_the_timeout(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 7)?;
    for round in 0..300 {
        let date = ctx.sys.now() + MSEC;
        timer.set(true, Itimer::once(date))?;
        let batch = port.getn(4, 1, Timeout::After(MSEC));
        match batch.result {
            Ok(()) => check::equal("events", batch.events.len(), 1)?,
            Err(Errno::ETIME) => {
                check::equal("events with ETIME", batch.events.len(), 0)?;
                let next = port.get(Timeout::After(MSEC))?;
                check::equal(format!("event of round {round}"), next.user, 7)?;
            }
            Err(errno) => return Err(errno.into()),
        }
    }
    ctx.expect_queue(port, &[])
}

fn wakes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 7)?;
    let get = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    timer.arm(MSEC)?;
    check::equal("event", get.join()??, event_of(&timer, 1, 7))?;
    let getn = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(8, 2, Timeout::Never))?;
    timer.every(MSEC)?;
    // The second expiration is no second event.
    ctx.sys.sleep(5 * MSEC);
    check::that("one event is not enough", !getn.done())?;
    port.send(1, 1)?;
    let batch = getn.join()?;
    check::equal("result", batch.result, Ok(()))?;
    check::equal("events", batch.users(), vec![7, 1])
}

/// Steps of the wall clock concern the dates of `CLOCK_REALTIME` only, and no event is lost or
/// invented.
fn wall_clock(ctx: &Ctx<'_>) -> Verdict {
    const HOUR: i64 = 3600 * crate::NANOSEC;
    let port = ctx.port()?;
    let fast = Timer::to_port(&port, CLOCK_HIGHRES, 1)?;
    let wall = Timer::to_port(&port, CLOCK_REALTIME, 2)?;
    for step in [HOUR, -HOUR] {
        let begin = ctx.sys.now();
        fast.arm(100 * MSEC)?;
        wall.arm(200 * MSEC)?;
        ctx.sys.sleep(10 * MSEC);
        ctx.sys.step_wall_clock(step)?;
        check::equal("monotonic", port.get(Timeout::Never)?.user, 1)?;
        check::equal("after", ctx.sys.now() - begin, 100 * MSEC)?;
        check::equal("wall", port.get(Timeout::Never)?.user, 2)?;
        let after = ctx.sys.now() - begin;
        check::within("after", after, 200 * MSEC, 220 * MSEC)?;
    }
    // A periodic timer that is an hour late is not an hour of events.
    wall.every(10 * MSEC)?;
    ctx.sys.sleep(25 * MSEC);
    ctx.sys.step_wall_clock(HOUR)?;
    ctx.sys.sleep(30 * MSEC);
    let event = port.get(Timeout::Poll)?;
    check::equal("source", event.user, 2)?;
    check::within("expirations", event.events, 3, 6)?;
    wall.delete()?;
    ctx.expect_queue(port, &[])
}

/// Threads make, set and delete timers of one port while others take events and a last one closes.
fn stress(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut makers = Vec::new();
    for maker in 0..4_usize {
        let mut rng = ctx.rng();
        makers.push(ctx.spawn(move |sys| {
            let port = Port::at(sys, fd);
            for round in 0..60 {
                let clock = [CLOCK_HIGHRES, CLOCK_REALTIME][round % 2];
                let timer = Timer::to_port(&port, clock, 1 + maker)?;
                for _ in 0..rng.below(4) {
                    timer.every((1 + rng.below(3)) * MSEC)?;
                    sys.sleep(rng.below(4) * MSEC);
                    timer.get()?;
                }
                timer.delete()?;
            }
            Ok::<_, Errno>(())
        })?);
    }
    let mut takers = Vec::new();
    for taker in 0..3_u32 {
        takers.push(ctx.spawn(move |sys| {
            let port = Port::at(sys, fd);
            loop {
                let batch = port.getn(1 + taker, 1, Timeout::After(50 * MSEC));
                for event in &batch.events {
                    let known = (1..=4).contains(&event.user) && event.events >= 1;
                    if i32::from(event.source) != source::TIMER || !known {
                        return Err(*event);
                    }
                }
                if batch.result == Err(Errno::EBADF) {
                    return Ok(());
                }
            }
        })?);
    }
    for maker in makers {
        maker.join()??;
    }
    let left = Timer::to_port(&port, CLOCK_HIGHRES, 1)?;
    left.every(MSEC)?;
    ctx.sys.sleep(3 * MSEC);
    port.close()?;
    for taker in takers {
        check::equal("strange events", taker.join()?, Ok(()))?;
    }
    Ok(())
}
