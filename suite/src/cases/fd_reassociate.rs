//! Associating an associated descriptor, and dissociating one (S21, S28 to S31).

use super::fd::{expect_event, expect_none, put, ready_pipe, take};
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("fd.reassociation_updates_bits_and_user", "S21 S24", updates).both(),
    case("fd.reassociation_cancels_an_unread_event", "S21", cancels),
    case(
        "fd.reassociation_moves_the_event_to_the_end",
        "S21 S96",
        moves,
    ),
    case(
        "fd.reassociation_without_bits_silences",
        "S21 S23",
        silences,
    ),
    case("fd.reassociation_forgets_old_bits", "S21 S22", forgets).needs(Caps::DEVICE),
    case("fd.reassociation_takes_no_second_slot", "S21 S28", one_slot).needs(Caps::RCTL),
    case("fd.dissociate_an_armed_descriptor", "S29", armed).both(),
    case("fd.dissociate_takes_the_queued_event", "S29 C3 C12", queued).both(),
    case(
        "fd.dissociate_after_the_event_gives_enoent",
        "S29 C2 C5",
        retrieved,
    )
    .both(),
    case("fd.dissociate_what_never_was_gives_enoent", "S29", never),
    case("fd.dissociate_order_of_errors", "S31 S25", errors).both(),
    case("fd.dissociate_frees_the_slot", "S28 S29", frees_slot).needs(Caps::RCTL),
    case("fd.event_keeps_its_slot", "S28", keeps_slot).needs(Caps::RCTL),
    case("fd.dissociate_leaves_the_others", "S29 S96", leaves_others),
    case(
        "fd.dissociated_descriptor_stays_silent",
        "S29 C2 C16",
        silent,
    )
    .needs(Caps::DEVICE),
    case(
        "fd.dissociate_takes_back_an_event_for_a_waiter",
        "S29 S80",
        under_waiter,
    ),
    case("fd.dissociate_is_per_port", "S29", per_port),
    case("fd.associate_again_after_dissociate", "S29 S20", again),
];

/// `limit` events fit, one more does not: no slot is in use.
#[track_caller]
pub(super) fn expect_free_slots(port: Port<'_>, limit: usize) -> Verdict {
    check::granted("port_send into the free slots", port.send_all(0..limit))?;
    check::refused("port_send past the limit", port.send(1, 0), Errno::EAGAIN)?;
    let batch = port.getn(limit as u32 + 1, 1, Timeout::Poll);
    check::equal("events of the free slots", batch.nget as usize, limit)
}

/// The last call counts.
fn updates(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (one, other) = ctx.socketpair()?;
    port.associate_fd(one, poll::IN, 1)?;
    port.associate_fd(one, poll::IN, 2)?;
    put(ctx.sys, other)?;
    expect_event(port, Event::of_fd(one, poll::IN, 2))?;
    take(ctx.sys, one)?;
    port.associate_fd(one, poll::IN, 3)?;
    port.associate_fd(one, poll::OUT, 4)?;
    expect_event(port, Event::of_fd(one, poll::OUT, 4))?;
    put(ctx.sys, other)?;
    expect_none(port)
}

/// The old event is gone even when nothing is ready now.
fn cancels(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ready_pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    check::equal("events queued", port.queued(), Ok(1))?;
    take(ctx.sys, reader)?;
    port.associate_fd(reader, poll::IN, 2)?;
    expect_none(port)?;
    put(ctx.sys, writer)?;
    expect_event(port, Event::of_fd(reader, poll::IN, 2))
}

/// A new event takes its place in the queue like any other.
fn moves(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, _) = ready_pipe(ctx)?;
    port.send(1, 1)?;
    port.associate_fd(reader, poll::IN, 2)?;
    port.send(1, 3)?;
    port.associate_fd(reader, poll::IN, 4)?;
    ctx.expect_queue(port, &[1, 3, 4])
}

/// Interest in nothing but the end.
fn silences(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    port.associate_fd(reader, 0, 2)?;
    put(ctx.sys, writer)?;
    expect_none(port)?;
    take(ctx.sys, reader)?;
    ctx.sys.close(writer)?;
    expect_event(port, Event::of_fd(reader, poll::HUP, 2))
}

