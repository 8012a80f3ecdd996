//! Modules: who is loaded, and the installation of their system calls.
//!
//! Mirrors modctl.c and modconf.c for modules that bring a system call. A module gets in by a file
//! ([`load`]) or because it is linked into this program ([`attach_linked`]); the rest is the same.
//!
//! Contexts: modules come and go while nothing else runs in them.

mod sysent;

use std::ffi::{c_int, c_void};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bindings::*;

pub(crate) use sysent::set_native;
pub use sysent::{lookup, mod_syscallops, mod_syscallops32};

use crate::krtld::{self, Module, symtab::Genunix};

/// Why a module did not get in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be loaded.
    #[error(transparent)]
    Load(#[from] krtld::Error),
    /// `_init` refused.
    #[error("{module}: _init answered errno {errno}")]
    Init {
        /// Module name.
        module: String,
        /// Its answer.
        errno: c_int,
    },
    /// `_info` does not describe a module.
    #[error("{module}: _info answered 0: it must call mod_info with the module's linkage")]
    Info {
        /// Module name.
        module: String,
    },
    /// A variable to be set is not one of the linked module's.
    #[error("{module}: set {module}:{variable}: no such variable in the linked module")]
    Setting {
        /// Module name.
        module: String,
        /// Variable name.
        variable: String,
    },
}

/// A C int variable of a linked module that /etc/system may set.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its address.
    pub addr: *mut c_int,
}

struct Entry {
    name: String,
    linkage: usize,
    module: Option<Arc<Module>>,
}

static MODULES: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
/// Which system call a module's name stands for (/etc/name_to_sysnum).
const SYSNUMS: [(&str, usize); 1] = [("portfs", 182)];

fn modules() -> std::sync::MutexGuard<'static, Vec<Entry>> {
    MODULES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Loads, relocates and initialises the module in file `path`. Memory that `_init` allocates is
/// the module's for good and no leak.
///
/// # Errors
/// See [`Error`].
///
/// # Safety
/// The module's code runs with every right of this process. The caller is a kernel thread.
pub unsafe fn load(path: &Path, system: &[(String, i64)]) -> Result<Arc<Module>, Error> {
    let module = Arc::new(Module::load(path, &Genunix, system)?);
    for text in module.warnings() {
        crate::cmn_err::say(CE_WARN, text.clone());
    }
    let (init, info) = (Arc::clone(&module), Arc::clone(&module));
    // SAFETY: a loaded module; what its code does is the caller's word.
    unsafe {
        install(
            module.name().to_owned(),
            Some(Arc::clone(&module)),
            move || init.init(),
            move |mi| info.info(mi),
        )?;
    }
    Ok(module)
}

/// Initialises a module that is linked into this program: `init` and `info` are what the loaded
/// form calls `_init` and `_info`. Settings for other modules are ignored.
///
/// # Errors
/// See [`Error`].
///
/// # Safety
/// `init` and `info` follow the module interface; the variables are the module's, and no thread
/// reads them yet. The caller is a kernel thread.
pub unsafe fn attach_linked(
    name: &str,
    init: unsafe extern "C" fn() -> c_int,
    info: unsafe extern "C" fn(*mut modinfo) -> c_int,
    variables: &[Variable],
    system: &[(String, i64)],
) -> Result<(), Error> {
    for (setting, value) in system {
        let Some(setting) = setting.strip_prefix(name).and_then(|s| s.strip_prefix(':')) else {
            continue;
        };
        let Some(variable) = variables.iter().find(|v| v.name == setting) else {
            return Err(Error::Setting {
                module: name.into(),
                variable: setting.into(),
            });
        };
        // SAFETY: the module's variable, which nobody reads yet (contract).
        unsafe { variable.addr.write(*value as c_int) };
    }
    // SAFETY: `init` and `info` follow the module interface (contract).
    unsafe { install(name.to_owned(), None, || init(), |mi| info(mi)) }
}

/// # Safety
/// `init` and `info` are those of a module.
unsafe fn install(
    name: String,
    module: Option<Arc<Module>>,
    init: impl FnOnce() -> c_int,
    info: impl FnOnce(*mut modinfo) -> c_int,
) -> Result<(), Error> {
    // SAFETY: all-zero bytes are a valid modinfo.
    let mut answer: modinfo = unsafe { std::mem::zeroed() };
    answer.mi_info = MI_INFO_LINKAGE;
    // The linkage is learnt from _info, as the kernel does for a module it has just loaded.
    if info(&raw mut answer) == 0 {
        return Err(Error::Info { module: name });
    }
    modules().push(Entry {
        name: name.clone(),
        linkage: answer.mi_base as usize,
        module,
    });
    match init() {
        0 => {
            crate::kmem::baseline();
            Ok(())
        }
        errno => {
            modules().retain(|m| m.name != name);
            Err(Error::Init {
                module: name,
                errno,
            })
        }
    }
}

/// The name of the module with this linkage, if it is known.
fn module_name(linkage: *mut modlinkage) -> Option<String> {
    let modules = modules();
    modules
        .iter()
        .find(|m| m.linkage == linkage as usize)
        .map(|m| m.name.clone())
}

