//! `portfs-host run`: live scenarios (crate `serve`) on a module in the fakekernel.
//!
//! A kernel panic ends its process, so the kernel gets a process of its own: `supervisor` starts
//! this program again as `kernel`, which boots, loads the module, runs the scenarios and writes
//! [`message`]s to its standard output. The supervisor shows progress and makes them one
//! [`report`]: a table for people (`table`) or a JSON document. In the kernel's process a
//! `watchdog` ends a scenario that does not end by itself; the supervisor ends a process that says
//! nothing any more.
//!
//! Exit codes: 0 all well; 1 something was lost, duplicated, out of order, leaked, stuck, or the
//! module did not load; 2 misuse of the command line.

mod args;
mod kernel;
mod memory;
mod message;
mod progress;
mod report;
mod supervisor;
mod table;
mod watchdog;

use std::process::ExitCode;

use crate::misuse;

pub use args::RunArgs;

/// Exit code of a run that found something wrong.
const FAILED: u8 = 1;

/// Runs the subcommand.
pub fn main(args: &RunArgs) -> ExitCode {
    let order = match args.order() {
        Ok(order) => order,
        Err(why) => return misuse::report(why),
    };
    if args.in_kernel {
        kernel::serve(&order);
        return ExitCode::SUCCESS;
    }
    let report = supervisor::run(args, &order);
    let printed = if args.json {
        report.print_json()
    } else {
        table::print(&report)
    };
    if let Err(why) = printed {
        eprintln!("portfs-host: cannot write the result: {why}");
        return ExitCode::from(FAILED);
    }
    for complaint in report.complaints() {
        eprintln!("portfs-host: {complaint}");
    }
    ExitCode::from(if report.ok { 0 } else { FAILED })
}
