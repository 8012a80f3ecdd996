//! [`Retriever`]: a thread's retrieved events, checked.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use suite::{Errno, Event, EventList, Failure, Port, System, Timeout, UserBuf, source};

use crate::stage::Stage;
use crate::{Cookie, Flaw, Tally};

/// The retrieving side of one thread. It keeps its buffers, so that a retrieval is one system call.
pub(crate) struct Retriever<'a> {
    sys: &'a dyn System,
    stage: &'a Stage,
    port: Port<'a>,
    list: EventList<'a>,
    timespec: UserBuf<'a>,
    max: u32,
    events: i32,
    /// Per sender, the number that must not be undercut: one more than the last.
    least: Vec<u64>,
    /// What the thread did and saw.
    pub tally: &'a mut Tally,
}

impl<'a> Retriever<'a> {
    /// A thread with room for `max` events, each of which must have the bits `events`.
    pub fn new(
        sys: &'a dyn System,
        stage: &'a Stage,
        max: u32,
        events: i32,
        tally: &'a mut Tally,
    ) -> Result<Retriever<'a>, Failure> {
        Ok(Retriever {
            sys,
            stage,
            port: Port::at(sys, stage.port),
            list: EventList::new(sys, max as usize)?,
            timespec: UserBuf::new(sys, 16)?,
            max,
            events,
            least: vec![0; usize::from(stage.ledger.senders())],
            tally,
        })
    }

    /// Waits for ever for at least one event: `port_get` in a list of one, else `port_getn`.
    /// Answers how many are in the list.
    pub fn wait(&mut self) -> Result<u32, Errno> {
        if self.max == 1 {
            return self.get().map(|_| 1);
        }
        let (result, got) = self.getn(1, Timeout::Never);
        result.map(|()| got)
    }

    /// `port_get` without time-out.
    pub fn get(&mut self) -> Result<Event, Errno> {
        self.tally.calls += 1;
        let result = self.port.get_at(self.list.addr(), Timeout::Never);
        self.count(result);
        result.map(|()| self.list.event(0))
    }

    /// `port_getn` into the thread's list: the result, and the number of events retrieved, which
    /// is not 0 after some `ETIME`.
    pub fn getn(&mut self, n: u32, timeout: Timeout) -> (Result<(), Errno>, u32) {
        let address = match timeout.spec() {
            Some(spec) => {
                let (bytes, len) = spec.encode(self.sys.model());
                self.timespec.write(bytes.get(..len).unwrap_or(&bytes));
                self.timespec.addr()
            }
            None => 0,
        };
        self.tally.calls += 1;
        let mut nget = n;
        let result = self
            .port
            .getn_raw(self.list.addr(), self.max, Some(&mut nget), address);
        self.count(result);
        let got = match result {
            Ok(()) | Err(Errno::ETIME) => nget,
            Err(_) => 0,
        };
        if got > self.max {
            let text = format!("port_getn reports {got} events in a list of {}", self.max);
            self.tally.findings.fail(text);
        }
        (result, got.min(self.max))
    }

    /// Entry `index` of the list.
    pub fn event(&self, index: u32) -> Event {
        self.list.event(index as usize)
    }

    /// The queue length that the port reports.
    pub fn queued(&self) -> Result<u32, Errno> {
        self.port.queued()
    }

    /// Books the first `got` entries of the list, which must all be user events.
    pub fn take_all(&mut self, got: u32) {
        let now = self.sys.now();
        for index in 0..got {
            self.take(self.list.event(index as usize), now);
        }
    }

    /// Books one event that was retrieved at `now`.
    pub fn take(&mut self, event: Event, now: u64) {
        let cookie = Cookie::decode(event.user);
        if i32::from(event.source) != source::USER || event.events != self.events {
            let findings = &mut self.tally.findings;
            findings.flaw(Flaw::Foreign, cookie, format_args!(": {event:?}"));
            return;
        }
        if !self.tally.book(&self.stage.ledger, cookie, now) {
            return;
        }
        // A port is a queue: what one thread takes later was sent later.
        let Some(least) = self.least.get_mut(usize::from(cookie.sender)) else {
            return;
        };
        if cookie.number < *least {
            let last = *least - 1;
            self.tally.findings.flaw(
                Flaw::OutOfOrder,
                cookie,
                format_args!(", after event {last}"),
            );
        } else {
            *least = cookie.number + 1;
        }
    }

    fn count(&mut self, result: Result<(), Errno>) {
        match result {
            Err(Errno::EINTR) => self.tally.interrupted += 1,
            Err(Errno::ETIME) => self.tally.expired += 1,
            _ => {}
        }
    }
}
