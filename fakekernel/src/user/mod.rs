//! What a user program can do: processes, lwps, system calls on descriptors, kernel sources.
//!
//! A program is a closure that gets its [`Lwp`]; every call on it happens in the calling process.
//! User addresses are addresses of memory from [`Lwp::alloc`]; anything else faults as EFAULT.
//!
//! ```no_run
//! use fakekernel::user::{ProcCfg, Process};
//! let kernel = fakekernel::boot(fakekernel::Config::default());
//! let port = Process::run(&kernel, ProcCfg::default(), |lwp| {
//!     let port = lwp.syscall(182, [0x100, 0, 0, 0, 0, 0])? as i32;
//!     lwp.close(port)?;
//!     Ok::<_, i32>(port)
//! });
//! let report = kernel.shutdown();
//! assert!(report.leaks.is_empty());
//! ```
//!
//! Errors of system calls are errno numbers (`bindings::EBADF` ...).

mod aio;
mod descriptor;
mod file;
mod ksource;
mod lwp;
mod memory;
mod object;
mod process;
mod stat;
mod timer;

pub use descriptor::PollFd;
pub use file::Whence;
pub use ksource::{Alloc, Callback, KEvent, KSource, Why};
pub use lwp::{Lwp, LwpHandle};
pub use process::{Child, Model, ProcCfg, Process, Rctl};
pub use stat::Stat;
