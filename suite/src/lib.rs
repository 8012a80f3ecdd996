//! The event ports test suite.
//!
//! A [`Case`] is one named behaviour of event ports, tagged with the statements (S), consumers (C)
//! and defects (D) of `event-ports.md` that it proves. Cases talk to a [`System`]: system calls,
//! threads, fork, signals, time. The first implementation of that trait is the fakekernel (crate
//! `host`); the crate is `no_std` so that the same cases can be linked into a static program that
//! makes the calls on illumos itself.
//!
//! Data flows one way: `cases` -> [`Ctx`] -> [`Port`]/[`UserBuf`]/[`Task`] -> [`System`].
//!
//! Rules for a case:
//! - it returns `Result<(), Failure>`; it never panics, and a thread it starts returns its findings
//!   to the case instead of judging them itself;
//! - it never waits for real time: [`Ctx::settle`] says that every other thread sleeps in the
//!   kernel, and time-outs run on the clock of the system under test;
//! - after a refused call it proves that no event was lost (queue length and order).
#![no_std]

extern crate alloc;

pub mod aio;
pub mod cases;
pub mod check;
pub mod coverage;
pub mod mq;
pub mod tap;

mod abi;
mod batch;
mod case;
mod ctx;
mod descriptor;
mod errno;
mod event;
mod outcome;
mod port;
mod process;
mod rng;
mod system;
mod task;
mod timeout;
mod timer;
mod user_buf;

pub use abi::*;
pub use batch::Batch;
pub use case::{Case, Entry, Models, Strict};
pub use check::Failure;
pub use ctx::Ctx;
pub use errno::Errno;
pub use event::{Event, EventList};
pub use outcome::{Child, Outcome};
pub use port::{Port, Sent};
pub use process::Process;
pub use rng::Rng;
pub use system::aio::Aio;
pub use system::counters::Counters;
pub use system::fault::{Fault, Faults};
pub use system::ksource::{
    Allocation, Answer, Callback, CallbackReason, CloseCallback, Delivery, KernelEvent, Ksource,
    PollHold, SourceRef,
};
pub use system::object::{Objects, Shutdown};
pub use system::timer::{
    CLOCK_HIGHRES, CLOCK_REALTIME, CLOCK_THREAD_CPUTIME_ID, TIMER_MAX, Timers,
};
pub use system::{
    Caps, ChildBody, ChildHandle, FileOp, Model, PollFd, ProcessCfg, Protection, Rctl, Stat,
    System, ThreadBody, ThreadHandle,
};
pub use task::Task;
pub use timeout::{Timeout, Timespec};
pub use timer::{Itimer, Notify, Timer, itimerspec, itimerspec_size, port_notify, sigevent};
pub use user_buf::UserBuf;
