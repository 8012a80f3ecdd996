//! Test Anything Protocol, version 14: one line per case, details of a failure as YAML.

use core::fmt::{self, Write};

/// Writes the version line and the plan.
pub fn plan(out: &mut dyn Write, count: usize) -> fmt::Result {
    writeln!(out, "TAP version 14")?;
    writeln!(out, "1..{count}")
}

/// Writes the line of a case that passed.
pub fn ok(out: &mut dyn Write, number: usize, name: &str) -> fmt::Result {
    writeln!(out, "ok {number} - {name}")
}

/// Writes the line of a case that the system cannot run.
pub fn skip(out: &mut dyn Write, number: usize, name: &str, why: &str) -> fmt::Result {
    writeln!(out, "ok {number} - {name} # SKIP {why}")
}

/// Writes the line of a case that failed, and the reason as a YAML block.
pub fn not_ok(out: &mut dyn Write, number: usize, name: &str, reason: &str) -> fmt::Result {
    writeln!(out, "not ok {number} - {name}")?;
    writeln!(out, "  ---")?;
    writeln!(out, "  message: |")?;
    for line in reason.lines() {
        writeln!(out, "    {line}")?;
    }
    writeln!(out, "  ...")
}

/// Writes comment lines.
pub fn note(out: &mut dyn Write, text: &str) -> fmt::Result {
    text.lines().try_for_each(|line| writeln!(out, "# {line}"))
}
