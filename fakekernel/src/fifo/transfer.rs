//! Reading and writing a pipe.

use std::ffi::c_int;

use bindings::*;

use super::{
    FIFOHIWAT, FIFOHIWATW, FIFOWANTR, FIFOWANTW, Fifonode, fifo_wakereader, fifo_wakewriter,
    flk_lock, is_broken, vtof,
};
use crate::mblk::{self, Msg};
use crate::uio::{left, nonblocking, would_block};

/// Bytes that a write puts into the pipe as one when there is room for less than all.
const PIPE_BUF: usize = 5120;

/// How a wait for bytes or room ended.
enum Waited {
    /// There are some, or there is some.
    Ready,
    /// The call ends with this error, 0 for the end of the file.
    Over(c_int),
}

/// Waits for bytes at `fnp`. A read that has `some` bytes waits on only for writers that are held
/// up by a pipe that was full.
///
/// # Safety
/// The caller holds flk_lock; the transfer is valid.
unsafe fn await_bytes(fnp: *mut Fifonode, uio: *mut uio_t, some: bool) -> Waited {
    // SAFETY: locked (contract), also after a wait.
    unsafe {
        let dest = (*fnp).fn_dest;
        while (*fnp).fn_queue.count() == 0 {
            if some {
                if (*dest).fn_wwaitcnt == 0 || nonblocking(uio) {
                    return Waited::Over(0);
                }
                fifo_wakewriter(dest);
            } else if is_broken(fnp) {
                return Waited::Over(0);
            } else if nonblocking(uio) {
                return Waited::Over(would_block(uio));
            }
            (*fnp).fn_flag |= FIFOWANTR;
            if cv_wait_sig(&raw mut (*fnp).fn_wait_cv, flk_lock(fnp)) == 0 {
                return Waited::Over(if some { 0 } else { EINTR });
            }
        }
        Waited::Ready
    }
}

/// VOP_READ: what is there, at least a byte, unless the other end is closed.
pub(super) unsafe extern "C" fn fifo_read(
    vp: *mut vnode_t,
    uio: *mut uio_t,
    _ioflag: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: called with a vnode of `pipe` and a valid transfer. Bytes go to user memory without
    // the lock; what that memory does not take goes back to the front.
    unsafe {
        let fnp = vtof(vp);
        let (lock, asked) = (flk_lock(fnp), left(uio));
        (*uio)._uio_offset._f = 0;
        while left(uio) > 0 {
            let stage = mblk::allocb(left(uio).min(FIFOHIWAT));
            mutex_enter(lock);
            if let Waited::Over(error) = await_bytes(fnp, uio, left(uio) < asked) {
                mutex_exit(lock);
                mblk::freemsg(stage);
                return error;
            }
            let spent = (*fnp).fn_queue.take(stage);
            let dest = (*fnp).fn_dest;
            let held_up = (*dest).fn_flag & (FIFOWANTW | FIFOHIWATW) != 0;
            if held_up && (*fnp).fn_queue.count() < FIFOHIWAT {
                fifo_wakewriter(dest);
            }
            gethrestime(&raw mut (*fnp).fn_atime);
            (*dest).fn_atime = (*fnp).fn_atime;
            mutex_exit(lock);
            mblk::freemsg(spent);
            let error = Msg::drain(stage, uio);
            if error != 0 {
                mutex_enter(lock);
                (*fnp).fn_queue.put_back(stage);
                mutex_exit(lock);
                return error;
            }
            mblk::freemsg(stage);
        }
    }
    0
}

/// Waits for room for what `fnp` writes. A write that has put in `some` bytes and must not wait
/// is done.
///
/// # Safety
/// The caller holds flk_lock; the transfer is valid.
unsafe fn await_room(fnp: *mut Fifonode, uio: *mut uio_t, some: bool) -> Waited {
    // SAFETY: locked (contract), also after a wait.
    unsafe {
        let dest = (*fnp).fn_dest;
        if is_broken(fnp) {
            return Waited::Over(EPIPE);
        }
        while (*dest).fn_queue.count() >= FIFOHIWAT {
            if nonblocking(uio) {
                (*fnp).fn_flag |= FIFOHIWATW;
                return Waited::Over(if some { 0 } else { would_block(uio) });
            }
            (*fnp).fn_flag |= FIFOWANTW;
            (*fnp).fn_wwaitcnt += 1;
            let signal = cv_wait_sig(&raw mut (*fnp).fn_wait_cv, flk_lock(fnp)) == 0;
            (*fnp).fn_wwaitcnt -= 1;
            if signal {
                // A reader may have waited for this write.
                fifo_wakereader(dest);
                return Waited::Over(if is_broken(fnp) { EPIPE } else { EINTR });
            }
            if is_broken(fnp) {
                return Waited::Over(EPIPE);
            }
        }
        Waited::Ready
    }
}

/// VOP_WRITE: all of it, in pieces of `PIPE_BUF` when the pipe fills up.
pub(super) unsafe extern "C" fn fifo_write(
    vp: *mut vnode_t,
    uio: *mut uio_t,
    _ioflag: c_int,
    _cr: *mut cred_t,
    _ct: *mut caller_context_t,
) -> c_int {
    // SAFETY: called with a vnode of `pipe` and a valid transfer. Bytes come from user memory
    // without the lock; the state is looked at again afterwards.
    unsafe {
        let fnp = vtof(vp);
        let (lock, dest, asked) = (flk_lock(fnp), (*fnp).fn_dest, left(uio));
        (*uio)._uio_offset._f = 0;
        while left(uio) > 0 {
            mutex_enter(lock);
            if let Waited::Over(error) = await_room(fnp, uio, left(uio) < asked) {
                mutex_exit(lock);
                return error;
            }
            let size = if left(uio) + (*dest).fn_queue.count() > FIFOHIWAT {
                left(uio).min(PIPE_BUF)
            } else {
                left(uio)
            };
            mutex_exit(lock);
            let mp = mblk::allocb(size);
            let error = Msg::fill(mp, uio);
            if error != 0 {
                mblk::freemsg(mp);
                return error;
            }
            mutex_enter(lock);
            if is_broken(fnp) {
                mutex_exit(lock);
                mblk::freemsg(mp);
                return EPIPE;
            }
            let first = (*dest).fn_queue.is_empty();
            (*dest).fn_queue.put(mp);
            if first {
                fifo_wakereader(dest);
            }
            gethrestime(&raw mut (*fnp).fn_mtime);
            (*dest).fn_mtime = (*fnp).fn_mtime;
            mutex_exit(lock);
        }
    }
    0
}