/// Bits of the event that was cancelled do not come back.
fn forgets(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    port.associate_fd(device, poll::IN, 1)?;
    ctx.sys.raise(device, poll::IN | poll::HUP)?;
    check::equal("events queued", port.queued(), Ok(1))?;
    ctx.sys.lower(device, poll::IN | poll::HUP)?;
    port.associate_fd(device, poll::OUT, 2)?;
    expect_none(port)?;
    ctx.sys.raise(device, poll::OUT)?;
    expect_event(port, Event::of_fd(device, poll::OUT, 2))
}

/// However often it happens.
fn one_slot(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(3)?;
    let (reader, writer) = ctx.pipe()?;
    for round in 0..20 {
        port.associate_fd(reader, poll::IN, round)?;
        if round % 5 == 4 {
            put(ctx.sys, writer)?;
        }
    }
    port.send_all(1..=2)?;
    check::refused("3rd port_send", port.send(1, 3), Errno::EAGAIN)
}

/// Success, and no event any more.
fn armed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    check::equal("port_dissociate", port.dissociate_fd(reader), Ok(()))?;
    put(ctx.sys, writer)?;
    expect_none(port)?;
    check::refused(
        "2nd port_dissociate",
        port.dissociate_fd(reader),
        Errno::ENOENT,
    )
}

/// Success too: an unread event is still an association.
fn queued(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, _) = ready_pipe(ctx)?;
    for fd in [reader, ctx.file(b"")?] {
        port.associate_fd(fd, poll::IN, 1)?;
        check::equal("events queued", port.queued(), Ok(1))?;
        check::equal("port_dissociate", port.dissociate_fd(fd), Ok(()))?;
        expect_none(port)?;
        check::refused("2nd port_dissociate", port.dissociate_fd(fd), Errno::ENOENT)?;
    }
    Ok(())
}

/// Nothing is left to dissociate.
fn retrieved(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, _) = ready_pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    expect_event(port, Event::of_fd(reader, poll::IN, 1))?;
    check::refused("port_dissociate", port.dissociate_fd(reader), Errno::ENOENT)?;
    check::refused(
        "2nd port_dissociate",
        port.dissociate_fd(reader),
        Errno::ENOENT,
    )?;
    port.associate_fd(reader, poll::IN, 2)?;
    expect_event(port, Event::of_fd(reader, poll::IN, 2))
}

/// On a port with other descriptors.
fn never(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ready_pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    check::refused("port_dissociate", port.dissociate_fd(writer), Errno::ENOENT)?;
    let copy = ctx.sys.dup(reader)?;
    ctx.keep(copy);
    check::refused(
        "port_dissociate of a copy",
        port.dissociate_fd(copy),
        Errno::ENOENT,
    )?;
    expect_event(port, Event::of_fd(reader, poll::IN, 1))
}

/// ENOENT before the first association, whatever the number; EBADFD for bad numbers afterwards.
fn errors(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let closed = ctx.closed()?;
    let (reader, _) = ctx.pipe()?;
    for fd in [closed, i32::MAX, reader] {
        check::refused(
            "port_dissociate, fresh port",
            port.dissociate_fd(fd),
            Errno::ENOENT,
        )?;
    }
    let refused = port.associate_fd(i32::MAX, poll::IN, 1);
    check::refused("port_associate", refused, Errno::EBADFD)?;
    check::refused(
        "port_dissociate, still fresh",
        port.dissociate_fd(i32::MAX),
        Errno::ENOENT,
    )?;
    port.associate_fd(reader, poll::IN, 1)?;
    check::equal("port_dissociate", port.dissociate_fd(reader), Ok(()))?;
    check::refused("port_dissociate", port.dissociate_fd(reader), Errno::ENOENT)?;
    let closed = ctx.closed()?;
    for fd in [closed, i32::MAX, -1, i32::MIN] {
        check::refused(
            "port_dissociate, bad number",
            port.dissociate_fd(fd),
            Errno::EBADFD,
        )?;
    }
    Ok(())
}

