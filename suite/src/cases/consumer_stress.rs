//! Many threads and many descriptors on one port (C26): every byte is read, nobody sleeps while
//! there is work.

use super::consumer_io::{Told, drain, pipe};
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("consumer.c26_descriptors", "C26 S19 S20", descriptors),
    case(
        "consumer.c26_lists_of_descriptors_and_user_events",
        "C26 S19 S60 D1 D2",
        lists,
    ),
    case(
        "consumer.c26_associations_come_and_go",
        "C26 S21 S29",
        come_and_go,
    ),
    case("consumer.c26_two_processes", "C26 S33 S79 D4", processes),
];

/// The two ends of pipes.
struct Pipes {
    readers: Vec<i32>,
    writers: Vec<i32>,
}

/// Makes pipes and associates them.
fn pipes(ctx: &Ctx<'_>, port: Port<'_>, count: usize) -> Result<Pipes, Failure> {
    let (mut readers, mut writers) = (Vec::new(), Vec::new());
    for index in 0..count {
        let (reader, writer) = pipe(ctx)?;
        port.associate_fd(reader, poll::IN, index)?;
        readers.push(reader);
        writers.push(writer);
    }
    Ok(Pipes { readers, writers })
}

/// Starts threads that write `each` bytes to random pipes.
fn start_writers(
    ctx: &Ctx<'_>,
    pipes: &Pipes,
    count: usize,
    each: usize,
) -> Result<Vec<Task<Told>>, Failure> {
    let mut tasks = Vec::new();
    for _ in 0..count {
        let writers = pipes.writers.clone();
        let mut rng = ctx.rng();
        tasks.push(ctx.spawn(move |sys| {
            for number in 0..each as u64 {
                sys.write(writers[rng.below(writers.len() as u64) as usize], b".")?;
                if number % 16 == 0 {
                    sys.pause();
                }
            }
            Ok(each as u64)
        })?);
    }
    Ok(tasks)
}

/// What a taker does with an event: reads and associates again. `None` is the stop.
fn serve(port: Port<'_>, event: &Event) -> Result<Option<usize>, Errno> {
    if i32::from(event.source) == source::USER {
        return Ok((event.events != 2).then_some(1));
    }
    let reader = event.object as i32;
    let (bytes, _) = drain(port.sys(), reader)?;
    port.associate_fd(reader, poll::IN, event.user as usize)?;
    Ok(Some(bytes))
}

/// One event after the other, until the stop.
fn take(sys: &dyn System, fd: i32) -> Told {
    let port = Port::at(sys, fd);
    let mut total = 0;
    while let Some(count) = serve(port, &port.get(Timeout::Never)?)? {
        total += count as u64;
    }
    Ok(total)
}

/// Every taker sleeps, nothing is queued, no byte is left, and all descriptors are armed: one more
/// byte in each is taken at once. Answers how many these are.
fn settled(ctx: &Ctx<'_>, port: Port<'_>, pipes: &Pipes) -> Result<u64, Failure> {
    ctx.settle();
    check::equal("events left while takers sleep", port.queued(), Ok(0))?;
    for reader in &pipes.readers {
        let left = drain(ctx.sys, *reader)?;
        check::equal("bytes left while takers sleep", left, (0, false))?;
    }
    for writer in &pipes.writers {
        ctx.sys.write(*writer, b".")?;
    }
    ctx.settle();
    check::equal("events of armed descriptors", port.queued(), Ok(0))?;
    Ok(pipes.writers.len() as u64)
}

/// Joins threads and adds up what they counted.
fn sum(tasks: impl IntoIterator<Item = Task<Told>>) -> Result<u64, Failure> {
    let mut total = 0;
    for task in tasks {
        total += task.join()??;
    }
    Ok(total)
}

/// Stops every taker and adds up what they took.
fn stop(port: Port<'_>, takers: Vec<Task<Told>>) -> Result<u64, Failure> {
    for _ in &takers {
        port.send(2, 0)?;
    }
    sum(takers)
}

