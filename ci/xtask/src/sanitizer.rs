//! The host program under ThreadSanitizer.
//!
//! All of it is instrumented, the standard library included, which is why this
//! needs a Rust with its library source, as the kernel target does; and the
//! run time of ThreadSanitizer. rustup's toolchains bring that with them,
//! Debian's rustc does not and takes LLVM's ([`llvm_run_time`]). Only the
//! linked form of the module can be run this way: a module file is not
//! instrumented.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::paths::Workspace;
use crate::progress;
use crate::toolchain::{self, Search, Toolchain};

/// The target of the instrumented program; naming it keeps the flags off
/// build scripts and procedural macros.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The oldest LLVM whose run time is taken: older ones stop on kernels that
/// place programs at more than 28 random bits of address.
const OLDEST_LLVM: u32 = 18;

/// Seconds that a case may take when the command line does not say: it runs
/// about ten times as long as otherwise.
pub const LIMIT: u64 = 300;

/// Flags of rustc for every crate of the program.
const FLAGS: [&str; 2] = [
    "-Zsanitizer=thread",
    // Lets the scheduler say which of its own orderings the kernel must not
    // rely on.
    "--cfg=tsan",
];

/// Something that watches a running program for mistakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Sanitizer {
    /// Data races, with ThreadSanitizer
    Thread,
}

/// Where the run time of ThreadSanitizer comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RunTime {
    /// The toolchain has its own.
    Own,
    /// A static library of LLVM.
    Llvm(PathBuf),
}

/// A Rust that can build with ThreadSanitizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instrumenter {
    toolchain: Toolchain,
    run_time: RunTime,
}

impl Instrumenter {
    /// Takes the Rust at `root` if it is fit.
    ///
    /// # Errors
    /// Why it is not, to be shown after its path.
    pub fn at(root: &Path) -> Result<Self, String> {
        let toolchain = Toolchain::at(root)?;
        let run_time = if has_run_time(root) {
            RunTime::Own
        } else {
            let llvm = llvm_run_time(Path::new("/usr/lib"));
            RunTime::Llvm(llvm.ok_or("no run time of ThreadSanitizer")?)
        };
        Ok(Instrumenter {
            toolchain,
            run_time,
        })
    }
}

impl fmt::Display for Instrumenter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.toolchain)?;
        match &self.run_time {
            RunTime::Own => Ok(()),
            RunTime::Llvm(path) => write!(f, " with {}", path.display()),
        }
    }
}

/// Looks through the places of [`toolchain::roots`].
pub fn search() -> Search<Instrumenter> {
    toolchain::search_for(&toolchain::roots(), Instrumenter::at)
}

/// Whether the Rust at `root` has the run time beside its own libraries.
fn has_run_time(root: &Path) -> bool {
    let libraries = root.join("lib/rustlib").join(TARGET).join("lib");
    names(&libraries).any(|name| name.starts_with("librustc-") && name.ends_with("_rt.tsan.a"))
}

/// The run time of the newest LLVM of Debian's packages below `lib`, normally
/// `/usr/lib`.
pub fn llvm_run_time(lib: &Path) -> Option<PathBuf> {
    let versions = names(lib).filter_map(|name| name.strip_prefix("llvm-")?.parse::<u32>().ok());
    let found = versions
        .filter(|version| *version >= OLDEST_LLVM)
        .map(|version| {
            let resources = format!("llvm-{version}/lib/clang/{version}/lib/linux");
            let file = lib.join(resources).join("libclang_rt.tsan-x86_64.a");
            (version, file)
        })
        .filter(|(_, file)| file.is_file());
    found.max().map(|(_, file)| file)
}

fn names(dir: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
}

/// Builds the instrumented `portfs-host` and returns its path.
///
/// # Errors
/// What cargo said.
pub fn build(ws: &Workspace, instrumenter: &Instrumenter) -> Result<PathBuf> {
    let Instrumenter {
        toolchain,
        run_time,
    } = instrumenter;
    let target_dir = ws.target().join("tsan");
    let mut flags = FLAGS.to_vec();
    let mut link = Vec::new();
    if let RunTime::Llvm(library) = run_time {
        flags.push("-Zexternal-clangrt");
        // Before everything else, as clang puts it, and the C library once
        // more behind everything: rustc names that before what refers to it.
        let mut whole = OsString::from("-Zpre-link-arg=-Wl,--whole-archive,");
        whole.push(library);
        whole.push(",--no-whole-archive");
        link.extend([whole, "-Clink-arg=-lc".into()]);
    }
    let mut command = toolchain.command();
    command
        .current_dir(ws.root())
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .args(["rustc", "--release", "--package", "host"])
        .args(["--bin", "portfs-host", "--target", TARGET])
        .args(["-Zbuild-std", "--target-dir"])
        .arg(&target_dir)
        .arg("--")
        .args(link);
    progress::run("building the fakekernel with ThreadSanitizer", &command)?;
    Ok(target_dir.join(TARGET).join("release/portfs-host"))
}

/// The name of the environment variable that ThreadSanitizer reads.
pub const OPTIONS_VARIABLE: &str = "TSAN_OPTIONS";

/// What an instrumented program is told in [`OPTIONS_VARIABLE`]: end at the
/// first race with exit status 66, and leave out what ci/tsan.supp lists. What
/// this program finds there itself comes last and so wins.
pub fn options(ws: &Workspace) -> OsString {
    let mut options = OsString::from("halt_on_error=1 exitcode=66 allow_addr2line=1");
    options.push(" stack_trace_format='    #%n %f %S'");
    for (name, path) in [
        ("suppressions", ws.suppressions()),
        ("strip_path_prefix", ws.root().join("")),
    ] {
        options.push(format!(" {name}='"));
        options.push(path);
        options.push("'");
    }
    if let Some(own) = env::var_os(OPTIONS_VARIABLE) {
        options.push(" ");
        options.push(own);
    }
    options
}
