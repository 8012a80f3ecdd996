//! Patterns around buffers and in them, by which late and stray writes show.

use super::{Buffer, FREED, State};
use crate::panic::{kernel_panic, symbol};

/// What lies before and after a buffer.
pub(super) const REDZONE: u8 = 0xbb;
/// Bytes after a buffer.
pub(super) const TAIL: usize = 16;
/// Bytes before a buffer, at least.
pub(super) const HEAD: usize = 16;

/// Fills memory with a pattern of eight bytes.
///
/// # Safety
///
/// `size` bytes at `at` may be written.
pub(super) unsafe fn fill(at: *mut u8, size: usize, pattern: u64) {
    let bytes = pattern.to_ne_bytes();
    // SAFETY: the caller vouches for the range; the rest is inside it.
    unsafe {
        let words = at.cast::<u64>();
        for i in 0..size / 8 {
            words.add(i).write_unaligned(pattern);
        }
        for (i, byte) in (size / 8 * 8..size).zip(bytes) {
            at.add(i).write(byte);
        }
    }
}

/// The first byte that is not as the pattern has it.
///
/// # Safety
///
/// `size` bytes at `at` may be read.
unsafe fn first_not(at: *const u8, size: usize, pattern: u64) -> Option<usize> {
    let bytes = pattern.to_ne_bytes();
    // SAFETY: the caller vouches for the range.
    let memory = unsafe { std::slice::from_raw_parts(at, size) };
    memory.chunks(8).enumerate().find_map(|(i, chunk)| {
        let bad = chunk != &bytes[..chunk.len()];
        bad.then(|| {
            i * 8
                + chunk
                    .iter()
                    .zip(bytes)
                    .position(|(a, b)| *a != b)
                    .unwrap_or(0)
        })
    })
}

/// Bytes of cache objects in free lists are checked like live ones.
pub(super) fn check_redzones(addr: usize, buffer: &Buffer) {
    let head = buffer.head();
    // SAFETY: the buffer is allocated with its red zones.
    let damage = unsafe {
        let before = std::slice::from_raw_parts((addr - head) as *const u8, head);
        let after = std::slice::from_raw_parts((addr + buffer.size) as *const u8, TAIL);
        let before = before
            .iter()
            .rposition(|&b| b != REDZONE)
            .map(|i| i as isize - head as isize);
        before.or(after
            .iter()
            .position(|&b| b != REDZONE)
            .map(|i| (buffer.size + i) as isize))
    };
    if let Some(at) = damage {
        let (what, by) = (buffer.what(), symbol(buffer.caller));
        let text = format!("byte {at} of {what} {addr:#x} was written; allocated at {by}");
        kernel_panic("kmem-redzone", &text);
    }
}

/// Panics if a buffer was written after it was freed, or beside it.
pub(super) fn check_freed(addr: usize, buffer: &Buffer) {
    check_redzones(addr, buffer);
    // SAFETY: a held-back buffer is still allocated from the host.
    let changed = unsafe { first_not(addr as *const u8, buffer.size, FREED) };
    if let Some(at) = changed {
        let State::Free { by } = buffer.state else {
            return;
        };
        let (what, alloc, free) = (buffer.what(), symbol(buffer.caller), symbol(by));
        let text = format!(
            "byte {at} of {what} {addr:#x} was written after it was freed at {free}; allocated at {alloc}"
        );
        kernel_panic("kmem-modified-after-free", &text);
    }
}
