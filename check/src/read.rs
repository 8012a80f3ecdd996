//! From the bytes of a file to a [`Module`].
//!
//! Reading stops with [`NotAModule`] only where nothing sensible can be said about the rest.
//! Whatever a rule can name (two symbol tables, a bad `sh_link`, a REL table ...) is kept as it is.

use object::LittleEndian as LE;
use object::elf::{FileHeader64, Rela64, SectionHeader64, Sym64};
use object::pod;
use thiserror::Error;

use crate::elf::{Header, Module, RELA, Reloc, SYM, Section, Symbol, sht};

/// Size of an ELF64 header in bytes.
const EHDR: usize = size_of::<FileHeader64<LE>>();
/// Size of a section header in bytes.
const SHDR: usize = size_of::<SectionHeader64<LE>>();
const _: () =
    assert!(size_of::<Sym64<LE>>() as u64 == SYM && size_of::<Rela64<LE>>() as u64 == RELA);

/// Why a file cannot be checked at all. One line each.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotAModule {
    /// Nothing in the file.
    #[error("the file is empty; give a kernel module (ELF64 relocatable)")]
    Empty,
    /// No ELF magic.
    #[error("not an ELF file (it starts with {0}); give a kernel module (ELF64 relocatable)")]
    NotElf(String),
    /// Cut off inside the header or a table.
    #[error("truncated: {what} needs bytes up to {end:#x}, the file ends at {len:#x}")]
    Truncated {
        /// The part that is incomplete.
        what: String,
        /// End of that part, as a file offset.
        end: u64,
        /// Length of the file in bytes.
        len: u64,
    },
    /// ELF class other than 64 bits.
    #[error("ELF class {0}: a 32-bit object cannot be loaded; build for 64 bits")]
    Class(u8),
    /// Big-endian or unknown data encoding.
    #[error("ELF data encoding {0}: krtld takes little-endian (1) only")]
    Encoding(u8),
    /// Not amd64.
    #[error("ELF machine {0}: krtld takes EM_AMD64 (62) only")]
    Machine(u16),
    /// Linked too far, or not at all an object.
    #[error("ELF type {0}: krtld takes ET_REL only; link the module with `ld -r`")]
    Type(&'static str),
    /// Section headers of an unexpected size.
    #[error("section headers are {0} bytes each, not 64: krtld would read them wrongly")]
    HeaderSize(u16),
    /// No section header table, or extended numbering.
    #[error("no section header count: krtld supports neither empty tables nor extended numbering")]
    NoSections,
    /// A name outside its string table.
    #[error("{0} has a name outside the string table")]
    Name(String),
}

