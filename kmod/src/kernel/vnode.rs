//! Port vnodes and the file system they pretend to belong to.
//!
//! Mirrors `vnode.h` and `vfs.h`. Ports have a `vfs_t` of their own that is
//! mounted nowhere; `portdev` is its device number.

use core::ptr;

use bindings::{dev_t, fsid_t, vattr_t, vfs_t, vfsops_t, vnode_t, vnodeops_t};

use super::errno::{Errno, Result};
use super::module::CGlobal;
use super::port;
use super::port::{NewPort, Port};
use super::project::ProjectSlot;

/// The vfs that every port's vnode belongs to.
#[unsafe(no_mangle)]
// SAFETY: plain C data, all zeroes until register() fills it.
pub static port_vfs: CGlobal<vfs_t> = CGlobal::new(unsafe { core::mem::zeroed() });

/// The vnode operations of ports.
#[unsafe(no_mangle)]
pub static port_vnodeops: CGlobal<*mut vnodeops_t> = CGlobal::new(ptr::null_mut());

/// The device number of the port file system.
#[unsafe(no_mangle)]
pub static portdev: CGlobal<dev_t> = CGlobal::new(0);

/// What [`register`] made, to be undone if the module does not load.
pub struct Registered {
    vfsops: *mut vfsops_t,
}

/// Sets up the device number, the vfs and the vnode operations.
///
/// # Errors
///
/// `ENXIO` without a free device number; what `vfs_makefsops` and
/// `vn_make_ops` say about a bad template.
pub fn register(template: &'static crate::entry::vnops::Template) -> Result<Registered> {
    static NO_OPERATIONS: crate::entry::vnops::NoOperations =
        crate::entry::vnops::NoOperations::END;
    // SAFETY: runs once, in _init, before anybody else can see the globals.
    unsafe {
        let major = bindings::getudev();
        if major == bindings::major_t::MAX {
            return Err(Errno::ENXIO);
        }
        let dev = bindings::makedevice(major, 0);
        *portdev.as_ptr() = dev;
        let mut vfsops = ptr::null_mut();
        Errno::check(bindings::vfs_makefsops(
            NO_OPERATIONS.as_ptr(),
            &raw mut vfsops,
        ))?;
        let vfs = port_vfs.as_ptr();
        bindings::vfs_setops(vfs, vfsops);
        (*vfs).vfs_flag = bindings::VFS_RDONLY as _;
        (*vfs).vfs_dev = dev;
        bindings::vfs_make_fsid((&raw mut (*vfs).vfs_fsid).cast::<fsid_t>(), dev, 0);
        let made = bindings::vn_make_ops(
            c"portfs".as_ptr(),
            template.as_ptr(),
            port_vnodeops.as_ptr(),
        );
        if let Err(error) = Errno::check(made) {
            bindings::vfs_freevfsops(vfsops);
            return Err(error);
        }
        Ok(Registered { vfsops })
    }
}

impl Registered {
    /// Takes the operations back; no port has been made.
    pub fn undo(self) {
        // SAFETY: _init failed, so nobody uses either table.
        unsafe {
            bindings::vn_freevnodeops(*port_vnodeops.as_ptr());
            bindings::vfs_freevfsops(self.vfsops);
        }
    }
}

/// Gives a new port its vnode. May sleep for memory.
pub(super) fn allocate(new: &mut NewPort) -> *mut vnode_t {
    // SAFETY: the vnode is new and ours; port_vnodeops was set by register().
    unsafe {
        let vp = bindings::vn_alloc(bindings::KM_SLEEP);
        bindings::vn_setops(vp, *port_vnodeops.as_ptr());
        (*vp).v_type = bindings::VPORT as _;
        (*vp).v_vfsp = port_vfs.as_ptr();
        (*vp).v_data = new.as_ptr().cast();
        new.set_vnode(vp);
        vp
    }
}

/// The port behind a vnode.
///
/// # Safety
///
/// `vp` is a port's vnode, referenced for `'a`.
#[inline]
pub(crate) unsafe fn port_of<'a>(vp: *mut vnode_t) -> &'a Port {
    // SAFETY: the caller vouches; v_data of a port's vnode is its port_t.
    unsafe { Port::from_raw((*vp).v_data.cast()) }
}

/// Destroys a port with its vnode, after the last reference is gone.
///
/// # Safety
///
/// `vp` is a port's vnode that nobody else refers to, closed before.
pub(crate) unsafe fn destroy(vp: *mut vnode_t) -> Option<ProjectSlot> {
    // SAFETY: the caller vouches for exclusive access.
    unsafe {
        let pp = (*vp).v_data.cast();
        bindings::vn_free(vp);
        port::destroy(pp)
    }
}

/// Answers `VOP_GETATTR` (S16): `size` is the number of queued events.
///
/// # Safety
///
/// `vp` is the port's referenced vnode, `vap` is writable.
pub(crate) unsafe fn fill_attributes(vp: *mut vnode_t, port: &Port, size: u32, vap: *mut vattr_t) {
    let (uid, gid, created) = port.origin();
    // SAFETY: the caller vouches for both pointers.
    unsafe {
        let dev = *portdev.as_ptr();
        (*vap).va_type = (*vp).v_type;
        (*vap).va_mode = 0;
        (*vap).va_uid = uid;
        (*vap).va_gid = gid;
        (*vap).va_fsid = dev;
        (*vap).va_nodeid = 0;
        (*vap).va_nlink = (*vp).v_count;
        (*vap).va_size = u64::from(size) as _;
        (*vap).va_atime = created;
        (*vap).va_mtime = created;
        (*vap).va_ctime = created;
        (*vap).va_rdev = dev;
        (*vap).va_blksize = 0;
        (*vap).va_nblocks = 0;
        (*vap).va_seq = 0;
    }
}
