//! The table at the end of a run.

use std::io::{self, Write};

use comfy_table::{CellAlignment, Table, TableStyle};

use super::report::{Report, ScenarioReport};

/// Head of the table; the first and last column are text.
const HEAD: [&str; 10] = [
    "scenario",
    "threads",
    "events",
    "events/s",
    "p50",
    "p99",
    "max",
    "wakeups",
    "per event",
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
        scenario.events.to_string(),
        format!("{:.0}", scenario.events_per_second),
        duration(scenario.latency_ns.p50),
        duration(scenario.latency_ns.p99),
        duration(scenario.latency_ns.max),
        scenario.wakeups.to_string(),
        format!("{:.3}", scenario.wakeups_per_event),
        scenario.findings.summary.clone(),
    ]
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
        let row = "go-poller 4+2 2000000 1000000 1.50 us 20.2 us 3.00 ms 500000 0.250 none";
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