/// In each state that an association can have.
fn frees_slot(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    check::equal("armed", port.dissociate_fd(reader), Ok(()))?;
    expect_free_slots(port, 2)?;
    put(ctx.sys, writer)?;
    port.associate_fd(reader, poll::IN, 2)?;
    check::equal("queued", port.dissociate_fd(reader), Ok(()))?;
    expect_free_slots(port, 2)?;
    port.associate_fd(reader, poll::IN, 3)?;
    port.get(Timeout::Poll)?;
    check::refused("retrieved", port.dissociate_fd(reader), Errno::ENOENT)?;
    expect_free_slots(port, 2)
}

/// Armed, queued and after the event: one slot.
fn keeps_slot(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let (reader, writer) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    expect_free_slots(port, 1)?;
    put(ctx.sys, writer)?;
    port.send(1, 2)?;
    check::refused("port_send", port.send(1, 3), Errno::EAGAIN)?;
    ctx.expect_queue(port, &[1, 2])?;
    expect_free_slots(port, 1)?;
    ctx.sys.close(reader)?;
    expect_free_slots(port, 2)
}

/// The queue closes its ranks.
fn leaves_others(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let mut readers = Vec::new();
    for user in 0..9 {
        let (reader, _) = ready_pipe(ctx)?;
        port.associate_fd(reader, poll::IN, user)?;
        readers.push(reader);
    }
    for user in [4, 0, 8, 5] {
        check::equal("port_dissociate", port.dissociate_fd(readers[user]), Ok(()))?;
    }
    ctx.expect_queue(port, &[1, 2, 3, 6, 7])
}

/// The object changes again and again, the port hears nothing.
fn silent(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    for round in 0..6 {
        port.associate_fd(device, poll::IN, round)?;
        if round % 2 == 1 {
            ctx.sys.raise(device, poll::IN)?;
        }
        check::equal("port_dissociate", port.dissociate_fd(device), Ok(()))?;
        port.send(1, 100)?;
        ctx.sys.lower(device, poll::IN)?;
        ctx.sys.raise(device, poll::IN | poll::HUP)?;
        ctx.sys.lower(device, poll::IN | poll::HUP)?;
        ctx.expect_queue(port, &[100])?;
    }
    Ok(())
}

/// A thread waits for two events; the first one is taken back under its eyes.
fn under_waiter(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (reader, _) = ready_pipe(ctx)?;
    let waiter = ctx.spawn_asleep(move |sys| Port::at(sys, fd).getn(4, 2, Timeout::Never))?;
    port.associate_fd(reader, poll::IN, 1)?;
    check::equal("port_dissociate", port.dissociate_fd(reader), Ok(()))?;
    port.send(1, 2)?;
    ctx.expect_asleep("port_getn for two events", &waiter)?;
    port.send(1, 3)?;
    ctx.expect_done("port_getn", &waiter)?;
    check::equal("events", waiter.join()?.users(), vec![2, 3])
}

/// The association of the other port stays.
fn per_port(ctx: &Ctx<'_>) -> Verdict {
    let (a, b) = (ctx.port()?, ctx.port()?);
    let (reader, writer) = ctx.pipe()?;
    a.associate_fd(reader, poll::IN, 1)?;
    b.associate_fd(reader, poll::IN, 2)?;
    check::equal("port_dissociate", a.dissociate_fd(reader), Ok(()))?;
    put(ctx.sys, writer)?;
    expect_none(a)?;
    expect_event(b, Event::of_fd(reader, poll::IN, 2))
}

/// A fresh start each time.
fn again(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    for user in 0..5 {
        port.associate_fd(reader, poll::IN, user)?;
        check::equal("port_dissociate", port.dissociate_fd(reader), Ok(()))?;
        port.associate_fd(reader, poll::IN, user + 10)?;
        expect_none(port)?;
        put(ctx.sys, writer)?;
        expect_event(port, Event::of_fd(reader, poll::IN, user as u64 + 10))?;
        take(ctx.sys, reader)?;
    }
    Ok(())
}
