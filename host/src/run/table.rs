//! The table at the end of a run.

use std::io::{self, Write};

use comfy_table::{CellAlignment, Table, TableStyle};

use super::report::{Report, ScenarioReport};

/// Head of the table; the first and last column are text.
const HEAD: [&str; 12] = [
    "scenario",
    "threads",
    "connections",
    "events",
    "events/s",
    "p50",
    "p99",
    "max",
    "wakeups",
    "per event",
    "memory each",
    "found",
];

/// Prints the report to standard output.
///
/// # Errors
///
/// Standard output cannot be written.
pub fn print(report: &Report) -> io::Result<()> {
    let mut out = io::stdout().lock();
    write(report, &mut out)
}

fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    if !report.scenarios.is_empty() {
        let mut table = Table::new();
        table.load_style(TableStyle::new()).set_header(HEAD);
        for scenario in &report.scenarios {
            table.add_row(row(scenario));
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            let text = index == 0 || index == HEAD.len() - 1;
            column.set_padding((0, 2));
            column.set_cell_alignment(if text {
                CellAlignment::Left
            } else {
                CellAlignment::Right
            });
        }
        writeln!(out, "{}", table.trim_fmt())?;
    }
    if let Some(module) = &report.module {
        write!(out, "module  {}", module.file)?;
        if module.bytes > 0 {
            let (text, data) = (module.text_bytes, module.data_bytes);
            write!(out, ": {} bytes (text {text}, data {data})", module.bytes)?;
            write!(out, ", {} imports", module.imports)?;
        }
        writeln!(out)?;
    }
    for scenario in &report.scenarios {
        if let Some(memory) = &scenario.memory {
            writeln!(out, "memory  {}: {memory}", scenario.name)?;
        }
    }
    if let Some(kernel) = &report.kernel {
        let (deepest, limit) = (kernel.stack_bytes, kernel.stack_limit_bytes);
        writeln!(
            out,
            "stack   {deepest} of {limit} bytes used by the deepest system call"
        )?;
        match kernel.leaks.iter().map(|leak| leak.count).sum() {
            0usize => writeln!(out, "leaks   none")?,
            count => writeln!(out, "leaks   {count}")?,
        }
    }
    Ok(())
}

fn row(scenario: &ScenarioReport) -> [String; HEAD.len()] {
    [
        scenario.name.clone(),
        format!("{}+{}", scenario.retrievers, scenario.senders),
        scenario
            .connections
            .map_or_else(none, |count| count.to_string()),
        scenario.events.to_string(),
        format!("{:.0}", scenario.events_per_second),
        duration(scenario.latency_ns.p50),
        duration(scenario.latency_ns.p99),
        duration(scenario.latency_ns.max),
        scenario.wakeups.to_string(),
        format!("{:.3}", scenario.wakeups_per_event),
        scenario.memory.as_ref().map_or_else(none, |memory| {
            format!("{:.1} B", memory.bytes_per_association)
        }),
        scenario.findings.summary.clone(),
    ]
}

/// What stands where a scenario has no such number.
fn none() -> String {
    "-".into()
}

/// Nanoseconds with three digits and a unit.
fn duration(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => (ns as f64 / 1e3, "us"),
        1_000_000..1_000_000_000 => (ns as f64 / 1e6, "ms"),
        _ => (ns as f64 / 1e9, "s"),
    };
    match value {
        ..10.0 => format!("{value:.2} {unit}"),
        10.0..100.0 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use serve::{SCENARIOS, Service};

    use super::super::report::ScenarioReport;
    use super::super::report::tests::a_report;
    use super::{HEAD, duration, write};

    #[test]
    fn shows_what_there_is() {
        let mut bytes = Vec::new();
        write(&a_report(), &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        for head in HEAD {
            assert!(lines[0].contains(head), "{text}");
        }
        let row = "go-poller 4+2 - 2000000 1000000 1.50 us 20.2 us 3.00 ms 500000 0.250 - none";
        let words: Vec<_> = lines[1].split_whitespace().collect();
        assert_eq!(words.join(" "), row);
        assert_eq!(
            lines[2],
            "module  portfs: 25896 bytes (text 11760, data 464), 70 imports"
        );
        assert_eq!(
            lines[3],
            "stack   1576 of 16384 bytes used by the deepest system call"
        );
        assert_eq!(lines[4], "leaks   none");
    }

    #[test]
    fn shows_the_memory_of_associations() {
        let service = Service {
            connections: Some(1_000),
            association_bytes: Some(205_000),
            ..Service::default()
        };
        let mut report = a_report();
        report.scenarios = vec![ScenarioReport::new(&SCENARIOS[4], &service)];
        let mut bytes = Vec::new();
        write(&report, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let row = text.lines().nth(1).unwrap();
        let words: Vec<_> = row.split_whitespace().collect();
        assert_eq!((words[0], words[2]), ("idle", "1000"), "{text}");
        assert!(words.ends_with(&["205.0", "B", "none"]), "{text}");
        let line = text.lines().find(|line| line.starts_with("memory"));
        let expected = "memory  idle: 205.0 bytes per association: portfd_t and port_kevent_t ";
        assert!(
            line.is_some_and(|line| line.starts_with(expected)),
            "{text}"
        );
    }

    #[test]
    fn durations_have_three_digits() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_234, "1.23 us"),
            (56_789, "56.8 us"),
            (345_678, "346 us"),
            (7_654_321, "7.65 ms"),
            (12_000_000_000, "12.0 s"),
        ];
        for (ns, text) in cases {
            assert_eq!(duration(ns), text);
        }
    }
}
