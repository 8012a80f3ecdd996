//! Names the kernel itself provides.
//!
//! `data/kernel-symbols.txt` has one line per name: name, provider, kind. The provider is the
//! primary kernel module that defines it (`unix`, `genunix`); `krtld` stands for names nothing
//! defines because krtld rewrites their call sites. The list holds what a port file system may
//! sensibly import, not the whole kernel.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The list.
const TEXT: &str = include_str!("../data/kernel-symbols.txt");

/// Prefix of names that krtld turns into DTrace probes.
pub const PROBE: &str = "__dtrace_probe_";

/// Definitions in a module that krtld accepts silently beside the kernel's own.
const OWN_COPY_IS_FINE: [&str; 14] = [
    "strstr",
    "strncat",
    "strlcat",
    "strlcpy",
    "strspn",
    "memcpy",
    "memset",
    "memmove",
    "memcmp",
    "memchr",
    "__udivdi3",
    "__divdi3",
    "__umoddi3",
    "__moddi3",
];

/// A name the kernel provides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelSymbol {
    /// `unix`, `genunix` or `krtld`.
    pub provider: &'static str,
    /// `function`, `data`, `stub` or `probe`.
    pub kind: &'static str,
}

static NAMES: LazyLock<HashMap<&'static str, KernelSymbol>> = LazyLock::new(|| {
    TEXT.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (name, provider, kind) = (words.next()?, words.next()?, words.next()?);
            Some((name, KernelSymbol { provider, kind }))
        })
        .collect()
});

/// Looks a name up; names of probes are always known.
pub fn lookup(name: &str) -> Option<KernelSymbol> {
    if name.starts_with(PROBE) {
        return Some(KernelSymbol {
            provider: "krtld",
            kind: "probe",
        });
    }
    NAMES.get(name).copied()
}

/// All names of the list.
pub fn names() -> impl Iterator<Item = (&'static str, KernelSymbol)> {
    NAMES.iter().map(|(name, symbol)| (*name, *symbol))
}

/// Krtld rewrites call sites of this name instead of resolving it.
pub fn is_rewritten(name: &str) -> bool {
    lookup(name).is_some_and(|symbol| symbol.kind == "probe")
}

/// Krtld prints nothing when a module has a global of this name although the kernel has one too.
pub fn own_copy_is_fine(name: &str) -> bool {
    OWN_COPY_IS_FINE.contains(&name)
}
