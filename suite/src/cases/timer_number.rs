//! Timers whose port has another number than they know (D10).
//!
//! The kernel finds the port of a timer by the number of the descriptor that it was made through;
//! a program may do with its descriptors what it likes.

use super::prelude::*;
use super::timer::event_of;
use crate::{CLOCK_HIGHRES, Timer};

pub(super) const CASES: &[Case] = &[
    case(
        "timer.d10_last_close_of_a_dup_unread",
        "S82 S86 D10",
        last_close_unread,
    )
    .both()
    .needs(Caps::VIRTUAL_CLOCK),
    case(
        "timer.d10_last_close_of_a_dup_armed",
        "S82 S86 D10",
        last_close_armed,
    )
    .needs(Caps::VIRTUAL_CLOCK),
    case(
        "timer.d10_classic_last_close_of_a_dup",
        "S82 S86 D10",
        last_close_unread,
    )
    .classic()
    .needs(Caps::VIRTUAL_CLOCK),
    case(
        "timer.d10_delete_when_the_number_is_free",
        "S85 D10",
        delete_free_number,
    )
    .needs(Caps::VIRTUAL_CLOCK.union(Caps::RCTL)),
    case(
        "timer.d10_delete_when_the_number_is_no_port",
        "S85 D10",
        delete_no_port,
    )
    .needs(Caps::VIRTUAL_CLOCK),
    case(
        "timer.d10_delete_when_the_number_is_another_port",
        "S85 D10",
        delete_other_port,
    )
    .needs(Caps::VIRTUAL_CLOCK),
    case(
        "timer.d10_close_of_another_port_with_the_number",
        "S86 D10",
        close_other_port,
    )
    .needs(Caps::VIRTUAL_CLOCK),
    case(
        "timer.d10_close_of_another_port_with_the_first_number",
        "S86 D10",
        close_other_first_port,
    )
    .needs(Caps::VIRTUAL_CLOCK),
    case("timer.d10_two_ports_change_places", "D10", change_places).needs(Caps::VIRTUAL_CLOCK),
    case("timer.d10_in_a_child", "S79 D10", in_a_child).needs(Caps::VIRTUAL_CLOCK),
    case("timer.d10_port_that_travelled", "S86 D10", travelled).needs(Caps::VIRTUAL_CLOCK),
    case("timer.d10_random_numbers", "S83 S86 D10", random_numbers).needs(Caps::VIRTUAL_CLOCK),
];

/// A port known by a second descriptor only.
fn renumbered<'s>(ctx: &Ctx<'s>) -> Result<(Port<'s>, i32), Failure> {
    let first = ctx.port()?;
    let port = first.dup()?;
    ctx.keep(port.fd());
    first.close()?;
    Ok((port, first.fd()))
}

/// A periodic timer with one unread expiry.
fn unread<'s>(ctx: &Ctx<'s>, port: &Port<'s>, user: usize) -> Result<Timer<'s>, Failure> {
    let timer = Timer::to_port(port, CLOCK_HIGHRES, user)?;
    timer.every(10 * MSEC)?;
    ctx.sys.sleep(15 * MSEC);
    Ok(timer)
}

fn last_close_unread(ctx: &Ctx<'_>) -> Verdict {
    let (port, _) = renumbered(ctx)?;
    let timer = unread(ctx, &port, 7)?;
    check::equal("queued", port.queued()?, 1)?;
    port.close()?;
    // The timer expires again and again without the port.
    ctx.sys.sleep(50 * MSEC);
    check::equal("left", timer.get()?.value, 5 * MSEC)?;
    timer.delete().map_err(Failure::from)
}

fn last_close_armed(ctx: &Ctx<'_>) -> Verdict {
    let (port, _) = renumbered(ctx)?;
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 7)?;
    timer.arm(10 * MSEC)?;
    port.close()?;
    ctx.sys.sleep(50 * MSEC);
    check::equal("left", timer.get()?.value, 0)?;
    timer.arm(10 * MSEC)?;
    timer.delete().map_err(Failure::from)
}

fn delete_free_number(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(1)?;
    let dup = port.dup()?;
    let timer = unread(ctx, &dup, 7)?;
    dup.close()?;
    check::equal("queued", port.queued()?, 1)?;
    timer.delete()?;
    check::equal("queued", port.queued()?, 0)?;
    // The slot came back, and the next timer counts right.
    let timer = unread(ctx, &port, 8)?;
    check::equal("event", port.get(Timeout::Poll)?, event_of(&timer, 1, 8))
}

