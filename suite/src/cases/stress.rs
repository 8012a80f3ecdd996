//! Many threads on one port (C26): every event once, nobody sleeps while there is work.

use super::prelude::*;
use crate::Batch;

pub(super) const CASES: &[Case] = &[
    case("stress.c26_getters_and_senders", "C26 D1 D2 D4", getters),
    case("stress.c26_mixed_waits", "C26 D1 D2 D7", mixed),
    case("stress.c26_with_signals", "C26 D2 S70", signals),
    case("stress.c26_with_timeouts", "C26 D2 D7 S58", timeouts),
    case("stress.c26_two_processes", "C26 D4 S79", processes),
    case("stress.c26_small_port", "C26 S91 S95", small_port).needs(Caps::RCTL),
    case("stress.ports_come_and_go", "S82 S71", come_and_go).needs(Caps::KSTAT),
    case("stress.everything_at_once", "C26 S76 S82 S91", everything),
];

/// Adds a batch's users to `users`; true if a stop was among the events. Stops meant for others go
/// back.
fn keep(port: Port<'_>, batch: &Batch, users: &mut Vec<u64>) -> Result<bool, Errno> {
    let stops = batch.events.iter().filter(|e| e.events == 2).count();
    users.extend(
        batch
            .events
            .iter()
            .filter(|e| e.events == 1)
            .map(|e| e.user),
    );
    for _ in 1..stops {
        port.send(2, 0)?;
    }
    Ok(stops > 0)
}

/// What one taker answers: the cookies it got, or the error that ended it.
type Taken = Result<Vec<u64>, Errno>;

/// Starts `count` threads that send `each` events, numbered without overlap.
fn senders(
    ctx: &Ctx<'_>,
    port: Port<'_>,
    count: usize,
    each: usize,
) -> Result<Vec<Task<Result<(), Errno>>>, Failure> {
    let fd = port.fd();
    let start = |sender: usize| {
        ctx.spawn(move |sys| {
            for number in 0..each {
                Port::at(sys, fd).send(1, sender * each + number)?;
                if number % 8 == 0 {
                    sys.pause();
                }
            }
            Ok(())
        })
    };
    (0..count).map(start).collect()
}

/// All cookies 0..total must be there once.
#[track_caller]
fn exactly_once(takers: Vec<Task<Taken>>, total: usize) -> Verdict {
    let mut users = Vec::new();
    for taker in takers {
        users.extend(taker.join()??);
    }
    users.sort_unstable();
    let twice = users.windows(2).find(|w| w[0] == w[1]).map(|w| w[0]);
    check::equal("event delivered twice", twice, None)?;
    check::equal("events delivered", users.len(), total)?;
    check::equal("events", users, (0..total as u64).collect())
}

/// Ends takers: one event with bits 2 for each.
fn stop(ctx: &Ctx<'_>, port: Port<'_>, takers: usize) -> Verdict {
    ctx.settle();
    check::equal("events left while takers sleep", port.queued(), Ok(0))?;
    for _ in 0..takers {
        port.send(2, 0)?;
    }
    Ok(())
}

/// Plain `port_get` threads and senders.
fn getters(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut takers = Vec::new();
    for _ in 0..6 {
        takers.push(ctx.spawn(move |sys| -> Taken {
            let mut users = Vec::new();
            loop {
                let event = Port::at(sys, fd).get(Timeout::Never)?;
                if event.events == 2 {
                    return Ok(users);
                }
                users.push(event.user);
            }
        })?);
    }
    for sender in senders(ctx, port, 4, 400)? {
        sender.join()??;
    }
    stop(ctx, port, takers.len())?;
    exactly_once(takers, 1600)
}

