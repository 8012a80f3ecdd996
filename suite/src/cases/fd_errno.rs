//! Associations that are refused (S25, S26, S27): one clear error, nothing left behind.

use super::fd::{POLLET, expect_event, expect_none, put, ready_pipe};
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::{Fault, poll};

pub(super) const CASES: &[Case] = &[
    case("fd.numbers_that_are_no_descriptor", "S25", numbers).both(),
    case("fd.number_above_32_bits", "S25 S94", wide),
    case("fd.closed_descriptor", "S25", closed).both(),
    case("fd.unpollable_device_gives_enxio", "S27", unpollable),
    case(
        "fd.edge_on_a_regular_file_gives_eperm",
        "S27 D11",
        edge_on_file,
    )
    .both(),
    case(
        "fd.failed_reassociation_by_the_owner_ends_it",
        "S27 S28 D11",
        failed_again,
    )
    .needs(Caps::RCTL),
    case("fd.unknown_bits", "S22 S27", unknown_bits).both(),
    case("fd.refused_at_the_slot_limit", "S27 S28 S95", slot_limit).needs(Caps::RCTL),
    case("fd.full_port_goes_on_delivering", "S95", full_delivers).needs(Caps::RCTL),
    case(
        "fd.full_port_still_reassociates",
        "S95 S21 S28",
        full_reassociates,
    )
    .needs(Caps::RCTL),
    case("fd.no_memory_for_the_event", "S27", no_memory).needs(Caps::FAULTS.union(Caps::RCTL)),
    case(
        "fd.refused_associations_leave_no_memory",
        "S27 S25",
        no_leftovers,
    )
    .needs(Caps::COUNTERS.union(Caps::RCTL)),
    case(
        "fd.descriptor_of_a_refused_association_is_free",
        "S27 S32",
        usable_after,
    ),
    case("fd.refused_calls_cost_no_event", "S25 S26 S27", queue_stays),
];

/// Associates raw numbers: `object` as it is.
#[track_caller]
fn refused(port: Port<'_>, object: usize, errno: Errno) -> Verdict {
    let made = port.associate(source::FD, object, i32::from(poll::IN), 1);
    check::refused(format!("port_associate of {object:#x}"), made, errno)
}

/// -1, and numbers that no int holds.
fn numbers(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let bad = [-1, -2, i32::MIN, i32::MAX, i32::MAX - 1, 0x7000_0000];
    for number in bad {
        // As a program passes an int and as it passes an unsigned.
        refused(port, number as usize, Errno::EBADFD)?;
        refused(port, number as u32 as usize, Errno::EBADFD)?;
    }
    let (reader, _) = ready_pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 2)?;
    for number in bad {
        refused(port, number as usize, Errno::EBADFD)?;
        let gone = port.dissociate(source::FD, number as u32 as usize);
        check::refused("port_dissociate", gone, Errno::EBADFD)?;
    }
    expect_event(port, Event::of_fd(reader, poll::IN, 2))
}

/// A good number in the low half does not make it good.
fn wide(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, _) = ready_pipe(ctx)?;
    port.associate_fd(reader, poll::IN, 1)?;
    for high in [1 << 32, 1 << 40, 1 << 63, 0xffff_ffff << 32] {
        refused(port, high | reader as usize, Errno::EBADFD)?;
        let gone = port.dissociate(source::FD, high | reader as usize);
        check::refused("port_dissociate", gone, Errno::EBADFD)?;
    }
    expect_event(port, Event::of_fd(reader, poll::IN, 1))
}

/// EBADFD, and EBADF for the port itself comes first.
fn closed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = ctx.closed()?;
    refused(port, fd as usize, Errno::EBADFD)?;
    refused(Port::at(ctx.sys, fd), fd as usize, Errno::EBADF)?;
    refused(
        Port::at(ctx.sys, ctx.null()?),
        port.fd() as usize,
        Errno::EBADFD,
    )?;
    expect_none(port)
}

/// The error of VOP_POLL passes through.
fn unpollable(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = check::granted("open of the device", ctx.sys.open_unpollable())?;
    ctx.keep(fd);
    for _ in 0..3 {
        refused(port, fd as usize, Errno::ENXIO)?;
        check::refused("port_dissociate", port.dissociate_fd(fd), Errno::ENOENT)?;
        expect_none(port)?;
    }
    ctx.sys.close(fd).map_err(Failure::from)
}

