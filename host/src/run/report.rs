//! [`Report`]: the result of a run, as it is shown and as JSON.

use std::fmt;
use std::io::{self, Write};

use fakekernel::krtld;
use serde::{Deserialize, Serialize};
use serve::{Findings, Scenario, Service};

use super::memory::MemoryReport;
use crate::boot::Module;

/// A run. All times are in nanoseconds unless the name says otherwise.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Was nothing lost, duplicated, out of order, leaked or stuck?
    pub ok: bool,
    /// Why the run ended early.
    pub failure: Option<String>,
    /// The module, once it was loaded.
    pub module: Option<ModuleReport>,
    /// The scenarios that ended, in order.
    pub scenarios: Vec<ScenarioReport>,
    /// The kernel, once it was shut down.
    pub kernel: Option<KernelReport>,
}

/// A loaded module.
#[derive(Debug, Serialize, Deserialize)]
pub struct ModuleReport {
    /// Its file, or `linked`.
    pub file: String,
    /// Size of the file in bytes.
    pub bytes: usize,
    /// Bytes of code and constants.
    pub text_bytes: usize,
    /// Bytes of variables.
    pub data_bytes: usize,
    /// Kernel symbols that it imports.
    pub imports: usize,
}

/// A kernel after its shutdown.
#[derive(Debug, Serialize, Deserialize)]
pub struct KernelReport {
    /// Deepest stack that a system call used, in bytes.
    pub stack_bytes: usize,
    /// Stack that a system call may use, in bytes.
    pub stack_limit_bytes: usize,
    /// Kernel memory that was not freed.
    pub leaks: Vec<LeakReport>,
}

/// Pieces of kernel memory that came from the same place.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeakReport {
    /// How many.
    pub count: usize,
    /// Bytes of each.
    pub bytes: usize,
    /// The cache they are objects of.
    pub cache: Option<String>,
    /// Where they were allocated.
    pub allocated_at: String,
}

impl KernelReport {
    /// What a kernel that may use `stack_limit` bytes of stack left behind.
    pub fn new(kernel: &fakekernel::Report, stack_limit: usize) -> Self {
        let leaks = kernel.leaks.iter().map(|leak| LeakReport {
            count: 1,
            bytes: leak.size,
            cache: leak.cache.clone(),
            allocated_at: leak.symbol.clone(),
        });
        KernelReport {
            stack_bytes: kernel.stack_depth,
            stack_limit_bytes: stack_limit,
            leaks: group(leaks),
        }
    }
}

/// Puts leaks together that differ in nothing but their count.
fn group(leaks: impl Iterator<Item = LeakReport>) -> Vec<LeakReport> {
    let mut groups: Vec<LeakReport> = Vec::new();
    for leak in leaks {
        let same = |group: &&mut LeakReport| {
            (group.bytes, &group.cache, &group.allocated_at)
                == (leak.bytes, &leak.cache, &leak.allocated_at)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.count += leak.count,
            None => groups.push(leak),
        }
    }
    groups
}

impl fmt::Display for LeakReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} bytes", self.count, self.bytes)?;
        if let Some(cache) = &self.cache {
            write!(f, " of cache {cache}")?;
        }
        write!(f, ", allocated at {}", self.allocated_at)
    }
}

/// A scenario that ended.
#[derive(Debug, Serialize, Deserialize)]
pub struct ScenarioReport {
    /// Its name.
    pub name: String,
    /// The consumers it stands for.
    pub consumers: Vec<String>,
    /// Threads that retrieve.
    pub retrievers: u16,
    /// Threads that send.
    pub senders: u16,
    /// Descriptors that were associated, in a scenario that has any.
    pub connections: Option<u32>,
    /// Kernel memory of these associations.
    pub memory: Option<MemoryReport>,
    /// How long it took.
    pub seconds: f64,
    /// Events, or requests, that were sent.
    pub sent: u64,
    /// Events retrieved, or requests answered.
    pub events: u64,
    /// The same per second.
    pub events_per_second: f64,
    /// From the call that sends to the return of the call that has the event, or the answer.
    pub latency_ns: Latency,
    /// Threads that the kernel woke.
    pub wakeups: u64,
    /// The same per event.
    pub wakeups_per_event: f64,
    /// Retrieving calls.
    pub calls: u64,
    /// Retrieving calls that ended with `EINTR`.
    pub interrupted: u64,
    /// Retrieving calls that ended with `ETIME`.
    pub expired: u64,
    /// Events of descriptors at which there was nothing to read.
    pub spurious: u64,
    /// Connections closed and opened again.
    pub renewed: u64,
    /// Events refused with `EAGAIN` and sent again.
    pub refused: u64,
    /// Alerts set.
    pub alerts: u64,
    /// Alert events retrieved.
    pub alerted: u64,
    /// What was wrong.
    pub findings: FindingsReport,
}