/// Lists of random size and minimum. At the end only waits that the queue cannot satisfy remain.
fn mixed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let total = 2000;
    let mut takers = Vec::new();
    for _ in 0..6 {
        let mut rng = ctx.rng();
        takers.push(ctx.spawn(move |sys| -> Taken {
            let mut users = Vec::new();
            loop {
                let max = 1 + rng.below(20) as u32;
                let n = 1 + rng.below(u64::from(max)) as u32;
                let batch = Port::at(sys, fd).getn(max, n, Timeout::Never);
                batch.result?;
                if keep(Port::at(sys, fd), &batch, &mut users)? {
                    return Ok(users);
                }
            }
        })?);
    }
    for sender in senders(ctx, port, 4, total / 4)? {
        sender.join()??;
    }
    ctx.settle();
    while takers.iter().any(|t| !t.done()) {
        port.send(2, 0)?;
        ctx.settle();
    }
    exactly_once(takers, total)
}

/// Signals hit the takers all the time.
fn signals(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut takers = Vec::new();
    for _ in 0..4 {
        takers.push(ctx.spawn(move |sys| -> Taken {
            let mut users = Vec::new();
            loop {
                match Port::at(sys, fd).get(Timeout::Never) {
                    Ok(event) if event.events == 2 => return Ok(users),
                    Ok(event) => users.push(event.user),
                    Err(Errno::EINTR) => {}
                    Err(other) => return Err(other),
                }
            }
        })?);
    }
    let mut rng = ctx.rng();
    for user in 0..1000 {
        port.send(1, user)?;
        if rng.below(3) == 0 {
            takers[rng.below(4) as usize].signal()?;
        }
        if rng.below(10) == 0 {
            ctx.settle();
            check::equal("events left while takers sleep", port.queued(), Ok(0))?;
        }
    }
    stop(ctx, port, takers.len())?;
    exactly_once(takers, 1000)
}

/// Takers that give up after a short time and come back; ETIME counts as "nothing".
fn timeouts(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut takers = Vec::new();
    for taker in 1..=4 {
        takers.push(ctx.spawn(move |sys| -> Taken {
            let mut users = Vec::new();
            loop {
                let batch = Port::at(sys, fd).getn(4, 1, Timeout::After(taker * MSEC / 7));
                match batch.result {
                    Ok(()) => {}
                    Err(Errno::ETIME) => continue,
                    Err(other) => return Err(other),
                }
                if keep(Port::at(sys, fd), &batch, &mut users)? {
                    return Ok(users);
                }
            }
        })?);
    }
    let mut rng = ctx.rng();
    for user in 0..600 {
        ctx.sys.sleep(rng.below(MSEC));
        port.send(1, user)?;
    }
    for _ in 0..takers.len() {
        port.send(2, 0)?;
    }
    exactly_once(takers, 600)
}

/// Takers in two processes, with shared and private events.
fn processes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let take = move |sys: &dyn System| -> Result<i64, Errno> {
        let mut sum = 0;
        loop {
            let event = Port::at(sys, fd).get(Timeout::Never)?;
            match (i32::from(event.source), event.events) {
                (source::USER, 2) => return Ok(sum),
                (source::USER, _) => sum += event.user as i64,
                // Private events: their sender's process must be this one.
                _ if event.object == sys.pid() as u64 => sum += event.user as i64,
                _ => return Err(Errno::EACCES),
            }
        }
    };
    let body = move |ctx: &Ctx<'_>| -> Outcome {
        let takers = [ctx.spawn(take)?, ctx.spawn(take)?];
        for user in 1..=200 {
            Port::at(ctx.sys, fd).dispatch(0, source::AIO, 1, ctx.sys.pid() as usize, user)?;
            ctx.sys.pause();
        }
        let mut sum = 0;
        for taker in takers {
            sum += taker.join()??;
        }
        Ok(sum)
    };
    let children = [ctx.fork(body)?, ctx.fork(body)?];
    port.send_all(1..=400)?;
    ctx.settle();
    check::equal("events left while takers sleep", port.queued(), Ok(0))?;
    for _ in 0..4 {
        port.send(2, 0)?;
    }
    let mut sum = 0;
    for child in children {
        sum += child.wait()?;
    }
    check::equal("sum of all events", sum, 2 * 20_100 + 80_200)
}

