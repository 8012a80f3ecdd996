//! [`System`]: what a case may ask of the machine under test.
//!
//! The trait is object safe and knows no host: an implementation is either the fakekernel or raw
//! system calls on illumos. A `&dyn System` belongs to the thread that got it (it acts as that
//! thread, in that thread's process); a new thread or process gets its own.

pub mod aio;
pub mod counters;
pub mod fault;
pub mod ksource;
pub mod object;
pub mod timer;

use alloc::boxed::Box;

use crate::{Aio, Counters, Errno, Faults, Ksource, Objects, Outcome, Timers, Timespec};

/// Data model of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Model {
    /// 64-bit: longs and pointers of 8 bytes.
    Lp64,
    /// 32-bit: longs and pointers of 4 bytes.
    Ilp32,
}

impl Model {
    /// Size of a pointer in bytes.
    pub fn pointer(self) -> usize {
        match self {
            Model::Lp64 => 8,
            Model::Ilp32 => 4,
        }
    }

    /// Size of `port_event_t` in bytes (S93).
    pub fn event(self) -> usize {
        match self {
            Model::Lp64 => 24,
            Model::Ilp32 => 16,
        }
    }

    /// Size of `struct timespec` in bytes.
    pub fn timespec(self) -> usize {
        2 * self.pointer()
    }

    /// What is left of a pointer-sized value of a 64-bit program (S94).
    pub fn truncate(self, value: u64) -> u64 {
        match self {
            Model::Lp64 => value,
            Model::Ilp32 => value & 0xffff_ffff,
        }
    }
}

bitflags::bitflags! {
    /// What only some systems can do. A case names what it needs and is skipped elsewhere.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Caps: u32 {
        /// [`System::ksource`]: act as a kernel event source.
        const KSOURCE = 1;
        /// [`System::counters`].
        const COUNTERS = 1 << 1;
        /// [`System::faults`].
        const FAULTS = 1 << 2;
        /// Time passes only while every thread sleeps, so durations are exact.
        const VIRTUAL_CLOCK = 1 << 3;
        /// [`System::step_wall_clock`].
        const WALL_STEP = 1 << 4;
        /// [`System::set_rctl`].
        const RCTL = 1 << 5;
        /// [`System::ports_kstat`].
        const KSTAT = 1 << 6;
        /// [`System::spawn_process`] into another project.
        const PROJECT = 1 << 7;
        /// [`System::fork`] into the other data model.
        const FORK_MODEL = 1 << 8;
        /// [`Objects::open_device`]: a device that the test makes ready.
        const DEVICE = 1 << 9;
        /// [`Objects::exec`].
        const EXEC = 1 << 10;
        /// [`Aio::open_raw`]: a device with kernel asynchronous I/O.
        const KAIO = 1 << 11;
    }
}

/// One entry of `poll(2)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollFd {
    /// The descriptor.
    pub fd: i32,
    /// Bits asked for.
    pub events: i16,
    /// Bits found.
    pub revents: i16,
}

impl PollFd {
    /// An entry that asks for `events` on `fd`.
    pub fn new(fd: i32, events: i16) -> PollFd {
        PollFd {
            fd,
            events,
            revents: 0,
        }
    }
}

/// What `fstat(2)` tells, as far as a port has an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// File type and permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size: for a port the number of events that the caller could take.
    pub size: i64,
    /// Last access.
    pub atime: Timespec,
    /// Last modification.
    pub mtime: Timespec,
    /// Last change of status.
    pub ctime: Timespec,
}

/// A call on a descriptor that means nothing to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOp {
    /// `read(2)` of one byte.
    Read,
    /// `write(2)` of one byte.
    Write,
    /// `ioctl(2)` with `FIONREAD`.
    Ioctl,
    /// `lseek(2)` to 0.
    Lseek,
    /// `fcntl(2)` with `F_SETLK`, a write lock over the whole file.
    Lock,
    /// `fstatvfs(2)`.
    Fstatvfs,
    /// `syncfs(3C)`.
    Syncfs,
}

/// Protection of user pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// No access.
    None,
    /// Read only.
    Read,
    /// Read and write.
    ReadWrite,
}

/// Resource controls that limit ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rctl {
    /// `process.max-port-events` of the calling process.
    ProcessMaxPortEvents,
    /// `project.max-port-ids` of the caller's project.
    ProjectMaxPortIds,
}

/// How a process that inherits nothing is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessCfg {
    /// Its data model.
    pub model: Model,
    /// Its project id.
    pub project: i32,
    /// Its effective user id.
    pub uid: u32,
    /// Its effective group id.
    pub gid: u32,
}

/// The body of a thread.
pub type ThreadBody = Box<dyn FnOnce(&dyn System) + Send>;
/// The body of a child process; what it answers reaches the parent through [`ChildHandle::wait`].
pub type ChildBody = Box<dyn FnOnce(&dyn System) -> Outcome + Send>;

