//! A file whose read sleeps, and whose closes are counted.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, Ordering::SeqCst};

use bindings::*;

/// A file whose read sleeps on a cv, interruptibly or not.
pub struct Sleeper {
    pub lock: kmutex_t,
    pub cv: kcondvar_t,
}

pub static SLEEPER: AtomicPtr<Sleeper> = AtomicPtr::new(ptr::null_mut());
pub static DEAF: AtomicI32 = AtomicI32::new(0);
pub static CLOSES: AtomicU32 = AtomicU32::new(0);
pub static COUNTS: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" fn sleeper_read(
    _vp: *mut vnode_t,
    _uio: *mut uio_t,
    _flag: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    let s = SLEEPER.load(SeqCst);
    // SAFETY: the test's own lock and cv.
    unsafe {
        mutex_enter(&raw mut (*s).lock);
        let error = if DEAF.load(SeqCst) != 0 {
            cv_wait(&raw mut (*s).cv, &raw mut (*s).lock);
            0
        } else if cv_wait_sig(&raw mut (*s).cv, &raw mut (*s).lock) == 0 {
            EINTR
        } else {
            0
        };
        mutex_exit(&raw mut (*s).lock);
        error
    }
}

unsafe extern "C" fn sleeper_close(
    _vp: *mut vnode_t,
    _flag: c_int,
    count: c_int,
    _offset: offset_t,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    CLOSES.fetch_add(1, SeqCst);
    COUNTS.store(count as u32, SeqCst);
    0
}

unsafe extern "C" fn sleeper_inactive(
    vp: *mut vnode_t,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) {
    // SAFETY: the last hold of the vnode; operations and sleeper are the test's own.
    unsafe {
        let ops = (*vp).v_op;
        vn_free(vp);
        vn_freevnodeops(ops);
        let s = SLEEPER.swap(ptr::null_mut(), SeqCst);
        mutex_destroy(&raw mut (*s).lock);
        kmem_free(s.cast(), size_of::<Sleeper>());
    }
}

fn op(name: &'static std::ffi::CStr, f: *const c_void) -> fs_operation_def_t {
    // SAFETY: all members of the union are one pointer.
    let func = unsafe { std::mem::transmute::<*const c_void, fs_func_p>(f) };
    fs_operation_def_t {
        name: name.as_ptr(),
        func,
    }
}

/// Opens a sleeper.
pub fn open_sleeper() -> (i32, *mut vnode_t) {
    let end = fs_operation_def_t {
        name: ptr::null(),
        ..op(c"", ptr::null())
    };
    let template = [
        op(c"read", sleeper_read as *const c_void),
        op(c"close", sleeper_close as *const c_void),
        op(c"inactive", sleeper_inactive as *const c_void),
        end,
    ];
    // SAFETY: the kernel's interface, used as documented.
    unsafe {
        let s: *mut Sleeper = kmem_zalloc(size_of::<Sleeper>(), KM_SLEEP).cast();
        mutex_init(
            &raw mut (*s).lock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );
        SLEEPER.store(s, SeqCst);
        let mut ops = ptr::null_mut();
        assert_eq!(
            vn_make_ops(c"sleeper".as_ptr(), template.as_ptr(), &raw mut ops),
            0
        );
        let vp = vn_alloc(KM_SLEEP);
        vn_setops(vp, ops);
        (*vp).v_type = VCHR;
        let (mut fp, mut fd) = (ptr::null_mut(), -1);
        assert_eq!(falloc(vp, FREAD, &raw mut fp, &raw mut fd), 0);
        mutex_exit(&raw mut (*fp).f_tlock);
        setf(fd, fp);
        (fd, vp)
    }
}
