//! Compiling kmod for the kernel target, and `./x build` as a whole.
//!
//! kmod/x86_64-illumos-kernel.json says what the target is (no red zone, no
//! SSE, frame pointers, kernel code model, calls to memcpy and friends not
//! through a GOT); `FLAGS` are what a target description cannot say. core is
//! compiled from source with the same settings.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;
use check::Report;

use crate::failure::usage;
use crate::inspect;
use crate::link::{self, Link, Linked};
use crate::mapfile::Mapfile;
use crate::paths::{KERNEL_TARGET, Workspace, shown};
use crate::progress::{self, CommandFailed};
use crate::toolchain::Toolchain;

/// Flags of rustc for every crate of the module, core included.
const FLAGS: [&str; 5] = [
    // Indirect calls through __x86_indirect_thunk_r11, like the kernel's own.
    "-Zretpoline-external-thunk=yes",
    // A jump table is an indirect jump.
    "-Cjump-tables=no",
    // The prologue first in every function, or fbt does not see it.
    "-Cllvm-args=-enable-shrink-wrap=false",
    // One address per function name, also for functions with equal bodies.
    "-Zmerge-functions=disabled",
    // Names that `names` can take apart, whatever this rustc prefers.
    "-Csymbol-mangling-version=v0",
];

/// What to build.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Features of kmod; only tests need any.
    pub features: Vec<String>,
    /// Folder for the module; the workspace's own if not given.
    pub out_dir: Option<PathBuf>,
    /// An illumos-gate checkout to compare the bindings with.
    pub gate: Option<PathBuf>,
}

/// A finished build.
#[derive(Debug, Clone)]
pub struct Built {
    /// The files.
    pub linked: Linked,
    /// What `check` says about the module.
    pub report: Report,
    /// From start to the last rename.
    pub took: Duration,
}

/// Compiles and links the module.
///
/// # Errors
/// `options.gate` is not a gate (usage); what cargo, ld or objcopy say.
pub fn build(ws: &Workspace, toolchain: &Toolchain, options: &Options) -> Result<Built> {
    let start = Instant::now();
    let gate = options.gate.as_deref().map(gate).transpose()?;
    let mapfile = Mapfile::read(&ws.mapfile())?;
    let command = cargo(ws, toolchain, &options.features, gate.as_deref());
    let title = match gate {
        Some(_) => "building portfs against the gate's headers",
        None => "building portfs",
    };
    progress::run(title, &command).map_err(differences)?;
    let archive = ws
        .kernel_target()
        .join(KERNEL_TARGET)
        .join("kernel/portfs.a");
    let out_dir = options.out_dir.clone().unwrap_or_else(|| ws.module_dir());
    let linked = link::link(&Link {
        archive: &archive,
        mapfile: &mapfile,
        script: &ws.sections_script(),
        out_dir: &out_dir,
    })?;
    let report = inspect::report(&linked.module)?;
    Ok(Built {
        linked,
        report,
        took: start.elapsed(),
    })
}

/// Of a build that the bindings' comparison with a gate stopped, what it found;
/// cargo would bury that in its own report. Any other error stays as it is.
fn differences(error: anyhow::Error) -> anyhow::Error {
    let output = error
        .downcast_ref::<CommandFailed>()
        .map(|failed| failed.output.as_str());
    let found: Vec<&str> = output
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.strip_prefix("error: bindings@")?.split_once(": "))
        .map(|(_, finding)| finding)
        .collect();
    if found.is_empty() {
        error
    } else {
        anyhow::anyhow!("{}", found.join("\n  "))
    }
}

/// The cargo command line for the kernel target.
fn cargo(
    ws: &Workspace,
    toolchain: &Toolchain,
    features: &[String],
    gate: Option<&Path>,
) -> Command {
    let mut command = toolchain.command();
    let remap = [(toolchain.root(), "rust"), (ws.root(), "portfs-rs")]
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    let flags: Vec<&str> = FLAGS
        .into_iter()
        .chain(remap.iter().map(String::as_str))
        .collect();
    command
        .current_dir(ws.root())
        // The flags are unstable on a release toolchain; their effect on the
        // artefact is what `./x check` proves.
        .env("CARGO_TARGET_DIR", ws.kernel_target())
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .args([
            "rustc",
            "--package",
            "portfs",
            "--lib",
            "--crate-type",
            "staticlib",
        ])
        .args(["--profile", "kernel", "--target"])
        .arg(ws.target_spec())
        .args(["-Zjson-target-spec", "-Zbuild-std=core,compiler_builtins"]);
    for feature in features {
        command.arg("--features").arg(feature);
    }
    if let Some(gate) = gate {
        command
            .args(["--features", "bindings/gate"])
            .env("ILLUMOS_GATE", gate);
    }
    command
}

/// Checks that `path` is an illumos-gate checkout and makes it absolute.
///
/// # Errors
/// Usage: what it lacks.
pub fn gate(path: &Path) -> Result<PathBuf> {
    let header = "usr/src/uts/common/sys/port_impl.h";
    let full = path
        .canonicalize()
        .map_err(|why| usage(format!("--gate {}: {why}", path.display())))?;
    if !full.join(header).is_file() {
        return Err(usage(format!(
            "--gate {}: not an illumos-gate checkout, it has no {header}",
            path.display()
        )));
    }
    Ok(full)
}

impl Built {
    /// The sizes of the module, for people.
    pub fn sizes(&self) -> String {
        let check::report::Facts {
            text,
            rodata,
            data,
            bss,
            file,
            ..
        } = &self.report.facts;
        format!("text {text}, rodata {rodata}, data {data}, bss {bss}, file {file} bytes")
    }
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", shown(&self.linked.module), self.sizes())?;
        write!(
            f,
            "{}: debug information\nbuilt in {:.1} s",
            shown(&self.linked.debug),
            self.took.as_secs_f64()
        )?;
        match self.report.failed().count() {
            0 => Ok(()),
            n => write!(
                f,
                "\n{n} rules of check failed: ./x check {}",
                shown(&self.linked.module)
            ),
        }
    }
}
