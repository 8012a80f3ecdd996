//! Rules about relocation tables and entries.

use crate::context::{Context, Findings};
use crate::elf::{RELA, STT_TLS, shf, sht};
use crate::reloc::{self, Family};

/// `no-rel`.
pub fn no_rel(ctx: &Context<'_>, found: &mut Findings) {
    for section in ctx.module.sections.iter().filter(|s| s.kind == sht::REL) {
        found.file(format!(
            "section {} has type SHT_REL: any such section makes the load fail",
            section.name
        ));
    }
}

/// `rela-links`.
pub fn rela_links(ctx: &Context<'_>, found: &mut Findings) {
    let module = ctx.module;
    for table in module.sections.iter().filter(|s| s.kind == sht::RELA) {
        let name = &table.name;
        if Some(table.link as usize) != module.symtabs.last().copied() {
            found.file(format!(
                "section {name}: sh_link {} is not the symbol table",
                table.link
            ));
        }
        if table.info == 0 || table.info as usize >= module.sections.len() {
            found.file(format!(
                "section {name}: sh_info {} is no section",
                table.info
            ));
        }
        if table.entsize != RELA {
            found.file(format!(
                "section {name}: sh_entsize {} is not {RELA}; krtld divides by it",
                table.entsize
            ));
        } else if !table.size.is_multiple_of(RELA) {
            found.file(format!(
                "section {name}: {} bytes are no whole entries",
                table.size
            ));
        }
    }
    for reloc in &module.relocs {
        if module.symbol_of(reloc).is_none() {
            let place = ctx.reloc_place(reloc);
            found.at(
                place,
                format!("names symbol {}, which does not exist", reloc.symbol),
            );
        }
    }
}

/// `reloc-bounds`.
pub fn reloc_bounds(ctx: &Context<'_>, found: &mut Findings) {
    for reloc in ctx.module.live_relocs() {
        let width = reloc::lookup(reloc.kind).map_or(0, |known| u64::from(known.width));
        let section = &ctx.module.sections[reloc.target];
        // krtld has given NOBITS its memory by then, but there is no content to relocate.
        if reloc.offset.saturating_add(width) > section.data.len() as u64 {
            found.at(
                ctx.reloc_place(reloc),
                format!(
                    "{} writes outside the {} bytes of {}: krtld does not check",
                    reloc::name(reloc.kind),
                    section.data.len(),
                    section.name
                ),
            );
        }
    }
}

/// `reloc-types`. Types of the GOT, TLS and IFUNC families have rules of their own.
pub fn reloc_types(ctx: &Context<'_>, found: &mut Findings) {
    for reloc in ctx.module.live_relocs() {
        let plain = reloc::lookup(reloc.kind).is_none_or(|known| known.family == Family::Plain);
        if plain && !reloc::ALLOWED.contains(&reloc.kind) {
            report(ctx, found, reloc);
        }
    }
}

/// `reloc-zero-fields`.
pub fn reloc_zero_fields(ctx: &Context<'_>, found: &mut Findings) {
    for reloc in ctx.module.live_relocs() {
        let width = reloc::lookup(reloc.kind).map_or(0, |known| usize::from(known.width));
        if width < 4 {
            continue; // overwritten, not added to
        }
        let data = ctx.module.sections[reloc.target].data;
        let Ok(start) = usize::try_from(reloc.offset) else {
            continue;
        };
        let Some(field) = start
            .checked_add(width)
            .and_then(|end| data.get(start..end))
        else {
            continue; // reloc-bounds
        };
        if field.iter().any(|&b| b != 0) {
            let bytes: Vec<String> = field.iter().map(|b| format!("{b:02x}")).collect();
            found.at(
                ctx.reloc_place(reloc),
                format!(
                    "the field of {} {} holds {}: krtld adds to it instead of replacing it",
                    reloc::name(reloc.kind),
                    ctx.reloc_symbol(reloc),
                    bytes.join(" ")
                ),
            );
        }
    }
}

/// `no-gotpcrel`.
pub fn no_gotpcrel(ctx: &Context<'_>, found: &mut Findings) {
    family(ctx, found, Family::Got);
    for symbol in ctx
        .module
        .undefined()
        .filter(|s| s.name == "_GLOBAL_OFFSET_TABLE_")
    {
        found.file(format!(
            "{} is needed: krtld has no global offset table",
            symbol.name
        ));
    }
    for section in ctx.module.sections.iter().filter(|s| s.is_alloc()) {
        if section.name == ".got" || section.name.starts_with(".got.") {
            found.file(format!(
                "section {}: krtld has no global offset table",
                section.name
            ));
        }
    }
}

/// `no-tls`.
pub fn no_tls(ctx: &Context<'_>, found: &mut Findings) {
    family(ctx, found, Family::Tls);
    for section in ctx
        .module
        .sections
        .iter()
        .filter(|s| s.flags & shf::TLS != 0)
    {
        found.file(format!("section {} is thread-local storage", section.name));
    }
    for symbol in ctx.module.symbols.iter().filter(|s| s.kind == STT_TLS.0) {
        found.file(format!("symbol {} is thread-local", symbol.display()));
    }
}

/// Reports all relocations of a family.
pub(crate) fn family(ctx: &Context<'_>, found: &mut Findings, family: Family) {
    for reloc in ctx.module.live_relocs() {
        if reloc::lookup(reloc.kind).is_some_and(|known| known.family == family) {
            report(ctx, found, reloc);
        }
    }
}

fn report(ctx: &Context<'_>, found: &mut Findings, reloc: &crate::elf::Reloc) {
    found.at(
        ctx.reloc_place(reloc),
        format!(
            "{} against {}: {}",
            reloc::name(reloc.kind),
            ctx.reloc_symbol(reloc),
            reloc::objection(reloc.kind)
        ),
    );
}
