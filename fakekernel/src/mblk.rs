//! Messages, and the queues in which pipes and sockets keep them.
//!
//! Stands for what stream.c is to fifofs and sockfs: a message is one piece of kernel memory, so
//! what is left in a queue shows as a leak. A message may carry an open file (SCM_RIGHTS), of which
//! it owns one count.
//!
//! A queue is guarded by a lock of its owner; nothing here takes or drops it, and nothing that is
//! called under it allocates or frees.

use std::ptr;

use bindings::*;

/// The head of a message; its bytes follow.
///
/// # Invariants
/// Allocated by [`allocb`] with room for `b_size` bytes; `b_rptr <= b_wptr <= b_size`, and the
/// bytes between the first two are initialised.
#[repr(C)]
pub(crate) struct Msg {
    b_next: *mut Msg,
    /// First byte not yet read, counted from the end of the head.
    b_rptr: usize,
    /// Behind the last byte.
    b_wptr: usize,
    b_size: usize,
    /// A file that travels with the bytes, or NULL.
    b_file: *mut file_t,
}

impl Msg {
    /// The bytes not yet read.
    ///
    /// # Safety
    /// `mp` is a message that nobody else changes.
    pub(crate) unsafe fn unread(mp: *mut Msg) -> (*mut u8, usize) {
        // SAFETY: the bytes follow the head (type invariant).
        unsafe {
            let data: *mut u8 = mp.add(1).cast();
            (data.add((*mp).b_rptr), (*mp).b_wptr - (*mp).b_rptr)
        }
    }

    /// Room for bytes behind those that are there.
    ///
    /// # Safety
    /// As for [`Msg::unread`].
    unsafe fn room(mp: *mut Msg) -> (*mut u8, usize) {
        // SAFETY: as above.
        unsafe {
            let data: *mut u8 = mp.add(1).cast();
            (data.add((*mp).b_wptr), (*mp).b_size - (*mp).b_wptr)
        }
    }

    /// Moves bytes of a transfer into the message, as many as there is room for.
    ///
    /// # Safety
    /// As for [`Msg::unread`]; no mutex is held; the transfer is valid.
    pub(crate) unsafe fn fill(mp: *mut Msg, uio: *mut uio_t) -> i32 {
        // SAFETY: the room is the message's own (type invariant).
        unsafe {
            let (to, n) = Msg::room(mp);
            let before = (*uio).uio_resid;
            let error = crate::uio::uiomove(to.cast(), n, UIO_WRITE, uio);
            (*mp).b_wptr += (before - (*uio).uio_resid) as usize;
            error
        }
    }

    /// Moves the unread bytes to a transfer.
    ///
    /// # Safety
    /// As for [`Msg::fill`].
    pub(crate) unsafe fn drain(mp: *mut Msg, uio: *mut uio_t) -> i32 {
        // SAFETY: the bytes are the message's own (type invariant).
        unsafe {
            let (from, n) = Msg::unread(mp);
            let before = (*uio).uio_resid;
            let error = crate::uio::uiomove(from.cast(), n, UIO_READ, uio);
            (*mp).b_rptr += (before - (*uio).uio_resid) as usize;
            error
        }
    }

    /// Adds a byte; there is room for it.
    ///
    /// # Safety
    /// As for [`Msg::unread`].
    pub(crate) unsafe fn push(mp: *mut Msg, byte: u8) {
        // SAFETY: the room is the message's own (type invariant).
        unsafe {
            let (to, room) = Msg::room(mp);
            assert!(room > 0, "a message has room for its bytes");
            to.write(byte);
            (*mp).b_wptr += 1;
        }
    }

    /// Lets an open file travel with the message, which takes over one count.
    ///
    /// # Safety
    /// As for [`Msg::unread`]; the message carries none yet.
    pub(crate) unsafe fn attach(mp: *mut Msg, fp: *mut file_t) {
        // SAFETY: exclusive (contract).
        unsafe { (*mp).b_file = fp };
    }

    /// Takes the file, with its count, out of the message; NULL when it carries none.
    ///
    /// # Safety
    /// As for [`Msg::unread`].
    pub(crate) unsafe fn detach(mp: *mut Msg) -> *mut file_t {
        // SAFETY: exclusive (contract).
        unsafe { ptr::replace(&raw mut (*mp).b_file, ptr::null_mut()) }
    }
}

/// An empty message with room for `size` bytes.
///
/// # Safety
/// The caller may sleep.
pub(crate) unsafe fn allocb(size: usize) -> *mut Msg {
    // SAFETY: fresh memory, large enough for the head and `size` bytes.
    unsafe {
        let mp: *mut Msg = kmem_alloc(size_of::<Msg>() + size, KM_SLEEP).cast();
        mp.write(Msg {
            b_next: ptr::null_mut(),
            b_rptr: 0,
            b_wptr: 0,
            b_size: size,
            b_file: ptr::null_mut(),
        });
        mp
    }
}

