//! File systems: `sys/vfs.h`.

use core::ffi::{c_char, c_int, c_long, c_short, c_uint, c_void};

use super::flat::*;

signatures! {
    "sys/vfs.h":

    /// Function type of the VFSOP `mount`.
    vfsop_mount_t(*mut vfs_t, *mut vnode_t, *mut c_void, *mut cred_t) -> c_int;
    /// Function type of the VFSOP `unmount`.
    vfsop_unmount_t(*mut vfs_t, c_int, *mut cred_t) -> c_int;
    /// Function type of the VFSOP `root`.
    vfsop_root_t(*mut vfs_t, *mut *mut vnode_t) -> c_int;
    /// Function type of the VFSOP `statvfs`.
    vfsop_statvfs_t(*mut vfs_t, *mut c_void) -> c_int;
    /// Function type of the VFSOP `sync`.
    vfsop_sync_t(*mut vfs_t, c_short, *mut cred_t) -> c_int;
    /// Function type of the VFSOP `vget`.
    vfsop_vget_t(*mut vfs_t, *mut *mut vnode_t, *mut fid_t) -> c_int;
    /// Function type of the VFSOP `mountroot`.
    vfsop_mountroot_t(*mut vfs_t, whymountroot_t) -> c_int;
    /// Function type of the VFSOP `freevfs`.
    vfsop_freevfs_t(*mut vfs_t);
    /// Function type of the VFSOP `vnstate`.
    vfsop_vnstate_t(*mut vfs_t, *mut vnode_t, vntrans_t) -> c_int;
    /// Function type of the VFSOP `syncfs`.
    vfsop_syncfs_t(*mut vfs_t, u64, *mut cred_t) -> c_int;
}

scalars! {
    "sys/vfs.h":

    /// Why the root file system is being mounted.
    whymountroot_t = c_uint;
    /// How a vnode changes for its file system.
    vntrans_t = c_uint;
}

layouts! {
    "sys/vfs.h":

    /// A mounted file system.
    struct vfs_t: 208, 8 {
        0 pub vfs_next: *mut vfs_t,
        8 pub vfs_prev: *mut vfs_t,
        16 pub vfs_op: *mut vfsops_t,
        24 pub vfs_vnodecovered: *mut vnode_t,
        32 pub vfs_flag: uint_t,
        36 pub vfs_bsize: uint_t,
        40 pub vfs_fstype: c_int,
        44 pub vfs_fsid: fsid_t,
        56 pub vfs_data: *mut c_void,
        64 pub vfs_dev: dev_t,
        72 pub vfs_bcount: ulong_t,
        80 pub vfs_list: *mut vfs_t,
        88 pub vfs_hash: *mut vfs_t,
        96 pub vfs_reflock: ksema_t,
        112 pub vfs_count: uint_t,
        120 pub vfs_mntopts: mntopts_t,
        136 pub vfs_resource: *mut c_void,
        144 pub vfs_mntpt: *mut c_void,
        152 pub vfs_mtime: time_t,
        160 pub vfs_implp: *mut c_void,
        168 pub vfs_zone: *mut zone_t,
        176 pub vfs_zone_next: *mut vfs_t,
        184 pub vfs_zone_prev: *mut vfs_t,
        192 pub vfs_femhead: *mut fem_head,
        200 pub vfs_lofi_id: u32,
    }

    /// The operations of a file system.
    struct vfsops_t: 80, 8 {
        0 pub vfs_mount: Option<vfsop_mount_t>,
        8 pub vfs_unmount: Option<vfsop_unmount_t>,
        16 pub vfs_root: Option<vfsop_root_t>,
        24 pub vfs_statvfs: Option<vfsop_statvfs_t>,
        32 pub vfs_sync: Option<vfsop_sync_t>,
        40 pub vfs_vget: Option<vfsop_vget_t>,
        48 pub vfs_mountroot: Option<vfsop_mountroot_t>,
        56 pub vfs_freevfs: Option<vfsop_freevfs_t>,
        64 pub vfs_vnstate: Option<vfsop_vnstate_t>,
        72 pub vfs_syncfs: Option<vfsop_syncfs_t>,
    }

    /// An entry of the file system switch.
    struct vfssw_t: 136, 8 {
        0 pub vsw_name: *mut c_char,
        8 pub vsw_init: Option<unsafe extern "C" fn(c_int, *mut c_char) -> c_int>,
        16 pub vsw_flag: c_int,
        24 pub vsw_optproto: mntopts_t,
        40 pub vsw_count: uint_t,
        48 pub vsw_lock: kmutex_t,
        56 pub vsw_vfsops: vfsops_t,
    }

    /// The identity of a file system.
    struct fsid_t: 8, 4 {
        0 pub val: [c_int; 2],
    }

    /// The identity of a file inside its file system.
    struct fid_t: 72, 8 {
        0 pub un: fid_un_t,
    }

    /// The mount options of a file system.
    struct mntopts_t: 16, 8 {
        0 pub mo_count: uint_t,
        8 pub mo_list: *mut c_void,
    }

    /// The two views of a `fid_t`.
    union fid_un_t = "fid_t"."un": 72, 8 {
        0 pub fid_pad: c_long,
        0 pub _fid: fid_parts_t,
    }

    /// Length and bytes of a `fid_t`.
    struct fid_parts_t = "fid_t"."un._fid": 66, 2 {
        0 pub len: ushort_t,
        2 pub data: [c_char; 64],
    }
}