/// Latencies of a scenario in nanoseconds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the events took no longer.
    pub p50: u64,
    /// 99 of 100 events took no longer.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

/// What was wrong with a scenario.
#[derive(Debug, Serialize, Deserialize)]
pub struct FindingsReport {
    /// Events that were never retrieved.
    pub lost: u64,
    /// Events retrieved more than once.
    pub duplicated: u64,
    /// Events that were overtaken.
    pub out_of_order: u64,
    /// Events that nobody sent.
    pub foreign: u64,
    /// The first of all these, one line each.
    pub examples: Vec<String>,
    /// Whatever else went wrong, one line each.
    pub failures: Vec<String>,
    /// The counts on one line.
    pub summary: String,
}

impl ModuleReport {
    /// What krtld says of a module file; of a linked module there is nothing to say.
    pub fn new(origin: &Module, loaded: Option<&krtld::Module>) -> Self {
        let sizes = loaded.map(krtld::Module::sizes).unwrap_or_default();
        ModuleReport {
            file: match origin {
                Module::Linked => "linked".into(),
                Module::File(path) => path.display().to_string(),
            },
            bytes: sizes.file,
            text_bytes: sizes.text,
            data_bytes: sizes.data,
            imports: loaded.map_or(0, |module| module.imports().len()),
        }
    }
}

impl From<&Findings> for FindingsReport {
    fn from(findings: &Findings) -> Self {
        FindingsReport {
            lost: findings.lost,
            duplicated: findings.duplicated,
            out_of_order: findings.out_of_order,
            foreign: findings.foreign,
            examples: findings.examples.clone(),
            failures: findings.failures.clone(),
            summary: findings.to_string(),
        }
    }
}

impl FindingsReport {
    /// One line per thing to complain about.
    fn lines(&self) -> impl Iterator<Item = &String> {
        let flaws = self.lost + self.duplicated + self.out_of_order + self.foreign;
        let summary = (flaws > 0).then_some(&self.summary);
        summary
            .into_iter()
            .chain(&self.examples)
            .chain(&self.failures)
    }
}

impl ScenarioReport {
    /// The report of one scenario.
    pub fn new(scenario: &Scenario, service: &Service) -> Self {
        let tally = &service.tally;
        let memory = MemoryReport::new(service);
        let mut findings = tally.findings.clone();
        if let Some(complaint) = memory.as_ref().and_then(MemoryReport::complaint) {
            findings.fail(complaint);
        }
        ScenarioReport {
            name: scenario.name.into(),
            consumers: scenario
                .consumers
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            retrievers: service.retrievers,
            senders: service.senders,
            connections: service.connections,
            memory,
            seconds: service.elapsed as f64 / 1e9,
            sent: service.sent,
            events: service.taken,
            events_per_second: service.rate(),
            latency_ns: Latency {
                p50: tally.latency.percentile(50.0),
                p99: tally.latency.percentile(99.0),
                max: tally.latency.max(),
            },
            wakeups: service.wakeups.unwrap_or_default(),
            wakeups_per_event: service.wakeups_per_event().unwrap_or_default(),
            calls: tally.calls,
            interrupted: tally.interrupted,
            expired: tally.expired,
            spurious: tally.spurious,
            renewed: tally.renewed,
            refused: tally.refused,
            alerts: service.alerts,
            alerted: tally.alerted,
            findings: (&findings).into(),
        }
    }
}

impl Report {
    /// Sets `ok`; called when nothing will be added any more.
    pub fn close(&mut self) {
        self.ok = self.complaints().is_empty() && self.kernel.is_some();
    }

