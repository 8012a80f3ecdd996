//! Reading and writing a socket.

use std::ffi::c_int;
use std::ptr;

use bindings::*;

use super::{
    HIWAT, LOWAT, QFULL, SR_POLLIN, SS_CANTRCVMORE, SS_CANTSENDMORE, SS_OPEN, Sonode, so_lock,
    vtoso, wake_pollers,
};
use crate::mblk::{self, Msg};
use crate::uio::{left, nonblocking, would_block};

/// Waits for a message, if the call may `wait`. False at the end of the stream.
///
/// # Errors
/// EAGAIN, EINTR.
///
/// # Safety
/// The caller holds so_lock.
pub(super) unsafe fn await_message(so: *mut Sonode, wait: bool) -> Result<bool, c_int> {
    // SAFETY: locked (contract), also after a wait.
    unsafe {
        while (*so).so_rcvq.is_empty() {
            if (*so).so_state & SS_CANTRCVMORE != 0 {
                return Ok(false);
            }
            if !wait {
                return Err(EAGAIN);
            }
            if cv_wait_sig(&raw mut (*so).so_rcv_cv, so_lock(so)) == 0 {
                return Err(EINTR);
            }
        }
        Ok(true)
    }
}

/// Something was taken out of the queue: below the low water mark writers have room again. True
/// when the pollers of the peer are to be told.
///
/// # Safety
/// The caller holds so_lock.
pub(super) unsafe fn drained(so: *mut Sonode) -> bool {
    // SAFETY: locked (contract).
    unsafe {
        let room = (*so).so_state & QFULL != 0 && (*so).so_rcvq.count() < LOWAT;
        if room {
            (*so).so_state &= !QFULL;
            cv_broadcast(&raw mut (*(*so).so_peer).so_snd_cv);
        }
        room
    }
}

/// VOP_READ: what is there, at least a byte, or nothing at the end of the stream. A descriptor
/// that came with the bytes is closed.
pub(super) unsafe extern "C" fn read(
    vp: *mut vnode_t,
    uio: *mut uio_t,
    _ioflag: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: called with a vnode of `socketpair` and a valid transfer. Bytes go to user memory
    // without the lock; what that memory does not take goes back to the front.
    unsafe {
        if left(uio) == 0 {
            return 0;
        }
        let so = vtoso(vp);
        let stage = mblk::allocb(left(uio).min(HIWAT));
        let mut spent = ptr::null_mut();
        let mut room = false;
        mutex_enter(so_lock(so));
        let incoming = await_message(so, !nonblocking(uio));
        if incoming == Ok(true) {
            spent = (*so).so_rcvq.take(stage);
            room = drained(so);
        }
        mutex_exit(so_lock(so));
        mblk::freemsg(spent);
        if room {
            wake_pollers((*so).so_peer, POLLWRNORM);
        }
        let error = match incoming {
            Ok(_) => Msg::drain(stage, uio),
            Err(EAGAIN) => would_block(uio),
            Err(error) => error,
        };
        if Msg::unread(stage).1 > 0 {
            mutex_enter(so_lock(so));
            (*so).so_rcvq.put_back(stage);
            mutex_exit(so_lock(so));
        } else {
            mblk::freemsg(stage);
        }
        error
    }
}

/// Waits for room in the peer's queue.
///
/// # Errors
/// EPIPE, EAGAIN, EINTR.
///
/// # Safety
/// The caller holds so_lock.
unsafe fn await_room(so: *mut Sonode, wait: bool) -> Result<(), c_int> {
    // SAFETY: locked (contract), also after a wait.
    unsafe {
        loop {
            if (*so).so_state & SS_CANTSENDMORE != 0 {
                return Err(EPIPE);
            }
            if (*(*so).so_peer).so_state & QFULL == 0 {
                return Ok(());
            }
            if !wait {
                return Err(EAGAIN);
            }
            if cv_wait_sig(&raw mut (*so).so_snd_cv, so_lock(so)) == 0 {
                return Err(EINTR);
            }
        }
    }
}

/// Sends a message to the peer of `so`, which takes it over, when there is room.
///
/// # Errors
/// EPIPE, EAGAIN, EINTR; the message stays the caller's.
///
/// # Safety
/// The caller holds no lock; the message is its own.
pub(super) unsafe fn send(so: *mut Sonode, mp: *mut Msg, wait: bool) -> Result<(), c_int> {
    // SAFETY: the socket is held by the caller's descriptor, and so its pair.
    unsafe {
        let peer = (*so).so_peer;
        let mut asked = false;
        mutex_enter(so_lock(so));
        let room = await_room(so, wait);
        if room.is_ok() {
            debug_assert!(
                (*peer).so_state & SS_OPEN != 0,
                "a close ends the peer's sending"
            );
            (*peer).so_rcvq.put(mp);
            if (*peer).so_rcvq.count() >= HIWAT {
                (*peer).so_state |= QFULL;
            }
            asked = (*peer).so_state & SR_POLLIN != 0;
            (*peer).so_state &= !SR_POLLIN;
            cv_broadcast(&raw mut (*peer).so_rcv_cv);
        }
        mutex_exit(so_lock(so));
        if asked {
            wake_pollers(peer, POLLIN | POLLRDNORM);
        }
        room
    }
}

/// VOP_WRITE: all of it, unless it must not wait.
pub(super) unsafe extern "C" fn write(
    vp: *mut vnode_t,
    uio: *mut uio_t,
    _ioflag: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: called with a vnode of `socketpair` and a valid transfer. Bytes come from user
    // memory without the lock, so a message is made before there is room for it.
    unsafe {
        let so = vtoso(vp);
        let asked = left(uio);
        while left(uio) > 0 {
            let before = left(uio);
            let mp = mblk::allocb(before.min(HIWAT));
            let filled = match Msg::fill(mp, uio) {
                0 => send(so, mp, !nonblocking(uio)),
                error => Err(error),
            };
            if let Err(error) = filled {
                mblk::freemsg(mp);
                // What was only copied was not sent.
                (*uio).uio_resid = before as ssize_t;
                return match error {
                    EAGAIN if before < asked => 0,
                    EAGAIN => would_block(uio),
                    error => error,
                };
            }
        }
    }
    0
}
