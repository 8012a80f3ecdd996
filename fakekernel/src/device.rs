//! Character devices whose readiness somebody decides.
//!
//! They stand for a driver: its chpoll looks at what is ready under the driver's own lock, and its
//! interrupt changes that and calls pollwakeup with no lock held. A device may have no chpoll
//! (ENXIO, as a driver without one), and its VOP_POLL can be held up: then it drops the poll
//! cache's lock by pollunlock, as drivers do that have to wait for something, and takes it back by
//! pollrelock; whatever the port forgot to look at again shows in that window.
//!
//! Lock order: a device's lock is a leaf.

use std::ffi::{c_int, c_short, c_void};
use std::ptr;

use bindings::*;

use crate::poll::{pollrelock, pollunlock};
use crate::thread::{self, Kind};
use crate::vnode::template::{self, Ops};
use crate::{nulldev, proc};

/// The private data of an open device.
#[repr(C)]
struct Device {
    lock: kmutex_t,
    cv: kcondvar_t,
    pollhead: pollhead_t,
    /// No chpoll.
    unpollable: bool,
    /// VOP_POLL waits.
    held: bool,
    /// What is ready.
    ready: c_int,
    /// Calls of VOP_POLL.
    polls: u64,
}

static OPS: Ops = Ops::new();

/// The device of a vnode.
///
/// # Safety
/// `vp` is a vnode of [`open`].
unsafe fn device(vp: *mut vnode_t) -> *mut Device {
    // SAFETY: `open` stored it (contract).
    unsafe { (*vp).v_data.cast() }
}

