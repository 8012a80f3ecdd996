//! [`Sender`]: a thread's events, numbered and booked.

use suite::{Errno, Failure, Port, System};

use crate::stage::Stage;
use crate::{Cookie, Tally};

/// Nanoseconds of rest for a sender that cannot go on.
const REST: u64 = 20_000;

/// Times that a sender only gives way before it rests.
const PATIENCE: u32 = 8;

/// The sending side of one thread.
pub(crate) struct Sender<'a> {
    sys: &'a dyn System,
    stage: &'a Stage,
    port: Port<'a>,
    events: i32,
    next: Cookie,
    in_vain: u32,
}

impl<'a> Sender<'a> {
    /// Sender number `sender` of the stage, whose events have the bits `events`.
    pub fn new(sys: &'a dyn System, stage: &'a Stage, sender: u16, events: i32) -> Sender<'a> {
        let port = Port::at(sys, stage.port);
        Sender {
            sys,
            stage,
            port,
            events,
            next: Cookie { sender, number: 0 },
            in_vain: 0,
        }
    }

    /// Sends the next event. False when its window or the port is full; the same event is next
    /// again then.
    pub fn send(&mut self, tally: &mut Tally) -> Result<bool, Failure> {
        let ledger = &self.stage.ledger;
        if !ledger.post(self.next, self.sys.now()) {
            return Ok(false);
        }
        match self.port.send(self.events, self.next.encode() as usize) {
            Ok(()) => {
                self.next.number += 1;
                Ok(true)
            }
            Err(errno) => {
                ledger.withdraw(self.next);
                if errno != Errno::EAGAIN {
                    return Err(Failure::new(format_args!("port_send: {errno}")));
                }
                tally.refused += 1;
                Ok(false)
            }
        }
    }

    /// Sends as fast as the port takes events, until the stage is over: what senders do that have
    /// nothing to wait for.
    pub fn flood(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        while !self.stage.is_over() {
            let Some(_burst) = self.stage.enter() else {
                self.rest();
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

    /// Does nothing for a moment.
    pub fn rest(&self) {
        self.sys.sleep(REST);
    }

    fn give_way(&mut self) {
        self.in_vain += 1;
        if self.in_vain <= PATIENCE {
            self.sys.pause();
        } else {
            self.rest();
        }
    }
}
