//! Every rule against files made for it.

use std::collections::BTreeSet;

use check::rules::RULES;
use check::{Options, Outcome, Report, check_module};

use crate::fixture::{Accepted, Fixture, Negative};
use crate::negative;

fn report(bytes: &[u8]) -> Report {
    check_module(bytes, &Options::default()).expect("the file is a module")
}

fn all_refused() -> Vec<Negative> {
    [
        negative::file::refused(),
        negative::relocations::refused(),
        negative::symbols::refused(),
        negative::code::refused(),
        negative::stack::refused(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Each file is refused by its rule, by no other one, and for the right reason.
fn assert_refused(list: Vec<Negative>) {
    let mut wrong = Vec::new();
    for negative in list {
        let report = report(&negative.file.0);
        let failed: Vec<&str> = report.failed().map(|r| r.name).collect();
        let findings: Vec<String> = report
            .rule(negative.rule)
            .expect("a rule of that name")
            .findings
            .iter()
            .map(ToString::to_string)
            .collect();
        let named = findings.iter().any(|f| f.contains(negative.says));
        if failed != [negative.rule] || !named {
            wrong.push(format!(
                "{} ({}): failed {failed:?}, expected {:?} in {findings:#?}",
                negative.rule, negative.what, negative.says
            ));
        }
        assert!(
            findings.iter().all(|f| !f.contains('\n')),
            "one line each: {findings:?}"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn assert_accepted(list: Vec<Accepted>) {
    for accepted in list {
        let report = report(&accepted.file.0);
        assert!(report.passed(), "{}:\n{report}", accepted.what);
    }
}

#[test]
fn good_module_passes_every_rule() {
    let report = report(&Fixture::good().bytes().0);
    for rule in &report.rules {
        assert_eq!(rule.outcome, Outcome::Passed, "{}: {report}", rule.name);
    }
    assert_eq!(report.rules.len(), RULES.len());
}

#[test]
fn file_rules() {
    assert_refused(negative::file::refused());
    assert_accepted(negative::file::accepted());
}

#[test]
fn relocation_rules() {
    assert_refused(negative::relocations::refused());
    assert_accepted(negative::relocations::accepted());
}

#[test]
fn symbol_rules() {
    assert_refused(negative::symbols::refused());
    assert_accepted(negative::symbols::accepted());
}

#[test]
fn code_rules() {
    assert_refused(negative::code::refused());
    assert_accepted(negative::code::accepted());
}

#[test]
fn stack_rules() {
    assert_refused(negative::stack::refused());
    assert_accepted(negative::stack::accepted());
}

#[test]
fn every_rule_has_a_file_it_refuses() {
    let covered: BTreeSet<&str> = all_refused().iter().map(|n| n.rule).collect();
    let rules: BTreeSet<&str> = RULES.iter().map(|r| r.name).collect();
    assert_eq!(covered, rules);
}

#[test]
fn every_rule_is_explained_in_the_readme() {
    let readme = include_str!("../README.md");
    for rule in RULES {
        assert!(
            readme.contains(&format!("| `{}` |", rule.name)),
            "{} is missing",
            rule.name
        );
    }
}

#[test]
fn a_stripped_module_is_refused() {
    let file = Fixture::good()
        .bytes()
        .header_field(".symtab", crate::fixture::sh::TYPE, &[1]);
    let report = report(&file.0);
    let rule = report.rule("one-symtab").unwrap();
    assert_eq!(rule.findings.len(), 1);
    assert!(rule.findings[0].message.contains("stripped"));
}

#[test]
fn options_move_the_limits() {
    let bytes = Fixture::good().bytes().0;
    let strict = Options {
        max_frame: 40,
        ..Options::default()
    };
    let refused = check_module(&bytes, &strict).unwrap();
    assert_eq!(
        refused.failed().map(|r| r.name).collect::<Vec<_>>(),
        ["stack-frame"]
    );

    let small = Options {
        stack: 12 * 1024 + 50,
        ..Options::default()
    };
    let refused = check_module(&bytes, &small).unwrap();
    assert_eq!(
        refused.failed().map(|r| r.name).collect::<Vec<_>>(),
        ["stack-depth"]
    );

    let lax = Options {
        privileged: false,
        ..Options::default()
    };
    let cli = crate::fixture::with(|f| f.code(&[0xfa]));
    let skipped = check_module(&cli.0, &lax).unwrap();
    assert_eq!(
        skipped.rule("no-privileged").unwrap().outcome,
        Outcome::NotApplicable
    );
}
