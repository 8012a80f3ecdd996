//! The ends of a connection: shutdown and close.

use std::ffi::c_int;

use bindings::*;

use super::{
    QFULL, SS_CANTRCVMORE, SS_CANTSENDMORE, SS_OPEN, Sonode, of_file, so_lock, vtoso, wake_pollers,
};
use crate::mblk;

/// Which pollwakeups an end calls for, in the order in which they are made.
#[derive(Default)]
struct Wakeups {
    /// Nothing more is sent: POLLERR.
    write_error: bool,
    /// The stream ended: POLLIN.
    end: bool,
    /// Both had happened before: POLLOUT.
    gone: bool,
}

impl Wakeups {
    /// # Safety
    /// `so` is a live socket whose lock the caller does not hold.
    unsafe fn make(self, so: *mut Sonode) {
        // SAFETY: live (contract).
        unsafe {
            if self.write_error {
                wake_pollers(so, POLLERR);
            }
            if self.end {
                wake_pollers(so, POLLIN | POLLRDNORM);
            }
            if self.gone {
                wake_pollers(so, POLLOUT);
            }
        }
    }
}

/// Ends `what` (`SS_CANT*`) of a socket and wakes who sleeps there; how its pollers are to be told
/// goes into the answer.
///
/// # Safety
/// The caller holds so_lock.
unsafe fn cant(so: *mut Sonode, what: u32) -> Wakeups {
    // SAFETY: locked (contract).
    unsafe {
        let already = (*so).so_state & SS_CANTRCVMORE != 0;
        (*so).so_state |= what;
        cv_broadcast(&raw mut (*so).so_rcv_cv);
        cv_broadcast(&raw mut (*so).so_snd_cv);
        let end = what & SS_CANTRCVMORE != 0;
        Wakeups {
            write_error: what & SS_CANTSENDMORE != 0,
            end: end && !already,
            gone: end && already,
        }
    }
}

/// Empties the receive queue: the messages are for freemsg. Writers have room.
///
/// # Safety
/// The caller holds so_lock.
unsafe fn flush(so: *mut Sonode) -> *mut mblk::Msg {
    // SAFETY: locked (contract).
    unsafe {
        (*so).so_state &= !QFULL;
        cv_broadcast(&raw mut (*(*so).so_peer).so_snd_cv);
        (*so).so_rcvq.flush()
    }
}

/// Ends directions (`SS_CANT*`) of the socket that `fp` is open on.
///
/// # Errors
/// ENOTSOCK.
///
/// # Safety
/// The caller holds `fp` and no lock.
unsafe fn end(fp: *mut file_t, how: u32) -> Result<(), c_int> {
    // SAFETY: the file is held (contract), and so its socket and the pair.
    unsafe {
        let so = of_file(fp)?;
        let peer = (*so).so_peer;
        let (mut mine, mut theirs) = (Wakeups::default(), Wakeups::default());
        let mut unread = std::ptr::null_mut();
        mutex_enter(so_lock(so));
        let change = how & !(*so).so_state;
        let was_full = (*so).so_state & QFULL != 0;
        if change != 0 {
            mine = cant(so, change);
            if change & SS_CANTRCVMORE != 0 {
                unread = flush(so);
            }
            let both = SS_CANTRCVMORE | SS_CANTSENDMORE;
            let mut lost = 0;
            if (*so).so_state & both == both {
                lost |= SS_CANTSENDMORE;
            }
            if change & SS_CANTSENDMORE != 0 {
                lost |= SS_CANTRCVMORE;
            }
            if lost != 0 && (*peer).so_state & SS_OPEN != 0 {
                theirs = cant(peer, lost);
            }
        }
        let room = was_full && (*so).so_state & QFULL == 0;
        mutex_exit(so_lock(so));
        mblk::freemsg(unread);
        mine.make(so);
        if room {
            wake_pollers(peer, POLLWRNORM);
        }
        theirs.make(peer);
        Ok(())
    }
}

/// shutdown(3SOCKET) of reading, writing or both.
///
/// # Errors
/// ENOTSOCK.
///
/// # Safety
/// The caller holds `fp` and no lock.
pub(crate) unsafe fn shutdown(fp: *mut file_t, read: bool, write: bool) -> Result<(), c_int> {
    let how = if read { SS_CANTRCVMORE } else { 0 } | if write { SS_CANTSENDMORE } else { 0 };
    // SAFETY: as the caller's.
    unsafe { end(fp, how) }
}

/// VOP_CLOSE: with the last descriptor the peer can neither send nor receive any more. Descriptors
/// that nobody received are closed.
pub(super) unsafe extern "C" fn close(
    vp: *mut vnode_t,
    _flag: c_int,
    count: c_int,
    _offset: offset_t,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    if count > 1 {
        return 0;
    }
    // SAFETY: called with a vnode of `socketpair`, which keeps the pair alive.
    unsafe {
        let so = vtoso(vp);
        let peer = (*so).so_peer;
        let mut theirs = Wakeups::default();
        mutex_enter(so_lock(so));
        (*so).so_state &= !SS_OPEN;
        let unread = flush(so);
        if (*peer).so_state & SS_OPEN != 0 {
            theirs = cant(peer, SS_CANTSENDMORE | SS_CANTRCVMORE);
        }
        mutex_exit(so_lock(so));
        theirs.make(peer);
        mblk::freemsg(unread);
    }
    0
}
