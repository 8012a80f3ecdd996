//! Socket pairs and their associations, as far as the scenarios need them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard};

use suite::{Errno, Event, Shutdown, poll, source};

use super::port::{Fault, ToyPort};

/// First descriptor of a socket.
const FIRST: i32 = 10;

#[derive(Default)]
struct End {
    inbox: VecDeque<u8>,
    peer: i32,
    /// The peer sends nothing more.
    eof: bool,
    nonblocking: bool,
    /// User value of the association, while it is armed.
    armed: Option<u64>,
    /// Does an association have a slot of the port?
    slot: bool,
}

/// All sockets of the machine.
#[derive(Default)]
pub struct Sockets {
    ends: Mutex<BTreeMap<i32, End>>,
    news: Condvar,
}

/// Queues the event of a descriptor that is ready and armed.
fn fire(fd: i32, end: &mut End, port: &ToyPort) {
    if end.inbox.is_empty() && !end.eof {
        return;
    }
    if let Some(user) = end.armed.take() {
        let events = if end.eof {
            poll::IN | poll::HUP
        } else {
            poll::IN
        };
        port.deliver(Event::new(source::FD, events.into(), fd as u64, user));
    }
}

impl Sockets {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, End>> {
        self.ends.lock().unwrap()
    }

    pub fn pair(&self) -> (i32, i32) {
        let mut ends = self.lock();
        let mut free = (FIRST..).filter(|fd| !ends.contains_key(fd));
        let (one, other) = (free.next().unwrap(), free.next().unwrap());
        for (fd, peer) in [(one, other), (other, one)] {
            let end = End {
                peer,
                ..End::default()
            };
            ends.insert(fd, end);
        }
        (one, other)
    }

    pub fn set_nonblocking(&self, fd: i32, on: bool) -> Result<(), Errno> {
        self.lock().get_mut(&fd).ok_or(Errno::EBADF)?.nonblocking = on;
        Ok(())
    }

    pub fn read(&self, fd: i32, to: &mut [u8]) -> Result<usize, Errno> {
        let mut ends = self.lock();
        loop {
            let end = ends.get_mut(&fd).ok_or(Errno::EBADF)?;
            if !end.inbox.is_empty() || end.eof {
                let count = to.len().min(end.inbox.len());
                for (byte, from) in to.iter_mut().zip(end.inbox.drain(..count)) {
                    *byte = from;
                }
                return Ok(count);
            }
            if end.nonblocking {
                return Err(Errno::EAGAIN);
            }
            ends = self.news.wait(ends).unwrap();
        }
    }

    pub fn write(&self, fd: i32, from: &[u8], port: &ToyPort) -> Result<usize, Errno> {
        let mut ends = self.lock();
        let peer = ends.get(&fd).ok_or(Errno::EBADF)?.peer;
        let end = ends.get_mut(&peer).ok_or(Errno::EIO)?;
        end.inbox.extend(from);
        fire(peer, end, port);
        self.news.notify_all();
        Ok(from.len())
    }

    pub fn shutdown(&self, fd: i32, how: Shutdown, port: &ToyPort) -> Result<(), Errno> {
        assert_eq!(how, Shutdown::Write);
        let mut ends = self.lock();
        let peer = ends.get(&fd).ok_or(Errno::EBADF)?.peer;
        self.hang_up(&mut ends, peer, port);
        Ok(())
    }

    fn hang_up(&self, ends: &mut BTreeMap<i32, End>, fd: i32, port: &ToyPort) {
        if let Some(end) = ends.get_mut(&fd) {
            end.eof = true;
            if port.fault() != Fault::NoHangup {
                fire(fd, end, port);
            }
        }
        self.news.notify_all();
    }

    pub fn close(&self, fd: i32, port: &ToyPort) -> Result<(), Errno> {
        let mut ends = self.lock();
        let end = ends.remove(&fd).ok_or(Errno::EBADF)?;
        if port.fault() != Fault::KeepAtClose {
            port.forget(fd);
        }
        if end.slot && port.fault() != Fault::KeepSlots {
            port.release();
        }
        self.hang_up(&mut ends, end.peer, port);
        // The number may soon be another socket's.
        if let Some(peer) = ends.get_mut(&end.peer) {
            peer.peer = -1;
        }
        Ok(())
    }

    pub fn associate(&self, fd: i32, user: u64, port: &ToyPort) -> Result<(), Errno> {
        let mut ends = self.lock();
        let end = ends.get_mut(&fd).ok_or(Errno::EBADFD)?;
        port.forget(fd);
        if !end.slot {
            port.hold()?;
            end.slot = true;
        }
        end.armed = Some(user);
        if port.fault() != Fault::NoLevelCheck {
            fire(fd, end, port);
        }
        Ok(())
    }

    pub fn dissociate(&self, fd: i32, port: &ToyPort) -> Result<(), Errno> {
        let mut ends = self.lock();
        let end = ends.get_mut(&fd).ok_or(Errno::EBADFD)?;
        let armed = end.armed.take().is_some();
        if std::mem::take(&mut end.slot) {
            port.release();
        }
        if armed || port.forget(fd) {
            Ok(())
        } else {
            Err(Errno::ENOENT)
        }
    }
}
