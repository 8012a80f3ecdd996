//! The rule about function prologues.

use iced_x86::{Instruction, Mnemonic, Register};

use crate::context::{Context, Findings};
use crate::insn::{Code, Function};

/// `frame-pointer`.
pub fn frame_pointer(ctx: &Context<'_>, found: &mut Findings) {
    let mut exempt = Vec::new();
    let mut seen = 0;
    for function in ctx.code.functions.iter().filter(|f| f.is_func) {
        seen += 1;
        let why = if function.is_cold {
            Some("cold part")
        } else if function.is_weak {
            Some("weak")
        } else if function.is_sizeless {
            Some("size 0")
        } else {
            None
        };
        if let Some(why) = why {
            exempt.push(format!("{} ({why})", function.display()));
        } else if let Some(instead) = deviation(ctx.code, function) {
            // fbt takes the first push %rbp of a function, wherever it is.
            let fbt = match first_push(ctx.code, function) {
                Some(at) => format!("fbt probes the push at +{:#x}", at - function.start),
                None => "fbt cannot probe it".to_owned(),
            };
            found.at(
                ctx.place(function.section, function.start),
                format!("expected push %rbp; mov %rsp,%rbp but has `{instead}`; {fbt}"),
            );
        }
    }
    if seen == 0 {
        found.skip("no FUNC symbols");
    }
    if !exempt.is_empty() {
        found.note(format!("exempt: {}", exempt.join(", ")));
    }
}

/// The first instruction that is not the expected one.
fn deviation(code: &Code<'_>, function: &Function) -> Option<String> {
    let Some(mut at) = code.at(function.section, function.start) else {
        return Some("nothing".into());
    };
    if code.insns[at].raw.mnemonic() == Mnemonic::Endbr64 {
        at += 1;
    }
    let moves = |i: &Instruction| {
        i.mnemonic() == Mnemonic::Mov
            && i.op0_register() == Register::RBP
            && i.op1_register() == Register::RSP
    };
    let in_function = |index: usize| {
        code.insns
            .get(index)
            .filter(|i| code.section_of(i) == function.section && i.at < function.end)
    };
    for (step, expected) in [pushes_rbp as fn(&_) -> bool, moves]
        .into_iter()
        .enumerate()
    {
        match in_function(at + step) {
            Some(insn) if expected(&insn.raw) => {}
            Some(insn) => return Some(insn.text()),
            None => return Some("nothing".into()),
        }
    }
    None
}

/// Offset of the first `push %rbp`.
fn first_push(code: &Code<'_>, function: &Function) -> Option<u64> {
    let start = code.at(function.section, function.start)?;
    code.insns[start..]
        .iter()
        .take_while(|i| code.section_of(i) == function.section && i.at < function.end)
        .find(|i| pushes_rbp(&i.raw))
        .map(|i| i.at)
}

fn pushes_rbp(insn: &Instruction) -> bool {
    insn.mnemonic() == Mnemonic::Push && insn.op0_register() == Register::RBP
}
