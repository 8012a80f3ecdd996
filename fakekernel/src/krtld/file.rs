//! Reads a module file into plain tables, by krtld's rules for headers and sections.
//!
//! Parsing is the `object` crate's; what is accepted is decided here. Nothing in this file
//! touches memory outside the given bytes, whatever they contain.

use object::elf;
use object::read::elf::{FileHeader, Rela, SectionHeader, Sym};
use object::{LittleEndian, elf::FileHeader64};

use super::error::{Error, Result};

type Header = FileHeader64<LittleEndian>;
const LE: LittleEndian = LittleEndian;

/// A section header with its contents.
pub(super) struct Section<'a> {
    pub name: String,
    pub flags: u64,
    /// Bytes in memory; contents are shorter (empty) for NOBITS.
    pub size: u64,
    pub align: u64,
    pub data: &'a [u8],
}

impl Section<'_> {
    pub fn is_alloc(&self) -> bool {
        self.flags & elf::SHF_ALLOC.0 != 0
    }
    pub fn is_write(&self) -> bool {
        self.flags & elf::SHF_WRITE.0 != 0
    }
}

/// Where a symbol is defined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Undefined,
    Absolute,
    Common,
    Section(usize),
}

pub(super) struct Symbol {
    pub name: String,
    pub place: Place,
    pub value: u64,
    pub size: u64,
    pub bind: elf::SymbolBind,
    pub kind: elf::SymbolType,
}

impl Symbol {
    pub fn is_local(&self) -> bool {
        self.bind == elf::STB_LOCAL
    }
    pub fn is_weak(&self) -> bool {
        self.bind == elf::STB_WEAK
    }
}

/// One entry of a RELA section.
pub(super) struct Reloc {
    /// Index of the section whose contents change.
    pub target: usize,
    pub offset: u64,
    pub kind: u32,
    pub symbol: usize,
    pub addend: i64,
}

/// A parsed module file.
pub(super) struct File<'a> {
    pub sections: Vec<Section<'a>>,
    pub symbols: Vec<Symbol>,
    /// Relocations of allocated sections, in file order.
    pub relocs: Vec<Reloc>,
}

