//! A raw device: a character device with a strategy routine, and so with asynchronous I/O.
//!
//! Stands for a disk driver below specfs. A transfer takes a fixed time and is completed by an
//! interrupt; transfers of one device complete in the order in which they were started.
//!
//! Contexts: the interrupt runs while there are transfers. Its locks are the host's, leaves.

use std::collections::VecDeque;
use std::ffi::{c_int, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bindings::*;

use crate::aio_subr::{B_READ, B_WRITE, aphysio, bioerror};
use crate::proc::{self, Proc};
use crate::thread::{self, Kind};
use crate::vnode::template::{self, Ops};
use crate::{nulldev, sched};

/// A transfer on its way, and when it is over.
struct Transfer {
    done_at: i64,
    bp: *mut buf,
}

// SAFETY: a buffer belongs to the driver from strategy to completion, whoever runs it.
unsafe impl Send for Transfer {}

#[derive(Default)]
struct Queue {
    /// The interrupt runs, or is about to.
    busy: bool,
    transfers: VecDeque<Transfer>,
}

/// An open device.
struct Disk {
    latency: i64,
    content: Mutex<Vec<u8>>,
    queue: Mutex<Queue>,
}

static OPS: Ops = Ops::new();

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The device of a vnode.
///
/// # Safety
/// `vp` is a held vnode of [`open`].
unsafe fn disk(vp: *mut vnode_t) -> Arc<Disk> {
    // SAFETY: `open` stored what `inactive` takes back at the last hold (contract).
    unsafe {
        let disk: *const Disk = (*vp).v_data.cast();
        Arc::increment_strong_count(disk);
        Arc::from_raw(disk)
    }
}

unsafe extern "C" fn inactive(vp: *mut vnode_t, _cr: *mut cred_t, _ct: *mut caller_context_t) {
    // SAFETY: the last hold of a vnode of `open`.
    unsafe {
        let disk: *const Disk = (*vp).v_data.cast();
        vn_free(vp);
        drop(Arc::from_raw(disk));
    }
}

/// Makes the operations of raw devices; once, while booting.
pub(crate) fn init() {
    // SAFETY: each function has the type of its operation.
    unsafe {
        OPS.make(
            c"rawdev",
            &[
                (c"close", nulldev::close as *const c_void),
                (c"ioctl", nulldev::ioctl as *const c_void),
                (c"getattr", nulldev::getattr as *const c_void),
                (c"inactive", inactive as *const c_void),
            ],
        );
    }
}

/// Opens a new device of `size` zero bytes whose transfers take `latency` nanoseconds.
///
/// # Errors
/// EMFILE.
pub(crate) fn open(size: usize, latency: i64) -> Result<c_int, c_int> {
    let disk = Arc::new(Disk {
        latency,
        content: Mutex::new(vec![0; size]),
        queue: Mutex::default(),
    });
    // SAFETY: called by a thread of a process; `inactive` takes the device back.
    unsafe {
        let vp = OPS.vnode(VCHR, Arc::into_raw(disk).cast_mut().cast());
        (*vp).v_rdev = makedevice(4, 0);
        template::open(vp, FREAD | FWRITE)
    }
}

/// Whether `vp` has asynchronous I/O.
///
/// # Safety
/// `vp` is held.
pub(crate) unsafe fn is_raw(vp: *mut vnode_t) -> bool {
    // SAFETY: held (contract).
    unsafe { OPS.are_of(vp) }
}

/// The driver's asynchronous read (FREAD) or write: answers 0 when the transfer is on its way or
/// already done, or an errno.
///
/// # Safety
/// `vp` is a held raw device; `reqp` is a request of the calling process that was not started.
pub(crate) unsafe fn arw(vp: *mut vnode_t, reqp: *mut aio_req_t, mode: c_int) -> c_int {
    let rw = if mode == FREAD { B_READ } else { B_WRITE };
    // SAFETY: as the contract says; the request's buffer leads the device to its vnode.
    unsafe {
        (*reqp).aio_req_buf.b_vp = vp;
        aphysio(strategy, (*vp).v_rdev, rw, reqp)
    }
}

/// Starts a transfer.
///
/// # Safety
/// `bp` was prepared by aphysio for a raw device that is open until the transfer is done.
unsafe fn strategy(bp: *mut buf) -> c_int {
    // SAFETY: the device is open (contract).
    let disk = unsafe { disk((*bp).b_vp) };
    let done_at = sched::get().now().saturating_add(disk.latency);
    let idle = {
        let mut queue = lock(&disk.queue);
        queue.transfers.push_back(Transfer { done_at, bp });
        !std::mem::replace(&mut queue.busy, true)
    };
    if idle {
        let body = move || interrupt(&disk);
        thread::spawn(proc::proc0(), Kind::Interrupt, "rawdev", body);
    }
    0
}

/// Completes transfers until there are none. The device may be closed after the last one.
fn interrupt(disk: &Disk) {
    loop {
        let transfer = {
            let mut queue = lock(&disk.queue);
            let Some(transfer) = queue.transfers.pop_front() else {
                queue.busy = false;
                return;
            };
            transfer
        };
        sched::sleep_until(transfer.done_at);
        // SAFETY: the transfer is the driver's until it calls b_iodone, once.
        unsafe {
            move_data(disk, transfer.bp);
            if let Some(iodone) = (*transfer.bp).b_iodone {
                iodone(transfer.bp);
            }
        }
    }
}

/// Moves the bytes between the device and the process, as far as the device goes; behind its end
/// is ENXIO.
///
/// # Safety
/// `bp` is a transfer of this device that was started and is not done.
unsafe fn move_data(disk: &Disk, bp: *mut buf) {
    // SAFETY: the buffer is the driver's; processes live for ever, and their memory is reached
    // through the address space, which knows what is mapped.
    unsafe {
        let reqp: *mut aio_req_t = (*bp).b_forw.cast();
        let (addr, len) = ((*reqp).aio_req_iov.iov_base as usize, (*bp).b_bcount);
        let aspace = Proc::from_ptr((*bp).b_proc).aspace();
        let mut content = lock(&disk.content);
        let size = content.len();
        let start = usize::try_from((*reqp).aio_req_uio._uio_offset._f).unwrap_or(size);
        if start >= size {
            return bioerror(bp, ENXIO);
        }
        let count = len.min(size - start);
        let bytes = &mut content[start..start + count];
        let moved = if (*bp).b_flags & B_READ != 0 {
            aspace.put(addr, bytes)
        } else if let Some(from) = aspace.get(addr, count) {
            bytes.copy_from_slice(&from);
            true
        } else {
            false
        };
        if moved {
            (*bp).b_resid = len - count;
        } else {
            bioerror(bp, EFAULT);
        }
    }
}
