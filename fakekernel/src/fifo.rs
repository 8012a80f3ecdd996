//! Pipes.
//!
//! Mirrors fifofs in its fast mode (fifovnops.c, fifosubr.c): both ends read and write, what one
//! writes the other reads, and pollers are told only of changes that a VOP_POLL asked for: the
//! first byte into an empty pipe, room in a pipe that was found full, the close of the other end.
//! As in the kernel, pollwakeup is called with flk_lock held and VOP_POLL takes that lock by
//! polllock. Named pipes and pushed modules do not exist; a write to a pipe that nobody reads
//! answers EPIPE and sends no SIGPIPE, as to a program that ignores it.
//!
//! Lock order: flk_lock before the locks of pollers and ports. f_tlock comes before it, in close.

mod transfer;

use std::ffi::{c_int, c_short, c_void};
use std::ptr;

use bindings::*;

use crate::curthread::cred;
use crate::mblk::{self, Queue};
use crate::poll::polllock;
use crate::vnode::template::{self, Ops};

/// A pipe with this many bytes is full.
const FIFOHIWAT: usize = 16 * 1024;

/// Somebody waits in read.
const FIFOWANTR: u32 = 0x40;
/// Somebody waits in write.
const FIFOWANTW: u32 = 0x80;
/// A write or a poll found the pipe full.
const FIFOHIWATW: u32 = 0x200;
/// Somebody polls for room.
const FIFOPOLLW: u32 = 0x800;
/// Somebody polls for bytes.
const FIFOPOLLR: u32 = 0x1000;
/// The end is open.
const FIFOISOPEN: u32 = 0x2000;

/// One end of a pipe.
///
/// # Invariants
/// Part of a [`Fifodata`]. All but the first three fields change under flk_lock only.
#[repr(C)]
struct Fifonode {
    fn_vnode: *mut vnode_t,
    /// The other end.
    fn_dest: *mut Fifonode,
    fn_lock: *mut Fifolock,
    /// What can be read here.
    fn_queue: Queue,
    fn_flag: u32,
    /// Opens for reading, and for writing.
    fn_rcnt: u32,
    fn_wcnt: u32,
    /// Writers that wait for room in the other end.
    fn_wwaitcnt: u32,
    fn_wait_cv: kcondvar_t,
    sd_pollist: pollhead_t,
    fn_uid: uid_t,
    fn_gid: gid_t,
    fn_atime: timestruc_t,
    fn_mtime: timestruc_t,
}

/// What both ends share.
#[repr(C)]
struct Fifolock {
    flk_lock: kmutex_t,
    /// Ends whose vnode is not gone.
    flk_ref: u32,
}

/// A pipe: freed with its second vnode.
#[repr(C)]
struct Fifodata {
    fifo_lock: Fifolock,
    fifo_fnode: [Fifonode; 2],
}

static OPS: Ops = Ops::new();

/// The end that a vnode is.
///
/// # Safety
/// `vp` is a vnode of [`pipe`].
unsafe fn vtof(vp: *mut vnode_t) -> *mut Fifonode {
    // SAFETY: `pipe` stored it (contract).
    unsafe { (*vp).v_data.cast() }
}

/// The lock of a pipe.
///
/// # Safety
/// `fnp` is an end of a live pipe.
unsafe fn flk_lock(fnp: *mut Fifonode) -> *mut kmutex_t {
    // SAFETY: live (contract).
    unsafe { &raw mut (*(*fnp).fn_lock).flk_lock }
}

/// Bytes can be read at this end: those that wait in read or poll are told.
///
/// # Safety
/// The caller holds flk_lock.
unsafe fn fifo_wakereader(fnp: *mut Fifonode) {
    // SAFETY: locked (contract).
    unsafe {
        let flag = (*fnp).fn_flag;
        if flag & FIFOWANTR != 0 {
            cv_broadcast(&raw mut (*fnp).fn_wait_cv);
        }
        if flag & (FIFOISOPEN | FIFOPOLLR) == FIFOISOPEN | FIFOPOLLR {
            pollwakeup(&raw mut (*fnp).sd_pollist, (POLLIN | POLLRDNORM) as c_short);
        }
        (*fnp).fn_flag = flag & !(FIFOWANTR | FIFOPOLLR);
    }
}

