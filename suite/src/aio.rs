//! [`Request`]: a control block of asynchronous I/O in user memory, and the calls of libc on it.

use alloc::vec;
use alloc::vec::Vec;

use crate::{Errno, Model, System, UserBuf, kaio, sigev};

/// `EINPROGRESS`: what libc stores as errno before it submits.
const IN_PROGRESS: i32 = Errno::EINPROGRESS.0;

/// How a program lays out its control blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `aiocb_t` of a 64-bit program.
    Lp64,
    /// `aiocb_t` of a 32-bit program.
    Ilp32,
    /// `aiocb64_t` of a 32-bit program: `aio_read64` and its kin.
    Large,
}

/// Offsets of members of a control block.
struct Layout {
    size: usize,
    buf: usize,
    nbytes: usize,
    offset: usize,
    sigevent: usize,
    opcode: usize,
    result: usize,
}

const LP64: Layout = Layout {
    size: 112,
    buf: 8,
    nbytes: 16,
    offset: 24,
    sigevent: 40,
    opcode: 80,
    result: 88,
};
const ILP32: Layout = Layout {
    size: 64,
    buf: 4,
    nbytes: 8,
    offset: 12,
    sigevent: 20,
    opcode: 44,
    result: 48,
};
const LARGE: Layout = Layout {
    size: 68,
    buf: 4,
    nbytes: 8,
    offset: 12,
    sigevent: 24,
    opcode: 48,
    result: 52,
};

impl Form {
    fn layout(self) -> Layout {
        match self {
            Form::Lp64 => LP64,
            Form::Ilp32 => ILP32,
            Form::Large => LARGE,
        }
    }
}

/// Writes numbers of the sizes that a data model has.
struct Writer {
    bytes: Vec<u8>,
    pointer: usize,
}

impl Writer {
    fn new(model: Model, size: usize) -> Writer {
        Writer {
            bytes: vec![0; size],
            pointer: model.pointer(),
        }
    }

    fn int(&mut self, at: usize, value: i32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }

    fn word(&mut self, at: usize, value: usize) {
        let bytes = value.to_ne_bytes();
        self.bytes[at..at + self.pointer].copy_from_slice(&bytes[..self.pointer]);
    }
}

/// How completion is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// Not at all: `SIGEV_NONE`.
    None,
    /// By an event of this port with this cookie: `SIGEV_PORT`.
    Port(i32, usize),
    /// As libc asks for `SIGEV_THREAD`: an event of its private port.
    Thread(i32, usize),
    /// By an event of the port whose `port_notify_t` is at this address: `SIGEV_PORT`.
    At(usize),
}

impl Notify {
    /// Bytes of `struct sigevent`.
    fn size(model: Model) -> usize {
        match model {
            Model::Lp64 => 40,
            Model::Ilp32 => 24,
        }
    }

    /// Writes the sigevent at offset `at` and the `port_notify_t`, which will be at address
    /// `notify`, at offset 0.
    fn encode(self, to: &mut Writer, at: usize, notify: usize) {
        match self {
            Notify::None => to.int(at, sigev::NONE),
            Notify::Port(port, user) => {
                to.int(0, port);
                to.word(to.pointer, user);
                to.int(at, sigev::PORT);
                to.word(at + 8, notify);
            }
            Notify::Thread(port, user) => {
                to.int(at, sigev::THREAD);
                to.int(at + 4, port);
                to.word(at + 8, user);
            }
            Notify::At(addr) => {
                to.int(at, sigev::PORT);
                to.word(at + 8, addr);
            }
        }
    }
}

/// A control block, its `port_notify_t` and its buffer.
pub struct Request<'s> {
    sys: &'s dyn System,
    form: Form,
    fd: i32,
    offset: i64,
    buffer: (usize, usize),
    notify: Notify,
    opcode: i32,
    memory: UserBuf<'s>,
    data: UserBuf<'s>,
}

