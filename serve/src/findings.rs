//! [`Findings`]: what went wrong in a scenario.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::Cookie;

/// Flaws that are kept in words; beyond that only the counts grow.
const EXAMPLES: usize = 8;

/// A flaw in the delivery of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Sent, and never retrieved.
    Lost,
    /// Retrieved although it had been retrieved before.
    Duplicated,
    /// Retrieved after a later event of the same sender, by the same thread.
    OutOfOrder,
    /// Retrieved but never sent, or not with this content.
    Foreign,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flaw::Lost => "lost",
            Flaw::Duplicated => "duplicated",
            Flaw::OutOfOrder => "out of order",
            Flaw::Foreign => "never sent",
        })
    }
}

/// Counts of flaws with some of them in words, and other failures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Events that were sent and not retrieved.
    pub lost: u64,
    /// Events retrieved more than once.
    pub duplicated: u64,
    /// Events retrieved after a later one of their sender.
    pub out_of_order: u64,
    /// Events retrieved that nobody sent.
    pub foreign: u64,
    /// The first flaws, one line each.
    pub examples: Vec<String>,
    /// Everything else that went wrong, one line each.
    pub failures: Vec<String>,
}

impl Findings {
    /// Is there nothing to complain about?
    pub fn is_clean(&self) -> bool {
        *self == Findings::default()
    }

    /// Counts one flaw; `detail` goes behind its name and that of the event.
    pub fn flaw(&mut self, flaw: Flaw, cookie: Cookie, detail: impl fmt::Display) {
        *self.count(flaw) += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(format!("{flaw}: {cookie}{detail}"));
        }
    }

    /// Notes a failure that is no flaw of a single event.
    pub fn fail(&mut self, text: impl ToString) {
        self.failures.push(text.to_string());
    }

    /// Takes over what another thread found.
    pub fn merge(&mut self, other: Findings) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.out_of_order += other.out_of_order;
        self.foreign += other.foreign;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
        self.failures.extend(other.failures);
    }

    fn count(&mut self, flaw: Flaw) -> &mut u64 {
        match flaw {
            Flaw::Lost => &mut self.lost,
            Flaw::Duplicated => &mut self.duplicated,
            Flaw::OutOfOrder => &mut self.out_of_order,
            Flaw::Foreign => &mut self.foreign,
        }
    }
}

impl fmt::Display for Findings {
    /// The counts that are not 0, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.lost, Flaw::Lost),
            (self.duplicated, Flaw::Duplicated),
            (self.out_of_order, Flaw::OutOfOrder),
            (self.foreign, Flaw::Foreign),
        ];
        let mut separator = "";
        for (count, flaw) in counts {
            if count > 0 {
                write!(f, "{separator}{count} {flaw}")?;
                separator = ", ";
            }
        }
        if separator.is_empty() {
            f.write_str(if self.failures.is_empty() {
                "none"
            } else {
                "failed"
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{EXAMPLES, Findings, Flaw};
    use crate::Cookie;

    #[test]
    fn counts_all_and_words_the_first() {
        let mut findings = Findings::default();
        assert!(findings.is_clean());
        assert_eq!(findings.to_string(), "none");
        for number in 0..100 {
            findings.flaw(Flaw::Duplicated, Cookie { sender: 3, number }, "");
        }
        findings.flaw(
            Flaw::Lost,
            Cookie {
                sender: 0,
                number: 7,
            },
            " (late)",
        );
        assert_eq!((findings.duplicated, findings.lost), (100, 1));
        assert_eq!(findings.examples.len(), EXAMPLES);
        assert_eq!(findings.examples[0], "duplicated: event 0 of sender 3");
        assert_eq!(findings.to_string(), "1 lost, 100 duplicated");
    }

    #[test]
    fn a_failure_alone_is_not_clean() {
        let mut findings = Findings::default();
        findings.fail("port_send: EBADFD");
        assert!(!findings.is_clean());
        assert_eq!(findings.to_string(), "failed");
    }
}
