//! Calls at given times, in interrupt context.
//!
//! Stands for `os/cyclic.c` on a machine with one processor: one interrupt thread, the clock,
//! calls what has expired, one after another. It begins with the first cyclic and ends with the
//! kernel. Time is the scheduler's, so on a virtual clock nothing expires while any task can run.
//!
//! As in the kernel, a periodic cyclic that has fallen behind by less than a second is called once
//! for every expiration it missed, and one that is further behind skips them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bindings::{NANOSEC, hrtime_t};

use crate::panic::kernel_panic;
use crate::proc;
use crate::sched::{self, TaskId, Wait, WaitKind};
use crate::thread::{self, Kind, Thread};

/// Names a cyclic; never used again. 0 is none.
pub type CyclicId = usize;

/// No cyclic.
pub const CYCLIC_NONE: CyclicId = 0;

/// The interval of a cyclic that expires once.
pub const CY_INFINITY: hrtime_t = hrtime_t::MAX;

/// What is called at expiration.
pub type Handler = unsafe extern "C" fn(*mut c_void);

/// Name of the interrupt thread.
const CLOCK: &str = "clock";

/// What becomes of a cyclic when it has expired.
#[derive(Clone, Copy)]
enum After {
    /// It expires again.
    Again(hrtime_t),
    /// It stays until it is removed, and may be programmed again.
    Stay,
    /// It is gone.
    Gone,
}

#[derive(Clone, Copy)]
struct Cyclic {
    handler: Handler,
    arg: usize,
    after: After,
    /// Next expiration, if there is one.
    when: Option<hrtime_t>,
}

/// # Invariants
///
/// `queue` holds exactly the cyclics that have a `when`, ordered by it.
struct Cyclics {
    all: BTreeMap<CyclicId, Cyclic>,
    queue: BTreeSet<(hrtime_t, CyclicId)>,
    /// The one whose handler runs.
    running: Option<CyclicId>,
    /// Who waits for the handler to return.
    waiters: Vec<TaskId>,
    last: CyclicId,
    begun: bool,
    stop: bool,
    clock: Option<TaskId>,
}

static CYCLICS: Mutex<Cyclics> = Mutex::new(Cyclics {
    all: BTreeMap::new(),
    queue: BTreeSet::new(),
    running: None,
    waiters: Vec::new(),
    last: CYCLIC_NONE,
    begun: false,
    stop: false,
    clock: None,
});

fn lock() -> MutexGuard<'static, Cyclics> {
    CYCLICS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cyclics {
    /// Sets the next expiration of a cyclic.
    fn program(&mut self, id: CyclicId, when: hrtime_t) {
        if let Some(cyclic) = self.all.get_mut(&id) {
            if let Some(old) = cyclic.when.replace(when) {
                self.queue.remove(&(old, id));
            }
            self.queue.insert((when, id));
        }
    }

    /// Takes the first cyclic that has expired.
    fn expire(&mut self, now: hrtime_t) -> Option<(CyclicId, Cyclic)> {
        let &(_, id) = self.queue.first().filter(|(when, _)| *when <= now)?;
        self.queue.pop_first();
        let cyclic = self.all.get_mut(&id)?;
        let expired = *cyclic;
        cyclic.when = None;
        if let After::Gone = expired.after {
            self.all.remove(&id);
        }
        self.running = Some(id);
        Some((id, expired))
    }

    /// The handler of `id` has returned; it expired at `when`.
    fn finish(&mut self, id: CyclicId, when: hrtime_t, now: hrtime_t) -> Vec<TaskId> {
        self.running = None;
        if let Some(&Cyclic {
            after: After::Again(interval),
            when: None,
            ..
        }) = self.all.get(&id)
        {
            let mut next = when.saturating_add(interval);
            if now.saturating_sub(next) > NANOSEC {
                next += (now - next) / interval * interval + interval;
            }
            self.program(id, next);
        }
        std::mem::take(&mut self.waiters)
    }
}

