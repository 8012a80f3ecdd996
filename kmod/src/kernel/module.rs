//! Loading the module: what `_init` sets up and, on failure, takes down.
//!
//! Mirrors `modctl.h`. The module has no `_fini`: ports and descriptors refer
//! to it from everywhere, so it stays, as the C module does.

use core::cell::UnsafeCell;
use core::ptr;

use bindings::{modinfo, modlinkage, port_kevent_t};

use super::errno::{Errno, Result};
use super::{kstat, vnode};
use crate::entry::vnops::Template;

/// A global variable that C code, debuggers or the kernel reach by name.
///
/// Rust code gets raw pointers only; each variable's documentation says what
/// protects it.
#[repr(transparent)]
pub struct CGlobal<T>(UnsafeCell<T>);

// SAFETY: there is no safe access to the value.
unsafe impl<T> Sync for CGlobal<T> {}

impl<T> CGlobal<T> {
    /// A variable with this initial value.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Its address.
    pub const fn as_ptr(&self) -> *mut T {
        self.0.get()
    }
}

/// `_init`: makes the file system, the event cache and the kstat, then
/// installs the system calls. All of it is undone if a step fails.
///
/// # Errors
///
/// `EBUSY` when another portfs is loaded, `ENXIO` without a device number,
/// what the failing kernel function said.
pub fn init(template: &'static Template, linkage: *mut modlinkage) -> Result {
    // SAFETY: genunix's variable; only the _init of a portfs writes it.
    if !unsafe { (&raw const bindings::port_control.pc_cache).read() }.is_null() {
        // Another portfs serves ports already, and its events come from that
        // cache.
        return Err(Errno::EBUSY);
    }
    let registered = vnode::register(template).inspect_err(|_| {
        // SAFETY: a constant format without arguments.
        unsafe { bindings::cmn_err(bindings::CE_WARN, c"portfs: cannot set up ports".as_ptr()) }
    })?;
    // SAFETY: _init runs once; nobody uses port_control before the system
    // calls are installed.
    unsafe {
        let control = &raw mut bindings::port_control;
        bindings::mutex_init(
            &raw mut (*control).pc_mutex,
            ptr::null_mut(),
            bindings::MUTEX_DEFAULT as _,
            ptr::null_mut(),
        );
        (*control).pc_nents = 0;
        (*control).pc_cache = bindings::kmem_cache_create(
            c"port_cache".as_ptr().cast_mut(),
            size_of::<port_kevent_t>(),
            0,
            None,
            None,
            None,
            ptr::null_mut(),
            ptr::null_mut(),
            0,
        );
        let ksp = kstat::port_kstat_init();
        let installed = Errno::check(bindings::mod_install(linkage));
        if installed.is_err() {
            if let Some(ksp) = ksp {
                bindings::kstat_delete(ksp);
            }
            bindings::kmem_cache_destroy((*control).pc_cache);
            (*control).pc_cache = ptr::null_mut();
            bindings::mutex_destroy(&raw mut (*control).pc_mutex);
            registered.undo();
        }
        installed
    }
}

/// `_info`: what modinfo shows. Not 0 is success.
///
/// # Safety
///
/// `info` is what the module loader passed to `_info`.
pub unsafe fn info(linkage: *mut modlinkage, info: *mut modinfo) -> i32 {
    // SAFETY: the linkage is static, the caller vouches for `info`.
    unsafe { bindings::mod_info(linkage, info) }
}
