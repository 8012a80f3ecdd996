//! Files that are no modules: one clear error each, and never a panic.

use check::{NotAModule, Options, check_module};

use crate::fixture::Fixture;

fn error(bytes: &[u8]) -> NotAModule {
    let error = check_module(bytes, &Options::default()).expect_err("no module");
    let line = error.to_string();
    assert!(
        !line.contains('\n') && line.len() > 20,
        "one line that says something: {line}"
    );
    error
}

fn good() -> Vec<u8> {
    Fixture::good().bytes().0
}

fn patched(at: usize, bytes: &[u8]) -> Vec<u8> {
    Fixture::good().bytes().patch(at, bytes).0
}

#[test]
fn no_elf_at_all() {
    assert_eq!(error(b""), NotAModule::Empty);
    assert!(matches!(error(b"#!/bin/sh\n"), NotAModule::NotElf(_)));
    assert!(matches!(error(&[0; 4096]), NotAModule::NotElf(_)));
    assert!(matches!(error(b"\x7fEL"), NotAModule::NotElf(_)));
}

#[test]
fn another_kind_of_elf() {
    assert_eq!(error(&patched(4, &[1])), NotAModule::Class(1));
    assert_eq!(error(&patched(5, &[2])), NotAModule::Encoding(2));
    assert_eq!(error(&patched(18, &[183])), NotAModule::Machine(183));
    assert!(error(&patched(16, &[2])).to_string().contains("ET_EXEC"));
    assert!(error(&patched(16, &[3])).to_string().contains("ET_DYN"));
    assert!(error(&patched(16, &[4])).to_string().contains("ET_CORE"));
    assert_eq!(error(&patched(58, &[40])), NotAModule::HeaderSize(40));
    assert_eq!(error(&patched(60, &[0, 0])), NotAModule::NoSections);
    assert_eq!(error(&patched(40, &[0; 8])), NotAModule::NoSections);
}

#[test]
fn this_test_program_is_an_executable() {
    let path = std::env::current_exe().unwrap();
    assert!(matches!(
        error(&std::fs::read(path).unwrap()),
        NotAModule::Type(_)
    ));
}

#[test]
fn tables_outside_the_file() {
    let far = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    assert!(
        error(&patched(40, &far))
            .to_string()
            .contains("the section table")
    );
    assert!(matches!(
        error(&patched(62, &[0xfe, 0x7f])),
        NotAModule::Name(_)
    ));
    let file = Fixture::good().bytes().header_field(".text", 24, &far);
    assert!(error(&file.0).to_string().contains("section .text"));
    let file = Fixture::good().bytes();
    let at = file.symbol("_init");
    assert!(
        error(&file.patch(at, &[0xff; 4]).0)
            .to_string()
            .contains("string table")
    );
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = good();
    for length in 0..bytes.len() {
        let error = error(&bytes[..length]);
        assert!(
            matches!(
                error,
                NotAModule::Empty | NotAModule::NotElf(_) | NotAModule::Truncated { .. }
            ),
            "{length}: {error}"
        );
    }
}

/// Whatever a file contains, the answer is a report or an error.
#[test]
fn damaged_files_do_not_panic() {
    let bytes = good();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..3000 {
        let mut damaged = bytes.clone();
        for _ in 0..=next(6) {
            let at = next(damaged.len());
            damaged[at] = [0, 1, 0x7f, 0x80, 0xff, next(256) as u8][next(6)];
        }
        if let Ok(report) = check_module(&damaged, &Options::default()) {
            let _ = report.to_string();
        }
    }
}