unsafe extern "C" fn chpoll(
    vp: *mut vnode_t,
    events: c_short,
    anyyet: c_int,
    reventsp: *mut c_short,
    phpp: *mut *mut pollhead_t,
    _ct: *mut caller_context_t,
) -> c_int {
    let asked = c_int::from(events);
    // SAFETY: called with a vnode of `open`; the out pointers are writable; state is looked at
    // under the lock.
    unsafe {
        let dev = device(vp);
        let lock = &raw mut (*dev).lock;
        mutex_enter(lock);
        (*dev).polls += 1;
        if (*dev).unpollable {
            mutex_exit(lock);
            return ENXIO;
        }
        if (*dev).held {
            mutex_exit(lock);
            let mut state = 0;
            if pollunlock(&raw mut state) != 0 {
                *reventsp = POLLNVAL as c_short;
                return 0;
            }
            mutex_enter(lock);
            while (*dev).held {
                cv_wait(&raw mut (*dev).cv, lock);
            }
            mutex_exit(lock);
            pollrelock(state);
            mutex_enter(lock);
        }
        let ready = (*dev).ready & (asked | POLLHUP | POLLERR | POLLNVAL);
        mutex_exit(lock);
        *reventsp = ready as c_short;
        if (ready == 0 && anyyet == 0) || asked & POLLET != 0 {
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
        cv_destroy(&raw mut (*dev).cv);
        mutex_destroy(&raw mut (*dev).lock);
        kmem_free(dev.cast(), size_of::<Device>());
    }
}

/// Makes the operations of devices; once, while booting.
pub(crate) fn init() {
    // SAFETY: each function has the type of its operation.
    unsafe {
        OPS.make(
            c"device",
            &[
                (c"close", nulldev::close as *const c_void),
                (c"ioctl", nulldev::ioctl as *const c_void),
                (c"getattr", nulldev::getattr as *const c_void),
                (c"poll", chpoll as *const c_void),
                (c"inactive", inactive as *const c_void),
            ],
        );
    }
}

/// Opens a device of its own with nothing ready, or one without chpoll.
///
/// # Errors
/// EMFILE.
pub(crate) fn open(pollable: bool) -> Result<c_int, c_int> {
    const { assert!(std::mem::offset_of!(Device, lock) == 0) };
    // SAFETY: called by a thread of a process; the device is fresh zeroed memory, which is a valid
    // value, and its vnode frees it.
    unsafe {
        let dev: *mut Device = kmem_zalloc(size_of::<Device>(), KM_SLEEP).cast();
        mutex_init(
            &raw mut (*dev).lock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );
        cv_init(
            &raw mut (*dev).cv,
            ptr::null_mut(),
            CV_DEFAULT,
            ptr::null_mut(),
        );
        (*dev).unpollable = !pollable;
        let vp = OPS.vnode(VCHR, dev.cast());
        (*vp).v_rdev = makedevice(3, 0);
        template::open(vp, FREAD | FWRITE)
    }
}

/// Pointers that an interrupt needs of its device.
struct Raised {
    dev: *mut Device,
    events: c_short,
}

// SAFETY: the device is used under its own lock; whoever raises keeps it alive.
unsafe impl Send for Raised {}

/// The interrupt of a device.
fn interrupt(raised: Raised) {
    // SAFETY: `raise` keeps the device until this has ended.
    unsafe {
        let dev = raised.dev;
        mutex_enter(&raw mut (*dev).lock);
        (*dev).ready |= c_int::from(raised.events);
        mutex_exit(&raw mut (*dev).lock);
        pollwakeup(&raw mut (*dev).pollhead, raised.events);
    }
}

/// Makes the device that `fp` is open on ready for `events`, in an interrupt that tells its
/// pollers; waits until that has ended.
///
/// # Errors
/// ENOTTY when it is another kind of file.
///
/// # Safety
/// The caller holds `fp` and may sleep.
pub(crate) unsafe fn raise(fp: *mut file_t, events: c_short) -> Result<(), c_int> {
    // SAFETY: the file is held (contract), and so is its device.
    let dev = unsafe { device_of(fp)? };
    let raised = Raised { dev, events };
    let body = move || interrupt(raised);
    thread::spawn(proc::proc0(), Kind::Interrupt, "interrupt", body).join();
    Ok(())
}

/// Makes the device that `fp` is open on no longer ready for `events`; nobody is told.
///
/// # Errors
/// ENOTTY when it is another kind of file.
///
/// # Safety
/// The caller holds `fp`.
pub(crate) unsafe fn lower(fp: *mut file_t, events: c_short) -> Result<(), c_int> {
    // SAFETY: the file is held (contract), and so is its device.
    unsafe {
        let dev = device_of(fp)?;
        mutex_enter(&raw mut (*dev).lock);
        (*dev).ready &= !c_int::from(events);
        mutex_exit(&raw mut (*dev).lock);
        Ok(())
    }
}

/// Holds up every VOP_POLL of the device that `fp` is open on, or lets them all go on.
///
/// # Errors
/// ENOTTY when it is another kind of file.
///
/// # Safety
/// The caller holds `fp`.
pub(crate) unsafe fn hold_poll(fp: *mut file_t, on: bool) -> Result<(), c_int> {
    // SAFETY: the file is held (contract), and so is its device.
    unsafe {
        let dev = device_of(fp)?;
        mutex_enter(&raw mut (*dev).lock);
        (*dev).held = on;
        cv_broadcast(&raw mut (*dev).cv);
        mutex_exit(&raw mut (*dev).lock);
        Ok(())
    }
}

/// How often the device that `fp` is open on was asked what is ready.
///
/// # Errors
/// ENOTTY when it is another kind of file.
///
/// # Safety
/// The caller holds `fp`.
pub(crate) unsafe fn polls(fp: *mut file_t) -> Result<u64, c_int> {
    // SAFETY: the file is held (contract), and so its vnode.
    unsafe {
        let dev = device_of(fp)?;
        mutex_enter(&raw mut (*dev).lock);
        let polls = (*dev).polls;
        mutex_exit(&raw mut (*dev).lock);
        Ok(polls)
    }
}

/// The device that `fp` is open on.
///
/// # Safety
/// The caller holds `fp`.
unsafe fn device_of(fp: *mut file_t) -> Result<*mut Device, c_int> {
    // SAFETY: the file is held (contract), and so its vnode.
    unsafe {
        let vp = (*fp).f_vnode;
        if OPS.are_of(vp) {
            Ok(device(vp))
        } else {
            Err(ENOTTY)
        }
    }
}
