//! The illumos kernel ABI that portfs needs: types, constants, functions.
//!
//! Names are the kernel's own, one file per header under `sys/`, everything re-exported at the
//! root: `use bindings::*;`. Nothing here is safe or clever; the module's safe wrappers are in
//! `kmod/src/kernel`.
//!
//! # Invariants
//!
//! * Layouts are those of a 64-bit release kernel on amd64 (January 2025). Each size and offset is
//!   asserted at compile time; see [`layout`] for how they are compared with measurements and with
//!   the headers of a gate.
//! * All-zero bytes are a valid value of every structure and union: function pointers are
//!   `Option`, C enums are integers.
//! * Parts of large structures that nobody needs are private `_padN` bytes.
//! * Names that C makes with macros are not fields: `p_lock` is `(*p_lockp).pl_lock`, `p_pid` is
//!   `(*p_pidp).pid_id`, `it_sigq` is `__data.__proc.__it_sigq`.
#![no_std]
#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]

#[macro_use]
pub mod layout;
pub mod asm;
pub mod sys;

pub use sys::flat::*;
