//! Event sources registered with a port.
//!
//! Mirrors `port_source_t` and the part of `port_subr.c` that registers them.
//! The table hangs off the port in a layout that genunix shares
//! (`port_associate_ksource` for timers). Sources are told when a process
//! closes the port; they are called with no lock held: their callbacks enter
//! locks (`p_lock`, the source's own) from under which genunix enters
//! `portq_source_mutex` (D12, D19). The sources of this module are no entries
//! of the table: `source/mod.rs` tells them.
//!
//! Timers are an entry that all ports share. genunix drops its reference when
//! a timer is deleted, but finds the port by a descriptor number that may be
//! closed or mean another port by then (D10). This entry can stand it: its
//! count does not get to 0, so it is never unlinked or freed.

use core::ffi::{c_int, c_void};
use core::mem::size_of;
use core::ptr;
use core::sync::atomic::{AtomicI32, Ordering};

use bindings::{port_ksource_t, port_queue_t, port_source_t};

use super::aio;
use super::event::Source;
use super::module::CGlobal;
use super::mutex::Mutex;
use super::port::Port;
use super::proc;

const BUCKETS: usize = bindings::PORT_SCACHE_SIZE as usize;
/// Where genunix looks for timers. No other source has this bucket.
const TIMER_BUCKET: usize = bindings::PORT_SOURCE_TIMER as usize % BUCKETS;

type Close = unsafe extern "C" fn(*mut c_void, c_int, bindings::pid_t, c_int);

/// A static table that C code may read.
#[repr(transparent)]
pub struct KsourceTable([port_ksource_t; 2]);

// SAFETY: never written.
unsafe impl Sync for KsourceTable {}

/// Sources that every port has from its creation; ends with source 0.
#[unsafe(no_mangle)]
pub static port_ksource_tab: KsourceTable = KsourceTable([
    port_ksource_t {
        pks_source: bindings::PORT_SOURCE_AIO as _,
        pks_close: Some(bindings::aio_close_port),
        pks_closearg: ptr::null_mut(),
        pks_portsrc: ptr::null_mut(),
    },
    port_ksource_t {
        pks_source: 0,
        pks_close: None,
        pks_closearg: ptr::null_mut(),
        pks_portsrc: ptr::null_mut(),
    },
]);

/// The entry for timers of every port. Its callback is not called:
/// `timer.rs` knows better which timers are a port's.
static TIMERS: CGlobal<port_source_t> = CGlobal::new(port_source_t {
    portsrc_source: bindings::PORT_SOURCE_TIMER as _,
    portsrc_cnt: PINNED,
    portsrc_close: None,
    portsrc_closearg: ptr::null_mut(),
    portsrc_data: ptr::null_mut(),
    portsrc_next: ptr::null_mut(),
    portsrc_prev: ptr::null_mut(),
});

/// A count far from 0 and from overflow. It is set anew with every port and
/// every close of a port's descriptor. What wrong numbers add or take therefore
/// never adds up: a number is wrong only after a close.
const PINNED: i32 = 1 << 30;

/// Undoes what wrong descriptor numbers did to the count of timers.
pub fn pin_timers() {
    // SAFETY: an aligned counter. genunix changes it under the lock of one
    // port or another, so no lock would help.
    let count = unsafe { AtomicI32::from_ptr(&raw mut (*TIMERS.as_ptr()).portsrc_cnt) };
    count.store(PINNED, Ordering::Relaxed);
}

/// Which close the sources are told about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CloseKind {
    /// A process gave the port up, others still hold it.
    Partial,
    /// Nobody holds the port any more.
    Last,
}

/// Gives a new port its table, with the sources every port has.
///
/// # Safety
///
/// `portq` is a queue of a port nobody else can see.
pub(super) unsafe fn allocate(portq: *mut port_queue_t) {
    // SAFETY: the caller owns the port; KM_SLEEP does not fail.
    unsafe {
        (*portq).portq_scache = bindings::kmem_zalloc(
            BUCKETS * size_of::<*mut port_source_t>(),
            bindings::KM_SLEEP,
        )
        .cast();
        for pks in &port_ksource_tab.0 {
            if pks.pks_source != 0 {
                port_add_ksource_local(portq, pks);
            }
        }
        pin_timers();
        *(*portq).portq_scache.add(TIMER_BUCKET) = TIMERS.as_ptr();
    }
}

/// Registers a source at the head of its bucket, both links right (D27).
///
/// # Safety
///
/// As for [`allocate`].
#[inline(never)]
unsafe fn port_add_ksource_local(portq: *mut port_queue_t, pks: &port_ksource_t) {
    // SAFETY: the caller owns the port; KM_SLEEP does not fail.
    unsafe {
        let bucket = (*portq).portq_scache.add(pks.pks_source as usize % BUCKETS);
        let pse: *mut port_source_t =
            bindings::kmem_zalloc(size_of::<port_source_t>(), bindings::KM_SLEEP).cast();
        (*pse).portsrc_source = pks.pks_source;
        (*pse).portsrc_close = pks.pks_close;
        (*pse).portsrc_closearg = pks.pks_closearg;
        (*pse).portsrc_cnt = 1;
        (*pse).portsrc_next = *bucket;
        if !(*bucket).is_null() {
            (**bucket).portsrc_prev = pse;
        }
        *bucket = pse;
    }
}

