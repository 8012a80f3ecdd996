//! Mistakes on the command line: one line on standard error, exit status 2.

use std::fmt::Display;
use std::process::ExitCode;

/// Exit status of a wrong command line.
pub const STATUS: u8 = 2;

/// Says what is wrong and what to do.
pub fn report(problem: impl Display) -> ExitCode {
    eprintln!("portfs-host: {problem}");
    ExitCode::from(STATUS)
}

/// Prints help in full, and an error in one line.
pub fn clap(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind::{
        DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion,
    };
    match error.kind() {
        DisplayHelp | DisplayVersion => {
            // A closed standard output is not our problem.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        DisplayHelpOnMissingArgumentOrSubcommand => {
            report("a subcommand is missing; see `portfs-host --help`")
        }
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            report(format_args!(
                "{}; see --help",
                line.trim_start_matches("error: ")
            ))
        }
    }
}
