//! Transfers: `sys/uio.h`.

use core::ffi::{c_int, c_uint};

use super::flat::*;

scalars! {
    "sys/uio.h":

    /// Where the buffers of a transfer are: `UIO_*SPACE`.
    uio_seg_t = c_uint;
    /// Direction of a transfer.
    uio_rw_t = c_uint;
}

layouts! {
    "sys/uio.h":

    /// A transfer between a file and buffers.
    struct uio_t: 48, 8 {
        /// the buffers
        0 pub uio_iov: *mut iovec_t,
        /// number of buffers
        8 pub uio_iovcnt: c_int,
        /// position in the file
        16 pub _uio_offset: lloff_t,
        /// where the buffers are
        24 pub uio_segflg: uio_seg_t,
        /// flags of the file
        28 pub uio_fmode: u16,
        /// `UIO_*`
        30 pub uio_extflg: u16,
        /// greatest position
        32 pub _uio_limit: lloff_t,
        /// bytes still to move
        40 pub uio_resid: ssize_t,
    }

    /// One buffer of a transfer.
    struct iovec_t: 16, 8 {
        0 pub iov_base: caddr_t,
        8 pub iov_len: size_t,
    }

    /// One buffer of a transfer of a 32-bit process.
    struct iovec32_t: 8, 4 {
        0 pub iov_base: caddr32_t,
        4 pub iov_len: i32,
    }
}

constants! {
    "sys/uio.h":

    UIO_COPY_DEFAULT: c_int = 0;
    UIO_COPY_CACHED: c_int = 1;
    UIO_ASYNC: c_int = 2;
    UIO_XUIO: c_int = 4;
    UIO_USERSPACE: uio_seg_t = 0;
    UIO_SYSSPACE: uio_seg_t = 1;
    UIO_USERISPACE: uio_seg_t = 2;
    UIO_READ: uio_rw_t = 0;
    UIO_WRITE: uio_rw_t = 1;
}
