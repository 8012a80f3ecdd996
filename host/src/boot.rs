//! Booting a kernel with the module under test.

use std::ffi::c_int;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use fakekernel::modctl::{self, Variable};
use fakekernel::{Config, Kernel, krtld};

/// The module's variable that chooses between the manual and the C module.
const STRICT: &str = "portfs_strict";

/// Where the module comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Module {
    /// Linked into this program.
    Linked,
    /// A module file, loaded by the fakekernel's krtld.
    File(PathBuf),
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Module::Linked => f.write_str("--linked"),
            Module::File(path) => write!(f, "--module {}", path.display()),
        }
    }
}

impl Module {
    /// The lines of /etc/system that make the module answer as the C module does. None when it has
    /// no such variable: then it is one that knows no other answers.
    ///
    /// # Errors
    ///
    /// Why krtld would not load the file.
    pub fn classic(&self) -> Result<Vec<(String, i64)>> {
        let name = match self {
            Module::Linked => "portfs".to_owned(),
            Module::File(path) => {
                let module = krtld::Module::load(path, &krtld::symtab::Genunix, &[])
                    .with_context(|| format!("{} cannot be used", path.display()))?;
                if module.lookup(STRICT).is_none() {
                    return Ok(Vec::new());
                }
                module.name().to_owned()
            }
        };
        Ok(vec![(format!("{name}:{STRICT}"), 0)])
    }
}

/// Boots this process's kernel and brings the module in.
///
/// # Errors
///
/// Why the module could not be loaded or refused to start.
pub fn boot(config: Config, module: &Module) -> Result<Kernel> {
    let system = config.system.clone();
    let kernel = fakekernel::boot(config);
    bring_in(module, &system)?;
    Ok(kernel)
}

/// Brings the module into the kernel that was just booted; answers what krtld loaded, if it did.
///
/// # Errors
///
/// As [`boot`].
pub fn bring_in(module: &Module, system: &[(String, i64)]) -> Result<Option<Arc<krtld::Module>>> {
    match module {
        Module::Linked => {
            let strict = portfs::portfs_strict.as_ptr();
            let variables = [Variable {
                name: STRICT,
                addr: strict,
            }];
            // SAFETY: the linked module's own entry points and variable; the kernel has just
            // booted, so this is its only thread.
            unsafe {
                modctl::attach_linked("portfs", portfs::module_init, info, &variables, system)
            }
            .context("the linked module did not start")?;
            Ok(None)
        }
        Module::File(path) => {
            // SAFETY: running the code in this file is what the user asked for; the kernel has
            // just booted, so this is its only thread.
            unsafe { modctl::load(path, system) }
                .map(Some)
                .with_context(|| format!("{} cannot be used", path.display()))
        }
    }
}

extern "C" fn info(modinfo: *mut bindings::modinfo) -> c_int {
    // SAFETY: the kernel passes a valid structure.
    unsafe { portfs::module_info(modinfo) }
}
