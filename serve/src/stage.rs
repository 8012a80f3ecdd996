//! [`Stage`]: what the threads of one scenario share.

use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use suite::{Caps, Failure, MSEC, Port, Rctl, System, Task};

use crate::{Cookie, Findings, Ledger, Load, Progress, Tally};

/// Nanoseconds for which the gate is open in each round.
const ROUND: u64 = 50 * MSEC;

/// Nanoseconds between two looks at something that is waited for.
const LOOK: u64 = MSEC / 10;

/// The port, the books, and the signs that threads give each other.
pub(crate) struct Stage {
    /// Descriptor of the port.
    pub port: i32,
    /// Events under way.
    pub ledger: Ledger,
    open: AtomicBool,
    calm: AtomicBool,
    inside: AtomicU32,
    over: AtomicBool,
    failed: AtomicBool,
}

/// The stage as the scenario's first thread holds it. When that thread leaves the scenario, the
/// others are told to leave too, whatever made it leave.
pub(crate) struct Director(Arc<Stage>);

impl Deref for Director {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.0
    }
}

impl Drop for Director {
    fn drop(&mut self) {
        self.0.fail();
    }
}

impl Director {
    /// Starts a thread of the scenario. A failure of its body ends the scenario.
    pub fn spawn(
        &self,
        sys: &dyn System,
        body: impl FnOnce(&dyn System, &Stage, &mut Tally) -> Result<(), Failure> + Send + 'static,
    ) -> Result<Task<Tally>, Failure> {
        let stage = Arc::clone(&self.0);
        let task = Task::start(sys, move |sys| {
            let mut tally = Tally::default();
            if let Err(failure) = body(sys, &stage, &mut tally) {
                tally.findings.fail(failure);
                stage.fail();
            }
            tally
        });
        Ok(task?)
    }
}

/// A sender's stay inside the gate.
pub(crate) struct Burst<'a>(&'a Stage);

impl Drop for Burst<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, SeqCst);
    }
}

impl Stage {
    /// A new port that takes up to `limit` events, and books for `senders` senders with up to
    /// `window` events each.
    pub fn set(
        sys: &dyn System,
        senders: u16,
        window: usize,
        limit: u64,
    ) -> Result<Director, Failure> {
        if sys.caps().contains(Caps::RCTL) {
            sys.set_rctl(Rctl::ProcessMaxPortEvents, limit)?;
        }
        Ok(Director(Arc::new(Stage {
            port: Port::create(sys)?.fd(),
            ledger: Ledger::new(senders, window),
            open: AtomicBool::new(false),
            calm: AtomicBool::new(true),
            inside: AtomicU32::new(0),
            over: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        })))
    }

    /// Lets senders send for the time of the load, in rounds. Each ends with a silence in which
    /// everything sent must arrive. Every other round is calm. `step` is what the calling thread
    /// does meanwhile: it is called again and again with the nanoseconds left in the round, and
    /// sleeps for some of them. Answers how many nanoseconds it took.
    pub fn serve(
        &self,
        sys: &dyn System,
        load: Load,
        progress: Progress<'_>,
        findings: &mut Findings,
        mut step: impl FnMut(u64) -> Result<(), Failure>,
    ) -> u64 {
        let start = sys.now();
        let end = start.saturating_add(load.time);
        let mut calm = true;
        while sys.now() < end && !self.has_failed() {
            calm = !calm;
            self.calm.store(calm, SeqCst);
            let until = end.min(sys.now() + ROUND);
            self.open.store(true, SeqCst);
            loop {
                let left = until.saturating_sub(sys.now());
                if left == 0 || self.has_failed() {
                    break;
                }
                if let Err(failure) = step(left) {
                    findings.fail(failure);
                    self.fail();
                }
            }
            self.open.store(false, SeqCst);
            self.calm.store(true, SeqCst);
            self.drain(sys, load.patience, findings);
            progress(self.ledger.taken());
        }
        sys.now() - start
    }

    /// Waits until every event has arrived. Nobody sends any more, so if one does not, a thread
    /// that could take it has not been woken.
    fn drain(&self, sys: &dyn System, patience: u64, findings: &mut Findings) {
        let done = || self.inside.load(SeqCst) == 0 && self.ledger.outstanding() == 0;
        if self.wait(sys, patience, done) || self.has_failed() {
            return;
        }
        self.fail();
        if self.inside.load(SeqCst) > 0 {
            findings.fail("stuck: a sender does not return from the call that sends");
            return;
        }
        let events = self.ledger.under_way();
        let named: Vec<_> = events.iter().take(4).map(Cookie::to_string).collect();
        findings.fail(format!(
            "stuck: {} events did not arrive within {} ms although nobody sends and all threads \
             could take them: {}{}",
            events.len(),
            patience / MSEC,
            named.join(", "),
            if events.len() > named.len() {
                ", ..."
            } else {
                ""
            },
        ));
    }

    /// Looks every now and then whether `done` holds; false when it does not in `limit`
    /// nanoseconds, or when the scenario failed.
    pub fn wait(&self, sys: &dyn System, limit: u64, done: impl Fn() -> bool) -> bool {
        let until = sys.now().saturating_add(limit);
        while !done() {
            if sys.now() >= until || self.has_failed() {
                return done();
            }
            sys.sleep(LOOK);
        }
        true
    }

    /// Enters the gate for a burst of events; `None` while it is closed. A sender must leave soon
    /// after the gate was closed.
    pub fn enter(&self) -> Option<Burst<'_>> {
        self.inside.fetch_add(1, SeqCst);
        let burst = Burst(self);
        self.is_open().then_some(burst)
    }

    /// Is the gate open?
    pub fn is_open(&self) -> bool {
        self.open.load(SeqCst)
    }

    /// Must threads do without whatever could make up for a wakeup that was lost: time-outs,
    /// alerts, signals?
    pub fn is_calm(&self) -> bool {
        self.calm.load(SeqCst)
    }

    /// Is it time to end?
    pub fn is_over(&self) -> bool {
        self.over.load(SeqCst) || self.has_failed()
    }

    /// Says that it is time to end.
    pub fn end(&self) {
        self.over.store(true, SeqCst);
    }

    /// Has a thread given up?
    pub fn has_failed(&self) -> bool {
        self.failed.load(SeqCst)
    }

    /// Ends the scenario because something failed.
    pub fn fail(&self) {
        self.failed.store(true, SeqCst);
    }
}

/// Waits for all threads and adds up their tallies.
pub(crate) fn join(tasks: impl IntoIterator<Item = Task<Tally>>, sum: &mut Tally) {
    for task in tasks {
        match task.join() {
            Ok(tally) => sum.merge(tally),
            Err(failure) => sum.findings.fail(failure),
        }
    }
}
