//! Where the kernel was called from.
//!
//! C functions do not say who called them, so those that keep the caller's
//! address are entered through a stub of two instructions that hands the stack
//! pointer on as one more argument. It also tells how deep the stack is.

use crate::stack;

/// Defines an exported kernel function as a stub before `$f`, whose last
/// parameter, passed in `$reg`, is the stack pointer at entry.
macro_rules! entry {
    ($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) $(-> $ret:ty)? = $f:ident, $reg:literal) => {
        $(#[$doc])*
        ///
        /// # Safety
        ///
        /// As for the kernel function of this name: pointers must be valid for
        /// what it does, and the calling thread must be a task.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name($($arg: $type),*) $(-> $ret)? {
            core::arch::naked_asm!(
                concat!("mov ", $reg, ", rsp"),
                "jmp {f}",
                f = sym $f,
            )
        }
    };
}
pub(crate) use entry;

/// The stack pointer at the entry of a kernel function, which points to the
/// return address.
pub(crate) type Frame = *const usize;

/// Takes the caller's address from `frame` and notes the depth of the stack.
#[inline]
pub(crate) fn enter(frame: Frame) -> usize {
    stack::probe(frame as usize);
    // SAFETY: only the stubs made by `entry!` call this, with the address of
    // their return address.
    unsafe { frame.read() }
}
