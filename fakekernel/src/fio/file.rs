//! Open files: `file_t`, from falloc to the last closef.

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicU16, Ordering};

use bindings::*;

use super::ufalloc_file;
use crate::curthread::cred;
use crate::fault::{self, Fault};

static FILE_CACHE: AtomicPtr<kmem_cache_t> = AtomicPtr::new(ptr::null_mut());

/// Name of the lock of a file, which a close holds.
pub(crate) const F_TLOCK: &str = "f_tlock";

unsafe extern "C" fn file_constructor(
    buf: *mut std::ffi::c_void,
    _arg: *mut std::ffi::c_void,
    _kmflags: c_int,
) -> c_int {
    // SAFETY: the cache hands in a buffer of the size of a file_t.
    unsafe {
        mutex_init(
            &raw mut (*buf.cast::<file_t>()).f_tlock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );
        crate::mutex::set_name(&raw mut (*buf.cast::<file_t>()).f_tlock, F_TLOCK);
    }
    0
}

unsafe extern "C" fn file_destructor(buf: *mut std::ffi::c_void, _arg: *mut std::ffi::c_void) {
    // SAFETY: the buffer went through the constructor.
    unsafe { mutex_destroy(&raw mut (*buf.cast::<file_t>()).f_tlock) };
}

/// Creates the cache of files; called once while the kernel boots.
pub(crate) fn finit() {
    // SAFETY: the constructor and destructor treat the buffer as the file_t it is sized for.
    let cache = unsafe {
        kmem_cache_create(
            c"file_cache".as_ptr().cast_mut(),
            size_of::<file_t>(),
            0,
            Some(file_constructor),
            Some(file_destructor),
            None,
            ptr::null_mut(),
            ptr::null_mut(),
            0,
        )
    };
    FILE_CACHE.store(cache, Ordering::Release);
}

/// Makes a file structure, and a descriptor for it when `fdp` is not NULL. Answers 0 or EMFILE;
/// the file comes back with f_tlock held and f_count 1.
///
/// # Safety
/// `fpp` is writable, `fdp` NULL or writable; the caller may sleep.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn falloc(
    vp: *mut vnode_t,
    flag: c_int,
    fpp: *mut *mut file_t,
    fdp: *mut c_int,
) -> c_int {
    // SAFETY: the out pointers are writable (contract); the file is ours until it is handed out.
    unsafe {
        let mut fd = -1;
        if !fdp.is_null() {
            if fault::fires(Fault::Falloc).is_some() {
                return EMFILE;
            }
            match ufalloc_file(0, ptr::null_mut()) {
                Some(free) => fd = free,
                None => return EMFILE,
            }
        }
        let fp: *mut file_t = kmem_cache_alloc(FILE_CACHE.load(Ordering::Acquire), KM_SLEEP).cast();
        mutex_enter(&raw mut (*fp).f_tlock);
        (*fp).f_count = 1;
        (*fp).f_flag = flag as ushort_t;
        (*fp).f_flag2 = ((flag & (FSEARCH | FEXEC)) >> 16) as ushort_t;
        (*fp).f_vnode = vp;
        (*fp).f_offset = 0;
        (*fp).f_audit_data = ptr::null_mut();
        (*fp).f_filock = ptr::null_mut();
        (*fp).f_cred = cred();
        crate::cred::crhold((*fp).f_cred);
        *fpp = fp;
        if !fdp.is_null() {
            *fdp = fd;
        }
        0
    }
}

/// Takes back a file that [`falloc`] made and nobody opened.
///
/// # Safety
/// `fp` is such a file with f_tlock held; it is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unfalloc(fp: *mut file_t) {
    // SAFETY: the file is the caller's (contract).
    unsafe {
        (*fp).f_count -= 1;
        let last = (*fp).f_count <= 0;
        let cred = (*fp).f_cred;
        mutex_exit(&raw mut (*fp).f_tlock);
        if last {
            crate::cred::crfree(cred);
            kmem_cache_free(FILE_CACHE.load(Ordering::Acquire), fp.cast());
        }
    }
}

/// Drops one reference of a file: VOP_CLOSE with the count before the drop; the last one frees the
/// file and releases the vnode. Answers what VOP_CLOSE answered.
///
/// # Safety
/// The caller owns one count of `fp` and gives it up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn closef(fp: *mut file_t) -> c_int {
    // SAFETY: the caller's count keeps file and vnode alive until the end.
    unsafe {
        mutex_enter(&raw mut (*fp).f_tlock);
        let count = (*fp).f_count;
        if count <= 0 {
            crate::panic::kernel_panic("file-count", &format!("closef: f_count {count}"));
        }
        (*fp).f_count -= 1;
        let (vp, cred) = ((*fp).f_vnode, (*fp).f_cred);
        let flag = c_int::from(f_flag(fp).load(Ordering::Relaxed));
        let offset = f_offset(fp).load(Ordering::Relaxed);
        let error = crate::vnode::fop_close(vp, flag, count, offset, cred, ptr::null_mut());
        mutex_exit(&raw mut (*fp).f_tlock);
        if count == 1 {
            vn_rele(vp);
            crate::cred::crfree(cred);
            kmem_cache_free(FILE_CACHE.load(Ordering::Acquire), fp.cast());
        }
        error
    }
}

/// The flags of an open file, which F_SETFL may be changing.
///
/// # Safety
/// `fp` is held.
pub(crate) unsafe fn f_flag<'a>(fp: *mut file_t) -> &'a AtomicU16 {
    // SAFETY: held (contract); an aligned word that changes through this only.
    unsafe { AtomicU16::from_ptr(&raw mut (*fp).f_flag) }
}

/// The position of an open file, which others may be moving.
///
/// # Safety
/// `fp` is held.
pub(crate) unsafe fn f_offset<'a>(fp: *mut file_t) -> &'a AtomicI64 {
    // SAFETY: held (contract); an aligned word that changes through this only.
    unsafe { AtomicI64::from_ptr(&raw mut (*fp).f_offset) }
}

/// One more reference for a file the calling thread holds by getf.
///
/// # Safety
/// `fp` is held.
pub(crate) unsafe fn fhold(fp: *mut file_t) {
    // SAFETY: the file is held (contract).
    unsafe {
        mutex_enter(&raw mut (*fp).f_tlock);
        (*fp).f_count += 1;
        mutex_exit(&raw mut (*fp).f_tlock);
    }
}

/// Takes back what [`fhold`] added; not the last one.
///
/// # Safety
/// `fp` is held and the caller owns one count.
pub(crate) unsafe fn funhold(fp: *mut file_t) {
    // SAFETY: the file is held (contract).
    unsafe {
        mutex_enter(&raw mut (*fp).f_tlock);
        (*fp).f_count -= 1;
        mutex_exit(&raw mut (*fp).f_tlock);
    }
}
