//! Vnodes: allocation, reference counts, operation vectors.
//!
//! Mirrors vnode.c. Stricter than the kernel: a vnode is not freed while a pollhead of it still
//! has pollers (rule `pollhead-leftover`) or while somebody holds it (rule `vnode-count`).
//!
//! Lock order: v_lock is a leaf.

mod fop;
pub(crate) mod template;

use std::ffi::{c_char, c_int, c_void};
use std::mem::offset_of;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use bindings::*;

pub use fop::{
    fop_access, fop_close, fop_frlock, fop_getattr, fop_inactive, fop_ioctl, fop_open,
    fop_pathconf, fop_poll, fop_read, fop_realvp, fop_rwlock, fop_rwunlock, fop_seek, fop_setfl,
    fop_write, vnevent_support,
};

use crate::fs_subr::{
    Op, Slot, fs_build_vector, fs_cmp, fs_dispose, fs_nosys, fs_pathconf, fs_poll, fs_rwlock,
    fs_success, fs_vnevent_nosupport,
};
use crate::panic::kernel_panic;

static VN_CACHE: AtomicPtr<kmem_cache_t> = AtomicPtr::new(ptr::null_mut());
/// Vnodes are aligned to this many bytes.
const VNODE_ALIGN: usize = 64;

unsafe extern "C" fn vn_constructor(buf: *mut c_void, _arg: *mut c_void, _flags: c_int) -> c_int {
    // SAFETY: the cache hands in a buffer of the size of a vnode_t, not yet used.
    unsafe {
        let vp: *mut vnode_t = buf.cast();
        ptr::write_bytes(vp, 0, 1);
        mutex_init(
            &raw mut (*vp).v_lock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );
        mutex_init(
            &raw mut (*vp).v_vsd_lock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );
        cv_init(
            &raw mut (*vp).v_cv,
            ptr::null_mut(),
            CV_DEFAULT,
            ptr::null_mut(),
        );
    }
    0
}

unsafe extern "C" fn vn_destructor(buf: *mut c_void, _arg: *mut c_void) {
    // SAFETY: the buffer went through the constructor.
    unsafe {
        let vp: *mut vnode_t = buf.cast();
        cv_destroy(&raw mut (*vp).v_cv);
        mutex_destroy(&raw mut (*vp).v_vsd_lock);
        mutex_destroy(&raw mut (*vp).v_lock);
    }
}

/// Creates the cache of vnodes; called once while the kernel boots.
pub(crate) fn vn_create_cache() {
    // SAFETY: the constructor and destructor treat the buffer as the vnode_t it is sized for.
    let cache = unsafe {
        kmem_cache_create(
            c"vn_cache".as_ptr().cast_mut(),
            size_of::<vnode_t>(),
            VNODE_ALIGN,
            Some(vn_constructor),
            Some(vn_destructor),
            None,
            ptr::null_mut(),
            ptr::null_mut(),
            0,
        )
    };
    VN_CACHE.store(cache, Ordering::Release);
}

/// A fresh vnode with one hold and no operations; NULL only with KM_NOSLEEP.
///
/// # Safety
/// With KM_SLEEP the caller may sleep.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vn_alloc(kmflag: c_int) -> *mut vnode_t {
    // SAFETY: a buffer of the cache is a constructed vnode that nobody else has.
    unsafe {
        let vp: *mut vnode_t = kmem_cache_alloc(VN_CACHE.load(Ordering::Acquire), kmflag).cast();
        if !vp.is_null() {
            vn_reinit(vp);
        }
        vp
    }
}

