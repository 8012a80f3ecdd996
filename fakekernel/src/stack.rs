//! How much kernel stack a system call uses.
//!
//! A kernel thread of illumos has five pages of stack; a host thread has more,
//! so overruns are measured instead of felt. Two measures: the depth at each
//! call of a kernel function, exact for what the module itself uses, is held
//! against `Config::stack_limit` (rule `stack`); and paint below the entry of
//! the system call shows the high-water mark of everything, this crate's own
//! frames included, which is only reported.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use crate::panic::kernel_panic;
use crate::{kernel, thread};

/// Bytes painted.
const PAINT: usize = 48 << 10;
/// Words left alone below the painter's own stack pointer.
const CLEAR: usize = 1 << 10;
/// The paint.
const COLOUR: u64 = 0x5ac3_17e9_5ac3_17e9;
/// The first calls of each thread are painted, then one in so many.
const OFTEN: u32 = 64;

/// A thread's kernel stack.
#[derive(Default)]
pub(crate) struct Depth {
    base: AtomicUsize,
    deepest: AtomicUsize,
    painted: AtomicUsize,
    calls: AtomicU32,
}

#[inline(always)]
fn stack_pointer() -> usize {
    let sp: usize;
    // SAFETY: reads a register.
    unsafe {
        core::arch::asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags));
    }
    sp
}

/// Runs the kernel part of a system call and measures its stack.
pub fn measure<R>(body: impl FnOnce() -> R) -> R {
    let depth = &thread::current().stack;
    if depth.base.load(Relaxed) != 0 {
        return body();
    }
    let calls = depth.calls.fetch_add(1, Relaxed);
    let paint = kernel::config().strict.stack && (calls < OFTEN || calls.is_multiple_of(OFTEN));
    let base = stack_pointer();
    depth.base.store(base, Relaxed);
    if paint {
        paint_below();
    }
    let result = body();
    if paint {
        let used = used_below(base);
        depth.painted.fetch_max(used, Relaxed);
    }
    depth.base.store(0, Relaxed);
    result
}

#[inline(never)]
fn paint_below() {
    let top = (stack_pointer() - CLEAR) & !7;
    let words = PAINT / 8;
    // SAFETY: the words are below this function's frame and above the end of
    // the stack, which is at least `Config::host_stack` long; nothing lives
    // there.
    unsafe {
        let mut word = (top - PAINT) as *mut u64;
        for _ in 0..words {
            word.write_volatile(COLOUR);
            word = word.add(1);
        }
    }
}

#[inline(never)]
fn used_below(base: usize) -> usize {
    let top = (stack_pointer() - CLEAR) & !7;
    let mut at = top - PAINT;
    // SAFETY: reads stack memory that `paint_below` wrote, from the same depth
    // give or take one frame.
    while at < top && unsafe { (at as *const u64).read_volatile() } == COLOUR {
        at += 8;
    }
    base - at
}

/// Notes that the kernel was called with this stack pointer.
#[inline]
pub(crate) fn probe(sp: usize) {
    let depth = &thread::current().stack;
    let base = depth.base.load(Relaxed);
    let used = base.wrapping_sub(sp);
    if base != 0 && used > depth.deepest.load(Relaxed) && used < (1 << 30) {
        depth.deepest.store(used, Relaxed);
        let config = kernel::config();
        if config.strict.stack && used > config.stack_limit {
            let limit = config.stack_limit;
            kernel_panic(
                "stack",
                &format!("a system call uses {used} bytes of stack, more than {limit}"),
            );
        }
    }
}

/// Bytes of stack of the deepest call of the kernel in any system call.
pub fn deepest() -> usize {
    thread::all()
        .iter()
        .map(|t| t.stack.deepest.load(Relaxed))
        .max()
        .unwrap_or(0)
}

/// Bytes of stack ever touched in a painted system call.
pub fn deepest_painted() -> usize {
    thread::all()
        .iter()
        .map(|t| t.stack.painted.load(Relaxed))
        .max()
        .unwrap_or(0)
}