/// Frees a chain of messages; files that travel with them are closed.
///
/// # Safety
/// The chain is the caller's. No lock is held that a VOP_CLOSE takes.
pub(crate) unsafe fn freemsg(first: *mut Msg) {
    let mut mp = first;
    // SAFETY: the messages are the caller's, each with its own count of its file.
    unsafe {
        while !mp.is_null() {
            let next = (*mp).b_next;
            let fp = Msg::detach(mp);
            if !fp.is_null() {
                crate::fio::closef(fp);
            }
            kmem_free(mp.cast(), size_of::<Msg>() + (*mp).b_size);
            mp = next;
        }
    }
}

/// Messages, oldest first. All zeroes is an empty queue.
///
/// # Invariants
/// `q_first` begins a chain that ends with `q_last`; `q_count` counts their unread bytes.
pub(crate) struct Queue {
    q_first: *mut Msg,
    q_last: *mut Msg,
    q_count: usize,
}

impl Queue {
    /// Unread bytes.
    pub(crate) fn count(&self) -> usize {
        self.q_count
    }

    /// Whether there is no message, not even one without bytes.
    pub(crate) fn is_empty(&self) -> bool {
        self.q_first.is_null()
    }

    /// Whether a file travels with the first message.
    pub(crate) fn carries_file(&self) -> bool {
        // SAFETY: the chain is the queue's (type invariant).
        !self.q_first.is_null() && unsafe { !(*self.q_first).b_file.is_null() }
    }

    /// Adds a message at the end.
    ///
    /// # Safety
    /// `mp` is a single message of the caller's, which is given up.
    pub(crate) unsafe fn put(&mut self, mp: *mut Msg) {
        // SAFETY: the last message is the queue's (type invariant).
        unsafe {
            self.q_count += Msg::unread(mp).1;
            if self.q_first.is_null() {
                self.q_first = mp;
            } else {
                (*self.q_last).b_next = mp;
            }
            self.q_last = mp;
        }
    }

    /// Puts a message that was not wanted after all back to the front.
    ///
    /// # Safety
    /// As for [`Queue::put`].
    pub(crate) unsafe fn put_back(&mut self, mp: *mut Msg) {
        // SAFETY: the message is ours alone.
        unsafe {
            self.q_count += Msg::unread(mp).1;
            (*mp).b_next = self.q_first;
            if self.q_first.is_null() {
                self.q_last = mp;
            }
            self.q_first = mp;
        }
    }

    /// Moves bytes into `to`, as many as there are and as it has room for, but none beyond a
    /// message that carries a file. Answers the chain of messages that are used up, for
    /// [`freemsg`] once the lock is dropped.
    ///
    /// # Safety
    /// `to` is a message of the caller's.
    pub(crate) unsafe fn take(&mut self, to: *mut Msg) -> *mut Msg {
        let mut spent: *mut Msg = ptr::null_mut();
        // SAFETY: the chain is the queue's, `to` the caller's, and they do not overlap.
        unsafe {
            while !self.q_first.is_null() {
                let mp = self.q_first;
                let ((from, there), (place, room)) = (Msg::unread(mp), Msg::room(to));
                let n = there.min(room);
                if n == 0 && there > 0 {
                    break;
                }
                ptr::copy_nonoverlapping(from, place, n);
                (*mp).b_rptr += n;
                (*to).b_wptr += n;
                self.q_count -= n;
                if n < there {
                    break;
                }
                self.unlink_first();
                (*mp).b_next = spent;
                spent = mp;
                if !(*mp).b_file.is_null() {
                    break;
                }
            }
        }
        spent
    }

    /// Takes the first message out whole; NULL when there is none.
    pub(crate) fn pop(&mut self) -> *mut Msg {
        let mp = self.q_first;
        if !mp.is_null() {
            // SAFETY: the chain is the queue's (type invariant).
            unsafe {
                self.q_count -= Msg::unread(mp).1;
                self.unlink_first();
            }
        }
        mp
    }

    /// Takes everything out, for [`freemsg`].
    pub(crate) fn flush(&mut self) -> *mut Msg {
        let first = self.q_first;
        (self.q_first, self.q_last, self.q_count) = (ptr::null_mut(), ptr::null_mut(), 0);
        first
    }

    /// Takes the first message off the chain; its bytes have been accounted for.
    ///
    /// # Safety
    /// There is one.
    unsafe fn unlink_first(&mut self) {
        // SAFETY: there is one (contract).
        unsafe {
            let mp = self.q_first;
            self.q_first = (*mp).b_next;
            if self.q_first.is_null() {
                self.q_last = ptr::null_mut();
            }
            (*mp).b_next = ptr::null_mut();
        }
    }
}