/// There is room for what this end writes: those that wait in write or poll are told.
///
/// # Safety
/// The caller holds flk_lock.
unsafe fn fifo_wakewriter(fnp: *mut Fifonode) {
    // SAFETY: locked (contract).
    unsafe {
        let flag = (*fnp).fn_flag;
        if flag & FIFOWANTW != 0 {
            cv_broadcast(&raw mut (*fnp).fn_wait_cv);
        }
        let asked = FIFOHIWATW | FIFOISOPEN | FIFOPOLLW;
        if flag & asked == asked {
            pollwakeup(&raw mut (*fnp).sd_pollist, POLLWRNORM as c_short);
        }
        (*fnp).fn_flag = flag & !(FIFOWANTW | FIFOHIWATW | FIFOPOLLW);
    }
}

/// Whether nobody can read what `fnp` writes.
///
/// # Safety
/// The caller holds flk_lock.
unsafe fn is_broken(fnp: *mut Fifonode) -> bool {
    // SAFETY: locked (contract).
    unsafe { (*(*fnp).fn_dest).fn_rcnt == 0 || (*(*fnp).fn_dest).fn_wcnt == 0 }
}

unsafe extern "C" fn fifo_close(
    vp: *mut vnode_t,
    flag: c_int,
    count: c_int,
    _offset: offset_t,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    if count > 1 {
        return 0;
    }
    // SAFETY: called with a vnode of `pipe`; state changes under the lock. What was not read is
    // freed without it.
    unsafe {
        let fnp = vtof(vp);
        let dest = (*fnp).fn_dest;
        mutex_enter(flk_lock(fnp));
        if flag & FREAD != 0 {
            (*fnp).fn_rcnt -= 1;
        }
        if flag & FWRITE != 0 {
            (*fnp).fn_wcnt -= 1;
        }
        (*fnp).fn_flag &= !FIFOISOPEN;
        if (*dest).fn_flag & FIFOISOPEN != 0 {
            (*dest).fn_flag &= !(FIFOWANTR | FIFOWANTW);
            pollwakeup(&raw mut (*dest).sd_pollist, POLLHUP as c_short);
        }
        let unread = (*fnp).fn_queue.flush();
        fifo_wakewriter(dest);
        cv_broadcast(&raw mut (*dest).fn_wait_cv);
        mutex_exit(flk_lock(fnp));
        mblk::freemsg(unread);
    }
    0
}

unsafe extern "C" fn fifo_getattr(
    vp: *mut vnode_t,
    vap: *mut vattr_t,
    _flags: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: called with a vnode of `pipe`; the attributes are the caller's.
    unsafe {
        let fnp = vtof(vp);
        template::attributes(vp, vap);
        mutex_enter(flk_lock(fnp));
        (*vap).va_size = (*fnp).fn_queue.count() as u_offset_t;
        (*vap).va_atime = (*fnp).fn_atime;
        (*vap).va_mtime = (*fnp).fn_mtime;
        (*vap).va_ctime = (*fnp).fn_mtime;
        mutex_exit(flk_lock(fnp));
        (*vap).va_uid = (*fnp).fn_uid;
        (*vap).va_gid = (*fnp).fn_gid;
        (*vap).va_blksize = FIFOHIWAT as uint_t;
    }
    0
}

unsafe extern "C" fn fifo_seek(
    _vp: *mut vnode_t,
    _old: offset_t,
    _new: *mut offset_t,
    _ct: *mut caller_context_t,
) -> c_int {
    ESPIPE
}

unsafe extern "C" fn fifo_poll(
    vp: *mut vnode_t,
    events: c_short,
    anyyet: c_int,
    reventsp: *mut c_short,
    phpp: *mut *mut pollhead_t,
    _ct: *mut caller_context_t,
) -> c_int {
    let asked = c_int::from(events);
    // SAFETY: called with a vnode of `pipe`; the out pointers are writable; state is looked at
    // under the lock.
    unsafe {
        let fnp = vtof(vp);
        let dest = (*fnp).fn_dest;
        let php = &raw mut (*fnp).sd_pollist;
        if polllock(php, flk_lock(fnp)) != 0 {
            *reventsp = POLLNVAL as c_short;
            return 0;
        }
        let mut ready = 0;
        if (*dest).fn_flag & FIFOISOPEN == 0 {
            ready = POLLHUP;
        } else {
            if asked & POLLWRNORM != 0 {
                if (*dest).fn_queue.count() < FIFOHIWAT {
                    ready = POLLWRNORM;
                } else {
                    (*fnp).fn_flag |= FIFOHIWATW;
                }
            }
            ready |= asked & POLLWRBAND;
        }
        if (*fnp).fn_queue.count() > 0 {
            ready |= asked & (POLLIN | POLLRDNORM);
        }
        *reventsp = ready as c_short;
        if (ready == 0 || asked & POLLET != 0) && anyyet == 0 {
            if asked & POLLWRNORM != 0 {
                (*fnp).fn_flag |= FIFOPOLLW;
            }
            if asked & (POLLIN | POLLRDNORM) != 0 {
                (*fnp).fn_flag |= FIFOPOLLR;
            }
            *phpp = php;
        }
        mutex_exit(flk_lock(fnp));
    }
    0
}

