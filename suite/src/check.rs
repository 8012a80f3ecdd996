//! Checks that report where, what, expected and found, and never panic.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::{self, Debug, Display};
use core::panic::Location;

use crate::Errno;

/// Why a case failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Source file of the check.
    pub file: String,
    /// Line of the check.
    pub line: u32,
    /// What was checked, what was expected and what was found.
    pub text: String,
}

/// What a case or a part of it answers.
pub type Verdict = Result<(), Failure>;

impl Failure {
    /// A failure at the caller's line.
    #[track_caller]
    pub fn new(text: impl Display) -> Failure {
        let at = Location::caller();
        Failure {
            file: at.file().to_string(),
            line: at.line(),
            text: text.to_string(),
        }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// A call that a case takes for granted was refused.
impl From<Errno> for Failure {
    #[track_caller]
    fn from(errno: Errno) -> Failure {
        Failure::new(format!("expected success, found {errno}"))
    }
}

/// `found` must equal `expected`.
#[track_caller]
pub fn equal<T: PartialEq + Debug>(what: impl Display, found: T, expected: T) -> Verdict {
    if found == expected {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{what}: expected {expected:?}, found {found:?}"
    )))
}

/// `found` must lie in the closed interval.
#[track_caller]
pub fn within<T: PartialOrd + Debug>(what: impl Display, found: T, low: T, high: T) -> Verdict {
    if low <= found && found <= high {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{what}: expected {low:?} to {high:?}, found {found:?}"
    )))
}

/// The statement must hold.
#[track_caller]
pub fn that(what: impl Display, holds: bool) -> Verdict {
    if holds {
        return Ok(());
    }
    Err(Failure::new(format!("expected: {what}")))
}

/// The call must fail with `errno`.
#[track_caller]
pub fn refused<T: Debug>(what: impl Display, found: Result<T, Errno>, errno: Errno) -> Verdict {
    match found {
        Err(e) if e == errno => Ok(()),
        Err(e) => Err(Failure::new(format!("{what}: expected {errno}, found {e}"))),
        Ok(v) => Err(Failure::new(format!(
            "{what}: expected {errno}, found success ({v:?})"
        ))),
    }
}

/// The call must succeed; answers what it answered.
#[track_caller]
pub fn granted<T>(what: impl Display, found: Result<T, Errno>) -> Result<T, Failure> {
    match found {
        Ok(v) => Ok(v),
        Err(e) => Err(Failure::new(format!("{what}: expected success, found {e}"))),
    }
}
