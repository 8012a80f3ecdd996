//! `./x` as a person meets it: exit codes, one-line errors, and what it says
//! and does on a machine that lacks tools. apt-get, apt-cache, sudo and rustup
//! are stand-ins in `PATH`; nothing is installed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use xtask::paths::Workspace;

/// The program behind `./x`, with an empty toolchain search.
fn x(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(args)
        .env("PORTFS_TOOLCHAIN_ROOTS", "")
        .env_remove("ILLUMOS_GATE");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn misuse(args: &[&str], message: &str) {
    let Output {
        status,
        stdout,
        stderr,
    } = x(args).output().unwrap();
    assert_eq!(text(&stderr), format!("x: {message}\n"));
    assert_eq!(status.code(), Some(2));
    assert_eq!(text(&stdout), "");
}

#[test]
fn misuse_is_one_line_and_exit_2() {
    misuse(
        &["frobnicate"],
        "unrecognized subcommand 'frobnicate' (./x help)",
    );
    misuse(
        &["run", "--frob"],
        "unexpected argument '--frob' found (./x help)",
    );
    misuse(&[], "no command given (./x help lists them)");
    misuse(
        &["check"],
        "the following required arguments were not provided: <FILE> (./x help)",
    );
    misuse(
        &["check", "no/file"],
        "no/file: No such file or directory (os error 2)",
    );
    misuse(&["check", "/"], "/: not a file");
    misuse(
        &["run", "--module", "no/file"],
        "no/file: No such file or directory (os error 2)",
    );
    misuse(
        &["run", "--scenario", "idle", "--connections", "1"],
        "1 connections: give 2 to 100000",
    );
    misuse(
        &["run", "--scenario", "thread-pool", "--connections", "8"],
        "scenario `thread-pool` has no connections",
    );
    misuse(
        &["suite", "--seed", "x"],
        "invalid value 'x' for '--seed <N>': invalid digit found in string (./x help)",
    );
    misuse(
        &["suite", "--sanitize", "thread", "--module", "m"],
        "the argument '--sanitize <WHICH>' cannot be used with '--module <FILE>' (./x help)",
    );
    misuse(
        &["test", "frob"],
        "no step `frob`; there are: fmt clippy doc unit build check linked loaded broken races",
    );
    misuse(
        &["build", "--gate", "no/gate"],
        "--gate no/gate: No such file or directory (os error 2)",
    );
    misuse(
        &["build", "--gate", "/"],
        "--gate /: not an illumos-gate checkout, it has no usr/src/uts/common/sys/port_impl.h",
    );
}

#[test]
fn a_file_that_is_no_module_is_refused_by_check() {
    let Output { status, stderr, .. } = x(&["check", file!()])
        .current_dir(Workspace::here().root())
        .output()
        .unwrap();
    assert_eq!(status.code(), Some(2));
    assert!(
        text(&stderr).contains("not an ELF file"),
        "{}",
        text(&stderr)
    );
    assert_eq!(text(&stderr).lines().count(), 1);
}

#[test]
fn help_lists_every_command() {
    let Output { status, stdout, .. } = x(&["help"]).output().unwrap();
    assert!(status.success());
    for command in ["run", "test", "build", "check", "suite", "setup"] {
        assert!(
            text(&stdout).contains(&format!("\n  {command} ")),
            "{command} is not listed"
        );
    }
}

/// A folder for `PATH` with stand-ins; each writes its command line to a log.
struct Machine {
    dir: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Machine {
            dir: tempfile::tempdir().unwrap(),
        };
        // What the stand-ins themselves need.
        for tool in ["sh", "mkdir", "chmod", "dirname", "id", "sed"] {
            let real = std::env::split_paths(&std::env::var_os("PATH").unwrap())
                .map(|dir| dir.join(tool))
                .find(|path| path.is_file())
                .unwrap();
            symlink(real, machine.path().join(tool)).unwrap();
        }
        machine
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Adds a program: logs its command line, then does `script`.
    fn with(self, name: &str, script: &str) -> Self {
        let log = self.path().join("log");
        let text = format!(
            "#!/bin/sh\necho {name} \"$@\" >>{}\n{script}\n",
            log.display()
        );
        write_program(&self.path().join(name), &text);
        self
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path().join("log")).unwrap_or_default()
    }

    fn run(&self, command: &mut Command) -> Output {
        command
            .env("PATH", self.path())
            .env("HOME", self.path())
            .output()
            .unwrap()
    }
}

