//! timer_create(3C).

use std::ffi::c_int;
use std::ptr;

use bindings::*;

use super::{
    TIMER_MAX, cache, p_lock, timer_close_port, timer_delete_grabbed, timer_fire,
    timer_port_callback, timer_release, timer_signal,
};
use crate::clock_backend::clock_get_backend;
use crate::curthread::{curproc, curthread};
use crate::syscall::{get_udatamodel, set_errno};

/// Bytes of a `struct sigevent` that old programs have: all of it that is read.
const OLD_SIGEVENT: usize = 24;
/// The same of a 32-bit program.
const OLD_SIGEVENT32: usize = 12;

/// How a timer notifies, as the program asked for it.
struct Notify {
    how: c_int,
    signo: c_int,
    /// Where and with which cookie, for `SIGEV_PORT` and `SIGEV_THREAD`.
    port: Option<port_notify_t>,
    value: sigval,
}

/// Copies a value in; None where it faults.
///
/// # Safety
/// All-zero bytes, and any bytes that a program may have there, are a `T`.
unsafe fn get<T>(addr: usize, len: usize) -> Option<T> {
    // SAFETY: the caller vouches for the type; `len` is at most its size.
    unsafe {
        let mut value: T = std::mem::zeroed();
        let error = copyin(addr as *const _, (&raw mut value).cast(), len);
        (error == 0).then_some(value)
    }
}

/// Reads the program's `struct sigevent` and what it leads to.
///
/// # Errors
/// EFAULT, EINVAL.
fn notify(evp: usize) -> Result<Notify, c_int> {
    let native = get_udatamodel() == DATAMODEL_NATIVE as model_t;
    // SAFETY: integers and pointers that are only used as numbers.
    unsafe {
        let (how, signo, value) = if native {
            let ev: sigevent = get(evp, OLD_SIGEVENT).ok_or(EFAULT)?;
            (ev.sigev_notify, ev.sigev_signo, ev.sigev_value)
        } else {
            let ev: sigevent32 = get(evp, OLD_SIGEVENT32).ok_or(EFAULT)?;
            let value = sigval {
                sival_ptr: ev.sigev_value.sival_ptr as usize as *mut _,
            };
            (ev.sigev_notify, ev.sigev_signo, value)
        };
        let port = match how {
            SIGEV_PORT | SIGEV_THREAD if native => {
                let addr = value.sival_ptr as usize;
                Some(get::<port_notify_t>(addr, size_of::<port_notify_t>()).ok_or(EFAULT)?)
            }
            SIGEV_PORT | SIGEV_THREAD => {
                let addr = value.sival_ptr as usize;
                let notify: port_notify32_t =
                    get(addr, size_of::<port_notify32_t>()).ok_or(EFAULT)?;
                Some(port_notify_t {
                    portnfy_port: notify.portnfy_port,
                    portnfy_user: notify.portnfy_user as usize as *mut _,
                })
            }
            SIGEV_NONE => None,
            SIGEV_SIGNAL if (1..NSIG).contains(&signo) => None,
            _ => return Err(EINVAL),
        };
        Ok(Notify {
            how,
            signo,
            port,
            value,
        })
    }
}

/// Makes room for `size` timers, without `p_lock`.
fn allocate(size: uint_t) -> *mut *mut itimer_t {
    // SAFETY: KM_SLEEP does not fail.
    unsafe { kmem_zalloc(size as usize * size_of::<*mut itimer_t>(), KM_SLEEP).cast() }
}

/// Gives room back.
///
/// # Safety
/// `table` is of that size and not used any more.
unsafe fn release(table: *mut *mut itimer_t, size: uint_t) {
    // SAFETY: as `allocate` made it.
    unsafe { kmem_free(table.cast(), size as usize * size_of::<*mut itimer_t>()) };
}

/// A free place in `p_itimer`, which doubles when it is full; None at the limit.
///
/// # Safety
/// The caller holds `p_lock` of the calling process `p`, which is dropped on the way.
unsafe fn timer_get_id(p: *mut proc_t) -> Option<timer_t> {
    // SAFETY: p_lock guards the table.
    unsafe {
        let lock = p_lock(p);
        loop {
            let size = (*p).p_itimer_sz;
            let free = (0..size).find(|&at| (*(*p).p_itimer.add(at as usize)).is_null());
            if let Some(at) = free {
                return Some(at as timer_t);
            }
            let target = match size {
                0 => _TIMER_ALLOC_INIT as uint_t,
                _ => size * 2,
            };
            if target > TIMER_MAX {
                return None;
            }
            mutex_exit(lock);
            let table = allocate(target);
            mutex_enter(lock);
            if (*p).p_itimer_sz >= target {
                // Another lwp was faster.
                release(table, target);
                continue;
            }
            let old = (*p).p_itimer;
            let size = (*p).p_itimer_sz;
            if !old.is_null() {
                ptr::copy_nonoverlapping(old, table, size as usize);
                release(old, size);
            }
            (*p).p_itimer = table;
            (*p).p_itimer_sz = target;
            return Some(size as timer_t);
        }
    }
}

