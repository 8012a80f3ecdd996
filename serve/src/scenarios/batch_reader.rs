//! `batch-reader`: one thread that reads large batches (C14, C11).
//!
//! Senders send as fast as they can; at the event limit the port answers `EAGAIN` and they try
//! again. The reader asks in turn for a batch of up to 256 events with a time-out, and for the
//! backlog and then for exactly that many events, which must be there because nobody else reads.
//! With one reader the port's order is each sender's order. The end comes as in Varnish: another
//! thread closes the port, and the reader gets `EBADF` out of its sleep.

use alloc::vec::Vec;

use suite::{Errno, Failure, MSEC, Port, System, Timeout};

use super::{settle, sleep, wakeups};
use crate::retriever::Retriever;
use crate::sender::Sender;
use crate::stage::{Stage, join};
use crate::{Load, Progress, Service, Tally};

/// Entries of the reader's list.
const LIST: u32 = 256;
/// Event limit of the port: with senders at full speed it is reached all the time.
const LIMIT: u64 = 1024;
/// Events that one sender can have under way: more than the port takes.
const WINDOW: usize = 2048;
/// How long the reader waits for the next batch.
const WAIT: Timeout = Timeout::After(10 * MSEC);
/// Event bits: none, as Varnish sends.
const NONE: i32 = 0;

/// Runs with `threads` senders and one reader.
pub(crate) fn run(
    sys: &dyn System,
    load: Load,
    progress: Progress<'_>,
) -> Result<Service, Failure> {
    let stage = Stage::set(sys, load.threads, WINDOW, LIMIT)?;
    let port = Port::at(sys, stage.port);
    let before = wakeups(sys);
    let mut service = Service {
        retrievers: 1,
        senders: load.threads,
        ..Service::default()
    };

    let reading = stage.spawn(sys, read)?;
    let mut sending = Vec::new();
    for id in 0..load.threads {
        sending.push(stage.spawn(sys, move |sys, stage, tally| {
            Sender::new(sys, stage, id, NONE).flood(tally)
        })?);
    }
    let findings = &mut service.tally.findings;
    service.elapsed = stage.serve(sys, load, progress, findings, sleep(sys));

    stage.end();
    join(sending, &mut service.tally);
    // By now the reader sleeps without time-out, or soon will; EBADF is due in both cases.
    sys.sleep(20 * MSEC);
    port.close()?;
    join([reading], &mut service.tally);
    service.wakeups = wakeups(sys).zip(before).map(|(now, before)| now - before);
    settle(&stage, &mut service);
    Ok(service)
}

/// The reader.
fn read(sys: &dyn System, stage: &Stage, tally: &mut Tally) -> Result<(), Failure> {
    let mut retriever = Retriever::new(sys, stage, LIST, NONE, tally)?;
    let mut by_backlog = false;
    loop {
        by_backlog = !by_backlog;
        let over = stage.is_over();
        // Nobody else reads: what is queued now is there when it is asked for.
        let mut backlog = 0;
        if by_backlog && !over {
            let queued = retriever.queued();
            backlog = queued.map_err(|why| Failure::new(format_args!("port_getn(0): {why}")))?;
        }
        let n = backlog.clamp(1, LIST);
        let (result, got) = retriever.getn(n, if over { Timeout::Never } else { WAIT });
        retriever.take_all(got);
        match result {
            Err(Errno::EBADF) if over => return Ok(()),
            Ok(()) if got >= n => {}
            Err(Errno::ETIME) if backlog == 0 => {}
            Ok(()) | Err(Errno::ETIME) => {
                let text = format_args!("port_getn got {got} events of a backlog of {backlog}");
                return Err(Failure::new(text));
            }
            // The process ends: its first thread gave up.
            Err(Errno::EINTR) if stage.has_failed() => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(Failure::new(format_args!("port_getn: {errno}"))),
        }
    }
}
