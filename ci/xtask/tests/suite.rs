//! What is read from the suite's TAP.

use xtask::suite::{Tap, without_passed};

const STREAM: &str = "\
TAP version 14
1..4
ok 1 - create.lp64
not ok 2 - waiters.d1
  ---
  message: |
    ok 9 - not a case
  ...
ok 3 - kstat.count # SKIP no kstat
ok 4 - get.one
# note
";

#[test]
fn outcomes_are_told_apart() {
    let tap = Tap::parse(STREAM);
    assert_eq!(tap.ok, ["create.lp64", "get.one"]);
    assert_eq!(tap.failed, ["waiters.d1"]);
    assert_eq!(tap.skipped, ["kstat.count"]);
    assert_eq!(tap.to_string(), "3 cases, 1 skipped");
}

#[test]
fn a_failed_run_shows_what_failed() {
    assert_eq!(
        without_passed(STREAM),
        "not ok 2 - waiters.d1\n  ---\n  message: |\n    ok 9 - not a case\n  ...\n# note\n"
    );
}
