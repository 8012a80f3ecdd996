//! [`Watchdog`]: ends a run whose scenario does not end.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fakekernel::sched;

use super::message::Message;

/// What is watched: its name and when it must have ended.
type Watched = Option<(String, Duration, Instant)>;

/// A thread beside the kernel, on the host's clock: it works whatever state the kernel is in.
pub struct Watchdog(Arc<(Mutex<Watched>, Condvar)>);

fn lock(mutex: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watchdog {
    /// Starts it, with nothing to watch yet.
    pub fn start() -> Self {
        let shared = Arc::new((Mutex::new(None), Condvar::new()));
        let own = Arc::clone(&shared);
        thread::spawn(move || watch(&own));
        Watchdog(shared)
    }

    /// Watches `what` from now on, which must end within `limit`.
    pub fn watch(&self, what: &str, limit: Duration) {
        let (watched, changed) = &*self.0;
        *lock(watched) = Some((what.to_owned(), limit, Instant::now() + limit));
        changed.notify_one();
    }

    /// Watches nothing any more.
    pub fn rest(&self) {
        let (watched, changed) = &*self.0;
        *lock(watched) = None;
        changed.notify_one();
    }
}

fn watch((watched, changed): &(Mutex<Watched>, Condvar)) {
    let mut now = lock(watched);
    loop {
        now = match &*now {
            None => changed.wait(now).unwrap_or_else(PoisonError::into_inner),
            Some((what, limit, end)) => {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    bark(what, *limit);
                }
                changed
                    .wait_timeout(now, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
    }
}

/// Says who sleeps where, and ends the process.
fn bark(what: &str, limit: Duration) -> ! {
    let threads = sched::get().listing();
    let seconds = limit.as_secs_f64();
    Message::Failed(format!(
        "{what} did not end within {seconds:.1} s; its threads:\n{}",
        threads.trim_end()
    ))
    .send();
    std::process::exit(1)
}
