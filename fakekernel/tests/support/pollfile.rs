//! A file made for a test: never ready, with a pollhead and a lock of its own.

// Each test program uses a part of this.
#![allow(dead_code)]

#[path = "opened.rs"]
mod opened;

use std::ffi::{c_int, c_short};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::SeqCst};

use bindings::*;

/// A file of the test: it counts how often it is asked and hands out its pollhead.
#[repr(C)]
pub struct File {
    pub lock: kmutex_t,
    pub head: pollhead_t,
}

/// The one that is open.
pub static FILE: AtomicPtr<File> = AtomicPtr::new(ptr::null_mut());
/// How often its VOP_POLL was called.
pub static ASKED: AtomicU32 = AtomicU32::new(0);
/// The sum of what it was called with as `anyyet`.
pub static ANYYET: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" fn file_poll(
    _vp: *mut vnode_t,
    _events: c_short,
    anyyet: c_int,
    reventsp: *mut c_short,
    phpp: *mut *mut pollhead_t,
    _ct: *mut caller_context_t,
) -> c_int {
    ASKED.fetch_add(1, SeqCst);
    ANYYET.fetch_add(anyyet as u32, SeqCst);
    let file = FILE.load(SeqCst);
    // SAFETY: the test's own file; the out pointers are the caller's.
    unsafe {
        mutex_enter(&raw mut (*file).lock);
        mutex_exit(&raw mut (*file).lock);
        *reventsp = 0;
        *phpp = &raw mut (*file).head;
    }
    0
}

unsafe extern "C" fn file_inactive(vp: *mut vnode_t, _cr: *mut cred_t, _ct: *mut caller_context_t) {
    // SAFETY: the last hold of the vnode: nobody polls any more, so nobody has the file.
    unsafe {
        opened::free(vp);
        let file = FILE.swap(ptr::null_mut(), SeqCst);
        mutex_destroy(&raw mut (*file).lock);
        kmem_free(file.cast(), size_of::<File>());
    }
}

/// Opens the test's file.
pub fn open_file() -> (i32, *mut vnode_t) {
    open_file_with(file_poll)
}

/// A VOP_POLL.
pub type Poll = unsafe extern "C" fn(
    *mut vnode_t,
    c_short,
    c_int,
    *mut c_short,
    *mut *mut pollhead_t,
    *mut caller_context_t,
) -> c_int;

/// As [`open_file`], with another VOP_POLL.
pub fn open_file_with(poll: Poll) -> (i32, *mut vnode_t) {
    let functions = [
        (c"poll", poll as *const ()),
        (c"close", opened::zero as *const ()),
        (c"inactive", file_inactive as *const ()),
    ];
    // SAFETY: called by a case's process. The file is fresh zeroed memory, which no one else has
    // before it is open, and which its last close frees; the functions have the types of their
    // operations (`zero` looks at no argument).
    unsafe {
        let file: *mut File = kmem_zalloc(size_of::<File>(), KM_SLEEP).cast();
        mutex_init(
            &raw mut (*file).lock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );
        FILE.store(file, SeqCst);
        opened::open_device(c"test", &functions)
    }
}