/// Without harm, and without POLLET it works.
fn edge_on_file(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let file = ctx.file(b"content")?;
    for user in 0..3 {
        for bits in [POLLET, poll::IN | POLLET, poll::OUT | POLLET] {
            let made = port.associate_fd(file, bits, 1);
            check::refused("port_associate with POLLET", made, Errno::EPERM)?;
            expect_none(port)?;
        }
        port.associate_fd(file, poll::IN, user)?;
        expect_event(port, Event::of_fd(file, poll::IN, user as u64))?;
    }
    Ok(())
}

/// The association that was there is gone with its event and its slot.
fn failed_again(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let file = ctx.file(b"content")?;
    for take_first in [false, true] {
        port.associate_fd(file, poll::IN, 1)?;
        if take_first {
            expect_event(port, Event::of_fd(file, poll::IN, 1))?;
        }
        let made = port.associate_fd(file, poll::IN | POLLET, 2);
        check::refused("port_associate with POLLET", made, Errno::EPERM)?;
        expect_none(port)?;
        check::refused("port_dissociate", port.dissociate_fd(file), Errno::ENOENT)?;
        expect_free_slots(port, 2)?;
    }
    ctx.sys.close(file).map_err(Failure::from)
}

/// Bits that mean nothing are neither refused nor reported.
fn unknown_bits(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, writer) = ctx.pipe()?;
    // POLLREMOVE, POLLONESHOT, POLLRDHUP, POLLCLOSED, and everything a short does not hold.
    for unknown in [
        0x0800,
        0x1000,
        0x4000,
        0x8000,
        0x1_0000,
        0x7fff_0000,
        i32::MIN,
    ] {
        let bits = unknown | i32::from(poll::IN);
        port.associate(source::FD, reader as usize, bits, 1)?;
        expect_none(port)?;
        put(ctx.sys, writer)?;
        expect_event(port, Event::of_fd(reader, poll::IN, 1))?;
        port.associate(source::FD, reader as usize, bits, 2)?;
        expect_event(port, Event::of_fd(reader, poll::IN, 2))?;
        super::fd::take(ctx.sys, reader)?;
    }
    Ok(())
}

/// EAGAIN, nothing half made; a slot that comes back can be used.
fn slot_limit(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(3)?;
    let mut pipes = Vec::new();
    for _ in 0..5 {
        pipes.push(ctx.pipe()?);
    }
    for (user, (reader, _)) in pipes.iter().enumerate() {
        let made = port.associate_fd(*reader, poll::IN, user);
        check::equal("port_associate", made.is_ok(), user < 3)?;
        check::that(
            "the error is EAGAIN",
            user < 3 || made == Err(Errno::EAGAIN),
        )?;
    }
    for (_, writer) in &pipes {
        put(ctx.sys, *writer)?;
    }
    ctx.expect_queue(port, &[0, 1, 2])?;
    for (reader, _) in &pipes[3..] {
        check::refused(
            "port_dissociate",
            port.dissociate_fd(*reader),
            Errno::ENOENT,
        )?;
        ctx.sys.close(*reader)?;
    }
    for (reader, _) in &pipes[..3] {
        check::refused(
            "port_dissociate",
            port.dissociate_fd(*reader),
            Errno::ENOENT,
        )?;
    }
    expect_free_slots(port, 3)
}

/// What is associated keeps coming although nothing new is taken in.
fn full_delivers(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let (reader, writer) = ctx.pipe()?;
    let (other, _) = ctx.pipe()?;
    port.associate_fd(reader, poll::IN, 1)?;
    port.send(1, 2)?;
    for _ in 0..3 {
        check::refused("port_send", port.send(1, 9), Errno::EAGAIN)?;
        let made = port.associate_fd(other, poll::IN, 9);
        check::refused("port_associate", made, Errno::EAGAIN)?;
    }
    put(ctx.sys, writer)?;
    ctx.expect_queue(port, &[2, 1])
}

/// A slot that is held already is enough.
fn full_reassociates(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(1)?;
    let (reader, _) = ready_pipe(ctx)?;
    for user in 0..5 {
        port.associate_fd(reader, poll::IN, user)?;
        check::refused("port_send", port.send(1, 9), Errno::EAGAIN)?;
        if user % 2 == 0 {
            expect_event(port, Event::of_fd(reader, poll::IN, user as u64))?;
        }
    }
    Ok(())
}

