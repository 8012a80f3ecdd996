//! Many associations on one port, many ports on one descriptor, and the memory that they take.

use super::fd::{expect_event, expect_none, put, ready_pipe, take};
use super::fd_errno::live;
use super::fd_reassociate::expect_free_slots;
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case(
        "fd.load_100000_descriptors_on_one_port",
        "S28 S19",
        descriptors,
    )
    .needs(Caps::DEVICE.union(Caps::RCTL).union(Caps::COUNTERS)),
    case("fd.load_1000_ports_on_one_descriptor", "S19 S32 S24", ports),
    case("fd.load_memory_of_an_association", "S28", memory)
        .needs(Caps::DEVICE.union(Caps::RCTL).union(Caps::COUNTERS)),
    case(
        "fd.load_reassociation_allocates_nothing",
        "S21",
        reassociation,
    )
    .needs(Caps::DEVICE.union(Caps::COUNTERS)),
    case(
        "fd.load_thousands_of_events_in_order",
        "S96 S19 C3 C5",
        events,
    )
    .needs(Caps::DEVICE),
];

/// `portfd_t` and `port_kevent_t` of the C module, in bytes (LP64).
const ASSOCIATION: i64 = 120 + 112;

/// Bytes of table per association that the C module needs at most: twice as many entries as
/// buckets make the table grow, to twice its size.
const TABLE: i64 = 8;

/// Bytes of the first table: 256 buckets.
const FIRST_TABLE: i64 = 256 * 8;

/// Associates `count` descriptors, `each` of which are of one device; answers them device by
/// device, and the bytes of kernel memory that it took.
fn associate_devices(
    ctx: &Ctx<'_>,
    port: Port<'_>,
    count: usize,
    each: usize,
) -> Result<(Vec<i32>, i64), Failure> {
    let mut fds = Vec::new();
    for number in 0..count {
        let fd = match fds.last() {
            Some(last) if number % each != 0 => ctx.sys.dup(*last)?,
            _ => ctx.sys.open_device()?,
        };
        ctx.keep(fd);
        fds.push(fd);
    }
    let before = live(ctx)?;
    for (user, fd) in fds.iter().enumerate() {
        port.associate_fd(*fd, poll::IN, user)?;
    }
    Ok((fds, live(ctx)? - before))
}

/// Idle but for one in a hundred: those come, and nothing else; everything goes again.
fn descriptors(ctx: &Ctx<'_>) -> Verdict {
    const EACH: usize = 100;
    // Once in full; when cases are repeated with other seeds a part of it will do.
    let count = if ctx.seed() == 1 { 100_000 } else { 4_000 };
    let port = ctx.port_of(count as u64)?;
    let (ready, _) = ready_pipe(ctx)?;
    let (fds, bytes) = associate_devices(ctx, port, count, EACH)?;
    let before = live(ctx)? - bytes;
    let most = (ASSOCIATION + TABLE) * count as i64;
    check::within("bytes of kernel memory", bytes, 1, most)?;
    check::refused("port_send", port.send(1, 1), Errno::EAGAIN)?;
    let made = port.associate_fd(ready, poll::IN, 1);
    check::refused("port_associate", made, Errno::EAGAIN)?;
    let active = |user: &usize| user / EACH % 100 == 7;
    for fd in fds.iter().skip(7 * EACH).step_by(100 * EACH) {
        ctx.sys.raise(*fd, poll::IN)?;
    }
    let mut found = Vec::new();
    loop {
        let batch = port.getn(256, 1, Timeout::Poll);
        check::equal("port_getn", batch.result, Ok(()))?;
        if batch.nget == 0 {
            break;
        }
        found.extend(batch.events);
    }
    found.sort_unstable_by_key(|event| event.user);
    let expected: Vec<Event> = (0..count)
        .filter(active)
        .map(|user| Event::of_fd(fds[user], poll::IN, user as u64))
        .collect();
    check::that("the events of the active descriptors", found == expected)?;
    expect_none(port)?;
    // Half of it is dissociated, the rest goes with the port.
    for (user, fd) in fds.iter().enumerate().step_by(2) {
        let gone = port.dissociate_fd(*fd);
        if active(&user) {
            check::refused("port_dissociate after the event", gone, Errno::ENOENT)?;
        } else {
            check::equal("port_dissociate", gone, Ok(()))?;
        }
    }
    expect_none(port)?;
    port.close()?;
    check::within(
        "bytes of kernel memory left",
        live(ctx)? - before,
        -65_536,
        0,
    )
}

