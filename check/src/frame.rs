//! Stack frames: where the stack pointer is at every instruction of a function.
//!
//! A function is followed from its entry along all branches. Registers whose distance from the
//! stack pointer at entry is known are tracked as intervals (alignment of the stack makes one),
//! so that a frame has a size, a call site a depth, and a memory access a place relative to the
//! stack pointer. Offsets are in bytes; 0 is the return address, the stack grows downwards.

use std::collections::{BTreeMap, VecDeque};

use iced_x86::{
    Code as Opcode, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind,
    Register,
};

use crate::insn::{Code, THUNK, Target};

/// Bytes of a return address.
pub const RETURN_ADDRESS: u64 = 8;

/// Kernel functions that do not come back.
const NO_RETURN: [&str; 3] = ["panic", "vpanic", "__stack_chk_fail"];

/// Times a state may grow at one instruction before it is given up.
const PATIENCE: u32 = 24;

/// A range of distances from the stack pointer at entry, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    low: i64,
    high: i64,
}

impl Span {
    const ENTRY: Span = Span { low: 0, high: 0 };

    fn shift(self, by: i64) -> Option<Span> {
        Some(Span {
            low: self.low.checked_add(by)?,
            high: self.high.checked_add(by)?,
        })
    }

    fn join(self, other: Span) -> Span {
        Span {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }
}

/// What is known about the sixteen registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State([Option<Span>; 16]);

impl State {
    fn entry() -> State {
        let mut state = State([None; 16]);
        state.set(Register::RSP, Some(Span::ENTRY));
        state
    }

    fn get(&self, register: Register) -> Option<Span> {
        slot(register).and_then(|slot| self.0[slot])
    }

    fn set(&mut self, register: Register, span: Option<Span>) {
        if let Some(slot) = slot(register) {
            self.0[slot] = span;
        }
    }

    /// Merges what another path knows; tells whether anything changed. With `forget`, whatever
    /// would grow is forgotten, so that loops end.
    fn join(&mut self, other: &State, forget: bool) -> bool {
        let mut changed = false;
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            let merged = match (*mine, theirs) {
                (Some(a), Some(b)) => Some(a.join(b)),
                _ => None,
            };
            if merged != *mine {
                *mine = if forget { None } else { merged };
                changed = true;
            }
        }
        changed
    }
}

/// The slot of a 64-bit general register.
fn slot(register: Register) -> Option<usize> {
    register.is_gpr64().then(|| register.number())
}

/// Who is called at a call site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A function of the module: index into [`Code::functions`].
    Inside(usize),
    /// A kernel function.
    Kernel(String),
    /// Whoever a register or a memory word holds.
    Indirect,
}

/// A call or tail call.
#[derive(Clone, Debug)]
pub struct Site {
    /// Index into [`Code::insns`].
    pub insn: usize,
    /// Who is called.
    pub callee: Callee,
    /// Bytes of stack the caller holds here, its return address included; for a tail call what
    /// is left once the callee has taken over the return address.
    pub depth: u64,
    /// A jump: the callee uses the caller's return address.
    pub tail: bool,
}

/// What following a function found.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Bytes from the lowest stack pointer up to and including the return address.
    pub size: u64,
    /// Calls, by instruction.
    pub sites: Vec<Site>,
    /// Instructions (indexes) that access memory below the stack pointer.
    pub below: Vec<usize>,
    /// First instruction (index) after which the stack pointer is not known.
    pub lost: Option<usize>,
}

/// Follows one function.
pub fn follow(code: &Code<'_>, function: usize) -> Frame {
    let mut walk = Walk {
        code,
        function,
        states: BTreeMap::new(),
        queue: VecDeque::new(),
        growth: BTreeMap::new(),
        dispatch: None,
        info: InstructionInfoFactory::new(),
    };
    let start = &code.functions[function];
    if let Some(first) = code.at(start.section, start.start) {
        walk.reach(first, &State::entry());
    }
    walk.run();
    // Cases of a jump table are reached through the thunk only.
    if let Some(state) = walk.dispatch.take() {
        let (section, from, to) = (start.section, start.start, start.end);
        let first = code
            .insns
            .partition_point(|i| (code.section_of(i), i.at) < (section, from));
        for index in first..code.insns.len() {
            let insn = &code.insns[index];
            if code.section_of(insn) != section || insn.at >= to {
                break;
            }
            if !walk.states.contains_key(&index) && !insn.is_nop() {
                walk.reach(index, &state);
                walk.run();
            }
        }
    }
    walk.report()
}