/// A port of four slots between blocking dispatchers and takers.
fn small_port(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(4)?;
    let fd = port.fd();
    let (threads, each) = (4_usize, 150_usize);
    let mut dispatchers = Vec::new();
    for thread in 0..threads {
        dispatchers.push(ctx.spawn(move |sys| -> Result<(), Errno> {
            for number in 0..each {
                Port::at(sys, fd).dispatch(0, source::AIO, 1, 0, thread * each + number)?;
            }
            Ok(())
        })?);
    }
    let mut takers = Vec::new();
    for _ in 0..3 {
        takers.push(ctx.spawn(move |sys| -> Taken {
            let mut users = Vec::new();
            loop {
                let event = Port::at(sys, fd).get(Timeout::Never)?;
                if event.source == source::USER as u16 {
                    return Ok(users);
                }
                users.push(event.user);
            }
        })?);
    }
    for dispatcher in dispatchers {
        dispatcher.join()??;
    }
    stop(ctx, port, takers.len())?;
    exactly_once(takers, threads * each)
}

/// Ports are made, used by several threads and closed under them.
fn come_and_go(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let mut tasks = Vec::new();
    for thread in 0..3_usize {
        tasks.push(ctx.spawn(move |sys| -> Result<(), Errno> {
            for round in 0..40 {
                let port = Port::create(sys)?;
                let fd = port.fd();
                let waiter = Task::start(sys, move |sys| Port::at(sys, fd).get(Timeout::Never))?;
                if (thread + round) % 2 == 0 {
                    port.send(1, round)?;
                }
                sys.pause();
                port.close()?;
                match waiter.join() {
                    // The number may belong to another port already.
                    Ok(Ok(_)) | Ok(Err(Errno::EBADF)) => {}
                    _ => return Err(Errno::EIO),
                }
            }
            Ok(())
        })?);
    }
    for task in tasks {
        check::equal("thread", task.join()?, Ok(()))?;
    }
    check::equal("kstat", ctx.sys.ports_kstat()?, before)
}

/// Senders, takers, alerts, looks at the length, signals, and at last the close.
fn everything(ctx: &Ctx<'_>) -> Verdict {
    for _ in 0..5 {
        let port = ctx.port()?;
        let fd = port.fd();
        let mut tasks = Vec::new();
        for thread in 0..6_u64 {
            let mut rng = ctx.rng();
            tasks.push(ctx.spawn(move |sys| {
                let port = Port::at(sys, fd);
                loop {
                    let result = match (thread, rng.below(6)) {
                        (_, 0) => port.queued().map(drop),
                        (0, _) => port.send(1, 1),
                        (1, _) => port.dispatch(0, source::MQ, 1, 1, 1),
                        (2, 1) => port.alert(1, 1, 1),
                        (2, _) => port.alert(0, 0, 0),
                        (3, _) => port.getn(5, 3, Timeout::After(MSEC)).result,
                        (4, _) => sys.fstat(fd).map(drop),
                        _ => port.get(Timeout::After(MSEC)).map(drop),
                    };
                    match result {
                        Ok(()) | Err(Errno::ETIME | Errno::EINTR | Errno::EAGAIN) => {
                            // Time must pass, or a thread that never waits stops the clock.
                            sys.sleep(1 + rng.below(MSEC / 50));
                        }
                        Err(errno) => return errno,
                    }
                }
            })?);
        }
        let mut rng = ctx.rng();
        for _ in 0..50 {
            ctx.sys.sleep(MSEC / 20);
            tasks[rng.below(6) as usize].signal()?;
        }
        port.close()?;
        for task in tasks {
            check::equal("the end of a thread", task.join()?, Errno::EBADF)?;
        }
    }
    Ok(())
}
