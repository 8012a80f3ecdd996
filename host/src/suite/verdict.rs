//! What became of a case.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use fakekernel::panic::EXIT;

use super::child::Remains;
use super::inside::Findings;

/// The exit status of a process that ThreadSanitizer has stopped.
const RACED: i32 = 66;

/// The kind of a failure, the first word of its description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A check of the case did not hold.
    Failed,
    /// The kernel panicked.
    KernelPanic,
    /// The case or the fakekernel panicked (a bug of the test program).
    Panicked,
    /// The process died by a signal.
    Crashed,
    /// It did not end within the time limit.
    Hung,
    /// Kernel memory was not given back.
    Leaked,
    /// ThreadSanitizer saw a data race.
    Raced,
    /// It ended without a report.
    Silent,
}

impl Kind {
    /// The word in the reports.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Failed => "failed",
            Kind::KernelPanic => "kernel panic",
            Kind::Panicked => "panicked",
            Kind::Crashed => "crashed",
            Kind::Hung => "hung",
            Kind::Leaked => "leaked",
            Kind::Raced => "data race",
            Kind::Silent => "no report",
        }
    }
}

/// The result of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passed; the deepest kernel stack in bytes.
    Passed(usize),
    /// This system cannot run it.
    Skipped(String),
    /// It did not pass.
    Broken(Kind, String),
}

/// Judges what a process left behind.
pub fn judge(remains: &Remains, limit: Duration) -> Verdict {
    let Some(status) = remains.status else {
        let text = format!("killed after {} s", limit.as_secs());
        return broken(Kind::Hung, &text, remains);
    };
    if status.code() == Some(EXIT) {
        return broken(Kind::KernelPanic, "", remains);
    }
    if let Some(signal) = status.signal() {
        return broken(Kind::Crashed, &format!("by signal {signal}"), remains);
    }
    if status.code() == Some(101) {
        return broken(Kind::Panicked, "", remains);
    }
    if status.code() == Some(RACED) {
        return broken(Kind::Raced, "", remains);
    }
    let Some(findings) = findings(&remains.stdout) else {
        let text = format!("{status}, standard output: {:?}", remains.stdout);
        return broken(Kind::Silent, &text, remains);
    };
    if let Some(missing) = findings.missing {
        return Verdict::Skipped(format!("needs {missing}"));
    }
    if let Some(failure) = findings.failure {
        return broken(Kind::Failed, &failure, remains);
    }
    if !findings.leaks.is_empty() {
        return broken(Kind::Leaked, &findings.leaks.join("\n"), remains);
    }
    if !status.success() {
        return broken(Kind::Silent, &status.to_string(), remains);
    }
    Verdict::Passed(findings.stack)
}

fn broken(kind: Kind, text: &str, remains: &Remains) -> Verdict {
    let mut lines = kind.word().to_string();
    for part in [text, remains.stderr.trim_end()] {
        if !part.is_empty() {
            lines.push_str(if lines == kind.word() { ": " } else { "\n" });
            lines.push_str(part);
        }
    }
    Verdict::Broken(kind, lines)
}

/// The report is the last line: a module may print before.
fn findings(stdout: &str) -> Option<Findings> {
    serde_json::from_str(stdout.lines().last()?).ok()
}
