//! Rules about single instructions: decoding, floating point, privileged ones, traps.

use iced_x86::{CpuidFeature, FlowControl, InstructionInfoFactory, Mnemonic, OpKind, Register};

use crate::context::{Context, Findings};
use crate::insn::{Insn, Target};

/// `text-decodes`.
pub fn text_decodes(ctx: &Context<'_>, found: &mut Findings) {
    if no_text(ctx, found) {
        return;
    }
    for bad in &ctx.code.undecodable {
        let message = if bad.overrun {
            "the last instruction runs past the end of its function"
        } else {
            "these bytes are no instruction: data in text cannot be checked"
        };
        found.at(ctx.place(bad.section, bad.at), message);
    }
    for insn in &ctx.code.insns {
        if let Some(Target::Inside { section, at }) = ctx.code.target(insn)
            && ctx.code.at(section, at).is_none()
        {
            let name = &ctx.module.sections[section].name;
            let message = format!(
                "{} goes to {name}+{at:#x}, where no instruction starts",
                insn.text()
            );
            found.at(ctx.insn_place(insn), message);
        }
    }
}

/// `no-float`.
pub fn no_float(ctx: &Context<'_>, found: &mut Findings) {
    if no_text(ctx, found) {
        return;
    }
    for insn in ctx.code.insns.iter().filter(|i| uses_float_state(i)) {
        found.at(
            ctx.insn_place(insn),
            format!(
                "{}: it changes the floating point state of the user's thread",
                insn.text()
            ),
        );
    }
}

fn uses_float_state(insn: &Insn) -> bool {
    let raw = &insn.raw;
    let float_register =
        |r: Register| r.is_vector_register() || r.is_mm() || r.is_st() || r.is_k() || r.is_tmm();
    let operand = (0..raw.op_count())
        .any(|op| raw.op_kind(op) == OpKind::Register && float_register(raw.op_register(op)));
    // Instructions that name no register of the unit they work on.
    operand
        || float_register(raw.memory_index())
        || raw.cpuid_features().iter().any(|feature| {
            use CpuidFeature::{
                D3NOW, D3NOWEXT, FPU, FPU287, FPU287XL_ONLY, FPU387, FPU387SL_ONLY, FXSR, MMX,
                XSAVE, XSAVEC, XSAVEOPT, XSAVES,
            };
            matches!(
                feature,
                FPU | FPU287
                    | FPU287XL_ONLY
                    | FPU387
                    | FPU387SL_ONLY
                    | FXSR
                    | MMX
                    | D3NOW
                    | D3NOWEXT
                    | XSAVE
                    | XSAVEC
                    | XSAVEOPT
                    | XSAVES
            )
        })
        || matches!(
            raw.mnemonic(),
            Mnemonic::Wait
                | Mnemonic::Ldmxcsr
                | Mnemonic::Stmxcsr
                | Mnemonic::Vldmxcsr
                | Mnemonic::Vstmxcsr
                | Mnemonic::Vzeroupper
                | Mnemonic::Vzeroall
        )
}

/// `no-privileged`.
pub fn no_privileged(ctx: &Context<'_>, found: &mut Findings) {
    if !ctx.options.privileged {
        found.skip("switched off");
        return;
    }
    if no_text(ctx, found) {
        return;
    }
    let mut info = InstructionInfoFactory::new();
    for insn in &ctx.code.insns {
        if is_privileged(insn, &mut info) {
            let message = format!(
                "{}: interrupts, segments and devices are not a port's business",
                insn.text()
            );
            found.at(ctx.insn_place(insn), message);
        }
    }
}

fn is_privileged(insn: &Insn, info: &mut InstructionInfoFactory) -> bool {
    use Mnemonic::{
        Cli, In, Insb, Insd, Insw, Iret, Iretd, Iretq, Out, Outsb, Outsd, Outsw, Popf, Popfd,
        Popfq, Sti, Syscall, Sysenter, Wrfsbase, Wrgsbase,
    };
    let raw = &insn.raw;
    let named = matches!(
        raw.mnemonic(),
        Cli | Sti
            | In
            | Insb
            | Insw
            | Insd
            | Out
            | Outsb
            | Outsw
            | Outsd
            | Iret
            | Iretd
            | Iretq
            | Popf
            | Popfd
            | Popfq
            | Syscall
            | Sysenter
            | Wrfsbase
            | Wrgsbase
    );
    let to_segment = raw.op0_kind() == OpKind::Register
        && raw.op0_register().is_segment_register()
        && info
            .info(raw)
            .used_registers()
            .iter()
            .any(|used| used.register() == raw.op0_register() && is_write(used.access()));
    named || raw.is_privileged() || to_segment || raw.is_call_far() || raw.is_jmp_far()
}

fn is_write(access: iced_x86::OpAccess) -> bool {
    matches!(
        access,
        iced_x86::OpAccess::Write | iced_x86::OpAccess::ReadWrite
    )
}

/// `no-trap`.
pub fn no_trap(ctx: &Context<'_>, found: &mut Findings) {
    if no_text(ctx, found) {
        return;
    }
    let mut previous: Option<&Insn> = None;
    let mut unreached = false;
    for insn in &ctx.code.insns {
        let before = previous
            .replace(insn)
            .filter(|p| p.function == insn.function && p.end() == insn.at)
            .map(|p| p.raw.flow_control());
        // What stands behind these is not reached: the compiler's end of a call that does not
        // come back, and filler against straight-line speculation.
        let (trap, filler) = (is_undefined(insn), is_interrupt(insn));
        unreached = match before {
            Some(FlowControl::Call) => trap || filler,
            Some(FlowControl::UnconditionalBranch | FlowControl::Return) => filler,
            Some(_) => unreached && filler,
            None => false,
        };
        let message = if unreached {
            continue;
        } else if trap {
            format!("{}: an aborted path; the machine panics here", insn.text())
        } else if filler && ctx.code.function_of(insn).name.is_some() {
            format!("{}: a trap that nobody handles", insn.text())
        } else if jumps_to_itself(ctx, insn) {
            "a jump to itself: the thread never comes back".to_owned()
        } else {
            continue;
        };
        found.at(ctx.insn_place(insn), message);
    }
}

fn is_undefined(insn: &Insn) -> bool {
    matches!(
        insn.raw.mnemonic(),
        Mnemonic::Ud0 | Mnemonic::Ud1 | Mnemonic::Ud2
    )
}

fn is_interrupt(insn: &Insn) -> bool {
    matches!(
        insn.raw.mnemonic(),
        Mnemonic::Int | Mnemonic::Int1 | Mnemonic::Int3 | Mnemonic::Into
    )
}

fn jumps_to_itself(ctx: &Context<'_>, insn: &Insn) -> bool {
    let here = Target::Inside {
        section: ctx.code.section_of(insn),
        at: insn.at,
    };
    insn.raw.mnemonic() == Mnemonic::Jmp && ctx.code.target(insn) == Some(here)
}

fn no_text(ctx: &Context<'_>, found: &mut Findings) -> bool {
    let none = ctx.code.insns.is_empty() && ctx.code.undecodable.is_empty();
    if none {
        found.skip("no instructions");
    }
    none
}
