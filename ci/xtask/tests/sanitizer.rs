//! The search for a Rust that can build with ThreadSanitizer, and what an
//! instrumented program is told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use xtask::paths::Workspace;
use xtask::sanitizer::{Instrumenter, llvm_run_time, options};

/// Makes a folder that looks like Rust 1.96 of rustup, with library source or
/// not.
fn rustup(root: &Path, source: bool) -> PathBuf {
    let libraries = root.join("lib/rustlib/x86_64-unknown-linux-gnu/lib");
    let core = root.join("lib/rustlib/src/rust/library/core/src");
    for dir in [&root.join("bin"), &libraries] {
        fs::create_dir_all(dir).unwrap();
    }
    for tool in ["rustc", "cargo"] {
        let path = root.join("bin").join(tool);
        fs::write(&path, "#!/bin/sh\necho 'release: 1.96.0'\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(libraries.join("librustc-stable_rt.tsan.a"), "").unwrap();
    if source {
        fs::create_dir_all(&core).unwrap();
        fs::write(core.join("lib.rs"), "").unwrap();
    }
    root.to_path_buf()
}

#[test]
fn a_toolchain_with_both_uses_its_own_run_time() {
    let dir = tempfile::tempdir().unwrap();
    let root = rustup(&dir.path().join("full"), true);
    let found = Instrumenter::at(&root).unwrap();
    assert_eq!(
        found.to_string(),
        format!("Rust 1.96.0 in {}", root.display())
    );
}

#[test]
fn library_source_is_needed_for_std() {
    let dir = tempfile::tempdir().unwrap();
    let root = rustup(&dir.path().join("bare"), false);
    assert_eq!(
        Instrumenter::at(&root),
        Err("no library source (rust-src)".to_owned())
    );
}

#[test]
fn the_newest_run_time_of_llvm_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let lib = dir.path();
    assert_eq!(llvm_run_time(lib), None);
    let add = |version: u32| {
        let folder = lib.join(format!("llvm-{version}/lib/clang/{version}/lib/linux"));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("libclang_rt.tsan-x86_64.a");
        fs::write(&file, "").unwrap();
        file
    };
    add(14);
    assert_eq!(llvm_run_time(lib), None, "14 is too old");
    let (nineteen, twenty_two) = (add(19), add(22));
    assert_eq!(llvm_run_time(lib), Some(twenty_two.clone()));
    fs::remove_file(twenty_two).unwrap();
    assert_eq!(llvm_run_time(lib), Some(nineteen));
}

#[test]
fn the_first_race_ends_the_program() {
    let ws = Workspace::here();
    assert!(ws.suppressions().is_file());
    let options = options(&ws).into_string().unwrap();
    let suppressions = format!(" suppressions='{}'", ws.suppressions().display());
    assert!(
        options.starts_with("halt_on_error=1 exitcode=66 "),
        "{options}"
    );
    assert!(options.contains(&suppressions), "{options}");
}
