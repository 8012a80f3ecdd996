//! Error numbers as a type of their own.
//!
//! Mirrors `sys/errno.h`. An [`Errno`] is what a system call reports in
//! `lwp_errno`; it is never zero, so `Result<()>` is one machine word.

use core::ffi::c_int;
use core::num::NonZeroI32;

/// An illumos error number.
///
/// # Invariants
///
/// Positive: it came from a named constant or from a kernel function that
/// reported failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(NonZeroI32);

/// What fallible module code returns.
pub type Result<T = ()> = core::result::Result<T, Errno>;

macro_rules! errno_constants {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl Errno {
            $($(#[$doc])*
            pub const $name: Self = match NonZeroI32::new(bindings::$name as i32) {
                Some(number) => Self(number),
                // A constant of zero would be a broken binding; any non-zero
                // number keeps the type's invariant.
                None => Self(NonZeroI32::MAX),
            };)*
        }
    };
}

errno_constants! {
    /// No such association, or it is not armed.
    ENOENT;
    /// Another process's association or event.
    EACCES;
    /// Interrupted by a signal, or the descriptor was closed meanwhile.
    EINTR;
    /// No device number left for the port file system.
    ENXIO;
    /// Not an open descriptor.
    EBADF;
    /// A limit (ports of the project, events of the port) is reached.
    EAGAIN;
    /// No memory without waiting.
    ENOMEM;
    /// A user address that cannot be read or written.
    EFAULT;
    /// The port is in alert mode already; another portfs is loaded.
    EBUSY;
    /// An argument outside its range.
    EINVAL;
    /// No free descriptor.
    EMFILE;
    /// The time-out expired.
    ETIME;
    /// An open descriptor, but not a port, or a port being closed.
    EBADFD;
}

impl Errno {
    /// The number, as C wants it.
    #[inline]
    pub const fn number(self) -> c_int {
        self.0.get()
    }

    /// Turns a kernel function's return value (0 is success) into a result.
    #[inline]
    pub fn check(value: c_int) -> Result {
        match NonZeroI32::new(value) {
            None => Ok(()),
            Some(number) => Err(Self(number)),
        }
    }
}
