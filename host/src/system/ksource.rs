//! Kernel event sources played by a case.

use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bindings::{getf, port_pollwkdone, port_pollwkup, port_t, releasef};
use fakekernel::user::{self, Alloc, KEvent, KSource, Why};
use suite::{
    Allocation, Answer, Callback, CallbackReason, CloseCallback, Delivery, Errno, KernelEvent,
    Ksource, PollHold, SourceRef,
};

use super::FakeSystem;

/// What the numbers in the suite's handles stand for; handles live as long as the process.
struct Handles {
    events: Vec<KEvent>,
    sources: Vec<SharedSource>,
}

struct SharedSource(KSource);

// SAFETY: the registration is a kernel object that any thread of the kernel may give back.
unsafe impl Send for SharedSource {}

static HANDLES: Mutex<Handles> = Mutex::new(Handles {
    events: Vec::new(),
    sources: Vec::new(),
});

fn handles() -> MutexGuard<'static, Handles> {
    HANDLES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn event(handle: KernelEvent) -> KEvent {
    handles().events[handle.0]
}

fn wrap(callback: Callback) -> user::Callback {
    Box::new(move |why, owner, events| {
        let reason = match why {
            Why::Deliver => CallbackReason::Deliver,
            Why::Close => CallbackReason::Close,
            Why::Dissociate => CallbackReason::Dissociate,
        };
        let delivery = Delivery {
            events: *events,
            owner,
            reason,
        };
        match FakeSystem::current(|sys| callback(sys, delivery)) {
            Some(Answer::Deliver(bits)) => {
                *events = bits;
                0
            }
            Some(Answer::Refuse) => Errno::EACCES.0,
            // Not a thread of the suite: nobody is interested.
            None => 0,
        }
    })
}

impl Ksource for FakeSystem<'_> {
    fn allocate(&self, port: i32, how: Allocation, source: i32) -> Result<KernelEvent, Errno> {
        let alloc = match how {
            Allocation::Default => Alloc::Default,
            Allocation::Private => Alloc::Private,
            Allocation::Cached => Alloc::Cached,
            Allocation::SourceCached => Alloc::Scached,
        };
        let made = KEvent::alloc(self.lwp, port, alloc, source).map_err(Errno)?;
        let mut handles = handles();
        handles.events.push(made);
        Ok(KernelEvent(handles.events.len() - 1))
    }

    fn init(
        &self,
        handle: KernelEvent,
        object: usize,
        user: usize,
        events: i32,
        noshare: bool,
        callback: Option<Callback>,
    ) {
        let event = event(handle);
        event.init(object, user, callback.map(wrap));
        event.set_events(events);
        if noshare {
            event.set_noshare();
        }
    }

    fn send(&self, handle: KernelEvent) {
        event(handle).send();
    }

    fn send_from_interrupt(&self, handle: KernelEvent) {
        let event = event(handle);
        self.lwp.interrupt(move || event.send()).join();
    }

    fn free(&self, handle: KernelEvent) {
        event(handle).free();
    }

    fn remove_done(&self, handle: KernelEvent) -> bool {
        event(handle).remove_done()
    }

    fn associate(&self, port: i32, source: i32, close: CloseCallback) -> Result<SourceRef, Errno> {
        let told = move |fd, pid, last| {
            // Not a thread of the suite: nobody is interested.
            FakeSystem::current(|sys| close(sys, fd, pid, last)).unwrap_or_default();
        };
        let made = KSource::associate(self.lwp, port, source, told).map_err(Errno)?;
        let mut handles = handles();
        handles.sources.push(SharedSource(made));
        Ok(SourceRef(handles.sources.len() - 1))
    }

    fn dissociate(&self, _port: i32, _source: i32, reference: SourceRef) -> Result<(), Errno> {
        let source = handles().sources[reference.0].0;
        source.dissociate(self.lwp).map_err(Errno)
    }

    fn poll_hold(&self, fd: i32) -> Option<PollHold> {
        // SAFETY: the calling lwp holds the file while the port is looked at. A port that
        // port_pollwkup has marked cannot go away before port_pollwkdone.
        unsafe {
            let fp = getf(fd);
            if fp.is_null() {
                return None;
            }
            let pp: *mut port_t = (*(*fp).f_vnode).v_data.cast();
            let marked = port_pollwkup(pp) != 0;
            releasef(fd);
            marked.then_some(PollHold(pp as usize))
        }
    }

    fn poll_release(&self, hold: PollHold) {
        // SAFETY: the port was marked by `poll_hold` and has waited since.
        unsafe { port_pollwkdone(hold.0 as *mut port_t) };
    }

    fn vop_close(&self, fd: i32, count: i32) -> Result<(), Errno> {
        let none = ptr::null_mut();
        // SAFETY: the calling lwp holds the file, and with it the vnode, for the time of the call.
        let errno = unsafe {
            let fp = getf(fd);
            if fp.is_null() {
                return Err(Errno::EBADF);
            }
            let cred = (*fp).f_cred;
            let errno = fakekernel::vnode::fop_close((*fp).f_vnode, 0, count, 0, cred, none);
            releasef(fd);
            errno
        };
        if errno == 0 {
            Ok(())
        } else {
            Err(Errno(errno))
        }
    }
}
