//! Rules about branches: indirect ones, and calls that krtld rewrites.

use iced_x86::FlowControl;

use crate::context::{Context, Findings};
use crate::insn::THUNK;
use crate::kernel;
use crate::reloc::{R_PC32, R_PLT32};

/// `retpoline`.
pub fn retpoline(ctx: &Context<'_>, found: &mut Findings) {
    for insn in &ctx.code.insns {
        let kind = insn.raw.flow_control();
        if matches!(
            kind,
            FlowControl::IndirectCall | FlowControl::IndirectBranch
        ) {
            let what = if kind == FlowControl::IndirectCall {
                "call"
            } else {
                "jump"
            };
            found.at(
                ctx.insn_place(insn),
                format!("{}: indirect {what} that bypasses {THUNK}*", insn.text()),
            );
        }
    }
}

/// `probe-tail-call`.
pub fn probe_tail_call(ctx: &Context<'_>, found: &mut Findings) {
    let mut sites = 0;
    for reloc in ctx.module.live_relocs() {
        let Some(symbol) = ctx.module.symbol_of(reloc) else {
            continue;
        };
        if !symbol.is_undefined() || !kernel::is_rewritten(&symbol.name) {
            continue;
        }
        sites += 1;
        let insn = ctx.code.covering(reloc.target, reloc.offset);
        let right =
            insn.is_some_and(|i| i.is_call() && i.raw.len() == 5 && reloc.offset == i.at + 1);
        let name = &symbol.name;
        if right && matches!(reloc.kind, R_PC32 | R_PLT32) {
            continue;
        }
        let message = match insn.filter(|i| i.raw.flow_control() != FlowControl::Next) {
            Some(insn) if ctx.module.sections[reloc.target].is_text() => format!(
                "{} to {name} is no 5-byte call: krtld overwrites five bytes and control falls \
                 through",
                insn.text()
            ),
            _ => format!("the address of {name} is taken: krtld overwrites five bytes around it"),
        };
        found.at(ctx.reloc_place(reloc), message);
    }
    if sites == 0 {
        found.note("no probes");
    }
}
