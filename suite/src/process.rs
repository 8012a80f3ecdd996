//! [`Process`]: a few facts about the process a thread belongs to.

use crate::{Model, System};

/// Identity of the calling process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Process id.
    pub pid: i32,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Data model.
    pub model: Model,
}

impl Process {
    /// The process of `sys`.
    pub fn of(sys: &dyn System) -> Process {
        let (uid, gid) = sys.ids();
        Process {
            pid: sys.pid(),
            uid,
            gid,
            model: sys.model(),
        }
    }
}
