//! Condition variables.
//!
//! Mirrors `os/condvar.c`. The two bytes of a `kcondvar_t` hold the number of
//! waiters, as in the kernel; who waits is in `sleepq`. Results of
//! the interruptible waits follow the kernel to the letter: 0 for a signal
//! before -1 for a deadline before 1, and a wakeup that arrived together with
//! a signal or a deadline is passed on to the next waiter.
//!
//! Stricter than the kernel: `cv-no-mutex`, `cv-two-mutexes`, `cv-uninit`,
//! `cv-freed`, `cv-corrupt`, `cv-destroy-waiters`, `cv-init-waiters`, and the
//! rules on sleeping. Faults: [`Fault::Spurious`], [`Fault::SignalSleep`].

use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::Ordering::SeqCst;

use bindings::{
    NANOSEC, T_WAKEABLE, clock_t, hrtime_t, kcondvar_t, kcv_type_t, kmutex_t, timestruc_t, uint_t,
};

use crate::counter::{self, Counter};
use crate::fault::{self, Fault};
use crate::panic::{kernel_panic, symbol};
use crate::sched::{self, Wait, WaitKind};
use crate::site::{self, Frame, entry};
use crate::sync::describe_mutex;
use crate::thread::{self, Thread};
use crate::{mutex, signal, sleepq, time};

/// Makes a condition variable in any memory.
///
/// # Safety
///
/// `cvp` is memory for a `kcondvar_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cv_init(
    cvp: *mut kcondvar_t,
    _name: *mut c_char,
    _kind: kcv_type_t,
    _arg: *mut c_void,
) {
    if !sleepq::reset(cvp) {
        kernel_panic(
            "cv-init-waiters",
            &format!("cv {cvp:p} made again while threads wait for it"),
        );
    }
}

/// Ends a condition variable that nobody waits for.
///
/// # Safety
///
/// `cvp` is a condition variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cv_destroy(cvp: *mut kcondvar_t) {
    if sleepq::has_waiters(cvp, 0) {
        kernel_panic(
            "cv-destroy-waiters",
            &format!("cv {cvp:p} destroyed while threads wait for it"),
        );
    }
}

/// When a wait ends by itself.
#[derive(Clone, Copy)]
enum Until {
    Forever,
    /// At a `gethrtime`.
    Time(hrtime_t),
    /// At a `gethrtime`, or when the wall clock is set.
    Wall(hrtime_t),
}

impl Until {
    fn deadline(self) -> Option<hrtime_t> {
        match self {
            Until::Forever => None,
            Until::Time(t) | Until::Wall(t) => Some(t),
        }
    }
}

impl Until {
    /// What a wakeup answers: the time left in whole clock ticks, which the kernel cuts to an int;
    /// none left counts as a time-out, whoever woke the thread. 1 without a deadline.
    fn left(self) -> c_int {
        let Some(t) = self.deadline() else { return 1 };
        let ticks = t.saturating_sub(sched::get().now()) / time::NSEC_PER_TICK;
        if ticks == 0 { -1 } else { ticks as c_int }
    }
}

/// How a sleep ended.
struct Slept {
    signalled: bool,
    timed_out: bool,
}

/// Sleeps once, leaving and entering `mp`.
fn sleep(cvp: *mut kcondvar_t, mp: *mut kmutex_t, until: Until, sig: bool, caller: usize) -> Slept {
    let thread = thread::current();
    let me = &thread.sleep;
    let cv = cvp as usize;
    sched::get().point();
    sleepq::enqueue(cvp, mp, thread, caller);
    me.poked.store(false, SeqCst);
    me.expired.store(false, SeqCst);
    me.wall.store(matches!(until, Until::Wall(_)), SeqCst);
    set_wakeable(thread, sig);
    mutex::release(mp, caller);
    if sig && (signal::is_pending(thread) || signal::must_return(thread)) {
        me.poked.store(true, SeqCst);
    }
    if fault::fires(Fault::Spurious).is_some() {
        me.poked.store(true, SeqCst);
        counter::count(Counter::CvSpurious);
    }
    let deadline = until.deadline();
    let expired = || deadline.is_some_and(|t| me.expired.load(SeqCst) || sched::get().now() >= t);
    counter::count(Counter::CvWait);
    let wait = Wait {
        kind: WaitKind::Cv,
        addr: cv,
        caller,
    };
    while me.is_waiting() && !me.poked.load(SeqCst) && !expired() {
        counter::count(Counter::Switch);
        sched::get().block(wait, deadline);
    }
    let signalled = sleepq::dequeue(cvp, thread);
    set_wakeable(thread, false);
    me.wall.store(false, SeqCst);
    let timed_out = expired();
    mutex::acquire(mp, caller);
    if timed_out {
        counter::count(Counter::CvTimeout);
    }
    Slept {
        signalled,
        timed_out,
    }
}

