//! The port: genunix's `port_t`, and what this module keeps beside it.
//!
//! Mirrors `sys/port_impl.h`. genunix, mdb and the vnode see a `port_t`; it is
//! the first member of the module's own node, which only this module
//! allocates and frees.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ptr::NonNull;

use bindings::{port_queue_t, port_t, timespec_t};

use super::kmem::KBox;
use super::mutex::Mutex;
use super::poll::PollEvents;
use super::project::ProjectSlot;
use super::queue::QueueGuard;
use super::{fdcache, proc, source, time};

/// What the module allocates for a port.
///
/// # Invariants
///
/// `port` stays first: genunix converts between the two by address.
#[repr(C)]
pub(super) struct PortNode {
    port: port_t,
    /// Protected by portq_mutex: counts how often a retriever found new
    /// events (see `waiter.rs`). Never 0 once a retrieval has run.
    generation: u32,
    /// The project the port is charged to; none until the port is counted.
    project: Option<NonNull<super::project::ProjectPorts>>,
}

/// A live port.
///
/// # Invariants
///
/// A `&Port` exists only while a file reference, or the vnode that a vnode
/// operation got, keeps the node alive; `port_init` has run. Without a file
/// reference the port may be closed.
#[repr(transparent)]
pub struct Port(UnsafeCell<PortNode>);

// SAFETY: every field is either constant after port_init or reached through
// portq_mutex, port_mutex or portq_source_mutex.
unsafe impl Sync for Port {}

/// A port that is not visible to anybody yet.
pub struct NewPort(KBox<PortNode>, PhantomData<*mut ()>);

impl NewPort {
    /// Allocates and initialises a port that takes up to `max_events` events
    /// at a time. May sleep for memory.
    #[inline(never)]
    pub fn port_init(max_events: u32) -> Self {
        // SAFETY: PortNode is plain C data plus an Option of a pointer and an
        // integer; all zeroes is valid.
        let node = unsafe { KBox::<PortNode>::zeroed() };
        let port = node.as_ptr();
        let (uid, gid) = proc::owner();
        // SAFETY: the node is ours alone; the list and mutex functions
        // initialise memory inside it.
        unsafe {
            let pp = &raw mut (*port).port;
            let portq = &raw mut (*pp).port_queue;
            for mutex in [
                &raw mut (*pp).port_mutex,
                &raw mut (*portq).portq_mutex,
                &raw mut (*portq).portq_source_mutex,
            ] {
                bindings::mutex_init(
                    mutex,
                    core::ptr::null_mut(),
                    bindings::MUTEX_DEFAULT as _,
                    core::ptr::null_mut(),
                );
            }
            for list in [
                &raw mut (*portq).portq_list,
                &raw mut (*portq).portq_get_list,
            ] {
                bindings::list_create(
                    list,
                    size_of::<bindings::port_kevent_t>(),
                    core::mem::offset_of!(bindings::port_kevent_t, portkev_node),
                );
            }
            (*pp).port_flags = bindings::PORT_INIT as _;
            (*pp).port_max_list = bindings::port_max_list;
            (*pp).port_max_events = max_events;
            (*pp).port_ctime = time::wall_clock();
            (*pp).port_uid = uid;
            (*pp).port_gid = gid;
            (*pp).port_pid = proc::pid();
            source::allocate(portq);
            fdcache::allocate(portq);
        }
        Self(node, PhantomData)
    }

    /// Charges the port to a project and names it by the descriptor it gets.
    pub fn charge(&mut self, slot: ProjectSlot, fd: i32) {
        // SAFETY: the node is still ours alone.
        unsafe {
            (*self.0.as_ptr()).project = Some(slot.into_raw());
            (*self.0.as_ptr()).port.port_fd = fd;
        }
    }

    pub(super) fn as_ptr(&self) -> *mut port_t {
        self.0.as_ptr().cast()
    }

    /// Makes `vp` the port's vnode.
    pub(super) fn set_vnode(&mut self, vp: *mut bindings::vnode_t) {
        // SAFETY: the node is still ours alone.
        unsafe { (*self.as_ptr()).port_vnode = vp }
    }

    /// Leaves the port to its vnode, whose `port_inactive` destroys it.
    pub fn publish(self) {
        let _ = self.0.into_raw();
    }

    /// Destroys a port that never became visible.
    pub fn abandon(self) {
        let raw = self.0.into_raw();
        // SAFETY: nobody else has seen the port, and its sources are empty.
        unsafe {
            source::free(&raw mut (*raw.as_ptr()).port.port_queue);
            destroy(raw.as_ptr().cast());
        }
    }
}

