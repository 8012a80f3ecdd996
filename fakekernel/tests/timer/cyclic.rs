//! Cyclics and callouts.

use std::ffi::c_void;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicUsize, Ordering::SeqCst};

use bindings::*;
use fakekernel::cyclic::{CY_INFINITY, cyclic_add, cyclic_remove, cyclic_reprogram};
use fakekernel::{Kernel, callout};

use super::MS;
use super::support::process;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static LAST: AtomicI64 = AtomicI64::new(0);

unsafe extern "C" fn count(_arg: *mut c_void) {
    CALLS.fetch_add(1, SeqCst);
    // SAFETY: no preconditions.
    LAST.store(unsafe { gethrtime() }, SeqCst);
}

fn calls() -> usize {
    CALLS.load(SeqCst)
}

fn add(when: i64, interval: i64) -> usize {
    // SAFETY: the handler does not use its argument.
    unsafe { cyclic_add(count, ptr::null_mut(), when, interval) }
}

pub fn periodic(kernel: &Kernel) {
    process(kernel, |lwp| {
        let cyclic = add(lwp.gethrtime() + 5 * MS, 2 * MS);
        lwp.sleep(4 * MS);
        assert_eq!(calls(), 0);
        lwp.sleep(6 * MS);
        assert_eq!(calls(), 3);
        assert_eq!(LAST.load(SeqCst), lwp.gethrtime() - MS);
        cyclic_remove(cyclic);
        lwp.sleep(20 * MS);
        assert_eq!(calls(), 3);
        cyclic_remove(cyclic);
    });
}

pub fn once(kernel: &Kernel) {
    process(kernel, |lwp| {
        let cyclic = add(lwp.gethrtime() + MS, CY_INFINITY);
        lwp.sleep(20 * MS);
        assert_eq!(calls(), 1);
        cyclic_reprogram(cyclic, lwp.gethrtime() + MS);
        lwp.sleep(20 * MS);
        assert_eq!(calls(), 2);
        cyclic_remove(cyclic);
        cyclic_reprogram(cyclic, lwp.gethrtime() + MS);
        lwp.sleep(20 * MS);
        assert_eq!(calls(), 2);
    });
}

pub fn reprogram(kernel: &Kernel) {
    process(kernel, |lwp| {
        let begin = lwp.gethrtime();
        let cyclic = add(begin + 50 * MS, CY_INFINITY);
        cyclic_reprogram(cyclic, begin + 5 * MS);
        lwp.sleep(6 * MS);
        assert_eq!((calls(), LAST.load(SeqCst)), (1, begin + 5 * MS));
        cyclic_reprogram(cyclic, begin + 10 * MS);
        cyclic_reprogram(cyclic, begin + 20 * MS);
        lwp.sleep(60 * MS);
        assert_eq!((calls(), LAST.load(SeqCst)), (2, begin + 20 * MS));
        cyclic_remove(cyclic);
    });
}

static LOCK: AtomicPtr<kmutex_t> = AtomicPtr::new(ptr::null_mut());

unsafe extern "C" fn enter_and_count(arg: *mut c_void) {
    // SAFETY: the lock lives until the cyclic is removed.
    unsafe {
        mutex_enter(LOCK.load(SeqCst));
        count(arg);
        mutex_exit(LOCK.load(SeqCst));
    }
}

unsafe extern "C" fn enter(_arg: *mut c_void) {
    // SAFETY: as above.
    unsafe { mutex_enter(LOCK.load(SeqCst)) };
}

pub fn remove_waits(kernel: &Kernel) {
    process(kernel, |lwp| {
        let mutex: *mut kmutex_t = Box::leak(Box::new(kmutex_t {
            _opaque: [ptr::null_mut()],
        }));
        LOCK.store(mutex, SeqCst);
        // SAFETY: as above.
        let cyclic = unsafe {
            cyclic_add(
                enter_and_count,
                ptr::null_mut(),
                lwp.gethrtime() + MS,
                10 * MS,
            )
        };
        let remover = lwp.spawn(move |lwp| {
            lwp.sleep(3 * MS);
            cyclic_remove(cyclic);
            calls()
        });
        // SAFETY: a leaked mutex.
        unsafe { mutex_enter(mutex) };
        lwp.sleep(5 * MS);
        lwp.settle();
        assert!(!remover.has_ended(), "the handler has not returned");
        assert_eq!(calls(), 0);
        // SAFETY: as above.
        unsafe { mutex_exit(mutex) };
        assert_eq!(remover.join(), 1);
        lwp.sleep(20 * MS);
        assert_eq!(calls(), 1);
    });
}

static SEEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());

unsafe extern "C" fn note(arg: *mut c_void) {
    SEEN.lock().unwrap().push(arg as usize);
}

pub fn order(kernel: &Kernel) {
    process(kernel, |lwp| {
        let begin = lwp.gethrtime();
        let all: Vec<_> = [(3, 30), (1, 10), (2, 20), (4, 30)]
            .into_iter()
            // SAFETY: the argument is a number.
            .map(|(arg, at)| unsafe {
                cyclic_add(note, arg as *mut c_void, begin + at * MS, CY_INFINITY)
            })
            .collect();
        lwp.sleep(40 * MS);
        assert_eq!(*SEEN.lock().unwrap(), [1, 2, 3, 4]);
        all.into_iter().for_each(cyclic_remove);
    });
}

pub fn left(kernel: &Kernel) {
    process(kernel, |lwp| {
        add(lwp.gethrtime() + MS, CY_INFINITY);
    });
}

pub fn remove_in_interrupt(kernel: &Kernel) {
    process(kernel, |lwp| {
        let cyclic = add(lwp.gethrtime() + MS, CY_INFINITY);
        lwp.interrupt(move || cyclic_remove(cyclic)).join();
    });
}

pub fn mutex_kept(kernel: &Kernel) {
    process(kernel, |lwp| {
        let mutex: *mut kmutex_t = Box::leak(Box::new(kmutex_t {
            _opaque: [ptr::null_mut()],
        }));
        LOCK.store(mutex, SeqCst);
        // SAFETY: as above.
        unsafe { cyclic_add(enter, ptr::null_mut(), lwp.gethrtime() + MS, CY_INFINITY) };
        lwp.sleep(5 * MS);
    });
}

pub fn callout(kernel: &Kernel) {
    process(kernel, |lwp| {
        lwp.sleep(3 * MS);
        for ticks in [1, 2, 5] {
            let now = lwp.gethrtime();
            // SAFETY: the handler does not use its argument.
            unsafe { callout::realtime_timeout(count, ptr::null_mut(), ticks) };
            lwp.sleep(ticks * 10 * MS + MS);
            let at = LAST.load(SeqCst);
            assert_eq!(at % (10 * MS), 0, "at a tick");
            assert!(at > now && now + ticks * 10 * MS - at < 10 * MS);
        }
        assert_eq!(calls(), 3);
    });
}

pub fn untimeout(kernel: &Kernel) {
    process(kernel, |lwp| {
        // SAFETY: the handler does not use its argument.
        let id = unsafe { callout::realtime_timeout(count, ptr::null_mut(), 2) };
        lwp.sleep(MS);
        callout::untimeout(id);
        lwp.sleep(50 * MS);
        assert_eq!(calls(), 0);
        callout::untimeout(id);
    });
}
