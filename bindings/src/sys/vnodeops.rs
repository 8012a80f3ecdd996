//! The operations of a vnode: `struct vnodeops` and `VOPNAME_*` of `sys/vnode.h`.

use core::ffi::{c_char, c_int, c_short, c_uint, c_void};

use super::flat::*;

signatures! {
    "sys/vnode.h":

    /// Function type of the VOP `open`.
    vop_open_t(*mut *mut vnode_t, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `close`.
    vop_close_t(*mut vnode_t, c_int, c_int, offset_t, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `read`.
    vop_read_t(*mut vnode_t, *mut uio_t, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `write`.
    vop_write_t(*mut vnode_t, *mut uio_t, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `ioctl`.
    vop_ioctl_t(
        *mut vnode_t, c_int, intptr_t, c_int, *mut cred_t, *mut c_int, *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `setfl`.
    vop_setfl_t(*mut vnode_t, c_int, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `getattr`.
    vop_getattr_t(*mut vnode_t, *mut vattr_t, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `setattr`.
    vop_setattr_t(*mut vnode_t, *mut vattr_t, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `access`.
    vop_access_t(*mut vnode_t, c_int, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `lookup`.
    vop_lookup_t(
        *mut vnode_t, *mut c_char, *mut *mut vnode_t, *mut pathname_t, c_int, *mut vnode_t,
        *mut cred_t, *mut caller_context_t, *mut c_int, *mut pathname_t
    ) -> c_int;
    /// Function type of the VOP `create`.
    vop_create_t(
        *mut vnode_t, *mut c_char, *mut vattr_t, vcexcl_t, c_int, *mut *mut vnode_t, *mut cred_t,
        c_int, *mut caller_context_t, *mut vsecattr_t
    ) -> c_int;
    /// Function type of the VOP `remove`.
    vop_remove_t(*mut vnode_t, *mut c_char, *mut cred_t, *mut caller_context_t, c_int) -> c_int;
    /// Function type of the VOP `link`.
    vop_link_t(
        *mut vnode_t, *mut vnode_t, *mut c_char, *mut cred_t, *mut caller_context_t, c_int
    ) -> c_int;
    /// Function type of the VOP `rename`.
    vop_rename_t(
        *mut vnode_t, *mut c_char, *mut vnode_t, *mut c_char, *mut cred_t, *mut caller_context_t,
        c_int
    ) -> c_int;
    /// Function type of the VOP `mkdir`.
    vop_mkdir_t(
        *mut vnode_t, *mut c_char, *mut vattr_t, *mut *mut vnode_t, *mut cred_t,
        *mut caller_context_t, c_int, *mut vsecattr_t
    ) -> c_int;
    /// Function type of the VOP `rmdir`.
    vop_rmdir_t(
        *mut vnode_t, *mut c_char, *mut vnode_t, *mut cred_t, *mut caller_context_t, c_int
    ) -> c_int;
    /// Function type of the VOP `readdir`.
    vop_readdir_t(
        *mut vnode_t, *mut uio_t, *mut cred_t, *mut c_int, *mut caller_context_t, c_int
    ) -> c_int;
    /// Function type of the VOP `symlink`.
    vop_symlink_t(
        *mut vnode_t, *mut c_char, *mut vattr_t, *mut c_char, *mut cred_t, *mut caller_context_t,
        c_int
    ) -> c_int;
    /// Function type of the VOP `readlink`.
    vop_readlink_t(*mut vnode_t, *mut uio_t, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `fsync`.
    vop_fsync_t(*mut vnode_t, c_int, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `inactive`.
    vop_inactive_t(*mut vnode_t, *mut cred_t, *mut caller_context_t);
    /// Function type of the VOP `fid`.
    vop_fid_t(*mut vnode_t, *mut fid_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `rwlock`.
    vop_rwlock_t(*mut vnode_t, c_int, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `rwunlock`.
    vop_rwunlock_t(*mut vnode_t, c_int, *mut caller_context_t);
    /// Function type of the VOP `seek`.
    vop_seek_t(*mut vnode_t, offset_t, *mut offset_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `cmp`.
    vop_cmp_t(*mut vnode_t, *mut vnode_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `frlock`.
    vop_frlock_t(
        *mut vnode_t, c_int, *mut c_void, c_int, offset_t, *mut c_void, *mut cred_t,
        *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `space`.
    vop_space_t(
        *mut vnode_t, c_int, *mut c_void, c_int, offset_t, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `realvp`.
    vop_realvp_t(*mut vnode_t, *mut *mut vnode_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `getpage`.
    vop_getpage_t(
        *mut vnode_t, offset_t, size_t, *mut uint_t, *mut *mut c_void, size_t, *mut c_void,
        caddr_t, c_uint, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `putpage`.
    vop_putpage_t(
        *mut vnode_t, offset_t, size_t, c_int, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `map`.
    vop_map_t(
        *mut vnode_t, offset_t, *mut c_void, *mut caddr_t, size_t, uchar_t, uchar_t, uint_t,
        *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `addmap`.
    vop_addmap_t(
        *mut vnode_t, offset_t, *mut c_void, caddr_t, size_t, uchar_t, uchar_t, uint_t,
        *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `delmap`.
    vop_delmap_t(
        *mut vnode_t, offset_t, *mut c_void, caddr_t, size_t, uint_t, uint_t, uint_t, *mut cred_t,
        *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `poll`.
    vop_poll_t(
        *mut vnode_t, c_short, c_int, *mut c_short, *mut *mut pollhead_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `dump`.
    vop_dump_t(*mut vnode_t, caddr_t, offset_t, offset_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `pathconf`.
    vop_pathconf_t(*mut vnode_t, c_int, *mut ulong_t, *mut cred_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `pageio`.
    vop_pageio_t(
        *mut vnode_t, *mut c_void, u_offset_t, size_t, c_int, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `dumpctl`.
    vop_dumpctl_t(*mut vnode_t, c_int, *mut offset_t, *mut caller_context_t) -> c_int;
    /// Function type of the VOP `dispose`.
    vop_dispose_t(*mut vnode_t, *mut c_void, c_int, c_int, *mut cred_t, *mut caller_context_t);
    /// Function type of the VOP `setsecattr`.
    vop_setsecattr_t(
        *mut vnode_t, *mut vsecattr_t, c_int, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `getsecattr`.
    vop_getsecattr_t(
        *mut vnode_t, *mut vsecattr_t, c_int, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `shrlock`.
    vop_shrlock_t(
        *mut vnode_t, c_int, *mut shrlock, c_int, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `vnevent`.
    vop_vnevent_t(
        *mut vnode_t, vnevent_t, *mut vnode_t, *mut c_char, *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `reqzcbuf`.
    vop_reqzcbuf_t(
        *mut vnode_t, uio_rw_t, *mut c_void, *mut cred_t, *mut caller_context_t
    ) -> c_int;
    /// Function type of the VOP `retzcbuf`.
    vop_retzcbuf_t(*mut vnode_t, *mut c_void, *mut cred_t, *mut caller_context_t) -> c_int;
}

layouts! {
    "sys/vnode.h":

    /// The operations of a vnode.
    struct vnodeops_t: 376, 8 {
        0 pub vnop_name: *const c_char,
        8 pub vop_open: Option<vop_open_t>,
        16 pub vop_close: Option<vop_close_t>,
        24 pub vop_read: Option<vop_read_t>,
        32 pub vop_write: Option<vop_write_t>,
        40 pub vop_ioctl: Option<vop_ioctl_t>,
        48 pub vop_setfl: Option<vop_setfl_t>,
        56 pub vop_getattr: Option<vop_getattr_t>,
        64 pub vop_setattr: Option<vop_setattr_t>,
        72 pub vop_access: Option<vop_access_t>,
        80 pub vop_lookup: Option<vop_lookup_t>,
        88 pub vop_create: Option<vop_create_t>,
        96 pub vop_remove: Option<vop_remove_t>,
        104 pub vop_link: Option<vop_link_t>,
        112 pub vop_rename: Option<vop_rename_t>,
        120 pub vop_mkdir: Option<vop_mkdir_t>,
        128 pub vop_rmdir: Option<vop_rmdir_t>,
        136 pub vop_readdir: Option<vop_readdir_t>,
        144 pub vop_symlink: Option<vop_symlink_t>,
        152 pub vop_readlink: Option<vop_readlink_t>,
        160 pub vop_fsync: Option<vop_fsync_t>,
        168 pub vop_inactive: Option<vop_inactive_t>,
        176 pub vop_fid: Option<vop_fid_t>,
        184 pub vop_rwlock: Option<vop_rwlock_t>,
        192 pub vop_rwunlock: Option<vop_rwunlock_t>,
        200 pub vop_seek: Option<vop_seek_t>,
        208 pub vop_cmp: Option<vop_cmp_t>,
        216 pub vop_frlock: Option<vop_frlock_t>,
        224 pub vop_space: Option<vop_space_t>,
        232 pub vop_realvp: Option<vop_realvp_t>,
        240 pub vop_getpage: Option<vop_getpage_t>,
        248 pub vop_putpage: Option<vop_putpage_t>,
        256 pub vop_map: Option<vop_map_t>,
        264 pub vop_addmap: Option<vop_addmap_t>,
        272 pub vop_delmap: Option<vop_delmap_t>,
        280 pub vop_poll: Option<vop_poll_t>,
        288 pub vop_dump: Option<vop_dump_t>,
        296 pub vop_pathconf: Option<vop_pathconf_t>,
        304 pub vop_pageio: Option<vop_pageio_t>,
        312 pub vop_dumpctl: Option<vop_dumpctl_t>,
        320 pub vop_dispose: Option<vop_dispose_t>,
        328 pub vop_setsecattr: Option<vop_setsecattr_t>,
        336 pub vop_getsecattr: Option<vop_getsecattr_t>,
        344 pub vop_shrlock: Option<vop_shrlock_t>,
        352 pub vop_vnevent: Option<vop_vnevent_t>,
        360 pub vop_reqzcbuf: Option<vop_reqzcbuf_t>,
        368 pub vop_retzcbuf: Option<vop_retzcbuf_t>,
    }
}

strings! {
    "sys/vnode.h":

    /// Name of the operation `open` in a template.
    VOPNAME_OPEN = c"open";
    /// Name of the operation `close` in a template.
    VOPNAME_CLOSE = c"close";
    /// Name of the operation `read` in a template.
    VOPNAME_READ = c"read";
    /// Name of the operation `write` in a template.
    VOPNAME_WRITE = c"write";
    /// Name of the operation `ioctl` in a template.
    VOPNAME_IOCTL = c"ioctl";
    /// Name of the operation `setfl` in a template.
    VOPNAME_SETFL = c"setfl";
    /// Name of the operation `getattr` in a template.
    VOPNAME_GETATTR = c"getattr";
    /// Name of the operation `setattr` in a template.
    VOPNAME_SETATTR = c"setattr";
    /// Name of the operation `access` in a template.
    VOPNAME_ACCESS = c"access";
    /// Name of the operation `lookup` in a template.
    VOPNAME_LOOKUP = c"lookup";
    /// Name of the operation `create` in a template.
    VOPNAME_CREATE = c"create";
    /// Name of the operation `remove` in a template.
    VOPNAME_REMOVE = c"remove";
    /// Name of the operation `link` in a template.
    VOPNAME_LINK = c"link";
    /// Name of the operation `rename` in a template.
    VOPNAME_RENAME = c"rename";
    /// Name of the operation `mkdir` in a template.
    VOPNAME_MKDIR = c"mkdir";
    /// Name of the operation `rmdir` in a template.
    VOPNAME_RMDIR = c"rmdir";
    /// Name of the operation `readdir` in a template.
    VOPNAME_READDIR = c"readdir";
    /// Name of the operation `symlink` in a template.
    VOPNAME_SYMLINK = c"symlink";
    /// Name of the operation `readlink` in a template.
    VOPNAME_READLINK = c"readlink";
    /// Name of the operation `fsync` in a template.
    VOPNAME_FSYNC = c"fsync";
    /// Name of the operation `inactive` in a template.
    VOPNAME_INACTIVE = c"inactive";
    /// Name of the operation `fid` in a template.
    VOPNAME_FID = c"fid";
    /// Name of the operation `rwlock` in a template.
    VOPNAME_RWLOCK = c"rwlock";
    /// Name of the operation `rwunlock` in a template.
    VOPNAME_RWUNLOCK = c"rwunlock";
    /// Name of the operation `seek` in a template.
    VOPNAME_SEEK = c"seek";
    /// Name of the operation `cmp` in a template.
    VOPNAME_CMP = c"cmp";
    /// Name of the operation `frlock` in a template.
    VOPNAME_FRLOCK = c"frlock";
    /// Name of the operation `space` in a template.
    VOPNAME_SPACE = c"space";
    /// Name of the operation `realvp` in a template.
    VOPNAME_REALVP = c"realvp";
    /// Name of the operation `getpage` in a template.
    VOPNAME_GETPAGE = c"getpage";
    /// Name of the operation `putpage` in a template.
    VOPNAME_PUTPAGE = c"putpage";
    /// Name of the operation `map` in a template.
    VOPNAME_MAP = c"map";
    /// Name of the operation `addmap` in a template.
    VOPNAME_ADDMAP = c"addmap";
    /// Name of the operation `delmap` in a template.
    VOPNAME_DELMAP = c"delmap";
    /// Name of the operation `poll` in a template.
    VOPNAME_POLL = c"poll";
    /// Name of the operation `dump` in a template.
    VOPNAME_DUMP = c"dump";
    /// Name of the operation `pathconf` in a template.
    VOPNAME_PATHCONF = c"pathconf";
    /// Name of the operation `pageio` in a template.
    VOPNAME_PAGEIO = c"pageio";
    /// Name of the operation `dumpctl` in a template.
    VOPNAME_DUMPCTL = c"dumpctl";
    /// Name of the operation `dispose` in a template.
    VOPNAME_DISPOSE = c"dispose";
    /// Name of the operation `getsecattr` in a template.
    VOPNAME_GETSECATTR = c"getsecattr";
    /// Name of the operation `setsecattr` in a template.
    VOPNAME_SETSECATTR = c"setsecattr";
    /// Name of the operation `shrlock` in a template.
    VOPNAME_SHRLOCK = c"shrlock";
    /// Name of the operation `vnevent` in a template.
    VOPNAME_VNEVENT = c"vnevent";
    /// Name of the operation `reqzcbuf` in a template.
    VOPNAME_REQZCBUF = c"reqzcbuf";
    /// Name of the operation `retzcbuf` in a template.
    VOPNAME_RETZCBUF = c"retzcbuf";
}