/// Each allocation that may fail fails once, for the first and for a later association.
fn no_memory(ctx: &Ctx<'_>) -> Verdict {
    let faults = ctx.faults()?;
    for nth in 1..=4 {
        let port = ctx.port_of(4)?;
        let pipes = [ready_pipe(ctx)?, ready_pipe(ctx)?];
        for (reader, _) in pipes {
            faults.inject(Fault::NoSleep(nth));
            let made = port.associate_fd(reader, poll::IN, 1);
            let fired = faults.clear();
            match fired {
                0 => check::equal("port_associate", made, Ok(()))?,
                _ => {
                    check::refused("port_associate", made, Errno::ENOMEM)?;
                    let gone = port.dissociate_fd(reader);
                    check::refused("port_dissociate", gone, Errno::ENOENT)?;
                    expect_free_slots(port, 4)?;
                    port.associate_fd(reader, poll::IN, 1)?;
                }
            }
            expect_event(port, Event::of_fd(reader, poll::IN, 1))?;
            let gone = port.dissociate_fd(reader);
            check::refused("port_dissociate", gone, Errno::ENOENT)?;
        }
        expect_free_slots(port, 4)?;
        port.close()?;
    }
    Ok(())
}

/// A thousand refusals of every kind: what was allocated was freed, and every slot is there.
fn no_leftovers(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2)?;
    let (reader, _) = ctx.pipe()?;
    let (file, full) = (ctx.file(b"")?, ctx.file(b"")?);
    let device = check::granted("open of the device", ctx.sys.open_unpollable())?;
    ctx.keep(device);
    let closed = ctx.closed()?;
    port.associate_fd(reader, poll::IN, 1)?;
    let before = live(ctx)?;
    for _ in 0..250 {
        refused(port, closed as usize, Errno::EBADFD)?;
        refused(port, device as usize, Errno::ENXIO)?;
        let made = port.associate_fd(file, poll::IN | POLLET, 1);
        check::refused("port_associate with POLLET", made, Errno::EPERM)?;
        port.send(1, 1)?;
        refused(port, full as usize, Errno::EAGAIN)?;
        port.get(Timeout::Poll)?;
    }
    check::equal("bytes of kernel memory left", live(ctx)? - before, 0)?;
    expect_free_slots(port, 1)
}

/// Bytes of kernel memory in use.
pub(super) fn live(ctx: &Ctx<'_>) -> Result<i64, Failure> {
    let counters = ctx.counters()?;
    Ok(counters.allocated_bytes as i64 - counters.freed_bytes as i64)
}

/// The refused descriptor can be closed, and its number used again.
fn usable_after(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for _ in 0..3 {
        let file = ctx.file(b"")?;
        let made = port.associate_fd(file, poll::IN | POLLET, 1);
        check::refused("port_associate with POLLET", made, Errno::EPERM)?;
        ctx.sys.close(file)?;
        let next = ctx.file(b"")?;
        check::equal("descriptor", next, file)?;
        port.associate_fd(next, poll::IN, 2)?;
        expect_event(port, Event::of_fd(next, poll::IN, 2))?;
        ctx.sys.close(next)?;
        expect_none(port)?;
    }
    Ok(())
}

/// Bad calls in random order among good ones.
fn queue_stays(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (reader, _) = ready_pipe(ctx)?;
    let file = ctx.file(b"")?;
    port.send(1, 1)?;
    port.associate_fd(reader, poll::IN, 2)?;
    port.send(1, 3)?;
    let mut rng = ctx.rng();
    for _ in 0..300 {
        let bits = rng.bits() as i16;
        let object = (1 << 31) | rng.bits() as usize;
        match rng.below(4) {
            0 => refused(port, object, Errno::EBADFD)?,
            1 => {
                let gone = port.dissociate(source::FD, object);
                check::refused("port_dissociate", gone, Errno::EBADFD)?;
            }
            2 => {
                let made = port.associate_fd(file, bits | POLLET, 9);
                check::refused("port_associate with POLLET", made, Errno::EPERM)?;
            }
            _ => {
                let gone = port.dissociate_fd(file);
                check::refused("port_dissociate", gone, Errno::ENOENT)?;
            }
        }
    }
    ctx.expect_queue(port, &[1, 2, 3])
}
