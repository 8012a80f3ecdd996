//! `./x test`: everything that must hold, step by step.
//!
//! The steps run in the order of `STEPS`, up to the first that fails; its
//! output is shown. A table at the end says what ran and how long it took.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::failure::{Failure, usage};
use crate::kernel::{self, Options};
use crate::paths::Workspace;
use crate::sanitizer::{self, Instrumenter};
use crate::setup;
use crate::suite::{self, Form};
use crate::tool::Tool;
use crate::toolchain::Toolchain;
use crate::{host, progress};

/// One step of `./x test`.
struct Step {
    name: &'static str,
    what: &'static str,
    /// Runs it; the text goes into the table.
    run: fn(&mut Bench<'_>) -> Result<String>,
}

/// All steps, in order.
const STEPS: [Step; 10] = [
    Step {
        name: "fmt",
        what: "rustfmt finds nothing to change",
        run: fmt,
    },
    Step {
        name: "clippy",
        what: "clippy, all targets, no warnings",
        run: clippy,
    },
    Step {
        name: "doc",
        what: "documentation builds without warnings",
        run: doc,
    },
    Step {
        name: "unit",
        what: "unit, fixture and command line tests",
        run: unit,
    },
    Step {
        name: "build",
        what: "the module for the kernel target",
        run: build,
    },
    Step {
        name: "check",
        what: "krtld's rules and good manners of the module",
        run: check,
    },
    Step {
        name: "linked",
        what: "the suite, module linked into the host program",
        run: linked,
    },
    Step {
        name: "loaded",
        what: "the suite, module file loaded by krtld",
        run: loaded,
    },
    Step {
        name: "broken",
        what: "the suite sees a module that is broken on purpose",
        run: broken,
    },
    Step {
        name: "races",
        what: "the suite under ThreadSanitizer, module linked",
        run: races,
    },
];

/// What the steps share.
struct Bench<'a> {
    ws: &'a Workspace,
    install: bool,
    toolchain: Option<Toolchain>,
    instrumenter: Option<Instrumenter>,
}

/// Prints the steps.
pub fn list() {
    for step in &STEPS {
        println!("{:8} {}", step.name, step.what);
    }
}

/// Runs the steps called `names`, or all of them.
///
/// # Errors
/// An unknown name (usage); a step failed, which the terminal already says.
pub fn test(ws: &Workspace, names: &[String], install: bool) -> Result<()> {
    if let Some(unknown) = names
        .iter()
        .find(|name| STEPS.iter().all(|step| step.name != **name))
    {
        let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        return Err(usage(format!(
            "no step `{unknown}`; there are: {}",
            known.join(" ")
        )));
    }
    let chosen: Vec<&Step> = STEPS
        .iter()
        .filter(|step| names.is_empty() || names.iter().any(|name| name == step.name))
        .collect();
    let mut bench = Bench {
        ws,
        install,
        toolchain: None,
        instrumenter: None,
    };
    bench.prepare(&chosen)?;

    let mut rows = Vec::new();
    let mut failed = false;
    for step in chosen {
        if failed {
            rows.push((step, "not run", None, String::new()));
            continue;
        }
        let start = Instant::now();
        let result = (step.run)(&mut bench);
        let took = Some(start.elapsed());
        match result {
            Ok(note) => {
                eprintln!("{:8} ok in {}", step.name, seconds(start.elapsed()));
                rows.push((step, "ok", took, note));
            }
            Err(error) => {
                progress::explain("x", &error);
                eprintln!("{:8} FAILED in {}", step.name, seconds(start.elapsed()));
                rows.push((step, "FAILED", took, String::new()));
                failed = true;
            }
        }
    }
    println!("\n{:8} {:8} {:>8}  what", "step", "result", "time");
    for (step, result, took, note) in rows {
        let took = took.map_or_else(|| "-".to_owned(), seconds);
        let note = if note.is_empty() {
            note
        } else {
            format!(": {note}")
        };
        println!("{:8} {result:8} {took:>8}  {}{note}", step.name, step.what);
    }
    if failed {
        Err(Failure::Explained.into())
    } else {
        Ok(())
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

impl Bench<'_> {
    /// Installs what the chosen steps need before the first of them runs.
    fn prepare(&mut self, chosen: &[&Step]) -> Result<()> {
        let any = |names: &[&str]| chosen.iter().any(|step| names.contains(&step.name));
        if any(&["fmt", "clippy"]) {
            setup::ensure(&[Tool::Lints], self.install)?;
        }
        if any(&["build", "check", "loaded", "broken"]) {
            self.toolchain = Some(setup::kernel_toolchain(false, self.install)?);
        }
        if any(&["races"]) {
            self.instrumenter = Some(setup::instrumenter(self.install)?);
        }
        Ok(())
    }

    fn module(&self, options: &Options) -> Result<kernel::Built> {
        let toolchain = self
            .toolchain
            .as_ref()
            .context("no kernel toolchain was prepared")?;
        kernel::build(self.ws, toolchain, options)
    }

    /// Runs the host's cargo with `args`.
    fn cargo(&self, title: &str, args: &[&str], envs: &[(&str, &str)]) -> Result<String> {
        let mut command = host::cargo();
        command
            .current_dir(self.ws.root())
            .args(args)
            .envs(envs.iter().copied());
        command.env("CARGO_TARGET_DIR", self.ws.target());
        progress::run(title, &command)
    }
}

fn fmt(bench: &mut Bench<'_>) -> Result<String> {
    bench.cargo(
        "rustfmt",
        &["fmt", "--all", "--check", "--", "--color=never"],
        &[],
    )?;
    Ok(String::new())
}

fn clippy(bench: &mut Bench<'_>) -> Result<String> {
    let args = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ];
    bench.cargo("clippy", &args, &[])?;
    Ok(String::new())
}

