//! What a Rust symbol of the module is called in the finished file.
//!
//! mdb, DTrace (`fbt:portfs:port_getn:entry`) and stack traces show ELF symbol
//! names, so plain functions and statics of crate `portfs` get names like
//! those of C:
//!
//! | Rust path                                | name                          |
//! |------------------------------------------|-------------------------------|
//! | `portfs::port::getn::port_getn`          | `port_getn`                   |
//! | `portfs::port::send::close`, if another symbol is called `close` | `send_close` |
//! | `<portfs::port::queue::Queue>::push`     | `queue_push`                  |
//! | `<portfs::port::port::Port>::port_close` | `port_close`: C's prefix says enough |
//! | `<... Queue as core::ops::Drop>::drop`   | `queue_drop`                  |
//! | closures, generics, other crates         | the mangled name, unchanged   |
//!
//! A name is given only if it is free; nothing that stands in the object as it
//! is (imports, `no_mangle` items) is ever taken.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The crate whose symbols are renamed.
const CRATE: &str = "portfs";

/// What the C module's functions begin with.
const PREFIX: &str = "port_";

/// Chooses the new names for `symbols`: a map from mangled to new name.
/// Symbols that keep their name are not in it.
pub fn rename<'a>(symbols: impl IntoIterator<Item = &'a str>) -> HashMap<&'a str, String> {
    let mut taken = BTreeSet::new();
    let mut open: BTreeMap<&str, Candidates> = BTreeMap::new();
    for symbol in symbols {
        match Candidates::of(symbol) {
            Some(candidates) => drop(open.insert(symbol, candidates)),
            None => drop(taken.insert(symbol.to_owned())),
        }
    }
    let mut renamed = HashMap::new();
    for choice in [Candidates::short, Candidates::long] {
        let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
        for candidates in open.values() {
            *wanted.entry(choice(candidates)).or_default() += 1;
        }
        let given: Vec<(&str, String)> = open
            .iter()
            .map(|(symbol, candidates)| (*symbol, choice(candidates).to_owned()))
            .filter(|(_, name)| wanted[name.as_str()] == 1 && !taken.contains(name))
            .collect();
        for (symbol, name) in given {
            open.remove(symbol);
            taken.insert(name.clone());
            renamed.insert(symbol, name);
        }
    }
    renamed
}

/// The names a symbol could have, the preferred one first.
struct Candidates {
    short: String,
    long: String,
}

impl Candidates {
    fn of(symbol: &str) -> Option<Self> {
        let demangled = rustc_demangle::try_demangle(symbol).ok()?;
        // The alternate form leaves out the hashes of crates.
        let path = Path::parse(&format!("{demangled:#}"))?;
        let item = match &path.of_type {
            Some(of_type) if !path.item.starts_with(PREFIX) => {
                format!("{}_{}", snake(of_type), path.item)
            }
            _ => path.item,
        };
        Some(Candidates {
            long: format!("{}_{item}", path.module),
            short: item,
        })
    }

    fn short(&self) -> &str {
        &self.short
    }

    fn long(&self) -> &str {
        &self.long
    }
}

/// A demangled path without generics or closures.
struct Path {
    module: String,
    of_type: Option<String>,
    item: String,
}

impl Path {
    fn parse(demangled: &str) -> Option<Self> {
        let Some(inside) = demangled.strip_prefix('<') else {
            let (module, item) = split_plain(demangled)?;
            return Some(Path {
                module,
                of_type: None,
                item,
            });
        };
        // `<TYPE>::item` or `<TYPE as TRAIT>::item`; the trait may be generic.
        let (qualified, item) = inside.rsplit_once(">::")?;
        let of_type = qualified
            .split_once(" as ")
            .map_or(qualified, |(of_type, _)| of_type);
        let (module, of_type) = split_plain(of_type)?;
        is_item(item).then(|| Path {
            module,
            of_type: Some(of_type),
            item: item.to_owned(),
        })
    }
}

/// Splits `portfs::a::b::item` into (`b`, `item`).
fn split_plain(path: &str) -> Option<(String, String)> {
    let (parents, item) = path.rsplit_once("::")?;
    let modules: Vec<&str> = parents.split("::").collect();
    if modules[0] != CRATE || !modules.iter().copied().all(is_identifier) || !is_item(item) {
        return None;
    }
    Some((modules[modules.len() - 1].to_owned(), item.to_owned()))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// An identifier, with what LLVM hangs on to parts of it (`HOOK.0`).
fn is_item(text: &str) -> bool {
    text.split('.').all(is_identifier)
}

/// `PortQueue` as `port_queue`; names in C's own style stay as they are.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut after_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && after_lower {
            out.push('_');
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(c.to_ascii_lowercase());
    }
    out
}
