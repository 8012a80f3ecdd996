//! Files inside the kernel: `sys/vnode.h`. The operations are in `vnodeops`.

use core::ffi::{c_char, c_int, c_short, c_uint, c_void};

use super::flat::*;

scalars! {
    "sys/vnode.h":

    /// Kind of a file: `VREG`, `VPORT` ...
    vtype_t = c_uint;
    /// Event on a vnode: `VE_*`.
    vnevent_t = c_uint;
    /// Whether create insists on a new file.
    vcexcl_t = c_uint;
    /// Whether a lookup follows a symbolic link at the end.
    symfollow_t = c_uint;
}

layouts! {
    "sys/vnode.h":

    /// A file inside the kernel.
    struct vnode_t: 216, 8 {
        /// guards the vnode's own fields
        0 pub v_lock: kmutex_t,
        /// `VROOT`, `VNOMAP`, `VNOSWAP` ...
        8 pub v_flag: uint_t,
        /// holds
        12 pub v_count: uint_t,
        /// private data of the file system; a port's `port_t`
        16 pub v_data: *mut c_void,
        /// file system
        24 pub v_vfsp: *mut vfs_t,
        32 pub v_stream: *mut c_void,
        /// `VREG`, `VPORT` ...
        40 pub v_type: vtype_t,
        /// device
        48 pub v_rdev: dev_t,
        56 pub v_vfsmountedhere: *mut vfs_t,
        /// operations
        64 pub v_op: *mut vnodeops_t,
        72 pub v_pages: *mut c_void,
        80 pub v_filocks: *mut c_void,
        88 pub v_shrlocks: *mut c_void,
        96 pub v_nbllock: krwlock_t,
        104 pub v_cv: kcondvar_t,
        112 pub v_locality: *mut c_void,
        /// monitors
        120 pub v_femhead: *mut fem_head,
        /// path it was last found under
        128 pub v_path: *mut c_char,
        136 pub v_path_stamp: hrtime_t,
        144 pub v_rdcnt: uint_t,
        148 pub v_wrcnt: uint_t,
        152 pub v_mmap_read: u_longlong_t,
        160 pub v_mmap_write: u_longlong_t,
        168 pub v_mpssdata: *mut c_void,
        /// file associations of ports (`portfop_vp_t`)
        176 pub v_fopdata: *mut c_void,
        184 pub v_vsd_lock: kmutex_t,
        192 pub v_vsd: *mut c_void,
        200 pub v_xattrdir: *mut vnode_t,
        208 pub v_count_dnlc: uint_t,
    }

    /// File attributes; `va_mask` tells which ones count.
    struct vattr_t: 136, 8 {
        /// `AT_*`: what counts
        0 pub va_mask: uint_t,
        /// kind of file
        4 pub va_type: vtype_t,
        /// permission bits
        8 pub va_mode: mode_t,
        12 pub va_uid: uid_t,
        16 pub va_gid: gid_t,
        /// device of the file system
        24 pub va_fsid: dev_t,
        /// node number
        32 pub va_nodeid: u_longlong_t,
        /// links
        40 pub va_nlink: nlink_t,
        /// size in bytes; of a port: its events
        48 pub va_size: u_offset_t,
        56 pub va_atime: timestruc_t,
        72 pub va_mtime: timestruc_t,
        88 pub va_ctime: timestruc_t,
        104 pub va_rdev: dev_t,
        /// block size for I/O
        112 pub va_blksize: uint_t,
        /// blocks of 512 bytes
        120 pub va_nblocks: u_longlong_t,
        128 pub va_seq: uint_t,
    }

    /// Access control lists of a file.
    struct vsecattr_t: 48, 8 {
        0 pub vsa_mask: uint_t,
        4 pub vsa_aclcnt: c_int,
        8 pub vsa_aclentp: *mut c_void,
        16 pub vsa_dfaclcnt: c_int,
        24 pub vsa_dfaclentp: *mut c_void,
        32 pub vsa_aclentsz: size_t,
        40 pub vsa_aclflags: uint_t,
    }

    /// Who calls a vnode operation, for locks and delegations.
    struct caller_context_t: 24, 8 {
        0 pub cc_pid: pid_t,
        4 pub cc_sysid: c_int,
        8 pub cc_caller_id: u_longlong_t,
        16 pub cc_flags: ulong_t,
    }

    "sys/share.h":

    /// A share reservation.
    struct shrlock = "struct shrlock": 24, 8 {
        0 pub s_access: c_short,
        2 pub s_deny: c_short,
        4 pub s_sysid: i32,
        8 pub s_pid: pid_t,
        12 pub s_own_len: c_int,
        16 pub s_owner: caddr_t,
    }
}

