//! Failures that are more than a message: each carries its exit code.

use std::fmt;

/// A failure with the exit code that `./x` ends with.
///
/// Every other error ends with 1 and is printed as one line.
#[derive(Debug)]
pub enum Failure {
    /// Misuse of the command line, or a file that is not there: exit 2.
    Usage(String),
    /// Already explained on the terminal; only the exit code is left: exit 1.
    Explained,
}

impl Failure {
    /// The exit code of the process.
    pub fn code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Explained => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(message) => f.write_str(message),
            Failure::Explained => f.write_str("failed, see above"),
        }
    }
}

impl std::error::Error for Failure {}

/// An error of misuse, ready to be returned: one line, exit 2.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    Failure::Usage(message.into()).into()
}
