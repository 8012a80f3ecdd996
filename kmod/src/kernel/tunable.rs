//! Variables an administrator sets in `/etc/system`, as in
//! `set portfs:portfs_strict = 0`.

use core::sync::atomic::{AtomicI32, Ordering};

/// 1 (the default): answers follow the manual pages where the C module does
/// not. 0: as the C module, for D8 (close of one of a process's descriptors of
/// a port), D26 (`port_get` with a zero time-out), D28 (`port_alert` flags,
/// alerts in `poll`).
#[unsafe(no_mangle)]
pub static portfs_strict: AtomicI32 = AtomicI32::new(1);

/// Whether the manual wins.
#[inline]
pub fn strict() -> bool {
    portfs_strict.load(Ordering::Relaxed) != 0
}
