//! User memory of the calling process. Addresses are plain numbers.

use super::lwp::Lwp;
use crate::aspace::Prot;

impl Lwp {
    /// Maps `len` bytes for reading and writing, zeroed; the page behind stays unmapped. For a
    /// 32-bit process the address is below 4 GiB.
    ///
    /// # Panics
    /// When the process has used up `Config::user_memory`.
    pub fn alloc(&self, len: usize) -> usize {
        self.aspace().map(len)
    }

    /// Unmaps all pages the range touches; the content is lost.
    pub fn unmap(&self, addr: usize, len: usize) {
        self.aspace().unmap(addr, len);
    }

    /// Changes the protection of all pages the range touches.
    ///
    /// # Panics
    /// When one of them is not mapped.
    pub fn protect(&self, addr: usize, len: usize, prot: Prot) {
        self.aspace().protect(addr, len, prot);
    }

    /// Reads user memory as the process itself would; None where it would take SIGSEGV.
    pub fn peek(&self, addr: usize, len: usize) -> Option<Vec<u8>> {
        self.aspace().get(addr, len)
    }

    /// Writes user memory as the process itself would; false where it would take SIGSEGV.
    #[must_use = "false means that the process would have faulted"]
    pub fn poke(&self, addr: usize, bytes: &[u8]) -> bool {
        self.aspace().put(addr, bytes)
    }

    fn aspace(&self) -> &'static crate::aspace::AddressSpace {
        self.process().proc.aspace()
    }
}
