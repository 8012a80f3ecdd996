//! Paths: `sys/pathname.h`.

use core::ffi::{c_char, c_int};

use super::flat::*;

layouts! {
    "sys/pathname.h":

    /// A path under resolution.
    struct pathname_t = "struct pathname": 32, 8 {
        /// buffer
        0 pub pn_buf: *mut c_char,
        /// rest of the path in the buffer
        8 pub pn_path: *mut c_char,
        /// its length
        16 pub pn_pathlen: size_t,
        /// size of the buffer
        24 pub pn_bufsize: size_t,
    }
}

functions! {
    "sys/pathname.h":

    /// Makes a `pathname` from a user or kernel string. An errno.
    fn pn_get(str_: *const c_char, seg: uio_seg_t, pnp: *mut pathname_t) -> c_int;
    /// Frees the buffer of a `pathname`.
    fn pn_free(pnp: *mut pathname_t);
    /// Cuts a `pathname` down to its last component.
    fn pn_setlast(pnp: *mut pathname_t);
    /// Resolves a path; held vnodes of the directory and of the last component.
    fn lookuppn(pnp: *mut pathname_t, rpnp: *mut pathname_t, followlink: c_int, dirvpp: *mut *mut vnode_t, compvpp: *mut *mut vnode_t) -> c_int;
    /// Resolves a path given as a string.
    fn lookupname(fname: *const c_char, seg: uio_seg_t, followlink: c_int, dirvpp: *mut *mut vnode_t, compvpp: *mut *mut vnode_t) -> c_int;
}
