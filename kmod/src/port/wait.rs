//! Waiting for events: when a thread in `port_getn` may go and look.

use super::getn::Timeout;
use crate::kernel::queue::{Alert, Flag, QueueGuard};
use crate::kernel::time::Deadline;
use crate::kernel::waiter::{Generation, Waiter, Wake};
use crate::kernel::{Errno, Result};

/// What a wait ended with.
pub enum Verdict {
    /// As many events as needed are queued.
    Enough,
    /// Fewer, but the caller does not want to wait (longer): take what is
    /// there. Tells whether a time-out expired, as opposed to a zero one.
    Whatever {
        /// A time-out above zero has passed.
        expired: bool,
    },
    /// The port is in alert mode, or was when the thread was woken.
    Alerted(Alert),
    /// The wait failed.
    Failed(Errno),
}

/// One thread's wait, over as many sleeps as it takes.
pub struct Waiting {
    need: u32,
    timeout: Timeout,
    /// Known once waiting turned out to be necessary (S67).
    deadline: Option<Deadline>,
    /// The arrivals this thread has looked at in vain (D4).
    seen: Option<Generation>,
}

impl Waiting {
    /// A wait for `need` events.
    pub fn new(need: u32, timeout: Timeout) -> Self {
        Self {
            need,
            timeout,
            deadline: None,
            seen: None,
        }
    }

    /// The thread looked at everything up to `generation` and could take
    /// nothing.
    pub fn looked_in_vain(&mut self, generation: Generation) {
        self.seen = Some(generation);
    }

    /// Whether a look can yield anything: there are events, or another thread
    /// retrieves some right now and may give them back, and not all of them
    /// were looked at in vain.
    pub fn has_something_to_see(&self, q: &QueueGuard<'_>) -> bool {
        (q.queued() > 0 || q.in_retrieval() > 0) && q.has_news(self.seen)
    }

    fn is_satisfied(&self, q: &QueueGuard<'_>) -> bool {
        q.queued() >= self.need && q.has_news(self.seen)
    }

    /// Waits until there is something to do. The lock may have been free
    /// meanwhile, whatever the verdict.
    pub fn wait<'p>(&mut self, mut q: QueueGuard<'p>) -> (QueueGuard<'p>, Verdict) {
        loop {
            if q.has(Flag::CLOSE) {
                return (q, Verdict::Failed(Errno::EBADFD));
            }
            if let Some(alert) = q.alert() {
                return (q, Verdict::Alerted(alert));
            }
            if self.is_satisfied(&q) {
                return (q, Verdict::Enough);
            }
            match self.deadline {
                Some(Deadline::Poll) => return (q, Verdict::Whatever { expired: false }),
                Some(deadline) => {
                    let verdict =
                        q.queue_thread(self.need, self.seen, |q, me| self.sleep(q, me, deadline));
                    return (q, verdict);
                }
                None => {
                    // Reading the time-out may wait for a page (D20).
                    let port = q.port();
                    drop(q);
                    let outcome = self.timeout.port_get_timeout();
                    q = port.lock();
                    match outcome {
                        Ok(deadline) => self.deadline = Some(deadline),
                        Err(error) => return (q, Verdict::Failed(error)),
                    }
                }
            }
        }
    }

    fn sleep(&self, q: &mut QueueGuard<'_>, me: &Waiter, deadline: Deadline) -> Verdict {
        let mut wake = Wake::Signalled;
        loop {
            // The alert comes first, even for a thread that was also
            // interrupted: every thread asleep at that time gets it (S76).
            if let Some(alert) = me.alert(q) {
                return Verdict::Alerted(alert);
            }
            match wake {
                Wake::Interrupted => return Verdict::Failed(Errno::EINTR),
                // Not an error yet: events may have come with the timer (D7).
                Wake::TimedOut => return Verdict::Whatever { expired: true },
                Wake::Signalled => {}
            }
            // A running retriever looks again itself, and wakes us then.
            if q.retrievers() == 0 && self.is_satisfied(q) {
                return Verdict::Enough;
            }
            if q.has(Flag::CLOSE) {
                return Verdict::Failed(Errno::EBADFD);
            }
            wake = q.sleep(me, deadline);
        }
    }
}

impl Timeout {
    #[inline(never)]
    fn port_get_timeout(&self) -> Result<Deadline> {
        match *self {
            Self::Forever => Ok(Deadline::Never),
            Self::After(length) => length.deadline(),
            Self::At(addr, model) => addr.read_timespec(model)?.deadline(),
        }
    }
}