unsafe extern "C" fn fifo_inactive(vp: *mut vnode_t, _cr: *mut cred_t, _ct: *mut caller_context_t) {
    // SAFETY: the last hold of a vnode of `pipe`. The second of both to come here is the last to
    // know the pipe.
    unsafe {
        let fnp = vtof(vp);
        let lock = (*fnp).fn_lock;
        vn_free(vp);
        mutex_enter(&raw mut (*lock).flk_lock);
        (*lock).flk_ref -= 1;
        let last = (*lock).flk_ref == 0;
        mutex_exit(&raw mut (*lock).flk_lock);
        if last {
            let data: *mut Fifodata = lock.cast();
            for fnp in &mut (*data).fifo_fnode {
                cv_destroy(&raw mut fnp.fn_wait_cv);
            }
            mutex_destroy(&raw mut (*lock).flk_lock);
            kmem_free(data.cast(), size_of::<Fifodata>());
        }
    }
}

/// Makes the operations of pipes; once, while booting.
pub(crate) fn init() {
    // SAFETY: each function has the type of its operation.
    unsafe {
        OPS.make(
            c"fifofs",
            &[
                (c"close", fifo_close as *const c_void),
                (c"read", transfer::fifo_read as *const c_void),
                (c"write", transfer::fifo_write as *const c_void),
                (c"getattr", fifo_getattr as *const c_void),
                (c"seek", fifo_seek as *const c_void),
                (c"poll", fifo_poll as *const c_void),
                (c"inactive", fifo_inactive as *const c_void),
            ],
        );
    }
}

/// Makes the two vnodes of a pipe.
///
/// # Safety
/// Called by a thread of a process, which may sleep.
unsafe fn makepipe() -> [*mut vnode_t; 2] {
    const { assert!(std::mem::offset_of!(Fifodata, fifo_lock) == 0) };
    // SAFETY: fresh zeroed memory, which is a valid value, ours until the vnodes are handed out.
    unsafe {
        let data: *mut Fifodata = kmem_zalloc(size_of::<Fifodata>(), KM_SLEEP).cast();
        let lock = &raw mut (*data).fifo_lock;
        mutex_init(
            &raw mut (*lock).flk_lock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );
        (*lock).flk_ref = 2;
        let mut now: timestruc_t = std::mem::zeroed();
        gethrestime(&raw mut now);
        let ends = [0, 1].map(|at| &raw mut (*data).fifo_fnode[at]);
        for (fnp, dest) in [(ends[0], ends[1]), (ends[1], ends[0])] {
            cv_init(
                &raw mut (*fnp).fn_wait_cv,
                ptr::null_mut(),
                CV_DEFAULT,
                ptr::null_mut(),
            );
            (*fnp).fn_dest = dest;
            (*fnp).fn_lock = lock;
            (*fnp).fn_flag = FIFOISOPEN;
            ((*fnp).fn_rcnt, (*fnp).fn_wcnt) = (1, 1);
            ((*fnp).fn_uid, (*fnp).fn_gid) = (crgetuid(cred()), crgetgid(cred()));
            ((*fnp).fn_atime, (*fnp).fn_mtime) = (now, now);
            (*fnp).fn_vnode = OPS.vnode(VFIFO, fnp.cast());
        }
        ends.map(|fnp| (*fnp).fn_vnode)
    }
}

/// pipe(2): two descriptors, each open for reading and writing.
///
/// # Errors
/// EMFILE.
pub(crate) fn pipe() -> Result<(c_int, c_int), c_int> {
    // SAFETY: called by a thread of a process; the holds of the vnodes go over to the files.
    unsafe { template::open_pair(makepipe(), FREAD | FWRITE) }
}
