//! The command line of `./x`.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use serve::{Plan, Wish};

use crate::failure::{Failure, usage};
use crate::kernel;
use crate::paths::Workspace;
use crate::sanitizer::{self, Sanitizer};
use crate::{host, inspect, progress, setup, steps};

/// Event ports for illumos, in Rust: build, check and run the kernel module.
#[derive(Debug, Parser)]
#[command(name = "x", bin_name = "./x", disable_version_flag = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const SETUP_HELP: &str = "\
The module is built by the first Rust that has its library source: the host's \
own, another toolchain of rustup, or Debian's rustc-web, cargo-web and \
rust-web-src, which are installed with apt-get if there is none. \
PORTFS_TOOLCHAIN_ROOTS, a list of folders like PATH, replaces the places \
looked at; empty means none.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the module, check it, load it and serve live scenarios from it
    Run(RunArgs),
    /// Run every check of this repository, or the steps named
    Test(TestArgs),
    /// Build the kernel module
    Build(BuildArgs),
    /// Prove a module file loadable and well behaved
    Check(CheckArgs),
    /// Run the ports test suite over the fakekernel
    Suite(SuiteArgs),
    /// Find or install the tools that the other commands need
    #[command(after_help = SETUP_HELP)]
    Setup(SetupArgs),
}

#[derive(Debug, Args)]
struct Install {
    /// Never install anything: print the commands to type and exit 1
    #[arg(long)]
    no_install: bool,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Load this module instead of building one
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
    /// Serve only this scenario
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// Threads per scenario
    #[arg(long, value_name = "N")]
    threads: Option<u32>,
    /// Seconds per scenario
    #[arg(long, value_name = "S")]
    seconds: Option<u32>,
    /// Connections of echo, descriptors of idle
    #[arg(long, value_name = "N")]
    connections: Option<u32>,
    /// Seed of everything random
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    install: Install,
}

#[derive(Debug, Args)]
struct TestArgs {
    /// Steps to run; all of them if none is named
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
    /// Print the names of the steps and what they do
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    install: Install,
}

