//! From cargo's archive to the module: merge, scope and rename, split.
//!
//! 1. GNU `ld -r` with mapfile/sections.ld: few sections, nothing unreachable.
//! 2. [`symbols::finish`]: scope from the mapfile, C-like names.
//! 3. `objcopy`: debug sections into `portfs.debug`, a `.gnu_debuglink` to it
//!    in the module (debuggers find it beside the module), the rest of the
//!    debug sections and their relocations out of the module. krtld would read
//!    them and never give the memory back.
//!
//! Every file appears whole: it is written under another name and renamed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::mapfile::Mapfile;
use crate::{progress, symbols};

/// What to link, and by which rules.
#[derive(Debug)]
pub struct Link<'a> {
    /// The static library that cargo made.
    pub archive: &'a Path,
    /// Which symbols are global; each of them is kept, with what it uses.
    pub mapfile: &'a Mapfile,
    /// The linker script.
    pub script: &'a Path,
    /// Where the two files go; made if it is not there.
    pub out_dir: &'a Path,
}

/// The two files of a module.
#[derive(Debug, Clone)]
pub struct Linked {
    /// The module, `portfs`.
    pub module: PathBuf,
    /// Its debug information, `portfs.debug`.
    pub debug: PathBuf,
}

/// Links the module.
///
/// # Errors
/// What ld or objcopy say, or a name in the mapfile that is not defined. The
/// files of an earlier build are then untouched.
pub fn link(job: &Link<'_>) -> Result<Linked> {
    fs::create_dir_all(job.out_dir)
        .with_context(|| format!("cannot make the folder {}", job.out_dir.display()))?;
    // Inside the output folder, so that the renames stay in one file system.
    let scratch = TempDir::with_prefix_in(".link-", job.out_dir)
        .with_context(|| format!("cannot write in {}", job.out_dir.display()))?;
    let merged = scratch.path().join("merged.o");
    let named = scratch.path().join("named.o");
    let module = scratch.path().join("portfs");
    let debug = scratch.path().join("portfs.debug");

    let mut ld = Command::new("ld");
    ld.args(["-r", "--gc-sections", "-e", "_init"]);
    for name in job.mapfile.globals() {
        ld.args(["-u", name]);
    }
    ld.arg("-T")
        .arg(job.script)
        .arg("-o")
        .arg(&merged)
        .arg(job.archive);
    progress::run("linking portfs", &ld)?;

    let object = fs::read(&merged).context("ld left no output")?;
    fs::write(&named, symbols::finish(&object, job.mapfile)?)?;

    let mut keep = Command::new("objcopy");
    keep.arg("--only-keep-debug").arg(&named).arg(&debug);
    progress::run("splitting debug information", &keep)?;
    let mut strip = Command::new("objcopy");
    // The link holds the file's name and checksum; objcopy wants it at hand.
    strip.current_dir(scratch.path());
    strip
        .arg("--strip-debug")
        .arg("--add-gnu-debuglink=portfs.debug")
        .arg(&named)
        .arg(&module);
    progress::run("splitting debug information", &strip)?;

    let linked = Linked {
        module: job.out_dir.join("portfs"),
        debug: job.out_dir.join("portfs.debug"),
    };
    fs::rename(&debug, &linked.debug)?;
    fs::rename(&module, &linked.module)?;
    Ok(linked)
}
