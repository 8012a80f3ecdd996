//! The JUnit report.

use std::time::Duration;

use anyhow::Result;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::report::Outcome;
use super::verdict::{Kind, Verdict};

/// A JUnit file in the making.
#[derive(Default)]
pub struct File {
    cases: Vec<TestCase>,
}

impl File {
    /// Adds one run of a case.
    pub fn add(&mut self, outcome: &Outcome<'_>) {
        let status = match &outcome.verdict {
            Verdict::Passed(_) => TestCaseStatus::success(),
            Verdict::Skipped(why) => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(why.as_str());
                status
            }
            Verdict::Broken(kind, reason) => {
                // A check that does not hold is a failure, everything else an error.
                let sort = match kind {
                    Kind::Failed | Kind::Leaked => NonSuccessKind::Failure,
                    _ => NonSuccessKind::Error,
                };
                let mut status = TestCaseStatus::non_success(sort);
                status.set_type(kind.word());
                status.set_message(reason.lines().next().unwrap_or_default());
                status.set_description(reason.as_str());
                status
            }
        };
        let mut case = TestCase::new(outcome.name, status);
        let noun = outcome.name.split('.').next().unwrap_or_default();
        case.set_classname(noun);
        case.set_time(outcome.took);
        case.add_property(("seed", outcome.seed.to_string().as_str()));
        self.cases.push(case);
    }

    /// The file's text.
    ///
    /// # Errors
    ///
    /// The report cannot be written as XML.
    pub fn finish(self, name: &str, took: Duration) -> Result<String> {
        let mut suite = TestSuite::new(name);
        suite.add_test_cases(self.cases);
        let mut report = quick_junit::Report::new(name);
        report.set_time(took);
        report.add_test_suite(suite);
        Ok(report.to_string()?)
    }
}
