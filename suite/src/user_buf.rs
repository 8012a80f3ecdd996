//! [`UserBuf`]: user memory, good and bad.

use alloc::vec;
use alloc::vec::Vec;

use crate::{Errno, Protection, System};

/// A range of the caller's address space, unmapped when dropped.
///
/// # Invariants
///
/// `base..base + mapped` is what [`System::map`] gave and is still mapped; the range handed out is
/// `addr..addr + len`.
pub struct UserBuf<'s> {
    sys: &'s dyn System,
    base: usize,
    mapped: usize,
    addr: usize,
    len: usize,
}

impl<'s> UserBuf<'s> {
    /// `len` bytes of zeros that end where an unmapped page begins (so that one byte too many
    /// faults), aligned to 8 bytes when `len` is a multiple of 8.
    pub fn new(sys: &'s dyn System, len: usize) -> Result<UserBuf<'s>, Errno> {
        UserBuf::cut(sys, len, len)
    }

    /// `len` bytes of which only the first `good` ones are mapped.
    pub fn cut(sys: &'s dyn System, len: usize, good: usize) -> Result<UserBuf<'s>, Errno> {
        let page = sys.page();
        let mapped = good.div_ceil(page).max(1) * page;
        let base = sys.map(mapped)?;
        let addr = base + mapped - good;
        Ok(UserBuf {
            sys,
            base,
            mapped,
            addr,
            len,
        })
    }

    /// `len` bytes at an address that is off by `by` bytes from an 8-byte border.
    pub fn misaligned(sys: &'s dyn System, len: usize, by: usize) -> Result<UserBuf<'s>, Errno> {
        let mut buf = UserBuf::new(sys, (len + by).next_multiple_of(8))?;
        buf.addr += by;
        buf.len = len;
        Ok(buf)
    }

    /// `len` bytes that can be read but not written, holding `bytes` at the start.
    pub fn read_only(sys: &'s dyn System, len: usize, bytes: &[u8]) -> Result<UserBuf<'s>, Errno> {
        let buf = UserBuf::new(sys, len)?;
        buf.write(bytes);
        sys.protect(buf.base, buf.mapped, Protection::Read)?;
        Ok(buf)
    }

    /// `len` bytes that can be neither read nor written.
    pub fn no_access(sys: &'s dyn System, len: usize) -> Result<UserBuf<'s>, Errno> {
        let buf = UserBuf::new(sys, len)?;
        sys.protect(buf.base, buf.mapped, Protection::None)?;
        Ok(buf)
    }

    /// `len` bytes, at most a page, where nothing is mapped as long as the buffer lives: the page
    /// behind a mapping.
    pub fn unmapped(sys: &'s dyn System, len: usize) -> Result<UserBuf<'s>, Errno> {
        let mut buf = UserBuf::new(sys, 1)?;
        buf.addr = buf.base + buf.mapped;
        buf.len = len;
        Ok(buf)
    }

    /// First address.
    pub fn addr(&self) -> usize {
        self.addr
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Is the length 0?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes `bytes` at the start.
    pub fn write(&self, bytes: &[u8]) {
        self.sys.poke(self.addr, bytes);
    }

    /// Reads from offset `at`.
    pub fn read_at(&self, at: usize, to: &mut [u8]) {
        self.sys.peek(self.addr + at, to);
    }

    /// Writes an array of ints at the start.
    pub fn write_ints(&self, ints: &[i32]) {
        let bytes: Vec<u8> = ints.iter().flat_map(|i| i.to_ne_bytes()).collect();
        self.write(&bytes);
    }

    /// Reads `count` ints from the start.
    pub fn read_ints(&self, count: usize) -> Vec<i32> {
        let mut bytes = vec![0; count * 4];
        self.read_at(0, &mut bytes);
        bytes
            .chunks_exact(4)
            .map(|b| i32::from_ne_bytes([b[0], b[1], b[2], b[3]]))
            .collect()
    }
}

impl Drop for UserBuf<'_> {
    fn drop(&mut self) {
        // Nothing can be done about a refusal here; the process end cleans up.
        let _ = self.sys.unmap(self.base, self.mapped);
    }
}