impl<'a> Module<'a> {
    /// Reads a module.
    ///
    /// # Errors
    /// [`NotAModule`] when the bytes are not a little-endian ELF64 ET_REL file for amd64, or when
    /// a table or section lies outside them.
    pub fn parse(bytes: &'a [u8]) -> Result<Module<'a>, NotAModule> {
        let header = read_header(bytes)?;
        let count = usize::from(header.e_shnum.get(LE));
        let start = header.e_shoff.get(LE);
        if count == 0 || start == 0 {
            return Err(NotAModule::NoSections);
        }
        if usize::from(header.e_shentsize.get(LE)) != SHDR {
            return Err(NotAModule::HeaderSize(header.e_shentsize.get(LE)));
        }
        let table = slice(bytes, start, (count * SHDR) as u64, || {
            "the section table".into()
        })?;
        let raw: &[SectionHeader64<LE>] = records(table);

        let mut sections = Vec::with_capacity(count);
        let names_at = header.e_shstrndx.get(LE).0;
        let names = match raw.get(usize::from(names_at)) {
            Some(strings) => section_data(bytes, strings, || "the section names".into())?,
            None => return Err(NotAModule::Name("every section".into())),
        };
        for (index, raw) in raw.iter().enumerate() {
            let name = string(names, raw.sh_name.get(LE))
                .ok_or_else(|| NotAModule::Name(format!("section {index}")))?;
            sections.push(Section {
                index,
                kind: raw.sh_type.get(LE).0,
                flags: raw.sh_flags.get(LE).0,
                addr: raw.sh_addr.get(LE),
                size: raw.sh_size.get(LE),
                link: raw.sh_link.get(LE),
                info: raw.sh_info.get(LE),
                entsize: raw.sh_entsize.get(LE),
                data: section_data(bytes, raw, || format!("section {name}"))?,
                name,
            });
        }
        let symtabs: Vec<usize> = sections
            .iter()
            .filter(|s| s.kind == sht::SYMTAB)
            .map(|s| s.index)
            .collect();
        let symbols = match symtabs.last() {
            Some(&last) => read_symbols(&sections, last)?,
            None => Vec::new(),
        };
        let relocs = read_relocs(&sections);
        Ok(Module {
            header: Header {
                version: header.e_version.get(LE),
                flags: header.e_flags.get(LE).0,
                size: header.e_ehsize.get(LE),
                program_headers: header.e_phnum.get(LE),
            },
            sections,
            symtabs,
            symbols,
            relocs,
        })
    }
}

/// Checks everything krtld checks about the header, and the class, which it does not.
fn read_header(bytes: &[u8]) -> Result<&FileHeader64<LE>, NotAModule> {
    if bytes.is_empty() {
        return Err(NotAModule::Empty);
    }
    if !bytes.starts_with(&object::elf::ELFMAG) {
        let shown: Vec<String> = bytes.iter().take(4).map(|b| format!("{b:02x}")).collect();
        return Err(NotAModule::NotElf(shown.join(" ")));
    }
    let ident = |at: usize| bytes.get(at).copied();
    match ident(4) {
        Some(2) | None => {}
        Some(class) => return Err(NotAModule::Class(class)),
    }
    match ident(5) {
        Some(1) | None => {}
        Some(encoding) => return Err(NotAModule::Encoding(encoding)),
    }
    let head = slice(bytes, 0, EHDR as u64, || "the ELF header".into())?;
    let header: &FileHeader64<LE> = &records(head)[0];
    if header.e_machine.get(LE).0 != 62 {
        return Err(NotAModule::Machine(header.e_machine.get(LE).0));
    }
    match header.e_type.get(LE).0 {
        1 => Ok(header),
        2 => Err(NotAModule::Type("ET_EXEC (an executable)")),
        3 => Err(NotAModule::Type("ET_DYN (a shared object)")),
        4 => Err(NotAModule::Type("ET_CORE (a core file)")),
        _ => Err(NotAModule::Type("unknown")),
    }
}

fn read_symbols(sections: &[Section<'_>], table: usize) -> Result<Vec<Symbol>, NotAModule> {
    let symtab = &sections[table];
    let strings = match sections.get(symtab.link as usize) {
        Some(strings) if strings.kind == sht::STRTAB => strings.data,
        // one-symtab says so; no name can be read.
        _ => return Ok(Vec::new()),
    };
    if symtab.entsize != SYM {
        return Ok(Vec::new());
    }
    let raw: &[Sym64<LE>] = records(symtab.data);
    raw.iter()
        .enumerate()
        .map(|(index, raw)| {
            let mut name = string(strings, raw.st_name.get(LE))
                .ok_or_else(|| NotAModule::Name(format!("symbol {index}")))?;
            let shndx = raw.st_shndx.get(LE).0;
            let kind = raw.st_info.0 & 0xf;
            // Section symbols have no name of their own.
            if name.is_empty()
                && kind == object::elf::STT_SECTION.0
                && let Some(section) = sections.get(usize::from(shndx))
            {
                name.clone_from(&section.name);
            }
            Ok(Symbol {
                index,
                name,
                value: raw.st_value.get(LE),
                size: raw.st_size.get(LE),
                kind,
                binding: raw.st_info.0 >> 4,
                shndx,
            })
        })
        .collect()
}

fn read_relocs(sections: &[Section<'_>]) -> Vec<Reloc> {
    let mut relocs = Vec::new();
    for table in sections
        .iter()
        .filter(|s| s.kind == sht::RELA && s.entsize == RELA)
    {
        let target = table.info as usize;
        if target == 0 || target >= sections.len() {
            continue; // rela-links says so
        }
        let raw: &[Rela64<LE>] = records(table.data);
        relocs.extend(raw.iter().map(|raw| Reloc {
            table: table.index,
            target,
            offset: raw.r_offset.get(LE),
            kind: raw.r_type(LE, false).0,
            symbol: raw.r_sym(LE, false),
            addend: raw.r_addend.get(LE),
        }));
    }
    relocs.sort_by_key(|r| (r.target, r.offset));
    relocs
}

/// As many whole records as the bytes hold.
fn records<T: pod::Pod>(bytes: &[u8]) -> &[T] {
    let count = bytes.len() / size_of::<T>();
    // The record types are made of byte arrays, so neither alignment nor length can fail.
    pod::slice_from_bytes(bytes, count).map_or(&[], |(records, _)| records)
}

fn section_data<'a>(
    bytes: &'a [u8],
    raw: &SectionHeader64<LE>,
    what: impl FnOnce() -> String,
) -> Result<&'a [u8], NotAModule> {
    match raw.sh_type.get(LE).0 {
        0 | sht::NOBITS => Ok(&[]),
        _ => slice(bytes, raw.sh_offset.get(LE), raw.sh_size.get(LE), what),
    }
}

fn slice(
    bytes: &[u8],
    start: u64,
    size: u64,
    what: impl FnOnce() -> String,
) -> Result<&[u8], NotAModule> {
    let end = start.saturating_add(size);
    usize::try_from(start)
        .ok()
        .zip(usize::try_from(end).ok())
        .and_then(|(start, end)| bytes.get(start..end))
        .ok_or_else(|| NotAModule::Truncated {
            what: what(),
            end,
            len: bytes.len() as u64,
        })
}

/// The NUL-terminated string at an offset of a string table.
fn string(table: &[u8], at: u32) -> Option<String> {
    if at == 0 {
        return Some(String::new());
    }
    let rest = table.get(at as usize..)?;
    let end = rest.iter().position(|&b| b == 0)?;
    Some(String::from_utf8_lossy(&rest[..end]).into_owned())
}
