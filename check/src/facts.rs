//! Facts about a module that are no rules.

use crate::context::Context;
use crate::elf::{Module, SHN_ABS, sht};
use crate::kernel;
use crate::report::{ChainFact, Facts, FrameFact, Import};
use crate::symbols::references;

/// `DT_NEEDED`.
const NEEDED: u64 = 1;
/// `DT_FLAGS_1`.
const FLAGS_1: u64 = 0x6fff_fffb;
/// `DF_1_IGNMULDEF`.
const IGNMULDEF: u64 = 0x40000;

/// Collects the facts.
pub fn facts(ctx: &Context<'_>, file: u64) -> Facts {
    let module = ctx.module;
    let mut facts = Facts {
        language: language(module),
        file,
        sections: module.sections.len() - 1,
        depends_on: depends_on(module),
        unloadable: module
            .symbols
            .iter()
            .any(|s| s.name == "_fini" && !s.is_undefined()),
        ..Facts::default()
    };
    for section in module.sections.iter().filter(|s| s.is_alloc()) {
        let writable = section.flags & crate::elf::shf::WRITE != 0;
        let sum = match (section.is_text(), writable, section.kind == sht::NOBITS) {
            (true, ..) => &mut facts.text,
            (_, false, _) => &mut facts.rodata,
            (_, true, false) => &mut facts.data,
            (_, true, true) => &mut facts.bss,
        };
        *sum = sum.saturating_add(section.size);
    }
    for symbol in module.undefined() {
        let known = kernel::lookup(&symbol.name);
        facts.imports.push(Import {
            name: symbol.name.clone(),
            provider: known.map(|k| k.provider),
            kind: known.map(|k| k.kind),
            references: references(ctx, symbol).count(),
        });
    }
    facts.imports.sort_by(|a, b| a.name.cmp(&b.name));
    for symbol in module
        .symbols
        .iter()
        .filter(|s| !s.is_undefined() && !s.name.is_empty())
    {
        if symbol.is_global() && symbol.shndx != SHN_ABS.0 {
            facts.exports.push(symbol.name.clone());
        }
        if symbol.is_func() {
            facts.functions.push(symbol.display());
        }
    }
    facts.exports.sort();
    facts.functions.sort();
    stack(ctx, &mut facts);
    facts
}

fn stack(ctx: &Context<'_>, facts: &mut Facts) {
    let functions = &ctx.code.functions;
    facts.largest_frame = functions
        .iter()
        .zip(&ctx.calls.frames)
        .max_by_key(|(_, frame)| frame.size)
        .filter(|(_, frame)| frame.size > 0)
        .map(|(f, frame)| FrameFact {
            function: f.display(),
            bytes: frame.size,
        });
    let chain = ctx.calls.deepest(ctx.options.indirect_steps);
    facts.deepest_chain_bytes = chain.bytes;
    facts.deepest_chain = chain
        .links
        .iter()
        .map(|link| ChainFact {
            function: functions[link.function].display(),
            bytes: link.bytes,
            indirect: link.indirect,
        })
        .collect();
}

/// `DF_1_IGNMULDEF` is set in `.dynamic`.
pub(crate) fn ignores_multiply_defined(module: &Module<'_>) -> bool {
    dynamic(module).any(|(tag, value)| tag == FLAGS_1 && value & IGNMULDEF != 0)
}

/// The `DT_NEEDED` strings.
fn depends_on(module: &Module<'_>) -> Vec<String> {
    let Some(section) = module.sections.iter().find(|s| s.kind == sht::DYNAMIC) else {
        return Vec::new();
    };
    let strings = module
        .sections
        .get(section.link as usize)
        .map_or(&[][..], |s| s.data);
    dynamic(module)
        .filter(|(tag, _)| *tag == NEEDED)
        .filter_map(|(_, at)| strings.get(usize::try_from(at).ok()?..))
        .map(|rest| {
            let end = rest.iter().position(|&b| b == 0).unwrap_or(rest.len());
            String::from_utf8_lossy(&rest[..end]).into_owned()
        })
        .collect()
}

/// Tags and values of `.dynamic`.
fn dynamic(module: &Module<'_>) -> impl Iterator<Item = (u64, u64)> {
    let data = module
        .sections
        .iter()
        .find(|s| s.kind == sht::DYNAMIC)
        .map_or(&[][..], |s| s.data);
    let word = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0u64, |value, &byte| value << 8 | u64::from(byte))
    };
    data.chunks_exact(16)
        .map(move |entry| (word(&entry[..8]), word(&entry[8..])))
}

/// What the module was written in.
fn language(module: &Module<'_>) -> &'static str {
    let rust = module
        .symbols
        .iter()
        .any(|s| rustc_demangle::try_demangle(&s.name).is_ok());
    let comment = module.sections.iter().find(|s| s.name == ".comment");
    let says = |word: &str| {
        comment.is_some_and(|s| s.data.windows(word.len()).any(|w| w == word.as_bytes()))
    };
    if rust || says("rustc") {
        "Rust"
    } else if says("GCC") || says("clang") {
        "C"
    } else {
        "unknown"
    }
}
