//! Options of `portfs-host suite`.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use crate::boot::Module;

/// Options of the suite.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Test this module file, loaded by krtld
    #[arg(long, value_name = "FILE", conflicts_with = "linked")]
    pub module: Option<PathBuf>,

    /// Test the module that is linked into this program (the default)
    #[arg(long)]
    pub linked: bool,

    /// Run only cases whose name matches this regular expression
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    pub filter: Option<String>,

    /// Run only the case with this name
    #[arg(long, value_name = "NAME", conflicts_with = "filter")]
    pub case: Option<String>,

    /// Print the names of the cases, one per line, and run nothing
    #[arg(long)]
    pub list: bool,

    /// Print which statements have a case, as Markdown, and run nothing
    #[arg(long)]
    pub coverage: bool,

    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Cases at a time (default: one per processor)
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,

    /// Run each case N times, with the seeds that follow
    #[arg(long, value_name = "N", default_value_t = NonZeroU64::MIN)]
    pub repeat: NonZeroU64,

    /// Seconds of real time that a case may take
    #[arg(long, value_name = "SECONDS", default_value_t = NonZeroU64::new(60).unwrap())]
    pub limit: NonZeroU64,

    /// Print TAP on standard output also when that is a terminal
    #[arg(long)]
    pub tap: bool,

    /// Write a JUnit report to this file
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,

    /// Select the cases that test the runner itself: each must be reported as broken
    #[arg(long, hide = true)]
    pub self_test: bool,

    /// Run the one selected case in this very process and report on standard output
    #[arg(long, hide = true)]
    pub inside: bool,
}

impl Args {
    /// The module under test.
    pub fn module(&self) -> Module {
        match &self.module {
            Some(path) => Module::File(path.clone()),
            None => Module::Linked,
        }
    }
}
