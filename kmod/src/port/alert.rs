//! Alert mode: an event that every thread gets, before all others.

use crate::kernel::event::Source;
use crate::kernel::poll::PollEvents;
use crate::kernel::port::Port;
use crate::kernel::queue::{Alert, Flag};
use crate::kernel::user::UserEvent;
use crate::kernel::{Errno, Result, proc, tunable};

const SET: i32 = 1;
const UPDATE: i32 = 2;
const INVALID: i32 = SET | UPDATE;

/// Sets (`events` not 0) or clears (`events` 0, whatever the flags) the alert
/// (S74, S75). Setting wakes every thread that waits at that time (S76).
///
/// # Errors
///
/// `EBUSY` for `PORT_ALERT_UPDATE` while an alert is set, `EINVAL` for both
/// flags at once and, unless `portfs_strict` is 0, for any other flags (D28).
#[inline(never)]
pub fn port_alert(port: &Port, flags: i32, events: i32, user: usize) -> Result {
    if events == 0 {
        port_remove_alert(port);
        return Ok(());
    }
    let known = flags == SET || flags == UPDATE;
    if flags & INVALID == INVALID || (tunable::strict() && !known) {
        return Err(Errno::EINVAL);
    }
    let alert = Alert {
        events,
        owner: proc::pid(),
        user,
    };
    let mut q = port.lock();
    if flags == UPDATE && q.alert().is_some() {
        return Err(Errno::EBUSY);
    }
    q.set_alert(alert);
    q.alert_waiters(alert);
    let polled = tunable::strict() && q.clear(Flag::POLLIN);
    drop(q);
    if polled {
        port.wake_pollers(PollEvents::IN);
    }
    Ok(())
}

/// Ends alert mode.
#[inline(never)]
pub fn port_remove_alert(port: &Port) {
    port.lock().clear(Flag::ALERT);
}

/// What a retriever gets to see of an alert (S76).
pub fn shown(alert: Alert) -> UserEvent {
    let source = Source::ALERT.0 as u16;
    UserEvent {
        events: alert.events,
        source,
        object: 0,
        user: alert.user,
    }
}
