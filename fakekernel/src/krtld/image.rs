//! Places a module's sections in memory and relocates them.

use std::collections::{BTreeMap, BTreeSet};

use object::elf;

use super::error::{Error, Result};
use super::file::{File, Place, Reloc};
use super::layout::Layout;
use super::memory::Block;
use super::reloc::{Check, Rule, rule, store};
use super::{Import, KernelSymbol, Module, Resolve, Sizes, Symbol, SymbolKind};

/// A statically defined tracing probe of the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Name as the kernel registers it (`sdt:::name`).
    pub name: String,
    /// Address of the erased call instruction.
    pub addr: usize,
    /// Whether the site was a tail call (then a return instruction replaced it).
    pub tail: bool,
}

const PROBE_PREFIX: &str = "__dtrace_probe_";
/// A jump through the eight bytes behind it.
const STUB: [u8; 6] = [0xff, 0x25, 0, 0, 0, 0];
const STUB_SIZE: usize = 16;
const CALL: u8 = 0xe8;
const JMP: u8 = 0xe9;
const NOP: u8 = 0x90;
const RET: u8 = 0xc3;

/// Globals that a module may define although the kernel has them, without a message.
const QUIET: [&str; 14] = [
    "strstr",
    "strncat",
    "strlcat",
    "strlcpy",
    "strspn",
    "memcpy",
    "memset",
    "memmove",
    "memcmp",
    "memchr",
    "__udivdi3",
    "__divdi3",
    "__umoddi3",
    "__moddi3",
];

/// How an undefined symbol was resolved.
#[derive(Clone, Copy)]
enum Target {
    /// Bound to an address; `stub` is set when 32-bit fields must go there instead.
    Bound {
        addr: usize,
        stub: Option<usize>,
        data: bool,
    },
    /// An undefined weak that nobody defines, left alone.
    Missing,
    /// A probe, erased at each call site.
    Probe,
    /// smap_enable or smap_disable, erased as well.
    Hot,
}

struct Linker<'a> {
    name: &'a str,
    file: &'a File<'a>,
    text: Block,
    data: Block,
    text_at: Layout,
    data_at: Layout,
    stub_at: usize,
    common: BTreeMap<usize, usize>,
    probes: Vec<Probe>,
}

/// Builds the module `name` from its parsed file. The text is not yet sealed.
pub(super) fn link(name: &str, file: &File<'_>, kernel: &dyn Resolve) -> Result<Module> {
    let mut linker = Linker::place(name, file, kernel)?;
    linker.copy_sections();
    let targets = linker.resolve(kernel)?;
    let mut imports = Vec::new();
    for (symbol, target) in file.symbols.iter().zip(&targets) {
        if symbol.is_local() || symbol.place != Place::Undefined {
            continue;
        }
        match target {
            Target::Bound { stub, .. } => imports.push(Import {
                name: symbol.name.clone(),
                stub: stub.is_some(),
                missing: false,
            }),
            Target::Missing => {
                imports.push(Import {
                    name: symbol.name.clone(),
                    stub: false,
                    missing: true,
                });
            }
            Target::Probe | Target::Hot => {}
        }
    }
    imports.sort_by(|a, b| a.name.cmp(&b.name));
    for r in &file.relocs {
        linker.apply(r, targets[r.symbol])?;
    }
    let warnings = file
        .symbols
        .iter()
        .filter(|s| s.bind == elf::STB_GLOBAL && matches!(s.place, Place::Section(_)))
        .filter(|s| {
            !QUIET.contains(&s.name.as_str()) && !matches!(&*s.name, "_init" | "_info" | "_fini")
        })
        .filter(|s| kernel.find(&s.name).is_some())
        .map(|s| format!("{name}: '{}' multiply defined", s.name))
        .collect();
    let symbols = linker.symbols();
    let sizes = Sizes {
        file: 0,
        text: linker.text_at.size,
        data: linker.data_at.size,
    };
    let Linker {
        text, data, probes, ..
    } = linker;
    Ok(Module {
        name: name.into(),
        text,
        data,
        symbols,
        sizes,
        imports,
        probes,
        warnings,
    })
}

