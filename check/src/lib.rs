//! Proves an illumos kernel module loadable and well behaved before any kernel sees it.
//!
//! A kernel module that krtld mislinks, or that uses what the kernel does not save, does not fail:
//! it corrupts memory some time later. Everything that can be decided from the file is decided
//! here, one [rule](rules::RULES) per danger, on the artefact itself and not on how it was built.
//! It works on any amd64 module, whoever compiled it.
//!
//! ```no_run
//! let bytes = std::fs::read("target/portfs/portfs")?;
//! let report = check::check_module(&bytes, &check::Options::default())?;
//! report.print(&mut std::io::stdout(), false)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Data flows one way: [`mod@read`] (the file) -> [`elf`] (its parts) -> [`insn`] (its
//! instructions) -> [`frame`] and [`calls`] (its stack) -> the rules -> [`report`]. [`reloc`] and
//! [`kernel`] are facts about krtld and the kernel, usable by any other loader.

pub mod calls;
pub mod context;
pub mod elf;
mod facts;
pub mod frame;
pub mod insn;
pub mod kernel;
mod opcodes;
mod panic;
mod prologue;
pub mod read;
mod rela;
pub mod reloc;
pub mod report;
mod retpoline;
pub mod rules;
mod sections;
mod stack;
mod symbols;

pub use context::Options;
pub use read::NotAModule;
pub use report::{Outcome, Report};

/// Checks a module.
///
/// # Errors
/// [`NotAModule`] when the bytes are no ELF64 relocatable for amd64 or are cut off: there is
/// nothing to apply rules to.
pub fn check_module(bytes: &[u8], options: &Options) -> Result<Report, NotAModule> {
    let module = elf::Module::parse(bytes)?;
    let code = insn::Code::decode(&module);
    let calls = calls::Calls::of(&module, &code);
    let ctx = context::Context {
        module: &module,
        code: &code,
        calls: &calls,
        options,
    };
    Ok(Report {
        rules: rules::RULES.iter().map(|rule| rule.apply(&ctx)).collect(),
        facts: facts::facts(&ctx, bytes.len() as u64),
    })
}
