//! What other threads may do while a file is asked what is ready: VOP_POLL may leave the port's
//! cache lock in the middle (S19, S20, S29, S32, D18).

use super::fd::{expect_event, expect_none, ready_pipe};
use super::fd_race::Ran;
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("fd.window_asks_as_often_as_it_must", "S20", asks).needs(Caps::DEVICE),
    case("fd.window_leaves_the_port_usable", "S19 S20", usable).needs(Caps::DEVICE),
    case("fd.window_becomes_ready", "S20", becomes_ready).needs(Caps::DEVICE),
    case("fd.window_dissociate", "S29", dissociate).needs(Caps::DEVICE.union(Caps::RCTL)),
    case("fd.window_dissociate_and_associate", "S21 S29", replaced).needs(Caps::DEVICE),
    case("fd.window_second_associate", "S21", second).needs(Caps::DEVICE),
    case(
        "fd.window_close_of_the_descriptor",
        "S32 S28",
        close_descriptor,
    )
    .needs(Caps::DEVICE.union(Caps::RCTL)),
    case("fd.window_close_of_the_port", "S82 S71", close_port)
        .needs(Caps::DEVICE.union(Caps::KSTAT)),
    case(
        "fd.window_event_of_the_last_association",
        "S19 S21",
        last_event,
    )
    .needs(Caps::DEVICE),
    case(
        "fork.window_owner_closes_the_descriptor",
        "S33 S32 D11",
        owner_closes,
    )
    .needs(Caps::DEVICE.union(Caps::RCTL)),
    case("fork.window_owner_leaves_the_port", "S33 S81", owner_leaves)
        .needs(Caps::DEVICE.union(Caps::RCTL)),
    case(
        "fd.d18_signal_during_the_last_close",
        "D18 S82",
        signal_close,
    )
    .needs(Caps::DEVICE.union(Caps::KSTAT)),
];

/// Starts a thread that associates the device and stays in VOP_POLL.
fn held(
    ctx: &Ctx<'_>,
    port: Port<'_>,
    device: i32,
    user: usize,
) -> Result<Task<Result<(), Errno>>, Failure> {
    let fd = port.fd();
    ctx.sys.hold_poll(device)?;
    let task =
        ctx.spawn_asleep(move |sys| Port::at(sys, fd).associate_fd(device, poll::IN, user))?;
    ctx.expect_asleep("port_associate", &task)?;
    Ok(task)
}

/// Lets it go on; it must succeed.
#[track_caller]
fn let_go(ctx: &Ctx<'_>, device: i32, task: Task<Result<(), Errno>>) -> Verdict {
    ctx.sys.release_poll(device)?;
    ctx.expect_done("port_associate", &task)?;
    check::equal("port_associate", task.join()?, Ok(()))
}

/// Twice for a new association that is not ready (nothing is missed), once afterwards.
fn asks(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    let asked = |what: &str, times: u64| {
        let before = ctx.sys.poll_calls(device)?;
        port.associate_fd(device, poll::IN, 1)?;
        check::equal(what, ctx.sys.poll_calls(device)? - before, times)
    };
    asked("questions at the first association", 2)?;
    asked("questions at a re-association", 1)?;
    ctx.sys.raise(device, poll::IN)?;
    expect_event(port, Event::of_fd(device, poll::IN, 1))?;
    asked("questions when it is ready", 1)?;
    ctx.sys.lower(device, poll::IN)?;
    asked("questions when it is not ready again", 1)?;
    expect_none(port)
}

/// Other descriptors, other events.
fn usable(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    let task = held(ctx, port, device, 1)?;
    let (reader, _) = ready_pipe(ctx)?;
    for user in 2..5 {
        port.associate_fd(reader, poll::IN, user)?;
        expect_event(port, Event::of_fd(reader, poll::IN, user as u64))?;
        port.send(1, 9)?;
        ctx.expect_queue(port, &[9])?;
    }
    check::refused("port_dissociate", port.dissociate_fd(reader), Errno::ENOENT)?;
    let_go(ctx, device, task)?;
    ctx.sys.raise(device, poll::IN)?;
    expect_event(port, Event::of_fd(device, poll::IN, 1))
}

