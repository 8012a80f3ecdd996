//! Running many cases, a few at a time, with the results in order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use suite::Entry;

use super::args::Args;
use super::child::{self, Job};
use super::report::{Outcome, Report};
use super::verdict;
use crate::boot::Module;

/// One run of one case.
struct Run {
    name: String,
    seed: u64,
}

/// Runs the cases; true when none is broken.
///
/// # Errors
///
/// A process could not be started, or a report not be written.
pub fn run(entries: &[Entry], args: &Args, module: &Module) -> Result<bool> {
    let program = std::env::current_exe().context("the path of this program is unknown")?;
    let limit = Duration::from_secs(args.limit.get());
    let runs: Vec<Run> = entries
        .iter()
        .flat_map(|entry| {
            (0..args.repeat.get()).map(|n| Run {
                name: entry.name(),
                seed: args.seed.wrapping_add(n),
            })
        })
        .collect();
    let jobs = args
        .jobs
        .or_else(|| std::thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, |jobs| jobs.get()).min(runs.len());
    let begun = Instant::now();
    let mut report = Report::begin(args, module, runs.len())?;
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| -> Result<()> {
        for _ in 0..jobs {
            let (sender, next, runs, program) = (sender.clone(), &next, &runs, &program);
            scope.spawn(move || {
                while let Some((index, run)) = take(next, runs) {
                    let job = Job {
                        program,
                        module,
                        name: &run.name,
                        seed: run.seed,
                        self_test: args.self_test,
                        limit,
                    };
                    if sender.send((index, child::run(job))).is_err() {
                        // The reader has given up.
                        return;
                    }
                }
            });
        }
        drop(sender);
        // Dropped on an error, which ends the workers.
        let receiver = receiver;
        let mut waiting = BTreeMap::new();
        let mut shown = 0;
        for (index, remains) in &receiver {
            waiting.insert(index, remains?);
            while let Some(remains) = waiting.remove(&shown) {
                let Run { name, seed } = &runs[shown];
                let verdict = verdict::judge(&remains, limit);
                report.case(Outcome {
                    name,
                    seed: *seed,
                    verdict,
                    took: remains.took,
                })?;
                shown += 1;
            }
        }
        Ok(())
    })?;
    report.end(begun.elapsed())
}

fn take<'a>(next: &AtomicUsize, runs: &'a [Run]) -> Option<(usize, &'a Run)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    runs.get(index).map(|run| (index, run))
}
