//! What the kernel does: clocks and the scheduler, waits, signals, faults,
//! threads and processes.

#![allow(missing_docs)]

#[path = "../common/mod.rs"]
mod common;

mod fault;
mod process;
mod sched;
mod signal;
mod wait;

use std::process::ExitCode;

fn main() -> ExitCode {
    let groups = [
        sched::CASES,
        wait::CASES,
        signal::CASES,
        fault::CASES,
        process::CASES,
    ];
    common::main(groups.concat())
}

/// A monitor: a mutex, a condition variable and a number.
#[derive(Clone, Copy)]
pub struct Monitor(*mut Parts);

struct Parts {
    mutex: bindings::kmutex_t,
    cv: bindings::kcondvar_t,
    n: usize,
}

// SAFETY: the number is only touched under the mutex.
unsafe impl Send for Monitor {}

impl Default for Monitor {
    fn default() -> Self {
        Monitor::new()
    }
}

impl Monitor {
    pub fn new() -> Monitor {
        // SAFETY: all zeroes are a free mutex and a variable without waiters.
        Monitor(Box::leak(Box::new(unsafe { std::mem::zeroed::<Parts>() })))
    }

    pub fn mutex(self) -> *mut bindings::kmutex_t {
        // SAFETY: only the address of a field is taken.
        unsafe { &raw mut (*self.0).mutex }
    }

    pub fn cv(self) -> *mut bindings::kcondvar_t {
        // SAFETY: only the address of a field is taken.
        unsafe { &raw mut (*self.0).cv }
    }

    /// Runs `body` with the mutex held.
    pub fn with<R>(self, body: impl FnOnce(&mut usize) -> R) -> R {
        // SAFETY: the number is touched under the mutex only; a body that
        // waits does not use it meanwhile.
        unsafe {
            bindings::mutex_enter(self.mutex());
            let result = body(&mut (*self.0).n);
            bindings::mutex_exit(self.mutex());
            result
        }
    }

    /// cv_signal with the mutex held.
    pub fn signal(self) {
        // SAFETY: the variable of this monitor.
        self.with(|_| unsafe { bindings::cv_signal(self.cv()) });
    }

    /// One cv_wait_sig.
    pub fn wait_sig(self) -> i32 {
        // SAFETY: the variable and mutex of this monitor.
        self.with(|_| unsafe { bindings::cv_wait_sig(self.cv(), self.mutex()) })
    }

    /// One cv_timedwait_sig_hrtime of `ns` from now.
    pub fn wait_for(self, ns: i64) -> i32 {
        // SAFETY: the variable and mutex of this monitor.
        self.with(|_| unsafe {
            let until = bindings::gethrtime() + ns;
            bindings::cv_timedwait_sig_hrtime(self.cv(), self.mutex(), until)
        })
    }
}
