//! `VOP_*`: calls of vnode operations, under the names the kernel's macros use.
//!
//! What the kernel does besides (statistics, credentials of file systems without extended ids)
//! does not exist here.

use std::ffi::{c_int, c_short, c_void};
use std::ptr;

use bindings::*;

/// Defines `fop_name`, which calls `vop_name` of the vnode's operations.
macro_rules! fops {
    ($($(#[$doc:meta])* $fop:ident => $vop:ident ($($arg:ident : $ty:ty),*) $(-> $ret:ty)?;)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// `vp` is held and has operations; the arguments are what the operation asks for.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $fop(vp: *mut vnode_t, $($arg: $ty),*) $(-> $ret)? {
            // SAFETY: the vnode is held and its operations outlive it (contract).
            unsafe {
                match (*(*vp).v_op).$vop {
                    Some(op) => op(vp, $($arg),*),
                    None => crate::panic::kernel_panic(
                        "vnode-ops",
                        concat!("a vnode without the operation ", stringify!($vop)),
                    ),
                }
            }
        }
    )*};
}

fops! {
    /// `VOP_CLOSE`: `count` is f_count before the close.
    fop_close => vop_close(flag: c_int, count: c_int, offset: offset_t, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// `VOP_READ`.
    fop_read => vop_read(uiop: *mut uio_t, ioflag: c_int, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// `VOP_WRITE`.
    fop_write => vop_write(uiop: *mut uio_t, ioflag: c_int, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// `VOP_IOCTL`.
    fop_ioctl => vop_ioctl(cmd: c_int, arg: intptr_t, flag: c_int, cr: *mut cred_t, rvalp: *mut c_int, ct: *mut caller_context_t) -> c_int;
    /// `VOP_SETFL`.
    fop_setfl => vop_setfl(oflags: c_int, nflags: c_int, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// `VOP_GETATTR`.
    fop_getattr => vop_getattr(vap: *mut vattr_t, flags: c_int, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// `VOP_ACCESS`.
    fop_access => vop_access(mode: c_int, flags: c_int, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// `VOP_INACTIVE`.
    fop_inactive => vop_inactive(cr: *mut cred_t, ct: *mut caller_context_t);
    /// `VOP_RWLOCK`.
    fop_rwlock => vop_rwlock(write: c_int, ct: *mut caller_context_t) -> c_int;
    /// `VOP_RWUNLOCK`.
    fop_rwunlock => vop_rwunlock(write: c_int, ct: *mut caller_context_t);
    /// `VOP_SEEK`.
    fop_seek => vop_seek(old: offset_t, new: *mut offset_t, ct: *mut caller_context_t) -> c_int;
    /// `VOP_FRLOCK`.
    fop_frlock => vop_frlock(cmd: c_int, lock: *mut c_void, flag: c_int, offset: offset_t, callback: *mut c_void, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// `VOP_REALVP`.
    fop_realvp => vop_realvp(vpp: *mut *mut vnode_t, ct: *mut caller_context_t) -> c_int;
    /// `VOP_PATHCONF`.
    fop_pathconf => vop_pathconf(cmd: c_int, valp: *mut ulong_t, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
}

/// `VOP_POLL`.
///
/// # Safety
/// `vp` is held and has operations; the out pointers are writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fop_poll(
    vp: *mut vnode_t,
    events: c_short,
    anyyet: c_int,
    reventsp: *mut c_short,
    phpp: *mut *mut pollhead_t,
    ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: held, and the operations outlive the vnode (contract).
    unsafe {
        let Some(op) = (*(*vp).v_op).vop_poll else {
            crate::panic::kernel_panic("vnode-ops", "a vnode without the operation vop_poll");
        };
        let error = op(vp, events, anyyet, reventsp, phpp, ct);
        if error == 0 && !(*phpp).is_null() {
            crate::poll::given(*phpp, vp);
        }
        error
    }
}

/// `VOP_OPEN`: the operation may put another vnode into `*vpp`.
///
/// # Safety
/// `*vpp` is held and has operations.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fop_open(
    vpp: *mut *mut vnode_t,
    mode: c_int,
    cr: *mut cred_t,
    ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: held (contract); one more hold for the time of the call, in case the operation
    // drops its own.
    unsafe {
        let vp = *vpp;
        super::vn_hold(vp);
        let error = (*(*vp).v_op)
            .vop_open
            .map_or(ENOSYS, |op| op(vpp, mode, cr, ct));
        super::vn_rele(vp);
        error
    }
}

/// `vnevent_support`: whether the file system reports events of this vnode, 0 or an errno.
///
/// # Safety
/// As for the operations above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vnevent_support(vp: *mut vnode_t, ct: *mut caller_context_t) -> c_int {
    // SAFETY: held, with operations (contract).
    unsafe {
        let event = (*(*vp).v_op).vop_vnevent;
        event.map_or(ENOTSUP, |op| {
            op(vp, VE_SUPPORT, ptr::null_mut(), ptr::null_mut(), ct)
        })
    }
}