impl<'a> File<'a> {
    /// Parses and checks `data`; `module` is the name used in messages.
    pub fn parse(module: &str, data: &'a [u8]) -> Result<File<'a>> {
        let header = header(module, data)?;
        let damaged = |what: String| Error::Damaged {
            module: module.into(),
            what,
        };
        let broken = |section: &str, rule: String| Error::Section {
            module: module.into(),
            section: section.into(),
            rule,
        };
        let table = header
            .sections(LE, data)
            .map_err(|e| damaged(format!("section headers: {e}")))?;

        let mut sections = Vec::new();
        let mut symtab = None;
        for (index, sh) in table.enumerate() {
            let name = match table.section_name(LE, sh) {
                Ok(n) if !n.is_empty() => String::from_utf8_lossy(n).into_owned(),
                _ => format!("#{}", index.0),
            };
            let alloc = sh.sh_flags(LE).0 & elf::SHF_ALLOC.0 != 0;
            if alloc && sh.sh_addr(LE) != 0 {
                return Err(broken(
                    &name,
                    "its address is not 0 (the file is already linked)".into(),
                ));
            }
            let align = sh.sh_addralign(LE).max(1);
            if alloc && !(align.is_power_of_two() && align <= 4096) {
                return Err(broken(
                    &name,
                    format!("alignment {align} (a power of two up to 4096 is needed)"),
                ));
            }
            match sh.sh_type(LE) {
                elf::SHT_REL => {
                    return Err(broken(&name, "SHT_REL: krtld processes RELA only".into()));
                }
                // The last one wins.
                elf::SHT_SYMTAB => symtab = Some(index),
                elf::SHT_DYNAMIC => dependencies(module, &table, sh, data)?,
                _ => {}
            }
            let bytes = sh
                .data(LE, data)
                .map_err(|_| damaged(format!("contents of section {name}")))?;
            sections.push(Section {
                name,
                flags: sh.sh_flags(LE).0,
                size: sh.sh_size(LE),
                align,
                data: bytes,
            });
        }

        let Some(symtab) = symtab else {
            return Err(damaged(
                "no symbol table: link without --strip-all (-s)".into(),
            ));
        };
        let symbols_raw = table
            .symbol_table_by_index(LE, data, symtab)
            .map_err(|e| damaged(format!("symbol table: {e}")))?;
        let strings = symbols_raw.strings();
        let mut symbols = Vec::new();
        for sym in symbols_raw.iter() {
            let name = sym
                .name(LE, strings)
                .map_err(|_| damaged(format!("name of symbol #{}", symbols.len())))?;
            let name = String::from_utf8_lossy(name).into_owned();
            let place = match sym.st_shndx(LE) {
                elf::SHN_UNDEF => Place::Undefined,
                elf::SHN_ABS => Place::Absolute,
                elf::SHN_COMMON => Place::Common,
                elf::SHN_XINDEX => {
                    return Err(damaged(format!(
                        "symbol {name}: extended section numbering (SHN_XINDEX) is not supported"
                    )));
                }
                n if usize::from(n.0) < sections.len() => Place::Section(usize::from(n.0)),
                n => return Err(damaged(format!("symbol {name}: section number {}", n.0))),
            };
            symbols.push(Symbol {
                name,
                place,
                value: sym.st_value(LE),
                size: sym.st_size(LE),
                bind: sym.st_bind(),
                kind: sym.st_type(),
            });
        }

        let mut relocs = Vec::new();
        for (index, sh) in table.enumerate() {
            if sh.sh_type(LE) != elf::SHT_RELA {
                continue;
            }
            let name = &sections[index.0].name;
            if sh.sh_link(LE) as usize != symtab.0 {
                return Err(broken(
                    name,
                    "does not belong to the file's symbol table".into(),
                ));
            }
            let target = sh.sh_info(LE) as usize;
            if target >= sections.len() {
                return Err(broken(
                    name,
                    format!("relocates section number {target}, which is not there"),
                ));
            }
            if !sections[target].is_alloc() {
                continue;
            }
            let entries = sh
                .rela(LE, data)
                .map_err(|_| damaged(format!("entries of {name}")))?
                .map(|(entries, _)| entries)
                .unwrap_or_default();
            for r in entries {
                let symbol = r.r_sym(LE, false) as usize;
                if symbol >= symbols.len() {
                    return Err(damaged(format!("{name}: symbol number {symbol}")));
                }
                relocs.push(Reloc {
                    target,
                    offset: r.r_offset(LE),
                    kind: r.r_type(LE, false).0,
                    symbol,
                    addend: r.r_addend(LE),
                });
            }
        }
        Ok(File {
            sections,
            symbols,
            relocs,
        })
    }
}

fn header<'a>(module: &str, data: &'a [u8]) -> Result<&'a Header> {
    let not = |what: String| Error::NotModule {
        module: module.into(),
        what,
    };
    if data.len() < 4 || data[..4] != elf::ELFMAG {
        return Err(not("not an ELF file".into()));
    }
    if data.len() < size_of::<Header>() {
        return Err(Error::Damaged {
            module: module.into(),
            what: "ELF header".into(),
        });
    }
    match elf::FileClass(data[4]) {
        elf::ELFCLASS64 => {}
        elf::ELFCLASS32 => return Err(not("wrong class: a 32-bit file (ELFCLASS32)".into())),
        n => return Err(not(format!("wrong class: {}", n.0))),
    }
    if data[5] != elf::ELFDATA2LSB.0 {
        return Err(not("wrong byte order".into()));
    }
    let header = Header::parse(data).map_err(|e| not(e.to_string()))?;
    if header.e_machine(LE) != elf::EM_X86_64 {
        return Err(not(format!("wrong machine: {}", header.e_machine(LE))));
    }
    match header.e_type(LE) {
        elf::ET_REL => {}
        elf::ET_EXEC => return Err(not("wrong type: an executable".into())),
        elf::ET_DYN => return Err(not("wrong type: a shared object".into())),
        n => return Err(not(format!("wrong type: {n}"))),
    }
    if usize::from(header.e_shentsize(LE)) != size_of::<elf::SectionHeader64<LittleEndian>>() {
        return Err(Error::Damaged {
            module: module.into(),
            what: format!("section header size {}", header.e_shentsize(LE)),
        });
    }
    if header.e_shnum(LE) == 0 {
        return Err(Error::Damaged {
            module: module.into(),
            what: "no section headers".into(),
        });
    }
    Ok(header)
}

/// Every DT_NEEDED names a module to load first; this kernel has only unix and genunix, which
/// need no naming.
fn dependencies(
    module: &str,
    table: &object::read::elf::SectionTable<'_, Header>,
    sh: &elf::SectionHeader64<LittleEndian>,
    data: &[u8],
) -> Result<()> {
    use object::read::elf::Dyn;
    let damaged = |what: &str| Error::Damaged {
        module: module.into(),
        what: what.into(),
    };
    let Some((entries, link)) = sh
        .dynamic(LE, data)
        .map_err(|_| damaged("dynamic section"))?
    else {
        return Ok(());
    };
    let strings = table
        .strings(LE, data, link)
        .map_err(|_| damaged("dynamic strings"))?;
    for entry in entries {
        if entry.tag32(LE) == Some(elf::DT_NEEDED.0 as _) {
            let needs = entry
                .string(LE, strings)
                .map_err(|_| damaged("DT_NEEDED string"))?;
            let needs = String::from_utf8_lossy(needs).into_owned();
            return Err(Error::Dependency {
                module: module.into(),
                needs,
            });
        }
    }
    Ok(())
}
