//! Open files: `sys/file.h`.

use core::ffi::{c_int, c_uint, c_void};

use super::flat::*;

layouts! {
    "sys/file.h":

    /// An open file.
    struct file_t: 64, 8 {
        /// guards the file
        0 pub f_tlock: kmutex_t,
        /// `FREAD`, `FWRITE` ..., low half
        8 pub f_flag: ushort_t,
        /// `F*`, high half
        10 pub f_flag2: ushort_t,
        /// its vnode
        16 pub f_vnode: *mut vnode_t,
        /// position in bytes
        24 pub f_offset: offset_t,
        /// credentials it was opened with
        32 pub f_cred: *mut cred_t,
        40 pub f_audit_data: *mut c_void,
        /// descriptors and holders
        48 pub f_count: c_int,
        56 pub f_filock: *mut c_void,
    }
}

constants! {
    "sys/file.h":

    FOPEN: c_uint = 4294967295;
    /// open for reading
    FREAD: c_int = 1;
    /// open for writing
    FWRITE: c_int = 2;
    FNDELAY: c_int = 4;
    FAPPEND: c_int = 8;
    FSYNC: c_int = 0x10;
    FREVOKED: c_int = 0x20;
    FDSYNC: c_int = 0x40;
    FNONBLOCK: c_int = 0x80;
    FMASK: c_int = 0xa0ff;
    FCREAT: c_int = 0x100;
    FTRUNC: c_int = 0x200;
    FEXCL: c_int = 0x400;
    FASYNC: c_int = 0x1000;
    FOFFMAX: c_int = 0x2000;
    FXATTR: c_int = 0x4000;
    FNOCTTY: c_int = 0x800;
    FRSYNC: c_int = 0x8000;
    FNODSYNC: c_int = 0x10000;
    FNOFOLLOW: c_int = 0x20000;
    FNOLINKS: c_int = 0x40000;
    FIGNORECASE: c_int = 0x80000;
    FXATTRDIROPEN: c_int = 0x100000;
    FSEARCH: c_int = 0x200000;
    FEXEC: c_int = 0x400000;
    FCLOEXEC: c_int = 0x800000;
    FDIRECTORY: c_int = 0x1000000;
    FDIRECT: c_int = 0x2000000;
    FCLOFORK: c_int = 0x4000000;
    FMODELS: c_int = 0xff00000;
    FILP32: c_int = 0x100000;
    FLP64: c_int = 0x200000;
    FNATIVE: c_int = 0x200000;
    FKIOCTL: c_uint = 2147483648;
    FKLYR: c_int = 0x40000000;
    LOCK_SH: c_int = 1;
    LOCK_EX: c_int = 2;
    LOCK_NB: c_int = 4;
    LOCK_UN: c_int = 8;
}

functions! {
    "sys/file.h":

    /// Allocates a file structure and, when `fdp` is not NULL, a descriptor; returns an errno, and the file with `f_tlock` held.
    fn falloc(vp: *mut vnode_t, flag: c_int, fpp: *mut *mut file_t, fdp: *mut c_int) -> c_int;
    /// Holds the open file `fd` (undo: `releasef`); NULL when it is not open.
    fn getf(fd: c_int) -> *mut file_t;
    /// Releases what `getf` held.
    fn releasef(fd: c_int);
    /// Puts the file into the reserved descriptor; NULL gives the descriptor back.
    fn setf(fd: c_int, fp: *mut file_t);
    /// Closes a descriptor and puts `newfp` (or nothing) in its place. An errno.
    fn closeandsetf(fd: c_int, newfp: *mut file_t) -> c_int;
    /// Drops a hold of an open file; runs `VOP_CLOSE`.
    fn closef(fp: *mut file_t) -> c_int;
    /// Frees a file that was never opened; `f_tlock` held.
    fn unfalloc(fp: *mut file_t);

    "sys/port_impl.h":

    /// Adds `pfd` to the list of port associations of the open file `fd` (`uf_portfd`).
    fn addfd_port(fd: c_int, pfd: *mut portfd_t);
    /// Takes `pfd` off the list of port associations of the open file `fd`.
    fn delfd_port(fd: c_int, pfd: *mut portfd_t);
}
