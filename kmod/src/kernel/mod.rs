//! The kernel, safe to use: the only place of the module, besides the entry
//! shims, that names bindings or writes `unsafe`.

mod aio;
mod discard;
mod errno;
pub mod event;
pub mod fdcache;
pub mod file;
pub mod kmem;
mod kstat;
pub mod module;
mod mutex;
pub mod poll;
pub mod port;
pub mod portfd;
pub mod proc;
pub mod project;
pub mod queue;
pub mod retrieval;
pub mod source;
pub mod taken;
pub mod time;
mod timer;
pub mod tunable;
pub mod user;
pub mod vnode;
pub mod waiter;

pub use errno::{Errno, Result};
