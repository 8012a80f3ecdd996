//! An illumos kernel in a Linux process, as far as an event-port module can
//! tell.
//!
//! The functions a module imports are defined here under their own names with
//! C linkage, over structures at their real offsets (crate `bindings`). A
//! module is either linked with this crate or loaded by its `krtld`.
//! There is one kernel per process, started by [`boot`]; a kernel panic ends
//! the process with exit status [`panic::EXIT`] and a rule name.
//!
//! # Parts, each after the kernel file of that name
//!
//! - [`sched`]: the one seam through which anything blocks, wakes or tells
//!   the time. [`thread`], [`proc`](mod@proc), [`signal`], [`time`].
//! - [`mutex`], [`condvar`], [`lockorder`], [`sync`]: locks and their rules.
//! - [`kmem`], [`kmem_cache`], [`list`], [`copyio`], [`aspace`].
//! - [`fio`], [`vnode`], [`vfs`], [`poll`], [`syscall`]: files and descriptors.
//!   Files of this kernel's own: pipes, sockets, devices, regular files without names.
//! - [`port_subr`], [`aio`], [`aio_subr`], `rawdev`: the genunix half of event ports.
//! - [`timer`], its clocks, [`callout`], [`cyclic`]: timers of processes.
//! - [`modctl`], [`krtld`]: modules. [`rctl`], [`project`], [`cred`], [`kstat`],
//!   [`cmn_err`].
//! - [`user`]: what a program of the kernel can do.
//! - [`config`], [`fault`], [`counter`], [`stack`], [`panic`](mod@panic),
//!   [`thunk`], [`ksyms`]: what only a test kernel has.
//!
//! # Lock order
//!
//! Locks of the kernel under test are `kmutex_t`s and are ordered by
//! [`lockorder`]. The host locks inside this crate are leaves: none is held
//! while another kernel function is called, while a task blocks, or while
//! memory is freed.

pub mod aio;
pub mod aio_subr;
pub mod aspace;
pub mod callout;
mod clock_backend;
mod clock_highres;
mod clock_realtime;
mod clock_thread;
pub mod cmn_err;
pub mod condvar;
pub mod config;
pub mod copyio;
pub mod counter;
pub mod cred;
mod curthread;
pub mod cyclic;
mod device;
pub mod fault;
mod fifo;
pub mod fio;
pub mod fs_subr;
mod held;
pub mod kernel;
pub mod kmem;
pub mod kmem_cache;
pub mod krtld;
pub mod kstat;
pub mod ksyms;
pub mod leak;
pub mod list;
pub mod lockorder;
mod mblk;
pub mod modctl;
pub mod mutex;
mod nulldev;
pub mod panic;
pub mod poll;
pub mod port_subr;
pub mod proc;
pub mod project;
mod rawdev;
pub mod rctl;
mod regular;
pub mod sched;
mod siginfo;
pub mod signal;
mod site;
mod sleepq;
mod sockfs;
pub mod stack;
mod startup;
pub mod sync;
pub mod syscall;
pub mod thread;
pub mod thunk;
pub mod time;
pub mod timer;
mod tsan;
mod uio;
pub mod user;
pub mod vfs;
pub mod vnode;

pub use config::{Clock, Config, CvOrder, Strict};
pub use kernel::{Kernel, Report, boot};
