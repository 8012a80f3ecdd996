//! The system call, as both tables of system calls see it.

use crate::kernel::proc::{self, Model};
use crate::port::syscall::{Args, dispatch};

/// The 64-bit entry point.
pub type Native = extern "C" fn(i32, usize, usize, usize, usize, usize) -> i64;
/// The entry point of 32-bit callers.
pub type Narrow = extern "C" fn(u32, i32, u32, u32, u32, u32) -> i64;

/// `portfs(opcode, a0, ..., a4)`.
pub extern "C" fn portfs(
    opcode: i32,
    a0: usize,
    a1: usize,
    a2: usize,
    a3: usize,
    a4: usize,
) -> i64 {
    finish(&Args {
        opcode,
        a: [a0, a1, a2, a3, a4],
        model: proc::model(),
    })
}

/// `portfs` for 32-bit callers: addresses and cookies are unsigned, the time
/// of `port_get` is signed (S94).
pub extern "C" fn portfs32(opcode: u32, a0: i32, a1: u32, a2: u32, a3: u32, a4: u32) -> i64 {
    let wide = |value: u32| value as usize;
    let signed = |value: u32| value as i32 as usize;
    let opcode = opcode as i32;
    let a = if Args::is_port_get(opcode) {
        [a0 as usize, wide(a1), signed(a2), signed(a3), wide(a4)]
    } else {
        [wide(a0 as u32), wide(a1), wide(a2), wide(a3), wide(a4)]
    };
    finish(&Args {
        opcode,
        a,
        model: Model::Ilp32,
    })
}

fn finish(args: &Args) -> i64 {
    match dispatch(args) {
        Ok(value) => value,
        Err(error) => proc::set_errno(error),
    }
}
