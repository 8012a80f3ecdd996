//! Event ports as kernel sources see them: `sys/port_kernel.h`.

use core::ffi::{c_int, c_long, c_uint, c_void};

use super::flat::*;

signatures! {
    "sys/port_kernel.h":

    /// Callback of an event: `(arg, events, pid, PORT_CALLBACK_*, event)`. 0 delivers the event, an
    /// errno (EACCES) leaves it for another process; it may change `*events`.
    port_callback_t(*mut c_void, *mut c_int, pid_t, c_int, *mut c_void) -> c_int;
    /// Close callback of a source: `(arg, port descriptor, pid, last close)`.
    port_close_t(*mut c_void, c_int, pid_t, c_int);
}

layouts! {
    "sys/port_kernel.h":

    /// An event inside the kernel.
    struct port_kevent_t: 80, 8 {
        /// guards the event
        0 pub portkev_lock: kmutex_t,
        /// `PORT_SOURCE_*`
        8 pub portkev_source: c_int,
        /// what happened
        12 pub portkev_events: c_int,
        /// `PORT_KEV_*`
        16 pub portkev_flags: c_int,
        /// process it belongs to (with `PORT_KEV_NOSHARE`: the only one that gets it)
        20 pub portkev_pid: pid_t,
        /// what it happened to
        24 pub portkev_object: c_long,
        /// the user's cookie
        32 pub portkev_user: *mut c_void,
        /// asked at delivery, dissociate and close; `(arg, events, pid, PORT_CALLBACK_*, event)`, 0 to deliver
        40 pub portkev_callback: Option<unsafe extern "C" fn(*mut c_void, *mut c_int, pid_t, c_int, *mut c_void) -> c_int>,
        /// first argument of the callback
        48 pub portkev_arg: *mut c_void,
        /// its port
        56 pub portkev_port: *mut port_t,
        /// links of the queue
        64 pub portkev_node: list_node_t,
    }

    /// A source that is associated with a port.
    struct port_source_t: 48, 8 {
        /// `PORT_SOURCE_*`
        0 pub portsrc_source: c_int,
        /// associations of the source
        4 pub portsrc_cnt: c_int,
        /// called when the port is closed; `(arg, port fd, pid, last close)`
        8 pub portsrc_close: Option<unsafe extern "C" fn(*mut c_void, c_int, pid_t, c_int)>,
        /// first argument of `portsrc_close`
        16 pub portsrc_closearg: *mut c_void,
        /// the source's own data
        24 pub portsrc_data: *mut c_void,
        /// next of the bucket
        32 pub portsrc_next: *mut port_source_t,
        /// previous of the bucket
        40 pub portsrc_prev: *mut port_source_t,
    }

    /// A kernel source that every port knows from the start.
    struct port_ksource_t: 32, 8 {
        /// `PORT_SOURCE_*`
        0 pub pks_source: c_int,
        /// close callback
        8 pub pks_close: Option<unsafe extern "C" fn(*mut c_void, c_int, pid_t, c_int)>,
        /// its first argument
        16 pub pks_closearg: *mut c_void,
        /// the source
        24 pub pks_portsrc: *mut c_void,
    }

    /// The fd associations of a port, hashed by descriptor.
    struct port_fdcache_t: 48, 8 {
        /// guards the cache
        0 pub pc_lock: kmutex_t,
        /// last close waits here
        8 pub pc_lclosecv: kcondvar_t,
        /// buckets
        16 pub pc_hash: *mut *mut portfd_t,
        /// number of buckets
        24 pub pc_hashsize: c_int,
        /// associations
        28 pub pc_fdcount: c_int,
        32 pub _pc_pad: uintptr_t,
        /// `PC_*`
        40 pub pc_flag: c_int,
    }

    /// The file associations of a port.
    struct portfop_cache_t: 2064, 8 {
        /// guards the cache
        0 pub pfc_lock: kmutex_t,
        /// last close waits here
        8 pub pfc_lclosecv: kcondvar_t,
        /// associations
        12 pub pfc_objcount: c_int,
        /// buckets
        16 pub pfc_hash: [*mut portfop_t; 256],
    }
}

