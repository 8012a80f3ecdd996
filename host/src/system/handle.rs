//! Threads and children of a case.

use fakekernel::user::{Child, LwpHandle};
use suite::{ChildHandle, Errno, Failure, Outcome, ThreadHandle};

/// `SIGUSR1` of illumos. Every signal has a handler without `SA_RESTART` in the fakekernel.
const SIGUSR1: i32 = 16;

/// A thread; the handle is empty once it was joined.
pub struct FakeThread {
    handle: Option<LwpHandle<()>>,
}

impl FakeThread {
    /// Takes the handle over.
    pub fn new(handle: LwpHandle<()>) -> FakeThread {
        FakeThread {
            handle: Some(handle),
        }
    }
}

impl ThreadHandle for FakeThread {
    fn signal(&self) -> Result<(), Errno> {
        match &self.handle {
            Some(handle) => {
                handle.kill(SIGUSR1);
                Ok(())
            }
            None => Err(Errno::ESRCH),
        }
    }

    fn join(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.join();
        }
    }
}

/// A child process; the handle is empty once it was waited for.
pub struct FakeChild {
    pid: i32,
    child: Option<Child<Outcome>>,
}

impl FakeChild {
    /// Takes the child over.
    pub fn new(child: Child<Outcome>) -> FakeChild {
        FakeChild {
            pid: child.pid(),
            child: Some(child),
        }
    }
}

impl ChildHandle for FakeChild {
    fn pid(&self) -> i32 {
        self.pid
    }

    fn signal(&self) -> Result<(), Errno> {
        match &self.child {
            Some(child) => {
                child.kill(SIGUSR1);
                Ok(())
            }
            None => Err(Errno::ESRCH),
        }
    }

    fn wait(&mut self) -> Outcome {
        match self.child.take() {
            Some(child) => child.wait(),
            None => Err(Failure::new("the child was waited for already")),
        }
    }
}
