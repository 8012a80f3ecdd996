//! `Objects` over the fakekernel.

use std::cell::Cell;

use bindings::{FD_CLOEXEC, O_NONBLOCK};
use fakekernel::user::Lwp;
use suite::{Errno, Objects, Shutdown};

use super::FakeSystem;

/// User memory that each thread keeps for short transfers, in bytes.
const SCRATCH: usize = 4096;

thread_local! {
    /// Its address in the thread's process, 0 before the first transfer.
    static ADDR: Cell<usize> = const { Cell::new(0) };
}

/// Runs `body` with the address of user memory for `len` bytes.
fn with_user_memory<R>(lwp: &Lwp, len: usize, body: impl FnOnce(usize) -> R) -> R {
    if len <= SCRATCH {
        if ADDR.get() == 0 {
            ADDR.set(lwp.alloc(SCRATCH));
        }
        return body(ADDR.get());
    }
    let addr = lwp.alloc(len);
    let value = body(addr);
    lwp.unmap(addr, len);
    value
}

/// Gives back what the calling thread keeps; its program has ended.
pub(super) fn forget_scratch(lwp: &Lwp) {
    let addr = ADDR.replace(0);
    if addr != 0 {
        lwp.unmap(addr, SCRATCH);
    }
}

impl Objects for FakeSystem<'_> {
    fn pipe(&self) -> Result<(i32, i32), Errno> {
        self.lwp.pipe().map_err(Errno)
    }

    fn socketpair(&self) -> Result<(i32, i32), Errno> {
        self.lwp.socketpair().map_err(Errno)
    }

    fn open_file(&self, content: &[u8]) -> Result<i32, Errno> {
        self.lwp.open_regular(content).map_err(Errno)
    }

    fn open_unpollable(&self) -> Result<i32, Errno> {
        self.lwp.open_unpollable().map_err(Errno)
    }

    fn open_device(&self) -> Result<i32, Errno> {
        self.lwp.open_device().map_err(Errno)
    }

    fn raise(&self, fd: i32, events: i16) -> Result<(), Errno> {
        self.lwp.raise(fd, events).map_err(Errno)
    }

    fn lower(&self, fd: i32, events: i16) -> Result<(), Errno> {
        self.lwp.lower(fd, events).map_err(Errno)
    }

    fn hold_poll(&self, fd: i32) -> Result<(), Errno> {
        self.lwp.hold_poll(fd, true).map_err(Errno)
    }

    fn release_poll(&self, fd: i32) -> Result<(), Errno> {
        self.lwp.hold_poll(fd, false).map_err(Errno)
    }

    fn poll_calls(&self, fd: i32) -> Result<u64, Errno> {
        self.lwp.polls(fd).map_err(Errno)
    }

    fn read(&self, fd: i32, to: &mut [u8]) -> Result<usize, Errno> {
        with_user_memory(self.lwp, to.len(), |addr| {
            let n = self.lwp.read(fd, addr, to.len()).map_err(Errno)?;
            if let Some(bytes) = self.lwp.peek(addr, n) {
                to[..n].copy_from_slice(&bytes);
            }
            Ok(n)
        })
    }

    fn write(&self, fd: i32, from: &[u8]) -> Result<usize, Errno> {
        with_user_memory(self.lwp, from.len(), |addr| {
            let poked = self.lwp.poke(addr, from);
            assert!(poked, "memory that was just mapped can be written");
            self.lwp.write(fd, addr, from.len()).map_err(Errno)
        })
    }

    fn set_nonblocking(&self, fd: i32, on: bool) -> Result<(), Errno> {
        let flags = self.lwp.getfl(fd).map_err(Errno)?;
        let flags = if on {
            flags | O_NONBLOCK
        } else {
            flags & !O_NONBLOCK
        };
        self.lwp.setfl(fd, flags).map_err(Errno)
    }

    fn shutdown(&self, fd: i32, how: Shutdown) -> Result<(), Errno> {
        let (read, write) = (how != Shutdown::Write, how != Shutdown::Read);
        self.lwp.shutdown(fd, read, write).map_err(Errno)
    }

    fn send_fd(&self, socket: i32, fd: i32) -> Result<(), Errno> {
        self.lwp.send_fd(socket, fd).map_err(Errno)
    }

    fn receive_fd(&self, socket: i32) -> Result<i32, Errno> {
        self.lwp.receive_fd(socket).map_err(Errno)
    }

    fn set_close_on_exec(&self, fd: i32, on: bool) -> Result<(), Errno> {
        let flags = self.lwp.getfd(fd).map_err(Errno)?;
        let flags = if on {
            flags | FD_CLOEXEC
        } else {
            flags & !FD_CLOEXEC
        };
        self.lwp.setfd(fd, flags).map_err(Errno)
    }

    fn exec(&self) -> Result<(), Errno> {
        self.lwp.exec().map_err(Errno)
    }

    fn stat_through_proc(&self, fd: i32) -> Result<(), Errno> {
        self.lwp.stat_through_proc(fd).map_err(Errno)
    }
}
