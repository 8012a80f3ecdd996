//! [`Event`]: `port_event_t` in both data models, and [`EventList`], an array of them in user
//! memory.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::{Errno, Model, System, UserBuf, source};

/// The byte that fresh lists are filled with, so that "not written" can be seen.
const PRESET: u8 = 0xa5;

/// One event as a program sees it. Object and user are zero-extended in 32-bit programs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// `portev_events`.
    pub events: i32,
    /// `portev_source`.
    pub source: u16,
    /// `portev_pad`, 0 in everything the module writes (D21).
    pub pad: u16,
    /// `portev_object`.
    pub object: u64,
    /// `portev_user`.
    pub user: u64,
}

impl Event {
    /// A well-formed event.
    pub fn new(source: i32, events: i32, object: u64, user: u64) -> Event {
        Event {
            events,
            source: source as u16,
            pad: 0,
            object,
            user,
        }
    }

    /// The event of an associated descriptor.
    pub fn of_fd(fd: i32, events: i16, user: u64) -> Event {
        Event::new(source::FD, i32::from(events), fd as u64, user)
    }

    /// What an entry that nobody wrote looks like.
    pub fn preset(model: Model) -> Event {
        Event::decode(model, &[PRESET; 24])
    }

    /// Reads the structure (24 bytes LP64, 16 bytes ILP32).
    pub fn decode(model: Model, bytes: &[u8]) -> Event {
        let u16_at = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        let u32_at = |at: usize| u32::from(u16_at(at)) | u32::from(u16_at(at + 2)) << 16;
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        let (object, user) = match model {
            Model::Lp64 => (u64_at(8), u64_at(16)),
            Model::Ilp32 => (u64::from(u32_at(8)), u64::from(u32_at(12))),
        };
        Event {
            events: u32_at(0) as i32,
            source: u16_at(4),
            pad: u16_at(6),
            object,
            user,
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event {
            events,
            source,
            pad,
            object,
            user,
        } = self;
        write!(
            f,
            "{{events {events:#x} source {source} object {object:#x} user {user:#x}"
        )?;
        if *pad != 0 {
            write!(f, " pad {pad:#x}")?;
        }
        f.write_str("}")
    }
}

/// An array of events in user memory, preset so that untouched entries are recognised.
pub struct EventList<'s> {
    buf: UserBuf<'s>,
    model: Model,
    max: usize,
}

impl<'s> EventList<'s> {
    /// Room for `max` events, ending at an unmapped page.
    pub fn new(sys: &'s dyn System, max: usize) -> Result<EventList<'s>, Errno> {
        let model = sys.model();
        let buf = UserBuf::new(sys, max.max(1) * model.event())?;
        let list = EventList { buf, model, max };
        list.reset();
        Ok(list)
    }

    /// Writes the preset over everything.
    pub fn reset(&self) {
        self.buf.write(&vec![PRESET; self.buf.len()]);
    }

    /// Address of the first entry.
    pub fn addr(&self) -> usize {
        self.buf.addr()
    }

    /// Entry `index`.
    pub fn event(&self, index: usize) -> Event {
        let size = self.model.event();
        let mut bytes = [0; 24];
        self.buf.read_at(index * size, &mut bytes[..size]);
        Event::decode(self.model, &bytes[..size])
    }

    /// The first `count` entries.
    pub fn events(&self, count: usize) -> Vec<Event> {
        (0..count.min(self.max)).map(|i| self.event(i)).collect()
    }

    /// Are all entries from `first` on as they were preset?
    pub fn untouched_from(&self, first: usize) -> bool {
        let at = first.min(self.max) * self.model.event();
        let mut bytes = vec![0; self.buf.len() - at];
        self.buf.read_at(at, &mut bytes);
        bytes.iter().all(|b| *b == PRESET)
    }
}