impl<'s> Request<'s> {
    /// A request for the first `len` bytes of file `fd`, without notification.
    pub fn new(sys: &'s dyn System, fd: i32, len: usize) -> Result<Request<'s>, Errno> {
        let form = match sys.model() {
            Model::Lp64 => Form::Lp64,
            Model::Ilp32 => Form::Ilp32,
        };
        Request::of(sys, form, fd, len)
    }

    /// The same as a 32-bit program with 64-bit offsets makes it.
    pub fn large(sys: &'s dyn System, fd: i32, len: usize) -> Result<Request<'s>, Errno> {
        Request::of(sys, Form::Large, fd, len)
    }

    fn of(sys: &'s dyn System, form: Form, fd: i32, len: usize) -> Result<Request<'s>, Errno> {
        let data = UserBuf::new(sys, len.max(1))?;
        let memory = UserBuf::new(sys, notify_size(sys.model()) + form.layout().size)?;
        let request = Request {
            sys,
            form,
            fd,
            offset: 0,
            buffer: (data.addr(), len),
            notify: Notify::None,
            opcode: 0,
            memory,
            data,
        };
        request.store();
        Ok(request)
    }

    /// From this offset of the file.
    #[must_use = "the request is handed on"]
    pub fn at(mut self, offset: i64) -> Request<'s> {
        self.offset = offset;
        self.store();
        self
    }

    /// To or from another place in memory.
    #[must_use = "the request is handed on"]
    pub fn buffer(mut self, addr: usize, len: usize) -> Request<'s> {
        self.buffer = (addr, len);
        self.store();
        self
    }

    /// With a notification.
    #[must_use = "the request is handed on"]
    pub fn notify(mut self, notify: Notify) -> Request<'s> {
        self.notify = notify;
        self.store();
        self
    }

    /// As an entry of a list: `kaio::AREAD` or `kaio::AWRITE`; anything else is skipped there.
    #[must_use = "the request is handed on"]
    pub fn listed(mut self, opcode: i32) -> Request<'s> {
        self.opcode = match opcode {
            kaio::AREAD => 1,
            kaio::AWRITE => 2,
            _ => 0,
        };
        self.store();
        self
    }

    /// Fills the control block in, with the result that libc presets.
    fn store(&self) {
        let at = self.form.layout();
        let base = notify_size(self.sys.model());
        let mut to = Writer::new(self.sys.model(), self.memory.len());
        to.int(base, self.fd);
        to.word(base + at.buf, self.buffer.0);
        to.word(base + at.nbytes, self.buffer.1);
        let offset = self.offset.to_ne_bytes();
        let width = if self.form == Form::Ilp32 { 4 } else { 8 };
        to.bytes[base + at.offset..base + at.offset + width].copy_from_slice(&offset[..width]);
        self.notify
            .encode(&mut to, base + at.sigevent, self.memory.addr());
        to.int(base + at.opcode, self.opcode);
        to.int(base + at.result + self.sys.model().pointer(), IN_PROGRESS);
        self.memory.write(&to.bytes);
    }

    /// Address of the control block: the object of its events.
    pub fn addr(&self) -> usize {
        self.memory.addr() + notify_size(self.sys.model())
    }

    /// Writes at the start of the buffer.
    pub fn fill(&self, bytes: &[u8]) {
        self.data.write(bytes);
    }

    /// The content of the buffer.
    pub fn data(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.data.len()];
        self.data.read_at(0, &mut bytes);
        bytes
    }

    /// The events that completion reports for `opcode` (`kaio::AREAD` or `kaio::AWRITE`).
    pub fn events(&self, opcode: i32) -> i32 {
        match (self.form, opcode) {
            (Form::Large, kaio::AREAD) => kaio::AREAD64,
            (Form::Large, kaio::AWRITE) => kaio::AWRITE64,
            _ => opcode,
        }
    }

    /// Submits the request to the kernel with `kaio::AREAD` or `kaio::AWRITE`.
    pub fn submit(&self, opcode: i32) -> Result<(), Errno> {
        self.store();
        let args = [self.addr(), 0, 0, 0, 0];
        self.sys.kaio(self.events(opcode), args).map(drop)
    }

    /// `aio_read(3C)`, kernel part.
    pub fn read(&self) -> Result<(), Errno> {
        self.submit(kaio::AREAD)
    }

    /// `aio_write(3C)`, kernel part.
    pub fn write(&self) -> Result<(), Errno> {
        self.submit(kaio::AWRITE)
    }

    /// The system call behind `aio_error(3C)`: has the result of a request without a port stored.
    pub fn error(&self) -> Result<(), Errno> {
        let opcode = match self.form {
            Form::Large => kaio::ERROR64,
            _ => kaio::ERROR,
        };
        let args = [self.addr(), 0, 0, 0, 0];
        self.sys.kaio(opcode, args).map(drop)
    }

    /// `aio_cancel(3C)`: one of [`crate::cancel`].
    pub fn cancel(&self) -> Result<i64, Errno> {
        let opcode = match self.form {
            Form::Large => kaio::CANCEL64,
            _ => kaio::CANCEL,
        };
        let args = [self.fd as usize, self.addr(), 0, 0, 0];
        self.sys.kaio(opcode, args)
    }

    /// The result: `None` while it is in progress, else what `aio_return` and `aio_error` answer.
    pub fn result(&self) -> Option<Result<i64, Errno>> {
        let model = self.sys.model();
        let at = notify_size(model) + self.form.layout().result;
        let mut bytes = [0; 12];
        let size = model.pointer();
        self.memory.read_at(at, &mut bytes[..size + 4]);
        let int = |at: usize| {
            i32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        match int(size) {
            IN_PROGRESS => None,
            0 if size == 8 => Some(Ok(i64::from(int(0) as u32) | i64::from(int(4)) << 32)),
            0 => Some(Ok(i64::from(int(0)))),
            errno => Some(Err(Errno(errno))),
        }
    }

    /// Address of the result.
    pub fn result_addr(&self) -> usize {
        self.addr() + self.form.layout().result
    }

    /// Address and length of the buffer.
    pub fn span(&self) -> (usize, usize) {
        self.buffer
    }
}

