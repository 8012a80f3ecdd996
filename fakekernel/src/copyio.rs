//! copyin and copyout.
//!
//! Mirrors `ml/copy.S`: 0, or -1 when any byte of the user range is bad; bytes
//! before the first bad one are copied. Stricter than the kernel: a copy may
//! sleep, so `sleep-interrupt` and `sleep-nosleep` apply, and with
//! `Strict::copyio_mutex` no mutex at all may be held (`copyio-mutex`), since a
//! page of the caller's choice may take for ever to come.
//! Faults: [`Fault::Copyin`], [`Fault::Copyout`], which copy as many bytes as
//! their argument says and then fail.

use std::ffi::{c_int, c_void};

use crate::counter::{self, Counter};
use crate::fault::{self, Fault};
use crate::panic::{kernel_panic, symbol};
use crate::site::{self, Frame, entry};
use crate::sync::describe_mutex;
use crate::{kernel, sched, thread};

fn begin(name: &str, caller: usize) {
    thread::assert_may_sleep(name, caller);
    let thread = thread::current();
    if kernel::config().strict.copyio_mutex
        && let Some(held) = thread.held.iter().next()
    {
        let (lock, since, at) = (
            describe_mutex(held.addr),
            symbol(held.caller),
            symbol(caller),
        );
        let text = format!("{name} at {at} while mutex {lock} is held, entered at {since}");
        kernel_panic("copyio-mutex", &text);
    }
    sched::get().point();
}

fn finish(copied: usize, n: usize, bytes: Counter) -> c_int {
    counter::count_n(bytes, copied as u64);
    if copied == n {
        return 0;
    }
    counter::count(Counter::CopyFault);
    -1
}

/// Bytes that an armed fault lets through; none of the calls with 0 bytes.
fn limit(place: Fault, n: usize) -> usize {
    match fault::fires(place) {
        Some(arg) => usize::try_from(arg).unwrap_or(n).min(n.saturating_sub(1)),
        None => n,
    }
}

entry! {
    /// Copies `n` bytes from user memory.
    fn copyin(uaddr: *const c_void, kaddr: *mut c_void, n: usize) -> c_int = copyin_entry, "rcx"
}

unsafe extern "C" fn copyin_entry(
    uaddr: *const c_void,
    kaddr: *mut c_void,
    n: usize,
    frame: Frame,
) -> c_int {
    begin("copyin", site::enter(frame));
    counter::count(Counter::Copyin);
    let space = thread::current().process().aspace();
    let limit = limit(Fault::Copyin, n);
    finish(
        space.copy_in(uaddr as usize, kaddr.cast(), n, limit),
        n,
        Counter::CopyinBytes,
    )
}

entry! {
    /// Copies `n` bytes to user memory.
    fn copyout(kaddr: *const c_void, uaddr: *mut c_void, n: usize) -> c_int = copyout_entry, "rcx"
}

unsafe extern "C" fn copyout_entry(
    kaddr: *const c_void,
    uaddr: *mut c_void,
    n: usize,
    frame: Frame,
) -> c_int {
    begin("copyout", site::enter(frame));
    counter::count(Counter::Copyout);
    let space = thread::current().process().aspace();
    let limit = limit(Fault::Copyout, n);
    finish(
        space.copy_out(kaddr.cast(), uaddr as usize, n, limit),
        n,
        Counter::CopyoutBytes,
    )
}