/// The system call slot of a module.
fn sysnum(name: &str) -> Option<usize> {
    SYSNUMS
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, num)| *num)
}

/// `module'symbol+0x12` for an address in a loaded module.
pub fn symbolize(addr: usize) -> Option<String> {
    // A panic may come while the list is locked: better no name than no end.
    let modules = MODULES.try_lock().ok()?;
    modules.iter().find_map(|entry| {
        let module = entry.module.as_ref()?;
        let (symbol, offset) = module.symbolize(addr)?;
        Some(match offset {
            0 => format!("{}`{symbol}", entry.name),
            _ => format!("{}`{symbol}+{offset:#x}", entry.name),
        })
    })
}

/// Panics for a pointer that cannot be a modlinkage.
fn check_linkage(ml: *mut modlinkage) {
    if ml.is_null() || !ml.is_aligned() {
        crate::panic::kernel_panic("modlinkage", &format!("{ml:p} is not a modlinkage"));
    }
}

/// What every linkage structure begins with.
#[repr(C)]
struct Linkage {
    ops: *mut mod_ops,
    info: *const std::ffi::c_char,
}

/// The linkage structures of a module.
///
/// # Safety
/// `ml` is a module's modlinkage.
unsafe fn linkages(ml: *mut modlinkage) -> Vec<*mut c_void> {
    check_linkage(ml);
    // SAFETY: live (contract); the array is part of the structure.
    unsafe { (*ml).ml_linkage }
        .into_iter()
        .take_while(|l| !l.is_null())
        .collect()
}

/// Installs each linkage of a module; if one fails, those before it are removed again. Answers 0,
/// EINVAL for a linkage that is not MODREV_1, -1 for one without structures, or what failed.
///
/// # Safety
/// `ml` is a module's modlinkage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mod_install(ml: *mut modlinkage) -> c_int {
    // SAFETY: live, with linkage structures of the kinds this kernel knows (contract).
    unsafe {
        check_linkage(ml);
        if (*ml).ml_rev != MODREV_1 {
            crate::cmn_err::say(
                CE_WARN,
                "mod_install: the modlinkage is not MODREV_1".into(),
            );
            return EINVAL;
        }
        let all = linkages(ml);
        let mut error = -1;
        for (index, linkage) in all.iter().enumerate() {
            let ops = (*linkage.cast::<Linkage>()).ops;
            error = (*ops)
                .modm_install
                .map_or(ENOSYS, |install| install(*linkage, ml));
            if error != 0 {
                for undo in &all[..index] {
                    let ops = (*undo.cast::<Linkage>()).ops;
                    (*ops).modm_remove.map(|remove| remove(*undo, ml));
                }
                break;
            }
        }
        error
    }
}

/// Removes each linkage of a module; if one refuses, those before it are installed again.
///
/// # Safety
/// `ml` is an installed module's modlinkage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mod_remove(ml: *mut modlinkage) -> c_int {
    // SAFETY: as in `mod_install`.
    unsafe {
        let all = linkages(ml);
        for (index, linkage) in all.iter().enumerate() {
            let ops = (*linkage.cast::<Linkage>()).ops;
            let error = (*ops)
                .modm_remove
                .map_or(ENOSYS, |remove| remove(*linkage, ml));
            if error != 0 {
                for redo in &all[..index] {
                    let ops = (*redo.cast::<Linkage>()).ops;
                    (*ops).modm_install.map(|install| install(*redo, ml));
                }
                return error;
            }
        }
        0
    }
}

/// Answers a module's `_info`: revision, description and slot of each linkage. 1 when it worked.
///
/// # Safety
/// `ml` is a module's modlinkage, `mi` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mod_info(ml: *mut modlinkage, mi: *mut modinfo) -> c_int {
    // SAFETY: as in `mod_install`; `mi` is writable (contract).
    unsafe {
        check_linkage(ml);
        (*mi).mi_rev = (*ml).ml_rev;
        let mut error = 0;
        let all = linkages(ml);
        let slots = &mut (*mi).mi_msinfo;
        for (slot, linkage) in slots.iter_mut().zip(&all) {
            let head = linkage.cast::<Linkage>();
            let text = std::ffi::CStr::from_ptr((*head).info).to_bytes();
            slot.msi_linkinfo.fill(0);
            let room = slot.msi_linkinfo.len() - 1;
            for (to, byte) in slot.msi_linkinfo[..room].iter_mut().zip(text) {
                *to = *byte as std::ffi::c_char;
            }
            let info = (*(*head).ops).modm_info;
            error = info.map_or(ENOSYS, |info| info(*linkage, ml, &raw mut slot.msi_p0));
            if error != 0 {
                break;
            }
        }
        if (*mi).mi_info == MI_INFO_LINKAGE {
            (*mi).mi_base = ml.cast();
        }
        c_int::from(error == 0)
    }
}

/// A fresh major number for a pseudo device.
#[unsafe(no_mangle)]
pub extern "C" fn getudev() -> major_t {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(300);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
