//! libc's own threads in `port_get`: SIGEV_THREAD (C23).

use super::prelude::*;
use crate::{CLOCK_HIGHRES, Notify, PORT_ALERT_SET, Timer};

pub(super) const CASES: &[Case] = &[
    case(
        "consumer.c23_spawner_ends_by_alert",
        "C23 S76 S77",
        libc_spawner,
    )
    .both(),
    case(
        "consumer.c23_spawner_many_times",
        "C23 S82",
        libc_spawner_loop,
    )
    .needs(Caps::KSTAT),
    case(
        "consumer.c23_thread_timers_come_and_go",
        "C23 S83 S85 S87",
        libc_timers,
    )
    .both()
    .needs(Caps::KSTAT),
];

/// libc's SIGEV_THREAD spawner: events until an alert, which stays until the port is closed.
fn libc_spawner(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let spawner = ctx.spawn_asleep(move |sys| -> Result<(u32, Event), Errno> {
        let mut jobs = 0;
        loop {
            let event = Port::at(sys, fd).get(Timeout::Never)?;
            if event.source == source::ALERT as u16 {
                return Ok((jobs, event));
            }
            jobs += 1;
        }
    })?;
    for job in 0..5 {
        port.dispatch(0, source::AIO, 1, job, job)?;
    }
    ctx.settle();
    port.alert(PORT_ALERT_SET, 1, 0x7e)?;
    ctx.expect_done("the spawner", &spawner)?;
    let (jobs, event) = spawner.join()??;
    check::equal("jobs", jobs, 5)?;
    check::equal("alert", event, Event::new(source::ALERT, 1, 0, 0x7e))?;
    for _ in 0..3 {
        check::equal("alert again", port.get(Timeout::Never), Ok(event))?;
    }
    port.alert(0, 0, 0)?;
    check::refused("after the clear", port.get(Timeout::Poll), Errno::ETIME)
}

/// A hundred private ports with their threads come and go without a trace.
fn libc_spawner_loop(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    for round in 0..100 {
        let port = ctx.port()?;
        let fd = port.fd();
        let spawner = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
        port.alert(PORT_ALERT_SET, 1, round)?;
        check::equal("alert", spawner.join()??.user, round as u64)?;
        port.close()?;
    }
    check::equal("kstat", ctx.sys.ports_kstat()?, before)
}

/// A hundred timers, each with a private port and a thread that runs the function: no thread, port
/// or timer number is left behind, whether the timer has expired or is armed still.
fn libc_timers(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let mut number = None;
    for round in 0..100 {
        let port = ctx.port()?;
        let fd = port.fd();
        let notify = Notify::Thread {
            port: fd,
            user: round,
        };
        let timer = Timer::create(ctx.sys, CLOCK_HIGHRES, notify)?;
        let first = *number.get_or_insert(timer.id());
        check::equal("the timer's number", timer.id(), first)?;
        let spawner = ctx.spawn_asleep(move |sys| -> Result<i32, Errno> {
            let port = Port::at(sys, fd);
            let mut calls = 0;
            loop {
                let event = port.get(Timeout::Never)?;
                match i32::from(event.source) {
                    source::TIMER if event.user == round as u64 => calls += event.events,
                    source::ALERT => break,
                    _ => return Err(Errno::EINVAL),
                }
            }
            port.close()?;
            Ok(calls)
        })?;
        timer.arm(MSEC)?;
        let expired = round % 2 == 0;
        if expired {
            ctx.sys.sleep(2 * MSEC);
            ctx.settle();
        }
        timer.delete()?;
        port.alert(PORT_ALERT_SET, 1, 0)?;
        check::equal("calls", spawner.join()?, Ok(i32::from(expired)))?;
    }
    check::equal("kstat", ctx.sys.ports_kstat()?, before)
}
