//! One case in this process: boot, run, clean up, shut down, report.

use std::io::Write;
use std::process::ExitCode;

use fakekernel::user::{ProcCfg, Process};
use fakekernel::{Config, CvOrder};
use serde::{Deserialize, Serialize};
use suite::{Caps, Ctx, Entry, Strict, System};

use crate::boot::{self, Module};
use crate::system::{DESCRIPTORS, FakeSystem, model};

/// What a case's process writes to its standard output, as one line of JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// The check that failed.
    pub failure: Option<String>,
    /// What the system cannot do although the case needs it.
    pub missing: Option<String>,
    /// Kernel memory that was not given back.
    pub leaks: Vec<String>,
    /// Deepest kernel stack of a system call, in bytes.
    pub stack: usize,
}

/// Runs the selected case; never more than one.
pub fn main(entries: Vec<Entry>, seed: u64, module: &Module) -> ExitCode {
    let [entry] = entries[..] else {
        return crate::misuse::report("--inside needs exactly one case");
    };
    match run(entry, seed, module) {
        Ok(findings) => report(&findings),
        Err(error) => {
            eprintln!("portfs-host: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(entry: Entry, seed: u64, module: &Module) -> anyhow::Result<Findings> {
    let system = match entry.case.strict {
        Strict::Manual => Vec::new(),
        Strict::Classic => module.classic()?,
    };
    // The first seed runs each thread as far as it goes; the others give other interleavings.
    let (yield_chance, cv_order) = match seed {
        1 => (0.0, CvOrder::Fifo),
        _ => (0.2, CvOrder::Random),
    };
    let config = Config {
        seed,
        system,
        yield_chance,
        cv_order,
        ..Config::default()
    };
    let kernel = boot::boot(config, module)?;
    let cfg = ProcCfg {
        model: model(entry.model),
        nofile: DESCRIPTORS,
        ..ProcCfg::default()
    };
    let missing = Process::run(&kernel, cfg, |lwp| {
        FakeSystem::enter(lwp, |sys| {
            let missing = entry.case.needs.difference(sys.caps());
            if !missing.is_empty() {
                return Some(missing);
            }
            let ctx = Ctx::new(sys, seed);
            if let Err(failure) = (entry.case.run)(&ctx) {
                // Threads of the case may sleep for ever: nothing is cleaned up, nobody waits.
                let failure = Some(failure.to_string());
                report(&Findings {
                    failure,
                    ..Findings::default()
                });
                // SAFETY: _exit has no preconditions.
                unsafe { libc::_exit(0) };
            }
            ctx.finish();
            None
        })
    });
    let end = kernel.shutdown();
    Ok(Findings {
        failure: None,
        missing: missing.map(|caps: Caps| format!("{caps:?}")),
        leaks: end.leaks.iter().map(ToString::to_string).collect(),
        stack: end.stack_depth,
    })
}

fn report(findings: &Findings) -> ExitCode {
    let written = serde_json::to_string(findings)
        .map_err(std::io::Error::from)
        .and_then(|line| writeln!(std::io::stdout(), "{line}"));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portfs-host: standard output: {error}");
            ExitCode::FAILURE
        }
    }
}
