//! The run-time linker of the kernel: loads a module file into this process.
//!
//! Mirrors illumos krtld for amd64: sections go to a text block (no SHF_WRITE) and a data block
//! (SHF_WRITE) in section-header order, symbols are resolved against the kernel, relocations are
//! applied, probe call sites are erased and registered. Both blocks and the kernel's own symbols
//! lie below 2 GiB, so the relocations of kernel code fit.
//!
//! Files: [`file`](self) parses, `reloc` knows the types, `image` and `layout` place and relocate, `memory`
//! owns the pages, [`symtab`] is the kernel's symbol table, [`Module`] is the result.
//!
//! Context: a module is loaded by one host thread before any task runs in it; afterwards a
//! [`Module`] does not change.

mod error;
mod file;
mod image;
mod layout;
mod memory;
mod reloc;
pub mod symtab;

use std::ffi::c_int;
use std::path::Path;

pub use error::{Error, Result};
pub use image::Probe;
use memory::Block;

/// What an undefined symbol of a module may refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// A function: reachable through a stub wherever it lies.
    Function,
    /// A variable: must lie below 2 GiB when code refers to it.
    Data,
}

/// A symbol of the kernel.
#[derive(Clone, Copy, Debug)]
pub struct KernelSymbol {
    /// Its address.
    pub addr: usize,
    /// Function or variable.
    pub kind: SymbolKind,
}

/// Where undefined names are looked up; [`symtab::Genunix`] is the one of this kernel.
pub trait Resolve {
    /// The kernel's global symbol `name`.
    fn find(&self, name: &str) -> Option<KernelSymbol>;
}

/// A name the module imports, and how it reaches it.
#[derive(Clone, Debug)]
pub struct Import {
    /// Symbol name.
    pub name: String,
    /// Whether calls go through a stub because the target is out of a 32-bit field's reach.
    pub stub: bool,
    /// Whether the reference is weak and found nothing.
    pub missing: bool,
}

/// A symbol the module defines.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// Symbol name.
    pub name: String,
    /// Address.
    pub addr: usize,
    /// Size in bytes, 0 when the file does not say.
    pub size: usize,
    /// Whether it is global (or weak) rather than local.
    pub global: bool,
}

/// A loaded module. Its memory goes away when this value is dropped.
///
/// # Invariants
/// `symbols` is sorted by address and every address lies in `text` or `data`. `text` is sealed
/// (read-only, executable). `init` and `info` lie in `text`.
#[derive(Debug)]
pub struct Module {
    pub(crate) name: String,
    pub(crate) text: Block,
    pub(crate) data: Block,
    pub(crate) symbols: Vec<Symbol>,
    pub(crate) sizes: Sizes,
    pub(crate) imports: Vec<Import>,
    pub(crate) probes: Vec<Probe>,
    pub(crate) warnings: Vec<String>,
}

/// Sizes in bytes, for reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    /// The file.
    pub file: usize,
    /// Read-only sections (.text, .rodata, ...), without stubs.
    pub text: usize,
    /// Writable sections (.data, .bss).
    pub data: usize,
}

impl Module {
    /// Loads the module in file `path`; the module is named after the file, as in the kernel.
    /// `system` holds the `module:variable = value` settings of /etc/system, applied before
    /// `_init` can run; settings of other modules are ignored.
    ///
    /// # Errors
    /// See [`Error`]; nothing stays mapped.
    pub fn load(path: &Path, kernel: &dyn Resolve, system: &[(String, i64)]) -> Result<Module> {
        let bytes = std::fs::read(path).map_err(|source| Error::Read {
            path: path.to_path_buf(),
            source,
        })?;
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        Module::load_bytes(&name, &bytes, kernel, system)
    }

