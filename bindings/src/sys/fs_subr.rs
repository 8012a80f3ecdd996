//! Ready-made operations of file systems: `fs/fs_subr.h`.

use core::ffi::{c_int, c_short, c_void};

use super::flat::*;

functions! {
    "sys/vfs_opreg.h":

    /// Stands in a template for an operation that has to fail; never called as such.
    fn fs_error() -> c_int;

    "fs/fs_subr.h":

    /// Answers ENOSYS, whatever the arguments are.
    fn fs_nosys() -> c_int;
    /// The default of poll: always ready.
    fn fs_poll(vp: *mut vnode_t, events: c_short, anyyet: c_int, reventsp: *mut c_short, phpp: *mut *mut pollhead_t, ct: *mut caller_context_t) -> c_int;
    /// The default of pathconf.
    fn fs_pathconf(vp: *mut vnode_t, cmd: c_int, valp: *mut ulong_t, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// The default of dispose.
    fn fs_dispose(vp: *mut vnode_t, pp: *mut c_void, flag: c_int, dn: c_int, cr: *mut cred_t, ct: *mut caller_context_t);
}