fn delete_no_port(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let dup = port.dup()?;
    let timer = unread(ctx, &dup, 7)?;
    dup.close()?;
    check::equal("number", ctx.null()?, dup.fd())?;
    timer.delete()?;
    check::equal("queued", port.queued()?, 0)
}

/// Timers of the other port go on, and both ports can be closed.
fn delete_other_port(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let dup = port.dup()?;
    let timers = [unread(ctx, &dup, 7)?, unread(ctx, &dup, 8)?];
    dup.close()?;
    let other = ctx.port()?;
    check::equal("number", other.fd(), dup.fd())?;
    let mine = unread(ctx, &other, 9)?;
    for timer in timers {
        timer.delete()?;
    }
    check::equal("queued", port.queued()?, 0)?;
    check::equal("event", other.get(Timeout::Poll)?, event_of(&mine, 1, 9))?;
    check::equal("next", other.get(Timeout::Never)?, event_of(&mine, 1, 9))?;
    mine.delete()?;
    let mine = unread(ctx, &other, 10)?;
    other.close()?;
    ctx.sys.sleep(20 * MSEC);
    let last = unread(ctx, &port, 11)?;
    check::equal("event", port.get(Timeout::Poll)?, event_of(&last, 1, 11))?;
    mine.delete().map_err(Failure::from)
}

fn close_other_port(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let dup = port.dup()?;
    let timer = unread(ctx, &dup, 7)?;
    dup.close()?;
    let other = ctx.port()?;
    check::equal("number", other.fd(), dup.fd())?;
    Timer::to_port(&other, CLOCK_HIGHRES, 9)?;
    other.close()?;
    check::equal("event", port.get(Timeout::Poll)?, event_of(&timer, 1, 7))?;
    check::equal("next", port.get(Timeout::Never)?, event_of(&timer, 1, 7))
}

fn close_other_first_port(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let dup = port.dup()?;
    ctx.keep(dup.fd());
    let timer = unread(ctx, &port, 7)?;
    port.close()?;
    let other = ctx.port()?;
    check::equal("number", other.fd(), port.fd())?;
    Timer::to_port(&other, CLOCK_HIGHRES, 9)?;
    other.close()?;
    check::equal("event", dup.get(Timeout::Poll)?, event_of(&timer, 1, 7))?;
    check::equal("next", dup.get(Timeout::Never)?, event_of(&timer, 1, 7))?;
    dup.close()?;
    ctx.sys.sleep(30 * MSEC);
    timer.delete().map_err(Failure::from)
}

/// Each of two ports gets the number of the other; then everything goes.
fn change_places(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    let on_a = unread(ctx, &a, 1)?;
    let on_b = unread(ctx, &b, 2)?;
    let spare = a.dup()?;
    ctx.keep(spare.fd());
    ctx.sys.dup2(b.fd(), a.fd())?;
    ctx.sys.dup2(spare.fd(), b.fd())?;
    spare.close()?;
    let (b, a) = (a, b);
    check::equal("on a", a.get(Timeout::Poll)?.user, 1)?;
    check::equal("on b", b.get(Timeout::Poll)?.user, 2)?;
    check::equal("on a", a.get(Timeout::Never)?, event_of(&on_a, 1, 1))?;
    on_a.delete()?;
    a.close()?;
    check::equal("on b", b.get(Timeout::Never)?.user, 2)?;
    b.close()?;
    ctx.sys.sleep(30 * MSEC);
    on_b.delete().map_err(Failure::from)
}

/// The number is the same in parent and child, the port is not.
fn in_a_child(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 7)?;
    timer.every(100 * MSEC)?;
    let child = ctx.fork(move |ctx| {
        let shared = Port::at(ctx.sys, fd).dup()?;
        let timer = unread(ctx, &shared, 8)?;
        ctx.sys.close(fd)?;
        let other = ctx.port()?;
        check::equal("number", other.fd(), fd)?;
        let mine = unread(ctx, &other, 9)?;
        check::equal("shared", shared.get(Timeout::Poll)?.user, 8)?;
        check::equal("own", other.get(Timeout::Poll)?.user, 9)?;
        timer.delete()?;
        other.close()?;
        mine.delete()?;
        unread(ctx, &shared, 10)?;
        Ok(0)
    })?;
    child.wait()?;
    check::equal("event", port.get(Timeout::Never)?, event_of(&timer, 1, 7))?;
    ctx.expect_queue(port, &[])
}

