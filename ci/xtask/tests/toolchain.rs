//! The search for a Rust that can build for the kernel target, over fake
//! installations.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use xtask::toolchain::{Toolchain, minor, search};

/// Makes a folder that looks like Rust `version`, with library source or not.
fn install(root: &Path, version: &str, source: bool) -> PathBuf {
    fs::create_dir_all(root.join("bin")).unwrap();
    for tool in ["rustc", "cargo"] {
        let path = root.join("bin").join(tool);
        fs::write(&path, format!("#!/bin/sh\necho 'release: {version}'\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    if source {
        let core = root.join("lib/rustlib/src/rust/library/core/src");
        fs::create_dir_all(&core).unwrap();
        fs::write(core.join("lib.rs"), "").unwrap();
    }
    root.to_path_buf()
}

#[test]
fn the_first_fit_one_is_taken_and_the_others_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let roots = [
        at("absent"),
        install(&at("bare"), "1.99.0", false),
        install(&at("old"), "1.85.0", true),
        install(&at("fit"), "1.96.0", true),
        install(&at("later"), "1.97.0-nightly", true),
    ];
    let search = search(&roots);
    assert_eq!(
        search.found.as_ref().map(Toolchain::root),
        Some(at("fit").as_path())
    );
    assert_eq!(
        search.rejected,
        [
            (at("bare"), "no library source (rust-src)".to_owned()),
            (
                at("old"),
                "version 1.85.0, but 1.95 or newer is needed".to_owned()
            ),
        ]
    );
    assert_eq!(
        search.found.unwrap().to_string(),
        format!("Rust 1.96.0 in {}", at("fit").display())
    );
}

#[test]
fn nothing_is_found_in_no_places() {
    let search = search(&[]);
    assert!(search.found.is_none() && search.rejected.is_empty());
}

#[test]
fn half_an_installation_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = install(dir.path(), "1.96.0", true);
    fs::remove_file(root.join("bin/cargo")).unwrap();
    assert_eq!(Toolchain::at(&root).unwrap_err(), "no bin/cargo");
    install(&root, "1.96.0", true);
    fs::write(root.join("bin/rustc"), "#!/bin/sh\nexit 1\n").unwrap();
    assert_eq!(Toolchain::at(&root).unwrap_err(), "its rustc does not run");
}

#[test]
fn minor_versions() {
    assert_eq!(minor("1.96.0+dfsg1-1~deb12u2"), Some(96));
    assert_eq!(minor("1.97.0-nightly"), Some(97));
    assert_eq!(minor("2.0.0"), None);
    assert_eq!(minor("(none)"), None);
}
