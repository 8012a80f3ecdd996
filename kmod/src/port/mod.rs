//! Ports: what the system call and the vnode operations do.

pub mod alert;
pub mod close;
pub mod create;
pub mod dispatch;
pub mod getn;
pub mod poll;
mod retrieve;
pub mod send;
pub mod syscall;
mod wait;

use crate::kernel::event::KEvent;
use crate::kernel::proc::Pid;

/// Whether a process can retrieve a queued event: it was not cancelled, and
/// it is for the process (S80, D15).
fn is_deliverable(event: &KEvent, pid: Pid) -> bool {
    !event.is_cancelled() && event.is_for(pid)
}
