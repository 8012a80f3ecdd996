//! The instructions of a module: decoded text sections, cut into functions.
//!
//! Every text section is decoded from each symbol to the next, so that the stream is in step at
//! every function start. What lies between functions and consists of filler only is not code.

use std::collections::{BTreeSet, HashMap};

use iced_x86::{Code as Opcode, Decoder, DecoderOptions, FlowControl, Formatter, GasFormatter};
use iced_x86::{Instruction, Mnemonic};

use crate::elf::{Module, Reloc, STT_FUNC, STT_NOTYPE, Symbol};

/// Prefix of the kernel's retpoline thunks; the register follows.
pub const THUNK: &str = "__x86_indirect_thunk_";

/// A decoded instruction.
#[derive(Clone, Copy, Debug)]
pub struct Insn {
    /// Offset in its section.
    pub at: u64,
    /// The instruction; its instruction pointer is `at`.
    pub raw: Instruction,
    /// Index into [`Code::functions`].
    pub function: usize,
}

impl Insn {
    /// Offset of the following instruction.
    pub fn end(&self) -> u64 {
        self.at + self.raw.len() as u64
    }

    /// AT&T syntax, on one line.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut formatter = GasFormatter::new();
        let options = formatter.options_mut();
        options.set_first_operand_char_index(0);
        options.set_uppercase_hex(false);
        formatter.format(&self.raw, &mut out);
        out
    }

    /// Does nothing: a filler instruction.
    pub fn is_nop(&self) -> bool {
        matches!(self.raw.mnemonic(), Mnemonic::Nop)
            || (self.raw.code() == Opcode::Xchg_rm16_r16 && self.raw.len() == 2)
    }

    /// A direct call.
    pub fn is_call(&self) -> bool {
        self.raw.flow_control() == FlowControl::Call && self.raw.is_call_near()
    }
}

/// A stretch of text that belongs together.
#[derive(Clone, Debug)]
pub struct Function {
    /// Name of the symbol at its start; `None` for text no symbol covers.
    pub name: Option<String>,
    /// Further names of the same address.
    pub aliases: Vec<String>,
    /// Section index.
    pub section: usize,
    /// Offset of the first byte.
    pub start: u64,
    /// Offset after the last byte.
    pub end: u64,
    /// At least one of its symbols is `STT_FUNC`.
    pub is_func: bool,
    /// All of its `STT_FUNC` symbols are weak.
    pub is_weak: bool,
    /// None of its symbols has a size: written by hand, where it ends is a guess.
    pub is_sizeless: bool,
    /// The compiler's name for the unlikely part of another function: entered by jumps only.
    pub is_cold: bool,
}

impl Function {
    /// Name, demangled, or the stretch it is.
    pub fn display(&self) -> String {
        match &self.name {
            Some(name) => crate::elf::legible(name),
            None => format!("(unnamed text at {:#x})", self.start),
        }
    }
}

/// Where a direct branch goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'m> {
    /// A place in the module's text.
    Inside {
        /// Section index.
        section: usize,
        /// Offset in it.
        at: u64,
    },
    /// A symbol that the module does not define.
    Outside(&'m str),
    /// Neither: an absolute symbol, or a relocation nobody can follow.
    Unknown,
}

/// A stretch that did not decode.
#[derive(Clone, Copy, Debug)]
pub struct Undecodable {
    /// Section index.
    pub section: usize,
    /// Offset of the first bad byte.
    pub at: u64,
    /// The instruction ran past the end of its function, rather than being invalid.
    pub overrun: bool,
}

/// All code of a module.
///
/// # Invariants
/// `insns` is sorted by section and offset; `index` maps exactly its places. `functions` is
/// sorted the same way and its stretches do not overlap.
#[derive(Debug)]
pub struct Code<'m> {
    module: &'m Module<'m>,
    /// The instructions.
    pub insns: Vec<Insn>,
    /// The functions and other stretches.
    pub functions: Vec<Function>,
    /// What did not decode.
    pub undecodable: Vec<Undecodable>,
    index: HashMap<(usize, u64), usize>,
}

