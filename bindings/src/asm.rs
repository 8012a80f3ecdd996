//! Inline functions of `asm/thread.h`.

use crate::kthread_t;

/// The calling thread (`curthread` in C): the word at GS:0x18, which is `cpu_thread` of the
/// processor's [`cpu_t`](crate::cpu_t).
///
/// The kernel keeps GS at its processor while kernel code runs; the fakekernel sets the GS base of
/// each of its threads. In a process that has done neither, the read faults.
#[inline(always)]
pub fn threadp() -> *mut kthread_t {
    let thread: *mut kthread_t;
    // SAFETY: reads one word that the kernel guarantees to be there and that does not change
    // while this thread runs, even across a switch to another processor.
    unsafe {
        core::arch::asm!(
            "mov {}, qword ptr gs:[0x18]",
            out(reg) thread,
            options(nostack, preserves_flags, readonly, pure)
        );
    }
    thread
}
