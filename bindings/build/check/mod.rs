//! The comparison of a layout table with the headers of a gate.
//!
//! Two readers look at the headers, because each sees what the other does not: bindgen
//! ([`clang`]) knows names and types, the C compiler ([`cc`]) knows every value, macros with casts
//! included. All differences of both are collected before anything is said.

mod cc;
mod claims;
mod clang;
mod gate;
mod shape;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

pub use claims::Claims;
pub use gate::Gate;

/// Why a build against a gate cannot go on.
#[derive(Debug)]
pub enum Error {
    /// the path is not a gate: what was looked for
    NotAGate(String),
    /// a tool is missing or cannot read the headers
    Tool(String),
    /// the gate differs from what the module was written for, one line each
    Differs(Vec<String>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotAGate(what) | Error::Tool(what) => f.write_str(what),
            Error::Differs(lines) => {
                writeln!(f, "this gate differs from what the module was written for:")?;
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

/// What was compared, and found to be the same.
#[derive(Debug, Default)]
pub struct Report {
    /// values that bindgen confirmed
    pub by_clang: usize,
    /// values that the C compiler confirmed
    pub by_cc: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "the gate's headers agree: {} values seen by bindgen, {} assertions compiled by cc",
            self.by_clang, self.by_cc
        )
    }
}

/// Compares `claims` with the headers of `gate`. Files are made under `out`.
pub fn run(gate: &Gate, claims: &Claims, out: &Path) -> Result<Report, Error> {
    let generated = gate.generate_missing_headers(out)?;
    let flags = gate.flags(&generated);
    let wrapper = out.join("gate.h");
    write(&wrapper, &claims.wrapper())?;

    let clang = clang::compare(&wrapper, &flags, claims, out)?;
    let cc = cc::compare(&flags, claims, out)?;
    let mut named: BTreeSet<String> = BTreeSet::new();
    let mut lines = Vec::new();
    // cc knows the value where bindgen may know only that it differs, so it comes first
    for difference in cc.differences.into_iter().chain(clang.differences) {
        if named.insert(difference.what.clone()) {
            lines.push(difference.to_string());
        }
    }
    if !lines.is_empty() {
        return Err(Error::Differs(lines));
    }
    Ok(Report {
        by_clang: clang.compared,
        by_cc: cc.compared,
    })
}

/// Something that is not as claimed.
#[derive(Debug)]
pub struct Difference {
    /// structure, member, constant or function, and which property
    pub what: String,
    /// header it comes from
    pub header: &'static str,
    /// what this crate claims
    pub expected: String,
    /// what the gate has
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference {
            what,
            header,
            expected,
            found,
        } = self;
        write!(
            f,
            "{what}: expected {expected}, the gate has {found} ({header})"
        )
    }
}

/// What one reader found.
#[derive(Debug, Default)]
pub struct Findings {
    /// values that were compared
    pub compared: usize,
    /// those that differ
    pub differences: Vec<Difference>,
}

impl Findings {
    /// Counts a comparison and notes a difference.
    fn compare<T: PartialEq + fmt::Display>(
        &mut self,
        what: impl Into<String>,
        header: &'static str,
        expected: T,
        found: T,
    ) {
        self.compared += 1;
        if expected != found {
            self.differences.push(Difference {
                what: what.into(),
                header,
                expected: expected.to_string(),
                found: found.to_string(),
            });
        }
    }

    /// Notes something that the gate does not have.
    fn missing(&mut self, what: impl Into<String>, header: &'static str, expected: &str) {
        self.compared += 1;
        self.differences.push(Difference {
            what: what.into(),
            header,
            expected: expected.to_owned(),
            found: "none".to_owned(),
        });
    }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|e| Error::Tool(format!("{}: {e}", path.display())))
}
