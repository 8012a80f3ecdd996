//! Where things are in the workspace.

use std::env;
use std::path::{Path, PathBuf};

/// The kernel target's name: the stem of its JSON file, and so the name that
/// cargo gives to the output directory.
pub const KERNEL_TARGET: &str = "x86_64-illumos-kernel";

/// The folders and files of one checkout.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The checkout this program was built from, with output below
    /// `CARGO_TARGET_DIR` if that is set and `target/` otherwise.
    pub fn here() -> Self {
        let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = crate_dir
            .ancestors()
            .nth(2)
            .unwrap_or(crate_dir)
            .to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
            Some(dir) => std::path::absolute(&dir).unwrap_or_else(|_| dir.into()),
            None => root.join("target"),
        };
        Workspace { root, target }
    }

    /// The top folder of the checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the host's cargo writes.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Where the kernel target's cargo writes. Apart from [`Self::target`]:
    /// the two cargos may be of different versions and would rebuild
    /// everything at each turn.
    pub fn kernel_target(&self) -> PathBuf {
        self.target.join("kernel")
    }

    /// The description of the kernel target.
    pub fn target_spec(&self) -> PathBuf {
        self.root.join("kmod").join(format!("{KERNEL_TARGET}.json"))
    }

    /// The mapfile: which symbols are global.
    pub fn mapfile(&self) -> PathBuf {
        self.root.join("mapfile/portfs.map")
    }

    /// The linker script: which sections the module has.
    pub fn sections_script(&self) -> PathBuf {
        self.root.join("mapfile/sections.ld")
    }

    /// What ThreadSanitizer shall not report.
    pub fn suppressions(&self) -> PathBuf {
        self.root.join("ci/tsan.supp")
    }

    /// The folder `./x build` writes to unless told otherwise.
    pub fn module_dir(&self) -> PathBuf {
        self.target.join("portfs")
    }
}

/// `path` as a person would type it from the current folder.
pub fn shown(path: &Path) -> String {
    let relative = env::current_dir().ok().and_then(|here| {
        path.strip_prefix(here)
            .ok()
            .filter(|rest| !rest.as_os_str().is_empty())
    });
    relative.unwrap_or(path).display().to_string()
}
