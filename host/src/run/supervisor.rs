//! The process that the user started: runs the kernel in another one and hears what it says.

use std::env;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fakekernel::panic;

use super::args::{Order, RunArgs};
use super::message::Message;
use super::progress::Progress;
use super::report::Report;

/// Silence beyond the limit of a scenario after which the kernel's process is ended from outside.
const SILENCE: Duration = Duration::from_secs(15);

/// Runs everything and returns the closed report.
pub fn run(args: &RunArgs, order: &Order) -> Report {
    let mut report = Report::default();
    match start(args) {
        Ok(child) => hear(child, order, &mut report),
        Err(why) => report.failure = Some(format!("cannot start the kernel's process: {why}")),
    }
    report.close();
    report
}

fn start(args: &RunArgs) -> io::Result<Child> {
    Command::new(env::current_exe()?)
        .args(args.for_kernel())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

fn hear(mut child: Child, order: &Order, report: &mut Report) {
    let console = child.stderr.take().map(read_all);
    let messages = child.stdout.take().map(read_lines);
    let progress = Progress::start();
    let mut silent = false;
    while let Some(messages) = &messages {
        match messages.recv_timeout(order.longest() + SILENCE) {
            Ok(line) => take(&line, report, &progress),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                silent = true;
                // It may have ended just now; the status below tells.
                let _ = child.kill();
                break;
            }
        }
    }
    let status = child.wait();
    let console = console
        .and_then(|reader| reader.join().ok())
        .unwrap_or_default();
    progress.end();
    eprint!("{console}");
    if report.failure.is_none() {
        report.failure = if silent {
            Some("the kernel's process said nothing any more and was ended".into())
        } else {
            ending(status, &console, report)
        };
    }
}

/// Takes one line of the kernel's process.
fn take(line: &str, report: &mut Report, progress: &Progress) {
    match serde_json::from_str(line) {
        Ok(Message::Loaded(module)) => report.module = Some(module),
        Ok(Message::Begin { name, time }) => progress.begin(&name, time),
        Ok(Message::Taken { events, elapsed }) => progress.taken(events, elapsed),
        Ok(Message::Served(scenario)) => report.scenarios.push(*scenario),
        Ok(Message::Down(kernel)) => report.kernel = Some(kernel),
        Ok(Message::Failed(why)) => report.failure = Some(why),
        Err(why) => {
            report.failure = Some(format!("the kernel's process does not make sense: {why}"));
        }
    }
}

/// What is wrong with how the process ended, if anything.
fn ending(status: io::Result<ExitStatus>, console: &str, report: &Report) -> Option<String> {
    let status = match status {
        Ok(status) => status,
        Err(why) => return Some(format!("the kernel's process cannot be waited for: {why}")),
    };
    if status.code() == Some(panic::EXIT) {
        let line = console
            .lines()
            .find_map(|line| line.strip_prefix("panic: "));
        return Some(format!(
            "the kernel panicked: {}",
            line.unwrap_or("it did not say why")
        ));
    }
    if status.success() && report.kernel.is_some() {
        return None;
    }
    Some(format!("the kernel's process ended early ({status})"))
}

fn read_all(mut stream: ChildStderr) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What could be read is what there is to show.
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn read_lines(stream: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
