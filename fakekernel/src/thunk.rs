//! What the compiler of a module takes for granted.
//!
//! Mirrors `ml/retpoline.S` and `common/os/ssp.c`: the indirect-call thunks, here
//! plain jumps, and the stack protector.

use std::arch::global_asm;
use std::sync::atomic::AtomicU64;

use crate::panic::kernel_panic;

macro_rules! thunks {
    ($($reg:literal)*) => {
        $(global_asm!(
            ".pushsection .text",
            concat!(".globl __x86_indirect_thunk_", $reg),
            concat!(".type __x86_indirect_thunk_", $reg, ", @function"),
            concat!("__x86_indirect_thunk_", $reg, ":"),
            concat!("    jmp *%", $reg),
            concat!(".size __x86_indirect_thunk_", $reg, ", . - __x86_indirect_thunk_", $reg),
            ".popsection",
            options(att_syntax)
        );)*
    };
}

thunks!("rax" "rbx" "rcx" "rdx" "rsi" "rdi" "rbp" "r8" "r9" "r10" "r11" "r12" "r13" "r14" "r15");

/// What a function with a stack protector finds behind its buffers.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static __stack_chk_guard: AtomicU64 = AtomicU64::new(0x9b3f_24c7_00e1_5d68);

/// Called by a function whose stack was overwritten.
#[unsafe(no_mangle)]
pub extern "C" fn __stack_chk_fail() -> ! {
    kernel_panic("stack-smash", "a function found its stack overwritten");
}