/// Frees a closed port's memory and gives its project slot back.
///
/// # Safety
///
/// Nobody can reach the port any more, it has no events and no sources.
pub(super) unsafe fn destroy(pp: *mut port_t) -> Option<ProjectSlot> {
    let node: *mut PortNode = pp.cast();
    // SAFETY: the caller vouches for exclusive access.
    unsafe {
        let portq = &raw mut (*pp).port_queue;
        bindings::list_destroy(&raw mut (*portq).portq_list);
        bindings::list_destroy(&raw mut (*portq).portq_get_list);
        fdcache::port_pcache_destroy(portq);
        bindings::mutex_destroy(&raw mut (*pp).port_mutex);
        bindings::mutex_destroy(&raw mut (*portq).portq_mutex);
        bindings::mutex_destroy(&raw mut (*portq).portq_source_mutex);
        let slot = (*node).project.take().map(|raw| ProjectSlot::from_raw(raw));
        drop(KBox::from_raw(NonNull::new_unchecked(node)));
        slot
    }
}

impl Port {
    /// The port at `pp`.
    ///
    /// # Safety
    ///
    /// `pp` is the `v_data` of a port vnode that stays referenced for `'a`.
    #[inline]
    pub(super) unsafe fn from_raw<'a>(pp: *mut port_t) -> &'a Self {
        // SAFETY: the node starts with the port_t; the caller vouches.
        unsafe { &*pp.cast() }
    }

    #[inline]
    pub(super) fn as_ptr(&self) -> *mut port_t {
        self.0.get().cast()
    }

    #[inline]
    pub(super) fn queue_ptr(&self) -> *mut port_queue_t {
        // SAFETY: address computation inside the live node.
        unsafe { &raw mut (*self.as_ptr()).port_queue }
    }

    #[inline]
    pub(super) fn generation_ptr(&self) -> *mut u32 {
        // SAFETY: address computation inside the live node.
        unsafe { &raw mut (*self.0.get()).generation }
    }

    /// Enters `portq_mutex`.
    #[inline]
    pub fn lock(&self) -> QueueGuard<'_> {
        // SAFETY: portq_mutex was initialised by NewPort::port_init.
        let mutex = unsafe { Mutex::from_raw(&raw mut (*self.queue_ptr()).portq_mutex) };
        QueueGuard::new(self, mutex.enter())
    }

    /// Whether the last close has begun before; if not, and if `mark`, it
    /// begins now.
    pub fn is_closed_or_mark(&self, mark: bool) -> bool {
        // SAFETY: port_mutex was initialised; port_flags is protected by it.
        unsafe {
            let mutex = Mutex::from_raw(&raw mut (*self.as_ptr()).port_mutex);
            let held = mutex.enter();
            let flags = &raw mut (*self.as_ptr()).port_flags;
            let closed = *flags & bindings::PORT_CLOSED as u32 != 0;
            if mark {
                *flags |= bindings::PORT_CLOSED as u32;
            }
            drop(held);
            closed
        }
    }

    /// Tells pollers of the port's descriptor. Called without any lock.
    pub fn wake_pollers(&self, events: PollEvents) {
        // SAFETY: the pollhead lies in the live port.
        unsafe { bindings::pollwakeup(&raw mut (*self.as_ptr()).port_pollhd, events.0) }
    }

    /// Owner and time of creation: uid, gid, wall clock.
    pub fn origin(&self) -> (bindings::uid_t, bindings::gid_t, timespec_t) {
        let pp = self.as_ptr();
        // SAFETY: constant after creation.
        unsafe { ((*pp).port_uid, (*pp).port_gid, (*pp).port_ctime) }
    }

    /// The port's vnode.
    pub(super) fn vnode(&self) -> *mut bindings::vnode_t {
        // SAFETY: constant after creation.
        unsafe { (*self.as_ptr()).port_vnode }
    }

    /// The descriptor number that `port_create` returned.
    pub(super) fn fd(&self) -> i32 {
        // SAFETY: constant after creation.
        unsafe { (*self.as_ptr()).port_fd }
    }

    /// How many entries a retrieval may allocate when memory is short.
    pub fn max_list(&self) -> u32 {
        // SAFETY: constant after creation.
        unsafe { (*self.as_ptr()).port_max_list }
    }
}

/// The longest list of one call (`port_max_list`).
pub fn max_list() -> u32 {
    // SAFETY: genunix sets it once.
    unsafe { bindings::port_max_list }
}