fn write_program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A Debian machine without Rust for the kernel, with the rest.
fn debian() -> Machine {
    Machine::new()
        .with("ld", "")
        .with("objcopy", "")
        .with("sudo", "\"$@\"")
}

#[test]
fn no_install_prints_the_commands_and_touches_nothing() {
    let machine = debian().with("apt-get", "").with("rustup", "");
    for command in [
        ["run", "--no-install"],
        ["build", "--no-install"],
        ["suite", "--no-install"],
    ] {
        let Output {
            status,
            stdout,
            stderr,
        } = machine.run(&mut x(&command));
        let stderr = text(&stderr);
        assert_eq!(status.code(), Some(1), "{stderr}");
        assert!(
            stderr.contains("Rust 1.95 or newer with its library source"),
            "{stderr}"
        );
        assert!(stderr.contains("apt-get update\n"), "{stderr}");
        assert!(
            stderr.contains(
                "apt-get install -y --no-remove --no-install-recommends rustc-web cargo-web \
                 rust-web-src\n"
            ),
            "{stderr}"
        );
        assert!(
            stderr.contains("rustup component add rust-src\n"),
            "{stderr}"
        );
        assert_eq!(text(&stdout), "");
        assert!(!machine.log().contains("apt-get"), "{}", machine.log());
    }
}

#[test]
fn a_sanitizer_prefers_rustup_and_falls_back_to_apt() {
    let machine = debian().with("apt-get", "").with("rustup", "exit 1");
    let command = ["suite", "--sanitize", "thread", "--no-install"];
    let Output { status, stderr, .. } = machine.run(&mut x(&command));
    let stderr = text(&stderr);
    assert_eq!(status.code(), Some(1), "{stderr}");
    for part in [
        "the run time of ThreadSanitizer",
        "rustup component add rust-src\n",
        "rustc-web cargo-web rust-web-src libclang-rt-22-dev\n",
    ] {
        assert!(stderr.contains(part), "no {part:?} in {stderr}");
    }
    assert_eq!(machine.log(), "");

    let machine = machine.with("apt-cache", "echo '  Candidate: 1.96.0'");
    let Output { status, .. } = machine.run(&mut x(&command[..3]));
    assert_eq!(status.code(), Some(1), "the stand-ins install nothing");
    let log = machine.log();
    let rustup = log.find("rustup component add rust-src").unwrap();
    let apt = log.find("apt-get install -y --no-remove").unwrap();
    assert!(rustup < apt, "{log}");
}

#[test]
fn setup_installs_with_apt_after_an_update() {
    let machine = debian();
    let root = machine.path().join("usr");
    let install = format!(
        "[ \"$1\" = install ] || exit 0\n\
         mkdir -p {root}/bin {root}/lib/rustlib/src/rust/library/core/src\n\
         echo '#!/bin/sh' >{root}/bin/rustc\n\
         echo 'echo release: 1.96.0' >>{root}/bin/rustc\n\
         chmod 755 {root}/bin/rustc\n\
         : >{root}/bin/cargo\n\
         : >{root}/lib/rustlib/src/rust/library/core/src/lib.rs",
        root = root.display()
    );
    let machine = machine
        .with("apt-get", &install)
        .with("apt-cache", "echo '  Candidate: 1.96.0+dfsg1-1~deb12u2'")
        .with("cargo-fmt", "")
        .with("cargo-clippy", "");
    let Output {
        status,
        stdout,
        stderr,
    } = machine.run(x(&["setup"]).env("PORTFS_TOOLCHAIN_ROOTS", &root));
    assert!(status.success(), "{}", text(&stderr));
    assert!(
        text(&stderr).contains("core is compiled for the kernel target"),
        "says why"
    );
    assert!(text(&stdout).contains(&format!("Rust 1.96.0 in {}", root.display())));
    let log = machine.log();
    let update = log.find("apt-get update").unwrap();
    let install = log.find("apt-get install -y --no-remove").unwrap();
    assert!(update < install, "{log}");
}

