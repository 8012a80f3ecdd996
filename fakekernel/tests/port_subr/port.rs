//! A port made by hand, as the module would make it.

#[path = "../support/opened.rs"]
mod opened;

use std::ffi::{c_int, c_short, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};

use bindings::*;
use fakekernel::user::{Alloc, KEvent, Lwp, LwpHandle};

use super::{IN, OUT};

static PORT: AtomicPtr<port_t> = AtomicPtr::new(ptr::null_mut());

/// The port of the case.
pub fn pp() -> *mut port_t {
    PORT.load(SeqCst)
}

pub fn queue() -> *mut port_queue_t {
    // SAFETY: only the address of a field is taken.
    unsafe { &raw mut (*pp()).port_queue }
}

unsafe extern "C" fn port_poll(
    _vp: *mut vnode_t,
    events: c_short,
    anyyet: c_int,
    reventsp: *mut c_short,
    phpp: *mut *mut pollhead_t,
    _ct: *mut caller_context_t,
) -> c_int {
    let (pp, q) = (pp(), queue());
    // SAFETY: the port is open; the out pointers are the caller's.
    unsafe {
        mutex_enter(&raw mut (*q).portq_mutex);
        let ready = if (*q).portq_nent > 0 { POLLIN } else { 0 }
            | if (*pp).port_curr < (*pp).port_max_events {
                POLLOUT
            } else {
                0
            };
        *reventsp = events & ready as c_short;
        if *reventsp == 0 && anyyet == 0 {
            *phpp = &raw mut (*pp).port_pollhd;
            if events & IN != 0 {
                (*q).portq_flags |= PORTQ_POLLIN;
            }
            if events & OUT != 0 {
                (*q).portq_flags |= PORTQ_POLLOUT;
            }
        }
        mutex_exit(&raw mut (*q).portq_mutex);
    }
    0
}

unsafe extern "C" fn port_inactive(vp: *mut vnode_t, _cr: *mut cred_t, _ct: *mut caller_context_t) {
    // SAFETY: the last hold: port, sources and events are ours alone.
    unsafe {
        let (pp, q) = (pp(), queue());
        while list_is_empty(&raw mut (*q).portq_list) == 0 {
            let event = list_remove_head(&raw mut (*q).portq_list);
            port_free_event_local(event.cast(), 0);
        }
        assert_eq!((*pp).port_curr, 0, "slots left");
        super::fd::cache_free(q);
        kmem_free(
            (*q).portq_scache.cast(),
            16 * size_of::<*mut port_source_t>(),
        );
        opened::free(vp);
        mutex_destroy(&raw mut (*q).portq_mutex);
        mutex_destroy(&raw mut (*q).portq_source_mutex);
        kmem_free(pp.cast(), size_of::<port_t>());
        kmem_cache_destroy(port_control.pc_cache);
    }
}

/// Opens a port with `slots` event slots.
pub fn open(slots: u32) -> i32 {
    let functions = [
        (c"poll", port_poll as *const ()),
        (c"close", opened::zero as *const ()),
        (c"inactive", port_inactive as *const ()),
    ];
    // SAFETY: called by a case's process, which opens one port. Port and cache of sources are
    // fresh zeroed memory, which no one else has before the descriptor is open, and which the last
    // close frees as it does the cache of events; the functions have the types of their operations
    // (`zero` looks at no argument).
    unsafe {
        port_control.pc_cache = kmem_cache_create(
            c"port_cache".as_ptr().cast_mut(),
            size_of::<port_kevent_t>(),
            0,
            None,
            None,
            None,
            ptr::null_mut(),
            ptr::null_mut(),
            0,
        );
        let pp: *mut port_t = kmem_zalloc(size_of::<port_t>(), KM_SLEEP).cast();
        PORT.store(pp, SeqCst);
        let q = queue();
        for mutex in [&raw mut (*q).portq_mutex, &raw mut (*q).portq_source_mutex] {
            mutex_init(mutex, ptr::null_mut(), MUTEX_DEFAULT, ptr::null_mut());
        }
        for list in [&raw mut (*q).portq_list, &raw mut (*q).portq_get_list] {
            let node = std::mem::offset_of!(port_kevent_t, portkev_node);
            list_create(list, size_of::<port_kevent_t>(), node);
        }
        (*q).portq_scache = kmem_zalloc(16 * size_of::<*mut port_source_t>(), KM_SLEEP).cast();
        (*pp).port_max_events = slots;
        let fill = |vp: *mut vnode_t| {
            (*vp).v_type = VPORT;
            (*vp).v_data = pp.cast();
            (*pp).port_vnode = vp;
        };
        opened::open(c"port", &functions, 0, fill).0
    }
}

/// Runs `f` with portq_mutex held.
pub fn locked<R>(f: impl FnOnce(*mut port_queue_t) -> R) -> R {
    let q = queue();
    // SAFETY: the port is open.
    unsafe {
        mutex_enter(&raw mut (*q).portq_mutex);
        let value = f(q);
        mutex_exit(&raw mut (*q).portq_mutex);
        value
    }
}

/// (port_curr, portq_nent)
pub fn counts() -> (u32, u32) {
    // SAFETY: the port is open and locked.
    locked(|q| unsafe { ((*pp()).port_curr, (*q).portq_nent) })
}

/// Takes the first event off the queue as a retriever does, and returns its user value.
pub fn take() -> usize {
    let event = locked(|q| {
        // SAFETY: the port is open and locked.
        unsafe {
            let event: *mut port_kevent_t = list_remove_head(&raw mut (*q).portq_list).cast();
            (*q).portq_nent -= 1;
            (*event).portkev_flags &= !PORT_KEV_DONEQ;
            event
        }
    });
    // SAFETY: off the queue, and the source of a default event does not use it any more.
    unsafe {
        let user = (*event).portkev_user as usize;
        if (*event).portkev_flags & PORT_KEV_WIRED == 0 {
            port_free_event_local(event, 0);
        }
        user
    }
}

pub fn event(lwp: &Lwp, fd: i32, alloc: Alloc, user: usize) -> KEvent {
    let event = KEvent::alloc(lwp, fd, alloc, PORT_SOURCE_USER).unwrap();
    event.init(0, user, None);
    event
}

/// A source gives a cached event back through its own cache.
pub fn drop_cached(event: KEvent) {
    event.free();
    // SAFETY: port_free_event leaves cached events to their source, which knows its event.
    let kevent = unsafe { std::mem::transmute::<KEvent, *mut port_kevent_t>(event) };
    // SAFETY: not queued, not used any more.
    unsafe { port_free_event_local(kevent, 0) };
}

/// A thread that waits like a retriever of `nget` events; answers when it was signalled.
pub fn waiter(lwp: &Lwp, nget: u32) -> LwpHandle<()> {
    let handle = lwp.spawn(move |_| {
        locked(|q| {
            // SAFETY: the port is open and locked; the waiter lies on this stack until it is
            // unlinked below.
            unsafe {
                let mut me: portget_t = std::mem::zeroed();
                me.portget_nget = nget;
                (*q).portq_thread = &raw mut me;
                (*q).portq_nget = nget;
                cv_wait(&raw mut me.portget_cv, &raw mut (*q).portq_mutex);
                (*q).portq_thread = ptr::null_mut();
                (*q).portq_nget = 0;
            }
        });
    });
    lwp.settle();
    handle
}

// What the transmutes above and in the cases rely on.
const _: () = assert!(size_of::<KEvent>() == size_of::<*mut c_void>());
