//! `portfs-host`: a portfs module at work in the fakekernel.
//!
//! `suite` runs the cases of crate `suite`, each in a process (and so a kernel) of its own.
//! `run` serves the live scenarios of crate `serve`.
//! Exit status: 0 all went well, 1 something failed, 2 the command line is wrong.

mod boot;
mod misuse;
mod run;
mod suite;
mod system;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A portfs module at work in a fake illumos kernel.
#[derive(Parser)]
#[command(name = "portfs-host", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the ports test suite
    Suite(suite::Args),
    /// Serve live scenarios
    Run(run::RunArgs),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misuse::clap(&error),
    };
    match cli.command {
        Command::Suite(args) => suite::main(&args),
        Command::Run(args) => run::main(&args),
    }
}
