//! The two blocks of memory a module is loaded into.
//!
//! As in the kernel every block lies where a sign-extended 32-bit field reaches it;
//! on the host that is the lowest 2 GiB of the address space.

use std::io;
use std::ptr::NonNull;

const PAGE: usize = 4096;

/// A private, zeroed range of host memory below 2 GiB.
///
/// # Invariants
/// `base` is the start of a mapping of `len` bytes (a multiple of the page size) that this value
/// owns; it is unmapped on drop and never before.
#[derive(Debug)]
pub struct Block {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the block is plain memory; the raw pointer carries no thread affinity, and `Block`
// itself hands out access only through `&mut self` or raw addresses.
unsafe impl Send for Block {}
// SAFETY: as for Send; `&Block` only tells addresses.
unsafe impl Sync for Block {}

impl Block {
    /// Maps `size` bytes, zeroed, readable and writable. Size 0 gives one page.
    ///
    /// # Errors
    /// What mmap answers when no room is left below 2 GiB.
    pub fn map(size: usize) -> io::Result<Block> {
        let len = size
            .max(1)
            .checked_next_multiple_of(PAGE)
            .ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        // SAFETY: an anonymous private mapping at an address of the host's choice touches no
        // existing memory.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        match NonNull::new(base.cast()) {
            Some(base) => Ok(Block { base, len }),
            None => Err(io::Error::from(io::ErrorKind::OutOfMemory)),
        }
    }

    /// First address.
    pub fn start(&self) -> usize {
        self.base.as_ptr() as usize
    }

    /// Whether `addr` lies in the block.
    pub fn contains(&self, addr: usize) -> bool {
        addr.wrapping_sub(self.start()) < self.len
    }

    /// The contents, for the loader to fill.
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: by the type's invariant the range is mapped and ours; the exclusive borrow of
        // `self` makes this the only reference. It is writable until `seal`, after which the
        // loader does not ask for it any more.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr(), self.len) }
    }

    /// Makes the block read-only and executable.
    ///
    /// # Errors
    /// What mprotect answers.
    pub fn seal(&mut self) -> io::Result<()> {
        // SAFETY: the range is our own mapping; no reference to it is alive (`&mut self`).
        let rc = unsafe {
            libc::mprotect(
                self.base.as_ptr().cast(),
                self.len,
                libc::PROT_READ | libc::PROT_EXEC,
            )
        };
        if rc == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours (type invariant) and goes away with its owner.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}
