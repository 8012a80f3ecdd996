//! Seeing to it that the tools are there: `./x setup`, and before every
//! command that needs them.
//!
//! Nothing is installed without saying what and why, nothing with
//! `--no-install`, and nothing that would make apt remove a package. Where
//! this program may not install, it prints the commands to type and ends
//! with 1.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::failure::Failure;
use crate::progress;
use crate::sanitizer::{self, Instrumenter};
use crate::tool::{Tool, on_path};
use crate::toolchain::{self, OLDEST_MINOR, Toolchain};

/// Makes sure that all of `tools` are there, installing them if `install`.
///
/// # Errors
/// [`Failure::Explained`] after the commands to type were printed; what apt or
/// rustup said when they failed.
pub fn ensure(tools: &[Tool], install: bool) -> Result<()> {
    let missing: Vec<Tool> = tools
        .iter()
        .copied()
        .filter(|tool| !tool.is_present())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let plan = Plan::for_tools(&missing);
    eprintln!("x: this machine lacks");
    for tool in &missing {
        eprintln!("  - {}", tool.why());
        for (root, why) in tool.rejected() {
            eprintln!("      {}: {why}", root.display());
        }
    }
    if !install || !plan.can_run() {
        plan.explain();
        return Err(Failure::Explained.into());
    }
    plan.run()?;
    let left: Vec<String> = missing
        .into_iter()
        .filter(|tool| !tool.is_present())
        .map(Tool::why)
        .collect();
    if !left.is_empty() {
        bail!("installed, but still not found: {}", left.join("; "));
    }
    Ok(())
}

/// The toolchain for the kernel target, installing it if `install`.
///
/// # Errors
/// See [`ensure`].
pub fn kernel_toolchain(gate: bool, install: bool) -> Result<Toolchain> {
    let mut tools = vec![Tool::KernelRust, Tool::Binutils];
    if gate {
        tools.push(Tool::Libclang);
    }
    ensure(&tools, install)?;
    toolchain::search(&toolchain::roots())
        .found
        .context("the kernel toolchain is gone again")
}

/// The Rust that builds with ThreadSanitizer, installing it if `install`.
///
/// # Errors
/// See [`ensure`].
pub fn instrumenter(install: bool) -> Result<Instrumenter> {
    ensure(&[Tool::SanitizerRust], install)?;
    sanitizer::search()
        .found
        .context("the Rust for ThreadSanitizer is gone again")
}

/// `./x setup`: makes sure of everything and says what is used.
///
/// # Errors
/// See [`ensure`].
pub fn setup(gate: bool, install: bool) -> Result<()> {
    ensure(&[Tool::Lints], install)?;
    let toolchain = kernel_toolchain(gate, install)?;
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    println!("host: {cargo}, with rustfmt and clippy");
    println!("kernel target: {toolchain}");
    for tool in ["ld", "objcopy"] {
        let path = on_path(tool).unwrap_or_default();
        println!("{tool}: {}", path.display());
    }
    if gate {
        println!("libclang: found");
    }
    Ok(())
}

/// What to run to get the missing tools.
struct Plan {
    /// Names of Debian packages; used if there is an apt-get.
    packages: Vec<&'static str>,
    /// Components of rustup, for what apt does not bring here.
    components: Vec<&'static str>,
    /// Packages that do as well as the components, should rustup fail.
    instead: Vec<&'static str>,
    /// What goes before apt-get: nothing for root, else sudo.
    root: Root,
    has_apt: bool,
    has_rustup: bool,
    kernel_rust: bool,
}

/// How this program becomes root for apt-get.
#[derive(Clone, Copy, PartialEq)]
enum Root {
    Already,
    Sudo,
    No,
}

impl Plan {
    fn for_tools(tools: &[Tool]) -> Self {
        let has_apt = on_path("apt-get").is_some();
        let has_rustup = on_path("rustup").is_some();
        let mut packages = Vec::new();
        let mut components = Vec::new();
        let mut instead = Vec::new();
        for tool in tools {
            // The lints must fit the host's Rust, the run time of a sanitizer
            // is best of the same origin as the compiler; a toolchain for the
            // kernel target is better apart from the host's.
            let prefer_rustup = matches!(tool, Tool::Lints | Tool::SanitizerRust) || !has_apt;
            if prefer_rustup && has_rustup && !tool.components().is_empty() {
                components.extend(tool.components());
                if has_apt && *tool == Tool::SanitizerRust {
                    instead.extend(tool.packages());
                }
            } else {
                packages.extend(tool.packages());
            }
        }
        Plan {
            packages,
            components,
            instead,
            root: Root::here(),
            has_apt,
            has_rustup,
            kernel_rust: tools.contains(&Tool::KernelRust),
        }
    }

    /// True if all of it can be run without asking anybody.
    fn can_run(&self) -> bool {
        self.packages.is_empty() || (self.has_apt && self.root != Root::No)
    }

