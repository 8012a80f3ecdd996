//! Kernel asynchronous I/O as its port sees it.

use std::ffi::c_int;

use bindings::*;
use fakekernel::aio_subr::aio_close_port;
use fakekernel::user::Lwp;

use super::port::{counts, locked, open};
use super::support::{Kernel, process};

const SYS_KAIO: i32 = 178;
/// Bytes of an `aiocb_t` and the place of its result.
const AIOCB: usize = 112;
const RESULT: usize = 88;
const LATENCY: i64 = 1_000_000;

/// Submits a read of 64 bytes of `fd` that tells `port`, or nobody; answers its control block.
fn submit(lwp: &Lwp, fd: i32, port: Option<i32>) -> Result<usize, i32> {
    let (cb, buf, notify) = (lwp.alloc(AIOCB), lwp.alloc(64), lwp.alloc(16));
    let mut bytes = [0u8; AIOCB];
    let mut put = |at: usize, value: u64, size: usize| {
        bytes[at..at + size].copy_from_slice(&value.to_ne_bytes()[..size]);
    };
    put(0, fd as u64, 4);
    put(8, buf as u64, 8);
    put(16, 64, 8);
    put(RESULT + 8, EINPROGRESS as u64, 4);
    if let Some(port) = port {
        put(40, SIGEV_PORT as u64, 4);
        put(48, notify as u64, 8);
        assert!(lwp.poke(notify, &port.to_ne_bytes()));
        assert!(lwp.poke(notify + 8, &0x77_u64.to_ne_bytes()));
    }
    assert!(lwp.poke(cb, &bytes));
    kaio(lwp, AIOAREAD, cb).map(|_| cb)
}

fn kaio(lwp: &Lwp, opcode: c_int, arg: usize) -> Result<i64, i32> {
    lwp.syscall(SYS_KAIO, [opcode as usize, arg, 0, 0, 0, 0])
}

/// Return value and errno of a control block.
fn result(lwp: &Lwp, cb: usize) -> (i64, i32) {
    let bytes = lwp.peek(cb + RESULT, 12).expect("mapped");
    (
        i64::from_ne_bytes(bytes[..8].try_into().unwrap()),
        i32::from_ne_bytes(bytes[8..].try_into().unwrap()),
    )
}

/// Takes the first event off the queue and asks its source, with portq_mutex held or not.
fn retrieve(holding: bool) -> c_int {
    let event = locked(|q| {
        // SAFETY: the port is open and locked.
        unsafe {
            let event: *mut port_kevent_t = list_remove_head(&raw mut (*q).portq_list).cast();
            (*q).portq_nent -= 1;
            event
        }
    });
    let ask = || {
        let mut events = 0;
        // SAFETY: off the queue; asked once, as a retriever does.
        unsafe {
            let callback = (*event).portkev_callback.expect("a callback");
            callback(
                (*event).portkev_arg,
                &raw mut events,
                (*event).portkev_pid,
                PORT_CALLBACK_DEFAULT,
                event.cast(),
            )
        }
    };
    let answer = if holding { locked(|_| ask()) } else { ask() };
    // SAFETY: the request has let go of its event.
    unsafe { port_free_event_local(event, 0) };
    answer
}

/// A process with a device and a port.
fn scene(kernel: &Kernel, slots: u32, body: impl FnOnce(&Lwp, i32, i32)) {
    process(kernel, |lwp| {
        kaio(lwp, AIOINIT, 0).unwrap();
        let fd = lwp.open_raw(4096, LATENCY).unwrap();
        body(lwp, fd, open(slots));
    });
}

pub fn request(kernel: &Kernel) {
    scene(kernel, 2, |lwp, fd, port| {
        let cb = submit(lwp, fd, Some(port)).unwrap();
        assert_eq!(counts(), (1, 0));
        lwp.sleep(2 * LATENCY);
        assert_eq!(counts(), (1, 1));
        assert_eq!(result(lwp, cb).1, EINPROGRESS);
        assert_eq!(retrieve(false), 0);
        assert_eq!(result(lwp, cb), (64, 0));
        assert_eq!(counts(), (0, 0));
        let quiet = submit(lwp, fd, None).unwrap();
        assert_eq!(kaio(lwp, AIOERROR, quiet), Err(EINPROGRESS));
        lwp.sleep(2 * LATENCY);
        assert_eq!(kaio(lwp, AIOERROR, quiet), Ok(0));
        assert_eq!(result(lwp, quiet), (64, 0));
        assert_eq!(kaio(lwp, AIOERROR, quiet), Err(EINVAL));
    });
}

pub fn exit(kernel: &Kernel) {
    scene(kernel, 4, |lwp, fd, port| {
        submit(lwp, fd, Some(port)).unwrap();
        lwp.sleep(2 * LATENCY);
        for port in [Some(port), None, Some(port)] {
            submit(lwp, fd, port).unwrap();
        }
    });
}

/// With nothing pending the source's close leaves what is completed alone.
pub fn close_completed(kernel: &Kernel) {
    scene(kernel, 2, |lwp, fd, port| {
        let cb = submit(lwp, fd, Some(port)).unwrap();
        lwp.sleep(2 * LATENCY);
        // SAFETY: called by a thread of the process, without locks.
        unsafe { aio_close_port(std::ptr::null_mut(), port, lwp.pid(), 0) };
        assert_eq!(counts(), (1, 1));
        assert_eq!(retrieve(false), 0);
        assert_eq!(result(lwp, cb), (64, 0));
    });
}

/// Of two pending requests one is discarded, the other stays with its event.
pub fn close_two(kernel: &Kernel) {
    scene(kernel, 2, |lwp, fd, port| {
        submit(lwp, fd, Some(port)).unwrap();
        let second = submit(lwp, fd, Some(port)).unwrap();
        // SAFETY: called by a thread of the process, without locks.
        unsafe { aio_close_port(std::ptr::null_mut(), port, lwp.pid(), 0) };
        assert_eq!(counts(), (2, 2));
        locked(|q| {
            // SAFETY: the port is open and locked; the first event was cancelled.
            unsafe {
                let first: *mut port_kevent_t = list_head(&raw mut (*q).portq_list).cast();
                assert_ne!((*first).portkev_flags & PORT_KEV_FREE, 0);
                assert!((*first).portkev_callback.is_none());
            }
        });
        super::port::take();
        assert_eq!(retrieve(false), 0);
        assert_eq!(result(lwp, second), (64, 0));
    });
}

/// The only pending request: the close never ends.
pub fn close_one(kernel: &Kernel) {
    scene(kernel, 2, |lwp, fd, port| {
        submit(lwp, fd, Some(port)).unwrap();
        // SAFETY: called by a thread of the process, without locks.
        unsafe { aio_close_port(std::ptr::null_mut(), port, lwp.pid(), 1) };
    });
}

/// A retriever that asks under portq_mutex.
pub fn asked_under_mutex(kernel: &Kernel) {
    scene(kernel, 2, |lwp, fd, port| {
        submit(lwp, fd, Some(port)).unwrap();
        lwp.sleep(2 * LATENCY);
        retrieve(true);
    });
}