/// Frees the table of a port that has told its sources good-bye, or that
/// never became visible.
///
/// # Safety
///
/// Nobody can reach the table any more.
pub(super) unsafe fn free(portq: *mut port_queue_t) {
    // SAFETY: the caller vouches for exclusive access.
    unsafe {
        if (*portq).portq_scache.is_null() {
            return;
        }
        *(*portq).portq_scache.add(TIMER_BUCKET) = ptr::null_mut();
        for at in 0..BUCKETS {
            let bucket = (*portq).portq_scache.add(at);
            while let Some(pse) = pop(bucket) {
                bindings::kmem_free(pse.cast(), size_of::<port_source_t>());
            }
        }
        bindings::kmem_free(
            (*portq).portq_scache.cast(),
            BUCKETS * size_of::<*mut port_source_t>(),
        );
        (*portq).portq_scache = ptr::null_mut();
    }
}

/// Takes the first source out of a bucket.
///
/// # Safety
///
/// `bucket` is valid and protected by the caller.
unsafe fn pop(bucket: *mut *mut port_source_t) -> Option<*mut port_source_t> {
    // SAFETY: the caller vouches for the bucket; its entries are live.
    unsafe {
        let pse = *bucket;
        if pse.is_null() {
            return None;
        }
        *bucket = (*pse).portsrc_next;
        if !(*bucket).is_null() {
            (**bucket).portsrc_prev = ptr::null_mut();
        }
        Some(pse)
    }
}

/// The first source of a bucket, null if there is none or no table any more.
///
/// # Safety
///
/// `portq` is live and its table protected by the caller.
unsafe fn first(portq: *mut port_queue_t, at: usize) -> *mut port_source_t {
    // SAFETY: the caller vouches for the table.
    unsafe {
        let table = (*portq).portq_scache;
        if table.is_null() {
            ptr::null_mut()
        } else {
            *table.add(at)
        }
    }
}

impl Port {
    /// Tells the sources of the table that the calling process closes the
    /// port. After a last close the table is gone.
    pub fn close_sources(&self, kind: CloseKind) {
        if kind == CloseKind::Partial {
            self.settle_aio();
        }
        for at in (0..BUCKETS).filter(|at| *at != TIMER_BUCKET) {
            match kind {
                CloseKind::Partial => self.notify_bucket(at),
                CloseKind::Last => self.drain_bucket(at),
            }
        }
        if kind == CloseKind::Last {
            // SAFETY: last close: no descriptor leads here any more.
            unsafe { free(self.queue_ptr()) }
        }
    }

    fn source_mutex(&self) -> &Mutex {
        // SAFETY: portq_source_mutex was initialised by NewPort::port_init.
        unsafe { Mutex::from_raw(&raw mut (*self.queue_ptr()).portq_source_mutex) }
    }

    fn notify_bucket(&self, at: usize) {
        // By position, since entries may come and go between two calls; the
        // seven sources that exist never share a bucket.
        for nth in 0.. {
            let held = self.source_mutex().enter();
            // SAFETY: the table is protected by portq_source_mutex.
            let found = unsafe {
                let mut pse = first(self.queue_ptr(), at);
                for _ in 0..nth {
                    if !pse.is_null() {
                        pse = (*pse).portsrc_next;
                    }
                }
                (!pse.is_null()).then(|| Callback::of(pse))
            };
            drop(held);
            let Some(callback) = found else { return };
            self.call(callback, CloseKind::Partial);
        }
    }

    fn drain_bucket(&self, at: usize) {
        loop {
            let held = self.source_mutex().enter();
            // SAFETY: the table is protected by portq_source_mutex.
            let popped = unsafe {
                let table = (*self.queue_ptr()).portq_scache;
                if table.is_null() {
                    None
                } else {
                    pop(table.add(at))
                }
            };
            drop(held);
            let Some(pse) = popped else { return };
            // SAFETY: popped, so this thread is the only one to know it.
            unsafe {
                self.call(Callback::of(pse), CloseKind::Last);
                bindings::kmem_free(pse.cast(), size_of::<port_source_t>());
            }
        }
    }

    /// AIO, which was settled by identity, is told a number that finds
    /// nothing; others, as by C, the number that `port_create`
    /// returned.
    fn call(&self, callback: Callback, kind: CloseKind) {
        let Some(close) = callback.close else { return };
        let number = match Source(callback.source) {
            Source::AIO => aio::NO_PORT,
            _ => self.fd(),
        };
        // SAFETY: the source registered the function with this argument, to
        // be called by a closing process without locks.
        unsafe {
            close(
                callback.arg,
                number,
                proc::pid(),
                i32::from(kind == CloseKind::Last),
            )
        }
    }
}

/// What a source wants called at a close.
struct Callback {
    source: i32,
    close: Option<Close>,
    arg: *mut c_void,
}

impl Callback {
    /// # Safety
    ///
    /// The entry is live and protected by the caller.
    unsafe fn of(pse: *mut port_source_t) -> Self {
        // SAFETY: the caller vouches.
        unsafe {
            Self {
                source: (*pse).portsrc_source,
                close: (*pse).portsrc_close,
                arg: (*pse).portsrc_closearg,
            }
        }
    }
}