/// A thread of the calling process. The thread goes on when the handle is dropped.
pub trait ThreadHandle: Send {
    /// Sends the thread a signal that has a handler without `SA_RESTART`.
    fn signal(&self) -> Result<(), Errno>;
    /// Waits for the end of the thread.
    fn join(&mut self);
}

/// A child process. It goes on when the handle is dropped.
pub trait ChildHandle: Send {
    /// Process id.
    fn pid(&self) -> i32;
    /// Sends the process a signal that has a handler without `SA_RESTART`.
    fn signal(&self) -> Result<(), Errno>;
    /// Waits for the end of the child; all its descriptors are closed then.
    fn wait(&mut self) -> Outcome;
}

/// The machine under test, as seen by one thread of one process.
pub trait System: Objects + Timers + Aio {
    /// Data model of the calling process.
    fn model(&self) -> Model;
    /// What this system can do beyond the plain calls.
    fn caps(&self) -> Caps;
    /// Process id of the caller.
    fn pid(&self) -> i32;
    /// Effective user and group id of the caller.
    fn ids(&self) -> (u32, u32);

    /// System call 182: `rval1` in the low half, `rval2` in the high half of the answer.
    /// In a 32-bit process the arguments are cut to 32 bits.
    fn portfs(&self, opcode: i32, args: [usize; 5]) -> Result<i64, Errno>;

    /// `close(2)`.
    fn close(&self, fd: i32) -> Result<(), Errno>;
    /// `dup(2)`.
    fn dup(&self, fd: i32) -> Result<i32, Errno>;
    /// `dup2(3C)`.
    fn dup2(&self, from: i32, to: i32) -> Result<i32, Errno>;
    /// Opens something that is no port (`/dev/null`).
    fn open_null(&self) -> Result<i32, Errno>;
    /// `fcntl(2)` with `F_GETFD`.
    fn descriptor_flags(&self, fd: i32) -> Result<i32, Errno>;
    /// `fstat(2)`.
    fn fstat(&self, fd: i32) -> Result<Stat, Errno>;
    /// A call that a port cannot answer.
    fn file_op(&self, fd: i32, op: FileOp) -> Result<i64, Errno>;
    /// `poll(2)`; the time-out is in nanoseconds, `None` waits for ever. Answers how many entries
    /// have a bit set.
    fn poll(&self, fds: &mut [PollFd], timeout: Option<u64>) -> Result<usize, Errno>;

    /// Maps at least `len` bytes of zeros at a page border, readable and writable, followed by at
    /// least one page that is not mapped. `len` is rounded up to whole pages of [`System::page`].
    fn map(&self, len: usize) -> Result<usize, Errno>;
    /// Removes pages that [`System::map`] gave.
    fn unmap(&self, addr: usize, len: usize) -> Result<(), Errno>;
    /// Changes the protection of pages that [`System::map`] gave.
    fn protect(&self, addr: usize, len: usize, protection: Protection) -> Result<(), Errno>;
    /// Page size in bytes.
    fn page(&self) -> usize;
    /// Reads user memory as the program itself would; the range must be readable.
    fn peek(&self, addr: usize, to: &mut [u8]);
    /// Writes user memory as the program itself would; the range must be writable.
    fn poke(&self, addr: usize, from: &[u8]);

    /// Starts a thread in the calling process.
    fn spawn(&self, body: ThreadBody) -> Result<Box<dyn ThreadHandle>, Errno>;
    /// `fork(2)`: the child has the descriptors, its memory is its own. `model` other than the
    /// caller's needs [`Caps::FORK_MODEL`].
    fn fork(&self, model: Model, body: ChildBody) -> Result<Box<dyn ChildHandle>, Errno>;
    /// Starts a process that inherits no descriptor.
    fn spawn_process(
        &self,
        cfg: ProcessCfg,
        body: ChildBody,
    ) -> Result<Box<dyn ChildHandle>, Errno>;
    /// Returns when every other thread of the test sleeps or is gone. The clock does not advance
    /// meanwhile where time is virtual.
    fn settle(&self);
    /// Lets another thread run first.
    fn pause(&self);

    /// Sleeps for `ns` nanoseconds.
    fn sleep(&self, ns: u64);
    /// The monotonic clock (`gethrtime(3C)`) in nanoseconds.
    fn now(&self) -> u64;
    /// The wall clock.
    fn wall(&self) -> Timespec;
    /// Sets the wall clock forward (or back) by `ns` nanoseconds.
    fn step_wall_clock(&self, ns: i64) -> Result<(), Errno>;

    /// Sets a resource control of the caller's process or project.
    fn set_rctl(&self, rctl: Rctl, value: u64) -> Result<(), Errno>;
    /// The counter `portfs:0:"Event Ports":ports` (S15).
    fn ports_kstat(&self) -> Result<u32, Errno>;

    /// Kernel event sources played by the test.
    fn ksource(&self) -> Option<&dyn Ksource>;
    /// Counters of kernel work.
    fn counters(&self) -> Option<Counters>;
    /// Injected failures.
    fn faults(&self) -> Option<&dyn Faults>;
}