    /// One line per thing that was wrong.
    pub fn complaints(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for scenario in &self.scenarios {
            let findings = scenario.findings.lines();
            lines.extend(findings.map(|line| format!("{}: {line}", scenario.name)));
        }
        if let Some(kernel) = &self.kernel {
            lines.extend(kernel.leaks.iter().map(|leak| format!("leak: {leak}")));
        }
        lines.extend(self.failure.clone());
        lines
    }

    /// Prints the document to standard output.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub fn print_json(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, self)?;
        writeln!(out)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serve::{Cookie, Findings, Flaw, Histogram, SCENARIOS, Service, Tally};

    use super::{KernelReport, LeakReport, ModuleReport, Report, ScenarioReport, group};

    /// A report of a run in which nothing was wrong.
    pub fn a_report() -> Report {
        let mut latency = Histogram::default();
        for _ in 0..98 {
            latency.record(1_500);
        }
        latency.record(20_000);
        latency.record(3_000_000);
        let service = Service {
            retrievers: 4,
            senders: 2,
            elapsed: 2_000_000_000,
            sent: 2_000_000,
            taken: 2_000_000,
            wakeups: Some(500_000),
            alerts: 7,
            tally: Tally {
                latency,
                ..Tally::default()
            },
            ..Service::default()
        };
        let mut report = Report {
            module: Some(ModuleReport {
                file: "portfs".into(),
                bytes: 25_896,
                text_bytes: 11_760,
                data_bytes: 464,
                imports: 70,
            }),
            scenarios: vec![ScenarioReport::new(&SCENARIOS[0], &service)],
            kernel: Some(KernelReport {
                stack_bytes: 1_576,
                stack_limit_bytes: 16_384,
                leaks: Vec::new(),
            }),
            ..Report::default()
        };
        report.close();
        report
    }

    #[test]
    fn a_clean_run_is_ok() {
        let report = a_report();
        assert!(report.ok && report.complaints().is_empty());
    }

    #[test]
    fn each_complaint_is_said_and_is_not_ok() {
        let mut findings = Findings::default();
        findings.flaw(
            Flaw::Lost,
            Cookie {
                sender: 1,
                number: 5,
            },
            "",
        );
        findings.flaw(
            Flaw::OutOfOrder,
            Cookie {
                sender: 0,
                number: 2,
            },
            ", after event 3",
        );
        let mut report = a_report();
        report.scenarios[0].findings = (&findings).into();
        report.close();
        assert!(!report.ok);
        let expected = [
            "go-poller: 1 lost, 1 out of order",
            "go-poller: lost: event 5 of sender 1",
            "go-poller: out of order: event 2 of sender 0, after event 3",
        ];
        assert_eq!(report.complaints(), expected);

        let leak = |at: &str, cache: Option<&str>| LeakReport {
            count: 1,
            bytes: 64,
            cache: cache.map(str::to_owned),
            allocated_at: at.into(),
        };
        let cache = Some("port_cache");
        let leaks = [leak("a", cache), leak("b", None), leak("a", cache)];
        let mut report = a_report();
        report.kernel.as_mut().unwrap().leaks = group(leaks.into_iter());
        report.close();
        assert!(!report.ok);
        let expected = [
            "leak: 2 x 64 bytes of cache port_cache, allocated at a",
            "leak: 1 x 64 bytes, allocated at b",
        ];
        assert_eq!(report.complaints(), expected);
    }

    #[test]
    fn too_much_memory_is_not_ok() {
        let service = Service {
            connections: Some(10),
            association_bytes: Some(1 << 20),
            ..Service::default()
        };
        let mut report = a_report();
        report.scenarios = vec![ScenarioReport::new(&SCENARIOS[4], &service)];
        report.close();
        assert!(!report.ok);
        let complaints = report.complaints();
        assert_eq!(complaints.len(), 1);
        let expected = "idle: the associations take 1048576 bytes";
        assert!(complaints[0].starts_with(expected), "{complaints:?}");
        assert_eq!(report.scenarios[0].findings.summary, "failed");
    }

    #[test]
    fn a_run_without_end_is_not_ok() {
        let mut report = a_report();
        report.kernel = None;
        report.close();
        assert!(!report.ok);
    }
}
