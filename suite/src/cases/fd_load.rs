//! Many associations on one port, many ports on one descriptor, and the memory that they take.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::fd::{expect_event, expect_none, put, ready_pipe, take};
use super::fd_errno::live;
use super::fd_race::{Ran, join_all};
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
    case(
        "fd.close_of_descriptors_in_a_grown_table",
        "S28 S32",
        closes,
    )
    .needs(Caps::RCTL),
    case(
        "fd.race_table_grows_while_others_leave",
        "S28 S29 S32",
        grows,
    )
    .needs(Caps::RCTL),
];

/// `portfd_t` and `port_kevent_t` of the C module, in bytes (LP64).
const ASSOCIATION: i64 = 120 + 80;

/// Bytes of the C module's table when so many were associated one after the other: 256 buckets of
/// a pointer each, twice as many whenever one more comes to more than two per bucket.
fn table(count: usize) -> i64 {
    let mut buckets = 256;
    while count > 2 * buckets + 1 {
        buckets *= 2;
    }
    8 * buckets as i64
}

/// Bytes that the C module needs for so many associations; the rest (`port_fdcache_t`) is made with
/// the port.
fn memory_in_c(count: usize) -> i64 {
    ASSOCIATION * count as i64 + table(count)
}

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
    // In full with seed 1 and every 50th seed after it; for the others a part of it will do.
    let full = ctx.seed() % 50 == 1;
    let count = if full { 100_000 } else { 4_000 };
    let port = ctx.port_of(count as u64)?;
    let (ready, _) = ready_pipe(ctx)?;
    let (fds, bytes) = associate_devices(ctx, port, count, EACH)?;
    let before = live(ctx)? - bytes;
    check::within("bytes of kernel memory", bytes, 1, memory_in_c(count))?;
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
    for count in [1, 10, 511, 513, 514, 1025, 1026, 2000] {
        let port = ctx.port_of(4096)?;
        let (devices, bytes) = associate_devices(ctx, port, count, 1)?;
        let most = memory_in_c(count);
        check::within(format!("bytes for {count} associations"), bytes, 1, most)?;
        let before = live(ctx)?;
        for device in &devices {
            check::equal("port_dissociate", port.dissociate_fd(*device), Ok(()))?;
        }
        let freed = before - live(ctx)?;
        check::within(
            "bytes that dissociation gave back",
            freed,
            bytes - table(count),
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

/// The kernel finds each of them in the bucket in which the port put it, before the table grew or
/// afterwards; their events go with them.
fn closes(ctx: &Ctx<'_>) -> Verdict {
    const COUNT: usize = 2_000;
    let port = ctx.port_of(COUNT as u64)?;
    let mut pipes = Vec::new();
    for user in 0..COUNT {
        if user == COUNT / 2 {
            // From now on the numbers of the readers are odd if they were even.
            ctx.null()?;
        }
        let (reader, writer) = ctx.pipe()?;
        port.associate_fd(reader, poll::IN, user)?;
        pipes.push((reader, writer));
    }
    check::refused("port_send", port.send(1, 1), Errno::EAGAIN)?;
    ctx.rng().shuffle(&mut pipes);
    for (_, writer) in pipes.iter().step_by(3) {
        put(ctx.sys, *writer)?;
    }
    let (first, rest) = pipes.split_at(COUNT / 2);
    for (reader, _) in first {
        ctx.sys.close(*reader)?;
    }
    let left = (0..COUNT).step_by(3).filter(|at| *at >= COUNT / 2).count();
    check::equal("events of open descriptors", port.queued(), Ok(left as u32))?;
    for (reader, _) in rest {
        ctx.sys.close(*reader)?;
    }
    expect_none(port)?;
    expect_free_slots(port, COUNT)
}

/// The table moves twice under threads that look for what they take out of it.
fn grows(ctx: &Ctx<'_>) -> Verdict {
    const COUNT: usize = 1_500;
    let port = ctx.port_of(COUNT as u64)?;
    let fd = port.fd();
    let mut readers = Vec::new();
    let mut writers = Vec::new();
    for _ in 0..COUNT {
        let (reader, writer) = ctx.pipe()?;
        readers.push(reader);
        writers.push(writer);
    }
    // One in eight is closed, one in eight dissociated: more than 1,024 stay.
    let first = ctx.rng().below(8) as usize;
    let closed = move |user: &usize| user % 8 == first;
    let dissociated = move |user: &usize| user % 8 == (first + 3) % 8;
    let readers = Arc::new(readers);
    let made = Arc::new(AtomicUsize::new(0));
    let (fds, done) = (Arc::clone(&readers), Arc::clone(&made));
    let mut tasks = vec![ctx.spawn(move |sys| {
        let all = fds.iter().enumerate().try_for_each(|(user, reader)| {
            Port::at(sys, fd).associate_fd(*reader, poll::IN, user)?;
            done.store(user + 1, Ordering::Release);
            if user % 8 == 0 {
                sys.pause();
            }
            Ok(())
        });
        done.store(COUNT, Ordering::Release);
        all
    })?];
    let leave = |closes: bool| {
        let (fds, made) = (Arc::clone(&readers), Arc::clone(&made));
        ctx.spawn(move |sys| -> Ran {
            let port = Port::at(sys, fd);
            for user in 0..COUNT {
                while made.load(Ordering::Acquire) <= user {
                    sys.pause();
                }
                if closes && closed(&user) {
                    sys.close(fds[user])?;
                } else if !closes && dissociated(&user) {
                    port.dissociate_fd(fds[user])?;
                    port.associate_fd(fds[user], poll::IN, user)?;
                    port.dissociate_fd(fds[user])?;
                }
            }
            Ok(())
        })
    };
    tasks.extend([leave(true)?, leave(false)?]);
    join_all(tasks)?;
    expect_none(port)?;
    let mut left: Vec<usize> = (0..COUNT)
        .filter(|user| !closed(user) && !dissociated(user))
        .collect();
    ctx.rng().shuffle(&mut left);
    for user in &left {
        put(ctx.sys, writers[*user])?;
    }
    let batch = port.getn(COUNT as u32, 1, Timeout::Poll);
    check::equal("port_getn", batch.result, Ok(()))?;
    let expected: Vec<Event> = left
        .iter()
        .map(|user| Event::of_fd(readers[*user], poll::IN, *user as u64))
        .collect();
    check::that("every event once, in order", batch.events == expected)?;
    for (user, reader) in readers.iter().enumerate() {
        if closed(&user) {
            continue;
        }
        let gone = port.dissociate_fd(*reader);
        check::refused("port_dissociate", gone, Errno::ENOENT)?;
    }
    expect_none(port)?;
    expect_free_slots(port, COUNT)
}
