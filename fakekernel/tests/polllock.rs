//! The lock under which VOP_POLL is called, and how a file lets go of it.

#[path = "support/pollfile.rs"]
mod pollfile;
mod support;

use std::ffi::{c_int, c_short};
use std::process::ExitCode;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bindings::*;
use fakekernel::user::PollFd;
use pollfile::{ASKED, FILE, open_file_with};
use support::{Kernel, case, process, trip};

const IN: i16 = POLLIN as i16;

fn main() -> ExitCode {
    support::main(vec![
        case("lock.polllock_waits_without_pc_lock", polllock_waits),
        case("lock.pollunlock_of_a_ports_cache", port_cache),
        trip("trip.pollunlock_outside_poll", "poll-unlock", |kernel| {
            process(kernel, |_| {
                let mut state = 0;
                // SAFETY: misused on purpose.
                unsafe { pollunlock(&raw mut state) };
            });
        }),
    ])
}

/// How often the test's file was asked since the last call.
fn asked() -> u32 {
    ASKED.swap(0, SeqCst)
}

/// A VOP_POLL that takes the file's lock as it should.
unsafe extern "C" fn careful_poll(
    _vp: *mut vnode_t,
    _events: c_short,
    _anyyet: c_int,
    reventsp: *mut c_short,
    phpp: *mut *mut pollhead_t,
    _ct: *mut caller_context_t,
) -> c_int {
    ASKED.fetch_add(1, SeqCst);
    let file = FILE.load(SeqCst);
    // SAFETY: the test's own file; the out pointers are the caller's.
    unsafe {
        assert_eq!(polllock(&raw mut (*file).head, &raw mut (*file).lock), 0);
        *reventsp = 0;
        *phpp = &raw mut (*file).head;
        mutex_exit(&raw mut (*file).lock);
    }
    0
}

fn polllock_waits(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, _) = open_file_with(careful_poll);
        let mut fds = [PollFd::new(fd, IN)];
        assert_eq!(lwp.poll(&mut fds, Some(0)), Ok(0));
        let file = FILE.load(SeqCst);
        let poller = lwp.spawn(move |lwp| {
            let mut fds = [PollFd::new(fd, IN)];
            let first = lwp.poll(&mut fds, Some(20_000_000));
            lwp.sleep(40_000_000);
            (first, lwp.poll(&mut fds, Some(20_000_000)))
        });
        lwp.sleep(40_000_000);
        // SAFETY: the file is open.
        unsafe {
            // With the file's lock held, pollers are told, and can be: none of them keeps its
            // pc_lock while it waits for this one.
            mutex_enter(&raw mut (*file).lock);
            pollwakeup(&raw mut (*file).head, IN);
            lwp.settle();
            asked();
            lwp.sleep(30_000_000);
            assert_eq!(asked(), 1, "the poller is in VOP_POLL");
            pollwakeup(&raw mut (*file).head, IN);
            mutex_exit(&raw mut (*file).lock);
        }
        assert_eq!(poller.join(), (Ok(0), Ok(0)));
        assert!(asked() > 0, "told in its VOP_POLL, it asks again");
    });
}

/// The cache under which [`dropping_poll`] is called.
static CACHE: AtomicUsize = AtomicUsize::new(0);

/// A VOP_POLL that lets go of the poller.
unsafe extern "C" fn dropping_poll(
    _vp: *mut vnode_t,
    _events: c_short,
    _anyyet: c_int,
    _reventsp: *mut c_short,
    _phpp: *mut *mut pollhead_t,
    _ct: *mut caller_context_t,
) -> c_int {
    let pcp = CACHE.load(SeqCst) as *mut port_fdcache_t;
    let mut state = -1;
    // SAFETY: the cache is the caller's, who holds its lock.
    unsafe {
        assert_eq!(pollunlock(&raw mut state), 0);
        let held = mutex_owned(&raw const (*pcp).pc_lock);
        pollrelock(state);
        c_int::from(state == 1 && held == 0 && mutex_owned(&raw const (*pcp).pc_lock) != 0)
    }
}

fn port_cache(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, vp) = open_file_with(dropping_poll);
        // SAFETY: the cache is the test's; zero is a valid value.
        unsafe {
            let pcp: *mut port_fdcache_t =
                kmem_zalloc(size_of::<port_fdcache_t>(), KM_SLEEP).cast();
            CACHE.store(pcp as usize, SeqCst);
            let lock = &raw mut (*pcp).pc_lock;
            mutex_enter(lock);
            (*asm::threadp()).t_pollcache = pcp.cast();
            let (mut revents, mut php) = (0, ptr::null_mut());
            let good = fop_poll(vp, IN, 0, &raw mut revents, &raw mut php, ptr::null_mut());
            (*asm::threadp()).t_pollcache = ptr::null_mut();
            mutex_exit(lock);
            assert_eq!(good, 1, "dropped in between, held before and after");
            kmem_free(pcp.cast(), size_of::<port_fdcache_t>());
        }
        assert_eq!(lwp.close(fd), Ok(()));
    });
}