/// Makes the fields of a vnode fresh; not its locks, `v_data` and `v_op`.
///
/// # Safety
/// `vp` is a constructed vnode that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vn_reinit(vp: *mut vnode_t) {
    // SAFETY: exclusive (contract).
    unsafe {
        (*vp).v_count = 1;
        (*vp).v_count_dnlc = 0;
        (*vp).v_vfsp = ptr::null_mut();
        (*vp).v_stream = ptr::null_mut();
        (*vp).v_vfsmountedhere = ptr::null_mut();
        (*vp).v_flag = 0;
        (*vp).v_type = VNON;
        (*vp).v_rdev = dev_t::MAX;
        (*vp).v_filocks = ptr::null_mut();
        (*vp).v_shrlocks = ptr::null_mut();
        (*vp).v_pages = ptr::null_mut();
        (*vp).v_locality = ptr::null_mut();
        (*vp).v_xattrdir = ptr::null_mut();
        (*vp).v_path = c"".as_ptr().cast_mut();
        (*vp).v_path_stamp = 0;
        (*vp).v_rdcnt = 0;
        (*vp).v_wrcnt = 0;
        (*vp).v_mmap_read = 0;
        (*vp).v_mmap_write = 0;
        (*vp).v_mpssdata = ptr::null_mut();
        (*vp).v_femhead = ptr::null_mut();
        (*vp).v_fopdata = ptr::null_mut();
        (*vp).v_vsd = ptr::null_mut();
    }
}

/// Frees a vnode that has at most one hold.
///
/// # Safety
/// Nobody uses `vp` afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vn_free(vp: *mut vnode_t) {
    // SAFETY: the caller gives the vnode up (contract).
    unsafe {
        if (*vp).v_count > 1 || (*vp).v_count_dnlc != 0 {
            kernel_panic(
                "vnode-count",
                &format!("vn_free with {} holds", (*vp).v_count),
            );
        }
        if !(*vp).v_femhead.is_null() || !(*vp).v_fopdata.is_null() {
            kernel_panic(
                "vnode-monitor",
                "vn_free of a vnode that is still monitored",
            );
        }
        crate::poll::check_vnode(vp);
        (*vp).v_path = c"".as_ptr().cast_mut();
        kmem_cache_free(VN_CACHE.load(Ordering::Acquire), vp.cast());
    }
}

/// One more hold (`VN_HOLD`).
///
/// # Safety
/// The caller has a hold or another reason why the vnode stays.
pub unsafe fn vn_hold(vp: *mut vnode_t) {
    // SAFETY: the vnode is alive (contract).
    unsafe {
        mutex_enter(&raw mut (*vp).v_lock);
        (*vp).v_count += 1;
        mutex_exit(&raw mut (*vp).v_lock);
    }
}

/// Drops a hold; the last one calls VOP_INACTIVE with v_count still 1.
///
/// # Safety
/// The caller owns a hold and gives it up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vn_rele(vp: *mut vnode_t) {
    // SAFETY: the caller's hold keeps the vnode until it is dropped.
    unsafe {
        mutex_enter(&raw mut (*vp).v_lock);
        let count = (*vp).v_count;
        match count {
            0 => kernel_panic("vnode-count", "vn_rele of a vnode without holds"),
            1 => {
                mutex_exit(&raw mut (*vp).v_lock);
                let cred = crate::curthread::cred();
                fop_inactive(vp, cred, ptr::null_mut());
            }
            _ => {
                (*vp).v_count = count - 1;
                mutex_exit(&raw mut (*vp).v_lock);
            }
        }
    }
}

/// Sets the operations of a vnode.
///
/// # Safety
/// `vp` is live; the operations outlive it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vn_setops(vp: *mut vnode_t, vnodeops: *mut vnodeops_t) {
    // SAFETY: the vnode is live (contract).
    unsafe {
        if !(*vp).v_femhead.is_null() {
            kernel_panic("vnode-monitor", "vn_setops of a monitored vnode");
        }
        (*vp).v_op = vnodeops;
    }
}

/// Makes vnode operations from a template. Answers 0 or EINVAL.
///
/// # Safety
/// `templ` ends with a NULL name; `actual` is writable; `name` outlives the operations.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vn_make_ops(
    name: *const c_char,
    templ: *const fs_operation_def_t,
    actual: *mut *mut vnodeops_t,
) -> c_int {
    // SAFETY: the vector is freshly allocated with the size of vnodeops_t; the rest is the
    // contract.
    unsafe {
        let ops: *mut vnodeops_t = kmem_zalloc(size_of::<vnodeops_t>(), KM_SLEEP).cast();
        (*ops).vnop_name = name;
        let error = fs_build_vector(ops.cast(), &slots(), templ);
        if error == 0 {
            *actual = ops;
        } else {
            kmem_free(ops.cast(), size_of::<vnodeops_t>());
        }
        error
    }
}