/// Makes the new timer a source of the port and allocates its event, in the order and with the
/// lock (D12) of the kernel.
///
/// # Safety
/// `it` is the caller's new timer; the caller holds `p_lock`.
unsafe fn associate(it: *mut itimer_t, tid: timer_t, notify: port_notify_t) -> Result<(), c_int> {
    let port = notify.portnfy_port;
    let mut portsrc = ptr::null_mut();
    let mut pkevp = ptr::null_mut();
    // SAFETY: the timer outlives its event, and the source has no use for its argument.
    unsafe {
        (*it).it_flags |= IT_PORT as ushort_t;
        let error = port_associate_ksource(
            port,
            PORT_SOURCE_TIMER,
            &raw mut portsrc,
            Some(timer_close_port),
            it.cast(),
            None,
        );
        if error != 0 {
            return Err(error);
        }
        (*it).it_portsrc = portsrc.cast();
        let error = port_alloc_event(port, PORT_ALLOC_SCACHED, PORT_SOURCE_TIMER, &raw mut pkevp);
        if error != 0 {
            port_dissociate_ksource(port, PORT_SOURCE_TIMER, portsrc);
            return Err(error);
        }
        let object = tid as uintptr_t;
        let user = notify.portnfy_user;
        port_init_event(pkevp, object, user, Some(timer_port_callback), it.cast());
        (*it).it_portev = pkevp.cast();
        (*it).it_portfd = port;
    }
    Ok(())
}

/// Fills in the signal that a timer sends.
///
/// # Safety
/// `sigq` is a new one of the caller's; the caller is an lwp of `p`.
unsafe fn prepare(
    sigq: *mut sigqueue_t,
    it: *mut itimer_t,
    p: *mut proc_t,
    signo: c_int,
    value: sigval,
) {
    // SAFETY: the caller's own; credentials do not change.
    unsafe {
        let info = &raw mut (*sigq).sq_info;
        (*info).si_signo = signo;
        (*info).si_code = SI_TIMER;
        (*info).__data.__proc.__pid = (*(*p).p_pidp).pid_id;
        (*info).__data.__proc.__pdata.__kill.__value = value;
        (*info).__data.__proc.__pdata.__kill.__uid = (*(*curthread()).t_cred).cr_ruid;
        (*sigq).sq_func = Some(timer_signal);
        (*sigq).sq_backptr = it.cast();
    }
}

/// Makes a timer of the calling process: `evp` is the address of its `struct sigevent` (0: the
/// clock's own way to notify), the timer's number goes to address `tid`.
///
/// errno: EINVAL (no such clock, no timers on this clock, bad notification), EFAULT, EAGAIN (too
/// many timers; no slot of the port), EBADF and EBADFD (the port), ENOMEM.
pub fn timer_create(clock: clockid_t, evp: usize, tid: usize) -> i64 {
    match create(clock, evp, tid) {
        Ok(()) => 0,
        Err(errno) => i64::from(set_errno(errno as uint_t)),
    }
}

fn create(clock: clockid_t, evp: usize, tid: usize) -> Result<(), c_int> {
    let backend = clock_get_backend(clock).ok_or(EINVAL)?;
    let asked = match evp {
        0 => None,
        evp => Some(notify(evp)?),
    };
    let p = curproc();
    // SAFETY: timer and signal are the caller's own until the timer is in the table, where it is
    // locked; p_lock guards the table.
    unsafe {
        let sigq: *mut sigqueue_t = kmem_zalloc(size_of::<sigqueue_t>(), KM_SLEEP).cast();
        let it: *mut itimer_t = kmem_cache_alloc(cache(), KM_SLEEP).cast();
        it.write_bytes(0, 1);
        mutex_init(
            &raw mut (*it).it_mutex,
            ptr::null_mut(),
            MUTEX_DEFAULT,
            ptr::null_mut(),
        );

        mutex_enter(p_lock(p));
        let id = timer_get_id(p);
        let asked = asked.unwrap_or_else(|| Notify {
            how: backend.clk_default.sigev_notify,
            signo: backend.clk_default.sigev_signo,
            port: None,
            value: sigval {
                sival_int: id.unwrap_or_default(),
            },
        });
        prepare(sigq, it, p, asked.signo, asked.value);
        (*it).__data.__proc.__it_sigq = sigq;
        (*it).it_backend = ptr::from_ref(backend).cast_mut();
        (*it).it_lock = ITLK_LOCKED as ushort_t;
        if asked.how == SIGEV_SIGNAL {
            (*it).it_flags |= IT_SIGNAL as ushort_t;
        }
        let made = match (id, asked.port) {
            (None, _) => Err(EAGAIN),
            (Some(id), Some(notify)) => associate(it, id, notify).map(|()| id),
            (Some(id), None) => Ok(id),
        };
        let id = match made {
            Ok(id) => id,
            Err(errno) => {
                mutex_exit(p_lock(p));
                kmem_cache_free(cache(), it.cast());
                kmem_free(sigq.cast(), size_of::<sigqueue_t>());
                return Err(errno);
            }
        };
        *(*p).p_itimer.add(id as usize) = it;
        mutex_exit(p_lock(p));

        let error = match backend.clk_timer_create {
            Some(create) => create(it, Some(timer_fire)),
            None => EINVAL,
        };
        if error != 0 {
            timer_delete_grabbed(p, id, it);
            return Err(error);
        }
        (*it).__data.__proc.__it_lwp = (*curthread()).t_lwp;
        (*it).it_proc = p;
        if copyout((&raw const id).cast(), tid as *mut _, size_of::<timer_t>()) != 0 {
            timer_delete_grabbed(p, id, it);
            return Err(EFAULT);
        }
        timer_release(p, it);
    }
    Ok(())
}
