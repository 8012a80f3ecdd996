//! What a rule gets to look at, and where it puts its findings.

use crate::calls::Calls;
use crate::elf::{Module, Reloc};
use crate::insn::{Code, Insn};
use crate::report::{Finding, Place};

/// Limits a module is held to. The defaults are those of this project's module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Largest allowed stack frame in bytes, return address included.
    pub max_frame: u64,
    /// Size of a kernel stack in bytes.
    pub stack: u64,
    /// Part of the stack in bytes that is left to others: the system call or interrupt entry
    /// above the module, and below it the deepest kernel function it may call, page faults of
    /// user copies included.
    pub kernel_reserve: u64,
    /// Indirect calls a single call chain may contain.
    pub indirect_steps: usize,
    /// Most sections a module may have.
    pub max_sections: usize,
    /// Refuse privileged instructions and such as touch interrupts or segments.
    pub privileged: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            max_frame: 1024,
            stack: 20 * 1024,
            kernel_reserve: 12 * 1024,
            indirect_steps: 1,
            max_sections: 64,
            privileged: true,
        }
    }
}

/// A module with everything derived from it.
#[derive(Debug)]
pub struct Context<'m> {
    /// The file.
    pub module: &'m Module<'m>,
    /// Its instructions.
    pub code: &'m Code<'m>,
    /// Its frames and calls.
    pub calls: &'m Calls,
    /// Limits.
    pub options: &'m Options,
}

impl Context<'_> {
    /// Names a place in a section.
    pub fn place(&self, section: usize, offset: u64) -> Place {
        let symbol = self.module.symbol_at(section, offset);
        Place {
            section: self.module.sections[section].name.clone(),
            offset,
            symbol: symbol.map(|s| s.display()),
            symbol_offset: symbol.map_or(0, |s| offset - s.value),
        }
    }

    /// Names the place of an instruction.
    pub fn insn_place(&self, insn: &Insn) -> Place {
        self.place(self.code.section_of(insn), insn.at)
    }

    /// Names the field of a relocation.
    pub fn reloc_place(&self, reloc: &Reloc) -> Place {
        self.place(reloc.target, reloc.offset)
    }

    /// Name of the symbol a relocation refers to.
    pub fn reloc_symbol(&self, reloc: &Reloc) -> String {
        self.module.symbol_of(reloc).map_or_else(
            || format!("symbol {}", reloc.symbol),
            |s| {
                if s.name.is_empty() {
                    format!("symbol {}", s.index)
                } else {
                    s.display()
                }
            },
        )
    }
}

/// Collects what a rule finds.
#[derive(Debug, Default)]
pub struct Findings {
    /// Violations.
    pub list: Vec<Finding>,
    /// Remarks.
    pub notes: Vec<String>,
    /// The module has nothing to look at.
    pub not_applicable: bool,
}

impl Findings {
    /// Reports something about the file as a whole.
    pub fn file(&mut self, message: impl Into<String>) {
        self.list.push(Finding {
            place: None,
            message: message.into(),
        });
    }

    /// Reports something at a place.
    pub fn at(&mut self, place: Place, message: impl Into<String>) {
        self.list.push(Finding {
            place: Some(place),
            message: message.into(),
        });
    }

    /// Adds a remark.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Says that the rule has nothing to look at, and why.
    pub fn skip(&mut self, why: impl Into<String>) {
        self.not_applicable = true;
        self.note(why);
    }
}
