//! The user memory of a process.
//!
//! Stands for `vm/as.h`. Each process has a range of host addresses, below
//! 4 GiB for a 32-bit one, that is handed out in pages with an unmapped page
//! behind each mapping. User addresses are host addresses; the kernel reaches
//! them through [`copyio`](crate::copyio) only, which looks here first, so a
//! bad pointer is an EFAULT and never a host fault.

use std::ffi::c_void;
use std::ptr;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::kernel;
use crate::panic::kernel_panic;
use crate::tsan;

/// Bytes of a page.
pub const PAGE: usize = 4096;

/// What a process may do with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prot {
    /// Mapped, without any access.
    None,
    /// Reading.
    Read,
    /// Reading and writing.
    ReadWrite,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Page {
    Unmapped,
    Mapped(Prot),
}

/// What the kernel wants to do with user memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

struct Inner {
    base: usize,
    pages: Vec<Page>,
}

/// The user memory of a process.
pub struct AddressSpace {
    below_4g: bool,
    inner: RwLock<Inner>,
}

fn host_prot(page: Page) -> libc::c_int {
    match page {
        Page::Unmapped | Page::Mapped(Prot::None) => libc::PROT_NONE,
        Page::Mapped(Prot::Read) => libc::PROT_READ,
        Page::Mapped(Prot::ReadWrite) => libc::PROT_READ | libc::PROT_WRITE,
    }
}

fn pages(len: usize) -> usize {
    len.div_ceil(PAGE).max(1)
}

