//! Files that one rule must refuse, and files that look suspicious and are fine.

pub mod code;
pub mod file;
pub mod relocations;
pub mod stack;
pub mod symbols;