impl<'m> Code<'m> {
    /// Decodes all text sections.
    pub fn decode(module: &'m Module<'m>) -> Code<'m> {
        let mut code = Code {
            module,
            insns: Vec::new(),
            functions: Vec::new(),
            undecodable: Vec::new(),
            index: HashMap::new(),
        };
        for section in module
            .sections
            .iter()
            .filter(|s| s.is_text() && !s.data.is_empty())
        {
            let mut at = 0;
            let end = section.data.len() as u64;
            for function in named_functions(module, section.index, end) {
                if function.start > at {
                    code.gap(section.index, at, function.start);
                }
                at = function.end;
                code.stretch(function);
            }
            code.gap(section.index, at, end);
        }
        code
    }

    /// The instruction that starts at a place.
    pub fn at(&self, section: usize, at: u64) -> Option<usize> {
        self.index.get(&(section, at)).copied()
    }

    /// The function of an instruction.
    pub fn function_of(&self, insn: &Insn) -> &Function {
        &self.functions[insn.function]
    }

    /// The section of an instruction.
    pub fn section_of(&self, insn: &Insn) -> usize {
        self.functions[insn.function].section
    }

    /// The instruction whose bytes cover a place, if there is one.
    pub fn covering(&self, section: usize, at: u64) -> Option<&Insn> {
        let place = |i: &Insn| (self.section_of(i), i.at);
        let next = self.insns.partition_point(|i| place(i) <= (section, at));
        let insn = self.insns.get(next.checked_sub(1)?)?;
        (self.section_of(insn) == section && at < insn.end()).then_some(insn)
    }

    /// The function that starts at a place.
    pub fn function_at(&self, section: usize, at: u64) -> Option<usize> {
        self.functions
            .binary_search_by_key(&(section, at), |f| (f.section, f.start))
            .ok()
    }

    /// Relocations of an instruction's fields.
    pub fn relocs_of(&self, insn: &Insn) -> &'m [Reloc] {
        self.module
            .relocs_in(self.section_of(insn), insn.at, insn.end())
    }

    /// Where a direct call, jump or conditional jump goes; nothing for other instructions.
    pub fn target(&self, insn: &Insn) -> Option<Target<'m>> {
        if insn.raw.near_branch_target() == 0 && !is_near_branch(&insn.raw) {
            return None;
        }
        let Some(reloc) = self.relocs_of(insn).first() else {
            return Some(Target::Inside {
                section: self.section_of(insn),
                at: insn.raw.near_branch_target(),
            });
        };
        let Some(symbol) = self.module.symbol_of(reloc) else {
            return Some(Target::Unknown);
        };
        Some(resolve(self.module, symbol, reloc, insn.end()))
    }
}

fn is_near_branch(insn: &Instruction) -> bool {
    insn.is_jcc_short_or_near()
        || insn.is_jmp_short_or_near()
        || insn.is_call_near()
        || insn.is_jcx_short()
        || insn.is_loop()
        || insn.is_loopcc()
}

fn resolve<'m>(module: &Module<'_>, symbol: &'m Symbol, reloc: &Reloc, next: u64) -> Target<'m> {
    if symbol.is_undefined() {
        return Target::Outside(&symbol.name);
    }
    match symbol
        .section()
        .filter(|&section| section < module.sections.len())
    {
        // Distances are counted from the end of the instruction.
        Some(section) => Target::Inside {
            section,
            at: symbol
                .value
                .wrapping_add_signed(reloc.addend)
                .wrapping_add(next)
                .wrapping_sub(reloc.offset),
        },
        None => Target::Unknown,
    }
}

