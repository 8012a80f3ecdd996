//! `port_create`.

use crate::kernel::Result;
use crate::kernel::file;
use crate::kernel::port::NewPort;
use crate::kernel::project::ProjectSlot;

/// Makes a port; the value is its descriptor, the lowest free one (S1).
///
/// # Errors
///
/// `EAGAIN` when the caller's project has `project.max-port-ids` ports
/// already (S13, D24), `EMFILE` when the process has no descriptor left.
#[inline(never)]
pub fn port_create() -> Result<i32> {
    let (slot, max_events) = ProjectSlot::charge()?;
    file::install(NewPort::port_init(max_events), slot)
}
