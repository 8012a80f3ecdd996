//! Runs each case in a process of its own: one process has one kernel, and a
//! kernel panic ends it.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::process::{Command, ExitCode};

use fakekernel::{Config, Kernel, Strict, boot, panic::EXIT};
use libtest_mimic::{Arguments, Failed, Trial};

/// Names the case that a child process runs.
const CASE: &str = "FAKEKERNEL_CASE";

/// How a case ends.
#[derive(Clone, Copy)]
pub enum Ends {
    /// Normally, without a leak.
    Well,
    /// With a kernel panic of this rule.
    Panic(&'static str),
    /// With a failed assertion whose message contains this.
    Failure(&'static str),
}

/// One case.
#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub ends: Ends,
    pub config: fn() -> Config,
    pub run: fn(&Kernel),
}

/// A case that ends well.
pub const fn legal(name: &'static str, run: fn(&Kernel)) -> Case {
    Case {
        name,
        ends: Ends::Well,
        config: strict,
        run,
    }
}

/// A case that breaks a rule.
pub const fn trips(name: &'static str, rule: &'static str, run: fn(&Kernel)) -> Case {
    Case {
        name,
        ends: Ends::Panic(rule),
        config: strict,
        run,
    }
}

impl Case {
    /// The same case on another kernel.
    pub const fn on(self, config: fn() -> Config) -> Case {
        Case { config, ..self }
    }
}

/// Every rule on.
pub fn strict() -> Config {
    Config {
        strict: Strict {
            leaks: true,
            ..Strict::default()
        },
        ..Config::default()
    }
}

fn child(case: &Case) -> ExitCode {
    let kernel = boot((case.config)());
    (case.run)(&kernel);
    let report = kernel.shutdown();
    let leaks: Vec<_> = report.leaks.iter().map(|leak| leak.to_string()).collect();
    assert!(leaks.is_empty(), "{leaks:?}");
    ExitCode::SUCCESS
}

fn parent(case: &Case) -> Result<(), Failed> {
    let me = std::env::current_exe()?;
    let output = Command::new(me).env(CASE, case.name).output()?;
    let (code, text) = (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr),
    );
    let good = match case.ends {
        Ends::Well => code == Some(0),
        Ends::Panic(rule) => code == Some(EXIT) && text.contains(&format!("panic: {rule}: ")),
        Ends::Failure(message) => code == Some(101) && text.contains(message),
    };
    if good {
        Ok(())
    } else {
        Err(format!("{}\n{text}", output.status).into())
    }
}

/// The test program: the cases, or the one that the parent asked for.
pub fn main(cases: Vec<Case>) -> ExitCode {
    if let Ok(name) = std::env::var(CASE) {
        let case = cases.iter().find(|c| c.name == name).expect("a known case");
        return child(case);
    }
    let args = Arguments::from_args();
    let trials = cases
        .into_iter()
        .map(|c| Trial::test(c.name, move || parent(&c)))
        .collect();
    libtest_mimic::run(&args, trials).exit_code()
}
