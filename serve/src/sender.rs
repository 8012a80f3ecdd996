//! [`Sender`]: a thread's events, numbered and booked.

use alloc::boxed::Box;

use suite::{Errno, Failure, Port, System};

use crate::stage::Stage;
use crate::{Cookie, Tally};

/// Nanoseconds of rest for a sender that cannot go on.
const REST: u64 = 20_000;

/// Times that a sender only gives way before it rests.
const PATIENCE: u32 = 8;

/// Sends the event that this user value stands for; `EAGAIN` when that must wait.
type Send<'a> = Box<dyn FnMut(u64) -> Result<(), Errno> + 'a>;

/// The sending side of one thread.
pub(crate) struct Sender<'a> {
    sys: &'a dyn System,
    stage: &'a Stage,
    call: &'static str,
    way: Send<'a>,
    next: Cookie,
    in_vain: u32,
}

impl<'a> Sender<'a> {
    /// Sender number `sender` of the stage, whose user events have the bits `events`.
    pub fn new(sys: &'a dyn System, stage: &'a Stage, sender: u16, events: i32) -> Sender<'a> {
        let port = Port::at(sys, stage.port);
        Sender::through(sys, stage, sender, "port_send", move |user| {
            port.send(events, user as usize)
        })
    }

    /// Sender number `sender` of the stage, whose events come about by `way`, which makes the
    /// system call named `call`.
    pub fn through(
        sys: &'a dyn System,
        stage: &'a Stage,
        sender: u16,
        call: &'static str,
        way: impl FnMut(u64) -> Result<(), Errno> + 'a,
    ) -> Sender<'a> {
        Sender {
            sys,
            stage,
            call,
            way: Box::new(way),
            next: Cookie { sender, number: 0 },
            in_vain: 0,
        }
    }

    /// Sends the next event. False when its window is full or the system refuses it for now; the
    /// same event is next again then.
    pub fn send(&mut self, tally: &mut Tally) -> Result<bool, Failure> {
        let ledger = &self.stage.ledger;
        if !ledger.post(self.next, self.sys.now()) {
            return Ok(false);
        }
        match (self.way)(self.next.encode()) {
            Ok(()) => {
                self.next.number += 1;
                Ok(true)
            }
            Err(errno) => {
                ledger.withdraw(self.next);
                if errno != Errno::EAGAIN {
                    return Err(Failure::new(format_args!("{}: {errno}", self.call)));
                }
                tally.refused += 1;
                Ok(false)
            }
        }
    }

    /// Sends as fast as events are taken, until the stage is over: what senders do that have
    /// nothing to wait for.
    pub fn flood(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        while !self.stage.is_over() {
            let Some(_burst) = self.stage.enter() else {
                rest(self.sys);
                continue;
            };
            while self.stage.is_open() && !self.stage.is_over() {
                if self.send(tally)? {
                    self.in_vain = 0;
                } else {
                    self.give_way();
                }
            }
        }
        Ok(())
    }

    fn give_way(&mut self) {
        self.in_vain += 1;
        if self.in_vain <= PATIENCE {
            self.sys.pause();
        } else {
            rest(self.sys);
        }
    }
}

/// Does nothing for a moment.
pub(crate) fn rest(sys: &dyn System) {
    sys.sleep(REST);
}
