//! Calls on descriptors.

use fakekernel::user::{self, Lwp, Whence};
use suite::{Errno, FileOp, PollFd, Stat, Timespec};

/// `FIONREAD` of illumos (`sys/filio.h`).
const FIONREAD: i32 = 0x4004_667f;

fn timespec((sec, nsec): (i64, i64)) -> Timespec {
    Timespec { sec, nsec }
}

/// `fstat(2)`.
pub fn fstat(lwp: &Lwp, fd: i32) -> Result<Stat, Errno> {
    let stat = lwp.fstat(fd).map_err(Errno)?;
    Ok(Stat {
        mode: stat.mode,
        uid: stat.uid,
        gid: stat.gid,
        size: i64::try_from(stat.size).unwrap_or(i64::MAX),
        atime: timespec(stat.atime),
        mtime: timespec(stat.mtime),
        ctime: timespec(stat.ctime),
    })
}

/// A call that a port cannot answer.
pub fn op(lwp: &Lwp, fd: i32, op: FileOp) -> Result<i64, Errno> {
    let one_byte = |transfer: &dyn Fn(usize) -> Result<usize, i32>| {
        let addr = lwp.alloc(1);
        let done = transfer(addr);
        lwp.unmap(addr, 1);
        done.map(|n| n as i64)
    };
    let done = match op {
        FileOp::Read => one_byte(&|addr| lwp.read(fd, addr, 1)),
        FileOp::Write => one_byte(&|addr| lwp.write(fd, addr, 1)),
        FileOp::Ioctl => lwp.ioctl(fd, FIONREAD, 0).map(i64::from),
        FileOp::Lseek => lwp.lseek(fd, 0, Whence::Set),
        FileOp::Lock => lwp.lock(fd).map(|()| 0),
        FileOp::Fstatvfs => lwp.fstatvfs(fd).map(|()| 0),
        FileOp::Syncfs => lwp.syncfs(fd).map(|()| 0),
    };
    done.map_err(Errno)
}

/// `poll(2)`.
pub fn poll(lwp: &Lwp, fds: &mut [PollFd], timeout: Option<u64>) -> Result<usize, Errno> {
    let mut list: Vec<user::PollFd> = fds
        .iter()
        .map(|f| user::PollFd::new(f.fd, f.events))
        .collect();
    let timeout = timeout.map(|ns| i64::try_from(ns).unwrap_or(i64::MAX));
    let count = lwp.poll(&mut list, timeout).map_err(Errno)?;
    for (to, from) in fds.iter_mut().zip(&list) {
        to.revents = from.revents;
    }
    Ok(count)
}
