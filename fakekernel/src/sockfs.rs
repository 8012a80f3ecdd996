//! Connected pairs of sockets: AF_UNIX, SOCK_STREAM.
//!
//! Mirrors what sockfs over its loopback transport does (socktpi.c, sockstr.c, and strpoll of the
//! stream head): flow control with a high and a low water mark; bytes wake pollers only when a
//! VOP_POLL asked for them, everything else always; pollwakeup is called with no lock held, while
//! VOP_POLL takes the lock by polllock. A close, and a shutdown of both directions, ends the peer's
//! writing with a wakeup of POLLERR before the end of its stream wakes with POLLIN, so that a
//! port's event of a peer that closed is POLLERR. A write that nobody can receive answers EPIPE and
//! sends no SIGPIPE, as to a program that ignores it.
//!
//! Lock order: so_lock before the locks of pollers, as a lock that polllock takes; otherwise a
//! leaf. f_tlock comes before it, in close.

mod end;
mod rights;
mod transfer;

use std::ffi::{c_int, c_short, c_void};
use std::ptr;

use bindings::*;

use crate::curthread::cred;
use crate::mblk::Queue;
use crate::poll::polllock;
use crate::vnode::template::{self, Ops};

pub(crate) use end::shutdown;
pub(crate) use rights::{receive_fd, send_fd};

/// A queue with this many bytes is full ...
const HIWAT: usize = 16 * 1024;
/// ... until it has fewer than these.
const LOWAT: usize = 256;

/// Nothing more is received: the end of the stream.
const SS_CANTRCVMORE: u32 = 1;
/// Nothing more is sent.
const SS_CANTSENDMORE: u32 = 2;
/// The receive queue is full.
const QFULL: u32 = 4;
/// Somebody polls for bytes.
const SR_POLLIN: u32 = 8;
/// The socket is open.
const SS_OPEN: u32 = 16;

/// One socket.
///
/// # Invariants
/// Part of a [`Pair`]. All but the first three fields change under so_lock only.
#[repr(C)]
struct Sonode {
    so_vnode: *mut vnode_t,
    so_peer: *mut Sonode,
    so_pair: *mut Pair,
    /// What can be read here.
    so_rcvq: Queue,
    so_state: u32,
    /// Readers wait here, and writers there for room in the peer.
    so_rcv_cv: kcondvar_t,
    so_snd_cv: kcondvar_t,
    so_poll_list: pollhead_t,
    so_uid: uid_t,
    so_gid: gid_t,
}

/// Two sockets and their lock: freed with the second vnode.
#[repr(C)]
struct Pair {
    so_lock: kmutex_t,
    /// Sockets whose vnode is not gone.
    refs: u32,
    so: [Sonode; 2],
}

static OPS: Ops = Ops::new();

/// The socket that a vnode is.
///
/// # Safety
/// `vp` is a vnode of [`socketpair`].
unsafe fn vtoso(vp: *mut vnode_t) -> *mut Sonode {
    // SAFETY: `socketpair` stored it (contract).
    unsafe { (*vp).v_data.cast() }
}

/// The socket that `fp` is open on.
///
/// # Safety
/// The caller holds `fp`.
unsafe fn of_file(fp: *mut file_t) -> Result<*mut Sonode, c_int> {
    // SAFETY: the file is held (contract), and so its vnode.
    unsafe {
        let vp = (*fp).f_vnode;
        if OPS.are_of(vp) {
            Ok(vtoso(vp))
        } else {
            Err(ENOTSOCK)
        }
    }
}

/// The lock of a socket and its peer.
///
/// # Safety
/// `so` is a live socket.
unsafe fn so_lock(so: *mut Sonode) -> *mut kmutex_t {
    // SAFETY: live (contract).
    unsafe { &raw mut (*(*so).so_pair).so_lock }
}

/// Tells the pollers of `so`; the caller holds no lock but what closes hold.
///
/// # Safety
/// `so` is a live socket.
unsafe fn wake_pollers(so: *mut Sonode, events: c_int) {
    // SAFETY: live (contract).
    unsafe { pollwakeup(&raw mut (*so).so_poll_list, events as c_short) };
}

