//! Time-outs: what the user asked for, and the instant it ends.
//!
//! Relative time-outs run on the monotonic clock (`gethrtime`), so a step of
//! the wall clock neither shortens nor stretches a wait (D25).

use bindings::{timespec_t, timespec32_t};

use super::errno::{Errno, Result};

const NANOSEC: i64 = 1_000_000_000;

/// The shortest wait, in nanoseconds: the kernel's own floor for timers of
/// unprivileged processes, so that nobody floods it with callouts.
const SHORTEST_WAIT: i64 = 200_000;

/// A relative time-out as a caller states it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Timespec {
    /// Seconds.
    pub sec: i64,
    /// Nanoseconds, 0 to 999,999,999 in a valid value.
    pub nsec: i64,
}

impl From<timespec_t> for Timespec {
    fn from(ts: timespec_t) -> Self {
        Self {
            sec: ts.tv_sec,
            nsec: ts.tv_nsec,
        }
    }
}

impl From<timespec32_t> for Timespec {
    fn from(ts: timespec32_t) -> Self {
        Self {
            sec: i64::from(ts.tv_sec),
            nsec: i64::from(ts.tv_nsec),
        }
    }
}

/// How long a retrieval may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// Not at all: take what is there (S54, S56).
    Poll,
    /// Until this `gethrtime` instant, nanoseconds since boot.
    At(i64),
    /// Until something happens (S57).
    Never,
}

impl Timespec {
    /// The instant at which this time-out, started now, expires (S67).
    ///
    /// # Errors
    ///
    /// `EINVAL` for negative members or a nanosecond part of a second or more.
    pub fn deadline(self) -> Result<Deadline> {
        if self.sec == 0 && self.nsec == 0 {
            return Ok(Deadline::Poll);
        }
        if self.sec < 0 || self.nsec < 0 || self.nsec >= NANOSEC {
            return Err(Errno::EINVAL);
        }
        // What does not fit in the clock is centuries away (D25).
        let length = self
            .sec
            .checked_mul(NANOSEC)
            .and_then(|ns| ns.checked_add(self.nsec));
        Ok(
            match length.and_then(|ns| ns.max(SHORTEST_WAIT).checked_add(now())) {
                Some(instant) if instant < i64::MAX => Deadline::At(instant),
                _ => Deadline::Never,
            },
        )
    }
}

/// Nanoseconds since boot.
pub fn now() -> i64 {
    // SAFETY: gethrtime has no preconditions.
    unsafe { bindings::gethrtime() }
}

/// The wall clock, for time stamps only.
pub fn wall_clock() -> timespec_t {
    let mut now = timespec_t {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is writable for the call.
    unsafe { bindings::gethrestime(&raw mut now) };
    now
}