/// Stores a result at [`Request::result_addr`] as libc's own threads do: the return value first.
pub fn store_result(sys: &dyn System, at: usize, result: Result<i64, Errno>) {
    let (value, errno) = match result {
        Ok(value) => (value, 0),
        Err(errno) => (-1, errno.0),
    };
    let size = sys.model().pointer();
    sys.poke(at, &value.to_ne_bytes()[..size]);
    sys.poke(at + size, &errno.to_ne_bytes());
}

/// Room for a `port_notify_t`.
fn notify_size(model: Model) -> usize {
    2 * model.pointer()
}

/// `AIOINIT`: what libc does before the first request of a process.
pub fn init(sys: &dyn System) -> Result<(), Errno> {
    sys.kaio(kaio::INIT, [0; 5]).map(drop)
}

/// The notification of a whole list, in user memory.
pub struct ListNotify<'s> {
    memory: UserBuf<'s>,
    at: usize,
}

impl<'s> ListNotify<'s> {
    /// Puts it there.
    pub fn new(sys: &'s dyn System, notify: Notify) -> Result<ListNotify<'s>, Errno> {
        let model = sys.model();
        let at = notify_size(model);
        let memory = UserBuf::new(sys, at + Notify::size(model))?;
        let mut to = Writer::new(model, memory.len());
        notify.encode(&mut to, at, memory.addr());
        memory.write(&to.bytes);
        Ok(ListNotify { memory, at })
    }

    /// Address of the `struct sigevent`: the object of the list's event.
    pub fn addr(&self) -> usize {
        self.memory.addr() + self.at
    }
}

/// `lio_listio(3C)`, kernel part, of requests of one form. `wait` stands for `LIO_WAIT`.
pub fn submit_list(
    sys: &dyn System,
    wait: bool,
    requests: &[&Request<'_>],
    notify: Option<&ListNotify<'_>>,
) -> Result<(), Errno> {
    let size = sys.model().pointer();
    let list = UserBuf::new(sys, requests.len().max(1) * size)?;
    let mut to = Writer::new(sys.model(), list.len());
    for (at, request) in requests.iter().enumerate() {
        request.store();
        to.word(at * size, request.addr());
    }
    list.write(&to.bytes);
    let opcode = match requests.first() {
        Some(first) if first.form == Form::Large => kaio::LIO64,
        _ => kaio::LIO,
    };
    let sigevent = notify.map_or(0, ListNotify::addr);
    let args = [usize::from(wait), list.addr(), requests.len(), sigevent, 0];
    sys.kaio(opcode, args).map(drop)
}
