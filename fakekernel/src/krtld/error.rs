//! Why a module file was refused. Each message names the thing and says what to do.

use std::path::PathBuf;

/// A module that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the host answered.
        source: std::io::Error,
    },
    /// The file is not an x86-64 relocatable object.
    #[error(
        "{module}: {what}: krtld loads ELF64 little-endian x86-64 relocatable (ET_REL) files only"
    )]
    NotModule {
        /// Module name.
        module: String,
        /// What is wrong with the header.
        what: String,
    },
    /// A table or section reaches past the end of the file, or does not parse.
    #[error("{module}: truncated or damaged: {what}")]
    Damaged {
        /// Module name.
        module: String,
        /// The part that cannot be read.
        what: String,
    },
    /// A section breaks one of krtld's rules.
    #[error("{module}: section {section}: {rule}")]
    Section {
        /// Module name.
        module: String,
        /// Section name, or its number when it has none.
        section: String,
        /// The broken rule.
        rule: String,
    },
    /// A relocation that krtld rejects, or accepts and gets wrong.
    #[error("{module}: {section}+{offset:#x}: {what}: {reason}")]
    Relocation {
        /// Module name.
        module: String,
        /// Section whose contents are relocated.
        section: String,
        /// Offset in that section, in bytes.
        offset: u64,
        /// Relocation type and symbol.
        what: String,
        /// Why it cannot be applied.
        reason: String,
    },
    /// Undefined symbols that no part of this kernel provides.
    #[error("{module}: unresolved symbols: {} (no such function or variable in this kernel)", names.join(", "))]
    Unresolved {
        /// Module name.
        module: String,
        /// All of them, sorted.
        names: Vec<String>,
    },
    /// A symbol every module must define is missing or outside the module.
    #[error("{module}: {symbol}: {what}")]
    Required {
        /// Module name.
        module: String,
        /// `_init` or `_info`.
        symbol: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The module asks for another module.
    #[error("{module}: needs module {needs}, which this kernel does not have")]
    Dependency {
        /// Module name.
        module: String,
        /// The DT_NEEDED string.
        needs: String,
    },
    /// A `module:variable = value` setting that cannot be carried out.
    #[error("{module}: set {module}:{variable}: {what}")]
    Setting {
        /// Module name.
        module: String,
        /// Variable name.
        variable: String,
        /// What is wrong with it.
        what: String,
    },
    /// No memory below 2 GiB, or the host refused the protection.
    #[error("{module}: {what}: {source}")]
    Memory {
        /// Module name.
        module: String,
        /// What was asked for.
        what: &'static str,
        /// What the host answered.
        source: std::io::Error,
    },
}

/// Result of the loader.
pub type Result<T> = std::result::Result<T, Error>;
