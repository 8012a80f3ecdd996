//! The way into the kernel: a system call as the calling process's data model makes it.
//!
//! Mirrors syscall_asm_amd64.s and the amd64 syscall.c: arguments of a 32-bit caller are cut to 32
//! bits, the handler is called as its sysent flags say, and on the way out an error is taken from
//! lwp_errno, EINTR becomes EBADF when a descriptor in use was closed (S71), and pending signals
//! are taken. ERESTART never reaches a caller: libc turns it into EINTR (S12).
//!
//! Stricter than the kernel: a system call that returns with a mutex (rule `mutex-held`) or a
//! descriptor (rule `fd-refcnt`) still held is a panic.

use std::ffi::{c_int, c_short};
use std::sync::atomic::Ordering;

use bindings::*;

use crate::counter::{self, Counter};
use crate::curthread::curthread;
use crate::modctl;
use crate::proc::Proc;
use crate::{fio, signal, stack, thread};

/// Arguments of a system call; unused ones are 0.
pub type Args = [usize; 6];

/// A handler that takes its arguments as C arguments.
type Argc = unsafe extern "C" fn(usize, usize, usize, usize, usize, usize) -> i64;
/// A handler that takes a pointer to its arguments.
type Ap = unsafe extern "C" fn(*const usize, *mut rval_t) -> c_int;

/// Sets the errno of the running system call; answers it.
#[unsafe(no_mangle)]
pub extern "C" fn set_errno(errno: uint_t) -> uint_t {
    let t = curthread();
    fio::set_post_sys(t, true);
    // SAFETY: only the thread itself changes these; threads of the kernel have no lwp.
    unsafe {
        if !(*t).t_lwp.is_null() {
            (*(*t).t_lwp).lwp_errno = errno as c_int;
        }
    }
    errno
}

/// The data model of the calling process.
#[unsafe(no_mangle)]
pub extern "C" fn get_udatamodel() -> model_t {
    // SAFETY: every thread has a process, whose model does not change.
    unsafe { (*(*curthread()).t_procp).p_model }
}

/// Makes system call `num`. The answer is the word that libc sees in its registers: for a call of
/// two 32-bit results (SE_32RVAL2) or one 64-bit result (SE_64RVAL), r_val1 in the low half and
/// r_val2 in the high half.
///
/// # Errors
/// The errno: ENOSYS when there is no such system call.
pub fn syscall(num: i32, args: Args) -> Result<i64, i32> {
    let process = thread::current().process();
    let ilp32 = process.is_ilp32();
    let call = usize::try_from(num)
        .ok()
        .and_then(|num| modctl::lookup(num, ilp32));
    trap(num, || {
        let Some(call) = call else {
            set_errno(ENOSYS as uint_t);
            return 0;
        };
        let args = if ilp32 {
            args.map(|a| a & 0xffff_ffff)
        } else {
            args
        };
        let value = if call.flags & SE_ARGC != 0 {
            // SAFETY: SE_ARGC says so; passing more arguments than the handler has is harmless in
            // the calling convention.
            unsafe {
                let entry = std::mem::transmute::<*const std::ffi::c_void, Argc>(call.entry);
                entry(args[0], args[1], args[2], args[3], args[4], args[5])
            }
        } else {
            let mut rval = rval_t { r_vals: 0 };
            // SAFETY: without SE_ARGC a handler takes the argument vector and the result.
            unsafe {
                let entry = std::mem::transmute::<*const std::ffi::c_void, Ap>(call.entry);
                let error = entry(args.as_ptr(), &raw mut rval);
                if error != 0 {
                    set_errno(error as uint_t);
                }
                rval.r_vals
            }
        };
        match call.flags & SE_RVAL_MASK {
            SE_32RVAL1 => i64::from(value as i32),
            _ => value,
        }
    })
}

/// What unwinds the program of an lwp whose process exits.
pub(crate) struct Killed;

/// Ends the calling lwp if its process exits.
fn exit_if_killed(p: &Proc) {
    if p.flags().load(Ordering::Relaxed) & SEXITLWPS as uint_t != 0 {
        std::panic::resume_unwind(Box::new(Killed));
    }
}

/// Runs `body` as the inside of system call `num`: what comes before and after every handler.
///
/// # Errors
/// The errno that `body` set.
pub(crate) fn trap(num: i32, body: impl FnOnce() -> i64) -> Result<i64, i32> {
    let me = thread::current();
    let (t, lwp) = (me.kthread(), me.lwp());
    exit_if_killed(me.process());
    // A signal that came before the call was taken in user mode.
    signal::psig(me);
    counter::count(Counter::Syscall);
    me.process().syscalls.fetch_add(1, Ordering::Relaxed);
    // SAFETY: only the thread itself changes these words.
    unsafe {
        (*lwp).lwp_errno = 0;
        (*lwp).lwp_error = 0;
        (*lwp).lwp_state = LWP_SYS as _;
        (*t).t_sysnum = num as c_short;
    }
    let value = stack::measure(body);
    thread::assert_no_mutex("a system call returned");
    // SAFETY: as above; the thread is outside any getf, which clear_stale_fd verifies.
    unsafe {
        let mut error = (*lwp).lwp_errno;
        fio::set_post_sys(t, false);
        if error == EINTR && fio::is_stale(t) {
            error = EBADF;
        }
        if error == ERESTART {
            error = EINTR;
        }
        fio::clear_stale_fd();
        signal::psig(me);
        (*lwp).lwp_state = LWP_USER as _;
        (*t).t_sysnum = 0;
        exit_if_killed(me.process());
        if error == 0 { Ok(value) } else { Err(error) }
    }
}