struct Walk<'c, 'm> {
    code: &'c Code<'m>,
    function: usize,
    /// State before each instruction reached.
    states: BTreeMap<usize, State>,
    queue: VecDeque<usize>,
    growth: BTreeMap<usize, u32>,
    /// State at jumps through a thunk that happen with a frame in place: jump tables.
    dispatch: Option<State>,
    info: InstructionInfoFactory,
}

impl Walk<'_, '_> {
    fn reach(&mut self, index: usize, state: &State) {
        match self.states.get_mut(&index) {
            None => {
                self.states.insert(index, *state);
                self.queue.push_back(index);
            }
            Some(known) => {
                let growth = self.growth.entry(index).or_default();
                if known.join(state, *growth > PATIENCE) {
                    *growth += 1;
                    self.queue.push_back(index);
                }
            }
        }
    }

    fn run(&mut self) {
        while let Some(index) = self.queue.pop_front() {
            let insn = self.code.insns[index];
            let mut state = self.states[&index];
            step(&insn.raw, &mut state, &mut self.info);
            let target = self.code.target(&insn);
            let falls = match insn.raw.flow_control() {
                FlowControl::Next | FlowControl::Interrupt | FlowControl::XbeginXabortXend => true,
                FlowControl::Call | FlowControl::IndirectCall => {
                    !matches!(target, Some(Target::Outside(name)) if NO_RETURN.contains(&name))
                }
                FlowControl::ConditionalBranch => {
                    self.branch(target, &state);
                    true
                }
                FlowControl::UnconditionalBranch => {
                    self.branch(target, &state);
                    false
                }
                FlowControl::IndirectBranch => {
                    self.dispatch_at(&state);
                    false
                }
                FlowControl::Return | FlowControl::Exception => false,
            };
            if falls && let Some(next) = self.own(self.code.section_of(&insn), insn.end()) {
                self.reach(next, &state);
            }
        }
    }

    fn branch(&mut self, target: Option<Target<'_>>, state: &State) {
        match target {
            Some(Target::Inside { section, at }) => {
                if let Some(next) = self.own(section, at) {
                    self.reach(next, state);
                }
            }
            Some(Target::Outside(name)) if name.starts_with(THUNK) => self.dispatch_at(state),
            _ => {}
        }
    }

    fn dispatch_at(&mut self, state: &State) {
        if state.get(Register::RSP) != Some(Span::ENTRY) {
            match &mut self.dispatch {
                Some(known) => {
                    known.join(state, false);
                }
                none => *none = Some(*state),
            }
        }
    }

    /// The instruction at a place, if it belongs to this function: its own stretch, or one that
    /// is no function by itself.
    fn own(&self, section: usize, at: u64) -> Option<usize> {
        let index = self.code.at(section, at)?;
        let owner = self.code.insns[index].function;
        let stretch = &self.code.functions[owner];
        (owner == self.function || stretch.is_cold || stretch.name.is_none()).then_some(index)
    }

    fn report(mut self) -> Frame {
        let mut frame = Frame::default();
        let states = std::mem::take(&mut self.states);
        let mut lowest = 0;
        for (&index, before) in &states {
            let insn = &self.code.insns[index];
            let mut after = *before;
            step(&insn.raw, &mut after, &mut self.info);
            match after.get(Register::RSP) {
                Some(span) => lowest = lowest.min(span.low),
                None => frame.lost = frame.lost.or(Some(index)),
            }
            if is_below(&insn.raw, before, &mut self.info) {
                frame.below.push(index);
            }
            self.sites(index, before, &mut frame.sites);
        }
        frame.size = RETURN_ADDRESS + lowest.unsigned_abs();
        frame
    }

    fn sites(&self, index: usize, before: &State, sites: &mut Vec<Site>) {
        let insn = &self.code.insns[index];
        let held = before
            .get(Register::RSP)
            .map_or(0, |span| span.low.min(0).unsigned_abs());
        let tail = !matches!(
            insn.raw.flow_control(),
            FlowControl::Call | FlowControl::IndirectCall
        );
        let callee = match (insn.raw.flow_control(), self.code.target(insn)) {
            (FlowControl::IndirectCall | FlowControl::IndirectBranch, _) => Callee::Indirect,
            (_, Some(Target::Outside(name))) if name.starts_with(THUNK) => Callee::Indirect,
            (_, Some(Target::Outside(name))) => Callee::Kernel(name.to_owned()),
            (_, Some(Target::Inside { section, at })) => {
                match self.code.function_at(section, at) {
                    Some(callee) if !tail || self.own(section, at).is_none() => {
                        Callee::Inside(callee)
                    }
                    // A branch within the function.
                    _ => return,
                }
            }
            _ => return,
        };
        let depth = if tail { held } else { held + RETURN_ADDRESS };
        sites.push(Site {
            insn: index,
            callee,
            depth,
            tail,
        });
    }
}

