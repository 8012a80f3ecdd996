//! [`Scenario`]: one consumer's way to use a port.

use suite::{Failure, System};

use crate::scenarios::{batch_reader, go_poller, lost_wakeup, thread_pool};
use crate::{Load, Service};

/// Called by the scenario's first thread every now and then with the events taken so far.
pub type Progress<'a> = &'a dyn Fn(u64);

/// A scenario that can be run.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// The consumers of `event-ports.md` that it stands for.
    pub consumers: &'static str,
    /// What it does, in a few words.
    pub what: &'static str,
    /// Runs it in the calling thread's process. Complaints about events are in the service; the
    /// error is for what made it impossible to serve at all.
    pub run: fn(&dyn System, Load, Progress<'_>) -> Result<Service, Failure>,
}

/// All scenarios, in the order in which they run.
pub const SCENARIOS: [Scenario; 3] = [
    Scenario {
        name: "go-poller",
        consumers: "C1 C26",
        what: "pollers in port_getn, woken by events, alerts, signals and time-outs",
        run: go_poller::run,
    },
    Scenario {
        name: "thread-pool",
        consumers: "C17 C26",
        what: "a pool of threads in port_get, ended by one event each",
        run: thread_pool::run,
    },
    Scenario {
        name: "batch-reader",
        consumers: "C11 C14",
        what: "one reader of large batches, senders at the event limit, ended by close",
        run: batch_reader::run,
    },
];

/// A scenario that is broken on purpose and not among [`SCENARIOS`]: a thread sleeps in `port_get`
/// and nobody sends, as if a wakeup had been lost. It shows that whoever runs scenarios notices.
pub const LOST_WAKEUP: Scenario = Scenario {
    name: "lost-wakeup",
    consumers: "",
    what: "never ends",
    run: lost_wakeup::run,
};
