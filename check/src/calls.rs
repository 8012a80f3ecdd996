//! The call graph and how deep it reaches into the kernel stack.
//!
//! Direct calls are followed exactly. Whom an indirect call reaches is not in the file, so it is
//! charged with the deepest function whose address the module takes; how many such steps a chain
//! may have is a parameter, because every address-taken function that makes an indirect call
//! itself would otherwise look like endless recursion. Kernel functions are not followed: the
//! rule adds a reserve for them.

use std::collections::BTreeSet;

use crate::elf::Module;
use crate::frame::{Callee, Frame, follow};
use crate::insn::{Code, Function};

/// A function of a chain and the stack it holds when it calls the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Index into [`Code::functions`].
    pub function: usize,
    /// Bytes it contributes.
    pub bytes: u64,
    /// It was reached by an indirect call.
    pub indirect: bool,
}

/// A call chain and its stack need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Bytes from the first function's return address to the lowest stack pointer.
    pub bytes: u64,
    /// The functions, outermost first.
    pub links: Vec<Link>,
}

/// The functions of a module with their frames and calls.
#[derive(Debug)]
pub struct Calls {
    /// One per function of [`Code::functions`].
    pub frames: Vec<Frame>,
    /// Functions whose address is taken.
    pub address_taken: BTreeSet<usize>,
    /// Groups of functions that call each other in a circle, by direct calls only.
    pub circles: Vec<Vec<usize>>,
}

impl Calls {
    /// Follows all functions.
    pub fn of(module: &Module<'_>, code: &Code<'_>) -> Calls {
        let frames: Vec<Frame> = code
            .functions
            .iter()
            .enumerate()
            // Cold parts are followed as part of the function that jumps to them.
            .map(|(n, f)| {
                if is_root(f) {
                    follow(code, n)
                } else {
                    Frame::default()
                }
            })
            .collect();
        let circles = circles(&frames);
        Calls {
            address_taken: address_taken(module, code),
            frames,
            circles,
        }
    }

    /// The deepest chain, with at most `indirect_steps` indirect calls in it. Circles are
    /// entered once.
    pub fn deepest(&self, indirect_steps: usize) -> Chain {
        // What lies under a function when one indirect step less is left.
        let mut below: Vec<Chain> = vec![Chain::default(); self.frames.len()];
        for step in 0..=indirect_steps {
            let reachable = if step == 0 {
                Chain::default()
            } else {
                let taken = self.address_taken.iter().map(|&f| &below[f]);
                taken
                    .max_by_key(|chain| chain.bytes)
                    .cloned()
                    .unwrap_or_default()
            };
            let mut done = vec![None; self.frames.len()];
            for function in 0..self.frames.len() {
                self.depth(function, &reachable, &mut done, &mut Vec::new());
            }
            below = done.into_iter().map(Option::unwrap_or_default).collect();
        }
        below
            .into_iter()
            .max_by_key(|chain| chain.bytes)
            .unwrap_or_default()
    }

    fn depth(
        &self,
        function: usize,
        indirect: &Chain,
        done: &mut Vec<Option<Chain>>,
        active: &mut Vec<usize>,
    ) -> Chain {
        if let Some(chain) = &done[function] {
            return chain.clone();
        }
        let frame = &self.frames[function];
        let mut best = Chain {
            bytes: frame.size,
            links: vec![Link {
                function,
                bytes: frame.size,
                indirect: false,
            }],
        };
        if active.contains(&function) {
            return best; // a circle: recursion is reported on its own
        }
        active.push(function);
        for site in &frame.sites {
            let (callee, by_pointer) = match site.callee {
                Callee::Inside(callee) => (self.depth(callee, indirect, done, active), false),
                Callee::Indirect => (indirect.clone(), true),
                Callee::Kernel(_) => (Chain::default(), false),
            };
            let bytes = site.depth + callee.bytes;
            if bytes > best.bytes {
                let own = Link {
                    function,
                    bytes: site.depth,
                    indirect: false,
                };
                let mut links = vec![own];
                links.extend(callee.links);
                if let (true, Some(next)) = (by_pointer, links.get_mut(1)) {
                    next.indirect = true;
                }
                best = Chain { bytes, links };
            }
        }
        active.pop();
        done[function] = Some(best.clone());
        best
    }
}

/// Functions that can be called, as opposed to pieces that are jumped to.
fn is_root(function: &Function) -> bool {
    function.name.is_some() && !function.is_cold
}

/// Functions whose address appears in data, or in text other than as a call target.
fn address_taken(module: &Module<'_>, code: &Code<'_>) -> BTreeSet<usize> {
    let mut taken = BTreeSet::new();
    for reloc in module.live_relocs() {
        let Some(symbol) = module.symbol_of(reloc) else {
            continue;
        };
        let Some(section) = symbol.section() else {
            continue;
        };
        let mut addend = reloc.addend;
        if module.sections[reloc.target].is_text() {
            let Some(insn) = code.covering(reloc.target, reloc.offset) else {
                continue;
            };
            if code.target(insn).is_some() {
                continue; // a call or jump
            }
            // Distances count from the end of the instruction.
            if !matches!(reloc.kind, crate::reloc::R_64 | crate::reloc::R_32S) {
                addend = addend.wrapping_add_unsigned(insn.end() - reloc.offset);
            }
        }
        let at = symbol.value.wrapping_add_signed(addend);
        taken.extend(code.function_at(section, at));
    }
    // A distance within one section needs no relocation.
    for insn in &code.insns {
        if insn.raw.is_ip_rel_memory_operand() && code.relocs_of(insn).is_empty() {
            let at = insn.raw.ip_rel_memory_address();
            taken.extend(code.function_at(code.section_of(insn), at));
        }
    }
    taken
}

/// Strongly connected groups of the direct call graph that contain a circle (Tarjan).
fn circles(frames: &[Frame]) -> Vec<Vec<usize>> {
    let mut search = Search {
        frames,
        order: vec![None; frames.len()],
        low: vec![0; frames.len()],
        stack: Vec::new(),
        next: 0,
        found: Vec::new(),
    };
    for function in 0..frames.len() {
        if search.order[function].is_none() {
            search.visit(function);
        }
    }
    search.found
}

struct Search<'f> {
    frames: &'f [Frame],
    order: Vec<Option<usize>>,
    low: Vec<usize>,
    stack: Vec<usize>,
    next: usize,
    found: Vec<Vec<usize>>,
}

impl Search<'_> {
    fn visit(&mut self, function: usize) {
        let number = self.next;
        self.next += 1;
        self.order[function] = Some(number);
        self.low[function] = number;
        self.stack.push(function);
        let mut calls_itself = false;
        let frames = self.frames;
        for site in &frames[function].sites {
            let Callee::Inside(callee) = site.callee else {
                continue;
            };
            // A tail call to oneself is a loop: the stack does not grow.
            calls_itself |= callee == function && !(site.tail && site.depth == 0);
            match self.order[callee] {
                None => {
                    self.visit(callee);
                    self.low[function] = self.low[function].min(self.low[callee]);
                }
                Some(order) if self.stack.contains(&callee) => {
                    self.low[function] = self.low[function].min(order);
                }
                Some(_) => {}
            }
        }
        if self.low[function] == number {
            let at = self.stack.iter().position(|&f| f == function).unwrap_or(0);
            let group = self.stack.split_off(at);
            if group.len() > 1 || calls_itself {
                self.found.push(group);
            }
        }
    }
}
