//! The process of one case, as its parent sees it.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use wait_timeout::ChildExt;

use crate::boot::Module;

/// Everything a process left behind.
#[derive(Debug)]
pub struct Remains {
    /// How it ended; `None`: it was killed at the time limit.
    pub status: Option<ExitStatus>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// Real time it took.
    pub took: Duration,
}

/// Which case to run, and how.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// This program.
    pub program: &'a Path,
    /// The module under test.
    pub module: &'a Module,
    /// Name of the case.
    pub name: &'a str,
    /// Seed of the run.
    pub seed: u64,
    /// Is it one of the runner's own cases?
    pub self_test: bool,
    /// Real time it may take.
    pub limit: Duration,
}

/// Runs one case in a process of its own.
///
/// # Errors
///
/// The process could not be started or waited for.
pub fn run(job: Job<'_>) -> Result<Remains> {
    let mut command = Command::new(job.program);
    command.args([
        "suite",
        "--inside",
        "--case",
        job.name,
        "--seed",
        &job.seed.to_string(),
    ]);
    match job.module {
        Module::Linked => command.arg("--linked"),
        Module::File(path) => command.arg("--module").arg(path),
    };
    if job.self_test {
        command.arg("--self-test");
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = command
        .spawn()
        .context("a process for the case could not be started")?;
    let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let status = wait(&mut child, job.limit).context("the case's process cannot be waited for")?;
    let took = begun.elapsed();
    Ok(Remains {
        status,
        stdout: text(stdout),
        stderr: text(stderr),
        took,
    })
}

fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let status = child.wait_timeout(limit)?;
    if status.is_none() {
        child.kill()?;
        child.wait()?;
    }
    Ok(status)
}

/// Reads a pipe to its end beside the process, so that the process never waits for its parent.
fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What could be read before an error is worth having.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn text(reader: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
}
