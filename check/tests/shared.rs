//! The facts in this crate against the measured ones beside the repository, where those exist.

use std::path::PathBuf;

use check::{kernel, reloc};
use serde_json::Value;

fn shared(name: &str) -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/abi")
        .join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: ../shared/abi/{name} is not there");
        return None;
    };
    Some(serde_json::from_str(&text).expect("valid JSON"))
}

#[test]
fn relocation_types_are_the_measured_ones() {
    for (number, known) in reloc::TYPES.iter().enumerate() {
        assert_eq!(known.number as usize, number);
    }
    let Some(facts) = shared("relocs.json") else {
        return;
    };
    let types = facts["relocation_types"].as_array().unwrap();
    assert_eq!(types.len(), reloc::TYPES.len());
    for fact in types {
        let number = fact["number"].as_u64().unwrap() as u32;
        let known = reloc::lookup(number).unwrap();
        assert_eq!(fact["name"], known.name);
        assert_eq!(fact["verdict"], known.verdict.as_str(), "{}", known.name);
        let width = fact["effect"].as_str().unwrap();
        if width.contains(" bytes") || width.contains(" byte,") {
            let says = [
                (1, "1 byte"),
                (2, "2 bytes"),
                (4, "4 bytes"),
                (8, "8 bytes"),
            ]
            .into_iter()
            .find(|(_, text)| width.contains(text))
            .unwrap()
            .0;
            assert_eq!(says, known.width, "{}", known.name);
        }
    }
}

#[test]
fn kernel_symbols_agree_with_the_measured_imports() {
    let mut names: Vec<(&str, kernel::KernelSymbol)> = kernel::names().collect();
    names.sort_by_key(|(name, _)| *name);
    for (name, symbol) in &names {
        assert!(
            matches!(symbol.provider, "unix" | "genunix" | "krtld"),
            "{name}"
        );
        assert!(
            matches!(symbol.kind, "function" | "data" | "stub" | "probe"),
            "{name}"
        );
    }
    let thunks = names
        .iter()
        .filter(|(name, _)| name.starts_with("__x86_indirect_thunk_"));
    assert_eq!(thunks.count(), 15);

    let Some(facts) = shared("imports.json") else {
        return;
    };
    let measured = [&facts["imports"], &facts["also_available"]["symbols"]];
    for (name, fact) in measured
        .into_iter()
        .flat_map(|group| group.as_object().unwrap())
    {
        let known = kernel::lookup(name).unwrap_or_else(|| panic!("{name} is missing"));
        if name.starts_with(kernel::PROBE) {
            assert_eq!((known.provider, known.kind), ("krtld", "probe"));
        } else {
            assert_eq!(fact["provider"], known.provider, "{name}");
            assert_eq!(fact["kind"], known.kind, "{name}");
        }
    }
    let further = facts["port_subr_imports"]["symbols"].as_object().unwrap();
    assert!(!further.is_empty());
    for name in further.keys() {
        assert!(kernel::lookup(name).is_some(), "{name} is missing");
    }
}

#[test]
fn allowed_types_are_usable_ones() {
    for number in reloc::ALLOWED {
        assert_eq!(reloc::lookup(number).unwrap().verdict, reloc::Verdict::Ok);
    }
}