#[derive(Debug, Args)]
struct BuildArgs {
    /// Compare the bindings with the headers of this illumos-gate checkout
    #[arg(long, value_name = "DIR", env = "ILLUMOS_GATE")]
    gate: Option<PathBuf>,
    /// Features of the module; there are only some for tests
    #[arg(long, value_name = "F", value_delimiter = ',')]
    features: Vec<String>,
    /// Write the module and its debug information to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    install: Install,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// The module: this one, or any other portfs
    file: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct SuiteArgs {
    /// Test this module file instead of building one
    #[arg(long, value_name = "FILE", conflicts_with = "linked")]
    module: Option<PathBuf>,
    /// Test the module linked into the host program instead of a file
    #[arg(long)]
    linked: bool,
    /// Only the cases whose name matches this regular expression
    #[arg(long, value_name = "RE")]
    filter: Option<String>,
    /// Only the case with this name
    #[arg(long, value_name = "NAME", conflicts_with = "filter")]
    case: Option<String>,
    /// Print the names of the cases, one per line, and run nothing
    #[arg(long)]
    list: bool,
    /// Print which statements have a case, as Markdown, and run nothing
    #[arg(long)]
    coverage: bool,
    /// Seed of everything random
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Cases at a time
    #[arg(long, value_name = "N")]
    jobs: Option<u32>,
    /// Run each case so often, with the seeds that follow
    #[arg(long, value_name = "N")]
    repeat: Option<u64>,
    /// Seconds of real time that a case may take
    #[arg(long, value_name = "SECONDS")]
    limit: Option<u64>,
    /// Print TAP, also on a terminal
    #[arg(long)]
    tap: bool,
    /// Write a JUnit report to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Build the host program with a sanitizer; the module is linked into it
    #[arg(long, value_name = "WHICH", conflicts_with = "module")]
    sanitize: Option<Sanitizer>,
    #[command(flatten)]
    install: Install,
}

#[derive(Debug, Args)]
struct SetupArgs {
    /// Also what `./x build --gate` needs
    #[arg(long)]
    gate: bool,
    #[command(flatten)]
    install: Install,
}

/// Reads the command line, does what it says, and gives the exit code.
pub fn main() -> ExitCode {
    let result = match Cli::try_parse() {
        Ok(cli) => dispatch(cli.command),
        Err(error) => misuse(&error),
    };
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    match error.downcast_ref::<Failure>() {
        Some(failure) => {
            if let Failure::Usage(message) = failure {
                eprintln!("x: {message}");
            }
            ExitCode::from(failure.code())
        }
        None => {
            progress::explain("x", &error);
            ExitCode::FAILURE
        }
    }
}

/// clap's answer: help goes to the terminal, everything else is one line.
fn misuse(error: &clap::Error) -> Result<()> {
    match error.kind() {
        ErrorKind::DisplayHelp => {
            // A reader that has seen enough (`| head`) is no error.
            let _ = write!(std::io::stdout(), "{error}");
            Ok(())
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Err(usage("no command given (./x help lists them)"))
        }
        _ => {
            let text = error.to_string();
            // The first paragraph: missing arguments are listed below its line.
            let paragraph: Vec<&str> = text
                .lines()
                .map(str::trim)
                .take_while(|line| !line.is_empty())
                .collect();
            let line = paragraph.join(" ");
            let line = line.strip_prefix("error: ").unwrap_or(&line);
            Err(usage(format!("{line} (./x help)")))
        }
    }
}

fn dispatch(command: Command) -> Result<()> {
    let ws = Workspace::here();
    match command {
        Command::Run(args) => run(&ws, args),
        Command::Test(args) if args.list => {
            steps::list();
            Ok(())
        }
        Command::Test(args) => steps::test(&ws, &args.steps, !args.install.no_install),
        Command::Build(args) => build(&ws, args),
        Command::Check(args) => inspect::check(&args.file, args.json),
        Command::Suite(args) => suite(&ws, args),
        Command::Setup(args) => setup::setup(args.gate, !args.install.no_install),
    }
}

fn build(ws: &Workspace, args: BuildArgs) -> Result<()> {
    let gate = args.gate.filter(|dir| !dir.as_os_str().is_empty());
    if let Some(gate) = &gate {
        // Before anything is installed for it.
        kernel::gate(gate)?;
    }
    let toolchain = setup::kernel_toolchain(gate.is_some(), !args.install.no_install)?;
    let options = kernel::Options {
        features: args.features,
        out_dir: args.out,
        gate,
    };
    println!("{}", kernel::build(ws, &toolchain, &options)?);
    if let Some(gate) = &options.gate {
        println!(
            "the headers of {} agree with the module's bindings",
            gate.display()
        );
    }
    Ok(())
}

/// The module to use: the file given, or a fresh build.
fn module(ws: &Workspace, file: Option<PathBuf>, install: bool) -> Result<PathBuf> {
    if let Some(file) = file {
        host::existing(&file)?;
        return Ok(file);
    }
    let toolchain = setup::kernel_toolchain(false, install)?;
    Ok(kernel::build(ws, &toolchain, &kernel::Options::default())?
        .linked
        .module)
}

fn run(ws: &Workspace, args: RunArgs) -> Result<()> {
    // Before anything is built for it.
    Plan::new(Wish {
        scenario: args.scenario.as_deref().unwrap_or(serve::ALL),
        threads: args.threads.map_or(Plan::THREADS, u64::from),
        seconds: args.seconds.map_or(Plan::SECONDS, u64::from),
        connections: args.connections.map(u64::from),
        ..Wish::default()
    })
    .map_err(usage)?;
    let module = module(ws, args.module, !args.install.no_install)?;
    inspect::must_pass(&module)?;
    let program = host::build(ws)?;
    let mut line = Line::new("run");
    line.option("--module", Some(module));
    line.option("--scenario", args.scenario);
    line.option("--threads", args.threads.map(|n| n.to_string()));
    line.option("--seconds", args.seconds.map(|n| n.to_string()));
    line.option("--connections", args.connections.map(|n| n.to_string()));
    line.option("--seed", args.seed.map(|n| n.to_string()));
    line.flag("--json", args.json);
    host::become_host(&program, &line.0, &[])
}

fn suite(ws: &Workspace, mut args: SuiteArgs) -> Result<()> {
    let mut line = Line::new("suite");
    let only_prints = args.list || args.coverage;
    let sanitized = args.sanitize.is_some() && !only_prints;
    if sanitized {
        args.limit = args.limit.or(Some(sanitizer::LIMIT));
    }
    if args.linked || sanitized {
        line.flag("--linked", true);
    } else if !only_prints {
        line.option(
            "--module",
            Some(module(ws, args.module, !args.install.no_install)?),
        );
    }
    line.option("--filter", args.filter);
    line.option("--case", args.case);
    line.flag("--list", args.list);
    line.flag("--coverage", args.coverage);
    line.option("--seed", args.seed.map(|n| n.to_string()));
    line.option("--jobs", args.jobs.map(|n| n.to_string()));
    line.option("--repeat", args.repeat.map(|n| n.to_string()));
    line.option("--limit", args.limit.map(|n| n.to_string()));
    line.flag("--tap", args.tap);
    line.option("--junit", args.junit);
    if sanitized {
        let instrumenter = setup::instrumenter(!args.install.no_install)?;
        let program = sanitizer::build(ws, &instrumenter)?;
        let options = (sanitizer::OPTIONS_VARIABLE, sanitizer::options(ws));
        return host::become_host(&program, &line.0, &[options]);
    }
    host::become_host(&host::build(ws)?, &line.0, &[])
}

/// Arguments for `portfs-host`.
struct Line(Vec<OsString>);

impl Line {
    fn new(command: &str) -> Self {
        Line(vec![command.into()])
    }

    fn option(&mut self, name: &str, value: Option<impl Into<OsString>>) {
        if let Some(value) = value {
            self.0.extend([name.into(), value.into()]);
        }
    }

    fn flag(&mut self, name: &str, on: bool) {
        if on {
            self.0.push(name.into());
        }
    }
}
