//! The table of rules.

use crate::context::{Context, Findings};
use crate::report::{Outcome, RuleResult};
use crate::{opcodes, panic, prologue, rela, retpoline, sections, stack, symbols};

/// A rule.
pub struct Rule {
    /// Stable name, kebab-case.
    pub name: &'static str,
    /// What it demands, in one line.
    pub explanation: &'static str,
    /// Looks at the module.
    run: fn(&Context<'_>, &mut Findings),
}

impl Rule {
    /// Applies the rule.
    pub fn apply(&self, ctx: &Context<'_>) -> RuleResult {
        let mut found = Findings::default();
        (self.run)(ctx, &mut found);
        let outcome = match (found.list.is_empty(), found.not_applicable) {
            (false, _) => Outcome::Failed,
            (true, true) => Outcome::NotApplicable,
            (true, false) => Outcome::Passed,
        };
        RuleResult {
            name: self.name,
            explanation: self.explanation,
            outcome,
            findings: found.list,
            notes: found.notes,
        }
    }
}

const fn rule(
    name: &'static str,
    explanation: &'static str,
    run: fn(&Context<'_>, &mut Findings),
) -> Rule {
    Rule {
        name,
        explanation,
        run,
    }
}

/// All rules, in the order of the report: the file, its relocations, its symbols, its code, its
/// stack.
pub static RULES: &[Rule] = &[
    rule(
        "elf-header",
        "ELF64 little-endian ET_REL for amd64",
        sections::elf_header,
    ),
    rule(
        "section-count",
        "few sections, no extended numbering",
        sections::section_count,
    ),
    rule(
        "section-address",
        "every section has address 0",
        sections::section_address,
    ),
    rule(
        "text-not-writable",
        "no section is writable and executable",
        sections::text_not_writable,
    ),
    rule(
        "debug-sections",
        "debug information takes no kernel memory",
        sections::debug_sections,
    ),
    rule(
        "one-symtab",
        "exactly one sound symbol table",
        symbols::one_symtab,
    ),
    rule("no-rel", "no SHT_REL section", rela::no_rel),
    rule(
        "rela-links",
        "RELA tables name the symbol table and a section",
        rela::rela_links,
    ),
    rule(
        "reloc-bounds",
        "relocated fields lie in their section",
        rela::reloc_bounds,
    ),
    rule(
        "reloc-types",
        "only 64, PC32, PLT32, 32S and PC64",
        rela::reloc_types,
    ),
    rule(
        "reloc-zero-fields",
        "fields under RELA hold zero",
        rela::reloc_zero_fields,
    ),
    rule("no-gotpcrel", "no global offset table", rela::no_gotpcrel),
    rule("no-tls", "no thread-local storage", rela::no_tls),
    rule("no-common", "no common symbols", symbols::no_common),
    rule("no-ifunc", "no indirect functions", symbols::no_ifunc),
    rule(
        "no-undefined-local",
        "no local symbol is undefined",
        symbols::no_undefined_local,
    ),
    rule(
        "undefined-known",
        "unix or genunix has every import",
        symbols::undefined_known,
    ),
    rule(
        "entry-points",
        "_init and _info are functions in text",
        symbols::entry_points,
    ),
    rule(
        "multiply-defined",
        "no global is also a kernel symbol",
        symbols::multiply_defined,
    ),
    rule(
        "no-panic",
        "no symbol of Rust's panic machinery",
        panic::no_panic,
    ),
    rule(
        "text-decodes",
        "text holds instructions only",
        opcodes::text_decodes,
    ),
    rule("no-float", "no SSE, AVX, MMX or x87", opcodes::no_float),
    rule(
        "no-privileged",
        "no privileged or interrupt instructions",
        opcodes::no_privileged,
    ),
    rule(
        "no-trap",
        "no trap, abort or jump to itself",
        opcodes::no_trap,
    ),
    rule(
        "retpoline",
        "indirect branches go through the thunks",
        retpoline::retpoline,
    ),
    rule(
        "probe-tail-call",
        "probes are plain 5-byte calls",
        retpoline::probe_tail_call,
    ),
    rule(
        "frame-pointer",
        "functions start with push %rbp; mov %rsp,%rbp",
        prologue::frame_pointer,
    ),
    rule(
        "no-red-zone",
        "nothing is kept below the stack pointer",
        stack::no_red_zone,
    ),
    rule(
        "stack-frame",
        "frames are small and of known size",
        stack::stack_frame,
    ),
    rule(
        "stack-depth",
        "call chains are bounded and fit the stack",
        stack::stack_depth,
    ),
];
