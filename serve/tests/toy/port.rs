//! A port in a few lines, with faults.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use serve::Cookie;
use suite::{Errno, Event, PORT_ALERT_UPDATE, source};

/// What is wrong with the port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The n-th event is accepted and dropped.
    Lose(u64),
    /// The n-th event is delivered twice.
    Duplicate(u64),
    /// From the n-th event on, an event overtakes another of its sender, once.
    Overtake(u64),
    /// The n-th event is delivered with other event bits.
    Garble(u64),
    /// From the n-th event on, work wakes nobody.
    WakeNobody(u64),
    /// Who asks for several events gets one too few, and success.
    FallShort,
    /// From the n-th event on, events of descriptors are delivered twice.
    Stutter(u64),
    /// What is ready when it is associated has no event.
    NoLevelCheck,
    /// The end of a connection is no event.
    NoHangup,
    /// Events of a descriptor that was closed stay.
    KeepAtClose,
    /// Associations of descriptors that were closed keep their slot.
    KeepSlots,
    /// Sending fails with EINVAL from the n-th event on.
    Refuse(u64),
}

#[derive(Default)]
struct State {
    queue: VecDeque<Event>,
    alert: Option<Event>,
    closed: bool,
    accepted: u64,
    done: bool,
    limit: usize,
    /// Slots that associations have.
    held: usize,
}

/// The port.
#[derive(Default)]
pub struct ToyPort {
    state: Mutex<State>,
    news: Condvar,
    fault: Fault,
}

/// What a retrieval found.
pub enum Found {
    Events(Vec<Event>),
    Expired(Vec<Event>),
}

impl ToyPort {
    pub fn new(fault: Fault) -> ToyPort {
        ToyPort {
            fault,
            ..ToyPort::default()
        }
    }

    pub fn set_limit(&self, limit: usize) {
        self.state.lock().unwrap().limit = limit;
    }

    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// Takes a slot for an association.
    pub fn hold(&self) -> Result<(), Errno> {
        let mut state = self.state.lock().unwrap();
        if state.held >= state.limit {
            return Err(Errno::EAGAIN);
        }
        state.held += 1;
        Ok(())
    }

    /// Gives the slot of an association back.
    pub fn release(&self) {
        self.state.lock().unwrap().held -= 1;
    }

    /// Drops the queued event of a descriptor; was there one?
    pub fn forget(&self, fd: i32) -> bool {
        let mut state = self.state.lock().unwrap();
        let before = state.queue.len();
        let other =
            |event: &Event| i32::from(event.source) != source::FD || event.object != fd as u64;
        state.queue.retain(other);
        state.queue.len() < before
    }

    pub fn send(&self, event: Event) -> Result<(), Errno> {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        if state.closed {
            return Err(Errno::EBADF);
        }
        // An event of a descriptor is in the slot of its association.
        let own = |event: &&Event| i32::from(event.source) != source::FD;
        let slots = state.queue.iter().filter(own).count() + state.held;
        if slots >= state.limit {
            return Err(Errno::EAGAIN);
        }
        if event.user == Cookie::STOP {
            state.queue.push_back(event);
            self.news.notify_all();
            return Ok(());
        }
        if matches!(self.fault, Fault::Refuse(n) if state.accepted + 1 >= n) {
            return Err(Errno::EINVAL);
        }
        self.accept(state, event);
        Ok(())
    }

    /// Queues the event of a descriptor, which has its slot.
    pub fn deliver(&self, event: Event) {
        self.accept(&mut self.state.lock().unwrap(), event);
    }

    fn accept(&self, state: &mut State, event: Event) {
        state.accepted += 1;
        let sender = |event: &Event| Cookie::decode(event.user).sender;
        let due = |n: u64| state.accepted == n;
        match self.fault {
            Fault::Lose(n) if due(n) => return,
            Fault::Stutter(n) if state.accepted >= n && i32::from(event.source) == source::FD => {
                state.queue.extend([event, event]);
            }
            Fault::Duplicate(n) if due(n) => state.queue.extend([event, event]),
            Fault::Garble(n) if due(n) => {
                state.queue.push_back(Event {
                    events: event.events ^ 0x100,
                    ..event
                });
            }
            Fault::Overtake(n) if state.accepted >= n && !state.done => {
                match state
                    .queue
                    .iter()
                    .position(|other| sender(other) == sender(&event))
                {
                    Some(at) => {
                        state.queue.insert(at, event);
                        state.done = true;
                    }
                    None => state.queue.push_back(event),
                }
            }
            _ => state.queue.push_back(event),
        }
        if !matches!(self.fault, Fault::WakeNobody(n) if state.accepted >= n) {
            self.news.notify_all();
        }
    }

    pub fn alert(&self, flags: i32, events: i32, user: u64) -> Result<(), Errno> {
        let mut state = self.state.lock().unwrap();
        if flags == PORT_ALERT_UPDATE && state.alert.is_some() {
            return Err(Errno::EBUSY);
        }
        state.alert = (events != 0).then(|| Event::new(source::ALERT, events, 0, user));
        self.news.notify_all();
        Ok(())
    }

    pub fn queued(&self) -> u32 {
        self.state.lock().unwrap().queue.len() as u32
    }

    pub fn close(&self) {
        self.state.lock().unwrap().closed = true;
        self.news.notify_all();
    }

    /// Makes every sleeper look whether it was interrupted.
    pub fn kick(&self) {
        drop(self.state.lock().unwrap());
        self.news.notify_all();
    }

    pub fn retrieve(
        &self,
        max: usize,
        n: usize,
        timeout: Option<Duration>,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Found, Errno> {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let mut state = self.state.lock().unwrap();
        let mut slept = false;
        loop {
            if state.closed {
                return Err(Errno::EBADF);
            }
            if let Some(alert) = state.alert {
                return Ok(Found::Events(vec![alert]));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let expired = left == Some(Duration::ZERO);
            if state.queue.len() >= n || expired {
                let short = self.fault == Fault::FallShort && n > 1;
                let most = if short { n - 1 } else { max };
                let count = state.queue.len().min(most);
                let events: Vec<_> = state.queue.drain(..count).collect();
                let enough = short || events.len() >= n || timeout == Some(Duration::ZERO);
                return Ok(if enough {
                    Found::Events(events)
                } else {
                    Found::Expired(events)
                });
            }
            if slept && interrupted() {
                return Err(Errno::EINTR);
            }
            state = match left {
                Some(left) => self.news.wait_timeout(state, left).unwrap().0,
                None => self.news.wait(state).unwrap(),
            };
            slept = true;
        }
    }
}