fn set_wakeable(thread: &Thread, on: bool) {
    let t = thread.kthread();
    // SAFETY: t_flag is changed by the thread itself only.
    unsafe {
        if on {
            (*t).t_flag |= T_WAKEABLE as uint_t;
        } else {
            (*t).t_flag &= !(T_WAKEABLE as uint_t);
        }
    }
    thread.sleep.wakeable.store(on, SeqCst);
}

fn check_wait(cvp: *mut kcondvar_t, mp: *mut kmutex_t, caller: usize) {
    thread::assert_may_sleep("a wait on a condition variable", caller);
    if !mutex::is_owned(mp) {
        let (name, at) = (describe_mutex(mp as usize), symbol(caller));
        let text = format!("cv {cvp:p} waited for at {at} without holding mutex {name}");
        kernel_panic("cv-no-mutex", &text);
    }
}

/// Takes a signal if there is one, outside the mutex, as the kernel does.
fn take_signal(mp: *mut kmutex_t, thread: &Thread, caller: usize) -> bool {
    let mut taken = false;
    if signal::is_pending(thread) {
        mutex::release(mp, caller);
        taken = signal::issig(thread);
        mutex::acquire(mp, caller);
    }
    taken || signal::must_return(thread)
}

/// An interruptible wait: 0, -1 or 1.
fn wait_sig(cvp: *mut kcondvar_t, mp: *mut kmutex_t, until: Until, caller: usize) -> c_int {
    check_wait(cvp, mp, caller);
    let thread = thread::current();
    if !thread.is_lwp() {
        let slept = sleep(cvp, mp, until, false, caller);
        if slept.timed_out && slept.signalled {
            wake(cvp, caller);
        }
        return if slept.timed_out { -1 } else { 1 };
    }
    if fault::fires(Fault::SignalSleep).is_some() {
        signal::post(thread, bindings::SIGINT);
    }
    signal::set_asleep(thread, true);
    let over = until.deadline().is_some_and(|t| sched::get().now() >= t);
    let slept = if over {
        Slept {
            signalled: false,
            timed_out: true,
        }
    } else {
        sleep(cvp, mp, until, true, caller)
    };
    let interrupted = take_signal(mp, thread, caller);
    signal::set_asleep(thread, false);
    let result = match (interrupted, slept.timed_out) {
        (true, _) => 0,
        (false, true) => -1,
        (false, false) => until.left(),
    };
    if result <= 0 && slept.signalled {
        wake(cvp, caller);
    }
    result
}

entry! {
    /// Waits until woken; signals do not end it.
    fn cv_wait(cvp: *mut kcondvar_t, mp: *mut kmutex_t) = wait, "rdx"
}

unsafe extern "C" fn wait(cvp: *mut kcondvar_t, mp: *mut kmutex_t, frame: Frame) {
    let caller = site::enter(frame);
    check_wait(cvp, mp, caller);
    sleep(cvp, mp, Until::Forever, false, caller);
}

entry! {
    /// Waits until woken, for at most so many milliseconds; signals do not end
    /// it. (The kernel also lets the thread be stopped meanwhile; nothing here
    /// stops threads.)
    fn cv_wait_stop(cvp: *mut kcondvar_t, mp: *mut kmutex_t, wakeup_time: c_int)
        = wait_stop, "rcx"
}

unsafe extern "C" fn wait_stop(
    cvp: *mut kcondvar_t,
    mp: *mut kmutex_t,
    wakeup_time: c_int,
    frame: Frame,
) {
    let caller = site::enter(frame);
    check_wait(cvp, mp, caller);
    let until = sched::get().now() + i64::from(wakeup_time) * (NANOSEC / 1000);
    sleep(cvp, mp, Until::Time(until), false, caller);
}

entry! {
    /// Waits until woken (1), or for `tim` nanoseconds (-1); signals do not end
    /// it. No `flag` is known: the time is relative and rounded up to `res`.
    fn cv_timedwait_hires(
        cvp: *mut kcondvar_t,
        mp: *mut kmutex_t,
        tim: hrtime_t,
        res: hrtime_t,
        flag: c_int
    ) -> clock_t = timedwait_hires, "r9"
}

unsafe extern "C" fn timedwait_hires(
    cvp: *mut kcondvar_t,
    mp: *mut kmutex_t,
    tim: hrtime_t,
    res: hrtime_t,
    flag: c_int,
    frame: Frame,
) -> clock_t {
    let caller = site::enter(frame);
    check_wait(cvp, mp, caller);
    if flag != 0 {
        kernel_panic(
            "cv-flag",
            &format!("cv_timedwait_hires with flag {flag:#x}"),
        );
    }
    let res = res.max(1);
    let rounded = tim.saturating_add(res - 1) / res * res;
    let until = Until::Time(sched::get().now().saturating_add(rounded));
    let slept = sleep(cvp, mp, until, false, caller);
    if slept.timed_out && slept.signalled {
        wake(cvp, caller);
    }
    if slept.timed_out { -1 } else { 1 }
}

