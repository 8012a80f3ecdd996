//! `portfs-host suite`: the runner reports broken cases as what they are, and misuse in one line.

use std::path::PathBuf;
use std::process::{Command, Output};

fn suite(args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_portfs-host");
    Command::new(program)
        .arg("suite")
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

/// Runs one of the runner's own cases; answers the TAP.
fn broken(name: &str) -> String {
    let name = format!("selftest.{name}");
    let output = suite(&["--self-test", "--case", &name, "--limit", "3"]);
    let tap = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{tap}");
    assert!(tap.contains(&format!("not ok 1 - {name}")), "{tap}");
    assert!(
        tap.contains(&format!("again: portfs-host suite --linked --case {name}")),
        "{tap}"
    );
    assert!(tap.contains("# 0 passed, 1 broken, 0 skipped"), "{tap}");
    tap
}

#[track_caller]
fn assert_has(text: &str, part: &str) {
    assert!(text.contains(part), "no {part:?} in:\n{text}");
}

/// Exit status 2 and exactly one line, on standard error.
#[track_caller]
fn assert_misuse(args: &[&str], part: &str) {
    let output = suite(args);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    assert_eq!(stdout(&output), "", "{args:?}");
    assert_eq!(text.lines().count(), 1, "{args:?}: {text}");
    assert_has(&text, part);
}

#[test]
fn a_case_that_passes() {
    let output = suite(&["--self-test", "--case", "selftest.passes"]);
    let tap = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{tap}");
    assert!(
        tap.starts_with("TAP version 14\n1..1\nok 1 - selftest.passes\n"),
        "{tap}"
    );
    assert_has(&tap, "# 1 passed, 0 broken, 0 skipped");
    assert_has(&tap, "# deepest kernel stack ");
    // No progress where nobody looks at it.
    assert_eq!(stderr(&output), "");
}

#[test]
fn a_case_that_fails() {
    let tap = broken("fails");
    assert_has(&tap, "    failed: host/src/suite/selftest.rs:");
    assert_has(&tap, "one and one: expected 3, found 2");
}

#[test]
fn a_case_that_panics() {
    let tap = broken("panics");
    assert_has(&tap, "    panicked: ");
    assert_has(&tap, "a case must not do this");
}

#[test]
fn a_thread_that_panics() {
    let tap = broken("thread_panics");
    assert_has(&tap, "    panicked: ");
    assert_has(&tap, "nor one of its threads");
}

#[test]
fn a_kernel_that_panics() {
    assert_has(
        &broken("kernel_panic"),
        "    kernel panic: panic: selftest: asked for",
    );
}

#[test]
fn a_kernel_that_stands_still() {
    assert_has(&broken("deadlock"), "    kernel panic: panic: deadlock: ");
}

#[test]
fn a_case_that_crashes() {
    assert_has(&broken("crashes"), "    crashed: by signal 9");
}

#[test]
fn a_case_that_hangs() {
    assert_has(&broken("hangs"), "    hung: killed after 3 s");
}

#[test]
fn a_case_that_leaks() {
    assert_has(&broken("leaks"), "    leaked: buffer of 64 bytes");
}

#[test]
fn a_race_is_nothing_to_a_program_without_a_sanitizer() {
    let output = suite(&["--self-test", "--case", "selftest.races"]);
    let tap = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{tap}");
}

#[test]
fn a_case_without_a_report() {
    assert_has(&broken("silent"), "    no report: ");
}

#[test]
fn broken_cases_do_not_disturb_the_others() {
    let filter = r"\.(passes|fails|kernel_panic|crashes)$";
    let junit = scratch("junit.xml");
    let path = junit.to_str().expect("a path of characters");
    let output = suite(&[
        "--self-test",
        "--filter",
        filter,
        "--jobs",
        "3",
        "--junit",
        path,
    ]);
    let tap = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{tap}");
    let results: Vec<&str> = tap.lines().filter(|l| l.contains("ok ")).collect();
    let expected = [
        "ok 1 - selftest.passes",
        "not ok 2 - selftest.fails",
        "not ok 3 - selftest.kernel_panic",
        "not ok 4 - selftest.crashes",
    ];
    assert_eq!(results, expected, "{tap}");
    let xml = std::fs::read_to_string(&junit).expect("a JUnit file");
    assert_has(&xml, r#"tests="4""#);
    assert_has(&xml, r#"failures="1""#);
    assert_has(&xml, r#"errors="2""#);
    assert_has(&xml, "panic: selftest: asked for");
    std::fs::remove_file(&junit).expect("the file is ours");
}

#[test]
fn repeated_cases_get_other_seeds() {
    let args = [
        "--self-test",
        "--case",
        "selftest.fails",
        "--repeat",
        "3",
        "--seed",
        "7",
    ];
    let tap = stdout(&suite(&args));
    assert_has(&tap, "1..3\n");
    for seed in ["--seed 7", "--seed 8", "--seed 9"] {
        assert_has(&tap, seed);
    }
}

#[test]
fn the_list_is_names_and_nothing_else() {
    let output = suite(&["--list"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
    let text = stdout(&output);
    let names: Vec<String> = ::suite::cases::entries()
        .map(|entry| entry.name())
        .collect();
    assert_eq!(text.lines().collect::<Vec<_>>(), names);
    let some = stdout(&suite(&["--list", "--filter", "^waiters\\.d1_"]));
    assert!(
        !some.is_empty() && some.lines().all(|name| name.starts_with("waiters.d1_")),
        "{some}"
    );
}

#[test]
fn the_coverage_table_is_printed() {
    assert_eq!(
        stdout(&suite(&["--coverage"])),
        ::suite::coverage::markdown()
    );
}

#[test]
fn misuse_is_one_line_and_status_2() {
    assert_misuse(&["--no-such-option"], "--no-such-option");
    assert_misuse(&["--filter", "("], "not a regular expression");
    assert_misuse(&["--filter", "no such case"], "no case matches");
    assert_misuse(&["--case", "no.such_case"], "no case is named no.such_case");
    assert_misuse(&["--seed", "x"], "--seed");
    assert_misuse(&["--jobs", "0"], "--jobs");
    assert_misuse(&["--module", "/no/such/file"], "/no/such/file");
    assert_misuse(&["--linked", "--module", "x"], "--linked");
}

#[test]
fn a_file_that_is_no_module_is_refused_once() {
    let path = scratch("no-module");
    std::fs::write(&path, "not an object file\n").expect("a scratch file");
    let output = suite(&["--module", path.to_str().expect("a path of characters")]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert_has(&text, "no-module");
    assert_eq!(stdout(&output), "");
    std::fs::remove_file(&path).expect("the file is ours");
}

/// A path of our own in the target directory.
fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()))
}
