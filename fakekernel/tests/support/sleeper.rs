//! A file whose read sleeps, and whose closes are counted.

// Each test program uses a part of this.
#![allow(dead_code)]

#[path = "opened.rs"]
mod opened;

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, Ordering::SeqCst};

use bindings::*;
use fakekernel::user::Lwp;

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
    // SAFETY: the last hold of the vnode: nobody reads any more, so nobody has the sleeper.
    unsafe {
        opened::free(vp);
        let s = SLEEPER.swap(ptr::null_mut(), SeqCst);
        mutex_destroy(&raw mut (*s).lock);
        kmem_free(s.cast(), size_of::<Sleeper>());
    }
}

/// Opens a sleeper.
pub fn open_sleeper() -> (i32, *mut vnode_t) {
    let functions = [
        (c"read", sleeper_read as *const ()),
        (c"close", sleeper_close as *const ()),
        (c"inactive", sleeper_inactive as *const ()),
    ];
    // SAFETY: called by a case's process. The sleeper is fresh zeroed memory, which no one else
    // has before its file is open, and which its last close frees; the functions have the types
    // of their operations.
    unsafe {
        let s: *mut Sleeper = kmem_zalloc(size_of::<Sleeper>(), KM_SLEEP).cast();
        mutex_init(
            &raw mut (*s).lock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );
        SLEEPER.store(s, SeqCst);
        opened::open_device(c"sleeper", &functions)
    }
}

/// Closes a sleeper under a reader that does not listen to signals: the close waits for it, and
/// `meanwhile` gets the descriptor then. Reader and closer come to their end behind it.
pub fn close_under_reader(lwp: &Lwp, meanwhile: impl FnOnce(i32)) {
    DEAF.store(1, SeqCst);
    let (fd, _) = open_sleeper();
    let reader = lwp.spawn(move |lwp| {
        let addr = lwp.alloc(8);
        lwp.read(fd, addr, 8)
    });
    lwp.settle();
    let closer = lwp.spawn(move |lwp| lwp.close(fd));
    lwp.settle();
    assert!(
        !closer.has_ended() && CLOSES.load(SeqCst) == 0,
        "closed under a reader"
    );
    meanwhile(fd);
    lwp.settle();
    assert!(!closer.has_ended(), "closed under a reader");
    let s = SLEEPER.load(SeqCst);
    // SAFETY: the reader keeps the file and so the sleeper.
    unsafe {
        mutex_enter(&raw mut (*s).lock);
        cv_signal(&raw mut (*s).cv);
        mutex_exit(&raw mut (*s).lock);
    }
    assert_eq!(reader.join(), Ok(0));
    assert_eq!(closer.join(), Ok(()));
    assert_eq!(CLOSES.load(SeqCst), 1);
}
