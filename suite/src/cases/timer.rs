//! Timers: their events (S83, S84), settings and errors.

use super::prelude::*;
use crate::{
    CLOCK_HIGHRES, CLOCK_REALTIME, CLOCK_THREAD_CPUTIME_ID, Itimer, Notify, TIMER_MAX, Timer,
    itimerspec, port_notify, sigevent,
};

pub(super) const CASES: &[Case] = &[
    case("timer.delivers_the_event", "S83", delivers).both(),
    case("timer.sigev_thread_is_a_port", "S83 S87 C23", sigev_thread).both(),
    case("timer.expires_in_time", "S83", in_time)
        .both()
        .needs(Caps::VIRTUAL_CLOCK),
    case("timer.realtime_never_early", "S83", realtime).needs(Caps::VIRTUAL_CLOCK),
    case("timer.counts_expirations", "S83 S84", counts)
        .both()
        .needs(Caps::VIRTUAL_CLOCK),
    case("timer.unread_event_is_queued_once", "S84", queued_once).needs(Caps::VIRTUAL_CLOCK),
    case("timer.count_starts_again", "S83 S84", count_starts_again).needs(Caps::VIRTUAL_CLOCK),
    case("timer.disarmed_stays_silent", "S83", disarmed).needs(Caps::VIRTUAL_CLOCK),
    case("timer.disarm_leaves_the_queued_event", "S84", disarm_queued).needs(Caps::VIRTUAL_CLOCK),
    case("timer.settings_are_told", "S83", settings)
        .both()
        .needs(Caps::VIRTUAL_CLOCK),
    case("timer.bad_notifications", "S83", bad_notifications).both(),
    case("timer.bad_ports", "S83", bad_ports).both(),
    case("timer.bad_settings", "S83", bad_settings).both(),
    case("timer.bad_numbers", "S83", bad_numbers),
    case("timer.no_more_than_the_limit", "S83 S95", limit),
    case("timer.signal_overruns", "S83", signal_overruns).needs(Caps::VIRTUAL_CLOCK),
];

/// The event of a timer that expired `count` times.
pub(super) fn event_of(timer: &Timer<'_>, count: i32, user: u64) -> Event {
    Event::new(source::TIMER, count, timer.id() as u64, user)
}

fn delivers(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for clock in [CLOCK_HIGHRES, CLOCK_REALTIME] {
        let user = ctx.sys.model().truncate(0x1234_5678_9abc_def0);
        let timer = Timer::to_port(&port, clock, user as usize)?;
        check::equal("queue before", port.queued()?, 0)?;
        timer.arm(5 * MSEC)?;
        let event = port.get(Timeout::Never)?;
        check::equal("event", event, event_of(&timer, 1, user))?;
        check::refused("next", port.get(Timeout::After(50 * MSEC)), Errno::ETIME)?;
        timer.delete()?;
    }
    Ok(())
}

fn sigev_thread(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let notify = Notify::Thread {
        port: port.fd(),
        user: 9,
    };
    let timer = Timer::create(ctx.sys, CLOCK_HIGHRES, notify)?;
    timer.arm(MSEC)?;
    check::equal("event", port.get(Timeout::Never)?, event_of(&timer, 1, 9))
}

fn in_time(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 0)?;
    let before = ctx.sys.now();
    timer.arm(1_234_567)?;
    port.get(Timeout::Never)?;
    check::equal("after", ctx.sys.now() - before, 1_234_567)?;
    let date = ctx.sys.now() + 7_000_001;
    timer.set(true, Itimer::once(date))?;
    port.get(Timeout::Never)?;
    check::equal("date", ctx.sys.now(), date)?;
    // A date that is over is now.
    timer.set(true, Itimer::once(1))?;
    port.get(Timeout::Never)?;
    check::equal("date", ctx.sys.now(), date)
}

fn wall(sys: &dyn System) -> u64 {
    let now = sys.wall();
    (now.sec * crate::NANOSEC + now.nsec) as u64
}

fn realtime(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let timer = Timer::to_port(&port, CLOCK_REALTIME, 0)?;
    for delay in [1, MSEC, 10 * MSEC, 15 * MSEC + 3, 250 * MSEC] {
        ctx.sys.sleep(3 * MSEC + 1);
        let date = wall(ctx.sys) + delay;
        timer.arm(delay)?;
        port.get(Timeout::Never)?;
        let late = wall(ctx.sys) - date;
        check::within(format!("late by, for {delay}"), late, 0, 20 * MSEC)?;
        let date = wall(ctx.sys) + delay;
        timer.set(true, Itimer::once(date))?;
        port.get(Timeout::Never)?;
        let late = wall(ctx.sys) - date;
        check::within(format!("late by, for date {delay}"), late, 0, 20 * MSEC)?;
    }
    Ok(())
}

