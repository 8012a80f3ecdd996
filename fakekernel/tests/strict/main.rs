//! Every rule of the kernel: a case that breaks it ends with its name, and a
//! twin that stays within it ends well.

#![allow(missing_docs)]

#[path = "../common/mod.rs"]
mod common;

mod condvar;
mod copyio;
mod kmem;
mod list;
mod lock;
mod thread;

use std::process::ExitCode;

fn main() -> ExitCode {
    let groups = [
        lock::CASES,
        condvar::CASES,
        kmem::CASES,
        list::CASES,
        copyio::CASES,
        thread::CASES,
    ];
    common::main(groups.concat())
}

/// Kernel memory that lives for ever, zeroed, for locks and lists of a case.
pub fn leaked<T>() -> *mut T {
    // SAFETY: only used with structures for which all zeroes are valid.
    Box::leak(Box::new(unsafe { std::mem::zeroed::<T>() }))
}

/// A pointer that a case hands to another thread.
pub struct Shared<T>(pub *mut T);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

// SAFETY: the cases share kernel objects, whose functions any thread may call.
unsafe impl<T> Send for Shared<T> {}

impl<T> Shared<T> {
    /// The pointer; a method, so that closures capture the whole.
    pub fn get(self) -> *mut T {
        self.0
    }
}