fn add(handler: Handler, arg: *mut c_void, when: hrtime_t, after: After) -> CyclicId {
    let mut cyclics = lock();
    cyclics.last += 1;
    let id = cyclics.last;
    let cyclic = Cyclic {
        handler,
        arg: arg as usize,
        after,
        when: None,
    };
    cyclics.all.insert(id, cyclic);
    cyclics.program(id, when);
    let begins = !std::mem::replace(&mut cyclics.begun, true);
    drop(cyclics);
    if begins {
        thread::spawn(proc::proc0(), Kind::Interrupt, CLOCK, clock);
    } else {
        wake_clock();
    }
    id
}

/// Lets the clock look at the queue again.
fn wake_clock() {
    let clock = lock().clock;
    if let Some(clock) = clock {
        sched::get().wake(clock);
    }
}

/// Calls `handler` at `when` and then every `interval` nanoseconds; with [`CY_INFINITY`] once,
/// after which the cyclic can be programmed again.
///
/// # Safety
/// `arg` is good for the handler until [`cyclic_remove`] has returned.
pub unsafe fn cyclic_add(
    handler: Handler,
    arg: *mut c_void,
    when: hrtime_t,
    interval: hrtime_t,
) -> CyclicId {
    let after = match interval {
        CY_INFINITY => After::Stay,
        _ => After::Again(interval.max(1)),
    };
    add(handler, arg, when, after)
}

/// Sets the next expiration of a cyclic that has not been removed.
pub fn cyclic_reprogram(id: CyclicId, when: hrtime_t) {
    lock().program(id, when);
    wake_clock();
}

/// Removes a cyclic. Its handler has returned then and is not called again. Harmless for one that
/// is gone.
pub fn cyclic_remove(id: CyclicId) {
    thread::assert_may_sleep("cyclic_remove", 0);
    let me = sched::get().current();
    loop {
        let mut cyclics = lock();
        if let Some(Cyclic {
            when: Some(when), ..
        }) = cyclics.all.remove(&id)
        {
            cyclics.queue.remove(&(when, id));
        }
        if cyclics.running != Some(id) {
            return;
        }
        cyclics.waiters.push(me);
        drop(cyclics);
        sched::get().block(Wait::new(WaitKind::Event, id), None);
    }
}

/// Calls `handler` once, at `when`; then the cyclic is gone. [`cyclic_remove`] cancels it.
///
/// # Safety
/// As for [`cyclic_add`]; the memory may also be given up by the handler.
pub unsafe fn once(handler: Handler, arg: *mut c_void, when: hrtime_t) -> CyclicId {
    add(handler, arg, when, After::Gone)
}

/// The interrupt thread.
fn clock() {
    let sched = sched::get();
    lock().clock = Some(sched.current());
    loop {
        let mut cyclics = lock();
        if cyclics.stop {
            return;
        }
        let expired = cyclics.expire(sched.now());
        let next = cyclics.queue.first().map(|(when, _)| *when);
        drop(cyclics);
        let Some((id, cyclic)) = expired else {
            sched.block(Wait::new(WaitKind::Sleep, 0), next);
            continue;
        };
        // SAFETY: the cyclic was in the queue, so whoever added it has not been told yet that the
        // handler is done with its argument.
        unsafe { (cyclic.handler)(cyclic.arg as *mut c_void) };
        thread::assert_no_mutex("an interrupt returned");
        let when = cyclic.when.unwrap_or_default();
        let waiters = lock().finish(id, when, sched.now());
        for waiter in waiters {
            sched.wake(waiter);
        }
    }
}

/// Whether the thread is the one that [`stop`] ends.
pub(crate) fn is_clock(thread: &Thread) -> bool {
    thread.name() == CLOCK
}

/// Ends the clock; nothing is called any more. The kernel goes down: a cyclic that is left over
/// belongs to nobody.
pub(crate) fn stop() {
    let mut cyclics = lock();
    cyclics.stop = true;
    let left = cyclics.all.len();
    drop(cyclics);
    wake_clock();
    if left != 0 {
        let text = format!("{left} cyclics were not removed before the kernel was shut down");
        kernel_panic("cyclic", &text);
    }
}
