//! Live scenarios: programs that serve events from a port the way real consumers do, and keep books.
//!
//! A [`Scenario`] makes events on a port for some seconds and retrieves them with the protocol of
//! one consumer of `event-ports.md` (C1, C3, C11, C14, C17, C20, C26). The events are user events,
//! or say that a descriptor has something to read. What is sent either way carries a [`Cookie`],
//! its sender and number; the [`Ledger`] knows what is under way and so what was lost, duplicated,
//! invented or overtaken. The result is a [`Service`]: counts, latencies, [`Findings`].
//!
//! Data flows one way: scenario -> senders -> port -> retrievers -> tally -> service. The threads
//! of a scenario share a stage: the port, the ledger, and a gate that the senders pass for every
//! burst. Where descriptors are served, a watchlist knows which are associated, and event loops
//! deal with those that have an event. The gate is closed once per round, and then everything must
//! arrive without any further help; half of the rounds are calm and do without time-outs, alerts
//! and signals altogether. That is how a wakeup that went missing shows although other traffic
//! would have hidden it.
//!
//! Like the suite, this crate is `no_std` and knows no host: it runs over
//! [`System`](suite::System). It needs time that passes by itself (no virtual clock) and a 64-bit
//! program. It draws its own histogram because the crates that have one need `std`.
#![no_std]

extern crate alloc;

mod cookie;
mod event_loop;
mod findings;
mod histogram;
mod ledger;
mod load;
mod plan;
mod retriever;
mod scenario;
mod scenarios;
mod sender;
mod service;
mod socket_pairs;
mod stage;
mod tally;
mod watchlist;

pub use cookie::Cookie;
pub use findings::{Findings, Flaw};
pub use histogram::Histogram;
pub use ledger::Ledger;
pub use load::Load;
pub use plan::{ALL, Plan, Wish};
pub use scenario::{Connections, LOST_WAKEUP, Progress, SCENARIOS, Scenario};
pub use service::Service;
pub use tally::Tally;