constants! {
    "sys/port_kernel.h":

    /// the source frees the event itself
    PORT_KEV_PRIVATE: c_int = 1;
    /// the event is kept by its source
    PORT_KEV_CACHED: c_int = 2;
    /// the event is kept in the port's cache
    PORT_KEV_SCACHED: c_int = 4;
    /// the event reports something
    PORT_KEV_VALID: c_int = 8;
    /// the event is on the queue
    PORT_KEV_DONEQ: c_int = 0x10;
    /// to be freed by the one who takes it off the queue
    PORT_KEV_FREE: c_int = 0x20;
    /// only `portkev_pid` may get it
    PORT_KEV_NOSHARE: c_int = 0x40;
    /// one use
    PORT_ALLOC_DEFAULT: c_int = 0;
    /// source's own, from its own memory
    PORT_ALLOC_PRIVATE: c_int = 1;
    /// source's own, used again and again
    PORT_ALLOC_CACHED: c_int = 2;
    /// port's own, used again and again
    PORT_ALLOC_SCACHED: c_int = 4;
    /// the event is being delivered
    PORT_CALLBACK_DEFAULT: c_int = 0;
    /// the port is being closed
    PORT_CALLBACK_CLOSE: c_int = 1;
    /// the association is being ended
    PORT_CALLBACK_DISSOCIATE: c_int = 2;
    /// default limit of ports of a project
    PORT_DEFAULT_PORTS: c_int = 0x2000;
    /// greatest limit of ports of a project
    PORT_MAX_PORTS: c_int = 0x10000;
    /// default limit of events of a port
    PORT_DEFAULT_EVENTS: c_int = 0x10000;
    /// greatest limit of events of a port
    PORT_MAX_EVENTS: c_uint = 2147483647;
    /// buckets of `portfop_cache_t`
    PORTFOP_HASHSIZE: c_int = 256;
}

functions! {
    "sys/port_kernel.h":

    /// Allocates an event for the port behind a descriptor. EBADF, EBADFD, EAGAIN (limit), ENOMEM.
    fn port_alloc_event(port: c_int, flags: c_int, source: c_int, pkevpp: *mut *mut port_kevent_t) -> c_int;
    /// Allocates an event for this port. EAGAIN at the limit, ENOMEM.
    fn port_alloc_event_local(pp: *mut port_t, source: c_int, flags: c_int, pkevpp: *mut *mut port_kevent_t) -> c_int;
    /// Sets what an event reports and its callback.
    fn port_init_event(pkevp: *mut port_kevent_t, object: uintptr_t, user: *mut c_void, port_callback: Option<unsafe extern "C" fn(*mut c_void, *mut c_int, pid_t, c_int, *mut c_void) -> c_int>, sysarg: *mut c_void);
    /// Allocates a second event like this one.
    fn port_dup_event(pkevp: *mut port_kevent_t, pkevdupp: *mut *mut port_kevent_t, flags: c_int) -> c_int;
    /// Queues an event and wakes a waiter.
    fn port_send_event(pkevp: *mut port_kevent_t);
    /// Frees an event of a kernel source.
    fn port_free_event(pkevp: *mut port_kevent_t);
    /// Frees an event; `counter` not 0: it no longer counts against the port.
    fn port_free_event_local(pkevp: *mut port_kevent_t, counter: c_int);
    /// Whether pollers of a port have to be woken; `portq_mutex` held.
    fn port_pollwkup(pp: *mut port_t) -> c_int;
    /// Ends what `port_pollwkup` began.
    fn port_pollwkdone(pp: *mut port_t);
    /// Makes a source known to a port.
    fn port_associate_ksource(port: c_int, source: c_int, portsrc: *mut *mut port_source_t, port_src_close: Option<unsafe extern "C" fn(*mut c_void, c_int, pid_t, c_int)>, port_src_closearg: *mut c_void, port_src_associate: Option<unsafe extern "C" fn(*mut port_kevent_t, c_int, c_int, uintptr_t, *mut c_void) -> c_int>) -> c_int;
    /// Takes a reference to a source off a port.
    fn port_dissociate_ksource(port: c_int, source: c_int, ps: *mut port_source_t) -> c_int;
    /// Ends a port association because its descriptor is closed.
    fn port_close_pfd(pfd: *mut portfd_t);

    "sys/port_impl.h":

    /// As `port_alloc_event_local`, but waits for room instead of EAGAIN. EINTR.
    fn port_alloc_event_block(pp: *mut port_t, source: c_int, flags: c_int, pkevpp: *mut *mut port_kevent_t) -> c_int;
    /// Takes an event off the queue; not 0 when it was on it.
    fn port_remove_done_event(pkevp: *mut port_kevent_t) -> c_int;
    /// Puts the events of a retriever back in front of the queue.
    fn port_push_eventq(portq: *mut port_queue_t);
    /// Blocks the queue so that nobody takes events from it; `portq_mutex` held.
    fn port_block(portq: *mut port_queue_t);
    /// Ends `port_block`.
    fn port_unblock(portq: *mut port_queue_t);
    /// Frees a port association of the fd cache; the caller holds the cache lock.
    fn port_pcache_remove_fd(pcp: *mut port_fdcache_t, pfd: *mut portfd_t);
    /// Ends an fd association together with its event.
    fn port_remove_fd_object(pfd: *mut portfd_t, pp: *mut port_t, pcp: *mut port_fdcache_t) -> c_int;
}
