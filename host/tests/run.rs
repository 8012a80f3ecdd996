//! `portfs-host run` as a user sees it: output, exit codes, and what it says when something fails.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::{env, fs, process};

use object::write::{Object, StandardSegment, Symbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope,
};

fn run(args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_portfs-host");
    Command::new(program)
        .arg("run")
        .args(args)
        .output()
        .expect("portfs-host starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A module file in the folder for temporary files, removed when dropped.
struct Module(PathBuf);

impl Module {
    fn write(name: &str, bytes: &[u8]) -> Module {
        let path = env::temp_dir().join(format!("portfs-host-{}-{name}", process::id()));
        fs::write(&path, bytes).expect("a temporary file");
        Module(path)
    }

    /// A module whose `_info` answers 1 and whose `_init` is this code.
    fn with_init(name: &str, init: &[u8]) -> Module {
        let mut file = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        let segment = file.segment_name(StandardSegment::Text).to_vec();
        let text = file.add_section(segment, b".text".to_vec(), SectionKind::Text);
        // mov $1, %eax; ret
        for (symbol, code) in [("_info", &[0xb8, 1, 0, 0, 0, 0xc3][..]), ("_init", init)] {
            let value = file.append_section_data(text, code, 16);
            file.add_symbol(Symbol {
                name: symbol.into(),
                value,
                size: code.len() as u64,
                kind: SymbolKind::Text,
                scope: SymbolScope::Dynamic,
                weak: false,
                section: SymbolSection::Section(text),
                flags: SymbolFlags::None,
            });
        }
        Module::write(name, &file.write().expect("an object file"))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // A file that stays behind does no harm.
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn every_scenario_serves_and_nothing_is_wrong() {
    let output = run(&["--linked", "--seconds", "1", "--threads", "2", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!(report["ok"], true);
    assert_eq!(report["kernel"]["leaks"].as_array().map(Vec::len), Some(0));
    let scenarios = report["scenarios"].as_array().expect("scenarios");
    let names: Vec<_> = scenarios
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    let all = ["go-poller", "thread-pool", "batch-reader", "echo", "idle"];
    assert_eq!(names, all);
    for scenario in scenarios {
        assert!(scenario["events"].as_u64() > Some(100), "{scenario}");
        assert_eq!(scenario["events"], scenario["sent"]);
        assert!(scenario["wakeups"].as_u64() > Some(0), "{scenario}");
        assert!(
            scenario["latency_ns"]["p50"].as_u64() > Some(0),
            "{scenario}"
        );
    }
    assert!(
        scenarios[0]["interrupted"].as_u64() > Some(0),
        "signals reach pollers"
    );
    assert!(
        scenarios[0]["alerted"].as_u64() > Some(0),
        "alerts reach pollers"
    );
    assert!(
        scenarios[2]["refused"].as_u64() > Some(0),
        "senders reach the event limit"
    );
    for (index, connections) in [(3, 64), (4, 2_000)] {
        let scenario = &scenarios[index];
        assert_eq!(scenario["connections"], connections, "{scenario}");
        let memory = &scenario["memory"];
        let (bytes, most) = (memory["bytes"].as_u64(), memory["most_bytes"].as_u64());
        assert!(bytes > Some(connections * 200) && bytes <= most, "{memory}");
        assert!(
            memory["bytes_per_association"].as_f64() >= Some(200.0),
            "{memory}"
        );
    }
    assert!(
        scenarios[3]["renewed"].as_u64() > Some(0),
        "clients come and go"
    );
    assert_eq!(scenarios[0]["connections"], serde_json::Value::Null);
    assert_eq!(scenarios[0]["memory"], serde_json::Value::Null);
}

#[test]
fn connections_are_as_many_as_asked_for() {
    let args = [
        "--linked",
        "--seconds",
        "1",
        "--scenario",
        "echo",
        "--connections",
        "300",
        "--threads",
        "3",
    ];
    let output = run(&args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let lines: Vec<Vec<_>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[1][..3], ["echo", "3+2", "300"], "{text}");
    assert!(lines[1].ends_with(&["none"]), "{text}");
    let memory = lines.iter().find(|line| line[0] == "memory");
    assert_eq!(memory.map(|line| line[1]), Some("echo:"), "{text}");
    assert!(text.ends_with("leaks   none\n"), "{text}");
}

#[test]
fn the_table_comes_last_and_once() {
    let output = run(&["--linked", "--seconds", "1", "--scenario", "thread-pool"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let first: Vec<_> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        first,
        ["scenario", "thread-pool", "module", "stack", "leaks"],
        "{text}"
    );
    assert!(text.ends_with("leaks   none\n"), "{text}");
}

#[test]
fn a_lost_wakeup_is_reported_with_the_sleeping_thread() {
    let args = [
        "--linked",
        "--seconds",
        "1",
        "--scenario",
        "lost-wakeup",
        "--grace",
        "200",
    ];
    let output = run(&args);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(
        text.contains("lost-wakeup did not end within 1.2 s; its threads:"),
        "{text}"
    );
    assert!(
        text.lines().any(|line| line.contains("/lwp): cv ")),
        "{text}"
    );
}

#[test]
fn a_kernel_panic_is_one_clear_line() {
    // ud2
    let module = Module::with_init("panic", &[0x0f, 0x0b]);
    let output = run(&["--module", module.path(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!(report["ok"], false);
    let failure = report["failure"].as_str().expect("a reason");
    assert!(
        failure.starts_with("the kernel panicked: trap: "),
        "{failure}"
    );
    assert!(failure.contains("_init"), "{failure}");
    let last = format!("portfs-host: {failure}");
    assert_eq!(stderr(&output).lines().last(), Some(&*last));
}

#[test]
fn a_module_that_refuses_is_reported() {
    // mov $22, %eax; ret
    let module = Module::with_init("refuses", &[0xb8, 22, 0, 0, 0, 0xc3]);
    let output = run(&["--module", module.path()]);
    assert_eq!((output.status.code(), &*stdout(&output)), (Some(1), ""));
    let text = stderr(&output);
    assert!(text.contains("_init answered errno 22"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn a_file_that_is_no_module_is_reported() {
    let module = Module::write("text", b"not a module\n");
    let output = run(&["--module", module.path()]);
    assert_eq!((output.status.code(), &*stdout(&output)), (Some(1), ""));
    let text = stderr(&output);
    assert!(text.contains("not an ELF file"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn misuse_is_one_line_and_exit_2() {
    let cases: [(&[&str], &str); 13] = [
        (&[], "no module"),
        (
            &["--linked", "--scenario", "reader"],
            "there are: go-poller thread-pool batch-reader echo idle all",
        ),
        (&["--linked", "--threads", "0"], "0 threads: give 1 to 256"),
        (&["--linked", "--threads", "1000000"], "give 1 to 256"),
        (&["--linked", "--seconds", "0"], "0 seconds: give 1 to 3600"),
        (&["--linked", "--seconds", "1e9"], "1e9"),
        (&["--linked", "--colour"], "--colour"),
        (
            &["--linked", "--connections", "1"],
            "1 connections: give 2 to 100000",
        ),
        (
            &["--linked", "--connections", "100001"],
            "100001 connections: give 2 to 100000",
        ),
        (&["--linked", "--connections", "many"], "many"),
        (
            &["--linked", "--connections", "9", "--scenario", "go-poller"],
            "scenario `go-poller` has no connections",
        ),
        (&["--module", "/nowhere/portfs"], "/nowhere/portfs: "),
        (&["--module", "/"], "/: not a file"),
    ];
    for (args, expected) in cases {
        let output = run(args);
        let text = stderr(&output);
        assert_eq!(
            (output.status.code(), &*stdout(&output)),
            (Some(2), ""),
            "{args:?}: {text}"
        );
        assert!(
            text.starts_with("portfs-host: ") && text.contains(expected),
            "{args:?}: {text}"
        );
        assert_eq!(text.lines().count(), 1, "{args:?}: {text}");
    }
}
