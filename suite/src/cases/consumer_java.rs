//! Java: a selector that associates its channels again before each select, and a group of threads
//! that sit in `port_get` (C17).

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use super::consumer_io::{Told, drain, expect, expect_quiet, pipe, read_byte, ready_pipe};
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case(
        "consumer.c17_each_send_feeds_one_thread",
        "C17 S73",
        java_channels,
    ),
    case(
        "consumer.c17_wakeup_by_user_event",
        "C17 S51",
        java_selector,
    )
    .both(),
    case("consumer.c17_interest_ops", "C17 S21 S29", java_interest).both(),
    case(
        "consumer.c17_channel_group_of_sockets",
        "C17 C26 S19 S73",
        java_group,
    ),
];

/// AsynchronousChannelGroup: N threads in `port_get`, N sends end them, one each.
fn java_channels(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let threads = 12;
    let mut tasks = Vec::new();
    for _ in 0..threads {
        tasks.push(ctx.spawn_asleep(move |sys| {
            let mut fed = 0;
            loop {
                match Port::at(sys, fd).get(Timeout::Never) {
                    Ok(event) if event.user == 0 => return Ok(fed),
                    Ok(_) => fed += 1,
                    Err(errno) => return Err(errno),
                }
            }
        })?);
    }
    port.send_all(1..=200)?;
    ctx.settle();
    check::equal(
        "threads that ended early",
        tasks.iter().filter(|t| t.done()).count(),
        0,
    )?;
    for stopped in 1..=threads {
        port.send(1, 0)?;
        ctx.settle();
        check::equal(
            "threads ended",
            tasks.iter().filter(|t| t.done()).count(),
            stopped,
        )?;
    }
    let mut fed = 0;
    for task in tasks {
        fed += task.join()??;
    }
    check::equal("tasks run", fed, 200)?;
    ctx.expect_queue(port, &[])
}

/// EventPortSelectorImpl: a selector wakes up by a user event; several wakeups may queue up.
fn java_selector(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let selector = ctx
        .spawn_asleep(move |sys| Port::at(sys, fd).getn(1024, 1, Timeout::After(10_000 * MSEC)))?;
    for _ in 0..3 {
        port.send(-1, 0)?;
    }
    let batch = selector.join()?;
    check::equal("result", batch.result, Ok(()))?;
    check::within("wakeups seen at once", batch.nget, 1, 3)?;
    let rest = port.getn(1024, 1, Timeout::Poll);
    check::equal("wakeups in all", batch.nget + rest.nget, 3)?;
    check::that("all are user events", {
        batch
            .events
            .iter()
            .chain(&rest.events)
            .all(|e| e.source == source::USER as u16)
    })
}

/// Interest 0 dissociates; what is left is associated again before the next select; a wakeup comes
/// in one list with ready channels.
fn java_interest(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (quiet, _) = pipe(ctx)?;
    let (ready, _) = ready_pipe(ctx)?;
    let (cancelled, _) = ready_pipe(ctx)?;
    for fd in [quiet, ready, cancelled] {
        port.associate_fd(fd, poll::IN, 0)?;
    }
    check::equal("interest 0", port.dissociate_fd(cancelled), Ok(()))?;
    port.send(-1, 0)?;
    let list = EventList::new(ctx.sys, 255)?;
    let events = [
        Event::of_fd(ready, poll::IN, 0),
        Event::new(source::USER, -1, 0, 0),
    ];
    let batch = port.getn_list(&list, 255, 1, Timeout::After(1000 * MSEC));
    expect("1st select", batch, &events)?;
    port.associate_fd(ready, poll::IN, 0)?;
    port.associate_fd(cancelled, poll::IN, 0)?;
    let events = [
        Event::of_fd(ready, poll::IN, 0),
        Event::of_fd(cancelled, poll::IN, 0),
    ];
    let batch = port.getn_list(&list, 255, 1, Timeout::After(1000 * MSEC));
    expect("2nd select", batch, &events)?;
    check::refused("interest 0", port.dissociate_fd(ready), Errno::ENOENT)?;
    check::equal("interest 0", port.dissociate_fd(quiet), Ok(()))?;
    expect_quiet("3rd select", port)
}

/// A member of the group: reads what a channel has, answers, arms it again, until event 2.
fn java_member(sys: &dyn System, fd: i32, busy: &[AtomicBool]) -> Told {
    let port = Port::at(sys, fd);
    let mut served = 0;
    loop {
        let event = port.get(Timeout::Never)?;
        if i32::from(event.source) == source::USER {
            return Ok(served);
        }
        let (channel, index) = (event.object as i32, event.user as usize);
        if busy[index].swap(true, Ordering::AcqRel) {
            return Err(Errno::EBUSY);
        }
        let (count, end) = drain(sys, channel)?;
        if count > 0 {
            sys.write(channel, &vec![b'!'; count])?;
            served += count as u64;
        }
        busy[index].store(false, Ordering::Release);
        if !end {
            port.associate_fd(channel, poll::IN, index)?;
        }
    }
}

/// Threads in `port_get`, channels armed again after each event: no channel is served by two
/// threads at a time, every request is answered, N sends end N threads.
fn java_group(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (threads, channels, each) = (5, 12, 25);
    let busy: Arc<[AtomicBool]> = (0..channels).map(|_| AtomicBool::new(false)).collect();
    let mut members = Vec::new();
    for _ in 0..threads {
        let busy = Arc::clone(&busy);
        members.push(ctx.spawn_asleep(move |sys| java_member(sys, fd, &busy))?);
    }
    let mut clients = Vec::new();
    for index in 0..channels {
        let (channel, client) = ctx.socketpair()?;
        ctx.sys.set_nonblocking(channel, true)?;
        port.associate_fd(channel, poll::IN, index)?;
        clients.push(ctx.spawn(move |sys| -> Result<(), Errno> {
            for _ in 0..each {
                sys.write(client, b"?")?;
                read_byte(sys, client)?;
            }
            sys.close(client)
        })?);
    }
    for client in clients {
        client.join()??;
    }
    ctx.settle();
    check::equal("events left while threads sleep", port.queued(), Ok(0))?;
    for _ in 0..threads {
        port.send(2, 0)?;
    }
    let mut served = 0;
    for member in members {
        served += member.join()??;
    }
    check::equal("requests", served, (channels * each) as u64)?;
    ctx.expect_queue(port, &[])
}
