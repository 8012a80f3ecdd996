//! The list of cases itself: names, tags, coverage, and the table in the docs.

use std::collections::HashSet;
use std::path::Path;

use suite::coverage::{self, Part};
use suite::{Entry, Model, cases};

#[test]
fn names_are_unique_and_well_formed() {
    let mut seen = HashSet::new();
    for entry in cases::entries() {
        let name = entry.name();
        assert!(seen.insert(name.clone()), "{name} is used twice");
        let (noun, rest) = name
            .split_once('.')
            .unwrap_or_else(|| panic!("{name} has no noun"));
        let good = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        let rest = rest.strip_suffix(".ilp32").unwrap_or(rest);
        assert!(
            good(noun) && good(rest),
            "{name}: lower case, digits and _ only"
        );
    }
}

#[test]
fn only_the_32_bit_twin_has_the_suffix() {
    for case in cases::all() {
        for entry in Entry::of(case) {
            let twin = entry.name().ends_with(".ilp32");
            assert!(!twin || entry.model == Model::Ilp32, "{}", entry.name());
        }
    }
}

#[test]
fn every_tag_is_a_known_number() {
    for case in cases::all() {
        assert!(case.tag_list().next().is_some(), "{} has no tag", case.name);
        for tag in case.tag_list() {
            assert!(
                coverage::parse(tag).is_some(),
                "{}: unknown tag {tag}",
                case.name
            );
        }
    }
}

#[test]
fn every_number_of_the_core_has_a_case() {
    let missing: Vec<String> = coverage::rows()
        .iter()
        .filter(|row| row.part == Part::Core && row.cases.is_empty())
        .map(|row| format!("{}{}", row.letter, row.number))
        .collect();
    assert!(missing.is_empty(), "without a case: {}", missing.join(" "));
}

#[test]
fn every_number_is_listed_once() {
    let rows = coverage::rows();
    for (letter, last) in [('S', 98), ('C', 27), ('D', 40)] {
        let numbers: Vec<u32> = rows
            .iter()
            .filter(|r| r.letter == letter)
            .map(|r| r.number)
            .collect();
        assert_eq!(
            numbers,
            (1..=last).collect::<Vec<u32>>(),
            "numbers of {letter}"
        );
    }
}

#[test]
fn there_are_enough_cases() {
    assert!(
        cases::entries().count() >= 150,
        "{} entries",
        cases::entries().count()
    );
}

/// `docs/coverage.md` is what `portfs-host suite --coverage` prints.
#[test]
fn the_table_in_the_docs_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/coverage.md");
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == coverage::markdown(),
        "{} is out of date: write the output of `portfs-host suite --coverage` to it",
        path.display()
    );
}