entry! {
    /// Waits until woken (1) or interrupted by a signal (0).
    fn cv_wait_sig(cvp: *mut kcondvar_t, mp: *mut kmutex_t) -> c_int = waitsig, "rdx"
}

unsafe extern "C" fn waitsig(cvp: *mut kcondvar_t, mp: *mut kmutex_t, frame: Frame) -> c_int {
    wait_sig(cvp, mp, Until::Forever, site::enter(frame))
}

entry! {
    /// Waits until `gethrtime` reaches `tim`, for ever if that is -1: 0 signal,
    /// -1 deadline, 1 woken.
    fn cv_timedwait_sig_hrtime(cvp: *mut kcondvar_t, mp: *mut kmutex_t, tim: hrtime_t) -> c_int
        = timedwait_sig_hrtime, "rcx"
}

unsafe extern "C" fn timedwait_sig_hrtime(
    cvp: *mut kcondvar_t,
    mp: *mut kmutex_t,
    tim: hrtime_t,
    frame: Frame,
) -> c_int {
    let until = if tim == -1 {
        Until::Forever
    } else {
        Until::Time(tim)
    };
    wait_sig(cvp, mp, until, site::enter(frame))
}

entry! {
    /// Waits until the clock tick `tim`: 0 signal, -1 deadline, more than 0
    /// woken.
    fn cv_timedwait_sig(cvp: *mut kcondvar_t, mp: *mut kmutex_t, tim: clock_t) -> clock_t
        = timedwait_sig, "rcx"
}

unsafe extern "C" fn timedwait_sig(
    cvp: *mut kcondvar_t,
    mp: *mut kmutex_t,
    tim: clock_t,
    frame: Frame,
) -> clock_t {
    let until = Until::Time(tim.saturating_mul(time::NSEC_PER_TICK));
    clock_t::from(wait_sig(cvp, mp, until, site::enter(frame)))
}

entry! {
    /// Waits until the wall clock reaches `when`, for ever if that is NULL. A
    /// deadline counts as reached as soon as somebody has set the clock since
    /// `timechanged` was `timecheck`.
    fn cv_waituntil_sig(
        cvp: *mut kcondvar_t,
        mp: *mut kmutex_t,
        when: *mut timestruc_t,
        timecheck: c_int
    ) -> c_int = waituntil_sig, "r8"
}

unsafe extern "C" fn waituntil_sig(
    cvp: *mut kcondvar_t,
    mp: *mut kmutex_t,
    when: *mut timestruc_t,
    timecheck: c_int,
    frame: Frame,
) -> c_int {
    let caller = site::enter(frame);
    if when.is_null() {
        return wait_sig(cvp, mp, Until::Forever, caller);
    }
    // SAFETY: the caller vouches for a pointer that is not NULL.
    let when = unsafe { when.read() };
    let left = || {
        let when = i128::from(when.tv_sec) * i128::from(NANOSEC) + i128::from(when.tv_nsec);
        when - i128::from(time::wall())
    };
    let now = sched::get().now();
    let delta = left();
    if delta <= 0 {
        return wait_sig(cvp, mp, Until::Time(0), caller);
    }
    if timecheck != time::changes() {
        check_wait(cvp, mp, caller);
        return -1;
    }
    // At least one tick, so that nobody floods the kernel with short timers.
    let delta = i64::try_from(delta)
        .unwrap_or(i64::MAX)
        .max(time::NSEC_PER_TICK);
    let result = wait_sig(cvp, mp, Until::Wall(now.saturating_add(delta)), caller);
    if result == -1 && timecheck == time::changes() && left() > 0 {
        return 1;
    }
    result
}

entry! {
    /// Wakes one waiter.
    fn cv_signal(cvp: *mut kcondvar_t) = signal, "rsi"
}

unsafe extern "C" fn signal(cvp: *mut kcondvar_t, frame: Frame) {
    let caller = site::enter(frame);
    sched::get().point();
    counter::count(Counter::CvSignal);
    wake(cvp, caller);
}

fn wake(cvp: *mut kcondvar_t, caller: usize) {
    if let Some(task) = sleepq::wake_one(cvp, caller).and_then(Thread::task) {
        counter::count(Counter::CvWakeup);
        sched::get().wake(task);
    }
}

entry! {
    /// Wakes all waiters.
    fn cv_broadcast(cvp: *mut kcondvar_t) = broadcast, "rsi"
}

unsafe extern "C" fn broadcast(cvp: *mut kcondvar_t, frame: Frame) {
    let caller = site::enter(frame);
    sched::get().point();
    counter::count(Counter::CvBroadcast);
    for task in sleepq::wake_all(cvp, caller)
        .into_iter()
        .filter_map(Thread::task)
    {
        counter::count(Counter::CvWakeup);
        sched::get().wake(task);
    }
}
