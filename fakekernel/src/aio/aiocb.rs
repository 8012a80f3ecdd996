//! Control blocks (`aiocb_t`) and what they lead to, in user memory, in the program's form.

use std::ffi::c_int;

use bindings::{EFAULT, SIGEV_PORT, SIGEV_THREAD, copyin};

/// How a program lays out its control blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `aiocb_t` of a 64-bit program.
    Lp64,
    /// `aiocb32_t` of a 32-bit program.
    Ilp32,
    /// `aiocb64_32_t`: a 32-bit program with 64-bit offsets.
    Large,
}

/// Where the members of a control block are.
struct Layout {
    size: usize,
    buf: usize,
    nbytes: usize,
    offset: usize,
    sigevent: usize,
    opcode: usize,
    result: usize,
}

/// Bytes of the largest control block.
const LARGEST: usize = 112;

impl Form {
    fn layout(self) -> Layout {
        match self {
            Form::Lp64 => Layout {
                size: LARGEST,
                buf: 8,
                nbytes: 16,
                offset: 24,
                sigevent: 40,
                opcode: 80,
                result: 88,
            },
            Form::Ilp32 => Layout {
                size: 64,
                buf: 4,
                nbytes: 8,
                offset: 12,
                sigevent: 20,
                opcode: 44,
                result: 48,
            },
            Form::Large => Layout {
                size: 68,
                buf: 4,
                nbytes: 8,
                offset: 12,
                sigevent: 24,
                opcode: 48,
                result: 52,
            },
        }
    }

    /// Bytes of a pointer.
    pub(super) fn pointer(self) -> usize {
        match self {
            Form::Lp64 => 8,
            Form::Ilp32 | Form::Large => 4,
        }
    }

    /// Address of the result in the control block at `cb`.
    pub(super) fn result_at(self, cb: usize) -> usize {
        cb + self.layout().result
    }
}

/// A control block as the program filled it.
pub(super) struct Aiocb {
    pub(super) fildes: c_int,
    pub(super) buf: usize,
    pub(super) nbytes: usize,
    pub(super) offset: i64,
    pub(super) sigevent: Sigevent,
    pub(super) opcode: c_int,
}

impl Aiocb {
    /// Reads the control block at `cb`.
    ///
    /// # Errors
    /// EFAULT.
    pub(super) fn read(form: Form, cb: usize) -> Result<Aiocb, c_int> {
        let at = form.layout();
        let mut bytes = [0; LARGEST];
        fetch(cb, &mut bytes[..at.size])?;
        let word = |offset| word(&bytes, offset, form.pointer());
        Ok(Aiocb {
            fildes: int(&bytes, 0),
            buf: word(at.buf),
            nbytes: word(at.nbytes),
            offset: match form {
                Form::Ilp32 => word(at.offset) as i64,
                Form::Lp64 | Form::Large => crate::aio::aiocb::word(&bytes, at.offset, 8) as i64,
            },
            sigevent: Sigevent::decode(form, &bytes[at.sigevent..]),
            opcode: int(&bytes, at.opcode),
        })
    }
}

/// How completion is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sigevent {
    pub(super) notify: c_int,
    pub(super) signo: c_int,
    value: usize,
}

/// A port to be told, and the cookie to tell it.
#[derive(Clone, Copy, Debug)]
pub(super) struct PortNotify {
    pub(super) port: c_int,
    pub(super) user: usize,
}

impl Sigevent {
    fn decode(form: Form, bytes: &[u8]) -> Sigevent {
        Sigevent {
            notify: int(bytes, 0),
            signo: int(bytes, 4),
            value: word(bytes, 8, form.pointer()),
        }
    }

    /// Reads the structure at `addr`.
    ///
    /// # Errors
    /// EFAULT.
    pub(super) fn read(form: Form, addr: usize) -> Result<Sigevent, c_int> {
        let mut bytes = [0; 40];
        let size = if form == Form::Lp64 { 40 } else { 24 };
        fetch(addr, &mut bytes[..size])?;
        Ok(Sigevent::decode(form, &bytes))
    }

    /// Whether a port is told.
    pub(super) fn uses_port(self) -> bool {
        matches!(self.notify, SIGEV_PORT | SIGEV_THREAD)
    }

    /// The port that is told, if any: libc turns SIGEV_THREAD into a port of its own, whose
    /// descriptor is in the place of the signal number.
    ///
    /// # Errors
    /// EFAULT (the `port_notify_t` of SIGEV_PORT cannot be read).
    pub(super) fn port(self, form: Form) -> Result<Option<PortNotify>, c_int> {
        match self.notify {
            SIGEV_THREAD => Ok(Some(PortNotify {
                port: self.signo,
                user: self.value,
            })),
            SIGEV_PORT => {
                let mut bytes = [0; 16];
                let pointer = form.pointer();
                fetch(self.value, &mut bytes[..2 * pointer])?;
                Ok(Some(PortNotify {
                    port: int(&bytes, 0),
                    user: word(&bytes, pointer, pointer),
                }))
            }
            _ => Ok(None),
        }
    }
}

/// Reads the `count` pointers at `addr`.
///
/// # Errors
/// EFAULT.
pub(super) fn read_pointers(form: Form, addr: usize, count: usize) -> Result<Vec<usize>, c_int> {
    let size = form.pointer();
    let mut bytes = vec![0; count * size];
    fetch(addr, &mut bytes)?;
    Ok((0..count).map(|i| word(&bytes, i * size, size)).collect())
}

fn fetch(addr: usize, to: &mut [u8]) -> Result<(), c_int> {
    // SAFETY: a user address and a buffer of that length; the caller holds no lock.
    let failed = unsafe { copyin(addr as *const _, to.as_mut_ptr().cast(), to.len()) } != 0;
    if failed { Err(EFAULT) } else { Ok(()) }
}

fn int(bytes: &[u8], at: usize) -> c_int {
    word(bytes, at, 4) as c_int
}

/// The unsigned number of `size` bytes at `at`.
fn word(bytes: &[u8], at: usize, size: usize) -> usize {
    let mut number = [0; 8];
    number[..size].copy_from_slice(&bytes[at..at + size]);
    usize::from_ne_bytes(number)
}
