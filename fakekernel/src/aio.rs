//! Kernel asynchronous I/O: the system call.
//!
//! Mirrors aio.c as far as event ports are concerned: POSIX requests (AIOAREAD, AIOAWRITE) and
//! lists of them (AIOLIO) with SIGEV_NONE, SIGEV_SIGNAL, SIGEV_PORT and SIGEV_THREAD, their results
//! (AIOERROR) and AIOCANCEL, for 64-bit programs, 32-bit programs, and 32-bit programs with large
//! files (the opcodes ending in 64). What stays out answers EINVAL: the old Solaris calls (AIOREAD,
//! AIOWRITE, AIOWAIT, AIOWAITN, AIONOTIFY), AIOSUSPEND, AIOLIOWAIT, AIOSTART.
//!
//! Only raw devices (`rawdev`) have asynchronous I/O, as in the kernel. What happens to a
//! request after its submission is in [`crate::aio_subr`].

mod aiocb;
pub(crate) mod list;
pub(crate) mod request;
pub(crate) mod result;
mod rw;

use std::ffi::{c_int, c_long};
use std::ptr;

use bindings::*;

use crate::curthread::curproc;
use crate::modctl;
use crate::syscall::set_errno;

use aiocb::Form;

/// Number of the system call.
const SYS_KAIO: usize = 178;

/// Answers of AIOCANCEL.
const AIO_ALLDONE: i64 = 1;
const AIO_NOTCANCELED: i64 = 2;

/// Makes the system call known; once, while booting.
pub(crate) fn init() {
    modctl::set_native(SYS_KAIO, SE_64RVAL | SE_ARGC, kaioc as *const _, false);
    modctl::set_native(SYS_KAIO, SE_64RVAL, kaio as *const _, true);
}

/// The system call of 64-bit programs.
unsafe extern "C" fn kaioc(
    a0: c_long,
    a1: c_long,
    a2: c_long,
    a3: c_long,
    a4: c_long,
    _a5: c_long,
) -> i64 {
    let opcode = a0 as c_int & !AIO_POLL_BIT;
    let form = Form::Lp64;
    // SAFETY: called by a thread of a process, with whatever the program passed.
    let answer = unsafe {
        match opcode {
            AIOAREAD | AIOAWRITE | AIOLIO | AIOERROR | AIOCANCEL | AIOINIT => dispatch(
                opcode,
                form,
                [a1 as usize, a2 as usize, a3 as usize, a4 as usize],
            ),
            _ => Err(EINVAL),
        }
    };
    answer.unwrap_or_else(|errno| i64::from(set_errno(errno as uint_t)))
}

/// The system call of 32-bit programs.
unsafe extern "C" fn kaio(uap: *const usize, rvp: *mut rval_t) -> c_int {
    // SAFETY: the caller passes its arguments, of which there are at least five, and room for the
    // answer; a thread of a process calls.
    unsafe {
        (*rvp).r_vals = 0;
        let args = [*uap.add(1), *uap.add(2), *uap.add(3), *uap.add(4)];
        let (opcode, form) = match *uap as c_int & !AIO_POLL_BIT {
            AIOAREAD64 => (AIOAREAD, Form::Large),
            AIOAWRITE64 => (AIOAWRITE, Form::Large),
            AIOLIO64 => (AIOLIO, Form::Large),
            AIOERROR64 => (AIOERROR, Form::Large),
            AIOCANCEL64 => (AIOCANCEL, Form::Large),
            opcode => (opcode, Form::Ilp32),
        };
        match dispatch(opcode, form, args) {
            Ok(value) => {
                (*rvp).r_vals = value;
                0
            }
            Err(errno) => errno,
        }
    }
}

/// What the opcode asks for, with the arguments behind it.
///
/// # Safety
/// Called by a thread of a process.
unsafe fn dispatch(opcode: c_int, form: Form, args: [usize; 4]) -> Result<i64, c_int> {
    // SAFETY: as the contract says; addresses are only used through copyin and its kin.
    unsafe {
        if opcode == AIOINIT {
            return aioinit();
        }
        let aiop = (*curproc()).p_aio;
        match opcode {
            AIOAREAD => rw::aiorw(aiop, form, args[0], FREAD),
            AIOAWRITE => rw::aiorw(aiop, form, args[0], FWRITE),
            AIOLIO => list::alio(
                aiop,
                form,
                args[0] as c_int,
                args[1],
                args[2] as c_int,
                args[3],
            ),
            AIOERROR => result::aioerror(aiop, form, args[0]),
            AIOCANCEL => aio_cancel(aiop, form, args[0] as c_int, args[1]),
            _ => Err(EINVAL),
        }
    }
}

/// Gives the process its aio_t.
///
/// # Safety
/// Called by a thread of a process.
unsafe fn aioinit() -> Result<i64, c_int> {
    // SAFETY: p_aio changes under p_lock; the aio_t is fresh.
    unsafe {
        let p = curproc();
        let lock = &raw mut (*(*p).p_lockp).pl_lock;
        mutex_enter(lock);
        if (*p).p_aio.is_null() {
            let aiop: *mut aio_t = kmem_zalloc(size_of::<aio_t>(), KM_NOSLEEP).cast();
            if !aiop.is_null() {
                for mutex in [
                    &raw mut (*aiop).aio_mutex,
                    &raw mut (*aiop).aio_cleanupq_mutex,
                    &raw mut (*aiop).aio_portq_mutex,
                ] {
                    mutex_init(mutex, ptr::null_mut(), MUTEX_DEFAULT, ptr::null_mut());
                }
            }
            (*p).p_aio = aiop;
        }
        let made = !(*p).p_aio.is_null();
        mutex_exit(lock);
        if made { Ok(0) } else { Err(ENOMEM) }
    }
}

/// aio_cancel(3C): nothing is ever cancelled, the answer tells whether something is pending: the
/// request at `cb`, or any of the descriptor when `cb` is 0.
///
/// # Safety
/// Called by a thread of the process that `aiop` (or NULL) belongs to.
unsafe fn aio_cancel(aiop: *mut aio_t, form: Form, fildes: c_int, cb: usize) -> Result<i64, c_int> {
    // SAFETY: the aio_t lives until its last thread exits; the table of requests is locked.
    unsafe {
        if getf(fildes).is_null() {
            return Err(EBADF);
        }
        releasef(fildes);
        if aiop.is_null() {
            return Err(EINVAL);
        }
        mutex_enter(&raw mut (*aiop).aio_mutex);
        let pending = if cb == 0 {
            request::any_pending(aiop, fildes)
        } else {
            let found = request::hash_find(aiop, form.result_at(cb));
            !found.is_null() && (*found).aio_req_flags & AIO_PENDING != 0
        };
        mutex_exit(&raw mut (*aiop).aio_mutex);
        Ok(if pending {
            AIO_NOTCANCELED
        } else {
            AIO_ALLDONE
        })
    }
}
