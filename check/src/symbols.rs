//! Rules about the symbol table and the names in it.

use crate::context::{Context, Findings};
use crate::elf::{SHN_COMMON, STT_COMMON, STT_GNU_IFUNC, SYM, Symbol, sht};
use crate::facts::ignores_multiply_defined;
use crate::kernel;
use crate::rela;
use crate::reloc::Family;

/// `one-symtab`.
pub fn one_symtab(ctx: &Context<'_>, found: &mut Findings) {
    let module = ctx.module;
    let Some(&last) = module.symtabs.last() else {
        found.file("no symbol table: krtld cannot load a stripped module");
        return;
    };
    if module.symtabs.len() > 1 {
        found.file(format!(
            "{} symbol tables: krtld uses the last one",
            module.symtabs.len()
        ));
    }
    let table = &module.sections[last];
    if table.entsize != SYM {
        found.file(format!(
            "sh_entsize {} is not {SYM}; krtld divides by it",
            table.entsize
        ));
    } else if !table.size.is_multiple_of(SYM) {
        found.file(format!("{} bytes are no whole symbols", table.size));
    }
    if module
        .sections
        .get(table.link as usize)
        .is_none_or(|s| s.kind != sht::STRTAB)
    {
        found.file(format!("sh_link {} is not a string table", table.link));
    }
    for symbol in module.symbols.iter().skip(1) {
        let Some(index) = symbol.section() else {
            continue;
        };
        match module.sections.get(index) {
            None => found.file(format!(
                "symbol {} ({}) is in section {index}, which does not exist",
                symbol.index,
                symbol.display()
            )),
            Some(section) if symbol.value > section.size => found.file(format!(
                "symbol {} lies at {:#x}, behind the end of {}",
                symbol.display(),
                symbol.value,
                section.name
            )),
            Some(_) => {}
        }
    }
}

/// `no-undefined-local`.
pub fn no_undefined_local(ctx: &Context<'_>, found: &mut Findings) {
    for symbol in ctx.module.undefined().filter(|s| s.is_local()) {
        let used = references(ctx, symbol).next().is_some();
        if kernel::is_rewritten(&symbol.name) && !used {
            continue; // krtld passes over the name
        }
        found.file(format!(
            "symbol {} ({}) is local and undefined: krtld looks up no locals and fails the load{}",
            symbol.index,
            if symbol.name.is_empty() {
                "no name"
            } else {
                &symbol.name
            },
            if used {
                ""
            } else {
                "; nothing refers to it, the linker left it behind"
            }
        ));
    }
}

/// `undefined-known`.
pub fn undefined_known(ctx: &Context<'_>, found: &mut Findings) {
    for symbol in ctx.module.undefined().filter(|s| !s.is_local()) {
        // The global offset table has its own rule.
        if kernel::lookup(&symbol.name).is_some() || symbol.name == "_GLOBAL_OFFSET_TABLE_" {
            continue;
        }
        let name = symbol.display();
        let message = if symbol.is_weak() {
            format!("{name} is weak and unknown: its address stays 0 and a call to it does nothing")
        } else {
            format!(
                "{name} is not known in unix or genunix: the load would fail; if the kernel has \
                 it, add it to check/data/kernel-symbols.txt"
            )
        };
        match references(ctx, symbol).next() {
            Some(reloc) => found.at(ctx.reloc_place(reloc), message),
            None => found.file(message),
        }
    }
}

/// `entry-points`.
pub fn entry_points(ctx: &Context<'_>, found: &mut Findings) {
    for (name, required) in [("_init", true), ("_info", true), ("_fini", false)] {
        let defined: Vec<&Symbol> = ctx
            .module
            .symbols
            .iter()
            .filter(|s| s.name == name && !s.is_undefined())
            .collect();
        match defined[..] {
            [] if required => found.file(format!("{name} is not defined: krtld looks it up")),
            [] => found.note("no _fini: the module cannot be unloaded"),
            [symbol] => entry_point(ctx, found, symbol),
            _ => found.file(format!("{name} is defined {} times", defined.len())),
        }
    }
}

fn entry_point(ctx: &Context<'_>, found: &mut Findings, symbol: &Symbol) {
    let name = &symbol.name;
    if !symbol.is_func() {
        found.file(format!("{name} is not of type FUNC"));
    }
    let section = symbol
        .section()
        .and_then(|index| ctx.module.sections.get(index));
    if section.is_none_or(|s| !s.is_text() || symbol.value >= s.size) {
        found.file(format!("{name} does not lie in a text section"));
    }
}

/// `multiply-defined`.
pub fn multiply_defined(ctx: &Context<'_>, found: &mut Findings) {
    if ignores_multiply_defined(ctx.module) {
        found.skip("DF_1_IGNMULDEF is set");
        return;
    }
    for symbol in ctx
        .module
        .symbols
        .iter()
        .filter(|s| s.is_global() && !s.is_undefined())
    {
        if kernel::own_copy_is_fine(&symbol.name) || symbol.shndx == SHN_COMMON.0 {
            continue;
        }
        if let Some(known) = kernel::lookup(&symbol.name) {
            found.file(format!(
                "{} is global and also defined in {}: krtld prints a warning at every load; make \
                 it local in the mapfile",
                symbol.name, known.provider
            ));
        }
    }
}

/// `no-common`.
pub fn no_common(ctx: &Context<'_>, found: &mut Findings) {
    for symbol in &ctx.module.symbols {
        if symbol.shndx == SHN_COMMON.0 || symbol.kind == STT_COMMON.0 {
            found.file(format!(
                "{} is a common symbol: krtld binds it to any kernel symbol of that name",
                symbol.display()
            ));
        }
    }
}

/// `no-ifunc`.
pub fn no_ifunc(ctx: &Context<'_>, found: &mut Findings) {
    rela::family(ctx, found, Family::Ifunc);
    for symbol in ctx
        .module
        .symbols
        .iter()
        .filter(|s| s.kind == STT_GNU_IFUNC.0)
    {
        found.file(format!(
            "{} is an indirect function: krtld calls no resolver",
            symbol.display()
        ));
    }
}

/// Relocations that name a symbol.
pub(crate) fn references<'c>(
    ctx: &'c Context<'_>,
    symbol: &Symbol,
) -> impl Iterator<Item = &'c crate::elf::Reloc> {
    let index = symbol.index;
    ctx.module
        .live_relocs()
        .filter(move |r| r.symbol as usize == index)
}
