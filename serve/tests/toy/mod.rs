//! A [`System`] with one port, socket pairs and threads, so that the scenarios can be tried without a kernel.
//! Nothing else of a system is there.

mod port;
mod socket;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub use port::Fault;
use port::{Found, ToyPort};
use socket::Sockets;
use suite::{
    Caps, ChildBody, ChildHandle, Counters, Errno, Event, Faults, FileOp, Ksource, Model, PollFd,
    ProcessCfg, Protection, Rctl, Shutdown, Stat, System, ThreadBody, ThreadHandle, Timespec, op,
    poll, source,
};

const PORT: i32 = 3;
const PAGE: usize = 4096;

struct Machine {
    port: ToyPort,
    sockets: Sockets,
    memory: Mutex<BTreeMap<usize, Vec<u8>>>,
    next: AtomicUsize,
    boot: Instant,
}

/// The machine as one thread sees it.
#[derive(Clone)]
pub struct Toy {
    machine: Arc<Machine>,
    interrupted: Arc<AtomicBool>,
}

struct Started {
    toy: Toy,
    thread: Option<JoinHandle<()>>,
}

impl ThreadHandle for Started {
    fn signal(&self) -> Result<(), Errno> {
        self.toy.interrupted.store(true, SeqCst);
        self.toy.machine.port.kick();
        Ok(())
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("a thread of the scenario panicked");
        }
    }
}

impl Toy {
    /// A machine whose port has this fault.
    pub fn new(fault: Fault) -> Toy {
        let machine = Machine {
            port: ToyPort::new(fault),
            sockets: Sockets::default(),
            memory: Mutex::default(),
            next: AtomicUsize::new(PAGE),
            boot: Instant::now(),
        };
        Toy {
            machine: Arc::new(machine),
            interrupted: Arc::default(),
        }
    }

    fn access<R>(&self, addr: usize, len: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut memory = self.machine.memory.lock().unwrap();
        let (base, bytes) = memory.range_mut(..=addr).next_back().expect("user memory");
        f(&mut bytes[addr - base..addr - base + len])
    }

    fn write(&self, list: usize, events: &[Event]) {
        for (index, event) in events.iter().enumerate() {
            let mut bytes = [0; 24];
            bytes[..4].copy_from_slice(&event.events.to_ne_bytes());
            bytes[4..6].copy_from_slice(&event.source.to_ne_bytes());
            bytes[8..16].copy_from_slice(&event.object.to_ne_bytes());
            bytes[16..].copy_from_slice(&event.user.to_ne_bytes());
            self.poke(list + index * 24, &bytes);
        }
    }

    fn retrieve(&self, max: usize, n: usize, timeout: Option<Duration>) -> Result<Found, Errno> {
        let interrupted = || self.interrupted.swap(false, SeqCst);
        self.machine.port.retrieve(max, n, timeout, &interrupted)
    }

    fn getn(&self, [list, max, n, timeout]: [usize; 4]) -> Result<i64, Errno> {
        if max == 0 {
            return Ok(i64::from(self.machine.port.queued()));
        }
        let timeout = (timeout != 0).then(|| {
            let mut bytes = [0; 16];
            self.peek(timeout, &mut bytes);
            let word = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
            Duration::new(word(0), word(8) as u32)
        });
        let (events, errno) = match self.retrieve(max, n, timeout)? {
            Found::Events(events) => (events, 0),
            Found::Expired(events) => (events, Errno::ETIME.0),
        };
        self.write(list, &events);
        Ok(i64::from(errno) << 32 | events.len() as i64)
    }
}

impl suite::Objects for Toy {
    fn socketpair(&self) -> Result<(i32, i32), Errno> {
        Ok(self.machine.sockets.pair())
    }

    fn set_nonblocking(&self, fd: i32, on: bool) -> Result<(), Errno> {
        self.machine.sockets.set_nonblocking(fd, on)
    }

    fn read(&self, fd: i32, to: &mut [u8]) -> Result<usize, Errno> {
        self.machine.sockets.read(fd, to)
    }

    fn write(&self, fd: i32, from: &[u8]) -> Result<usize, Errno> {
        self.machine.sockets.write(fd, from, &self.machine.port)
    }

    fn shutdown(&self, fd: i32, how: Shutdown) -> Result<(), Errno> {
        self.machine.sockets.shutdown(fd, how, &self.machine.port)
    }
}

impl suite::Timers for Toy {}
impl suite::Aio for Toy {}

impl System for Toy {
    fn model(&self) -> Model {
        Model::Lp64
    }

    fn caps(&self) -> Caps {
        Caps::RCTL
    }

    fn pid(&self) -> i32 {
        1
    }

    fn ids(&self) -> (u32, u32) {
        (0, 0)
    }