constants! {
    "sys/vnode.h":

    VROOT: c_int = 1;
    VNOCACHE: c_int = 2;
    VNOMAP: c_int = 4;
    VDUP: c_int = 8;
    VNOSWAP: c_int = 0x10;
    VNOMOUNT: c_int = 0x20;
    VISSWAP: c_int = 0x40;
    VSWAPLIKE: c_int = 0x80;
    VVFSLOCK: c_int = 0x100;
    VVFSWAIT: c_int = 0x200;
    VVMLOCK: c_int = 0x400;
    VDIROPEN: c_int = 0x800;
    VVMEXEC: c_int = 0x1000;
    VPXFS: c_int = 0x2000;
    V_XATTRDIR: c_int = 0x4000;
    V_LOCALITY: c_int = 0x8000;
    VMODSORT: c_int = 0x10000;
    VISSWAPFS: c_int = 0x20000;
    V_SYSATTR: c_int = 0x40000;
    VTRAVERSE: c_int = 0x80000;
    AT_TYPE: c_int = 1;
    AT_MODE: c_int = 2;
    AT_UID: c_int = 4;
    AT_GID: c_int = 8;
    AT_FSID: c_int = 0x10;
    AT_NODEID: c_int = 0x20;
    AT_NLINK: c_int = 0x40;
    AT_SIZE: c_int = 0x80;
    AT_ATIME: c_int = 0x100;
    AT_MTIME: c_int = 0x200;
    AT_CTIME: c_int = 0x400;
    AT_RDEV: c_int = 0x800;
    AT_BLKSIZE: c_int = 0x1000;
    AT_NBLOCKS: c_int = 0x2000;
    AT_SEQ: c_int = 0x8000;
    AT_XVATTR: c_int = 0x10000;
    AT_ALL: c_int = 0xbfff;
    AT_STAT: c_int = 0xfff;
    AT_TIMES: c_int = 0x700;
    AT_NOSET: c_int = 0xb871;
    VSUID: c_int = 0x800;
    VSGID: c_int = 0x400;
    VSVTX: c_int = 0x200;
    VREAD: c_int = 0x100;
    VWRITE: c_int = 0x80;
    VEXEC: c_int = 0x40;
    V_ACE_MASK: c_int = 1;
    V_APPEND: c_int = 2;
    V_TRUE: c_int = 1;
    V_FALSE: c_int = 0;
    LOOKUP_DIR: c_int = 1;
    LOOKUP_XATTR: c_int = 2;
    CREATE_XATTR_DIR: c_int = 4;
    LOOKUP_HAVE_SYSATTR_DIR: c_int = 8;
    LOOKUP_NOACLCHECK: c_int = 32;
    V_RDDIR_ENTFLAGS: c_int = 1;
    V_RDDIR_ACCFILTER: c_int = 2;
    V_WRITELOCK_TRUE: c_int = 1;
    V_WRITELOCK_FALSE: c_int = 0;
    ATTR_UTIME: c_int = 1;
    ATTR_EXEC: c_int = 2;
    ATTR_COMM: c_int = 4;
    ATTR_HINT: c_int = 8;
    ATTR_REAL: c_int = 16;
    ATTR_NOACLCHECK: c_int = 32;
    ATTR_TRIGGER: c_int = 64;
    ATTR_NOIMPLICIT: c_int = 128;
    VNON: vtype_t = 0;
    VREG: vtype_t = 1;
    VDIR: vtype_t = 2;
    VBLK: vtype_t = 3;
    VCHR: vtype_t = 4;
    VLNK: vtype_t = 5;
    VFIFO: vtype_t = 6;
    VDOOR: vtype_t = 7;
    VPROC: vtype_t = 8;
    VSOCK: vtype_t = 9;
    /// an event port
    VPORT: vtype_t = 10;
    VBAD: vtype_t = 11;
    NO_FOLLOW: symfollow_t = 0;
    FOLLOW: symfollow_t = 1;
    NONEXCL: vcexcl_t = 0;
    EXCL: vcexcl_t = 1;
    VE_SUPPORT: vnevent_t = 0;
    VE_RENAME_SRC: vnevent_t = 1;
    VE_RENAME_DEST: vnevent_t = 2;
    VE_REMOVE: vnevent_t = 3;
    VE_RMDIR: vnevent_t = 4;
    VE_CREATE: vnevent_t = 5;
    VE_LINK: vnevent_t = 6;
    VE_RENAME_DEST_DIR: vnevent_t = 7;
    VE_MOUNTEDOVER: vnevent_t = 8;
    VE_TRUNCATE: vnevent_t = 9;
    VE_PRE_RENAME_SRC: vnevent_t = 10;
    VE_PRE_RENAME_DEST: vnevent_t = 11;
    VE_PRE_RENAME_DEST_DIR: vnevent_t = 12;
}

functions! {
    "sys/vnode.h":

    /// A fresh vnode with one hold.
    fn vn_alloc(kmflag: c_int) -> *mut vnode_t;
    /// Frees a vnode.
    fn vn_free(vp: *mut vnode_t);
    /// Makes a recycled vnode fresh.
    fn vn_reinit(vp: *mut vnode_t);
    /// Drops a hold; the last one calls `VOP_INACTIVE`.
    fn vn_rele(vp: *mut vnode_t);
    /// Sets the operations of a vnode.
    fn vn_setops(vp: *mut vnode_t, vnodeops: *mut vnodeops_t);
    /// Frees what `vn_make_ops` made.
    fn vn_freevnodeops(vnops: *mut vnodeops_t);
    /// 0 when the file system reports events on this vnode.
    fn vnevent_support(vp: *mut vnode_t, ct: *mut caller_context_t) -> c_int;
    /// `VOP_GETATTR`.
    fn fop_getattr(vp: *mut vnode_t, vap: *mut vattr_t, flags: c_int, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// `VOP_POLL`.
    fn fop_poll(vp: *mut vnode_t, events: c_short, anyyet: c_int, reventsp: *mut c_short, phpp: *mut *mut pollhead_t, ct: *mut caller_context_t) -> c_int;
    /// `VOP_REALVP`.
    fn fop_realvp(vp: *mut vnode_t, vpp: *mut *mut vnode_t, ct: *mut caller_context_t) -> c_int;

    "sys/vfs_opreg.h":

    /// Makes the operations of a vnode from a template. EINVAL when the template is wrong.
    fn vn_make_ops(name: *const c_char, templ: *const fs_operation_def_t, actual: *mut *mut vnodeops_t) -> c_int;
}
