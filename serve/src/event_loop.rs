//! [`EventLoop`]: a thread that serves the descriptors of a watchlist.

use alloc::vec::Vec;

use suite::{Errno, Failure, Port, System, source};

use crate::retriever::Retriever;
use crate::stage::Stage;
use crate::watchlist::Watchlist;
use crate::{Cookie, Tally};

/// Event bits of [`Cookie::STOP`].
const STOP: i32 = 1;
/// Event bits of a user event that asks to associate the descriptor whose index it has.
const WATCH: i32 = 2;

/// The loop of one thread. Every descriptor with an event is dealt with by one thread until it is
/// associated again.
pub(crate) struct EventLoop<'a> {
    /// The port, as this thread uses it.
    pub port: Port<'a>,
    /// The descriptors.
    pub watched: &'a Watchlist,
    /// The stage.
    pub stage: &'a Stage,
    retriever: Retriever<'a>,
}

impl<'a> EventLoop<'a> {
    /// A loop that takes up to `list` events at once: with 1 by `port_get`, else by `port_getn`.
    pub fn new(
        sys: &'a dyn System,
        stage: &'a Stage,
        watched: &'a Watchlist,
        list: u32,
        tally: &'a mut Tally,
    ) -> Result<EventLoop<'a>, Failure> {
        Ok(EventLoop {
            port: Port::at(sys, stage.port),
            watched,
            stage,
            retriever: Retriever::new(sys, stage, list, 0, tally)?,
        })
    }

    /// The system that this thread talks to.
    pub fn sys(&self) -> &'a dyn System {
        self.port.sys()
    }

    /// What the thread did and saw.
    pub fn tally(&mut self) -> &mut Tally {
        self.retriever.tally
    }

    /// Waits for ever, and calls `handle` with the index of each descriptor that has an event,
    /// until [`Cookie::STOP`] arrives.
    pub fn run(
        mut self,
        handle: impl Fn(&mut EventLoop<'a>, usize) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut ready = Vec::new();
        let mut new = Vec::new();
        loop {
            let got = match self.retriever.wait() {
                Ok(got) => got,
                // The process ends: its first thread gave up.
                Err(Errno::EINTR) if self.stage.has_failed() => return Ok(()),
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(Failure::new(format_args!("retrieval: {errno}"))),
            };
            let mut stops = 0;
            // All of them are taken before the first is dealt with and associated again, so that
            // a descriptor that is in the list twice is noticed.
            for index in 0..got {
                let event = self.retriever.event(index);
                match (i32::from(event.source), event.events) {
                    (source::USER, STOP) if event.user == Cookie::STOP => stops += 1,
                    (source::USER, WATCH) => new.push(event.user as usize),
                    _ => ready.push(self.watched.receive(event)?),
                }
            }
            for index in new.drain(..) {
                self.watched.arm(self.port, index)?;
            }
            for index in ready.drain(..) {
                handle(&mut self, index)?;
            }
            if stops > 0 {
                // The others in the list were meant for other threads.
                return stop(self.port, stops - 1);
            }
        }
    }
}

/// Ends `count` loops.
pub(crate) fn stop(port: Port<'_>, count: u16) -> Result<(), Failure> {
    for _ in 0..count {
        port.send(STOP, Cookie::STOP as usize)
            .map_err(|why| Failure::new(format_args!("port_send of the end of a loop: {why}")))?;
    }
    Ok(())
}

/// Asks some loop to associate descriptor `index` of its watchlist.
pub(crate) fn watch(port: Port<'_>, index: usize) -> Result<(), Failure> {
    port.send(WATCH, index)
        .map_err(|why| Failure::new(format_args!("port_send of a new descriptor: {why}")))
}