/// One write makes a thousand events, one close ends a thousand associations.
fn ports(ctx: &Ctx<'_>) -> Verdict {
    let (reader, writer) = ctx.pipe()?;
    let mut ports = Vec::new();
    for _ in 0..1000 {
        ports.push(ctx.port()?);
    }
    for round in 0..2 {
        for (user, port) in ports.iter().enumerate() {
            port.associate_fd(reader, poll::IN, user + round)?;
        }
        put(ctx.sys, writer)?;
        for (user, port) in ports.iter().enumerate() {
            expect_event(*port, Event::of_fd(reader, poll::IN, (user + round) as u64))?;
        }
        take(ctx.sys, reader)?;
    }
    for (user, port) in ports.iter().enumerate() {
        if user % 2 == 0 {
            port.associate_fd(reader, poll::IN, user)?;
        }
    }
    put(ctx.sys, writer)?;
    ctx.sys.close(reader)?;
    for port in ports {
        expect_none(port)?;
        port.close()?;
    }
    Ok(())
}

/// At no size more than the C module.
fn memory(ctx: &Ctx<'_>) -> Verdict {
    for count in [1, 10, 511, 513, 514, 1025, 2000] {
        let port = ctx.port_of(4096)?;
        let (devices, bytes) = associate_devices(ctx, port, count, 1)?;
        let table = FIRST_TABLE.max(TABLE * count as i64);
        let most = ASSOCIATION * count as i64 + table;
        check::within(format!("bytes for {count} associations"), bytes, 1, most)?;
        let before = live(ctx)?;
        for device in &devices {
            check::equal("port_dissociate", port.dissociate_fd(*device), Ok(()))?;
        }
        let freed = before - live(ctx)?;
        check::within(
            "bytes that dissociation gave back",
            freed,
            bytes - table,
            bytes,
        )?;
        expect_free_slots(port, 4096)?;
        port.close()?;
        for device in devices {
            ctx.sys.close(device)?;
        }
    }
    Ok(())
}

/// A loop that arms again and again costs no memory.
fn reassociation(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let device = ctx.device()?;
    port.associate_fd(device, poll::IN, 0)?;
    let before = ctx.counters()?.thread_allocations;
    for user in 0..100 {
        port.associate_fd(device, poll::IN, user)?;
        if user % 2 == 0 {
            port.associate_fd(device, poll::OUT, user)?;
        }
    }
    let made = ctx.counters()?.thread_allocations - before;
    check::equal("allocations for 150 re-associations", made, 0)
}

/// Batches of growing size take them one after the other.
fn events(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port_of(2_500)?;
    let (devices, _) = associate_devices(ctx, port, 2_500, 1)?;
    let mut order: Vec<usize> = (0..devices.len()).collect();
    ctx.rng().shuffle(&mut order);
    for user in &order {
        ctx.sys.raise(devices[*user], poll::IN)?;
    }
    let (mut found, mut max) = (Vec::new(), 8);
    while found.len() < order.len() {
        let batch = port.getn(max, 1, Timeout::Poll);
        check::equal("port_getn", batch.result, Ok(()))?;
        let left = order.len() - found.len();
        check::equal(
            "events of a batch",
            batch.nget as usize,
            left.min(max as usize),
        )?;
        found.extend(batch.users());
        max = (max * 2).min(1024);
    }
    let expected: Vec<u64> = order.iter().map(|user| *user as u64).collect();
    check::that("every event once, in order", found == expected)
}
