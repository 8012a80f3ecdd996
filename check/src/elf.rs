//! The module file as krtld sees it: header, sections, one symbol table, RELA tables.
//!
//! [`crate::read`] makes it from the bytes of a file.

pub use object::elf::{SHN_ABS, SHN_COMMON, SHN_LORESERVE, SHN_UNDEF, SHN_XINDEX};
pub use object::elf::{STB_GLOBAL, STB_LOCAL, STB_WEAK};
pub use object::elf::{STT_COMMON, STT_FUNC, STT_GNU_IFUNC, STT_NOTYPE, STT_OBJECT, STT_TLS};

/// Size of a symbol in bytes.
pub(crate) const SYM: u64 = 24;
/// Size of a relocation with addend in bytes.
pub(crate) const RELA: u64 = 24;

/// Section kinds, as plain numbers.
pub(crate) mod sht {
    pub const SYMTAB: u32 = 2;
    pub const STRTAB: u32 = 3;
    pub const RELA: u32 = 4;
    pub const DYNAMIC: u32 = 6;
    pub const NOBITS: u32 = 8;
    pub const REL: u32 = 9;
    pub const SYMTAB_SHNDX: u32 = 18;
}

/// Section flags, as plain numbers.
pub(crate) mod shf {
    pub const WRITE: u64 = 1;
    pub const ALLOC: u64 = 2;
    pub const EXECINSTR: u64 = 4;
    pub const TLS: u64 = 0x400;
}

/// Header fields that rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// `e_version`.
    pub version: u32,
    /// `e_flags`.
    pub flags: u32,
    /// `e_ehsize` in bytes.
    pub size: u16,
    /// `e_phnum`.
    pub program_headers: u16,
}

/// A section header and its bytes.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// Index in the section header table.
    pub index: usize,
    /// Name, lossily decoded.
    pub name: String,
    /// `sh_type`.
    pub kind: u32,
    /// `sh_flags`.
    pub flags: u64,
    /// `sh_addr`.
    pub addr: u64,
    /// `sh_size` in bytes.
    pub size: u64,
    /// `sh_link`.
    pub link: u32,
    /// `sh_info`.
    pub info: u32,
    /// `sh_entsize` in bytes.
    pub entsize: u64,
    /// Contents; empty for NOBITS.
    pub data: &'a [u8],
}

impl Section<'_> {
    /// Takes memory in the kernel.
    pub fn is_alloc(&self) -> bool {
        self.flags & shf::ALLOC != 0
    }

    /// Holds instructions that the kernel will run.
    pub fn is_text(&self) -> bool {
        self.is_alloc() && self.flags & shf::EXECINSTR != 0
    }

    /// Holds debug information.
    pub fn is_debug(&self) -> bool {
        [".debug", ".zdebug", ".stab", ".gdb_index", ".line"]
            .iter()
            .any(|prefix| self.name.starts_with(prefix))
    }
}

/// A symbol.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// Index in the symbol table.
    pub index: usize,
    /// Name, lossily decoded.
    pub name: String,
    /// `st_value`: an offset into the section, or the alignment of a common symbol.
    pub value: u64,
    /// `st_size` in bytes.
    pub size: u64,
    /// `STT_*`.
    pub kind: u8,
    /// `STB_*`.
    pub binding: u8,
    /// `st_shndx`.
    pub shndx: u16,
}

impl Symbol {
    /// Refers to something outside the module.
    pub fn is_undefined(&self) -> bool {
        self.shndx == SHN_UNDEF.0
    }

    /// The section that holds the definition.
    pub fn section(&self) -> Option<usize> {
        let inside = self.shndx != SHN_UNDEF.0 && self.shndx < SHN_LORESERVE;
        inside.then_some(usize::from(self.shndx))
    }

    /// `STB_GLOBAL`.
    pub fn is_global(&self) -> bool {
        self.binding == STB_GLOBAL.0
    }

    /// `STB_LOCAL`.
    pub fn is_local(&self) -> bool {
        self.binding == STB_LOCAL.0
    }

    /// `STB_WEAK`.
    pub fn is_weak(&self) -> bool {
        self.binding == STB_WEAK.0
    }

    /// `STT_FUNC`.
    pub fn is_func(&self) -> bool {
        self.kind == STT_FUNC.0
    }

    /// Legible name: Rust names demangled, without their hash.
    pub fn display(&self) -> String {
        legible(&self.name)
    }
}

/// A Rust name demangled without its hash; any other name as it is.
pub fn legible(name: &str) -> String {
    rustc_demangle::try_demangle(name)
        .map_or_else(|_| name.to_owned(), |demangled| format!("{demangled:#}"))
}

/// An entry of a RELA table.
#[derive(Clone, Copy, Debug)]
pub struct Reloc {
    /// Section index of the table.
    pub table: usize,
    /// Section the field lies in.
    pub target: usize,
    /// Offset of the field in that section, in bytes.
    pub offset: u64,
    /// Type number, see [`crate::reloc`].
    pub kind: u32,
    /// Symbol index; not checked.
    pub symbol: u32,
    /// Addend.
    pub addend: i64,
}

/// A parsed module.
///
/// # Invariants
/// Every section's bytes lie in the file. `relocs` is sorted by target section and offset, and
/// every `target` is a valid section index; symbol indexes are not checked.
#[derive(Clone, Debug)]
pub struct Module<'a> {
    /// Header fields.
    pub header: Header,
    /// All sections, the null section included.
    pub sections: Vec<Section<'a>>,
    /// Section indexes of the symbol tables.
    pub symtabs: Vec<usize>,
    /// Symbols of the last symbol table (the one krtld uses), the null symbol included.
    pub symbols: Vec<Symbol>,
    /// Entries of all usable RELA tables.
    pub relocs: Vec<Reloc>,
}

impl Module<'_> {
    /// The symbol a relocation refers to, if its index is valid.
    pub fn symbol_of(&self, reloc: &Reloc) -> Option<&Symbol> {
        self.symbols.get(usize::try_from(reloc.symbol).ok()?)
    }

    /// Relocations of fields in `start..end` of a section, by offset.
    pub fn relocs_in(&self, section: usize, start: u64, end: u64) -> &[Reloc] {
        let from = self
            .relocs
            .partition_point(|r| (r.target, r.offset) < (section, start));
        let to = self
            .relocs
            .partition_point(|r| (r.target, r.offset) < (section, end));
        &self.relocs[from..to.max(from)]
    }

    /// Relocations that krtld applies: their field is in memory.
    pub fn live_relocs(&self) -> impl Iterator<Item = &Reloc> {
        self.relocs
            .iter()
            .filter(|r| self.sections[r.target].is_alloc())
    }

    /// Named symbols whose definition is outside the module.
    pub fn undefined(&self) -> impl Iterator<Item = &Symbol> {
        self.symbols.iter().skip(1).filter(|s| s.is_undefined())
    }

    /// The FUNC or OBJECT symbol that covers an offset of a section; the outermost global first.
    pub fn symbol_at(&self, section: usize, offset: u64) -> Option<&Symbol> {
        self.symbols
            .iter()
            .filter(|s| s.section() == Some(section) && !s.name.is_empty())
            .filter(|s| s.kind == STT_FUNC.0 || s.kind == STT_OBJECT.0 || s.kind == STT_NOTYPE.0)
            .filter(|s| {
                offset
                    .checked_sub(s.value)
                    .is_some_and(|at| at < s.size || s.size == 0)
            })
            .max_by_key(|s| (s.size != 0, s.value, !s.is_local()))
    }
}
