//! Ready-made vnode operations, and the building of operation vectors from templates.
//!
//! Mirrors fs_subr.c and fs_build_vector of vfs.c. `fs_error` and `fs_default` are placeholders: a
//! template names them, the vector gets the error or default function of that operation, and
//! calling them is a panic.

use std::ffi::{CStr, c_int, c_short, c_void};
use std::ptr;

use bindings::*;

/// An operation as a plain address; only `fs_build_vector` and the vectors themselves hold them.
pub(crate) type Op = *const c_void;

/// Where a named operation lies in its vector, and what stands in for it.
pub(crate) struct Slot {
    pub name: &'static CStr,
    pub offset: usize,
    pub default: Op,
    pub error: Op,
}

/// Placeholder in templates: "answer an error".
#[unsafe(no_mangle)]
pub extern "C" fn fs_error() -> c_int {
    crate::panic::kernel_panic("fs-placeholder", "fs_error called")
}

/// Placeholder in templates: "do as usual".
#[unsafe(no_mangle)]
pub extern "C" fn fs_default() -> c_int {
    crate::panic::kernel_panic("fs-placeholder", "fs_default called")
}

/// ENOSYS whatever the arguments.
#[unsafe(no_mangle)]
pub extern "C" fn fs_nosys() -> c_int {
    ENOSYS
}

pub(crate) extern "C" fn fs_success() -> c_int {
    0
}

pub(crate) extern "C" fn fs_rwlock() -> c_int {
    -1
}

pub(crate) extern "C" fn fs_vnevent_nosupport() -> c_int {
    ENOTSUP
}

pub(crate) extern "C" fn fs_cmp(
    one: *mut vnode_t,
    two: *mut vnode_t,
    _ct: *mut caller_context_t,
) -> c_int {
    c_int::from(ptr::eq(one, two))
}

/// Always ready for what it is asked; POLLET is refused with EPERM (as are epoll users).
///
/// # Safety
/// `reventsp` is writable; called by a kernel thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fs_poll(
    _vp: *mut vnode_t,
    events: c_short,
    _anyyet: c_int,
    reventsp: *mut c_short,
    _phpp: *mut *mut pollhead_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: the calling thread's poll cache, if any, is alive; `reventsp` is writable (contract).
    unsafe {
        let cache = (*crate::curthread::curthread()).t_pollcache;
        let epoll = !cache.is_null() && (*cache).pc_flag & PC_EPOLL != 0;
        if epoll || c_int::from(events) & POLLET != 0 {
            return EPERM;
        }
        let always = POLLIN | POLLRDNORM | POLLRDBAND | POLLOUT | POLLWRBAND;
        *reventsp = events & always as c_short;
    }
    0
}

/// EINVAL: no file of this kernel has a limit worth asking for.
#[unsafe(no_mangle)]
pub extern "C" fn fs_pathconf() -> c_int {
    EINVAL
}

/// Nothing to dispose of.
#[unsafe(no_mangle)]
pub extern "C" fn fs_dispose() {}

/// Fills `vector` from a template: operations it does not name get their default, the
/// placeholders the default or error function. Answers 0, or EINVAL for a NULL function.
///
/// # Safety
/// `vector` is writable at every slot's offset; `template` ends with a NULL name.
pub(crate) unsafe fn fs_build_vector(
    vector: *mut c_void,
    slots: &[Slot],
    template: *const fs_operation_def_t,
) -> c_int {
    for slot in slots {
        let mut op = slot.default;
        // SAFETY: the template is NULL-terminated and its names are strings (contract). All
        // members of fs_func_p are one pointer.
        unsafe {
            let mut def = template;
            while !(*def).name.is_null() {
                if CStr::from_ptr((*def).name) == slot.name {
                    op = std::mem::transmute::<fs_generic_func_p, Op>((*def).func.fs_generic);
                    break;
                }
                def = def.add(1);
            }
        }
        if op.is_null() {
            return EINVAL;
        }
        if ptr::eq(op, fs_error as *const () as Op) {
            op = slot.error;
        } else if ptr::eq(op, fs_default as *const () as Op) {
            op = slot.default;
        }
        // SAFETY: writable at that offset (contract).
        unsafe { *vector.byte_add(slot.offset).cast::<Op>() = op };
    }
    0
}
