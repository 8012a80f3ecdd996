//! The inside of event ports: `sys/port_impl.h`. genunix (port_subr.c) and portfs share
//! these structures; the protocol between them is described in `kmod`.

use core::ffi::{c_char, c_int, c_void};

use super::flat::*;

layouts! {
    "sys/port_impl.h":

    /// An event port; the private data (`v_data`) of its vnode.
    struct port_t: 256, 8 {
        /// its vnode
        0 pub port_vnode: *mut vnode_t,
        /// guards `port_flags` and the cv
        8 pub port_mutex: kmutex_t,
        /// waiters for room in the port (port_alloc_event_block)
        16 pub port_cv: kcondvar_t,
        /// `PORT_INIT`, `PORT_CLOSED`, `PORT_EVENTS`
        20 pub port_flags: uint_t,
        /// process that created it
        24 pub port_pid: pid_t,
        /// descriptor it was created with
        28 pub port_fd: c_int,
        /// events it may hold
        32 pub port_max_events: uint_t,
        /// most events for one port_getn or port_sendn
        36 pub port_max_list: uint_t,
        /// events allocated now
        40 pub port_curr: uint_t,
        /// pollers of the port
        48 pub port_pollhd: pollhead_t,
        /// creation time
        72 pub port_ctime: timespec_t,
        /// owner
        88 pub port_uid: uid_t,
        /// group
        92 pub port_gid: gid_t,
        /// the queue
        96 pub port_queue: port_queue_t,
    }

    /// The event queue of a port and the line of threads that wait for it.
    struct port_queue_t: 160, 8 {
        /// guards the queue and everything here except `portq_scache`
        0 pub portq_mutex: kmutex_t,
        /// the closing thread waits here
        8 pub portq_closecv: kcondvar_t,
        /// threads wait here while the queue is blocked
        10 pub portq_block_cv: kcondvar_t,
        /// `PORTQ_*`
        12 pub portq_flags: c_int,
        /// events on `portq_list`
        16 pub portq_nent: uint_t,
        /// how many events the waiter in `portq_thread` needs
        20 pub portq_nget: uint_t,
        /// events on the list that a retriever has taken over
        24 pub portq_tnent: uint_t,
        /// threads inside the port; close waits for 0
        28 pub portq_thrcnt: c_int,
        /// retrievers that will look at the queue again
        32 pub portq_getn: c_int,
        /// the waiter that gets the next wakeup
        40 pub portq_thread: *mut portget_t,
        /// fd associations, made at the first one
        48 pub portq_pcp: *mut port_fdcache_t,
        /// the events, oldest first
        56 pub portq_list: list_t,
        /// the part that a retriever has taken over
        88 pub portq_get_list: list_t,
        /// guards `portq_scache`
        120 pub portq_source_mutex: kmutex_t,
        /// hash of the associated sources, `PORT_SCACHE_SIZE` buckets
        128 pub portq_scache: *mut *mut port_source_t,
        /// the alert
        136 pub portq_alert: port_alert_t,
    }

    /// The alert of a port, or of one waiter.
    struct port_alert_t: 24, 8 {
        /// the alert's events; 0 when there is no alert
        0 pub portal_events: c_int,
        /// process that set it
        4 pub portal_pid: pid_t,
        /// the user's object
        8 pub portal_object: uintptr_t,
        /// the user's cookie
        16 pub portal_user: *mut c_void,
    }

    /// A thread that waits in port_get or port_getn.
    struct portget_t: 56, 8 {
        /// `PORTGET_*`
        0 pub portget_state: c_int,
        /// events this thread needs
        4 pub portget_nget: uint_t,
        /// its process
        8 pub portget_pid: pid_t,
        /// where it sleeps
        12 pub portget_cv: kcondvar_t,
        /// copy of the alert that woke it
        16 pub portget_alert: port_alert_t,
        /// next waiter of the ring
        40 pub portget_next: *mut portget_t,
        /// previous waiter of the ring
        48 pub portget_prev: *mut portget_t,
    }

    /// The time-out of a retrieval, as the C module keeps it.
    struct port_gettimer_t: 40, 8 {
        /// whether there is a time-out
        0 pub pgt_flags: ushort_t,
        /// whether the time was taken before
        2 pub pgt_loop: ushort_t,
        /// `timechanged` when the wait began
        4 pub pgt_timecheck: c_int,
        /// end of the wait, wall clock
        8 pub pgt_rqtime: timespec_t,
        /// `pgt_rqtime`, or NULL for a wait without end
        24 pub pgt_rqtp: *mut timespec_t,
        /// the user's time-out
        32 pub pgt_timeout: *mut timespec_t,
    }

    /// What all ports of the system share.
    struct port_control_t: 24, 8 {
        /// guards `pc_nents`
        0 pub pc_mutex: kmutex_t,
        /// ports in the system
        8 pub pc_nents: uint_t,
        /// cache of `port_kevent_t`
        16 pub pc_cache: *mut kmem_cache_t,
    }

    /// The association of an open file with a port.
    struct portfd_t: 120, 8 {
        /// the poll entry
        0 pub pfd_pd: polldat_t,
        /// next port of the same descriptor
        96 pub pfd_next: *mut portfd_t,
        /// previous port of the same descriptor
        104 pub pfd_prev: *mut portfd_t,
        /// thread that made the association
        112 pub pfd_thread: *mut kthread_t,
    }

    /// The association of a file with a port.
    struct portfop_t: 120, 8 {
        /// events asked for
        0 pub pfop_events: c_int,
        /// `PORT_FOP_*`
        4 pub pfop_flags: c_int,
        /// address of the user's `file_obj_t`
        8 pub pfop_object: uintptr_t,
        /// the file
        16 pub pfop_vp: *mut vnode_t,
        /// its directory
        24 pub pfop_dvp: *mut vnode_t,
        /// the port
        32 pub pfop_pp: *mut port_t,
        /// monitor of the file
        40 pub pfop_fem: *mut fem_t,
        /// links in `pvp_pfoplist`
        48 pub pfop_node: list_node_t,
        /// next of the cache bucket
        64 pub pfop_hashnext: *mut portfop_t,
        /// process that made the association
        72 pub pfop_pid: pid_t,
        /// its cache
        80 pub pfop_pcache: *mut portfop_cache_t,
        /// its event
        88 pub pfop_pev: *mut port_kevent_t,
        /// last component of the path
        96 pub pfop_cname: *mut c_char,
        /// its length, with the NUL
        104 pub pfop_clen: c_int,
        /// thread that made the association
        112 pub pfop_callrid: *mut kthread_t,
    }

    /// A vnode that file associations watch (`v_fopdata`).
    struct portfop_vp_t: 96, 8 {
        /// the vnode
        0 pub pvp_vp: *mut vnode_t,
        /// guards the list
        8 pub pvp_mutex: kmutex_t,
        /// associations
        16 pub pvp_cnt: c_int,
        /// the associations
        24 pub pvp_pfoplist: list_t,
        /// links in `pvfs_pvplist`
        56 pub pvp_pvfsnode: list_node_t,
        /// association that is looked at next
        72 pub pvp_lpfop: *mut portfop_t,
        /// the vnode's monitor
        80 pub pvp_femp: *mut fem_t,
        /// the file system
        88 pub pvp_pvfsp: *mut portfop_vfs_t,
    }

    /// A file system that file associations watch.
    struct portfop_vfs_t: 64, 8 {
        /// the file system
        0 pub pvfs: *mut vfs_t,
        /// not 0 while it is being unmounted
        8 pub pvfs_unmount: c_int,
        /// watched vnodes
        16 pub pvfs_pvplist: list_t,
        /// the file system's monitor
        48 pub pvfs_fsemp: *mut fsem_t,
        /// next of the bucket
        56 pub pvfs_next: *mut portfop_vfs_t,
    }

    /// A bucket of watched file systems.
    struct portfop_vfs_hash_t: 16, 8 {
        /// guards the bucket
        0 pub pvfshash_mutex: kmutex_t,
        /// first file system
        8 pub pvfshash_pvfsp: *mut portfop_vfs_t,
    }

    /// The kstat `portfs:0:Event Ports`.
    struct port_kstat_t: 48, 8 {
        /// number of ports
        0 pub pks_ports: kstat_named_t,
    }
}

