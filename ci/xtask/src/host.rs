//! Building and starting `portfs-host`, the program with the fakekernel.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::failure::usage;
use crate::paths::Workspace;
use crate::progress;

/// The host's cargo: the one that `x` found.
pub fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// Builds `portfs-host` and returns its path.
///
/// # Errors
/// What cargo said.
pub fn build(ws: &Workspace) -> Result<PathBuf> {
    let mut command = cargo();
    command
        .current_dir(ws.root())
        .args([
            "build",
            "--release",
            "--package",
            "host",
            "--bin",
            "portfs-host",
        ])
        .arg("--target-dir")
        .arg(ws.target());
    progress::run("building the fakekernel", &command)?;
    Ok(ws.target().join("release/portfs-host"))
}

/// Turns this process into `portfs-host` with `args` and more variables in its
/// environment; returns only on failure.
///
/// # Errors
/// The program cannot be started.
pub fn become_host(
    program: &Path,
    args: &[OsString],
    environment: &[(&str, OsString)],
) -> Result<()> {
    let environment = environment.iter().map(|(name, value)| (name, value));
    let error = Command::new(program).args(args).envs(environment).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}

/// Checks that a file named on the command line is there.
///
/// # Errors
/// Usage: which file and why.
pub fn existing(file: &Path) -> Result<()> {
    match file.metadata() {
        Ok(meta) if meta.is_file() => Ok(()),
        Ok(_) => Err(usage(format!("{}: not a file", file.display()))),
        Err(why) => Err(usage(format!("{}: {why}", file.display()))),
    }
}
