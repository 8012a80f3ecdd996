//! Monitors over vnodes and file systems: `sys/fem.h`.

use core::ffi::{c_char, c_int, c_short, c_uint, c_void};

use super::flat::*;

signatures! {
    "sys/fem.h":

    /// Function type of the monitored VOP `open`.
    femop_open_t(*mut femarg_t, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `close`.
    femop_close_t(
        *mut femarg_t, c_int, c_int, offset_t, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `read`.
    femop_read_t(*mut femarg_t, *mut uio_t, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `write`.
    femop_write_t(*mut femarg_t, *mut uio_t, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `ioctl`.
    femop_ioctl_t(
        *mut femarg_t, c_int, intptr_t, c_int, *mut cred_t, *mut c_int, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `setfl`.
    femop_setfl_t(*mut femarg_t, c_int, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `getattr`.
    femop_getattr_t(
        *mut femarg_t, *mut vattr_t, c_int, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `setattr`.
    femop_setattr_t(
        *mut femarg_t, *mut vattr_t, c_int, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `access`.
    femop_access_t(*mut femarg_t, c_int, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `lookup`.
    femop_lookup_t(
        *mut femarg_t, *mut c_char, *mut *mut vnode_t, *mut pathname_t, c_int, *mut vnode_t,
        *mut cred_t, *mut caller_context_t, *mut c_int, *mut pathname_t
    ) -> c_int;
    /// Function type of the monitored VOP `create`.
    femop_create_t(
        *mut femarg_t, *mut c_char, *mut vattr_t, vcexcl_t, c_int, *mut *mut vnode_t, *mut cred_t,
        c_int, *mut caller_context_t, *mut vsecattr_t
    ) -> c_int;
    /// Function type of the monitored VOP `remove`.
    femop_remove_t(*mut femarg_t, *mut c_char, *mut cred_t, *mut caller_context_t, c_int) -> c_int;
    /// Function type of the monitored VOP `link`.
    femop_link_t(
        *mut femarg_t, *mut vnode_t, *mut c_char, *mut cred_t, *mut caller_context_t, c_int
    ) -> c_int;
    /// Function type of the monitored VOP `rename`.
    femop_rename_t(
        *mut femarg_t, *mut c_char, *mut vnode_t, *mut c_char, *mut cred_t, *mut caller_context_t,
        c_int
    ) -> c_int;
    /// Function type of the monitored VOP `mkdir`.
    femop_mkdir_t(
        *mut femarg_t, *mut c_char, *mut vattr_t, *mut *mut vnode_t, *mut cred_t,
        *mut caller_context_t, c_int, *mut vsecattr_t
    ) -> c_int;
    /// Function type of the monitored VOP `rmdir`.
    femop_rmdir_t(
        *mut femarg_t, *mut c_char, *mut vnode_t, *mut cred_t, *mut caller_context_t, c_int
    ) -> c_int;
    /// Function type of the monitored VOP `readdir`.
    femop_readdir_t(
        *mut femarg_t, *mut uio_t, *mut cred_t, *mut c_int, *mut caller_context_t, c_int
    ) -> c_int;
    /// Function type of the monitored VOP `symlink`.
    femop_symlink_t(
        *mut femarg_t, *mut c_char, *mut vattr_t, *mut c_char, *mut cred_t, *mut caller_context_t,
        c_int
    ) -> c_int;
    /// Function type of the monitored VOP `readlink`.
    femop_readlink_t(*mut femarg_t, *mut uio_t, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `fsync`.
    femop_fsync_t(*mut femarg_t, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `inactive`.
    femop_inactive_t(*mut femarg_t, *mut cred_t, *mut caller_context_t);
    /// Function type of the monitored VOP `fid`.
    femop_fid_t(*mut femarg_t, *mut fid_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `rwlock`.
    femop_rwlock_t(*mut femarg_t, c_int, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `rwunlock`.
    femop_rwunlock_t(*mut femarg_t, c_int, *mut caller_context_t);
    /// Function type of the monitored VOP `seek`.
    femop_seek_t(*mut femarg_t, offset_t, *mut offset_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `cmp`.
    femop_cmp_t(*mut femarg_t, *mut vnode_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `frlock`.
    femop_frlock_t(
        *mut femarg_t, c_int, *mut c_void, c_int, offset_t, *mut c_void, *mut cred_t,
        *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `space`.
    femop_space_t(
        *mut femarg_t, c_int, *mut c_void, c_int, offset_t, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `realvp`.
    femop_realvp_t(*mut femarg_t, *mut *mut vnode_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `getpage`.
    femop_getpage_t(
        *mut femarg_t, offset_t, size_t, *mut uint_t, *mut *mut c_void, size_t, *mut c_void,
        caddr_t, c_uint, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `putpage`.
    femop_putpage_t(
        *mut femarg_t, offset_t, size_t, c_int, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `map`.
    femop_map_t(
        *mut femarg_t, offset_t, *mut c_void, *mut caddr_t, size_t, uchar_t, uchar_t, uint_t,
        *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `addmap`.
    femop_addmap_t(
        *mut femarg_t, offset_t, *mut c_void, caddr_t, size_t, uchar_t, uchar_t, uint_t,
        *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `delmap`.
    femop_delmap_t(
        *mut femarg_t, offset_t, *mut c_void, caddr_t, size_t, uint_t, uint_t, uint_t,
        *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `poll`.
    femop_poll_t(
        *mut femarg_t, c_short, c_int, *mut c_short, *mut *mut pollhead_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `dump`.
    femop_dump_t(*mut femarg_t, caddr_t, offset_t, offset_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `pathconf`.
    femop_pathconf_t(
        *mut femarg_t, c_int, *mut ulong_t, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `pageio`.
    femop_pageio_t(
        *mut femarg_t, *mut c_void, u_offset_t, size_t, c_int, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `dumpctl`.
    femop_dumpctl_t(*mut femarg_t, c_int, *mut offset_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VOP `dispose`.
    femop_dispose_t(*mut femarg_t, *mut c_void, c_int, c_int, *mut cred_t, *mut caller_context_t);
    /// Function type of the monitored VOP `setsecattr`.
    femop_setsecattr_t(
        *mut femarg_t, *mut vsecattr_t, c_int, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `getsecattr`.
    femop_getsecattr_t(
        *mut femarg_t, *mut vsecattr_t, c_int, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `shrlock`.
    femop_shrlock_t(
        *mut femarg_t, c_int, *mut shrlock, c_int, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `vnevent`.
    femop_vnevent_t(
        *mut femarg_t, vnevent_t, *mut vnode_t, *mut c_char, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `reqzcbuf`.
    femop_reqzcbuf_t(
        *mut femarg_t, uio_rw_t, *mut c_void, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the monitored VOP `retzcbuf`.
    femop_retzcbuf_t(*mut femarg_t, *mut c_void, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the monitored VFSOP `mount`.
    fsemop_mount_t(*mut fsemarg_t, *mut vnode_t, *mut c_void, *mut cred_t) -> c_int;
    /// Function type of the monitored VFSOP `unmount`.
    fsemop_unmount_t(*mut fsemarg_t, c_int, *mut cred_t) -> c_int;
    /// Function type of the monitored VFSOP `root`.
    fsemop_root_t(*mut fsemarg_t, *mut *mut vnode_t) -> c_int;
    /// Function type of the monitored VFSOP `statvfs`.
    fsemop_statvfs_t(*mut fsemarg_t, *mut c_void) -> c_int;
    /// Function type of the monitored VFSOP `sync`.
    fsemop_sync_t(*mut fsemarg_t, c_short, *mut cred_t) -> c_int;
    /// Function type of the monitored VFSOP `vget`.
    fsemop_vget_t(*mut fsemarg_t, *mut *mut vnode_t, *mut fid_t) -> c_int;
    /// Function type of the monitored VFSOP `mountroot`.
    fsemop_mountroot_t(*mut fsemarg_t, whymountroot_t) -> c_int;
    /// Function type of the monitored VFSOP `freevfs`.
    fsemop_freevfs_t(*mut fsemarg_t);
    /// Function type of the monitored VFSOP `vnstate`.
    fsemop_vnstate_t(*mut fsemarg_t, *mut vnode_t, vntrans_t) -> c_int;
    /// Function type of the monitored VFSOP `syncfs`.
    fsemop_syncfs_t(*mut fsemarg_t, u64, *mut cred_t) -> c_int;
}

scalars! {
    "sys/fem.h":

    /// What else may be on the vnode when a monitor is installed.
    femhow_t = c_uint;
}

layouts! {
    "sys/fem.h":

    /// A monitor over a vnode: one function per operation.
    struct fem_t: 384, 8 {
        0 pub name: *const c_char,
        8 pub templ: *const fs_operation_def_t,
        16 pub femop_open: Option<femop_open_t>,
        24 pub femop_close: Option<femop_close_t>,
        32 pub femop_read: Option<femop_read_t>,
        40 pub femop_write: Option<femop_write_t>,
        48 pub femop_ioctl: Option<femop_ioctl_t>,
        56 pub femop_setfl: Option<femop_setfl_t>,
        64 pub femop_getattr: Option<femop_getattr_t>,
        72 pub femop_setattr: Option<femop_setattr_t>,
        80 pub femop_access: Option<femop_access_t>,
        88 pub femop_lookup: Option<femop_lookup_t>,
        96 pub femop_create: Option<femop_create_t>,
        104 pub femop_remove: Option<femop_remove_t>,
        112 pub femop_link: Option<femop_link_t>,
        120 pub femop_rename: Option<femop_rename_t>,
        128 pub femop_mkdir: Option<femop_mkdir_t>,
        136 pub femop_rmdir: Option<femop_rmdir_t>,
        144 pub femop_readdir: Option<femop_readdir_t>,
        152 pub femop_symlink: Option<femop_symlink_t>,
        160 pub femop_readlink: Option<femop_readlink_t>,
        168 pub femop_fsync: Option<femop_fsync_t>,
        176 pub femop_inactive: Option<femop_inactive_t>,
        184 pub femop_fid: Option<femop_fid_t>,
        192 pub femop_rwlock: Option<femop_rwlock_t>,
        200 pub femop_rwunlock: Option<femop_rwunlock_t>,
        208 pub femop_seek: Option<femop_seek_t>,
        216 pub femop_cmp: Option<femop_cmp_t>,
        224 pub femop_frlock: Option<femop_frlock_t>,
        232 pub femop_space: Option<femop_space_t>,
        240 pub femop_realvp: Option<femop_realvp_t>,
        248 pub femop_getpage: Option<femop_getpage_t>,
        256 pub femop_putpage: Option<femop_putpage_t>,
        264 pub femop_map: Option<femop_map_t>,
        272 pub femop_addmap: Option<femop_addmap_t>,
        280 pub femop_delmap: Option<femop_delmap_t>,
        288 pub femop_poll: Option<femop_poll_t>,
        296 pub femop_dump: Option<femop_dump_t>,
        304 pub femop_pathconf: Option<femop_pathconf_t>,
        312 pub femop_pageio: Option<femop_pageio_t>,
        320 pub femop_dumpctl: Option<femop_dumpctl_t>,
        328 pub femop_dispose: Option<femop_dispose_t>,
        336 pub femop_setsecattr: Option<femop_setsecattr_t>,
        344 pub femop_getsecattr: Option<femop_getsecattr_t>,
        352 pub femop_shrlock: Option<femop_shrlock_t>,
        360 pub femop_vnevent: Option<femop_vnevent_t>,
        368 pub femop_reqzcbuf: Option<femop_reqzcbuf_t>,
        376 pub femop_retzcbuf: Option<femop_retzcbuf_t>,
    }

    /// A monitor over a file system.
    struct fsem_t: 96, 8 {
        0 pub name: *const c_char,
        8 pub templ: *const fs_operation_def_t,
        16 pub fsemop_mount: Option<fsemop_mount_t>,
        24 pub fsemop_unmount: Option<fsemop_unmount_t>,
        32 pub fsemop_root: Option<fsemop_root_t>,
        40 pub fsemop_statvfs: Option<fsemop_statvfs_t>,
        48 pub fsemop_sync: Option<fsemop_sync_t>,
        56 pub fsemop_vget: Option<fsemop_vget_t>,
        64 pub fsemop_mountroot: Option<fsemop_mountroot_t>,
        72 pub fsemop_freevfs: Option<fsemop_freevfs_t>,
        80 pub fsemop_vnstate: Option<fsemop_vnstate_t>,
        88 pub fsemop_syncfs: Option<fsemop_syncfs_t>,
    }

    /// What a vnode monitor gets instead of the vnode.
    struct femarg_t: 16, 8 {
        /// what the operation is about
        0 pub fa_vnode: fem_arg_vnode_t,
        /// the monitor that runs
        8 pub fa_fnode: *mut fem_node,
    }

    /// What a file system monitor gets instead of the vfs.
    struct fsemarg_t: 16, 8 {
        /// what the operation is about
        0 pub fa_vnode: fem_arg_vnode_t,
        /// the monitor that runs
        8 pub fa_fnode: *mut fem_node,
    }

    /// The monitors of a vnode or file system.
    struct fem_head = "struct fem_head": 16, 8 {
        0 pub femh_lock: kmutex_t,
        8 pub femh_list: *mut fem_list,
    }

    /// The stack of monitors.
    struct fem_list = "struct fem_list": 48, 8 {
        0 pub feml_refc: uint_t,
        4 pub feml_tos: c_int,
        8 pub feml_ssize: c_int,
        12 pub feml_pad: c_int,
        16 pub feml_nodes: [fem_node; 1],
    }

    /// One monitor on the stack.
    struct fem_node = "struct fem_node": 32, 8 {
        0 pub fn_available: *mut c_void,
        8 pub fn_op: fem_node_op_t,
        16 pub fn_av_hold: Option<unsafe extern "C" fn(*mut c_void)>,
        24 pub fn_av_rele: Option<unsafe extern "C" fn(*mut c_void)>,
    }

    /// What a monitored operation is about.
    union fem_arg_vnode_t = "femarg_t"."fa_vnode": 8, 8 {
        0 pub vp: *mut vnode_t,
        0 pub vpp: *mut *mut vnode_t,
        0 pub vfsp: *mut vfs_t,
        0 pub anon: *mut c_void,
    }

    /// The operations of a monitor.
    union fem_node_op_t = "struct fem_node"."fn_op": 8, 8 {
        0 pub fem: *mut fem_t,
        0 pub vnode: *mut vnodeops_t,
        0 pub fsem: *mut fsem_t,
        0 pub vfs: *mut vfsops_t,
        0 pub anon: *mut c_void,
    }
}

constants! {
    "sys/fem.h":

    FORCE: femhow_t = 0;
    OPUNIQ: femhow_t = 1;
    OPARGUNIQ: femhow_t = 2;
}

functions! {
    "sys/fem.h":

    /// Makes the monitor table of a vnode from a template.
    fn fem_create(name: *mut c_char, templ: *const fs_operation_def_t, actual: *mut *mut fem_t) -> c_int;
    /// Frees what `fem_create` made.
    fn fem_free(fem: *mut fem_t);
    /// Puts a monitor on top of a vnode. An errno; EBUSY when `how` forbids a second one.
    fn fem_install(vp: *mut vnode_t, mon: *mut fem_t, arg: *mut c_void, how: femhow_t, arg_hold: Option<unsafe extern "C" fn(*mut c_void)>, arg_rele: Option<unsafe extern "C" fn(*mut c_void)>) -> c_int;
    /// Takes a monitor off a vnode.
    fn fem_uninstall(vp: *mut vnode_t, mon: *mut fem_t, arg: *mut c_void) -> c_int;
    /// Makes the monitor table of a file system from a template.
    fn fsem_create(name: *mut c_char, templ: *const fs_operation_def_t, actual: *mut *mut fsem_t) -> c_int;
    /// Frees what `fsem_create` made.
    fn fsem_free(fsem: *mut fsem_t);
    /// Puts a monitor on top of a file system.
    fn fsem_install(vfsp: *mut vfs_t, mon: *mut fsem_t, arg: *mut c_void, how: femhow_t, arg_hold: Option<unsafe extern "C" fn(*mut c_void)>, arg_rele: Option<unsafe extern "C" fn(*mut c_void)>) -> c_int;
    /// Takes a monitor off a file system.
    fn fsem_uninstall(vfsp: *mut vfs_t, mon: *mut fsem_t, arg: *mut c_void) -> c_int;
    /// Calls the next monitor, or the vnode, for open.
    fn vnext_open(vf: *mut femarg_t, mode: c_int, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// Calls the next monitor, or the vnode, for read.
    fn vnext_read(vf: *mut femarg_t, uiop: *mut uio_t, ioflag: c_int, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// Calls the next monitor, or the vnode, for write.
    fn vnext_write(vf: *mut femarg_t, uiop: *mut uio_t, ioflag: c_int, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// Calls the next monitor, or the vnode, for setattr.
    fn vnext_setattr(vf: *mut femarg_t, vap: *mut vattr_t, flags: c_int, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// Calls the next monitor, or the vnode, for create.
    fn vnext_create(vf: *mut femarg_t, name: *mut c_char, vap: *mut vattr_t, excl: vcexcl_t, mode: c_int, vpp: *mut *mut vnode_t, cr: *mut cred_t, flag: c_int, ct: *mut caller_context_t, vsecp: *mut vsecattr_t) -> c_int;
    /// Calls the next monitor, or the vnode, for remove.
    fn vnext_remove(vf: *mut femarg_t, nm: *mut c_char, cr: *mut cred_t, ct: *mut caller_context_t, flags: c_int) -> c_int;
    /// Calls the next monitor, or the vnode, for link.
    fn vnext_link(vf: *mut femarg_t, svp: *mut vnode_t, tnm: *mut c_char, cr: *mut cred_t, ct: *mut caller_context_t, flags: c_int) -> c_int;
    /// Calls the next monitor, or the vnode, for rename.
    fn vnext_rename(vf: *mut femarg_t, snm: *mut c_char, tdvp: *mut vnode_t, tnm: *mut c_char, cr: *mut cred_t, ct: *mut caller_context_t, flags: c_int) -> c_int;
    /// Calls the next monitor, or the vnode, for mkdir.
    fn vnext_mkdir(vf: *mut femarg_t, dirname: *mut c_char, vap: *mut vattr_t, vpp: *mut *mut vnode_t, cr: *mut cred_t, ct: *mut caller_context_t, flags: c_int, vsecp: *mut vsecattr_t) -> c_int;
    /// Calls the next monitor, or the vnode, for rmdir.
    fn vnext_rmdir(vf: *mut femarg_t, nm: *mut c_char, cdir: *mut vnode_t, cr: *mut cred_t, ct: *mut caller_context_t, flags: c_int) -> c_int;
    /// Calls the next monitor, or the vnode, for readdir.
    fn vnext_readdir(vf: *mut femarg_t, uiop: *mut uio_t, cr: *mut cred_t, eofp: *mut c_int, ct: *mut caller_context_t, flags: c_int) -> c_int;
    /// Calls the next monitor, or the vnode, for symlink.
    fn vnext_symlink(vf: *mut femarg_t, linkname: *mut c_char, vap: *mut vattr_t, target: *mut c_char, cr: *mut cred_t, ct: *mut caller_context_t, flags: c_int) -> c_int;
    /// Calls the next monitor, or the vnode, for map.
    fn vnext_map(vf: *mut femarg_t, off: offset_t, as_: *mut c_void, addrp: *mut caddr_t, len: size_t, prot: uchar_t, maxprot: uchar_t, flags: uint_t, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// Calls the next monitor, or the vnode, for setsecattr.
    fn vnext_setsecattr(vf: *mut femarg_t, vsap: *mut vsecattr_t, flag: c_int, cr: *mut cred_t, ct: *mut caller_context_t) -> c_int;
    /// Calls the next monitor, or the vnode, for vnevent.
    fn vnext_vnevent(vf: *mut femarg_t, vnevent: vnevent_t, dvp: *mut vnode_t, cname: *mut c_char, ct: *mut caller_context_t) -> c_int;
    /// Calls the next monitor, or the file system, for unmount.
    fn vfsnext_unmount(vf: *mut fsemarg_t, flag: c_int, cr: *mut cred_t) -> c_int;
}