/// The only descriptor of a port is on its way through a socket, and arrives as another number.
fn travelled(ctx: &Ctx<'_>) -> Verdict {
    let (near, far) = ctx.socketpair()?;
    let port = ctx.port()?;
    let before = unread(ctx, &port, 7)?;
    ctx.sys.send_fd(near, port.fd())?;
    port.close()?;
    let other = ctx.port()?;
    check::equal("number", other.fd(), port.fd())?;
    let received = Port::at(ctx.sys, ctx.sys.receive_fd(far)?);
    ctx.keep(received.fd());
    // With its last descriptor the process gave its timer up.
    check::equal("queued", received.queued()?, 0)?;
    let after = unread(ctx, &received, 8)?;
    check::equal(
        "event",
        received.get(Timeout::Poll)?,
        event_of(&after, 1, 8),
    )?;
    other.close()?;
    check::equal(
        "next",
        received.get(Timeout::Never)?,
        event_of(&after, 1, 8),
    )?;
    // Dies on its way, with nobody to receive it.
    ctx.sys.send_fd(near, received.fd())?;
    received.close()?;
    ctx.sys.close(near)?;
    ctx.sys.close(far)?;
    ctx.sys.sleep(30 * MSEC);
    before.delete()?;
    after.delete().map_err(Failure::from)
}

/// Random descriptors of random ports, timers through all of them; every port tells of its own
/// timers only, as long as the process has one of its descriptors.
fn random_numbers(ctx: &Ctx<'_>) -> Verdict {
    const PORTS: usize = 3;
    let mut rng = ctx.rng();
    // Descriptors and the port that each one means; timers and theirs.
    let mut open: Vec<(Port<'_>, usize)> = Vec::new();
    let mut timers: Vec<(Timer<'_>, usize)> = Vec::new();
    let mut generation = [0_usize; PORTS];
    for _ in 0..300 {
        match rng.below(6) {
            0 => {
                let kind = rng.below(PORTS as u64) as usize;
                if !open.iter().any(|(_, of)| *of % PORTS == kind) {
                    generation[kind] += 1;
                    open.push((Port::create(ctx.sys)?, generation[kind] * PORTS + kind));
                }
            }
            1 if !open.is_empty() && open.len() < 12 => {
                let (port, of) = open[rng.below(open.len() as u64) as usize];
                open.push((port.dup()?, of));
            }
            2 if !open.is_empty() => {
                let (port, _) = open.swap_remove(rng.below(open.len() as u64) as usize);
                port.close()?;
            }
            3 if !open.is_empty() && timers.len() < 30 => {
                let (port, of) = open[rng.below(open.len() as u64) as usize];
                let timer = Timer::to_port(&port, CLOCK_HIGHRES, of)?;
                timer.every((1 + rng.below(20)) * MSEC)?;
                timers.push((timer, of));
            }
            4 if !timers.is_empty() => {
                let (timer, _) = timers.swap_remove(rng.below(timers.len() as u64) as usize);
                timer.delete()?;
            }
            _ => ctx.sys.sleep(rng.below(30) * MSEC),
        }
        let Some((port, of)) = open.last() else {
            continue;
        };
        let alive = timers.iter().filter(|(_, on)| on == of).count();
        let batch = port.getn(64, 1, Timeout::Poll);
        check::that("no more events than timers", batch.events.len() <= alive)?;
        for event in &batch.events {
            check::equal("port", event.user, *of as u64)?;
        }
    }
    // Each timer of a port that is still there is heard of.
    for (at, (port, of)) in open.iter().enumerate() {
        if open[..at].iter().any(|(_, before)| before == of) {
            continue;
        }
        ctx.sys.sleep(21 * MSEC);
        let mut heard: Vec<u64> = port
            .getn(64, 1, Timeout::Poll)
            .events
            .iter()
            .map(|event| event.object)
            .collect();
        heard.sort_unstable();
        let mut alive: Vec<u64> = timers
            .iter()
            .filter(|(_, on)| on == of)
            .map(|(timer, _)| timer.id() as u64)
            .collect();
        alive.sort_unstable();
        check::equal("timers", heard, alive)?;
    }
    open.iter().try_for_each(|(port, _)| port.close())?;
    ctx.sys.sleep(30 * MSEC);
    Ok(())
}