    /// As [`Module::load`], from memory.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn load_bytes(
        name: &str,
        bytes: &[u8],
        kernel: &dyn Resolve,
        system: &[(String, i64)],
    ) -> Result<Module> {
        let file = file::File::parse(name, bytes)?;
        let mut module = image::link(name, &file, kernel)?;
        module.sizes.file = bytes.len();
        for (variable, value) in system {
            if let Some(variable) = variable
                .strip_prefix(name)
                .and_then(|v| v.strip_prefix(':'))
            {
                module.set(variable, *value)?;
            }
        }
        module.require("_init")?;
        module.require("_info")?;
        module.text.seal().map_err(|source| Error::Memory {
            module: name.into(),
            what: "making the text executable",
            source,
        })?;
        Ok(module)
    }

    /// Name of the module: the file's base name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sizes of file, text and data.
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Undefined symbols of the file, sorted; probes are not among them.
    pub fn imports(&self) -> &[Import] {
        &self.imports
    }

    /// Statically defined probe sites (`sdt:::`), now NOPs.
    pub fn probes(&self) -> &[Probe] {
        &self.probes
    }

    /// What the kernel would print on the console while loading (multiply defined symbols).
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Address of the symbol `name`, local or global.
    pub fn lookup(&self, name: &str) -> Option<usize> {
        self.symbols.iter().find(|s| s.name == name).map(|s| s.addr)
    }

    /// Whether `addr` lies in the module.
    pub fn contains(&self, addr: usize) -> bool {
        self.text.contains(addr) || self.data.contains(addr)
    }

    /// The symbol at or before `addr` and the distance to it in bytes.
    pub fn symbolize(&self, addr: usize) -> Option<(&str, usize)> {
        if !self.contains(addr) {
            return None;
        }
        let after = self.symbols.partition_point(|s| s.addr <= addr);
        let symbol = self.symbols[..after].last()?;
        let same_block = self.text.contains(symbol.addr) == self.text.contains(addr);
        same_block.then_some((symbol.name.as_str(), addr - symbol.addr))
    }

    /// Calls `_init`, which installs the module. Returns its answer, 0 or an errno.
    ///
    /// # Safety
    /// The module's code runs with every right of this process: the file must be a kernel module
    /// written for this kernel. The caller is a kernel thread (GS base set).
    pub unsafe fn init(&self) -> c_int {
        let addr = self
            .lookup("_init")
            .expect("checked when the module was loaded");
        // SAFETY: the address is the module's own `_init`, whose type the loader's contract fixes
        // as int (void).
        let entry = unsafe { std::mem::transmute::<usize, extern "C" fn() -> c_int>(addr) };
        entry()
    }

    /// Calls `_info`. Returns 1 for success.
    ///
    /// # Safety
    /// As for [`Module::init`]; `info` points to a modinfo structure the call may fill.
    pub unsafe fn info(&self, info: *mut bindings::modinfo) -> c_int {
        let addr = self
            .lookup("_info")
            .expect("checked when the module was loaded");
        // SAFETY: as in `init`: int (struct modinfo *).
        let entry = unsafe {
            std::mem::transmute::<usize, extern "C" fn(*mut bindings::modinfo) -> c_int>(addr)
        };
        entry(info)
    }

    fn require(&self, symbol: &'static str) -> Result<()> {
        let refuse = |what: &str| {
            Err(Error::Required {
                module: self.name.clone(),
                symbol,
                what: what.into(),
            })
        };
        match self.lookup(symbol) {
            None => refuse("not defined: every kernel module must define it"),
            Some(addr) if !self.text.contains(addr) => refuse("not in the module's text"),
            Some(_) => Ok(()),
        }
    }

    fn set(&mut self, variable: &str, value: i64) -> Result<()> {
        let refuse = |what: String| Error::Setting {
            module: self.name.clone(),
            variable: variable.into(),
            what,
        };
        let Some(symbol) = self.symbols.iter().find(|s| s.name == variable) else {
            return Err(refuse("no such symbol in the module".into()));
        };
        let (addr, size) = (symbol.addr, symbol.size);
        if !self.data.contains(addr) || !self.data.contains(addr + size - usize::from(size > 0)) {
            return Err(refuse("not a variable of the module".into()));
        }
        if !matches!(size, 1 | 2 | 4 | 8) {
            return Err(refuse(format!(
                "{size} bytes: only variables of 1, 2, 4 or 8 bytes"
            )));
        }
        let at = addr - self.data.start();
        self.data.bytes()[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
        Ok(())
    }
}
