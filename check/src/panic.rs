//! The rule about panicking code.

use crate::context::{Context, Findings};
use crate::elf::legible;

/// Runtime entry points that exist only to panic or unwind.
const RUNTIME: [&str; 9] = [
    "rust_begin_unwind",
    "rust_panic",
    "rust_eh_personality",
    "rust_oom",
    "__rust_start_panic",
    "__rust_panic_cleanup",
    "__rust_alloc_error_handler",
    "_Unwind_Resume",
    "_Unwind_RaiseException",
];

/// `no-panic`.
pub fn no_panic(ctx: &Context<'_>, found: &mut Findings) {
    for symbol in ctx.module.symbols.iter().filter(|s| is_panicking(&s.name)) {
        let name = symbol.display();
        let inside = symbol
            .section()
            .filter(|&index| index < ctx.module.sections.len());
        match inside {
            Some(section) => {
                found.at(
                    ctx.place(section, symbol.value),
                    format!("{name} is in the module"),
                );
            }
            None => {
                let place = crate::symbols::references(ctx, symbol).next();
                let message = format!("{name} is called");
                match place {
                    Some(reloc) => found.at(ctx.reloc_place(reloc), message),
                    None => found.file(format!("{name} is in the symbol table")),
                }
            }
        }
    }
}

/// A symbol, mangled or not, that belongs to Rust's panic machinery.
fn is_panicking(name: &str) -> bool {
    let path = legible(name);
    let last = path.rsplit("::").next().unwrap_or(&path);
    if RUNTIME.contains(&name) || RUNTIME.contains(&last) {
        return true;
    }
    // Only the standard crates: a module may well have a `panic` of its own. Trait methods are
    // written `<core::... as core::...>::name`.
    let start = path.trim_start_matches(['<', '&', '(', '[', ' ']);
    let standard = ["core::", "alloc::", "std::"]
        .iter()
        .any(|krate| start.starts_with(krate));
    standard
        && path
            .split("::")
            .map(|part| part.trim_start_matches(['<', '&']))
            .any(|part| {
                let part = part.split(['<', '>', ' ']).next().unwrap_or(part);
                part.starts_with("panic")
                    || part.starts_with("unwrap_failed")
                    || part.starts_with("expect_failed")
                    || part.starts_with("assert_failed")
                    || part.ends_with("_fail")
                    || part.ends_with("_fail_rt")
                    || part.ends_with("_fail_ct")
                    || part.starts_with("slice_error_fail")
                    || matches!(
                        part,
                        "handle_alloc_error"
                            | "capacity_overflow"
                            | "len_mismatch_fail"
                            | "const_panic_fmt"
                            | "unreachable_display"
                    )
            })
}

#[cfg(test)]
mod tests {
    use super::is_panicking;

    #[test]
    fn panic_machinery_is_recognised() {
        for name in [
            "_RNvNtCs1tkrOqcFmWD_4core9panicking5panic",
            "_RNvNtCs1tkrOqcFmWD_4core9panicking18panic_bounds_check",
            "_RNvNtCs1tkrOqcFmWD_4core6option13unwrap_failed",
            "_ZN4core6option13expect_failed17h0123456789abcdefE",
            "_ZN4core5slice5index26slice_start_index_len_fail17h0123456789abcdefE",
            "_ZN4core6result13unwrap_failed17h0123456789abcdefE",
            "_ZN5alloc5alloc18handle_alloc_error17h0123456789abcdefE",
            "rust_begin_unwind",
            "_RNvCsd3dJk1vz3kI_7___rustc17rust_begin_unwind",
            "_Unwind_Resume",
        ] {
            assert!(is_panicking(name), "{name}");
        }
    }

    #[test]
    fn other_names_are_not() {
        for name in [
            "panic",
            "vpanic",
            "port_getn",
            "__stack_chk_fail",
            "_ZN6portfs5panic5panic17h0123456789abcdefE",
            "_RNvNtCs1tkrOqcFmWD_4core3fmt5write",
            "_ZN4core3ptr13drop_in_place17h0123456789abcdefE",
        ] {
            assert!(!is_panicking(name), "{name}");
        }
    }
}