impl<'a> Linker<'a> {
    fn place(name: &'a str, file: &'a File<'a>, kernel: &dyn Resolve) -> Result<Linker<'a>> {
        let mut text_at = Layout::default();
        let mut data_at = Layout::default();
        let too_big = |what: &str| Error::Damaged {
            module: name.into(),
            what: format!("{what} does not fit into memory"),
        };
        for (index, section) in file
            .sections
            .iter()
            .enumerate()
            .filter(|(_, s)| s.is_alloc())
        {
            let block = if section.is_write() {
                &mut data_at
            } else {
                &mut text_at
            };
            block
                .push(index, section.size, section.align)
                .ok_or_else(|| too_big(&format!("section {}", section.name)))?;
        }
        // Common symbols get zeroed space behind the data; st_value is their alignment.
        let mut space = Layout {
            size: data_at.size,
            at: BTreeMap::new(),
        };
        for (index, symbol) in file.symbols.iter().enumerate() {
            if symbol.place == Place::Common && kernel.find(&symbol.name).is_none() {
                let align = symbol.value.max(1);
                (align
                    .is_power_of_two()
                    .then(|| space.push(index, symbol.size, align))
                    .flatten())
                .ok_or_else(|| too_big(&format!("common symbol {}", symbol.name)))?;
            }
        }
        let undefined = file
            .symbols
            .iter()
            .filter(|s| s.place == Place::Undefined)
            .count();
        let stub_at = text_at.size.next_multiple_of(STUB_SIZE);
        let text = Block::map(stub_at + undefined * STUB_SIZE);
        let data = Block::map(space.size);
        let memory = |source| Error::Memory {
            module: name.into(),
            what: "no memory below 2 GiB",
            source,
        };
        let (text, data) = (text.map_err(memory)?, data.map_err(memory)?);
        let common = space
            .at
            .into_iter()
            .map(|(i, at)| (i, data.start() + at))
            .collect();
        Ok(Linker {
            name,
            file,
            text,
            data,
            text_at,
            data_at,
            stub_at,
            common,
            probes: Vec::new(),
        })
    }

    fn copy_sections(&mut self) {
        for (block, layout) in [
            (&mut self.text, &self.text_at),
            (&mut self.data, &self.data_at),
        ] {
            let bytes = block.bytes();
            for (index, at) in &layout.at {
                let contents = self.file.sections[*index].data;
                bytes[*at..*at + contents.len()].copy_from_slice(contents);
            }
        }
    }

    /// Load address of a section; None when it is not allocated.
    fn section(&self, index: usize) -> Option<usize> {
        let in_block =
            |block: &Block, layout: &Layout| layout.at.get(&index).map(|at| block.start() + at);
        in_block(&self.text, &self.text_at).or_else(|| in_block(&self.data, &self.data_at))
    }

    /// Address of a symbol the module defines itself.
    fn defined(&self, index: usize) -> Option<usize> {
        let symbol = &self.file.symbols[index];
        let value = usize::try_from(symbol.value).ok()?;
        match symbol.place {
            Place::Section(s) if value as u64 <= self.file.sections[s].size => {
                self.section(s)?.checked_add(value)
            }
            Place::Common => self.common.get(&index).copied(),
            _ => None,
        }
    }

    /// Decides for every symbol of the file what a relocation against it means.
    fn resolve(&mut self, kernel: &dyn Resolve) -> Result<Vec<Target>> {
        let mut unresolved = BTreeSet::new();
        let mut targets = Vec::with_capacity(self.file.symbols.len());
        for (index, symbol) in self.file.symbols.iter().enumerate() {
            let own = |addr| Target::Bound {
                addr,
                stub: None,
                data: false,
            };
            let target = match symbol.place {
                Place::Absolute => own(symbol.value as usize),
                // The null symbol has value 0.
                Place::Undefined if symbol.is_local() => own(0),
                Place::Undefined | Place::Common if self.defined(index).is_none() => {
                    match kernel.find(&symbol.name) {
                        Some(found) => self.bind(found),
                        None if symbol.name.starts_with(PROBE_PREFIX) => Target::Probe,
                        None if matches!(&*symbol.name, "smap_enable" | "smap_disable") => {
                            Target::Hot
                        }
                        None if symbol.is_weak() => Target::Missing,
                        None => {
                            unresolved.insert(symbol.name.clone());
                            Target::Missing
                        }
                    }
                }
                _ => self.defined(index).map_or(Target::Missing, own),
            };
            targets.push(target);
        }
        if unresolved.is_empty() {
            Ok(targets)
        } else {
            let names = unresolved.into_iter().collect();
            Err(Error::Unresolved {
                module: self.name.into(),
                names,
            })
        }
    }

    fn bind(&mut self, found: KernelSymbol) -> Target {
        let reachable = found.addr < 1 << 31;
        let data = found.kind == SymbolKind::Data;
        let stub = (!reachable && !data).then(|| {
            let at = self.stub_at;
            self.stub_at += STUB_SIZE;
            let bytes = self.text.bytes();
            bytes[at..at + STUB.len()].copy_from_slice(&STUB);
            bytes[at + STUB.len()..at + STUB.len() + 8]
                .copy_from_slice(&(found.addr as u64).to_le_bytes());
            self.text.start() + at
        });
        Target::Bound {
            addr: found.addr,
            stub,
            data,
        }
    }

    fn apply(&mut self, r: &Reloc, target: Target) -> Result<()> {
        let symbol = &self.file.symbols[r.symbol];
        let section = &self.file.sections[r.target];
        let (kind, rule) = rule(r.kind);
        let name = match (&*symbol.name, symbol.place) {
            ("", Place::Section(s)) => &self.file.sections[s].name,
            ("", _) => "no symbol",
            (name, _) => name,
        };
        let refuse = |reason: String| Error::Relocation {
            module: self.name.into(),
            section: section.name.clone(),
            offset: r.offset,
            what: format!("{kind} against {name}"),
            reason,
        };
        let (width, check, relative) = match rule {
            Rule::None => return Ok(()),
            Rule::Reject(reason) => return Err(refuse(reason.into())),
            Rule::Absolute { width, check } => (width, check, false),
            Rule::Relative { width, check } => (width, check, true),
            Rule::Base => (8, Check::Truncate, false),
        };
        let inside = |at: u64| {
            at.checked_add(width as u64)
                .is_some_and(|end| end <= section.size)
        };
        if !inside(r.offset) {
            return Err(refuse("offset outside the section".into()));
        }
        let base = self
            .section(r.target)
            .ok_or_else(|| refuse("section not loaded".into()))?;
        let place = base + r.offset as usize;
        let (block_start, in_text) = if section.is_write() {
            (self.data.start(), false)
        } else {
            (self.text.start(), true)
        };
        let at = place - block_start;

        let value = match target {
            _ if rule == Rule::Base => base,
            Target::Probe | Target::Hot => {
                if r.offset == 0 || width != 4 || !in_text {
                    return Err(refuse("a probe may only be called".into()));
                }
                let code = &mut self.text.bytes()[at - 1..at + 4];
                let tail = match code[0] {
                    CALL => false,
                    JMP if matches!(target, Target::Probe) => true,
                    _ => {
                        return Err(refuse(
                            "a probe may only be called (call or jmp rel32)".into(),
                        ));
                    }
                };
                code.fill(NOP);
                if tail {
                    code[4] = RET;
                }
                if let Some(name) = symbol.name.strip_prefix(PROBE_PREFIX) {
                    self.probes.push(Probe {
                        name: name.into(),
                        addr: place - 1,
                        tail,
                    });
                }
                return Ok(());
            }
            Target::Missing if symbol.place == Place::Undefined => return Ok(()),
            Target::Missing => {
                return Err(refuse("the symbol is not in a loaded section".into()));
            }
            Target::Bound { addr, stub, data } => {
                if check == Check::Unsigned32 && symbol.place != Place::Absolute {
                    return Err(refuse(
                        "an unsigned 32-bit field: kernel addresses never fit (use 32S or PC32)"
                            .into(),
                    ));
                }
                if width == 4 && data && addr >= 1 << 31 {
                    return Err(refuse(format!(
                        "the variable lies at {addr:#x}, out of reach: link the host program with -no-pie"
                    )));
                }
                if width == 4 {
                    stub.unwrap_or(addr)
                } else {
                    addr
                }
            }
        };
        let value = (value as u64).wrapping_add(r.addend as u64);
        let value = if relative {
            value.wrapping_sub(place as u64)
        } else {
            value
        };
        let stored = {
            let block = if in_text {
                &mut self.text
            } else {
                &mut self.data
            };
            store(&mut block.bytes()[at..at + width], value, check)
        };
        stored.map_err(refuse)
    }

    /// The module's own named symbols, sorted by address.
    fn symbols(&self) -> Vec<Symbol> {
        let named = |kind: elf::SymbolType| {
            matches!(
                kind,
                elf::STT_FUNC | elf::STT_OBJECT | elf::STT_NOTYPE | elf::STT_COMMON
            )
        };
        let mut symbols: Vec<Symbol> = (0..self.file.symbols.len())
            .filter_map(|index| {
                let symbol = &self.file.symbols[index];
                if symbol.name.is_empty() || !named(symbol.kind) {
                    return None;
                }
                Some(Symbol {
                    name: symbol.name.clone(),
                    addr: self.defined(index)?,
                    size: symbol.size as usize,
                    global: !symbol.is_local(),
                })
            })
            .collect();
        symbols.sort_by_key(|s| s.addr);
        symbols
    }
}
