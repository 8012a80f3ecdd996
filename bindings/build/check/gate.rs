//! A checkout of illumos-gate, as far as its kernel headers go.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Error, write};

/// What makes a directory a gate, below `usr/src`.
const MARKS: [&str; 3] = [
    "uts/common/sys/port_impl.h",
    "uts/common/sys/port_kernel.h",
    "uts/intel/sys",
];

/// Headers whose change means that the comparison has to be done again.
const WATCHED: [&str; 2] = ["uts/common/sys", "uts/intel/sys"];

/// Defines of a 64-bit kernel that also runs 32-bit programs, and the names of the build machine
/// taken away.
const DEFINES: [&str; 9] = [
    "_KERNEL",
    "_ELF64",
    "_SYSCALL32",
    "_SYSCALL32_IMPL",
    "_DDI_STRICT",
    "sun",
    "__sun",
    "__SVR4",
    "__illumos__",
];
const UNDEFINES: [&str; 7] = [
    "linux",
    "__linux",
    "__linux__",
    "__gnu_linux__",
    "unix",
    "__unix",
    "__unix__",
];

/// Room for more privileges that the gate keeps in a set.
const SLACK: usize = 10;

/// The source tree of a gate.
pub struct Gate {
    /// `usr/src`
    src: PathBuf,
}

impl Gate {
    /// Takes the root of a checkout (or its `usr/src`).
    ///
    /// # Errors
    ///
    /// One line that names the path and the first file that is missing.
    pub fn open(path: &Path) -> Result<Gate, Error> {
        let missing = |src: &Path| MARKS.iter().map(|m| src.join(m)).find(|m| !m.exists());
        let root = path.join("usr/src");
        let wanted = match missing(&root) {
            None => return Gate::at(&root),
            Some(wanted) => wanted,
        };
        if missing(path).is_none() {
            return Gate::at(path);
        }
        Err(Error::NotAGate(format!(
            "ILLUMOS_GATE={} is not a checkout of illumos-gate: {} does not exist; \
             give the directory that holds usr/src",
            path.display(),
            wanted.display()
        )))
    }

    fn at(src: &Path) -> Result<Gate, Error> {
        let src = src
            .canonicalize()
            .map_err(|e| Error::NotAGate(format!("ILLUMOS_GATE: {}: {e}", src.display())))?;
        Ok(Gate { src })
    }

    /// Directories to watch for changes.
    #[allow(dead_code, reason = "only the build asks")]
    pub fn watched(&self) -> impl Iterator<Item = PathBuf> {
        WATCHED.iter().map(|dir| self.src.join(dir))
    }

    /// Makes the headers that a build of the gate generates and a fresh checkout lacks, as far as
    /// structures depend on them: the number of privilege sets and the words of one set, counted
    /// in the gate's own list of privileges. A gate that was built keeps its own headers.
    pub fn generate_missing_headers(&self, out: &Path) -> Result<PathBuf, Error> {
        let generated = out.join("generated");
        let dir = generated.join("sys");
        fs::create_dir_all(&dir).map_err(|e| Error::Tool(format!("{}: {e}", dir.display())))?;
        let wanted = |name: &str| !self.src.join("uts/common/sys").join(name).exists();
        let list = self.src.join("uts/common/os/priv_defs");
        if wanted("priv_const.h") && list.exists() {
            let text = fs::read_to_string(&list)
                .map_err(|e| Error::Tool(format!("{}: {e}", list.display())))?;
            let (sets, words) = privilege_sets(&text);
            write(
                &dir.join("priv_const.h"),
                &format!("#define PRIV_NSET {sets}\n#define PRIV_SETSIZE {words}\n"),
            )?;
        }
        if wanted("priv_names.h") {
            write(&dir.join("priv_names.h"), "")?;
        }
        Ok(generated)
    }

    /// Flags for both compilers.
    pub fn flags(&self, generated: &Path) -> Vec<String> {
        let mut flags: Vec<String> = ["-nostdinc", "-ffreestanding", "-m64", "-w"]
            .map(String::from)
            .into();
        flags.extend(UNDEFINES.iter().map(|u| format!("-U{u}")));
        flags.extend(DEFINES.iter().map(|d| format!("-D{d}")));
        let roots = [
            generated,
            &self.src.join("uts/intel"),
            &self.src.join("uts/common"),
        ];
        flags.extend(roots.iter().map(|root| format!("-I{}", root.display())));
        flags
    }
}

/// Number of sets, and of 32-bit words in one set.
fn privilege_sets(list: &str) -> (usize, usize) {
    let (mut sets, mut privileges) = (0, 0);
    for line in list.lines().filter(|l| !l.starts_with(char::is_whitespace)) {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["set", _] => sets += 1,
            ["privilege", _] | [_, "privilege", _] => privileges += 1,
            _ => {}
        }
    }
    (sets, (privileges + SLACK) / 32 + 1)
}
