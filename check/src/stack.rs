//! Rules about the kernel stack.

use crate::calls::Chain;
use crate::context::{Context, Findings};

/// `no-red-zone`.
pub fn no_red_zone(ctx: &Context<'_>, found: &mut Findings) {
    let mut below: Vec<usize> = ctx
        .calls
        .frames
        .iter()
        .flat_map(|frame| frame.below.iter().copied())
        .collect();
    // A cold part may have been followed for more than one function.
    below.sort_unstable();
    below.dedup();
    for index in below {
        let insn = &ctx.code.insns[index];
        found.at(
            ctx.insn_place(insn),
            format!(
                "{}: below the stack pointer, where an interrupt writes",
                insn.text()
            ),
        );
    }
}

/// `stack-frame`.
pub fn stack_frame(ctx: &Context<'_>, found: &mut Findings) {
    let limit = ctx.options.max_frame;
    for (function, frame) in ctx.code.functions.iter().zip(&ctx.calls.frames) {
        if let Some(index) = frame.lost {
            let insn = &ctx.code.insns[index];
            found.at(
                ctx.insn_place(insn),
                format!(
                    "{}: the stack pointer cannot be followed from here",
                    insn.text()
                ),
            );
        }
        if frame.size > limit {
            found.at(
                ctx.place(function.section, function.start),
                format!("frame of {} bytes, at most {limit}", frame.size),
            );
        }
    }
}

/// `stack-depth`.
pub fn stack_depth(ctx: &Context<'_>, found: &mut Findings) {
    for circle in &ctx.calls.circles {
        let names: Vec<String> = circle
            .iter()
            .map(|&f| ctx.code.functions[f].display())
            .collect();
        let first = &ctx.code.functions[circle[0]];
        found.at(
            ctx.place(first.section, first.start),
            format!(
                "recursion, so no bound on the stack: {}",
                names.join(" -> ")
            ),
        );
    }
    let options = ctx.options;
    let chain = ctx.calls.deepest(options.indirect_steps);
    let room = options.stack.saturating_sub(options.kernel_reserve);
    if chain.bytes > room {
        found.file(format!(
            "the deepest call chain needs {} bytes, {room} of {} are the module's: {}",
            chain.bytes,
            options.stack,
            names(ctx, &chain)
        ));
    }
    found.note(format!(
        "{} of {room} bytes; {} of the {} byte stack are reserved for the kernel around the module",
        chain.bytes, options.kernel_reserve, options.stack
    ));
}

fn names(ctx: &Context<'_>, chain: &Chain) -> String {
    let names: Vec<String> = chain
        .links
        .iter()
        .map(|link| {
            let function = ctx.code.functions[link.function].display();
            format!(
                "{}{function}({})",
                if link.indirect { "*" } else { "" },
                link.bytes
            )
        })
        .collect();
    names.join(" -> ")
}
