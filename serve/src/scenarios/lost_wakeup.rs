//! `lost-wakeup`: looks like a lost wakeup, see [`LOST_WAKEUP`](crate::LOST_WAKEUP).

use suite::{Failure, MSEC, System};

use crate::retriever::Retriever;
use crate::stage::Stage;
use crate::{Load, Progress, Service};

/// Never returns while the system works.
pub(crate) fn run(sys: &dyn System, _: Load, progress: Progress<'_>) -> Result<Service, Failure> {
    let stage = Stage::set(sys, 1, 1, 16)?;
    let sleeper = stage.spawn(sys, |sys, stage, tally| {
        let _ = Retriever::new(sys, stage, 1, 0, tally)?.get();
        Ok(())
    })?;
    while !sleeper.done() {
        sys.sleep(10 * MSEC);
        progress(0);
    }
    Ok(Service::default())
}
