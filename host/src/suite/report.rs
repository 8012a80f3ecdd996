//! What the user sees: TAP, or on a terminal a progress line and the broken cases.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use suite::tap;

use super::args::Args;
use super::junit;
use super::verdict::Verdict;
use crate::boot::Module;

/// The result of one run of one case.
pub struct Outcome<'a> {
    /// Name of the case.
    pub name: &'a str,
    /// Its seed.
    pub seed: u64,
    /// What became of it.
    pub verdict: Verdict,
    /// Real time it took.
    pub took: Duration,
}

/// The reports of a run, written case by case.
pub struct Report {
    tap: bool,
    progress: ProgressBar,
    junit: Option<(PathBuf, junit::File)>,
    module: String,
    number: usize,
    broken: usize,
    skipped: usize,
    /// Deepest kernel stack so far, and whose it was.
    stack: (usize, String),
}

impl Report {
    /// Begins the reports of `total` runs.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub fn begin(args: &Args, module: &Module, total: usize) -> Result<Report> {
        let terminal = std::io::stdout().is_terminal();
        let tap = args.tap || !terminal;
        // The line goes to standard error, and only where somebody looks at it.
        let progress = if std::io::stderr().is_terminal() {
            let style =
                ProgressStyle::with_template("{pos}/{len} {wide_bar} {elapsed} {wide_msg}")?;
            ProgressBar::new(total as u64).with_style(style)
        } else {
            ProgressBar::hidden()
        };
        let report = Report {
            tap,
            progress,
            junit: args
                .junit
                .clone()
                .map(|path| (path, junit::File::default())),
            module: module.to_string(),
            number: 0,
            broken: 0,
            skipped: 0,
            stack: (0, String::new()),
        };
        if tap {
            let mut text = String::new();
            tap::plan(&mut text, total)?;
            report.print(&text)?;
        }
        Ok(report)
    }

    /// Reports one run.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub fn case(&mut self, outcome: Outcome<'_>) -> Result<()> {
        self.number += 1;
        self.progress.set_message(outcome.name.to_owned());
        self.progress.inc(1);
        let (number, name) = (self.number, outcome.name);
        let mut text = String::new();
        match &outcome.verdict {
            Verdict::Passed(stack) => {
                if *stack > self.stack.0 {
                    self.stack = (*stack, name.to_owned());
                }
                tap::ok(&mut text, number, name)?;
            }
            Verdict::Skipped(why) => {
                self.skipped += 1;
                tap::skip(&mut text, number, name, why)?;
            }
            Verdict::Broken(_, reason) => {
                self.broken += 1;
                let again = format!(
                    "again: portfs-host suite {} --case {name} --seed {}",
                    self.module, outcome.seed
                );
                tap::not_ok(&mut text, number, name, &format!("{reason}\n{again}"))?;
            }
        }
        if self.tap || matches!(outcome.verdict, Verdict::Broken(..)) {
            self.print(&text)?;
        }
        if let Some((_, file)) = &mut self.junit {
            file.add(&outcome);
        }
        Ok(())
    }

    /// Writes the summary and the JUnit file; true when no case is broken.
    ///
    /// # Errors
    ///
    /// A report cannot be written.
    pub fn end(mut self, took: Duration) -> Result<bool> {
        self.progress.finish_and_clear();
        let mut text = String::new();
        let passed = self.number - self.broken - self.skipped;
        write!(
            text,
            "{passed} passed, {} broken, {} skipped",
            self.broken, self.skipped
        )?;
        writeln!(text, ", {:.1} s, {}", took.as_secs_f64(), self.module)?;
        if self.stack.0 > 0 {
            let (bytes, name) = &self.stack;
            writeln!(text, "deepest kernel stack {bytes} bytes, in {name}")?;
        }
        if self.tap {
            let mut notes = String::new();
            tap::note(&mut notes, &text)?;
            text = notes;
        }
        self.print(&text)?;
        if let Some((path, file)) = self.junit.take() {
            let xml = file.finish("portfs", took)?;
            std::fs::write(&path, xml).with_context(|| format!("{}", path.display()))?;
        }
        Ok(self.broken == 0)
    }

    fn print(&self, text: &str) -> Result<()> {
        self.progress.suspend(|| {
            let mut out = std::io::stdout().lock();
            out.write_all(text.as_bytes())
                .and_then(|()| out.flush())
                .context("standard output")
        })
    }
}