fn doc(bench: &mut Bench<'_>) -> Result<String> {
    let args = ["doc", "--workspace", "--no-deps"];
    bench.cargo(
        "documentation",
        &args,
        &[("RUSTDOCFLAGS", "--deny warnings")],
    )?;
    Ok(String::new())
}

fn unit(bench: &mut Bench<'_>) -> Result<String> {
    let output = bench.cargo("unit tests", &["test", "--workspace"], &[])?;
    let passed = passed_tests(&output);
    ensure!(passed > 0, "{output}\ncargo test ran no test");
    Ok(format!("{passed} tests"))
}

/// Sums up `test result: ok. N passed; ...` of every test program.
fn passed_tests(output: &str) -> u64 {
    output
        .lines()
        .filter_map(|line| {
            line.strip_prefix("test result: ok. ")?
                .split(' ')
                .next()?
                .parse::<u64>()
                .ok()
        })
        .sum()
}

fn build(bench: &mut Bench<'_>) -> Result<String> {
    let built = bench.module(&Options::default())?;
    Ok(built.sizes())
}

fn check(bench: &mut Bench<'_>) -> Result<String> {
    let built = bench.module(&Options::default())?;
    ensure!(built.report.passed(), "{}", built.report);
    Ok(format!("{} rules", built.report.rules.len()))
}

fn linked(bench: &mut Bench<'_>) -> Result<String> {
    let program = host::build(bench.ws)?;
    suite::passes("suite, linked", &program, &Form::Linked)
}

fn loaded(bench: &mut Bench<'_>) -> Result<String> {
    let program = host::build(bench.ws)?;
    let module = bench.module(&Options::default())?.linked.module;
    suite::passes("suite, loaded", &program, &Form::Loaded(module))
}

fn broken(bench: &mut Bench<'_>) -> Result<String> {
    let program = host::build(bench.ws)?;
    let options = Options {
        features: vec!["broken-waiters".to_owned()],
        out_dir: Some(bench.ws.target().join("portfs-broken")),
        gate: None,
    };
    let module = bench.module(&options)?.linked.module;
    suite::notices_broken_waiters(&program, module)
}

fn races(bench: &mut Bench<'_>) -> Result<String> {
    let instrumenter = bench.instrumenter.as_ref();
    let instrumenter = instrumenter.context("no Rust for ThreadSanitizer was prepared")?;
    let program = sanitizer::build(bench.ws, instrumenter)?;
    let options = sanitizer::options(bench.ws);
    suite::notices_a_race(&program, &options)?;
    suite::passes("suite, races", &program, &Form::Instrumented(options))
}
