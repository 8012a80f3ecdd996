//! Closing a descriptor of a port.

use crate::kernel::port::Port;
use crate::kernel::proc;
use crate::kernel::queue::{Condition, Flag};
use crate::kernel::source::{CloseKind, pin_timers};
use crate::kernel::tunable;
use crate::source;

/// `VOP_CLOSE`: `count` file references exist, this one included. Above 1 the
/// calling process gives up what is its own on the port; at 1 the port ends
/// (S81, S82).
/// A port that has ended stays ended, whatever comes after (D17).
pub fn port_release(port: &Port, count: i32) {
    pin_timers();
    let last = count <= 1;
    if port.is_closed_or_mark(last) {
        return;
    }
    if last {
        close_finally(port);
    } else {
        close_partially(port);
    }
}

/// Takes the closing process's alert, associations and private events away
/// (S78, S81), unless it still has another descriptor of the port (D8).
fn close_partially(port: &Port) {
    if tunable::strict() && port.is_open_in_caller() {
        return;
    }
    let pid = proc::pid();
    let mut q = port.lock();
    if q.alert().is_some_and(|alert| alert.owner == pid) {
        q.clear(Flag::ALERT);
    }
    drop(q);
    source::close(port, CloseKind::Partial);
    port.port_discard_events();
}

/// Sends everybody home and discards everything. No descriptor leads to the
/// port any more, so no new thread comes in.
fn close_finally(port: &Port) {
    let mut q = port.lock();
    q.set(Flag::CLOSE);
    // Nobody polls any more, but a poll that has returned leaves its marks: a
    // sender that lets the close go on would call pollwakeup on a freed port.
    q.clear(Flag::POLLIN);
    q.clear(Flag::POLLOUT);
    // An fstat through the vnode alone (/proc) may go through the events right
    // now; none begins to once CLOSE is seen.
    q.settle();
    while q.is_occupied() {
        q.wake_all();
        q.wait(Condition::Close);
    }
    drop(q);
    // The sources give back the slots they hold, or queue their events ...
    source::close(port, CloseKind::Last);
    let mut q = port.lock();
    while q.slots().0 > q.queued() {
        q.wait(Condition::Close);
    }
    drop(q);
    // ... so that every slot in use is in the queue now.
    port.port_close_events();
}