    fn apt_commands(&self) -> Vec<Vec<&'static str>> {
        if !self.has_apt || self.packages.is_empty() {
            return Vec::new();
        }
        let prefix: &[&str] = if self.root == Root::Already {
            &[]
        } else {
            &["sudo"]
        };
        let mut install = [prefix, &["apt-get", "install", "-y"]].concat();
        // --no-remove: apt would otherwise take Debian's older rustc away.
        install.extend(["--no-remove", "--no-install-recommends"]);
        install.extend(&self.packages);
        vec![[prefix, &["apt-get", "update"]].concat(), install]
    }

    fn rustup_command(components: &[&'static str]) -> Vec<&'static str> {
        [&["rustup", "component", "add"], components].concat()
    }

    /// Prints the commands to type.
    fn explain(&self) {
        eprintln!("To install it, type:");
        for command in self.apt_commands() {
            eprintln!("    {}", command.join(" "));
        }
        if !self.components.is_empty() {
            eprintln!("    {}", Self::rustup_command(&self.components).join(" "));
        }
        if !self.has_apt && !self.packages.is_empty() {
            eprintln!(
                "  (no apt-get here; Debian's names: {})",
                self.packages.join(" ")
            );
        }
        if self.kernel_rust && self.has_apt && self.has_rustup {
            eprintln!("or, in place of the packages with -web in their name:");
            eprintln!(
                "    {}",
                Self::rustup_command(Tool::KernelRust.components()).join(" ")
            );
        }
        if let Some(plan) = self.without_rustup() {
            eprintln!("or, should rustup not have it:");
            for command in plan.apt_commands() {
                eprintln!("    {}", command.join(" "));
            }
        }
        eprintln!("then run ./x again.");
    }

    fn run(&self) -> Result<()> {
        if let [update, install] = self.apt_commands().as_slice() {
            eprintln!("x: installing with apt-get: {}", self.packages.join(" "));
            execute(update)?;
            match (self.kernel_rust, apt_rust_minor()) {
                (true, offered) if offered.is_none_or(|minor| minor < OLDEST_MINOR) => {
                    self.without_apt_rust(offered)?;
                }
                _ => execute(install)?,
            }
        }
        if !self.components.is_empty() {
            eprintln!("x: installing with rustup: {}", self.components.join(" "));
            let done = execute(&Self::rustup_command(&self.components));
            if let (Err(error), Some(plan)) = (&done, self.without_rustup()) {
                eprintln!("x: {error:#}; trying apt-get");
                return plan.run();
            }
            done?;
        }
        Ok(())
    }

    /// What to install after rustup has failed.
    fn without_rustup(&self) -> Option<Plan> {
        let plan = Plan {
            packages: self.instead.clone(),
            components: Vec::new(),
            instead: Vec::new(),
            ..*self
        };
        (!plan.packages.is_empty()).then_some(plan)
    }

    /// apt has no Rust that is new enough: the other packages, and rustup.
    fn without_apt_rust(&self, offered: Option<u32>) -> Result<()> {
        let offer = offered.map_or("no rustc-web".to_owned(), |minor| {
            format!("rustc-web 1.{minor}")
        });
        if !self.has_rustup {
            bail!(
                "apt offers {offer}, but 1.{OLDEST_MINOR} or newer is needed; Debian 12 has it in \
                 its security archive: add that to the apt sources, or install rustup and run \
                 `rustup component add rust-src`"
            );
        }
        let rest: Vec<&'static str> = self
            .packages
            .iter()
            .copied()
            .filter(|package| !Tool::KernelRust.packages().contains(package))
            .collect();
        if !rest.is_empty() {
            let rest = Plan {
                packages: rest,
                kernel_rust: false,
                components: Vec::new(),
                instead: Vec::new(),
                ..*self
            };
            rest.run()?;
        }
        eprintln!("x: apt offers {offer}, too old; installing with rustup: rust-src");
        execute(&Self::rustup_command(Tool::KernelRust.components()))
    }
}

impl Root {
    fn here() -> Self {
        // The owner of /proc/self is the effective user of this process.
        if fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
            return Root::Already;
        }
        let sudo = Command::new("sudo").args(["-n", "true"]).output();
        if sudo.is_ok_and(|done| done.status.success()) {
            Root::Sudo
        } else {
            Root::No
        }
    }
}

fn execute(command: &[&str]) -> Result<()> {
    let mut process = Command::new(command[0]);
    process
        .args(&command[1..])
        .env("DEBIAN_FRONTEND", "noninteractive");
    progress::run(&command.join(" "), &process).map(drop)
}

/// The minor version of the rustc-web that apt would install.
fn apt_rust_minor() -> Option<u32> {
    let output = Command::new("apt-cache")
        .args(["policy", "rustc-web"])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let candidate = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    toolchain::minor(candidate)
}