/// Applies one instruction to the state.
fn step(insn: &Instruction, state: &mut State, info: &mut InstructionInfoFactory) {
    use Register::{RBP, RSP};
    match insn.mnemonic() {
        Mnemonic::Call => {
            for clobbered in [0, 1, 2, 6, 7, 8, 9, 10, 11] {
                state.0[clobbered] = None;
            }
            return;
        }
        Mnemonic::Leave => {
            let frame = state.get(RBP);
            state.set(RSP, frame.and_then(|span| span.shift(8)));
            state.set(RBP, None);
            return;
        }
        _ => {}
    }
    let stack = i64::from(insn.stack_pointer_increment());
    if stack != 0 && !matches!(insn.code(), Opcode::Enterq_imm16_imm8) {
        let moved = state.get(RSP).and_then(|span| span.shift(stack));
        forget_written(insn, state, info);
        state.set(
            RSP,
            if insn.op0_register() == RSP && stack > 0 {
                None
            } else {
                moved
            },
        );
        return;
    }
    let result = arithmetic(insn, state);
    forget_written(insn, state, info);
    if let Some((register, span)) = result {
        state.set(register, span);
    }
}

/// Moves and sums that keep a register at a known distance from the stack pointer.
fn arithmetic(insn: &Instruction, state: &State) -> Option<(Register, Option<Span>)> {
    let to = insn.op0_register();
    if insn.op0_kind() != OpKind::Register || !to.is_gpr64() {
        return None;
    }
    let by = is_immediate(insn.op1_kind()).then(|| insn.immediate(1) as i64);
    let span = match (insn.mnemonic(), by) {
        (Mnemonic::Mov, None) if insn.op1_kind() == OpKind::Register => {
            state.get(insn.op1_register())
        }
        (Mnemonic::Lea, _) if insn.memory_index() == Register::None => state
            .get(insn.memory_base())
            .and_then(|span| span.shift(insn.memory_displacement64() as i64)),
        (Mnemonic::Add, Some(by)) => state.get(to).and_then(|span| span.shift(by)),
        (Mnemonic::Sub, Some(by)) => state.get(to).and_then(|span| span.shift(by.checked_neg()?)),
        // Aligning downwards by a power of two.
        (Mnemonic::And, Some(by)) if by < 0 && by.checked_neg()?.count_ones() == 1 => {
            state.get(to).map(|span| Span {
                low: span.low.saturating_add(by + 1),
                high: span.high,
            })
        }
        _ => return None,
    };
    Some((to, span))
}

fn is_immediate(kind: OpKind) -> bool {
    matches!(
        kind,
        OpKind::Immediate8 | OpKind::Immediate8to64 | OpKind::Immediate32to64 | OpKind::Immediate64
    )
}

fn forget_written(insn: &Instruction, state: &mut State, info: &mut InstructionInfoFactory) {
    for used in info.info(insn).used_registers() {
        let writes = matches!(
            used.access(),
            OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
        );
        if writes {
            state.set(used.register().full_register(), None);
        }
    }
}

/// An operand of the instruction lies wholly below the stack pointer.
fn is_below(insn: &Instruction, before: &State, info: &mut InstructionInfoFactory) -> bool {
    let memory = (0..insn.op_count()).find(|&op| insn.op_kind(op) == OpKind::Memory);
    let Some(memory) = memory else { return false };
    if insn.memory_index() != Register::None {
        return false;
    }
    let access = info.info(insn).op_access(memory);
    if matches!(access, OpAccess::None | OpAccess::NoMemAccess) {
        return false;
    }
    let offset = insn.memory_displacement64() as i64;
    let base = insn.memory_base();
    if base == Register::RSP {
        // `pop` addresses memory with the stack pointer it leaves behind.
        return offset + i64::from(insn.stack_pointer_increment()).max(0) < 0;
    }
    match (
        before.get(base).and_then(|span| span.shift(offset)),
        before.get(Register::RSP),
    ) {
        (Some(place), Some(stack)) => place.high < stack.low,
        _ => false,
    }
}
