//! Transfers between the kernel and the buffers of a `uio_t`.
//!
//! Mirrors `uiomove` of move.c: a fault ends the transfer with EFAULT; what was moved before it is
//! accounted for. As every copy, it may sleep and must not be made with a mutex held.

use std::ffi::{c_int, c_void};

use bindings::*;

/// Moves `n` bytes, or as many as the transfer still wants, between `p` and its buffers, in the
/// direction `rw`. Answers 0 or EFAULT.
///
/// # Safety
/// `p` has `n` bytes; the transfer and its buffers are valid.
pub(crate) unsafe fn uiomove(p: *mut c_void, n: usize, rw: uio_rw_t, uio: *mut uio_t) -> c_int {
    // SAFETY: the buffers are those of the transfer, the kernel's side has `n` bytes (contract).
    unsafe {
        let (mut p, mut left) = (p, n);
        while left > 0 && (*uio).uio_resid > 0 {
            let iov = (*uio).uio_iov;
            let cnt = (*iov).iov_len.min(left);
            if cnt == 0 {
                (*uio).uio_iov = iov.add(1);
                (*uio).uio_iovcnt -= 1;
                continue;
            }
            let base: *mut c_void = (*iov).iov_base.cast();
            let failed = match ((*uio).uio_segflg == UIO_SYSSPACE, rw == UIO_READ) {
                (false, true) => copyout(p, base, cnt),
                (false, false) => copyin(base, p, cnt),
                (true, to_buffer) => {
                    let (from, to) = if to_buffer { (p, base) } else { (base, p) };
                    std::ptr::copy_nonoverlapping(from.cast::<u8>(), to.cast::<u8>(), cnt);
                    0
                }
            };
            if failed != 0 {
                return EFAULT;
            }
            (*iov).iov_base = (*iov).iov_base.byte_add(cnt);
            (*iov).iov_len -= cnt;
            (*uio).uio_resid -= cnt as ssize_t;
            (*uio)._uio_offset._f += cnt as offset_t;
            p = p.byte_add(cnt);
            left -= cnt;
        }
    }
    0
}

/// Bytes that a transfer still wants.
///
/// # Safety
/// The transfer is valid.
pub(crate) unsafe fn left(uio: *mut uio_t) -> usize {
    // SAFETY: valid (contract).
    unsafe { (*uio).uio_resid as usize }
}

/// Whether a transfer must not wait.
///
/// # Safety
/// The transfer is valid.
pub(crate) unsafe fn nonblocking(uio: *mut uio_t) -> bool {
    // SAFETY: valid (contract).
    unsafe { c_int::from((*uio).uio_fmode) & (FNDELAY | FNONBLOCK) != 0 }
}

/// What a transfer that must not wait answers: 0 with O_NDELAY.
///
/// # Safety
/// The transfer is valid.
pub(crate) unsafe fn would_block(uio: *mut uio_t) -> c_int {
    // SAFETY: valid (contract).
    if unsafe { c_int::from((*uio).uio_fmode) } & FNONBLOCK != 0 {
        EAGAIN
    } else {
        0
    }
}