impl AddressSpace {
    pub(crate) fn new(below_4g: bool) -> AddressSpace {
        AddressSpace {
            below_4g,
            inner: RwLock::new(Inner {
                base: 0,
                pages: Vec::new(),
            }),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Maps `len` bytes, rounded up to pages, zeroed, for reading and writing.
    ///
    /// # Panics
    ///
    /// When the range of `Config::user_memory` is used up.
    pub fn map(&self, len: usize) -> usize {
        let mut inner = self.write();
        inner.reserve(self.below_4g);
        let want = pages(len);
        let free = |i: usize| inner.pages[i] == Page::Unmapped;
        // One page more: what lies behind a mapping is never mapped.
        let last = inner.pages.len().saturating_sub(want);
        let at = (0..last).find(|&at| (at..=at + want).all(free) && (at == 0 || free(at - 1)));
        let Some(at) = at else {
            drop(inner);
            panic!("a process has no {len} bytes of user memory left: raise Config::user_memory");
        };
        inner.set(at, want, Page::Mapped(Prot::ReadWrite));
        inner.base + at * PAGE
    }

    /// Maps `len` bytes that end at the end of a page, with an unmapped page
    /// behind. The address is aligned as `len` is.
    pub fn map_at_end(&self, len: usize) -> usize {
        self.map(len) + pages(len) * PAGE - len
    }

    /// Changes the protection of all pages that the range touches.
    ///
    /// # Panics
    ///
    /// When one of them is not mapped.
    pub fn protect(&self, addr: usize, len: usize, prot: Prot) {
        let mut inner = self.write();
        let (at, n) = inner.span(addr, len);
        let mapped = inner.pages[at..at + n].iter().all(|&p| p != Page::Unmapped);
        if mapped {
            inner.set(at, n, Page::Mapped(prot));
        }
        drop(inner);
        assert!(mapped, "{len} bytes at {addr:#x} are not all mapped");
    }

    /// Unmaps all pages that the range touches; their content is lost.
    pub fn unmap(&self, addr: usize, len: usize) {
        let mut inner = self.write();
        let (at, n) = inner.span(addr, len);
        inner.set(at, n, Page::Unmapped);
    }

    /// Unmaps everything and gives the range back to the host.
    pub(crate) fn release(&self) {
        let mut inner = self.write();
        if inner.base != 0 {
            // SAFETY: the mapping made by `reserve`, used by nobody any more:
            // every copy holds the lock.
            unsafe { libc::munmap(inner.base as *mut c_void, inner.pages.len() * PAGE) };
            *inner = Inner {
                base: 0,
                pages: Vec::new(),
            };
        }
    }

    /// How many bytes from `addr` on the process itself may read, at most `len`.
    pub fn readable(&self, addr: usize, len: usize) -> usize {
        self.read().accessible(addr, len, Access::Read)
    }

    /// How many bytes from `addr` on the process itself may write, at most `len`.
    pub fn writable(&self, addr: usize, len: usize) -> usize {
        self.read().accessible(addr, len, Access::Write)
    }

    /// Reads user memory as the process itself would; None where it would fault.
    pub fn get(&self, addr: usize, len: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; len];
        let all = self.copy_in(addr, bytes.as_mut_ptr(), len, len) == len;
        all.then_some(bytes)
    }

    /// Writes user memory as the process itself would; false where it would
    /// fault.
    #[must_use = "false means that the process would have faulted"]
    pub fn put(&self, addr: usize, bytes: &[u8]) -> bool {
        self.copy_out(bytes.as_ptr(), addr, bytes.len(), bytes.len()) == bytes.len()
    }

    /// Copies up to `limit` of `len` bytes in; returns how many were copied.
    pub(crate) fn copy_in(&self, addr: usize, to: *mut u8, len: usize, limit: usize) -> usize {
        let n = tsan::aside(|| {
            let inner = self.read();
            let n = inner.accessible(addr, len, Access::Read).min(limit);
            // SAFETY: `n` bytes at `addr` are mapped for reading while the lock
            // is held; `to` has room for `len`, by the contract of copyin.
            unsafe { ptr::copy(addr as *const u8, to, n) };
            n
        });
        tsan::writes(to, n);
        n
    }

    /// Copies up to `limit` of `len` bytes out; returns how many were copied.
    pub(crate) fn copy_out(&self, from: *const u8, addr: usize, len: usize, limit: usize) -> usize {
        let n = tsan::aside(|| {
            let inner = self.read();
            let n = inner.accessible(addr, len, Access::Write).min(limit);
            // SAFETY: as in `copy_in`, for writing.
            unsafe { ptr::copy(from, addr as *mut u8, n) };
            n
        });
        tsan::reads(from, n);
        n
    }
}

impl Inner {
    fn reserve(&mut self, below_4g: bool) {
        if self.base != 0 {
            return;
        }
        let len = pages(kernel::config().user_memory) * PAGE;
        let low = if below_4g { libc::MAP_32BIT } else { 0 };
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | low;
        // SAFETY: a new mapping at an address of the host's choice.
        let base = unsafe { libc::mmap(ptr::null_mut(), len, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            let text = format!("the host has no {len} bytes of address space for a process");
            kernel_panic("proc", &text);
        }
        self.base = base as usize;
        self.pages = vec![Page::Unmapped; len / PAGE];
    }

    /// First page and number of pages of a range.
    fn span(&self, addr: usize, len: usize) -> (usize, usize) {
        let end = self.base + self.pages.len() * PAGE;
        let fits = addr >= self.base && len <= end && addr <= end - len && len != 0;
        assert!(
            fits,
            "{len} bytes at {addr:#x} are not user memory of this process"
        );
        let first = (addr - self.base) / PAGE;
        (first, (addr + len - 1 - self.base) / PAGE - first + 1)
    }

    fn set(&mut self, at: usize, n: usize, page: Page) {
        let addr = (self.base + at * PAGE) as *mut c_void;
        // SAFETY: whole pages of the mapping made by `reserve`, under the lock
        // that every copy holds.
        let failed = unsafe {
            if page == Page::Unmapped {
                libc::madvise(addr, n * PAGE, libc::MADV_DONTNEED);
            }
            libc::mprotect(addr, n * PAGE, host_prot(page))
        };
        if failed != 0 {
            kernel_panic("proc", "the host does not let user memory be protected");
        }
        self.pages[at..at + n].fill(page);
    }

    fn accessible(&self, addr: usize, len: usize, access: Access) -> usize {
        let allowed = |page: Page| match access {
            Access::Read => matches!(page, Page::Mapped(Prot::Read | Prot::ReadWrite)),
            Access::Write => page == Page::Mapped(Prot::ReadWrite),
        };
        let Some(offset) = addr.checked_sub(self.base) else {
            return 0;
        };
        let mut n = 0;
        while n < len {
            let at = offset.saturating_add(n);
            match self.pages.get(at / PAGE) {
                Some(&page) if allowed(page) => n += PAGE - at % PAGE,
                _ => break,
            }
        }
        n.min(len)
    }
}