fn counts(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for (clock, interval) in [(CLOCK_HIGHRES, MSEC), (CLOCK_REALTIME, 20 * MSEC)] {
        let timer = Timer::to_port(&port, clock, 3)?;
        timer.every(interval)?;
        ctx.sys.sleep(10 * interval + interval / 2);
        let event = port.get(Timeout::Poll)?;
        check::equal("ten expirations", event, event_of(&timer, 10, 3))?;
        let event = port.get(Timeout::Never)?;
        check::equal("the next one", event, event_of(&timer, 1, 3))?;
        timer.delete()?;
    }
    Ok(())
}

fn queued_once(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 3)?;
    timer.every(MSEC)?;
    port.send(1, 1)?;
    ctx.sys.sleep(5 * MSEC + 1);
    port.send(1, 2)?;
    ctx.sys.sleep(5 * MSEC);
    check::equal("events queued", port.queued()?, 3)?;
    let batch = port.getn(8, 3, Timeout::Never);
    check::equal("order", batch.users(), vec![1, 3, 2])?;
    check::equal("timer", batch.events[1], event_of(&timer, 10, 3))
}

fn count_starts_again(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 3)?;
    timer.set(
        false,
        Itimer {
            interval: MSEC,
            value: MSEC / 2,
        },
    )?;
    for count in [1, 7, 2, 1, 30] {
        ctx.sys.sleep(count * MSEC);
        let event = port.getn(1, 1, Timeout::Never);
        check::equal("result", event.result, Ok(()))?;
        check::equal("count", event.events[0].events, count as i32)?;
    }
    Ok(())
}

fn disarmed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for clock in [CLOCK_HIGHRES, CLOCK_REALTIME] {
        let timer = Timer::to_port(&port, clock, 3)?;
        timer.every(20 * MSEC)?;
        timer.arm(0)?;
        check::refused(
            "disarmed",
            port.get(Timeout::After(100 * MSEC)),
            Errno::ETIME,
        )?;
        timer.every(20 * MSEC)?;
        timer.delete()?;
        check::refused(
            "deleted",
            port.get(Timeout::After(100 * MSEC)),
            Errno::ETIME,
        )?;
    }
    Ok(())
}

fn disarm_queued(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 3)?;
    timer.every(MSEC)?;
    ctx.sys.sleep(4 * MSEC + MSEC / 2);
    timer.arm(0)?;
    ctx.sys.sleep(10 * MSEC);
    check::equal(
        "queued event",
        port.get(Timeout::Poll)?,
        event_of(&timer, 4, 3),
    )?;
    timer.arm(MSEC)?;
    check::equal(
        "armed again",
        port.get(Timeout::Never)?,
        event_of(&timer, 1, 3),
    )
}

fn settings(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for clock in [CLOCK_HIGHRES, CLOCK_REALTIME] {
        let timer = Timer::to_port(&port, clock, 0)?;
        check::equal("of a new timer", timer.get()?, Itimer::default())?;
        let setting = Itimer {
            interval: 40 * MSEC,
            value: 30 * MSEC,
        };
        check::equal("old", timer.set(false, setting)?, Itimer::default())?;
        check::equal("at once", timer.get()?, setting)?;
        ctx.sys.sleep(10 * MSEC);
        let left = |value| Itimer {
            interval: 40 * MSEC,
            value,
        };
        check::equal("later", timer.get()?, left(20 * MSEC))?;
        port.get(Timeout::Never)?;
        ctx.sys.sleep(10 * MSEC);
        // An expiration by the wall clock is late by up to a tick; the dates do not move.
        let second = timer.get()?;
        check::within("second round", second.value, 20 * MSEC, 30 * MSEC)?;
        check::equal("old again", timer.set(false, Itimer::once(MSEC))?, second)?;
        port.get(Timeout::Never)?;
        check::equal("after the only one", timer.get()?.value, 0)?;
        timer.delete()?;
    }
    Ok(())
}

