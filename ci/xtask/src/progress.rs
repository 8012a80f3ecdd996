//! Running long commands: quiet, with a moving line on a terminal.

use std::ffi::OsString;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

/// A command line that did not succeed, with everything it printed.
#[derive(Debug)]
pub struct CommandFailed {
    /// What was going on, for the message.
    pub title: String,
    /// How it ended, e.g. `exit status: 101`.
    pub status: String,
    /// Standard output and standard error, in the order written.
    pub output: String,
}

impl fmt::Display for CommandFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed ({})", self.title, self.status)
    }
}

impl std::error::Error for CommandFailed {}

/// Prints `error` on standard error: what a failed command printed, then one
/// line beginning with `who`.
pub fn explain(who: &str, error: &anyhow::Error) {
    if let Some(failed) = error.downcast_ref::<CommandFailed>() {
        eprint!("{}", failed.output);
        if !failed.output.ends_with('\n') && !failed.output.is_empty() {
            eprintln!();
        }
    }
    eprintln!("{who}: {error:#}");
}

/// A spinner on standard error; invisible when that is not a terminal.
pub fn spinner(title: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} [{elapsed}] {wide_msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(title.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Runs `command`, showing `title` and the last line it printed while it runs.
///
/// Returns what it printed on both streams.
///
/// # Errors
/// [`CommandFailed`] when it ends with anything but 0; an error naming the
/// program when it cannot be started.
pub fn run(title: &str, command: &Command) -> Result<String> {
    let bar = spinner(title);
    let result = captured(title, command, |line| bar.set_message(line.to_owned()));
    bar.finish_and_clear();
    result
}

/// Runs `command` and returns what it printed, calling `line` for each line.
fn captured(title: &str, command: &Command, line: impl Fn(&str)) -> Result<String> {
    let program = command.get_program().to_owned();
    let args: Vec<OsString> = command.get_args().map(ToOwned::to_owned).collect();
    let mut expression = duct::cmd(&program, args);
    for (name, value) in command.get_envs() {
        expression = match value {
            Some(value) => expression.env(name, value),
            None => expression.env_remove(name),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        expression = expression.dir(dir);
    }
    let reader = expression
        .stderr_to_stdout()
        .stdin_null()
        .unchecked()
        .reader()
        .with_context(|| format!("cannot start {}", Path::new(&program).display()))?;
    let mut output = String::new();
    let mut lines = BufReader::new(&reader);
    let mut bytes = Vec::new();
    while lines.read_until(b'\n', &mut bytes)? > 0 {
        let text = String::from_utf8_lossy(&bytes);
        line(text.trim());
        output.push_str(&text);
        bytes.clear();
    }
    let status = reader.try_wait()?.map(|ended| ended.status);
    match status {
        Some(status) if status.success() => Ok(output),
        Some(status) => Err(CommandFailed {
            title: title.to_owned(),
            status: status.to_string(),
            output,
        }
        .into()),
        None => anyhow::bail!("{title}: output ended but the command goes on"),
    }
}