constants! {
    "sys/vfs.h":

    MAXFIDSZ: c_int = 64;
    VFS_RDONLY: c_int = 1;
    VFS_NOSETUID: c_int = 8;
    VFS_UNLINKABLE: c_int = 0x40;
    VFS_UNMOUNTED: c_int = 0x100;
    VFS_NODEVICES: c_int = 0x800;
    VFS_NOEXEC: c_int = 0x1000;
    VFS_STATS: c_int = 0x2000;
    ROOT_INIT: whymountroot_t = 0;
    ROOT_REMOUNT: whymountroot_t = 1;
    ROOT_UNMOUNT: whymountroot_t = 2;
    VNTRANS_EXISTS: vntrans_t = 0;
    VNTRANS_IDLED: vntrans_t = 1;
    VNTRANS_RECLAIMED: vntrans_t = 2;
    VNTRANS_DESTROYED: vntrans_t = 3;
}

functions! {
    "sys/vfs_opreg.h":

    /// Makes the operations of a file system that is in no switch table.
    fn vfs_makefsops(template: *const fs_operation_def_t, vfsops: *mut *mut vfsops_t) -> c_int;

    "sys/vfs.h":

    /// Frees what `vfs_makefsops` made.
    fn vfs_freevfsops(vfsops: *mut vfsops_t);
    /// Sets the operations of a file system.
    fn vfs_setops(vfsp: *mut vfs_t, vfsops: *mut vfsops_t);
    /// Makes a file system id from a device and a type.
    fn vfs_make_fsid(fsi: *mut fsid_t, dev: dev_t, val: c_int);
    /// Sets the resource name of a mount.
    fn vfs_setresource(vfsp: *mut vfs_t, name: *const c_char, flag: u32);
}

strings! {
    "sys/vfs.h":

    /// Name of the operation `mount` in a template.
    VFSNAME_MOUNT = c"mount";
    /// Name of the operation `unmount` in a template.
    VFSNAME_UNMOUNT = c"unmount";
    /// Name of the operation `root` in a template.
    VFSNAME_ROOT = c"root";
    /// Name of the operation `statvfs` in a template.
    VFSNAME_STATVFS = c"statvfs";
    /// Name of the operation `sync` in a template.
    VFSNAME_SYNC = c"sync";
    /// Name of the operation `vget` in a template.
    VFSNAME_VGET = c"vget";
    /// Name of the operation `mountroot` in a template.
    VFSNAME_MOUNTROOT = c"mountroot";
    /// Name of the operation `freevfs` in a template.
    VFSNAME_FREEVFS = c"freevfs";
    /// Name of the operation `vnstate` in a template.
    VFSNAME_VNSTATE = c"vnstate";
    /// Name of the operation `syncfs` in a template.
    VFSNAME_SYNCFS = c"syncfs";
}

unsafe extern "C" {
    /// The file system switch.
    pub static mut vfssw: [vfssw_t; 0];
    /// The vnode that stands for mnttab changes.
    pub static mut vfs_mntdummyvp: *mut vnode_t;
    /// Index of mntfs in the switch.
    pub static mut mntfstype: c_int;
}
