//! Regular files without a name, in memory.
//!
//! As far as ports go every file system is the same: `VOP_POLL` is `fs_poll`, always ready and
//! never edge-triggered. Reads, writes and positions work as one expects; a file is freed with its
//! last descriptor.

use std::ffi::{c_int, c_void};
use std::ptr;

use bindings::*;

use crate::curthread::cred;
use crate::nulldev;
use crate::vnode::template::{self, Ops};

/// The largest size of a file.
const MAX_SIZE: usize = 1 << 24;

/// # Invariants
/// `data` is kmem memory of `room` bytes, NULL when that is 0, and `size <= room`; the three change
/// under the lock. Bytes behind `size` are zero.
#[repr(C)]
struct Node {
    lock: kmutex_t,
    data: *mut u8,
    room: usize,
    size: usize,
    uid: uid_t,
    gid: gid_t,
}

static OPS: Ops = Ops::new();

/// The file of a vnode.
///
/// # Safety
/// `vp` is a vnode of [`open`].
unsafe fn node(vp: *mut vnode_t) -> *mut Node {
    // SAFETY: `open` stored it (contract).
    unsafe { (*vp).v_data.cast() }
}

unsafe extern "C" fn read(
    vp: *mut vnode_t,
    uio: *mut uio_t,
    _ioflag: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: called with a vnode of `open` and a valid transfer.
    unsafe { transfer(node(vp), UIO_READ, uio) }
}

unsafe extern "C" fn write(
    vp: *mut vnode_t,
    uio: *mut uio_t,
    _ioflag: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: as in `read`.
    unsafe { transfer(node(vp), UIO_WRITE, uio) }
}

/// Reads or writes at the position of the transfer. User memory is touched without the lock, by
/// way of a copy.
///
/// # Safety
/// `np` is live, the transfer valid.
unsafe fn transfer(np: *mut Node, rw: uio_rw_t, uio: *mut uio_t) -> c_int {
    // SAFETY: valid (contract); the copy has `n` bytes.
    unsafe {
        let Ok(at) = usize::try_from((*uio)._uio_offset._f) else {
            return EINVAL;
        };
        let mut n = (*uio).uio_resid as usize;
        if n == 0 {
            return 0;
        }
        if rw == UIO_READ {
            n = n.min(MAX_SIZE);
        } else if at.checked_add(n).is_none_or(|end| end > MAX_SIZE) {
            return EFBIG;
        }
        let copy: *mut u8 = kmem_alloc(n, KM_SLEEP).cast();
        let error = if rw == UIO_READ {
            let there = get(np, at, copy, n);
            crate::uio::uiomove(copy.cast(), there, rw, uio)
        } else {
            let before = (*uio).uio_resid;
            let error = crate::uio::uiomove(copy.cast(), n, rw, uio);
            put(np, at, copy, (before - (*uio).uio_resid) as usize);
            error
        };
        kmem_free(copy.cast(), n);
        error
    }
}

/// Reads up to `n` bytes at position `at`; answers how many there are.
///
/// # Safety
/// `np` is live, `to` has `n` bytes.
unsafe fn get(np: *mut Node, at: usize, to: *mut u8, n: usize) -> usize {
    // SAFETY: live (contract); data and size are used under the lock.
    unsafe {
        mutex_enter(&raw mut (*np).lock);
        let there = (*np).size.saturating_sub(at).min(n);
        if there > 0 {
            ptr::copy_nonoverlapping((*np).data.add(at), to, there);
        }
        mutex_exit(&raw mut (*np).lock);
        there
    }
}

/// Writes `n` bytes at position `at`.
///
/// # Safety
/// `np` is live, `from` has `n` bytes, and the end is not beyond [`MAX_SIZE`].
unsafe fn put(np: *mut Node, at: usize, from: *const u8, n: usize) {
    let end = at + n;
    if n == 0 {
        return;
    }
    // SAFETY: live (contract); data, room and size are used under the lock only, and what is
    // replaced is freed without it.
    unsafe {
        let lock = &raw mut (*np).lock;
        let (mut fresh, mut room): (*mut u8, usize) = (ptr::null_mut(), 0);
        mutex_enter(lock);
        while (*np).room < end {
            if room < end {
                // Too small: look again with enough at hand.
                mutex_exit(lock);
                room = end.next_power_of_two();
                fresh = kmem_zalloc(room, KM_SLEEP).cast();
                mutex_enter(lock);
                continue;
            }
            if (*np).size > 0 {
                ptr::copy_nonoverlapping((*np).data, fresh, (*np).size);
            }
            std::mem::swap(&mut (*np).data, &mut fresh);
            std::mem::swap(&mut (*np).room, &mut room);
        }
        ptr::copy_nonoverlapping(from, (*np).data.add(at), n);
        (*np).size = (*np).size.max(end);
        mutex_exit(lock);
        if !fresh.is_null() {
            kmem_free(fresh.cast(), room);
        }
    }
}

unsafe extern "C" fn getattr(
    vp: *mut vnode_t,
    vap: *mut vattr_t,
    _flags: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: called with a vnode of `open`; the attributes are the caller's.
    unsafe {
        let np = node(vp);
        template::attributes(vp, vap);
        (*vap).va_mode = 0o600;
        (*vap).va_uid = (*np).uid;
        (*vap).va_gid = (*np).gid;
        mutex_enter(&raw mut (*np).lock);
        (*vap).va_size = (*np).size as u_offset_t;
        mutex_exit(&raw mut (*np).lock);
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

unsafe extern "C" fn inactive(vp: *mut vnode_t, _cr: *mut cred_t, _ct: *mut caller_context_t) {
    // SAFETY: the last hold of a vnode of `open`: nobody else uses the file.
    unsafe {
        let np = node(vp);
        vn_free(vp);
        mutex_destroy(&raw mut (*np).lock);
        let (data, room) = ((*np).data, (*np).room);
        kmem_free(np.cast(), size_of::<Node>());
        if !data.is_null() {
            kmem_free(data.cast(), room);
        }
    }
}

/// Makes the operations of regular files; once, while booting.
pub(crate) fn init() {
    // SAFETY: each function has the type of its operation.
    unsafe {
        OPS.make(
            c"regular",
            &[
                (c"close", nulldev::close as *const c_void),
                (c"read", read as *const c_void),
                (c"write", write as *const c_void),
                (c"getattr", getattr as *const c_void),
                (c"seek", seek as *const c_void),
                (c"inactive", inactive as *const c_void),
            ],
        );
    }
}

/// Opens a new file for reading and writing, at its beginning, with this content.
///
/// # Errors
/// EFBIG (more than 16 MiB), EMFILE.
pub(crate) fn open(content: &[u8]) -> Result<c_int, c_int> {
    const { assert!(std::mem::offset_of!(Node, lock) == 0) };
    if content.len() > MAX_SIZE {
        return Err(EFBIG);
    }
    // SAFETY: called by a thread of a process; the node is fresh zeroed memory, and its vnode frees
    // it.
    unsafe {
        let np: *mut Node = kmem_zalloc(size_of::<Node>(), KM_SLEEP).cast();
        mutex_init(
            &raw mut (*np).lock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );
        ((*np).uid, (*np).gid) = (crgetuid(cred()), crgetgid(cred()));
        put(np, 0, content.as_ptr(), content.len());
        template::open(OPS.vnode(VREG, np.cast()), FREAD | FWRITE)
    }
}
