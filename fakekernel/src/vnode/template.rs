//! Kinds of files that this kernel has itself: their operations, and opening one.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use bindings::*;

use crate::fs_subr::Op;

/// The operations of a kind of file, made once while booting.
pub(crate) struct Ops(AtomicPtr<vnodeops_t>);

impl Ops {
    /// Operations still to be made.
    pub(crate) const fn new() -> Ops {
        Ops(AtomicPtr::new(ptr::null_mut()))
    }

    /// Makes them of named functions; those not named are the defaults.
    ///
    /// # Safety
    /// Each function has the type of the operation it is named for.
    pub(crate) unsafe fn make(&self, name: &'static CStr, functions: &[(&'static CStr, Op)]) {
        let def = |name: *const std::ffi::c_char, op: Op| fs_operation_def_t {
            name,
            // SAFETY: all members of the union are one pointer, which may be NULL.
            func: unsafe { std::mem::transmute::<*const c_void, fs_func_p>(op) },
        };
        let mut template: Vec<fs_operation_def_t> = functions
            .iter()
            .map(|&(name, op)| def(name.as_ptr(), op))
            .collect();
        template.push(def(ptr::null(), ptr::null()));
        let mut ops = ptr::null_mut();
        // SAFETY: the template ends with a NULL name; the functions fit (contract).
        let made = unsafe { super::vn_make_ops(name.as_ptr(), template.as_ptr(), &raw mut ops) };
        assert_eq!(made, 0, "the template names its operations");
        self.0.store(ops, Ordering::Release);
    }

    /// Whether `vp` is a file of this kind.
    ///
    /// # Safety
    /// `vp` is held.
    pub(crate) unsafe fn are_of(&self, vp: *mut vnode_t) -> bool {
        // SAFETY: held (contract).
        unsafe { ptr::eq((*vp).v_op, self.0.load(Ordering::Acquire)) }
    }

    /// A fresh vnode of this kind with one hold.
    ///
    /// # Safety
    /// The caller may sleep; `data` is what the operations expect.
    pub(crate) unsafe fn vnode(&self, kind: vtype_t, data: *mut c_void) -> *mut vnode_t {
        // SAFETY: the vnode is fresh.
        unsafe {
            let vp = super::vn_alloc(KM_SLEEP);
            super::vn_setops(vp, self.0.load(Ordering::Acquire));
            (*vp).v_type = kind;
            (*vp).v_vfsp = crate::nulldev::vfs();
            (*vp).v_data = data;
            vp
        }
    }
}

/// Clears the answer of a VOP_GETATTR but for its mask, and says what kind of file it is.
///
/// # Safety
/// `vp` is held; `vap` is the caller's.
pub(crate) unsafe fn attributes(vp: *mut vnode_t, vap: *mut vattr_t) {
    // SAFETY: contract; all-zero bytes are valid attributes.
    unsafe {
        let mask = (*vap).va_mask;
        *vap = std::mem::zeroed();
        (*vap).va_mask = mask;
        (*vap).va_type = (*vp).v_type;
    }
}

/// Opens `vp` with these flags (`FREAD` ...) as the lowest free descriptor, which takes over the
/// caller's hold.
///
/// # Errors
/// EMFILE; the hold is dropped then.
///
/// # Safety
/// The caller is a thread of a process and has a hold of `vp`.
pub(crate) unsafe fn open(vp: *mut vnode_t, flag: c_int) -> Result<c_int, c_int> {
    // SAFETY: the out pointers are ours; the hold goes over to the file.
    unsafe {
        let (mut fp, mut fd) = (ptr::null_mut(), -1);
        let error = falloc(vp, flag, &raw mut fp, &raw mut fd);
        if error != 0 {
            super::vn_rele(vp);
            return Err(error);
        }
        mutex_exit(&raw mut (*fp).f_tlock);
        setf(fd, fp);
        Ok(fd)
    }
}

/// Opens two vnodes at once, as pipe(2) does: both descriptors or none.
///
/// # Errors
/// EMFILE; both holds are dropped then.
///
/// # Safety
/// As for [`open`], for both.
pub(crate) unsafe fn open_pair(
    vps: [*mut vnode_t; 2],
    flag: c_int,
) -> Result<(c_int, c_int), c_int> {
    // SAFETY: as in `open`. A file that got no descriptor is taken back before its vnode goes.
    unsafe {
        let (mut fps, mut fds) = ([ptr::null_mut(); 2], [-1; 2]);
        for at in 0..2 {
            let error = falloc(vps[at], flag, &raw mut fps[at], &raw mut fds[at]);
            if error != 0 {
                if at == 1 {
                    setf(fds[0], ptr::null_mut());
                    mutex_enter(&raw mut (*fps[0]).f_tlock);
                    unfalloc(fps[0]);
                }
                super::vn_rele(vps[0]);
                super::vn_rele(vps[1]);
                return Err(error);
            }
            mutex_exit(&raw mut (*fps[at]).f_tlock);
        }
        for (fd, fp) in fds.into_iter().zip(fps) {
            setf(fd, fp);
        }
        Ok((fds[0], fds[1]))
    }
}
