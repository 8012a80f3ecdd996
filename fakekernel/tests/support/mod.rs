//! Cases that run as a process of the kernel.

// Each test program uses a part of this.
#![allow(dead_code)]

#[path = "../common/mod.rs"]
mod common;

use fakekernel::user::{Lwp, ProcCfg, Process};

#[allow(unused_imports, reason = "as above")]
pub use common::{Case, legal as case, main, strict, trips as trip};
pub use fakekernel::Kernel;

/// Runs `body` as a process.
pub fn process(kernel: &Kernel, body: impl FnOnce(&Lwp)) {
    Process::run(kernel, ProcCfg::default(), body);
}

/// As [`process`], made of `cfg`.
pub fn process_with(kernel: &Kernel, cfg: ProcCfg, body: impl FnOnce(&Lwp)) {
    Process::run(kernel, cfg, body);
}