constants! {
    "sys/port_impl.h":

    /// opcode of port_create(3C)
    PORT_CREATE: c_int = 0;
    /// opcode of port_associate(3C)
    PORT_ASSOCIATE: c_int = 1;
    /// opcode of port_dissociate(3C)
    PORT_DISSOCIATE: c_int = 2;
    /// opcode of port_send(3C)
    PORT_SEND: c_int = 3;
    /// opcode of port_sendn(3C)
    PORT_SENDN: c_int = 4;
    /// opcode of port_get(3C)
    PORT_GET: c_int = 5;
    /// opcode of port_getn(3C)
    PORT_GETN: c_int = 6;
    /// opcode of port_alert(3C)
    PORT_ALERT: c_int = 7;
    /// opcode of libc's port_dispatch
    PORT_DISPATCH: c_int = 8;
    /// opcode bit: the first argument is no port
    PORT_SYS_NOPORT: c_int = 0x100;
    /// opcode bit of port_dispatch: only this process gets the event
    PORT_SYS_NOSHARE: c_int = 0x200;
    /// the opcode without its bits
    PORT_CODE_MASK: c_int = 0xff;
    /// dispatch flag: any process may get the event
    PORT_SHARE_EVENT: c_int = 1;
    /// most events for one port_getn or port_sendn
    PORT_MAX_LIST: c_int = 0x2000;
    /// buckets of the source hash
    PORT_SCACHE_SIZE: c_int = 0x10;
    /// a source has ended its work for a port
    PORT_CLEANUP_DONE: c_int = 0x30;
    /// the event is kept in a cache
    PORT_KEV_CACHE: c_int = 6;
    /// the event stays with its association
    PORT_KEV_WIRED: c_int = 7;
    /// the port is in alert mode
    PORTQ_ALERT: c_int = 1;
    /// the port is being closed
    PORTQ_CLOSE: c_int = 2;
    /// a thread that holds the queue waits for events
    PORTQ_WAIT_EVENTS: c_int = 4;
    /// a poller waits for events
    PORTQ_POLLIN: c_int = 8;
    /// a poller waits for room
    PORTQ_POLLOUT: c_int = 0x10;
    /// the queue is blocked
    PORTQ_BLOCKED: c_int = 0x20;
    /// a wakeup of pollers is going on
    PORTQ_POLLWK_PEND: c_int = 0x40;
    /// the port is ready for use
    PORT_INIT: c_int = 1;
    /// the port is closed
    PORT_CLOSED: c_int = 2;
    /// threads wait for room (`port_cv`)
    PORT_EVENTS: c_int = 4;
    /// woken by an alert
    PORTGET_ALERT: c_int = 1;
    /// this thread needs one event
    PORTGET_ONE: c_int = 1;
    /// counted in `portq_getn`
    PORTGET_WAIT_EVENTS: c_int = 2;
    PORT_FOP_ACTIVE: c_int = 1;
    PORT_FOP_REMOVING: c_int = 2;
    PORT_FOP_KEV_ONQ: c_int = 4;
    PORTFOP_PVFSHASH_SZ: c_int = 256;
    FOP_FILE_OPEN: c_int = 1;
    FOP_FILE_READ: c_int = 2;
    FOP_FILE_WRITE: c_int = 4;
    FOP_FILE_MAP: c_int = 8;
    FOP_FILE_IOCTL: c_int = 0x10;
    FOP_FILE_CREATE: c_int = 0x20;
    FOP_FILE_MKDIR: c_int = 0x40;
    FOP_FILE_SYMLINK: c_int = 0x80;
    FOP_FILE_LINK: c_int = 0x100;
    FOP_FILE_RENAME: c_int = 0x200;
    FOP_FILE_REMOVE: c_int = 0x400;
    FOP_FILE_RMDIR: c_int = 0x800;
    FOP_FILE_READDIR: c_int = 0x1000;
    FOP_FILE_RENAMESRC: c_int = 0x2000;
    FOP_FILE_RENAMEDST: c_int = 0x4000;
    FOP_FILE_REMOVEFILE: c_int = 0x8000;
    FOP_FILE_REMOVEDIR: c_int = 0x10000;
    FOP_FILE_SETSECATTR: c_int = 0x20000;
    FOP_FILE_SETATTR_ATIME: c_int = 0x40000;
    FOP_FILE_SETATTR_MTIME: c_int = 0x80000;
    FOP_FILE_SETATTR_CTIME: c_int = 0x100000;
    FOP_FILE_LINK_SRC: c_int = 0x200000;
    FOP_FILE_TRUNC: c_int = 0x400000;
    FOP_MODIFIED_MASK: c_int = 0x86de4;
    FOP_ACCESS_MASK: c_int = 0x4100a;
    FOP_ATTRIB_MASK: c_int = 0x326de4;
    FOP_TRUNC_MASK: c_int = 0x400020;
    FILE_EVENTS_MASK: c_int = 0x10100007;
}

functions! {
    "os/port_subr.c":

    /// Frees the file-source data of a vnode.
    fn free_fopdata(vp: *mut vnode_t);
}

unsafe extern "C" {
    /// What all ports share.
    pub static mut port_control: port_control_t;
    /// Most events for one port_getn or port_sendn, for ports made from now on.
    pub static mut port_max_list: uint_t;
}
