//! Vnode operations of a port.
//!
//! Operations that are not in the template get the kernel's own defaults.

use core::ffi::{c_char, c_int, c_short};
use core::ptr;

use bindings::{
    caller_context_t, cred_t, fs_func_p, fs_operation_def_t, offset_t, pollhead_t, vattr_t, vnode_t,
};

use crate::kernel::poll::{self, PollEvents};
use crate::kernel::{proc, vnode};
use crate::port;

/// A list of vnode operations by name.
#[repr(transparent)]
pub struct Template([fs_operation_def_t; 13]);

// SAFETY: never written.
unsafe impl Sync for Template {}

impl Template {
    /// The address `vn_make_ops` wants.
    pub fn as_ptr(&self) -> *const fs_operation_def_t {
        self.0.as_ptr()
    }
}

/// A list of file system operations without any.
#[repr(transparent)]
pub struct NoOperations([fs_operation_def_t; 1]);

// SAFETY: never written.
unsafe impl Sync for NoOperations {}

impl NoOperations {
    /// Only the end mark.
    pub const END: Self = Self([END]);

    /// The address `vfs_makefsops` wants.
    pub fn as_ptr(&self) -> *const fs_operation_def_t {
        self.0.as_ptr()
    }
}

const END: fs_operation_def_t = fs_operation_def_t {
    name: ptr::null(),
    func: fs_func_p { fs_generic: None },
};

const fn operation(name: *const c_char, func: fs_func_p) -> fs_operation_def_t {
    fs_operation_def_t { name, func }
}

/// An operation that a port refuses.
const fn refused(name: *const c_char) -> fs_operation_def_t {
    operation(
        name,
        fs_func_p {
            error: Some(bindings::fs_error),
        },
    )
}

/// The operations of a port.
#[unsafe(no_mangle)]
pub static port_vnodeops_template: Template = Template([
    operation(
        bindings::VOPNAME_OPEN.as_ptr(),
        fs_func_p {
            vop_open: Some(port_open),
        },
    ),
    operation(
        bindings::VOPNAME_CLOSE.as_ptr(),
        fs_func_p {
            vop_close: Some(port_close),
        },
    ),
    operation(
        bindings::VOPNAME_GETATTR.as_ptr(),
        fs_func_p {
            vop_getattr: Some(port_getattr),
        },
    ),
    operation(
        bindings::VOPNAME_ACCESS.as_ptr(),
        fs_func_p {
            vop_access: Some(port_access),
        },
    ),
    operation(
        bindings::VOPNAME_INACTIVE.as_ptr(),
        fs_func_p {
            vop_inactive: Some(port_inactive),
        },
    ),
    refused(bindings::VOPNAME_FRLOCK.as_ptr()),
    operation(
        bindings::VOPNAME_REALVP.as_ptr(),
        fs_func_p {
            vop_realvp: Some(port_realvp),
        },
    ),
    operation(
        bindings::VOPNAME_POLL.as_ptr(),
        fs_func_p {
            vop_poll: Some(port_poll),
        },
    ),
    refused(bindings::VOPNAME_PATHCONF.as_ptr()),
    refused(bindings::VOPNAME_DISPOSE.as_ptr()),
    refused(bindings::VOPNAME_GETSECATTR.as_ptr()),
    refused(bindings::VOPNAME_SHRLOCK.as_ptr()),
    END,
]);

unsafe extern "C" fn port_open(
    _vpp: *mut *mut vnode_t,
    _flag: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    0
}

unsafe extern "C" fn port_close(
    vp: *mut vnode_t,
    _flag: c_int,
    count: c_int,
    _offset: offset_t,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: the kernel calls this for a referenced port vnode.
    port::close::port_release(unsafe { vnode::port_of(vp) }, count);
    0
}

unsafe extern "C" fn port_getattr(
    vp: *mut vnode_t,
    vap: *mut vattr_t,
    _flags: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: the kernel calls this for a referenced port vnode and passes a
    // writable vattr.
    unsafe {
        let port = vnode::port_of(vp);
        vnode::fill_attributes(vp, port, port::getn::port_length(port), vap);
    }
    0
}

unsafe extern "C" fn port_access(
    _vp: *mut vnode_t,
    _mode: c_int,
    _flags: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    0
}

unsafe extern "C" fn port_inactive(vp: *mut vnode_t, _cr: *mut cred_t, _ct: *mut caller_context_t) {
    // SAFETY: the kernel calls this for the last reference of a port's vnode.
    drop(unsafe { vnode::destroy(vp) });
}

unsafe extern "C" fn port_realvp(
    vp: *mut vnode_t,
    vpp: *mut *mut vnode_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: the kernel passes a writable result.
    unsafe { *vpp = vp }
    0
}

unsafe extern "C" fn port_poll(
    vp: *mut vnode_t,
    events: c_short,
    anyyet: c_int,
    reventsp: *mut c_short,
    phpp: *mut *mut pollhead_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: the kernel calls this for a referenced port vnode and passes
    // writable results.
    unsafe {
        let port = vnode::port_of(vp);
        let polled = port::poll::port_readiness(port, PollEvents(events), anyyet != 0, proc::pid());
        poll::answer(port, &polled, reventsp, phpp);
    }
    0
}