/// `timer_create` with the given `struct sigevent` and a good place for the number.
fn create_raw(ctx: &Ctx<'_>, clock: i32, event: usize) -> Result<Result<i32, Errno>, Failure> {
    let id = UserBuf::new(ctx.sys, 4)?;
    let made = ctx.sys.timer_create(clock, event, id.addr());
    Ok(made.map(|()| id.read_ints(1)[0]))
}

fn bad_notifications(ctx: &Ctx<'_>) -> Verdict {
    let model = ctx.sys.model();
    // One slot: whatever is left behind by a failure is missing later.
    let port = ctx.port_of(1)?;
    let target = port_notify(model, port.fd(), 5);
    let good = UserBuf::new(ctx.sys, target.len())?;
    good.write(&target);

    let create = |notify: i32, signo: i32, value: usize| {
        let event = sigevent(model, notify, signo, value);
        let memory = UserBuf::new(ctx.sys, event.len())?;
        memory.write(&event);
        create_raw(ctx, CLOCK_HIGHRES, memory.addr())
    };
    for notify in [0, 5, -1, i32::MAX] {
        let made = create(notify, 0, good.addr())?;
        check::refused(format!("sigev_notify {notify}"), made, Errno::EINVAL)?;
    }
    for signo in [0, -1, 74, i32::MAX] {
        let made = create(2, signo, 0)?;
        check::refused(format!("signal {signo}"), made, Errno::EINVAL)?;
    }
    let event = sigevent(model, 4, 0, good.addr());
    let memory = UserBuf::new(ctx.sys, event.len())?;
    memory.write(&event);
    for clock in [-1, 6, i32::MAX, i32::MIN, CLOCK_THREAD_CPUTIME_ID] {
        let made = create_raw(ctx, clock, memory.addr())?;
        check::refused(format!("clock {clock}"), made, Errno::EINVAL)?;
    }
    let unmapped = UserBuf::unmapped(ctx.sys, 64)?;
    let made = create_raw(ctx, CLOCK_HIGHRES, unmapped.addr())?;
    check::refused("sigevent unmapped", made, Errno::EFAULT)?;
    check::refused(
        "port_notify_t unmapped",
        create(4, 0, unmapped.addr())?,
        Errno::EFAULT,
    )?;
    let cut = UserBuf::cut(ctx.sys, target.len(), target.len() - 4)?;
    cut.write(&target[..target.len() - 4]);
    check::refused(
        "port_notify_t cut",
        create(4, 0, cut.addr())?,
        Errno::EFAULT,
    )?;
    let constant = UserBuf::read_only(ctx.sys, 4, &[])?;
    for id in [0, 1, unmapped.addr(), constant.addr()] {
        let made = ctx.sys.timer_create(CLOCK_HIGHRES, memory.addr(), id);
        check::refused(format!("timer_t at {id:#x}"), made, Errno::EFAULT)?;
    }
    // Nothing is left behind: the slot is free, and so is the first number.
    let id = create(4, 0, good.addr())?;
    check::equal("number", id, Ok(0))?;
    // Old programs have a shorter structure.
    ctx.sys.timer_delete(0)?;
    let short = &event[..if model == Model::Lp64 { 24 } else { 12 }];
    let memory = UserBuf::new(ctx.sys, short.len())?;
    memory.write(short);
    check::equal(
        "short sigevent",
        create_raw(ctx, CLOCK_HIGHRES, memory.addr())?,
        Ok(0),
    )
}

fn bad_ports(ctx: &Ctx<'_>) -> Verdict {
    let make = |port: i32| {
        let notify = Notify::Port { port, user: 0 };
        Timer::create(ctx.sys, CLOCK_HIGHRES, notify).map(|timer| timer.id())
    };
    check::refused("closed", make(ctx.closed()?), Errno::EBADF)?;
    check::refused("no port", make(ctx.null()?), Errno::EBADFD)?;
    for fd in [-1, i32::MIN, i32::MAX] {
        check::refused(format!("descriptor {fd}"), make(fd), Errno::EBADF)?;
    }
    let port = ctx.port()?;
    check::equal("a port", make(port.fd()), Ok(0))
}

