//! The scenarios, one per file.

pub(crate) mod batch_reader;
pub(crate) mod go_poller;
pub(crate) mod lost_wakeup;
pub(crate) mod thread_pool;

use suite::{Failure, System};

use crate::{Service, stage::Stage};

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
