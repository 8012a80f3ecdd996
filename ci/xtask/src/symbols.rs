//! Symbol table of the module: scope, names, and nothing else left in it.
//!
//! Works on the output of `ld -r`: a relocatable object with one symbol table.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use object::build::ByteString;
use object::build::elf::{Builder, SectionData, Symbol, SymbolId};
use object::elf;

use crate::mapfile::Mapfile;
use crate::names;

/// Applies `mapfile` and the naming rule to `object` and returns the new file.
///
/// Afterwards a symbol is one of: global and named in the mapfile; undefined;
/// a local function or object under its C-like name; a section symbol that a
/// relocation needs.
///
/// # Errors
/// Not an ELF relocatable; a name in the mapfile that the object does not
/// define (all of them are listed).
pub fn finish(object: &[u8], mapfile: &Mapfile) -> Result<Vec<u8>> {
    let mut builder = Builder::read64(object).context("the linked object is not readable")?;
    missing(&builder, mapfile)?;
    reduce(&mut builder, mapfile)?;
    let names: Vec<String> = builder
        .symbols
        .iter()
        .map(|symbol| symbol.name.to_string())
        .collect();
    let renamed = names::rename(names.iter().map(String::as_str));
    for symbol in &mut builder.symbols {
        if let Some(name) = renamed.get(symbol.name.to_string().as_str()) {
            symbol.name = ByteString::from(name.clone().into_bytes());
        }
    }
    let mut out = Vec::new();
    builder
        .write(&mut out)
        .context("the linked object cannot be written")?;
    Ok(out)
}

/// Fails if the mapfile names what is not there.
fn missing(builder: &Builder<'_>, mapfile: &Mapfile) -> Result<()> {
    let defined: BTreeSet<String> = builder
        .symbols
        .iter()
        .filter(|symbol| is_defined(symbol) && symbol.st_bind() != elf::STB_LOCAL)
        .map(|symbol| symbol.name.to_string())
        .collect();
    let missing: Vec<&str> = mapfile
        .globals()
        .filter(|name| !defined.contains(*name))
        .collect();
    match missing.as_slice() {
        [] => Ok(()),
        names => bail!(
            "the mapfile names {} which the module does not define (no #[unsafe(no_mangle)] item \
             of that name)",
            names.join(", ")
        ),
    }
}

/// Makes symbols local that the mapfile does not name and drops the useless.
fn reduce(builder: &mut Builder<'_>, mapfile: &Mapfile) -> Result<()> {
    let needed = relocation_targets(builder);
    for symbol in &mut builder.symbols {
        if !is_defined(symbol) {
            if symbol.st_type() == elf::STT_FILE {
                symbol.delete = true;
            }
            continue;
        }
        if !mapfile.is_global(&symbol.name.to_string()) {
            symbol.set_st_info(elf::STB_LOCAL, symbol.st_type());
        }
        let kept = matches!(
            symbol.st_type(),
            elf::STT_FUNC | elf::STT_OBJECT | elf::STT_SECTION
        );
        if !kept && !needed.contains(&symbol.id()) {
            symbol.delete = true;
        }
    }
    Ok(())
}

fn relocation_targets(builder: &Builder<'_>) -> Vec<SymbolId> {
    let relocations = builder
        .sections
        .iter()
        .filter_map(|section| match &section.data {
            SectionData::Relocation(relocations) => Some(relocations),
            _ => None,
        });
    relocations
        .flatten()
        .filter_map(|relocation| relocation.symbol)
        .collect()
}

/// True for a symbol with a place in one of the sections.
fn is_defined(symbol: &Symbol<'_>) -> bool {
    symbol.section.is_some()
}