fn bad_settings(ctx: &Ctx<'_>) -> Verdict {
    let model = ctx.sys.model();
    let port = ctx.port()?;
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 3)?;
    timer.arm(20 * MSEC)?;
    let spec = |sec, nsec| Timespec { sec, nsec };
    let zero = spec(0, 0);
    let bad = [
        spec(-1, 0),
        spec(0, -1),
        spec(0, 1_000_000_000),
        spec(0, i64::from(i32::MIN)),
    ];
    let set = |interval, value| {
        let bytes = itimerspec(model, interval, value);
        let new = UserBuf::new(ctx.sys, bytes.len())?;
        new.write(&bytes);
        ctx.sys.timer_settime(timer.id(), false, new.addr(), 0)
    };
    for bad in bad {
        check::refused(format!("value {bad:?}"), set(zero, bad), Errno::EINVAL)?;
        let armed = set(bad, spec(0, 5));
        check::refused(format!("interval {bad:?}"), armed, Errno::EINVAL)?;
    }
    let unmapped = UserBuf::unmapped(ctx.sys, 64)?;
    let bytes = itimerspec(model, zero, spec(0, 5));
    let good = UserBuf::new(ctx.sys, bytes.len())?;
    good.write(&bytes);
    let set = |new, old| ctx.sys.timer_settime(timer.id(), false, new, old);
    check::refused("no setting", set(unmapped.addr(), 0), Errno::EFAULT)?;
    check::refused("no room", set(good.addr(), unmapped.addr()), Errno::EFAULT)?;
    let get = ctx.sys.timer_gettime(timer.id(), unmapped.addr());
    check::refused("no room", get, Errno::EFAULT)?;
    let get = ctx.sys.timer_gettime(timer.id(), 0);
    check::refused("no address", get, Errno::EFAULT)?;
    // The setting before all that is still there.
    check::that("armed", timer.get()?.value > 0)?;
    check::equal("event", port.get(Timeout::Never)?, event_of(&timer, 1, 3))?;
    // Without a value the interval does not matter.
    let bytes = itimerspec(model, bad[0], zero);
    good.write(&bytes);
    check::equal("disarming", set(good.addr(), 0), Ok(()))
}

fn bad_numbers(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let gone = Timer::to_port(&port, CLOCK_HIGHRES, 0)?;
    let kept = Timer::to_port(&port, CLOCK_HIGHRES, 0)?;
    gone.delete()?;
    for id in [gone.id(), kept.id() + 1, 8, 1 << 20, -1, i32::MIN, i32::MAX] {
        let timer = Timer::at(ctx.sys, id);
        check::refused(format!("gettime of {id}"), timer.get(), Errno::EINVAL)?;
        check::refused(format!("settime of {id}"), timer.arm(1), Errno::EINVAL)?;
        check::refused(format!("delete of {id}"), timer.delete(), Errno::EINVAL)?;
        check::refused(format!("overrun of {id}"), timer.overrun(), Errno::EINVAL)?;
    }
    kept.delete()?;
    check::refused("delete twice", kept.delete(), Errno::EINVAL)
}

fn limit(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let timers: Vec<Timer<'_>> = (0..TIMER_MAX)
        .map(|user| Timer::to_port(&port, CLOCK_HIGHRES, user))
        .collect::<Result<_, _>>()?;
    let more = Timer::to_port(&port, CLOCK_HIGHRES, 0).map(|timer| timer.id());
    check::refused("one more", more, Errno::EAGAIN)?;
    timers.iter().try_for_each(|timer| timer.arm(MSEC))?;
    let batch = port.getn(2048, TIMER_MAX as u32, Timeout::Never);
    check::equal("result", batch.result, Ok(()))?;
    let mut users = batch.users();
    users.sort_unstable();
    check::equal("events", users, (0..TIMER_MAX as u64).collect())?;
    timers[500].delete()?;
    let again = Timer::to_port(&port, CLOCK_HIGHRES, 0)?;
    check::equal("number", again.id(), timers[500].id())
}

fn signal_overruns(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for notify in [Notify::Signal(16), Notify::Default] {
        let timer = Timer::create(ctx.sys, CLOCK_HIGHRES, notify)?;
        timer.every(MSEC)?;
        // The first expiration ends the wait; the signal is taken at once.
        check::refused("wait", port.get(Timeout::Never), Errno::EINTR)?;
        check::equal("overruns", timer.overrun()?, 0)?;
        // A sleep that signals do not end.
        ctx.sys.sleep(10 * MSEC + MSEC / 2);
        check::equal("overruns of the next", timer.overrun()?, 9)?;
        timer.arm(0)?;
        timer.delete()?;
    }
    check::equal("events", port.queued()?, 0)
}
