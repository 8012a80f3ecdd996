//! Running the suite as a step of `./x test`, and reading its TAP.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::progress::{self, CommandFailed};
use crate::sanitizer;

/// How the module gets into the host program.
#[derive(Debug, Clone)]
pub enum Form {
    /// Compiled for the host and linked.
    Linked,
    /// The module file, loaded by the fakekernel's krtld.
    Loaded(PathBuf),
    /// Linked, in a program with ThreadSanitizer, which gets these options.
    Instrumented(OsString),
}

/// Cases that must fail when waiters stand in C's order (D1).
const SEE_BROKEN_WAITERS: [&str; 3] = [
    "waiters.d1_larger_waiter_does_not_hide_smaller",
    "waiters.d1_larger_waiter_with_timeout_takes_nothing",
    "waiters.d1_third_larger_waiter",
];

/// Cases that have nothing to do with the order of waiters.
const UNTOUCHED: &str = "create.";

/// Runs the whole suite, which must pass; returns a line for the table.
///
/// # Errors
/// What the suite printed.
pub fn passes(title: &str, program: &Path, form: &Form) -> Result<String> {
    let output = progress::run(title, &command(program, form, None)).map_err(failures_only)?;
    let cases = Tap::parse(&output);
    ensure!(!cases.ok.is_empty(), "{output}\n{title}: no case ran");
    Ok(cases.to_string())
}

/// A failed run without the cases that passed.
fn failures_only(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<CommandFailed>() {
        Ok(failed) => CommandFailed {
            output: without_passed(&failed.output),
            ..failed
        }
        .into(),
        Err(other) => other,
    }
}

/// A TAP stream without its head and the cases that passed.
pub fn without_passed(output: &str) -> String {
    let dull = |line: &str| {
        ["ok ", "TAP version ", "1.."]
            .iter()
            .any(|s| line.starts_with(s))
    };
    output
        .lines()
        .filter(|line| !dull(line))
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// Runs waiter cases and control cases on a module with waiters in C's order:
/// the first must fail, the others must not.
///
/// # Errors
/// The suite did not notice, or noticed too much.
pub fn notices_broken_waiters(program: &Path, module: PathBuf) -> Result<String> {
    let filter = r"^(waiters\.d1_|create\.)";
    let command = command(program, &Form::Loaded(module), Some(filter));
    let output = match progress::run("suite, broken module", &command) {
        Ok(output) => bail!("{output}\nthe suite passed although the module is broken"),
        Err(error) => error.downcast::<CommandFailed>()?.output,
    };
    let cases = Tap::parse(&output);
    for name in SEE_BROKEN_WAITERS {
        ensure!(
            cases.failed.iter().any(|failed| failed == name),
            "{output}\n{name} did not fail"
        );
    }
    let control = cases
        .ok
        .iter()
        .filter(|name| name.starts_with(UNTOUCHED))
        .count();
    let harmed = cases.failed.iter().find(|name| name.starts_with(UNTOUCHED));
    if let Some(name) = harmed {
        bail!("{output}\n{name} failed, but it has nothing to do with waiters");
    }
    ensure!(control > 0, "{output}\nno control case ran");
    Ok(format!(
        "{} cases failed as they should, {control} control cases passed",
        cases.failed.len()
    ))
}

/// Runs the case that races on purpose in an instrumented program: it must be
/// reported as a race.
///
/// # Errors
/// It was not.
pub fn notices_a_race(program: &Path, options: &OsString) -> Result<()> {
    let mut command = command(program, &Form::Instrumented(options.clone()), None);
    command.args(["--self-test", "--case", "selftest.races"]);
    let output = match progress::run("suite, race on purpose", &command) {
        Ok(output) => output,
        Err(error) => error.downcast::<CommandFailed>()?.output,
    };
    ensure!(
        output.contains("\n    data race: "),
        "{output}\nThreadSanitizer did not notice a race"
    );
    Ok(())
}

fn command(program: &Path, form: &Form, filter: Option<&str>) -> Command {
    let mut command = Command::new(program);
    command.args(["suite", "--tap"]);
    match form {
        Form::Linked => command.arg("--linked"),
        Form::Loaded(module) => command.arg("--module").arg(module),
        // Another seed than the other forms': other programs meet.
        Form::Instrumented(options) => command
            .args(["--linked", "--seed", "2"])
            .args(["--limit", &sanitizer::LIMIT.to_string()])
            .env(sanitizer::OPTIONS_VARIABLE, options),
    };
    if let Some(filter) = filter {
        command.args(["--filter", filter]);
    }
    command
}

/// The cases of a TAP stream, by outcome.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tap {
    /// Names of the cases that passed.
    pub ok: Vec<String>,
    /// Names of the cases that failed.
    pub failed: Vec<String>,
    /// Names of the cases that were skipped.
    pub skipped: Vec<String>,
}

impl Tap {
    /// Reads the result lines; everything else is passed over.
    pub fn parse(output: &str) -> Self {
        let mut tap = Tap::default();
        for line in output.lines() {
            let (list, rest) = match (line.strip_prefix("ok "), line.strip_prefix("not ok ")) {
                (Some(rest), _) => (&mut tap.ok, rest),
                (_, Some(rest)) => (&mut tap.failed, rest),
                _ => continue,
            };
            // `NUMBER - NAME`, for a skipped case with ` # SKIP why` behind it.
            let Some((_, name)) = rest.split_once(" - ") else {
                continue;
            };
            match name.split_once(" # SKIP") {
                Some((name, _)) => tap.skipped.push(name.to_owned()),
                None => list.push(name.trim().to_owned()),
            }
        }
        tap
    }
}

impl std::fmt::Display for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tap {
            ok,
            failed,
            skipped,
        } = self;
        write!(f, "{} cases", ok.len() + failed.len())?;
        if !skipped.is_empty() {
            write!(f, ", {} skipped", skipped.len())?;
        }
        Ok(())
    }
}
