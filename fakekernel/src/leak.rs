//! Kernel memory that nobody freed.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::panic::symbol;
use crate::{kmem, kmem_cache};

static BASELINE: AtomicU64 = AtomicU64::new(0);

/// Kernel memory that is still allocated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// Its address.
    pub addr: usize,
    /// Its size in bytes.
    pub size: usize,
    /// The cache it is an object of.
    pub cache: Option<String>,
    /// The address it was allocated from.
    pub caller: usize,
    /// The same as a name.
    pub symbol: String,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cache {
            Some(cache) => write!(f, "object of cache {cache}")?,
            None => write!(f, "buffer of {} bytes", self.size)?,
        }
        write!(f, " {:#x}, allocated at {}", self.addr, self.symbol)
    }
}

/// Memory allocated after the last [`baseline`] and not freed, oldest first.
pub fn leaks() -> Vec<Leak> {
    let after = BASELINE.load(Relaxed);
    let mut live = kmem::live();
    live.retain(|(_, buffer)| buffer.serial > after);
    live.sort_by_key(|(_, buffer)| buffer.serial);
    live.into_iter()
        .map(|(addr, buffer)| Leak {
            addr,
            size: buffer.size,
            cache: (buffer.cache != 0).then(|| kmem_cache::name(buffer.cache)),
            caller: buffer.caller,
            symbol: symbol(buffer.caller),
        })
        .collect()
}

/// Declares all memory allocated so far, for example by a module that stays,
/// to be no leak.
pub fn baseline() {
    BASELINE.store(kmem::next_serial(), Relaxed);
}
