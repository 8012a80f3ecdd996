//! Event ports for illumos: the `portfs` kernel module.
//!
//! # Contexts
//!
//! - **System calls** (`port/syscall.rs`): the caller's thread, may sleep.
//! - **Vnode operations** (`entry/vnops.rs`): a thread in `close`, `poll`,
//!   `fstat` or a process exit; may sleep. `VOP_GETATTR` may come with a hold
//!   on the vnode only (`/proc/PID/fd`), during and after the last close.
//! - **Senders** run in genunix (`port_send_event`), from interrupt level too.
//!   They enter `portq_mutex` and nothing else of ours, so nothing that can
//!   wait for user memory, for a source or for another process happens under
//!   that lock (D19, D20).
//!
//! # Lock order
//!
//! `pc_mutex` (projects) -> `p_lock`. `portq_source_mutex` and `port_mutex` are
//! entered with none of the others held. For descriptors: `pc_lock` (of the
//! cache) -> `uf_lock`; `pc_lock` -> a pollhead's lock -> `portkev_lock` ->
//! `portq_mutex` -> `uf_lock` (a look at one entry of the caller's table).
//! `PORTQ_BLOCKED` (`port_block`) is a lock of its own: entered under
//! `portq_mutex`, kept while that is free, it comes before it and after
//! `pc_lock`. Events ask their source (`portkev_callback`) under
//! `PORTQ_BLOCKED` alone, or (AIO) under nothing. Sources are told of a close,
//! user memory is touched and events are freed with none of these held; genunix
//! frees associations, and wakes pollers of the port, under `pc_lock`.
//!
//! Callers bring locks along: `close` holds the file's `f_tlock` (so it comes
//! first), a timer that fires its `it_mutex` (-> `portq_mutex`),
//! `timer_create` holds `p_lock` (-> `portq_source_mutex`), AIO its `aio_mutex`
//! or `aio_portq_mutex` when it gives an event back (-> `PORTQ_BLOCKED`). That
//! is why AIO's callbacks, which enter both, run without `PORTQ_BLOCKED`.
//!
//! # Layers
//!
//! `kernel` wraps what genunix offers; `port` and `source` are the logic, with
//! no unsafe code; `entry` holds what the kernel calls: `_init`, the system
//! call and the vnode operations.

#![no_std]
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![deny(unsafe_code)]
#![allow(non_upper_case_globals)]

#[allow(unsafe_code)]
mod entry;
#[allow(unsafe_code)]
mod kernel;
mod port;
mod source;

pub use entry::module::{module_info, module_init};
pub use kernel::tunable::portfs_strict;