/// Frees what [`vn_make_ops`] made.
///
/// # Safety
/// No vnode uses the operations any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vn_freevnodeops(vnops: *mut vnodeops_t) {
    // SAFETY: allocated by vn_make_ops (contract).
    unsafe { kmem_free(vnops.cast(), size_of::<vnodeops_t>()) };
}

/// The operations of a vnode with their default and error functions. Record locks, share
/// reservations and access control lists have no implementation here: ENOSYS.
fn slots() -> Vec<Slot> {
    let nosys = fs_nosys as *const () as Op;
    let fine = fs_success as *const () as Op;
    let nothing = fs_dispose as *const () as Op;
    let mut slots = Vec::with_capacity(48);
    macro_rules! slot {
        ($($field:ident $name:literal $default:expr, $error:expr;)*) => {
            $(slots.push(Slot {
                name: $name,
                offset: offset_of!(vnodeops_t, $field),
                default: $default,
                error: $error,
            });)*
        };
    }
    slot! {
        vop_open c"open" nosys, nosys;
        vop_close c"close" nosys, nosys;
        vop_read c"read" nosys, nosys;
        vop_write c"write" nosys, nosys;
        vop_ioctl c"ioctl" nosys, nosys;
        vop_setfl c"setfl" fine, nosys;
        vop_getattr c"getattr" nosys, nosys;
        vop_setattr c"setattr" nosys, nosys;
        vop_access c"access" nosys, nosys;
        vop_lookup c"lookup" nosys, nosys;
        vop_create c"create" nosys, nosys;
        vop_remove c"remove" nosys, nosys;
        vop_link c"link" nosys, nosys;
        vop_rename c"rename" nosys, nosys;
        vop_mkdir c"mkdir" nosys, nosys;
        vop_rmdir c"rmdir" nosys, nosys;
        vop_readdir c"readdir" nosys, nosys;
        vop_symlink c"symlink" nosys, nosys;
        vop_readlink c"readlink" nosys, nosys;
        vop_fsync c"fsync" nosys, nosys;
        vop_inactive c"inactive" nosys, nosys;
        vop_fid c"fid" nosys, nosys;
        vop_rwlock c"rwlock" fs_rwlock as *const () as Op, fs_rwlock as *const () as Op;
        vop_rwunlock c"rwunlock" nothing, nothing;
        vop_seek c"seek" nosys, nosys;
        vop_cmp c"cmp" fs_cmp as *const () as Op, fs_cmp as *const () as Op;
        vop_frlock c"frlock" nosys, nosys;
        vop_space c"space" nosys, nosys;
        vop_realvp c"realvp" nosys, nosys;
        vop_getpage c"getpage" nosys, nosys;
        vop_putpage c"putpage" nosys, nosys;
        vop_map c"map" nosys, nosys;
        vop_addmap c"addmap" nosys, nosys;
        vop_delmap c"delmap" nosys, nosys;
        vop_poll c"poll" fs_poll as *const () as Op, nosys;
        vop_dump c"dump" nosys, nosys;
        vop_pathconf c"pathconf" fs_pathconf as *const () as Op, nosys;
        vop_pageio c"pageio" nosys, nosys;
        vop_dumpctl c"dumpctl" nosys, nosys;
        vop_dispose c"dispose" nothing, nothing;
        vop_setsecattr c"setsecattr" nosys, nosys;
        vop_getsecattr c"getsecattr" nosys, nosys;
        vop_shrlock c"shrlock" nosys, nosys;
        vop_vnevent c"vnevent"
            fs_vnevent_nosupport as *const () as Op, fs_vnevent_nosupport as *const () as Op;
        vop_reqzcbuf c"reqzcbuf" nosys, nosys;
        vop_retzcbuf c"retzcbuf" nosys, nosys;
    }
    slots
}