#[test]
fn an_old_offer_of_apt_is_not_installed() {
    let machine = debian()
        .with("apt-get", "")
        .with("apt-cache", "echo '  Candidate: 1.85.0+dfsg3-1~deb12u3'");
    let Output { status, stderr, .. } = machine.run(&mut x(&["build"]));
    assert_eq!(status.code(), Some(1));
    assert!(text(&stderr).contains("apt offers rustc-web 1.85, but 1.95 or newer is needed"));
    assert!(
        !machine.log().contains("apt-get install"),
        "{}",
        machine.log()
    );

    // With rustup there, its rust-src is the way out.
    let machine = machine.with("rustup", "");
    let Output { status, stderr, .. } = machine.run(&mut x(&["build"]));
    assert_eq!(status.code(), Some(1), "the stand-in installs nothing");
    assert!(
        text(&stderr).contains("installed, but still not found"),
        "{}",
        text(&stderr)
    );
    assert!(machine.log().contains("rustup component add rust-src"));
}

#[test]
fn without_apt_the_commands_are_printed() {
    let Output { status, stderr, .. } = Machine::new().run(&mut x(&["build"]));
    let stderr = text(&stderr);
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("GNU ld and objcopy"), "{stderr}");
    assert!(
        stderr.contains("Debian's names: rustc-web cargo-web rust-web-src binutils"),
        "{stderr}"
    );
}

#[test]
fn a_failing_apt_get_is_shown() {
    let machine = debian().with("apt-get", "echo 'E: no network'; exit 100");
    let Output { status, stderr, .. } = machine.run(&mut x(&["build"]));
    assert_eq!(status.code(), Some(1));
    assert!(
        text(&stderr).contains("E: no network\n"),
        "{}",
        text(&stderr)
    );
    assert!(text(&stderr).contains("apt-get update failed (exit status: 100)"));
}

/// The shell script in front of it all.
fn script(args: &[&str]) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg(Workspace::here().root().join("x")).args(args);
    command.env_remove("CARGO").env_remove("CARGO_HOME");
    command
}

#[test]
fn without_cargo_the_script_explains_rustup() {
    let machine = Machine::new();
    let Output { status, stderr, .. } = machine.run(&mut script(&["help"]));
    assert_eq!(status.code(), Some(1));
    assert!(
        text(&stderr).starts_with("x: no cargo found"),
        "{}",
        text(&stderr)
    );
    assert!(text(&stderr).contains("https://sh.rustup.rs"));
}

#[test]
fn an_old_cargo_is_named() {
    let machine = Machine::new().with("cargo", "echo cargo 1.63.0");
    let Output { status, stderr, .. } = machine.run(&mut script(&["help"]));
    assert_eq!(status.code(), Some(1));
    let cargo = machine.path().join("cargo");
    let wanted = format!(
        "cargo 1.95 or newer is needed; too old or broken: {}\n",
        cargo.display()
    );
    assert!(text(&stderr).contains(&wanted), "{}", text(&stderr));
}

#[test]
fn a_missing_c_compiler_is_installed_or_explained() {
    let machine = Machine::new()
        .with("cargo", "[ \"$1\" = build ] && exit 1; echo cargo 1.96.0")
        .with("sudo", "\"$@\"")
        .with("apt-get", "");
    let Output { status, stderr, .. } = machine.run(&mut script(&["run", "--no-install"]));
    assert_eq!(status.code(), Some(1));
    assert!(
        text(&stderr).contains("lacks a C compiler (cc)"),
        "{}",
        text(&stderr)
    );
    assert!(text(&stderr).contains("apt-get install -y --no-remove gcc libc6-dev\n"));
    assert!(!machine.log().contains("apt-get"), "{}", machine.log());

    machine.run(&mut script(&["run"]));
    let log = machine.log();
    assert!(
        log.contains("apt-get install -q -y --no-remove gcc libc6-dev"),
        "{log}"
    );
    assert!(log.contains("cargo build"), "it goes on afterwards: {log}");
}
