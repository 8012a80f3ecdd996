//! What a child process reports to its parent.

use alloc::boxed::Box;

use crate::check::Failure;
use crate::{ChildHandle, Errno};

/// A number of the case's choice, or the failure that the child found.
pub type Outcome = Result<i64, Failure>;

/// A child process of a case.
pub struct Child {
    handle: Box<dyn ChildHandle>,
}

impl Child {
    pub(crate) fn new(handle: Box<dyn ChildHandle>) -> Child {
        Child { handle }
    }

    /// Process id.
    pub fn pid(&self) -> i32 {
        self.handle.pid()
    }

    /// Sends the child a signal that it catches.
    pub fn signal(&self) -> Result<(), Errno> {
        self.handle.signal()
    }

    /// Waits for the child and takes over its failure, if it found one.
    pub fn wait(mut self) -> Outcome {
        self.handle.wait()
    }
}
