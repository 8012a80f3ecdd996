//! Event sources that programs associate objects with.
//!
//! The module has none yet: descriptors and files get files of their own
//! here.

use crate::kernel::event::Source;
use crate::kernel::port::Port;
use crate::kernel::{Errno, Result};

/// `port_associate`.
///
/// # Errors
///
/// `EINVAL` for a source that takes no associations (S26).
pub fn associate(_port: &Port, _source: Source) -> Result {
    Err(Errno::EINVAL)
}

/// `port_dissociate`.
///
/// # Errors
///
/// `EINVAL` for a source that takes no associations (S26).
pub fn dissociate(_port: &Port, _source: Source) -> Result {
    Err(Errno::EINVAL)
}
