//! libvarpd: more threads in `port_get` than processors, with injected events (C20).

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::consumer_io::drain;
use super::prelude::*;
use crate::{CLOCK_HIGHRES, Timer, poll};

pub(super) const CASES: &[Case] = &[
    case("consumer.c20_threads_and_injections", "C20 S73", libvarpd),
    case(
        "consumer.c20_timer_injections_and_a_socket",
        "C20 C26 S19 S73 S84",
        libvarpd_all,
    )
    .needs(Caps::VIRTUAL_CLOCK),
];

/// 2*ncpu+1 daemon threads in `port_get`, injections from four others: the count is exact.
fn libvarpd(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (daemons, senders, each) = (9, 4, 500_usize);
    let mut takers = Vec::new();
    for _ in 0..daemons {
        takers.push(ctx.spawn(move |sys| -> Result<u64, Errno> {
            let mut count = 0;
            while Port::at(sys, fd).get(Timeout::Never)?.events != 2 {
                count += 1;
            }
            Ok(count)
        })?);
    }
    let mut tasks = Vec::new();
    for _ in 0..senders {
        tasks.push(ctx.spawn(move |sys| Port::at(sys, fd).send_all(0..each))?);
    }
    for task in tasks {
        task.join()??;
    }
    for _ in 0..daemons {
        port.send(2, 0)?;
    }
    let mut count = 0;
    for taker in takers {
        count += taker.join()??;
    }
    check::equal("events", count, (senders * each) as u64)?;
    ctx.expect_queue(port, &[])
}

/// What the daemons count.
#[derive(Default)]
struct Counts {
    users: AtomicUsize,
    ticks: AtomicUsize,
    bytes: AtomicUsize,
    busy: AtomicBool,
}

/// One of the daemons, until event 2. Any error would be its end.
fn libvarpd_daemon(sys: &dyn System, fd: i32, counts: &Counts) -> Result<(), Errno> {
    let port = Port::at(sys, fd);
    loop {
        let event = port.get(Timeout::Never)?;
        match i32::from(event.source) {
            source::USER if event.events == 2 => return Ok(()),
            source::USER => counts.users.fetch_add(1, Ordering::Relaxed),
            source::TIMER => counts
                .ticks
                .fetch_add(event.events as usize, Ordering::Relaxed),
            _ => {
                let socket = event.object as i32;
                if counts.busy.swap(true, Ordering::AcqRel) {
                    return Err(Errno::EBUSY);
                }
                let (bytes, _) = drain(sys, socket)?;
                sys.pause();
                counts.busy.store(false, Ordering::Release);
                port.associate_fd(socket, poll::IN, 3)?;
                counts.bytes.fetch_add(bytes, Ordering::Relaxed)
            }
        };
    }
}

/// Injections from four threads, a timer of 10 ms, a socket that is armed again after each event:
/// the counts are exact and the socket has one handler at a time.
fn libvarpd_all(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (daemons, senders) = (9, 4);
    let each: usize = if ctx.seed() == 1 { 25_000 } else { 2_500 };
    let counts = Arc::new(Counts::default());
    let mut takers = Vec::new();
    for _ in 0..daemons {
        let counts = Arc::clone(&counts);
        takers.push(ctx.spawn(move |sys| libvarpd_daemon(sys, fd, &counts))?);
    }
    let (socket, peer) = ctx.socketpair()?;
    ctx.sys.set_nonblocking(socket, true)?;
    port.associate_fd(socket, poll::IN, 3)?;
    let timer = Timer::to_port(&port, CLOCK_HIGHRES, 1)?;
    timer.every(10 * MSEC)?;
    let mut tasks = Vec::new();
    for _ in 0..senders {
        tasks.push(ctx.spawn(move |sys| -> Result<(), Errno> {
            for user in 0..each {
                Port::at(sys, fd).send(1, user)?;
                if user % (each / 50) == 0 {
                    sys.sleep(4 * MSEC);
                    sys.write(peer, b".")?;
                }
            }
            Ok(())
        })?);
    }
    for task in tasks {
        task.join()??;
    }
    // The senders have slept 50 times 4 ms: the timer is stopped half a period later.
    ctx.sys.sleep(5 * MSEC);
    timer.arm(0)?;
    ctx.settle();
    check::equal("events left while daemons sleep", port.queued(), Ok(0))?;
    for _ in 0..daemons {
        port.send(2, 0)?;
    }
    for taker in takers {
        check::equal("a daemon", taker.join()?, Ok(()))?;
    }
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    check::equal("injections", count(&counts.users), senders * each)?;
    check::equal("expirations", count(&counts.ticks), 20)?;
    check::equal("bytes", count(&counts.bytes), senders * 50)?;
    timer.delete()?;
    ctx.expect_queue(port, &[])
}