unsafe extern "C" fn poll(
    vp: *mut vnode_t,
    events: c_short,
    anyyet: c_int,
    reventsp: *mut c_short,
    phpp: *mut *mut pollhead_t,
    _ct: *mut caller_context_t,
) -> c_int {
    let asked = c_int::from(events);
    // SAFETY: called with a vnode of `socketpair`; the out pointers are writable; state is looked
    // at under the lock.
    unsafe {
        let so = vtoso(vp);
        let php = &raw mut (*so).so_poll_list;
        if polllock(php, so_lock(so)) != 0 {
            *reventsp = POLLNVAL as c_short;
            return 0;
        }
        let mut ready = asked & POLLWRBAND;
        if (*(*so).so_peer).so_state & QFULL == 0 {
            ready |= asked & POLLOUT;
        }
        if !(*so).so_rcvq.is_empty() || (*so).so_state & SS_CANTRCVMORE != 0 {
            ready |= asked & (POLLIN | POLLRDNORM);
        }
        if (ready == 0 && anyyet == 0) || asked & POLLET != 0 {
            (*so).so_state |= SR_POLLIN;
            *phpp = php;
        }
        let ended = (*so).so_state & (SS_CANTRCVMORE | SS_CANTSENDMORE);
        if ended & SS_CANTRCVMORE != 0 {
            ready |= asked & POLLRDHUP;
        }
        if ended == SS_CANTRCVMORE | SS_CANTSENDMORE {
            ready |= POLLHUP;
        }
        mutex_exit(so_lock(so));
        *reventsp = ready as c_short;
    }
    0
}

unsafe extern "C" fn getattr(
    vp: *mut vnode_t,
    vap: *mut vattr_t,
    _flags: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: called with a vnode of `socketpair`; the attributes are the caller's.
    unsafe {
        let so = vtoso(vp);
        template::attributes(vp, vap);
        (*vap).va_mode = 0o666;
        (*vap).va_uid = (*so).so_uid;
        (*vap).va_gid = (*so).so_gid;
    }
    0
}

unsafe extern "C" fn seek(
    _vp: *mut vnode_t,
    _old: offset_t,
    _new: *mut offset_t,
    _ct: *mut caller_context_t,
) -> c_int {
    ESPIPE
}

unsafe extern "C" fn inactive(vp: *mut vnode_t, _cr: *mut cred_t, _ct: *mut caller_context_t) {
    // SAFETY: the last hold of a vnode of `socketpair`. The second of both to come here is the
    // last to know the pair.
    unsafe {
        let pair = (*vtoso(vp)).so_pair;
        vn_free(vp);
        mutex_enter(&raw mut (*pair).so_lock);
        (*pair).refs -= 1;
        let last = (*pair).refs == 0;
        mutex_exit(&raw mut (*pair).so_lock);
        if last {
            for so in &mut (*pair).so {
                cv_destroy(&raw mut so.so_rcv_cv);
                cv_destroy(&raw mut so.so_snd_cv);
            }
            mutex_destroy(&raw mut (*pair).so_lock);
            kmem_free(pair.cast(), size_of::<Pair>());
        }
    }
}

/// Makes the operations of sockets; once, while booting.
pub(crate) fn init() {
    // SAFETY: each function has the type of its operation.
    unsafe {
        OPS.make(
            c"sockfs",
            &[
                (c"close", end::close as *const c_void),
                (c"read", transfer::read as *const c_void),
                (c"write", transfer::write as *const c_void),
                (c"getattr", getattr as *const c_void),
                (c"seek", seek as *const c_void),
                (c"poll", poll as *const c_void),
                (c"inactive", inactive as *const c_void),
            ],
        );
    }
}

/// Makes two sockets that are connected to each other.
///
/// # Errors
/// EMFILE.
pub(crate) fn socketpair() -> Result<(c_int, c_int), c_int> {
    const { assert!(std::mem::offset_of!(Pair, so_lock) == 0) };
    // SAFETY: called by a thread of a process; fresh zeroed memory, which is a valid value, ours
    // until the descriptors are set. The holds of the vnodes go over to the files.
    unsafe {
        let pair: *mut Pair = kmem_zalloc(size_of::<Pair>(), KM_SLEEP).cast();
        mutex_init(
            &raw mut (*pair).so_lock,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );
        (*pair).refs = 2;
        let ends = [0, 1].map(|at| &raw mut (*pair).so[at]);
        for (so, peer) in [(ends[0], ends[1]), (ends[1], ends[0])] {
            for cv in [&raw mut (*so).so_rcv_cv, &raw mut (*so).so_snd_cv] {
                cv_init(cv, ptr::null_mut(), CV_DEFAULT, ptr::null_mut());
            }
            (*so).so_peer = peer;
            (*so).so_pair = pair;
            (*so).so_state = SS_OPEN;
            ((*so).so_uid, (*so).so_gid) = (crgetuid(cred()), crgetgid(cred()));
            (*so).so_vnode = OPS.vnode(VSOCK, so.cast());
        }
        template::open_pair(ends.map(|so| (*so).so_vnode), FREAD | FWRITE)
    }
}
