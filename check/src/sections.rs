//! Rules about the header and the sections.

use crate::context::{Context, Findings};
use crate::elf::{SHN_XINDEX, shf, sht};

/// `elf-header`. What stops krtld is an error of [`crate::read`] already.
pub fn elf_header(ctx: &Context<'_>, found: &mut Findings) {
    let header = &ctx.module.header;
    if header.version != 1 {
        found.file(format!("e_version is {}, not 1", header.version));
    }
    if header.size != 64 {
        found.file(format!("e_ehsize is {}, not 64", header.size));
    }
    if header.flags != 0 {
        found.file(format!(
            "e_flags is {:#x}; amd64 defines none",
            header.flags
        ));
    }
    if header.program_headers != 0 {
        found.file(format!(
            "{} program headers: not the output of `ld -r`",
            header.program_headers
        ));
    }
}

/// `section-count`.
pub fn section_count(ctx: &Context<'_>, found: &mut Findings) {
    let sections = &ctx.module.sections;
    let count = sections.len() - 1;
    if count > ctx.options.max_sections {
        found.file(format!(
            "{count} sections, at most {}: merge .text.*, .rodata.*, .data.* and .bss.* when linking",
            ctx.options.max_sections
        ));
    }
    for section in sections.iter().filter(|s| s.kind == sht::SYMTAB_SHNDX) {
        found.file(format!(
            "section {} holds extended section indexes",
            section.name
        ));
    }
    for symbol in ctx
        .module
        .symbols
        .iter()
        .filter(|s| s.shndx == SHN_XINDEX.0)
    {
        found.file(format!(
            "symbol {} has an extended section index",
            symbol.display()
        ));
    }
}

/// `section-address`.
pub fn section_address(ctx: &Context<'_>, found: &mut Findings) {
    for section in ctx.module.sections.iter().filter(|s| s.addr != 0) {
        let what = match section.kind {
            sht::RELA | sht::REL => "krtld takes it for a table already in memory",
            _ => "krtld refuses it; in a linker script write `.name 0 : { ... }`",
        };
        found.file(format!(
            "section {} has address {:#x}: {what}",
            section.name, section.addr
        ));
    }
}

/// `text-not-writable`.
pub fn text_not_writable(ctx: &Context<'_>, found: &mut Findings) {
    let both = shf::WRITE | shf::EXECINSTR;
    for section in ctx
        .module
        .sections
        .iter()
        .filter(|s| s.is_alloc() && s.flags & both == both)
    {
        found.file(format!(
            "section {} is writable and executable",
            section.name
        ));
    }
}

/// `debug-sections`.
pub fn debug_sections(ctx: &Context<'_>, found: &mut Findings) {
    let module = ctx.module;
    for section in module
        .sections
        .iter()
        .filter(|s| s.is_alloc() && s.is_debug())
    {
        found.file(format!(
            "section {} is loaded: {} bytes of kernel memory; clear SHF_ALLOC or strip it",
            section.name, section.size
        ));
    }
    for table in module.sections.iter().filter(|s| s.kind == sht::RELA) {
        let target = module.sections.get(table.info as usize);
        if let Some(target) = target.filter(|t| t.index != 0 && !t.is_alloc()) {
            found.file(format!(
                "section {} relocates {}, which is not loaded: krtld reads its {} bytes and never \
                 frees them; strip debug sections",
                table.name, target.name, table.size
            ));
        }
    }
}
