//! Module files made for a test.

// Each test program uses a part of this.
#![allow(dead_code)]

use fakekernel::krtld::symtab::Genunix;
use fakekernel::krtld::{Error, Module};
use object::write::{
    Object, Relocation, SectionId, StandardSection, Symbol, SymbolId, SymbolSection,
};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SymbolFlags, SymbolKind as Kind,
    SymbolScope, elf,
};

/// `mov eax, imm32; ret`
pub fn answer(value: u32) -> Vec<u8> {
    let mut code = vec![0xb8];
    code.extend(value.to_le_bytes());
    code.push(0xc3);
    code
}

/// A module under construction.
pub struct Maker {
    pub object: Object<'static>,
    pub text: SectionId,
    pub data: SectionId,
}

impl Maker {
    pub fn empty() -> Maker {
        let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        let text = object.section_id(StandardSection::Text);
        let data = object.section_id(StandardSection::Data);
        Maker { object, text, data }
    }

    /// A module with an `_init` that answers 0 and an `_info` that answers 1.
    pub fn new() -> Maker {
        let mut maker = Maker::empty();
        maker.function("_init", &answer(0));
        maker.function("_info", &answer(1));
        maker
    }

    pub fn symbol(
        &mut self,
        name: &str,
        section: SymbolSection,
        at: (u64, u64),
        weak: bool,
    ) -> SymbolId {
        let kind = match section {
            SymbolSection::Section(s) if s == self.text => Kind::Text,
            SymbolSection::Undefined => Kind::Unknown,
            _ => Kind::Data,
        };
        self.object.add_symbol(Symbol {
            name: name.into(),
            value: at.0,
            size: at.1,
            kind,
            scope: SymbolScope::Dynamic,
            weak,
            section,
            flags: SymbolFlags::None,
        })
    }

    pub fn undefined(&mut self, name: &str) -> SymbolId {
        self.symbol(name, SymbolSection::Undefined, (0, 0), false)
    }

    /// Appends code under a global name; answers its offset.
    pub fn function(&mut self, name: &str, code: &[u8]) -> u64 {
        let at = self.object.append_section_data(self.text, code, 16);
        self.symbol(
            name,
            SymbolSection::Section(self.text),
            (at, code.len() as u64),
            false,
        );
        at
    }

    /// Appends a variable under a global name; answers offset and symbol.
    pub fn variable(&mut self, name: &str, bytes: &[u8]) -> (u64, SymbolId) {
        let at = self.object.append_section_data(self.data, bytes, 8);
        let section = SymbolSection::Section(self.data);
        (
            at,
            self.symbol(name, section, (at, bytes.len() as u64), false),
        )
    }

    pub fn reloc(
        &mut self,
        section: SectionId,
        offset: u64,
        kind: u32,
        symbol: SymbolId,
        addend: i64,
    ) {
        let flags = RelocationFlags::Elf {
            r_type: elf::RelocationType(kind),
        };
        let reloc = Relocation {
            offset,
            symbol,
            addend,
            flags,
        };
        self.object.add_relocation(section, reloc).unwrap();
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.object.write().unwrap()
    }

    pub fn load(&self) -> Result<Module, Error> {
        Module::load_bytes("test", &self.bytes(), &Genunix, &[])
    }

    /// The message with which the module is refused.
    pub fn refused(&self) -> String {
        self.load().map(drop).unwrap_err().to_string()
    }
}
