//! Descriptors that travel over a socket (SCM_RIGHTS).
//!
//! On its way a file is held by the message alone: its sender may have closed the descriptor, and
//! when the message is thrown away, with the socket or by a reader that did not ask for the
//! descriptor, it is closed by whoever does that. A socket that travels over its own connection
//! and is closed everywhere else is never freed, in the kernel as well.

use std::ffi::c_int;
use std::sync::atomic::Ordering::Relaxed;

use bindings::*;

use super::{of_file, so_lock, transfer, wake_pollers};
use crate::fio;
use crate::mblk::{self, Msg};

/// Whether calls on `fp` must not wait.
///
/// # Safety
/// The caller holds `fp`.
unsafe fn nonblocking(fp: *mut file_t) -> bool {
    // SAFETY: held (contract).
    unsafe { c_int::from(fio::f_flag(fp).load(Relaxed)) & (FNDELAY | FNONBLOCK) != 0 }
}

/// Sends the open file of descriptor `fd`, with one byte, over the socket that `fp` is open on.
///
/// # Errors
/// ENOTSOCK, EBADF, EPIPE, EAGAIN, EINTR.
///
/// # Safety
/// The caller holds `fp` and no lock.
pub(crate) unsafe fn send_fd(fp: *mut file_t, fd: c_int) -> Result<(), c_int> {
    // SAFETY: the socket is held by `fp`, the file that is sent by getf until the message has a
    // count of its own.
    unsafe {
        let so = of_file(fp)?;
        let sent = getf(fd);
        if sent.is_null() {
            return Err(EBADF);
        }
        fio::fhold(sent);
        releasef(fd);
        let mp = mblk::allocb(1);
        Msg::push(mp, 0);
        Msg::attach(mp, sent);
        let error = transfer::send(so, mp, !nonblocking(fp));
        if error.is_err() {
            mblk::freemsg(mp);
        }
        error
    }
}

/// Receives a descriptor over the socket that `fp` is open on: the lowest free one. Bytes that
/// came before it have to be read first.
///
/// # Errors
/// ENOTSOCK, EAGAIN, EINTR; EBADMSG when bytes without a descriptor come first, ENOENT at the end
/// of the stream; EMFILE, and then the file that was sent is closed.
///
/// # Safety
/// The caller holds `fp` and no lock.
pub(crate) unsafe fn receive_fd(fp: *mut file_t) -> Result<c_int, c_int> {
    // SAFETY: the socket is held by `fp`; the message is ours once it is out of the queue, and the
    // count it has goes over to the descriptor.
    unsafe {
        let so = of_file(fp)?;
        mutex_enter(so_lock(so));
        let taken = match transfer::await_message(so, !nonblocking(fp)) {
            Ok(true) if !(*so).so_rcvq.carries_file() => Err(EBADMSG),
            Ok(true) => {
                let mp = (*so).so_rcvq.pop();
                Ok((mp, transfer::drained(so)))
            }
            Ok(false) => Err(ENOENT),
            Err(error) => Err(error),
        };
        mutex_exit(so_lock(so));
        let (mp, room) = taken?;
        if room {
            wake_pollers((*so).so_peer, POLLWRNORM);
        }
        let received = Msg::detach(mp);
        mblk::freemsg(mp);
        fio::ufalloc_file(0, received).ok_or_else(|| {
            closef(received);
            EMFILE
        })
    }
}
