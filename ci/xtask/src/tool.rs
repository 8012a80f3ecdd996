//! What the commands of `./x` need from the machine: why, what brings it, and
//! whether it is there.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sanitizer;
use crate::toolchain::{self, OLDEST_MINOR};

/// Something that a command of `./x` needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// A Rust that can build for the kernel target.
    KernelRust,
    /// GNU ld and objcopy.
    Binutils,
    /// libclang, for bindgen over a gate's headers.
    Libclang,
    /// A Rust that can build the host program with ThreadSanitizer.
    SanitizerRust,
    /// rustfmt and clippy of the host's Rust.
    Lints,
}

impl Tool {
    /// What it is and what it is for.
    pub(crate) fn why(self) -> String {
        match self {
            Tool::KernelRust => format!(
                "Rust 1.{OLDEST_MINOR} or newer with its library source: core is compiled for the \
                 kernel target"
            ),
            Tool::SanitizerRust => format!(
                "Rust 1.{OLDEST_MINOR} or newer with its library source and the run time of \
                 ThreadSanitizer: std is compiled with it"
            ),
            Tool::Binutils => "GNU ld and objcopy: they link the module".to_owned(),
            Tool::Libclang => "libclang: bindgen reads the gate's headers with it".to_owned(),
            Tool::Lints => "rustfmt and clippy: ./x test runs them".to_owned(),
        }
    }

    /// The Debian packages that bring it.
    pub(crate) fn packages(self) -> &'static [&'static str] {
        match self {
            Tool::KernelRust => &["rustc-web", "cargo-web", "rust-web-src"],
            Tool::SanitizerRust => &[
                "rustc-web",
                "cargo-web",
                "rust-web-src",
                "libclang-rt-22-dev",
            ],
            Tool::Binutils => &["binutils"],
            Tool::Libclang => &["libclang-dev"],
            Tool::Lints => &["rustfmt-web", "rust-web-clippy"],
        }
    }

    /// The components of rustup that bring it.
    pub(crate) fn components(self) -> &'static [&'static str] {
        match self {
            Tool::KernelRust | Tool::SanitizerRust => &["rust-src"],
            Tool::Lints => &["rustfmt", "clippy"],
            Tool::Binutils | Tool::Libclang => &[],
        }
    }

    /// Places that were looked at in vain, and why.
    pub(crate) fn rejected(self) -> Vec<(PathBuf, String)> {
        match self {
            Tool::KernelRust => toolchain::search(&toolchain::roots()).rejected,
            Tool::SanitizerRust => sanitizer::search().rejected,
            Tool::Binutils | Tool::Libclang | Tool::Lints => Vec::new(),
        }
    }

    /// Whether this machine has it.
    pub(crate) fn is_present(self) -> bool {
        match self {
            Tool::KernelRust => toolchain::search(&toolchain::roots()).found.is_some(),
            Tool::SanitizerRust => sanitizer::search().found.is_some(),
            Tool::Binutils => ["ld", "objcopy"]
                .into_iter()
                .all(|tool| on_path(tool).is_some()),
            Tool::Libclang => has_libclang(),
            Tool::Lints => ["cargo-fmt", "cargo-clippy"].into_iter().all(runs),
        }
    }
}

/// The first `program` in `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

/// True if `program --version` works: rustup's stand-ins exist without it.
fn runs(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|done| done.status.success())
}

/// Looks where clang-sys, which bindgen uses, finds libclang.
fn has_libclang() -> bool {
    if env::var_os("LIBCLANG_PATH").is_some() {
        return true;
    }
    let mut dirs: Vec<PathBuf> = [
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/usr/lib/x86_64-linux-gnu",
    ]
    .map(PathBuf::from)
    .into();
    dirs.extend(
        entries(Path::new("/usr/lib"))
            .into_iter()
            .filter_map(|dir| {
                let name = dir.file_name()?.to_string_lossy().into_owned();
                name.starts_with("llvm").then(|| dir.join("lib"))
            }),
    );
    dirs.iter().flat_map(|dir| entries(dir)).any(|file| {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let stem = name.strip_prefix("libclang").unwrap_or("");
        name.contains(".so") && (stem.starts_with('.') || is_versioned(stem))
    })
}

/// `-14.so.1`, but not `-cpp.so.14`.
fn is_versioned(stem: &str) -> bool {
    stem.strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).ok();
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}
