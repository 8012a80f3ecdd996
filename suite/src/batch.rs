//! [`Batch`]: everything that `port_getn(3C)` tells its caller.

use alloc::vec::Vec;

use crate::{Errno, Event};

/// Result, count and list of one `port_getn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What the function returned; ETIME may come with events (S59).
    pub result: Result<(), Errno>,
    /// `*nget` afterwards.
    pub nget: u32,
    /// The `nget` entries written; empty after an error other than ETIME.
    pub events: Vec<Event>,
    /// Are the entries behind them untouched?
    pub rest_untouched: bool,
}

impl Batch {
    /// The user cookies of the events, in order.
    pub fn users(&self) -> Vec<u64> {
        self.events.iter().map(|e| e.user).collect()
    }
}
