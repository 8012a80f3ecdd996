//! Opens a file of a kind that the test makes for it.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::ffi::{CStr, c_int};
use std::ptr;

use bindings::*;

/// A function of the kind of file, under the name of its operation.
pub type Op = (&'static CStr, *const ());

/// Opens a file with these operations; `fill` gets its fresh vnode. The last hold is dropped by
/// closing it, and then `inactive` frees the vnode and its operations.
///
/// # Safety
/// Called by a thread of a process. Each function has the type of its operation, and what it uses
/// is there already.
pub unsafe fn open(
    name: &'static CStr,
    functions: &[Op],
    flag: c_int,
    fill: impl FnOnce(*mut vnode_t),
) -> (i32, *mut vnode_t) {
    let def = |name, f: *const ()| fs_operation_def_t {
        name,
        // SAFETY: all members of the union are one pointer, which may be NULL.
        func: unsafe { std::mem::transmute::<*const (), fs_func_p>(f) },
    };
    let mut template: Vec<_> = functions.iter().map(|&(n, f)| def(n.as_ptr(), f)).collect();
    template.push(def(ptr::null(), ptr::null()));
    // SAFETY: the template ends with a NULL name, is only read by vn_make_ops, and its functions
    // fit (contract). The vnode is fresh, nobody else has it before setf; its hold goes over to
    // the file, which falloc hands out with f_tlock held.
    unsafe {
        let mut ops = ptr::null_mut();
        let made = vn_make_ops(name.as_ptr(), template.as_ptr(), &raw mut ops);
        assert_eq!(made, 0, "the template names its operations");
        let vp = vn_alloc(KM_SLEEP);
        vn_setops(vp, ops);
        fill(vp);
        let (mut fp, mut fd) = (ptr::null_mut(), -1);
        assert_eq!(falloc(vp, flag, &raw mut fp, &raw mut fd), 0);
        mutex_exit(&raw mut (*fp).f_tlock);
        setf(fd, fp);
        (fd, vp)
    }
}

/// As [`open`], a character device for reading.
///
/// # Safety
/// As for [`open`].
pub unsafe fn open_device(name: &'static CStr, functions: &[Op]) -> (i32, *mut vnode_t) {
    // SAFETY: the contract; the vnode is fresh and nobody else's yet.
    unsafe { open(name, functions, FREAD, |vp| (*vp).v_type = VCHR) }
}

/// Frees a vnode of [`open`] and its operations.
///
/// # Safety
/// Called by its `inactive` operation: the last hold is gone.
pub unsafe fn free(vp: *mut vnode_t) {
    // SAFETY: nobody else has the vnode (contract), and no other vnode has operations made by
    // `open`.
    unsafe {
        let ops = (*vp).v_op;
        vn_free(vp);
        vn_freevnodeops(ops);
    }
}

/// An operation that answers 0.
pub extern "C" fn zero() -> c_int {
    0
}
