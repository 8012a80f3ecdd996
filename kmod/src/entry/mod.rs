//! What the kernel calls: each function unwraps its arguments, calls one
//! function of the module and wraps the answer.

pub mod module;
pub mod syscall;
pub mod vnops;