impl Code<'_> {
    /// Decodes one function or fragment and files its instructions.
    fn stretch(&mut self, function: Function) {
        let data = self.module.sections[function.section].data;
        let bytes = &data[function.start as usize..function.end as usize];
        let mut decoder = Decoder::with_ip(64, bytes, function.start, DecoderOptions::NONE);
        let number = self.functions.len();
        let (section, start) = (function.section, function.start);
        let is_sizeless = function.is_sizeless;
        self.functions.push(function);
        while decoder.can_decode() {
            let raw = decoder.decode();
            let at = raw.ip();
            if raw.is_invalid() {
                // Without a size, the filler up to the next symbol counts as part of it.
                if is_sizeless && is_filler(&bytes[(at - start) as usize..]) {
                    break;
                }
                let overrun = decoder.last_error() == iced_x86::DecoderError::NoMoreBytes;
                self.undecodable.push(Undecodable {
                    section,
                    at,
                    overrun,
                });
                // Nothing after it can be trusted to be in step.
                break;
            }
            self.index.insert((section, at), self.insns.len());
            self.insns.push(Insn {
                at,
                raw,
                function: number,
            });
        }
    }

    /// Files text that no symbol covers, unless it is filler.
    fn gap(&mut self, section: usize, start: u64, end: u64) {
        let data = self.module.sections[section].data;
        let bytes = &data[start as usize..end as usize];
        let filler = is_filler(bytes) || {
            let decoder = Decoder::with_ip(64, bytes, start, DecoderOptions::NONE);
            decoder.into_iter().all(|raw| {
                Insn {
                    at: raw.ip(),
                    raw,
                    function: 0,
                }
                .is_nop()
            })
        };
        if filler && self.module.relocs_in(section, start, end).is_empty() {
            return;
        }
        self.stretch(Function {
            name: None,
            aliases: Vec::new(),
            section,
            start,
            end,
            is_func: false,
            is_weak: false,
            is_sizeless: true,
            is_cold: false,
        });
    }
}

/// Bytes that linkers put between functions.
fn is_filler(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, 0x00 | 0x90 | 0xcc))
}

/// The stretches of a section that symbols name, in order and without overlap.
fn named_functions(module: &Module<'_>, section: usize, len: u64) -> Vec<Function> {
    let here = || {
        module
            .symbols
            .iter()
            .filter(move |s| s.section() == Some(section) && s.value < len && !s.name.is_empty())
    };
    let funcs: Vec<&Symbol> = here().filter(|s| s.kind == STT_FUNC.0).collect();
    let covered = |at: u64| funcs.iter().any(|f| f.value < at && at - f.value < f.size);
    // Assembler labels count where no function covers them.
    let mut starts: BTreeSet<u64> = funcs.iter().map(|f| f.value).collect();
    starts.extend(
        here()
            .filter(|s| s.kind == STT_NOTYPE.0 && !covered(s.value))
            .map(|s| s.value),
    );
    let starts: Vec<u64> = starts.into_iter().collect();

    let mut functions = Vec::with_capacity(starts.len());
    for (position, &start) in starts.iter().enumerate() {
        let limit = starts.get(position + 1).copied().unwrap_or(len);
        let mut names: Vec<&Symbol> = here()
            .filter(|s| s.value == start && (s.kind == STT_FUNC.0 || s.kind == STT_NOTYPE.0))
            .collect();
        names.sort_by_key(|s| (!s.is_func(), s.is_local(), s.is_weak()));
        let size = names.iter().map(|s| s.size).max().unwrap_or(0);
        let end = if size == 0 {
            limit
        } else {
            start.saturating_add(size).min(limit)
        };
        let is_func = names.iter().any(|s| s.is_func());
        functions.push(Function {
            name: names.first().map(|s| s.name.clone()),
            aliases: names.iter().skip(1).map(|s| s.name.clone()).collect(),
            section,
            start,
            end,
            is_func,
            is_weak: is_func && names.iter().filter(|s| s.is_func()).all(|s| s.is_weak()),
            is_sizeless: size == 0,
            is_cold: names.first().is_some_and(|s| is_cold_name(&s.name)),
        });
    }
    functions
}

/// The suffix gcc and LLVM give to the part of a function they moved out of line.
fn is_cold_name(name: &str) -> bool {
    name.ends_with(".cold") || name.contains(".cold.")
}
