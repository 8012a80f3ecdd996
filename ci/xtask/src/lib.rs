//! Everything behind `./x`.
//!
//! The shell script `x` finds the host's cargo, builds this crate and hands
//! over. From here data flows one way:
//!
//! [`cli`] reads the command line; [`setup`] sees to it that the tools are
//! there ([`toolchain`] finds the Rust for the kernel target); [`kernel`]
//! compiles kmod for that target; [`link`] turns the archive into the module
//! with the help of [`mapfile`] (which symbols are global), [`names`] (what
//! Rust functions are called) and [`symbols`] (which applies both); [`host`]
//! builds and starts `portfs-host`, [`sanitizer`] builds it with
//! ThreadSanitizer; [`steps`] is `./x test`, with [`suite`]
//! reading what the suite said.
//!
//! Exit codes: 0 done, 1 something failed or was found, 2 misuse of the
//! command line or a file that is not there.

pub mod cli;
pub mod failure;
pub mod host;
pub mod inspect;
pub mod kernel;
pub mod link;
pub mod mapfile;
pub mod names;
pub mod paths;
pub mod progress;
pub mod sanitizer;
pub mod setup;
pub mod steps;
pub mod suite;
pub mod symbols;
pub mod tool;
pub mod toolchain;