/// Takers with `port_get`.
fn descriptors(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let pipes = pipes(ctx, port, 20)?;
    let mut takers = Vec::new();
    for _ in 0..6 {
        takers.push(ctx.spawn(move |sys| take(sys, fd))?);
    }
    let mut written = sum(start_writers(ctx, &pipes, 3, 400)?)?;
    written += settled(ctx, port, &pipes)?;
    let total = stop(port, takers)?;
    check::equal("bytes", total, written)
}

/// Takers with lists of random size and minimum 1, user events between.
fn lists(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let pipes = pipes(ctx, port, 20)?;
    let mut takers = Vec::new();
    for _ in 0..5 {
        let mut rng = ctx.rng();
        takers.push(ctx.spawn(move |sys| -> Told {
            let port = Port::at(sys, fd);
            let mut total = 0;
            loop {
                let batch = port.getn(1 + rng.below(12) as u32, 1, Timeout::Never);
                batch.result?;
                let mut stops = 0;
                for event in &batch.events {
                    match serve(port, event)? {
                        Some(count) => total += count as u64,
                        None => stops += 1,
                    }
                }
                if stops > 0 {
                    // Stops meant for others go back.
                    (1..stops).try_for_each(|_| port.send(2, 0))?;
                    return Ok(total);
                }
            }
        })?);
    }
    let tasks = start_writers(ctx, &pipes, 3, 300)?;
    port.send_all(0..300)?;
    let mut written = 300 + sum(tasks)?;
    written += settled(ctx, port, &pipes)?;
    let total = stop(port, takers)?;
    check::equal("bytes and user events", total, written)
}

/// Another thread dissociates and associates the same descriptors all the time: an association is
/// never lost, an event never stays behind.
fn come_and_go(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let pipes = pipes(ctx, port, 10)?;
    let mut takers = Vec::new();
    for _ in 0..4 {
        takers.push(ctx.spawn(move |sys| take(sys, fd))?);
    }
    let tasks = start_writers(ctx, &pipes, 2, 400)?;
    let mut meddlers = Vec::new();
    for _ in 0..2 {
        let readers = pipes.readers.clone();
        let mut rng = ctx.rng();
        meddlers.push(ctx.spawn(move |sys| -> Told {
            let port = Port::at(sys, fd);
            for _ in 0..300 {
                let index = rng.below(readers.len() as u64) as usize;
                match port.dissociate_fd(readers[index]) {
                    Ok(()) | Err(Errno::ENOENT) => {}
                    Err(other) => return Err(other),
                }
                sys.pause();
                port.associate_fd(readers[index], poll::IN, index)?;
            }
            Ok(0)
        })?);
    }
    let mut written = sum(tasks)?;
    for meddler in meddlers {
        meddler.join()??;
    }
    // A dissociation of one meddler may have met the association of a taker.
    for (index, reader) in pipes.readers.iter().enumerate() {
        port.associate_fd(*reader, poll::IN, index)?;
    }
    written += settled(ctx, port, &pipes)?;
    let total = stop(port, takers)?;
    check::equal("bytes", total, written)
}

/// Takers in two children and in the parent.
fn processes(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let pipes = pipes(ctx, port, 12)?;
    let body = move |ctx: &Ctx<'_>| -> Outcome {
        let takers = [
            ctx.spawn(move |sys| take(sys, fd))?,
            ctx.spawn(move |sys| take(sys, fd))?,
        ];
        Ok(sum(takers)? as i64)
    };
    let children = [ctx.fork_asleep(body)?, ctx.fork_asleep(body)?];
    let taker = ctx.spawn(move |sys| take(sys, fd))?;
    let mut written = sum(start_writers(ctx, &pipes, 2, 300)?)?;
    written += settled(ctx, port, &pipes)?;
    for _ in 0..5 {
        port.send(2, 0)?;
    }
    let mut total = taker.join()??;
    for child in children {
        total += child.wait()? as u64;
    }
    check::equal("bytes", total, written)
}
