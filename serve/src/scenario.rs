//! [`Scenario`]: one consumer's way to use a port.

use suite::{Failure, System};

use crate::scenarios::{batch_reader, echo, go_poller, idle, lost_wakeup, thread_pool};
use crate::{Load, Service};

/// Called by the scenario's first thread every now and then with the events taken so far.
pub type Progress<'a> = &'a dyn Fn(u64);

/// How many descriptors a scenario associates unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// In a run of all scenarios.
    pub among_others: u32,
    /// In a run of this scenario.
    pub alone: u32,
}

/// A scenario that can be run.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// The consumers of `event-ports.md` that it stands for.
    pub consumers: &'static str,
    /// What it does, in a few words.
    pub what: &'static str,
    /// Its descriptors, if it has any.
    pub connections: Option<Connections>,
    /// Runs it in the calling thread's process. Complaints about events are in the service; the
    /// error is for what made it impossible to serve at all.
    pub run: fn(&dyn System, Load, Progress<'_>) -> Result<Service, Failure>,
}

/// All scenarios, in the order in which they run.
pub const SCENARIOS: [Scenario; 5] = [
    Scenario {
        name: "go-poller",
        consumers: "C1 C26",
        what: "pollers in port_getn, woken by events, alerts, signals and time-outs",
        connections: None,
        run: go_poller::run,
    },
    Scenario {
        name: "thread-pool",
        consumers: "C17 C26",
        what: "a pool of threads in port_get, ended by one event each",
        connections: None,
        run: thread_pool::run,
    },
    Scenario {
        name: "batch-reader",
        consumers: "C11 C14",
        what: "one reader of large batches, senders at the event limit, ended by close",
        connections: None,
        run: batch_reader::run,
    },
    Scenario {
        name: "echo",
        consumers: "C1 C3 C20",
        what: "a server of socket connections with several threads on one port",
        connections: Some(Connections {
            among_others: 64,
            alone: 1_000,
        }),
        run: echo::run,
    },
    Scenario {
        name: "idle",
        consumers: "C1 C3 C26",
        what: "very many associated sockets, one in a hundred of them active",
        connections: Some(Connections {
            among_others: 2_000,
            alone: 100_000,
        }),
        run: idle::run,
    },
];

/// A scenario that is broken on purpose and not among [`SCENARIOS`]: a thread sleeps in `port_get`
/// and nobody sends, as if a wakeup had been lost. It shows that whoever runs scenarios notices.
pub const LOST_WAKEUP: Scenario = Scenario {
    name: "lost-wakeup",
    consumers: "",
    what: "never ends",
    connections: None,
    run: lost_wakeup::run,
};
