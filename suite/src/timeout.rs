//! Time-outs as a program gives them.

use crate::{Model, NANOSEC};

/// `struct timespec`. Values outside the legal range are possible on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timespec {
    /// Seconds.
    pub sec: i64,
    /// Nanoseconds.
    pub nsec: i64,
}

impl Timespec {
    /// The bytes of the structure in user memory, and how many of them count.
    pub fn encode(self, model: Model) -> ([u8; 16], usize) {
        let mut bytes = [0; 16];
        match model {
            Model::Lp64 => {
                bytes[..8].copy_from_slice(&self.sec.to_ne_bytes());
                bytes[8..].copy_from_slice(&self.nsec.to_ne_bytes());
            }
            Model::Ilp32 => {
                bytes[..4].copy_from_slice(&(self.sec as i32).to_ne_bytes());
                bytes[4..8].copy_from_slice(&(self.nsec as i32).to_ne_bytes());
            }
        }
        (bytes, model.timespec())
    }
}

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// A NULL pointer: for ever.
    Never,
    /// `{0, 0}`: not at all.
    Poll,
    /// So many nanoseconds.
    After(u64),
    /// Exactly this structure, legal or not.
    Spec(Timespec),
}

impl Timeout {
    /// The structure, unless the pointer is NULL.
    pub fn spec(self) -> Option<Timespec> {
        match self {
            Timeout::Never => None,
            Timeout::Poll => Some(Timespec { sec: 0, nsec: 0 }),
            Timeout::After(ns) => Some(Timespec {
                sec: (ns / NANOSEC as u64) as i64,
                nsec: (ns % NANOSEC as u64) as i64,
            }),
            Timeout::Spec(spec) => Some(spec),
        }
    }
}
