//! `./x check FILE`: the rules of crate `check`, shown.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;

use anyhow::Result;
use check::{Options, Report, check_module};

use crate::failure::{Failure, usage};
use crate::host;

/// Applies every rule to the module in `file`.
///
/// # Errors
/// Usage: the file is not there, cannot be read, or is not a module.
pub fn report(file: &Path) -> Result<Report> {
    host::existing(file)?;
    let shown = file.display();
    let bytes = fs::read(file).map_err(|why| usage(format!("{shown}: {why}")))?;
    check_module(&bytes, &Options::default()).map_err(|why| usage(format!("{shown}: {why}")))
}

/// Prints every rule and what it found, for people or as JSON.
///
/// # Errors
/// As [`report`]; there are findings, which are printed by then.
pub fn check(file: &Path, json: bool) -> Result<()> {
    let report = report(file)?;
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        println!();
    } else {
        let colour = out.is_terminal();
        report.print(&mut out, colour)?;
    }
    if report.passed() {
        Ok(())
    } else {
        Err(Failure::Explained.into())
    }
}

/// Refuses a module with findings; says nothing about a good one.
///
/// # Errors
/// As [`report`]; there are findings, which are printed by then.
pub fn must_pass(file: &Path) -> Result<()> {
    let report = report(file)?;
    if report.passed() {
        return Ok(());
    }
    eprint!("{report}");
    Err(Failure::Explained.into())
}
