//! The system call tables, and the linkage kinds that fill them.

use std::ffi::{c_int, c_void};

use bindings::*;

use super::{module_name, sysnum};

/// Size of each table.
pub const NSYSCALL: usize = 256;

/// A table entry, as much of `struct sysent` as a call needs.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Number of arguments.
    pub narg: u8,
    /// SE_* flags.
    pub flags: c_int,
    /// The entry point; which of the two kinds of call it wants is in the flags (SE_ARGC).
    pub entry: *const c_void,
}

/// The tables: 64-bit callers, 32-bit callers.
///
/// # Invariants
/// Entries with SE_LOADED carry an entry point.
struct Tables(std::sync::Mutex<[[Option<Call>; NSYSCALL]; 2]>);

// SAFETY: an entry point is an address of code, the same for every thread.
unsafe impl Sync for Tables {}

static TABLES: Tables = Tables(std::sync::Mutex::new([[None; NSYSCALL]; 2]));

fn tables() -> std::sync::MutexGuard<'static, [[Option<Call>; NSYSCALL]; 2]> {
    TABLES
        .0
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// System call `num` for a caller of the given data model.
pub fn lookup(num: usize, ilp32: bool) -> Option<Call> {
    tables()[usize::from(ilp32)].get(num).copied().flatten()
}

/// Puts a system call of the kernel itself in its place; once for each, while booting.
pub(crate) fn set_native(num: usize, flags: c_int, entry: *const c_void, ilp32: bool) {
    tables()[usize::from(ilp32)][num] = Some(Call {
        narg: 6,
        flags: flags | SE_LOADED,
        entry,
    });
}

/// How a module installs a 64-bit system call.
#[unsafe(no_mangle)]
pub static mut mod_syscallops: mod_ops = mod_ops {
    modm_install: Some(install::<0>),
    modm_remove: Some(remove::<0>),
    modm_info: Some(info::<0>),
};

/// How a module installs a 32-bit system call.
#[unsafe(no_mangle)]
pub static mut mod_syscallops32: mod_ops = mod_ops {
    modm_install: Some(install::<1>),
    modm_remove: Some(remove::<1>),
    modm_info: Some(info::<1>),
};

/// The slot that the module's name stands for.
fn slot(ml: *mut modlinkage) -> Result<usize, c_int> {
    // An unknown linkage is a module that calls mod_install from nowhere.
    let name = module_name(ml).ok_or(ENOSPC)?;
    sysnum(&name).ok_or_else(|| {
        crate::cmn_err::say(
            CE_WARN,
            format!("{name}: system call missing from bind file"),
        );
        ENOSPC
    })
}

unsafe extern "C" fn install<const TABLE: usize>(
    linkage: *mut c_void,
    ml: *mut modlinkage,
) -> c_int {
    let num = match slot(ml) {
        Ok(num) => num,
        Err(errno) => return errno,
    };
    // SAFETY: the linkage kind says that this is a modlsys with a sysent.
    let given = unsafe { *(*linkage.cast::<modlsys>()).sys_sysent };
    let flags = c_int::from(given.sy_flags);
    if flags & SE_RVAL_MASK == SE_RVAL_MASK {
        crate::cmn_err::say(
            CE_WARN,
            format!("loadable syscall: bad rval flags {flags:#x}"),
        );
        return ENOSYS;
    }
    let Some(entry) = given.sy_call else {
        return EINVAL;
    };
    let mut tables = tables();
    let place = &mut tables[TABLE][num];
    if place.is_some_and(|call| call.flags & SE_LOADED != 0) {
        drop(tables);
        crate::cmn_err::say(
            CE_WARN,
            format!("system call entry {num} is already in use"),
        );
        return ENOSPC;
    }
    // A module that never unloads makes its slot an ordinary one.
    let loadable = if flags & SE_NOUNLOAD == 0 {
        SE_LOADABLE
    } else {
        0
    };
    *place = Some(Call {
        narg: given.sy_narg as u8,
        flags: (flags & (SE_ARGC | SE_NOUNLOAD | SE_RVAL_MASK)) | SE_LOADED | loadable,
        entry: entry as *const c_void,
    });
    0
}

unsafe extern "C" fn remove<const TABLE: usize>(
    linkage: *mut c_void,
    ml: *mut modlinkage,
) -> c_int {
    // SAFETY: as in `install`.
    let given = unsafe { *(*linkage.cast::<modlsys>()).sys_sysent };
    let entry = given
        .sy_call
        .map_or(std::ptr::null(), |call| call as *const c_void);
    let mut tables = tables();
    let place = slot(ml).ok().map(|num| &mut tables[TABLE][num]);
    match place {
        Some(place) if place.is_some_and(|call| std::ptr::eq(call.entry, entry)) => {
            if place.is_some_and(|call| call.flags & SE_LOADABLE != 0) {
                *place = None;
                0
            } else {
                EBUSY
            }
        }
        _ => {
            drop(tables);
            crate::cmn_err::say(
                CE_WARN,
                "cannot uninstall a system call: not installed".into(),
            );
            EINVAL
        }
    }
}

unsafe extern "C" fn info<const TABLE: usize>(
    _linkage: *mut c_void,
    ml: *mut modlinkage,
    p0: *mut c_int,
) -> c_int {
    let num = slot(ml).map_or(-1, |num| num as c_int);
    // SAFETY: mod_info passes a writable int.
    unsafe { *p0 = num };
    0
}
