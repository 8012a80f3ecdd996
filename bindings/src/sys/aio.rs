//! Asynchronous I/O: `sys/aio.h`, `sys/aio_impl.h`, `sys/aio_req.h`, `sys/buf.h`.

use core::ffi::{c_int, c_longlong, c_void};

use super::flat::*;

layouts! {
    "sys/aio_impl.h":

    /// The asynchronous I/O of a process.
    struct aio_t: 65688, 8 {
        0 pub aio_pending: c_int,
        4 pub aio_outstanding: c_int,
        8 pub aio_ok: c_int,
        12 pub aio_flags: c_int,
        16 pub aio_rqclnup: c_int,
        20 pub aio_portpendcnt: c_int,
        24 pub aio_portq: *mut aio_req_t,
        32 pub aio_portcleanupq: *mut aio_req_t,
        40 pub aio_portpending: *mut aio_req_t,
        48 pub aio_free: *mut aio_req_t,
        56 pub aio_lio_free: *mut c_void,
        64 pub aio_doneq: *mut aio_req_t,
        72 pub aio_pollq: *mut aio_req_t,
        80 pub aio_notifyq: *mut aio_req_t,
        88 pub aio_cleanupq: *mut aio_req_t,
        96 pub aio_mutex: kmutex_t,
        104 pub aio_cleanupq_mutex: kmutex_t,
        112 pub aio_waitcv: kcondvar_t,
        114 pub aio_cleanupcv: kcondvar_t,
        116 pub aio_waitncv: kcondvar_t,
        118 pub aio_portcv: kcondvar_t,
        120 pub aio_iocb: *mut *mut c_void,
        128 pub aio_iocbsz: size_t,
        136 pub aio_waitncnt: uint_t,
        140 pub aio_notifycnt: c_int,
        144 pub aio_portq_mutex: kmutex_t,
        152 pub aio_hash: [*mut aio_req_t; 8192],
    }

    /// A request of asynchronous I/O.
    struct aio_req_t: 416, 8 {
        0 pub aio_req: aio_req,
        /// descriptor of the file
        16 pub aio_req_fd: c_int,
        /// `AIO_*`
        20 pub aio_req_flags: c_int,
        24 pub aio_req_resultp: *mut c_void,
        32 pub aio_req_cancel: Option<unsafe extern "C" fn() -> c_int>,
        40 pub aio_req_next: *mut aio_req_t,
        48 pub aio_req_prev: *mut aio_req_t,
        56 pub aio_hash_next: *mut aio_req_t,
        64 pub aio_req_lio: *mut c_void,
        72 pub aio_req_uio: uio_t,
        120 pub aio_req_iov: iovec_t,
        136 pub aio_req_buf: buf,
        384 pub aio_req_sigqp: *mut sigqueue_t,
        392 pub aio_req_iocb: aio_req_iocb_t,
        /// the port's event
        400 pub aio_req_portkev: *mut port_kevent_t,
        /// descriptor of the port
        408 pub aio_req_port: c_int,
    }

    /// The user's control block of a request, in either data model.
    union aio_req_iocb_t = "aio_req_t"."aio_req_iocb": 8, 8 {
        0 pub iocb: caddr_t,
        0 pub iocb32: caddr32_t,
    }

    "sys/aio_req.h":

    /// The driver's view of an asynchronous request.
    struct aio_req = "struct aio_req": 16, 8 {
        0 pub aio_uio: *mut uio_t,
        8 pub aio_private: *mut c_void,
    }

    "sys/buf.h":

    /// A block I/O request.
    struct buf = "struct buf": 248, 8 {
        0 pub b_flags: c_int,
        8 pub b_forw: *mut buf,
        16 pub b_back: *mut buf,
        24 pub av_forw: *mut buf,
        32 pub av_back: *mut buf,
        40 _pad0: [u8; 8],
        48 pub b_bcount: size_t,
        56 _pad1: [u8; 24],
        80 pub b_resid: size_t,
        88 _pad2: [u8; 8],
        96 pub b_proc: *mut proc_t,
        104 _pad3: [u8; 16],
        120 pub b_bufsize: size_t,
        128 pub b_iodone: Option<unsafe extern "C" fn(*mut buf) -> c_int>,
        136 pub b_vp: *mut vnode_t,
        144 _pad4: [u8; 12],
        156 pub b_error: c_int,
        160 _pad5: [u8; 8],
        168 pub b_edev: dev_t,
        176 _pad6: [u8; 72],
    }
}

constants! {
    "sys/aio.h":

    AIOCANCEL: c_int = 3;
    AIOINIT: c_int = 5;
    AIOSTART: c_int = 6;
    AIOLIO: c_int = 7;
    AIOERROR: c_int = 9;
    AIOAREAD: c_int = 11;
    AIOAWRITE: c_int = 12;
    AIOLIO64: c_int = 13;
    AIOERROR64: c_int = 15;
    AIOAREAD64: c_int = 17;
    AIOAWRITE64: c_int = 18;
    AIOCANCEL64: c_int = 19;
    AIO_POLL_BIT: c_int = 0x20;

    "sys/aio_impl.h":

    AIO_HASHSZ: c_longlong = 8192;
    AIO_CLEANUP: c_int = 1;
    AIO_WAITN: c_int = 2;
    AIO_WAITN_PENDING: c_int = 4;
    AIO_REQ_BLOCK: c_int = 8;
    AIO_CLEANUP_PORT: c_int = 0x10;
    AIO_DONE_ACTIVE: c_int = 0x20;
    AIO_SOLARIS_REQ: c_int = 0x40;
    AIO_POLL: c_int = 1;
    AIO_PENDING: c_int = 2;
    AIO_PHYSIODONE: c_int = 4;
    AIO_COPYOUTDONE: c_int = 8;
    AIO_NOTIFYQ: c_int = 0x10;
    AIO_CLEANUPQ: c_int = 0x20;
    AIO_POLLQ: c_int = 0x40;
    AIO_DONEQ: c_int = 0x80;
    AIO_ZEROLEN: c_int = 0x100;
    AIO_PAGELOCKDONE: c_int = 0x200;
    AIO_CLOSE_PORT: c_int = 0x400;
    AIO_SIGNALLED: c_int = 0x800;
    AIO_SOLARIS: c_int = 0x1000;
    AIO_CLEANUP_POLL: c_int = 0;
    AIO_CLEANUP_EXIT: c_int = 1;
    AIO_CLEANUP_THREAD: c_int = 2;
}

functions! {
    "fs/portfs/port.c":

    /// Close callback of the AIO source: waits for the process's asynchronous I/O that reports to this port.
    fn aio_close_port(arg: *mut c_void, port: c_int, pid: pid_t, lastclose: c_int);
}
