//! [`Task`]: a thread of a case and what it found.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use spin::Mutex;

use crate::check::Failure;
use crate::{Errno, System, ThreadHandle};

struct Slot<T> {
    done: AtomicBool,
    value: Mutex<Option<T>>,
}

/// A thread that answers a `T`.
pub struct Task<T> {
    slot: Arc<Slot<T>>,
    handle: Box<dyn ThreadHandle>,
}

impl<T: Send + 'static> Task<T> {
    /// Starts `body` in the caller's process.
    pub fn start(
        sys: &dyn System,
        body: impl FnOnce(&dyn System) -> T + Send + 'static,
    ) -> Result<Task<T>, Errno> {
        let slot = Arc::new(Slot {
            done: AtomicBool::new(false),
            value: Mutex::new(None),
        });
        let inside = Arc::clone(&slot);
        let handle = sys.spawn(Box::new(move |sys| {
            let value = body(sys);
            *inside.value.lock() = Some(value);
            inside.done.store(true, Ordering::Release);
        }))?;
        Ok(Task { slot, handle })
    }

    /// Has the thread ended? Only certain after [`System::settle`].
    pub fn done(&self) -> bool {
        self.slot.done.load(Ordering::Acquire)
    }

    /// Sends the thread a signal that it catches.
    pub fn signal(&self) -> Result<(), Errno> {
        self.handle.signal()
    }

    /// Waits for the thread and takes what it answered.
    #[track_caller]
    pub fn join(mut self) -> Result<T, Failure> {
        let lost = Failure::new("the thread ended without an answer");
        self.handle.join();
        self.slot.value.lock().take().ok_or(lost)
    }
}
