//! [`Timer`]: `timer_create(3C)` and its relatives, with structures in either data model.

use alloc::vec;
use alloc::vec::Vec;

use crate::{Errno, Model, NANOSEC, Port, System, Timespec, UserBuf};

/// How a timer notifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// As the clock does on its own (a NULL `struct sigevent`): `SIGALRM`.
    Default,
    /// `SIGEV_NONE`.
    None,
    /// `SIGEV_SIGNAL` with this signal.
    Signal(i32),
    /// `SIGEV_THREAD`: what libc makes of it, an event on the port of a thread.
    Thread {
        /// Descriptor of the port.
        port: i32,
        /// The cookie.
        user: usize,
    },
    /// `SIGEV_PORT`.
    Port {
        /// Descriptor of the port.
        port: i32,
        /// The cookie.
        user: usize,
    },
}

impl Notify {
    /// `sigev_notify` and `sigev_signo`.
    fn numbers(self) -> (i32, i32) {
        match self {
            Notify::Default => (0, 0),
            Notify::None => (1, 0),
            Notify::Signal(signo) => (2, signo),
            Notify::Thread { .. } => (3, 0),
            Notify::Port { .. } => (4, 0),
        }
    }

    /// Descriptor and cookie of the `port_notify_t`.
    fn port(self) -> Option<(i32, usize)> {
        match self {
            Notify::Thread { port, user } | Notify::Port { port, user } => Some((port, user)),
            _ => None,
        }
    }
}

/// `itimerspec_t` in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Itimer {
    /// Time between expirations; 0 for one expiration.
    pub interval: u64,
    /// Time to the first expiration, or its date; 0 disarms.
    pub value: u64,
}

impl Itimer {
    /// One expiration.
    pub fn once(value: u64) -> Itimer {
        Itimer { interval: 0, value }
    }

    /// An expiration every `interval`, the first after one interval.
    pub fn every(interval: u64) -> Itimer {
        Itimer {
            interval,
            value: interval,
        }
    }
}

/// Bytes of an `itimerspec_t`.
pub fn itimerspec_size(model: Model) -> usize {
    2 * model.timespec()
}

/// The bytes of an `itimerspec_t` with any numbers, legal or not.
pub fn itimerspec(model: Model, interval: Timespec, value: Timespec) -> Vec<u8> {
    let mut bytes = Vec::new();
    for time in [interval, value] {
        let (spec, len) = time.encode(model);
        bytes.extend_from_slice(&spec[..len]);
    }
    bytes
}

/// A pointer-sized number in the order of its bytes.
fn word(model: Model, value: usize) -> Vec<u8> {
    match model {
        Model::Lp64 => (value as u64).to_ne_bytes().to_vec(),
        Model::Ilp32 => (value as u32).to_ne_bytes().to_vec(),
    }
}

/// The bytes of a `port_notify_t`.
pub fn port_notify(model: Model, port: i32, user: usize) -> Vec<u8> {
    let mut bytes = port.to_ne_bytes().to_vec();
    bytes.resize(model.pointer(), 0);
    bytes.extend(word(model, user));
    bytes
}

/// The bytes of a `struct sigevent`.
pub fn sigevent(model: Model, notify: i32, signo: i32, value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(notify.to_ne_bytes());
    bytes.extend(signo.to_ne_bytes());
    bytes.extend(word(model, value));
    // The function, its attributes and a reserved word.
    bytes.resize(if model == Model::Lp64 { 40 } else { 24 }, 0);
    bytes
}

/// A timer as one thread uses it. It is deleted by [`Timer::delete`] and at the end of the process.
#[derive(Clone, Copy)]
pub struct Timer<'s> {
    sys: &'s dyn System,
    id: i32,
}

impl<'s> Timer<'s> {
    /// `timer_create(3C)`.
    pub fn create(sys: &'s dyn System, clock: i32, notify: Notify) -> Result<Timer<'s>, Errno> {
        let model = sys.model();
        let id = UserBuf::new(sys, 4)?;
        let Some((port, user)) = notify.port() else {
            let (how, signo) = notify.numbers();
            let event = UserBuf::new(sys, 40)?;
            event.write(&sigevent(model, how, signo, 0));
            let addr = match notify {
                Notify::Default => 0,
                _ => event.addr(),
            };
            sys.timer_create(clock, addr, id.addr())?;
            return Ok(Timer::at(sys, id.read_ints(1)[0]));
        };
        let bytes = port_notify(model, port, user);
        let target = UserBuf::new(sys, bytes.len())?;
        target.write(&bytes);
        let bytes = sigevent(model, notify.numbers().0, 0, target.addr());
        let event = UserBuf::new(sys, bytes.len())?;
        event.write(&bytes);
        sys.timer_create(clock, event.addr(), id.addr())?;
        Ok(Timer::at(sys, id.read_ints(1)[0]))
    }

    /// A timer that sends events to a port.
    pub fn to_port(port: &Port<'s>, clock: i32, user: usize) -> Result<Timer<'s>, Errno> {
        let notify = Notify::Port {
            port: port.fd(),
            user,
        };
        Timer::create(port.sys(), clock, notify)
    }

    /// A timer of that number, as this thread sees it; it need not exist.
    pub fn at(sys: &'s dyn System, id: i32) -> Timer<'s> {
        Timer { sys, id }
    }

    /// Its number, `portev_object` of its events.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// `timer_settime(3C)`; answers the old setting.
    pub fn set(&self, absolute: bool, to: Itimer) -> Result<Itimer, Errno> {
        let model = self.sys.model();
        let size = itimerspec_size(model);
        let new = UserBuf::new(self.sys, size)?;
        new.write(&itimerspec(model, split(to.interval), split(to.value)));
        let old = UserBuf::new(self.sys, size)?;
        self.sys
            .timer_settime(self.id, absolute, new.addr(), old.addr())?;
        Ok(decode(model, &old))
    }

    /// Expires once, `value` nanoseconds from now; 0 disarms.
    pub fn arm(&self, value: u64) -> Result<(), Errno> {
        self.set(false, Itimer::once(value)).map(drop)
    }

    /// Expires every `interval` nanoseconds.
    pub fn every(&self, interval: u64) -> Result<(), Errno> {
        self.set(false, Itimer::every(interval)).map(drop)
    }

    /// `timer_gettime(3C)`.
    pub fn get(&self) -> Result<Itimer, Errno> {
        let model = self.sys.model();
        let to = UserBuf::new(self.sys, itimerspec_size(model))?;
        self.sys.timer_gettime(self.id, to.addr())?;
        Ok(decode(model, &to))
    }

    /// `timer_getoverrun(3C)`.
    pub fn overrun(&self) -> Result<i32, Errno> {
        self.sys.timer_getoverrun(self.id)
    }

    /// `timer_delete(3C)`.
    pub fn delete(&self) -> Result<(), Errno> {
        self.sys.timer_delete(self.id)
    }
}

fn split(ns: u64) -> Timespec {
    Timespec {
        sec: (ns / NANOSEC as u64) as i64,
        nsec: (ns % NANOSEC as u64) as i64,
    }
}

fn decode(model: Model, from: &UserBuf<'_>) -> Itimer {
    let size = model.pointer();
    let mut bytes = vec![0; itimerspec_size(model)];
    from.read_at(0, &mut bytes);
    let number = |at: usize| {
        let mut word = [0; 8];
        word[..size].copy_from_slice(&bytes[at * size..(at + 1) * size]);
        u64::from_ne_bytes(word)
    };
    let time = |at: usize| number(at) * NANOSEC as u64 + number(at + 1);
    Itimer {
        interval: time(0),
        value: time(2),
    }
}
