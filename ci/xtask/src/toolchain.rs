//! Finding a Rust that can build for the kernel target.
//!
//! Such a Rust needs the source of its standard library beside it. Looked at,
//! in this order: the host's own Rust, the other toolchains of rustup (stable
//! ones before nightly ones), Debian's packages (`rustc-web`, `cargo-web`,
//! `rust-web-src`, all below /usr).
//!
//! `PORTFS_TOOLCHAIN_ROOTS`, a list of folders like `PATH`, replaces that list
//! of places; an empty value means "none". It is there for tests and for
//! toolchains in unusual places.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest minor version of Rust 1.x that has the flags of `kernel`.
pub const OLDEST_MINOR: u32 = 95;

/// The environment variable that replaces the list of places.
pub const ROOTS_VARIABLE: &str = "PORTFS_TOOLCHAIN_ROOTS";

/// A Rust installation fit for the kernel target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    root: PathBuf,
    version: String,
}

impl Toolchain {
    /// The folder it lives in, the one with `bin` and `lib`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its cargo.
    pub fn cargo(&self) -> PathBuf {
        self.root.join("bin/cargo")
    }

    /// Its compiler.
    pub fn rustc(&self) -> PathBuf {
        self.root.join("bin/rustc")
    }

    /// A command line for its cargo, with its compiler and the flags of unstable features.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.cargo());
        // What the host's cargo or the caller set for themselves must not leak in.
        for name in [
            "CARGO",
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "CARGO_MAKEFLAGS",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTFLAGS",
            "RUSTUP_TOOLCHAIN",
            "ILLUMOS_GATE",
        ] {
            command.env_remove(name);
        }
        command
            .env("RUSTC", self.rustc())
            .env("RUSTC_BOOTSTRAP", "1");
        command
    }

    /// Takes `root` if it is fit.
    ///
    /// # Errors
    /// Why it is not, to be shown after its path.
    pub fn at(root: &Path) -> Result<Self, String> {
        for tool in ["bin/rustc", "bin/cargo"] {
            if !root.join(tool).is_file() {
                return Err(format!("no {tool}"));
            }
        }
        if !root
            .join("lib/rustlib/src/rust/library/core/src/lib.rs")
            .is_file()
        {
            return Err("no library source (rust-src)".to_owned());
        }
        let version = release(&root.join("bin/rustc"))?;
        match minor(&version) {
            Some(minor) if minor >= OLDEST_MINOR => Ok(Toolchain {
                root: root.to_path_buf(),
                version,
            }),
            _ => Err(format!(
                "version {version}, but 1.{OLDEST_MINOR} or newer is needed"
            )),
        }
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rust {} in {}", self.version, self.root.display())
    }
}

/// What a search found.
#[derive(Debug)]
pub struct Search<T> {
    /// The first fit one.
    pub found: Option<T>,
    /// Places that exist and were passed over before it, and why.
    pub rejected: Vec<(PathBuf, String)>,
}

/// Looks through `roots` in order for a Rust for the kernel target.
pub fn search(roots: &[PathBuf]) -> Search<Toolchain> {
    search_for(roots, Toolchain::at)
}

/// Looks through `roots` in order for one that `fit` takes; it says why if it does not.
pub fn search_for<T>(roots: &[PathBuf], fit: impl Fn(&Path) -> Result<T, String>) -> Search<T> {
    let mut rejected = Vec::new();
    for root in roots {
        match fit(root) {
            Ok(found) => {
                return Search {
                    found: Some(found),
                    rejected,
                };
            }
            Err(why) if root.join("bin/rustc").exists() => rejected.push((root.clone(), why)),
            Err(_) => {}
        }
    }
    Search {
        found: None,
        rejected,
    }
}

/// The places to look at on this machine, in order.
pub fn roots() -> Vec<PathBuf> {
    if let Some(list) = env::var_os(ROOTS_VARIABLE) {
        return env::split_paths(&list)
            .filter(|root| !root.as_os_str().is_empty())
            .collect();
    }
    let mut roots: Vec<PathBuf> = sysroot(Path::new("rustc")).into_iter().collect();
    let mut others = rustup_toolchains();
    others.sort_by_key(|root| {
        let name = root
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        (name.starts_with("nightly"), name)
    });
    roots.extend(others);
    roots.push(PathBuf::from("/usr"));
    let mut seen = std::collections::HashSet::new();
    roots.retain(|root| seen.insert(root.clone()));
    roots
}

fn rustup_toolchains() -> Vec<PathBuf> {
    let home = env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".rustup")));
    let entries = home.and_then(|home| home.join("toolchains").read_dir().ok());
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}

fn sysroot(rustc: &Path) -> Option<PathBuf> {
    let text = stdout(rustc, &["--print", "sysroot"])?;
    Some(PathBuf::from(text.trim()))
}

/// The version that `rustc` gives, e.g. `1.96.0`.
fn release(rustc: &Path) -> Result<String, String> {
    let text = stdout(rustc, &["--version", "--verbose"]).ok_or("its rustc does not run")?;
    let release = text.lines().find_map(|line| line.strip_prefix("release: "));
    release
        .map(str::to_owned)
        .ok_or_else(|| "its rustc gives no version".to_owned())
}

/// The minor number of a version 1.x; `None` for anything else.
pub fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("1.")?.split('.').next()?.parse().ok()
}

fn stdout(program: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