/// Nobody is told of it, so the question has to find it.
fn becomes_ready(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    for bound in [false, true] {
        if bound {
            port.associate_fd(device, 0, 1)?;
        }
        let task = held(ctx, port, device, 2)?;
        ctx.sys.raise(device, poll::IN)?;
        let_go(ctx, device, task)?;
        expect_event(port, Event::of_fd(device, poll::IN, 2))?;
        ctx.sys.lower(device, poll::IN)?;
        check::refused("port_dissociate", port.dissociate_fd(device), Errno::ENOENT)?;
    }
    Ok(())
}

/// It wins: no association, no event, no slot.
fn dissociate(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let device = ctx.device()?;
    for ready in [false, true] {
        let task = held(ctx, port, device, 1)?;
        check::equal("port_dissociate", port.dissociate_fd(device), Ok(()))?;
        if ready {
            ctx.sys.raise(device, poll::IN)?;
        }
        let_go(ctx, device, task)?;
        expect_none(port)?;
        ctx.sys.raise(device, poll::IN)?;
        expect_none(port)?;
        check::refused("port_dissociate", port.dissociate_fd(device), Errno::ENOENT)?;
        expect_free_slots(port, 2)?;
        ctx.sys.lower(device, poll::IN)?;
    }
    Ok(())
}

/// The association that the first thread finds is not the one it made.
fn replaced(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    let first = held(ctx, port, device, 1)?;
    check::equal("port_dissociate", port.dissociate_fd(device), Ok(()))?;
    let second = held(ctx, port, device, 2)?;
    ctx.sys.raise(device, poll::IN)?;
    ctx.sys.release_poll(device)?;
    for task in [first, second] {
        check::equal("port_associate", task.join()?, Ok(()))?;
    }
    expect_event(port, Event::of_fd(device, poll::IN, 2))
}

/// The later one counts, whoever comes back first.
fn second(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    for ready in [false, true] {
        let mut tasks = Vec::new();
        for user in 1..=4 {
            tasks.push(held(ctx, port, device, user)?);
        }
        if ready {
            ctx.sys.raise(device, poll::IN)?;
        }
        ctx.sys.release_poll(device)?;
        for task in tasks {
            check::equal("port_associate", task.join()?, Ok(()))?;
        }
        ctx.sys.raise(device, poll::IN)?;
        expect_event(port, Event::of_fd(device, poll::IN, 4))?;
        ctx.sys.lower(device, poll::IN)?;
    }
    Ok(())
}

/// The close waits for the call, and takes the association along.
fn close_descriptor(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    for ready in [false, true] {
        let device = ctx.device()?;
        let copy = ctx.sys.dup(device)?;
        ctx.keep(copy);
        let task = held(ctx, port, device, 1)?;
        let closer = ctx.spawn_asleep(move |sys| sys.close(device))?;
        ctx.expect_asleep("close", &closer)?;
        if ready {
            ctx.sys.raise(copy, poll::IN)?;
        }
        ctx.sys.release_poll(copy)?;
        both_end(ctx, task, closer)?;
        expect_none(port)?;
        expect_free_slots(port, 2)?;
        ctx.sys.close(copy)?;
    }
    Ok(())
}

/// A call and the close of a descriptor that it uses have ended, in whatever order.
fn both_end(ctx: &Ctx<'_>, call: Task<Ran>, closer: Task<Ran>) -> Verdict {
    ctx.expect_done("port_associate", &call)?;
    // EBADF: the kernel's word for a call whose descriptor was closed under it.
    let made = call.join()?;
    check::that(
        "port_associate ends",
        matches!(made, Ok(()) | Err(Errno::EBADF)),
    )?;
    ctx.expect_done("close", &closer)?;
    check::equal("close", closer.join()?, Ok(()))
}

/// The port goes when the call is over; the device does not care.
fn close_port(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let device = ctx.device()?;
    for ready in [false, true] {
        let port = ctx.port()?;
        let fd = port.fd();
        let task = held(ctx, port, device, 1)?;
        let closer = ctx.spawn_asleep(move |sys| sys.close(fd))?;
        if ready {
            ctx.sys.raise(device, poll::IN)?;
        }
        ctx.sys.release_poll(device)?;
        both_end(ctx, task, closer)?;
        check::equal("kstat", ctx.sys.ports_kstat()?, before)?;
        ctx.sys.raise(device, poll::IN | poll::HUP)?;
        ctx.sys.lower(device, poll::IN | poll::HUP)?;
    }
    Ok(())
}