    fn portfs(&self, opcode: i32, args: [usize; 5]) -> Result<i64, Errno> {
        let [_, a1, a2, a3, a4] = args;
        let (port, sockets) = (&self.machine.port, &self.machine.sockets);
        match opcode & 0xff {
            op::ASSOCIATE => {
                assert_eq!((a1, a3), (source::FD as usize, poll::IN as usize));
                sockets.associate(a2 as i32, a4 as u64, port).map(|()| 0)
            }
            op::DISSOCIATE => {
                assert_eq!(a1, source::FD as usize);
                sockets.dissociate(a2 as i32, port).map(|()| 0)
            }
            op::CREATE => Ok(i64::from(PORT)),
            op::SEND => port
                .send(Event::new(source::USER, a1 as i32, 0, a2 as u64))
                .map(|()| 0),
            op::ALERT => port.alert(a1 as i32, a2 as i32, a3 as u64).map(|()| 0),
            op::GETN => self.getn([a1, a2, a3, a4]),
            op::GET => match self.retrieve(1, 1, None)? {
                Found::Events(events) => {
                    self.write(a1, &events);
                    Ok(0)
                }
                Found::Expired(_) => Err(Errno::ETIME),
            },
            _ => Err(Errno::EINVAL),
        }
    }

    fn close(&self, fd: i32) -> Result<(), Errno> {
        if fd == PORT {
            self.machine.port.close();
            return Ok(());
        }
        self.machine.sockets.close(fd, &self.machine.port)
    }

    fn map(&self, len: usize) -> Result<usize, Errno> {
        let len = len.next_multiple_of(PAGE);
        let addr = self.machine.next.fetch_add(len + PAGE, SeqCst);
        self.machine
            .memory
            .lock()
            .unwrap()
            .insert(addr, vec![0; len]);
        Ok(addr)
    }

    fn unmap(&self, addr: usize, _: usize) -> Result<(), Errno> {
        self.machine.memory.lock().unwrap().remove(&addr);
        Ok(())
    }

    fn page(&self) -> usize {
        PAGE
    }

    fn peek(&self, addr: usize, to: &mut [u8]) {
        self.access(addr, to.len(), |from| to.copy_from_slice(from));
    }

    fn poke(&self, addr: usize, from: &[u8]) {
        self.access(addr, from.len(), |to| to.copy_from_slice(from));
    }

    fn spawn(&self, body: ThreadBody) -> Result<Box<dyn ThreadHandle>, Errno> {
        let toy = Toy {
            interrupted: Arc::default(),
            ..self.clone()
        };
        let inside = toy.clone();
        let thread = Some(thread::spawn(move || body(&inside)));
        Ok(Box::new(Started { toy, thread }))
    }

    fn pause(&self) {
        thread::yield_now();
    }

    fn sleep(&self, ns: u64) {
        thread::sleep(Duration::from_nanos(ns));
    }

    fn now(&self) -> u64 {
        self.machine.boot.elapsed().as_nanos() as u64
    }

    fn set_rctl(&self, rctl: Rctl, value: u64) -> Result<(), Errno> {
        assert_eq!(rctl, Rctl::ProcessMaxPortEvents);
        self.machine.port.set_limit(value as usize);
        Ok(())
    }

    fn ksource(&self) -> Option<&dyn Ksource> {
        None
    }

    fn counters(&self) -> Option<Counters> {
        None
    }

    fn faults(&self) -> Option<&dyn Faults> {
        None
    }

    fn settle(&self) {}

    fn dup(&self, _: i32) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    fn dup2(&self, _: i32, _: i32) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    fn open_null(&self) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    fn descriptor_flags(&self, _: i32) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    fn fstat(&self, _: i32) -> Result<Stat, Errno> {
        Err(Errno::ENOSYS)
    }

    fn file_op(&self, _: i32, _: FileOp) -> Result<i64, Errno> {
        Err(Errno::ENOSYS)
    }

    fn poll(&self, _: &mut [PollFd], _: Option<u64>) -> Result<usize, Errno> {
        Err(Errno::ENOSYS)
    }

    fn protect(&self, _: usize, _: usize, _: Protection) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    fn fork(&self, _: Model, _: ChildBody) -> Result<Box<dyn ChildHandle>, Errno> {
        Err(Errno::ENOSYS)
    }

    fn spawn_process(&self, _: ProcessCfg, _: ChildBody) -> Result<Box<dyn ChildHandle>, Errno> {
        Err(Errno::ENOSYS)
    }

    fn wall(&self) -> Timespec {
        Timespec { sec: 0, nsec: 0 }
    }

    fn step_wall_clock(&self, _: i64) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    fn ports_kstat(&self) -> Result<u32, Errno> {
        Err(Errno::ENOSYS)
    }
}
