//! The system calls on a timer that exists.

use std::ffi::c_int;

use bindings::*;

use super::{p_lock, timer_delete_grabbed, timer_grab, timer_release};
use crate::curthread::curproc;
use crate::syscall::{get_udatamodel, set_errno};

/// Runs `body` with the timer locked. EINVAL when there is none.
fn with_timer(
    tid: timer_t,
    body: impl FnOnce(*mut proc_t, *mut itimer_t) -> Result<i64, c_int>,
) -> Result<i64, c_int> {
    let p = curproc();
    // SAFETY: the caller is an lwp of the process, without locks.
    unsafe {
        let it = timer_grab(p, tid);
        if it.is_null() {
            return Err(EINVAL);
        }
        let answer = body(p, it);
        timer_release(p, it);
        answer
    }
}

fn answer(result: Result<i64, c_int>) -> i64 {
    result.unwrap_or_else(|errno| i64::from(set_errno(errno as uint_t)))
}

fn check(error: c_int) -> Result<i64, c_int> {
    if error == 0 { Ok(0) } else { Err(error) }
}

fn is_native() -> bool {
    get_udatamodel() == DATAMODEL_NATIVE as model_t
}

/// A time of a 32-bit process.
fn widen(time: timespec32_t) -> timespec_t {
    timespec_t {
        tv_sec: time.tv_sec.into(),
        tv_nsec: time.tv_nsec.into(),
    }
}

/// A time for a 32-bit process; EOVERFLOW beyond 2038 or 68 years.
fn narrow(time: timespec_t) -> Result<timespec32_t, c_int> {
    let tv_sec = time32_t::try_from(time.tv_sec).map_err(|_| EOVERFLOW)?;
    let tv_nsec = i32::try_from(time.tv_nsec).map_err(|_| EOVERFLOW)?;
    Ok(timespec32_t { tv_sec, tv_nsec })
}

/// Reads a setting of the program.
fn get(addr: usize) -> Result<itimerspec_t, c_int> {
    // SAFETY: integers, filled by copyin; all-zero bytes are valid.
    unsafe {
        let error;
        let mut setting: itimerspec_t = std::mem::zeroed();
        if is_native() {
            let to = (&raw mut setting).cast();
            error = copyin(addr as *const _, to, size_of::<itimerspec_t>());
        } else {
            let mut narrow: itimerspec32_t = std::mem::zeroed();
            let to = (&raw mut narrow).cast();
            error = copyin(addr as *const _, to, size_of::<itimerspec32_t>());
            setting.it_interval = widen(narrow.it_interval);
            setting.it_value = widen(narrow.it_value);
        }
        if error == 0 { Ok(setting) } else { Err(EFAULT) }
    }
}

/// Writes a setting to the program.
fn put(setting: itimerspec_t, addr: usize) -> Result<i64, c_int> {
    // SAFETY: integers, copied out.
    let error = unsafe {
        if is_native() {
            let from = (&raw const setting).cast();
            copyout(from, addr as *mut _, size_of::<itimerspec_t>())
        } else {
            let narrow = itimerspec32_t {
                it_interval: narrow(setting.it_interval)?,
                it_value: narrow(setting.it_value)?,
            };
            let from = (&raw const narrow).cast();
            copyout(from, addr as *mut _, size_of::<itimerspec32_t>())
        }
    };
    if error == 0 { Ok(0) } else { Err(EFAULT) }
}

/// Whether it is a time or span that a timer can have.
fn is_valid(time: timespec_t) -> bool {
    time.tv_sec >= 0 && (0..NANOSEC).contains(&time.tv_nsec)
}

fn gettime(tid: timer_t, addr: usize) -> Result<i64, c_int> {
    // SAFETY: all-zero bytes are a valid setting.
    let mut setting: itimerspec_t = unsafe { std::mem::zeroed() };
    with_timer(tid, |_, it| {
        // SAFETY: the timer is locked, so its clock stays.
        let gettime = unsafe { (*(*it).it_backend).clk_timer_gettime };
        // SAFETY: as above; the setting is writable.
        check(gettime.map_or(EINVAL, |gettime| unsafe { gettime(it, &raw mut setting) }))
    })?;
    put(setting, addr)
}

fn settime(tid: timer_t, flags: c_int, addr: usize, old: usize) -> Result<i64, c_int> {
    if old != 0 {
        gettime(tid, old)?;
    }
    let setting = get(addr)?;
    let armed = setting.it_value.tv_sec != 0 || setting.it_value.tv_nsec != 0;
    if !is_valid(setting.it_value) || (armed && !is_valid(setting.it_interval)) {
        return Err(EINVAL);
    }
    with_timer(tid, |_, it| {
        // SAFETY: the timer is locked, so its clock stays.
        let settime = unsafe { (*(*it).it_backend).clk_timer_settime };
        // SAFETY: as above; the setting was checked.
        check(settime.map_or(EINVAL, |settime| unsafe {
            settime(it, flags, &raw const setting)
        }))
    })
}

/// Writes what is left, and the interval, to address `val`. errno: EINVAL, EFAULT, EOVERFLOW.
pub fn timer_gettime(tid: timer_t, val: usize) -> i64 {
    answer(gettime(tid, val))
}

/// Arms the timer with the setting at address `val`, or disarms it; what was left goes to address
/// `oval` unless that is 0. errno: EINVAL, EFAULT, EOVERFLOW.
pub fn timer_settime(tid: timer_t, flags: c_int, val: usize, oval: usize) -> i64 {
    answer(settime(tid, flags, val, oval))
}

/// Deletes the timer. errno: EINVAL.
pub fn timer_delete(tid: timer_t) -> i64 {
    let p = curproc();
    // SAFETY: the caller is an lwp of the process, without locks; a timer it grabbed is its own.
    unsafe {
        let it = timer_grab(p, tid);
        if it.is_null() {
            return answer(Err(EINVAL));
        }
        timer_delete_grabbed(p, tid, it);
    }
    0
}

/// Expirations that the last signal did not tell of. errno: EINVAL.
pub fn timer_getoverrun(tid: timer_t) -> i64 {
    answer(with_timer(tid, |p, it| {
        // SAFETY: p_lock guards the count.
        unsafe {
            mutex_enter(p_lock(p));
            let overrun = (*it).it_overrun;
            mutex_exit(p_lock(p));
            Ok(overrun.into())
        }
    }))
}