/// Associated, ready, retrieved and associated again, all in the window of an earlier call: that
/// call must not send for the later one.
fn last_event(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let device = ctx.device()?;
    port.associate_fd(device, poll::IN, 1)?;
    let task = held(ctx, port, device, 2)?;
    // The association is on the device already: the interrupt finds it.
    ctx.sys.raise(device, poll::IN)?;
    expect_event(port, Event::of_fd(device, poll::IN, 2))?;
    let again =
        ctx.spawn_asleep(move |sys| Port::at(sys, fd).associate_fd(device, poll::OUT, 3))?;
    ctx.sys.release_poll(device)?;
    check::equal("first port_associate", task.join()?, Ok(()))?;
    check::equal("second port_associate", again.join()?, Ok(()))?;
    expect_none(port)?;
    ctx.sys.raise(device, poll::OUT)?;
    expect_event(port, Event::of_fd(device, poll::OUT, 3))
}

/// A child that arms its parent's association finds it gone.
fn owner_closes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let fd = port.fd();
    let device = ctx.device()?;
    let copy = ctx.sys.dup(device)?;
    ctx.keep(copy);
    port.associate_fd(device, poll::IN, 1)?;
    ctx.sys.hold_poll(device)?;
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        check::equal(
            "port_associate",
            port.associate_fd(device, poll::IN, 2),
            Ok(()),
        )?;
        expect_none(port)?;
        check::refused("port_dissociate", port.dissociate_fd(device), Errno::ENOENT)?;
        Ok(0)
    })?;
    ctx.sys.close(device)?;
    expect_free_slots(port, 2)?;
    ctx.sys.raise(copy, poll::IN)?;
    ctx.sys.release_poll(copy)?;
    child.wait()?;
    expect_none(port)
}

/// So does one whose parent leaves the port.
fn owner_leaves(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let fd = port.fd();
    let device = ctx.device()?;
    port.associate_fd(device, poll::IN, 1)?;
    ctx.sys.hold_poll(device)?;
    let child = ctx.fork_asleep(move |ctx| {
        let port = Port::at(ctx.sys, fd);
        check::equal(
            "port_associate",
            port.associate_fd(device, poll::IN, 2),
            Ok(()),
        )?;
        expect_none(port)?;
        expect_free_slots(port, 2)?;
        port.associate_fd(device, poll::IN, 3)?;
        expect_event(port, Event::of_fd(device, poll::IN, 3))?;
        check::refused("port_dissociate", port.dissociate_fd(device), Errno::ENOENT)?;
        Ok(0)
    })?;
    port.close()?;
    ctx.sys.raise(device, poll::IN)?;
    ctx.sys.release_poll(device)?;
    child.wait().map(drop)
}

/// The last close waits for a thread that is closing an associated descriptor; a signal neither
/// ends the wait nor makes it spin.
fn signal_close(ctx: &Ctx<'_>) -> Verdict {
    let before = ctx.sys.ports_kstat()?;
    let port = ctx.port()?;
    let device = ctx.device()?;
    let copy = ctx.sys.dup(device)?;
    ctx.keep(copy);
    port.associate_fd(device, poll::IN, 1)?;
    // Keeps the descriptor in use, and so its close waiting.
    let other = ctx.port()?;
    let task = held(ctx, other, device, 2)?;
    let close_device = ctx.spawn_asleep(move |sys| sys.close(device))?;
    ctx.expect_asleep("close of the descriptor", &close_device)?;
    let fd = port.fd();
    let close_port = ctx.spawn_asleep(move |sys| sys.close(fd))?;
    ctx.expect_asleep("close of the port", &close_port)?;
    for _ in 0..3 {
        close_port.signal()?;
        ctx.expect_asleep("close of the port", &close_port)?;
    }
    ctx.sys.release_poll(copy)?;
    ctx.expect_done("port_associate", &task)?;
    task.join()?
        .or_else(|errno| check::equal("port_associate", errno, Errno::EBADF))?;
    ctx.expect_done("close of the descriptor", &close_device)?;
    check::equal("close of the descriptor", close_device.join()?, Ok(()))?;
    ctx.expect_done("close of the port", &close_port)?;
    check::equal("close of the port", close_port.join()?, Ok(()))?;
    other.close()?;
    check::equal("kstat", ctx.sys.ports_kstat()?, before)
}
