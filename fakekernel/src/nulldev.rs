//! Two devices that are no ports: something to hold a wrong descriptor to, and something to poll.

use std::ffi::{c_int, c_short, c_void};
use std::mem::offset_of;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use bindings::*;

use crate::curthread::cred;
use crate::fs_subr::fs_poll;

/// Which device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Always ready; reads end at once, writes go nowhere.
    Null,
    /// Readable from a write until the next read.
    Latch,
}

/// The private data of an open device.
#[repr(C)]
struct Device {
    lock: kmutex_t,
    pollhead: pollhead_t,
    latch: bool,
    set: bool,
}

static OPS: AtomicPtr<vnodeops_t> = AtomicPtr::new(ptr::null_mut());
static VFS: AtomicPtr<vfs_t> = AtomicPtr::new(ptr::null_mut());

/// The device of a vnode.
///
/// # Safety
/// `vp` is a vnode made by [`open`].
unsafe fn device(vp: *mut vnode_t) -> *mut Device {
    // SAFETY: `open` stored it (contract).
    unsafe { (*vp).v_data.cast() }
}

/// VOP_CLOSE of a device that does not care.
pub(crate) unsafe extern "C" fn close(
    _vp: *mut vnode_t,
    _flag: c_int,
    _count: c_int,
    _offset: offset_t,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    0
}

unsafe extern "C" fn read(
    vp: *mut vnode_t,
    _uio: *mut uio_t,
    _ioflag: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: called with a vnode of `open`; `set` changes under the lock.
    unsafe {
        let dev = device(vp);
        mutex_enter(&raw mut (*dev).lock);
        (*dev).set = false;
        mutex_exit(&raw mut (*dev).lock);
    }
    0
}

unsafe extern "C" fn write(
    vp: *mut vnode_t,
    uio: *mut uio_t,
    _ioflag: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: as in `read`; the uio is the caller's.
    unsafe {
        let dev = device(vp);
        (*uio).uio_resid = 0;
        mutex_enter(&raw mut (*dev).lock);
        (*dev).set = true;
        mutex_exit(&raw mut (*dev).lock);
        if (*dev).latch {
            pollwakeup(&raw mut (*dev).pollhead, POLLIN as c_short);
        }
    }
    0
}

/// VOP_IOCTL of a device that knows no request.
pub(crate) unsafe extern "C" fn ioctl(
    _vp: *mut vnode_t,
    _cmd: c_int,
    _arg: intptr_t,
    _flag: c_int,
    _cr: *mut cred_t,
    _rval: *mut c_int,
    _ct: *mut caller_context_t,
) -> c_int {
    ENOTTY
}

/// VOP_GETATTR of any device.
pub(crate) unsafe extern "C" fn getattr(
    vp: *mut vnode_t,
    vap: *mut vattr_t,
    _flags: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: the attributes are the caller's.
    unsafe {
        crate::vnode::template::attributes(vp, vap);
        (*vap).va_mode = 0o666;
        (*vap).va_nlink = 1;
        (*vap).va_rdev = (*vp).v_rdev;
    }
    0
}

unsafe extern "C" fn seek(
    _vp: *mut vnode_t,
    _old: offset_t,
    new: *mut offset_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: the caller's offset.
    if unsafe { *new } < 0 { EINVAL } else { 0 }
}

unsafe extern "C" fn poll(
    vp: *mut vnode_t,
    events: c_short,
    anyyet: c_int,
    reventsp: *mut c_short,
    phpp: *mut *mut pollhead_t,
    ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: called with a vnode of `open`; the out pointers are writable.
    unsafe {
        let dev = device(vp);
        if !(*dev).latch {
            return fs_poll(vp, events, anyyet, reventsp, phpp, ct);
        }
        mutex_enter(&raw mut (*dev).lock);
        let ready = POLLOUT | if (*dev).set { POLLIN } else { 0 };
        mutex_exit(&raw mut (*dev).lock);
        *reventsp = events & ready as c_short;
        if (*reventsp == 0 && anyyet == 0) || c_int::from(events) & POLLET != 0 {
            *phpp = &raw mut (*dev).pollhead;
        }
    }
    0
}

unsafe extern "C" fn inactive(vp: *mut vnode_t, _cr: *mut cred_t, _ct: *mut caller_context_t) {
    // SAFETY: the last hold of a vnode of `open`: nobody else uses the device.
    unsafe {
        let dev = device(vp);
        vn_free(vp);
        mutex_destroy(&raw mut (*dev).lock);
        kmem_free(dev.cast(), size_of::<Device>());
    }
}

/// The file system of files that belong to none.
pub(crate) fn vfs() -> *mut vfs_t {
    VFS.load(Ordering::Acquire)
}

/// Makes the operations of the devices; once, while booting.
pub(crate) fn init() {
    // SAFETY: the structures are ours; the templates end with a NULL name.
    unsafe {
        let func = |op: *const c_void| std::mem::transmute::<*const c_void, fs_func_p>(op);
        let def = |name: &'static std::ffi::CStr, op: *const c_void| fs_operation_def_t {
            name: name.as_ptr(),
            func: func(op),
        };
        let end = fs_operation_def_t {
            name: ptr::null(),
            func: func(ptr::null()),
        };
        let template = [
            def(c"close", close as *const c_void),
            def(c"read", read as *const c_void),
            def(c"write", write as *const c_void),
            def(c"ioctl", ioctl as *const c_void),
            def(c"getattr", getattr as *const c_void),
            def(c"seek", seek as *const c_void),
            def(c"poll", poll as *const c_void),
            def(c"inactive", inactive as *const c_void),
            end,
        ];
        let mut ops = ptr::null_mut();
        let made = vn_make_ops(c"nulldev".as_ptr(), template.as_ptr(), &raw mut ops);
        assert_eq!(made, 0, "the device's template names its operations");
        OPS.store(ops, Ordering::Release);
        let mut vfsops = ptr::null_mut();
        let made = vfs_makefsops([end].as_ptr(), &raw mut vfsops);
        assert_eq!(made, 0, "an empty template is a valid one");
        let vfs: *mut vfs_t = kmem_zalloc(size_of::<vfs_t>(), KM_SLEEP).cast();
        vfs_setops(vfs, vfsops);
        VFS.store(vfs, Ordering::Release);
    }
}

/// Opens a device for reading and writing; answers the descriptor.
///
/// # Errors
/// EMFILE.
pub(crate) fn open(kind: Kind) -> Result<c_int, c_int> {
    const { assert!(offset_of!(Device, lock) == 0) };
    // SAFETY: called by a thread of a process. Device and vnode are fresh; `inactive` frees them
    // when the last descriptor is closed.
    unsafe {
        let dev: *mut Device = kmem_zalloc(size_of::<Device>(), KM_SLEEP).cast();
        mutex_init(
            &raw mut (*dev).lock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );
        (*dev).latch = kind == Kind::Latch;
        let vp = vn_alloc(KM_SLEEP);
        vn_setops(vp, OPS.load(Ordering::Acquire));
        (*vp).v_type = VCHR;
        (*vp).v_rdev = makedevice(2, kind as minor_t);
        (*vp).v_vfsp = VFS.load(Ordering::Acquire);
        (*vp).v_data = dev.cast();
        let (mut fp, mut fd) = (ptr::null_mut(), -1);
        let error = falloc(vp, FREAD | FWRITE, &raw mut fp, &raw mut fd);
        if error != 0 {
            inactive(vp, cred(), ptr::null_mut());
            return Err(error);
        }
        mutex_exit(&raw mut (*fp).f_tlock);
        setf(fd, fp);
        Ok(fd)
    }
}
