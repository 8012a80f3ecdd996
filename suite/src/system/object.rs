//! Descriptors other than ports: what programs associate with a port.
//!
//! A system that cannot make one of them answers `ENOSYS`.

use crate::Errno;

/// Which directions [`Objects::shutdown`] ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Nothing more is received.
    Read,
    /// Nothing more is sent; the peer reads the end of the stream.
    Write,
    /// Both.
    Both,
}

/// Pollable objects, and the ways in which descriptors travel.
pub trait Objects {
    /// `pipe(2)`: the end to read from and the end to write to. Of illumos both ends can do both:
    /// the reading end is always ready for `POLLOUT`.
    fn pipe(&self) -> Result<(i32, i32), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `socketpair(3SOCKET)`, `AF_UNIX`, `SOCK_STREAM`. A socket that was found full has room again
    /// when nearly all is read. As in the kernel, the close of the peer (and its shutdown of both
    /// directions) reports `POLLERR` to an association that waits, and nothing else of it; asked
    /// anew, the socket answers `POLLIN` and `POLLHUP`, and still `POLLOUT`.
    fn socketpair(&self) -> Result<(i32, i32), Errno> {
        Err(Errno::ENOSYS)
    }

    /// Opens a new regular file without a name, for reading and writing, with this content. It is
    /// always ready and refuses `POLLET` with `EPERM`.
    fn open_file(&self, _content: &[u8]) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    /// Opens a device that cannot be polled: `VOP_POLL` answers `ENXIO`.
    fn open_unpollable(&self) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    /// Opens a device of its own whose readiness is decided by [`Objects::raise`] and
    /// [`Objects::lower`].
    fn open_device(&self) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    /// Makes a device of [`Objects::open_device`] ready for `events`, in an interrupt that calls
    /// `pollwakeup`. Any bits are allowed, `POLLHUP`, `POLLERR` and `POLLNVAL` too.
    fn raise(&self, _fd: i32, _events: i16) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// Makes a device of [`Objects::open_device`] no longer ready for `events`; nobody is told.
    fn lower(&self, _fd: i32, _events: i16) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// Holds up every `VOP_POLL` of a device of [`Objects::open_device`] from now on: it drops the
    /// poll cache's lock (`pollunlock`) and waits for [`Objects::release_poll`], which must come
    /// through another thread.
    fn hold_poll(&self, _fd: i32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// Lets every `VOP_POLL` that [`Objects::hold_poll`] holds up go on, and later ones through.
    fn release_poll(&self, _fd: i32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// How often `VOP_POLL` of a device of [`Objects::open_device`] or
    /// [`Objects::open_unpollable`] was called.
    fn poll_calls(&self, _fd: i32) -> Result<u64, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `read(2)`; 0 is the end of the file.
    fn read(&self, _fd: i32, _to: &mut [u8]) -> Result<usize, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `write(2)`; `EPIPE` without a signal when nobody can read.
    fn write(&self, _fd: i32, _from: &[u8]) -> Result<usize, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `fcntl(2)` with `F_SETFL`: `O_NONBLOCK` on or off.
    fn set_nonblocking(&self, _fd: i32, _on: bool) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `shutdown(3SOCKET)`.
    fn shutdown(&self, _fd: i32, _how: Shutdown) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// Sends `fd` over a socket of [`Objects::socketpair`] (`SCM_RIGHTS`, with one byte of data).
    fn send_fd(&self, _socket: i32, _fd: i32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// Receives a descriptor that [`Objects::send_fd`] sent: the lowest free number. `EMFILE` loses
    /// it; bytes that were sent before it have to be read first (`EBADMSG`). A descriptor that is
    /// never received is closed with the socket, by who closes that.
    fn receive_fd(&self, _socket: i32) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `fcntl(2)` with `F_SETFD`: `FD_CLOEXEC` on or off.
    fn set_close_on_exec(&self, _fd: i32, _on: bool) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `execve(2)` of the same program, which goes on behind this call: descriptors with
    /// `FD_CLOEXEC` are closed, memory stays as it is. Only for a process with one thread.
    fn exec(&self) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `lstat(2)` of `/proc/self/fd/N`: reaches the vnode of `fd` without its descriptor.
    fn stat_through_proc(&self, _fd: i32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
}
