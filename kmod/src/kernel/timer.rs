//! Timers that report to a port (`timer_create` with `SIGEV_PORT`).
//!
//! genunix knows a timer's port by the number of the descriptor it was made
//! through. That number may be closed or mean another port by the time it is
//! used, so this module does not go by numbers (D10). When a process closes a
//! port it goes through its timers here and takes the port away from those
//! whose event belongs to it; they run on without notification (S86). And
//! genunix, which counts the timers of a port in a `port_source_t` that it
//! finds by number and frees at 0, only ever finds one that is shared by all
//! ports, is never freed, and does not get to 0 (`source.rs`).
//!
//! Follows the protocol of `timer.c`: `ITLK_LOCKED` keeps a timer from being
//! deleted, is set and waited for under `p_lock`; the port's part of a timer
//! is protected by `it_mutex`. Lock order: `p_lock` -> `it_mutex` ->
//! `portq_mutex`.

use bindings::{itimer_t, port_kevent_t};

use super::mutex::Mutex;
use super::port::Port;
use super::proc;

/// A timer of the calling process that nobody deletes meanwhile.
///
/// # Invariants
///
/// This thread set `ITLK_LOCKED`.
struct Grabbed(*mut itimer_t);

/// What a number stands for in the process's table of timers.
enum Entry {
    /// Nothing, or a timer that is being deleted.
    Free,
    Timer(Grabbed),
    /// The table ends before it.
    Beyond,
}

/// Looks a timer up and locks it; sleeps while another thread has it.
fn timer_grab(id: usize) -> Entry {
    let held = proc::lock_curproc();
    let p = proc::curproc();
    // SAFETY: p_lock protects the table and it_lock; a timer in the table
    // stays allocated while p_lock is held, or while it_blockers says that
    // somebody waits for it.
    unsafe {
        if (*p).p_itimer.is_null() || id >= (*p).p_itimer_sz as usize {
            return Entry::Beyond;
        }
        let it = *(*p).p_itimer.add(id);
        if it.is_null() {
            return Entry::Free;
        }
        while has(it, bindings::ITLK_LOCKED) {
            (*it).it_blockers += 1;
            bindings::cv_wait(&raw mut (*it).it_cv, held.mutex_ptr());
            (*it).it_blockers -= 1;
        }
        if has(it, bindings::ITLK_REMOVE) {
            bindings::cv_signal(&raw mut (*it).it_cv);
            return Entry::Free;
        }
        (*it).it_lock |= bindings::ITLK_LOCKED as bindings::ushort_t;
        Entry::Timer(Grabbed(it))
    }
}

/// Tests a bit of `it_lock`.
///
/// # Safety
///
/// The timer is live and `p_lock` is held.
unsafe fn has(it: *mut itimer_t, bit: core::ffi::c_int) -> bool {
    // SAFETY: the caller vouches.
    unsafe { core::ffi::c_int::from((*it).it_lock) & bit != 0 }
}

impl Grabbed {
    /// Takes the port away from a timer that reports to `port`.
    fn detach(&self, port: &Port) {
        // SAFETY: locked by this thread, so the timer stays; it_mutex protects
        // the port's part, and the event while it is there.
        let event = unsafe {
            let held = Mutex::from_raw(&raw mut (*self.0).it_mutex).enter();
            let event: *mut port_kevent_t = (*self.0).it_portev.cast();
            let ours = !event.is_null() && (*event).portkev_port == port.as_ptr();
            if ours {
                (*self.0).it_portev = core::ptr::null_mut();
                (*self.0).it_flags &= !(bindings::IT_PORT as bindings::ushort_t);
                // With a count left timer_delete would take the sigqueue_t for
                // one on its way to the process, and nobody would free it.
                (*self.0).it_pending = 0;
            }
            drop(held);
            ours.then_some(event)
        };
        if let Some(event) = event {
            // SAFETY: the timer has let go of the event, so it is ours.
            unsafe {
                bindings::port_remove_done_event(event);
                bindings::port_free_event(event);
            }
        }
    }
}

impl Drop for Grabbed {
    fn drop(&mut self) {
        let held = proc::lock_curproc();
        // SAFETY: locked by this thread; it_lock is protected by p_lock.
        unsafe {
            (*self.0).it_lock &= !(bindings::ITLK_LOCKED as bindings::ushort_t);
            bindings::cv_signal(&raw mut (*self.0).it_cv);
        }
        drop(held);
    }
}

impl Port {
    /// Takes the port away from the calling process's timers that report to
    /// it; their unread events go. Called without locks.
    pub fn close_timers(&self) {
        for id in 0.. {
            match timer_grab(id) {
                Entry::Free => {}
                Entry::Timer(timer) => timer.detach(self),
                Entry::Beyond => return,
            }
        }
    }
}
