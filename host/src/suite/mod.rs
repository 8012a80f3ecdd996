//! `portfs-host suite`: the ports test suite over the fakekernel.
//!
//! The program starts itself once per case ([`pool`] -> [`child`] -> [`inside`]), because a kernel
//! panic, a crash or a hang must cost one case only and because there is one kernel per process.
//! The parent judges what came back ([`verdict`]) and writes the reports ([`report`]).

mod args;
mod child;
mod inside;
mod junit;
mod pool;
mod report;
mod select;
mod selftest;
mod verdict;

pub use args::Args;

use std::io::Write;
use std::process::ExitCode;

use crate::misuse;

/// Runs the subcommand.
pub fn main(args: &Args) -> ExitCode {
    if args.coverage {
        return print(&suite::coverage::markdown());
    }
    let entries = match select::entries(args) {
        Ok(entries) => entries,
        Err(problem) => return misuse::report(problem),
    };
    if args.list {
        let names: Vec<String> = entries.iter().map(|entry| entry.name() + "\n").collect();
        return print(&names.concat());
    }
    let module = args.module();
    if let crate::boot::Module::File(path) = &module
        && let Err(error) = std::fs::File::open(path)
    {
        return misuse::report(format_args!("{}: {error}", path.display()));
    }
    if args.inside {
        return inside::main(entries, args.seed, &module);
    }
    // A file that krtld refuses is reported once, not by every case.
    if let Err(error) = module.classic() {
        eprintln!("portfs-host: {error:#}");
        return ExitCode::FAILURE;
    }
    match pool::run(&entries, args, &module) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("portfs-host: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portfs-host: standard output: {error}");
            ExitCode::FAILURE
        }
    }
}
