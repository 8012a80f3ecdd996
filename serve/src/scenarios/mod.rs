//! The scenarios, one per file.

pub(crate) mod batch_reader;
pub(crate) mod echo;
pub(crate) mod go_poller;
pub(crate) mod idle;
pub(crate) mod lost_wakeup;
pub(crate) mod thread_pool;

use alloc::format;

use suite::{Caps, Errno, Failure, Port, System};

use crate::{Findings, Service, stage::Stage};

/// The counter from which wakeups are told, where there is one.
fn wakeups(sys: &dyn System) -> Option<u64> {
    sys.counters().map(|counters| counters.wakeups)
}

/// What a first thread does that has nothing to do during a round.
fn sleep(sys: &dyn System) -> impl FnMut(u64) -> Result<(), Failure> + '_ {
    |left| {
        sys.sleep(left);
        Ok(())
    }
}

/// Closes the books: what is still under way is lost.
fn settle(stage: &Stage, service: &mut Service) {
    service.sent = stage.ledger.sent();
    service.taken = stage.ledger.taken();
    stage.ledger.close(&mut service.tally.findings);
}

/// After the end of all associations: the port must be empty, and have all its slots back (S28).
fn refill(port: Port<'_>, limit: u64, findings: &mut Findings) -> Result<(), Failure> {
    let queued = port.queued()?;
    if queued != 0 {
        findings.fail(format!(
            "{queued} events are queued although no descriptor is left"
        ));
        return Ok(());
    }
    if !port.sys().caps().contains(Caps::RCTL) {
        return Ok(());
    }
    for slot in 0..limit {
        if let Err(why) = port.send(1, slot as usize) {
            let text = format!("{slot} of {limit} slots are free without associations: {why}");
            findings.fail(text);
            return Ok(());
        }
    }
    match port.send(1, 0) {
        Err(Errno::EAGAIN) => Ok(()),
        other => Err(Failure::new(format_args!(
            "port_send to a full port: {other:?}"
        ))),
    }
}
