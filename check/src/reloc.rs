//! Relocation types of amd64 and what krtld does with each.
//!
//! One table, shared by everything that reads or applies relocations: the rules here and any
//! loader that wants to behave like the kernel's. The facts are those of the January 2025 gate
//! (`uts/intel/amd64/krtld`).

use serde::Serialize;

/// What krtld does with a relocation type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Applied as the psABI says.
    Ok,
    /// Applied, but only useful under a condition that kernel addresses do not meet.
    OkBut,
    /// The module does not load.
    Reject,
    /// Applied without complaint, with a wrong value.
    SilentGarbage,
    /// Ignored.
    Skip,
}

impl Verdict {
    /// The spelling used in reports and in fact files.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::OkBut => "ok-but",
            Verdict::Reject => "reject",
            Verdict::SilentGarbage => "silent-garbage",
            Verdict::Skip => "skip",
        }
    }
}

/// The mechanism a relocation type belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// An address or a distance.
    Plain,
    /// Needs a global offset table, which krtld does not make.
    Got,
    /// Thread-local storage.
    Tls,
    /// A function chosen at load time.
    Ifunc,
}

/// How the value of a relocation type is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formula {
    /// Nothing is written.
    None,
    /// Symbol plus addend.
    Absolute,
    /// Symbol plus addend minus the address of the field.
    PcRelative,
    /// Load address of the section plus addend.
    SectionBase,
}

/// One relocation type.
#[derive(Clone, Copy, Debug)]
pub struct RelocType {
    /// Value of the type field of `r_info`.
    pub number: u32,
    /// Name in the psABI.
    pub name: &'static str,
    /// What krtld does.
    pub verdict: Verdict,
    /// Mechanism.
    pub family: Family,
    /// Value krtld computes; `Formula::None` when the verdict is reject or skip.
    pub formula: Formula,
    /// Bytes written; 0 when nothing is.
    pub width: u8,
}

/// The types a module may contain. All of them are applied exactly and reach any address that
/// krtld hands out.
pub const ALLOWED: [u32; 5] = [R_64, R_PC32, R_PLT32, R_32S, R_PC64];

/// `R_X86_64_64`: an 8-byte address.
pub const R_64: u32 = 1;
/// `R_X86_64_PC32`: a 4-byte distance.
pub const R_PC32: u32 = 2;
/// `R_X86_64_PLT32`: a 4-byte distance; krtld makes no PLT.
pub const R_PLT32: u32 = 4;
/// `R_X86_64_32S`: a sign-extended 4-byte address.
pub const R_32S: u32 = 11;
/// `R_X86_64_PC64`: an 8-byte distance.
pub const R_PC64: u32 = 24;

const fn entry(
    number: u32,
    name: &'static str,
    verdict: Verdict,
    family: Family,
    formula: Formula,
    width: u8,
) -> RelocType {
    RelocType {
        number,
        name,
        verdict,
        family,
        formula,
        width,
    }
}

use Family::{Got, Ifunc, Plain, Tls};
use Formula::{Absolute, None as Nothing, PcRelative, SectionBase};
use Verdict::{Ok as Fine, OkBut, Reject, SilentGarbage, Skip};

/// Every type number krtld's table has, in order: `TYPES[n].number == n`.
pub static TYPES: [RelocType; 43] = [
    entry(0, "R_X86_64_NONE", Skip, Plain, Nothing, 0),
    entry(1, "R_X86_64_64", Fine, Plain, Absolute, 8),
    entry(2, "R_X86_64_PC32", Fine, Plain, PcRelative, 4),
    entry(3, "R_X86_64_GOT32", Reject, Got, Nothing, 0),
    entry(4, "R_X86_64_PLT32", Fine, Plain, PcRelative, 4),
    entry(5, "R_X86_64_COPY", Reject, Plain, Nothing, 0),
    entry(6, "R_X86_64_GLOB_DAT", Fine, Plain, Absolute, 8),
    entry(7, "R_X86_64_JUMP_SLOT", Reject, Plain, Nothing, 0),
    entry(8, "R_X86_64_RELATIVE", Fine, Plain, SectionBase, 8),
    entry(9, "R_X86_64_GOTPCREL", SilentGarbage, Got, Absolute, 4),
    entry(10, "R_X86_64_32", OkBut, Plain, Absolute, 4),
    entry(11, "R_X86_64_32S", Fine, Plain, Absolute, 4),
    entry(12, "R_X86_64_16", Fine, Plain, Absolute, 2),
    entry(13, "R_X86_64_PC16", Fine, Plain, PcRelative, 2),
    entry(14, "R_X86_64_8", Fine, Plain, Absolute, 1),
    entry(15, "R_X86_64_PC8", Fine, Plain, PcRelative, 1),
    entry(16, "R_X86_64_DTPMOD64", SilentGarbage, Tls, Absolute, 8),
    entry(17, "R_X86_64_DTPOFF64", SilentGarbage, Tls, Absolute, 8),
    entry(18, "R_X86_64_TPOFF64", SilentGarbage, Tls, Absolute, 8),
    entry(19, "R_X86_64_TLSGD", Reject, Tls, Nothing, 0),
    entry(20, "R_X86_64_TLSLD", Reject, Tls, Nothing, 0),
    entry(21, "R_X86_64_DTPOFF32", Reject, Tls, Nothing, 0),
    entry(22, "R_X86_64_GOTTPOFF", Reject, Tls, Nothing, 0),
    entry(23, "R_X86_64_TPOFF32", Reject, Tls, Nothing, 0),
    entry(24, "R_X86_64_PC64", Fine, Plain, PcRelative, 8),
    entry(25, "R_X86_64_GOTOFF64", SilentGarbage, Got, Absolute, 8),
    entry(26, "R_X86_64_GOTPC32", Reject, Got, Nothing, 0),
    entry(27, "R_X86_64_GOT64", Reject, Got, Nothing, 0),
    entry(28, "R_X86_64_GOTPCREL64", Reject, Got, Nothing, 0),
    entry(29, "R_X86_64_GOTPC64", Reject, Got, Nothing, 0),
    entry(30, "R_X86_64_GOTPLT64", Reject, Got, Nothing, 0),
    entry(31, "R_X86_64_PLTOFF64", Reject, Got, Nothing, 0),
    entry(32, "R_X86_64_SIZE32", SilentGarbage, Plain, Absolute, 4),
    entry(33, "R_X86_64_SIZE64", SilentGarbage, Plain, Absolute, 8),
    entry(34, "R_X86_64_GOTPC32_TLSDESC", Reject, Tls, Nothing, 0),
    entry(35, "R_X86_64_TLSDESC_CALL", Reject, Tls, Nothing, 0),
    entry(36, "R_X86_64_TLSDESC", Reject, Tls, Nothing, 0),
    entry(37, "R_X86_64_IRELATIVE", Reject, Ifunc, Nothing, 0),
    entry(38, "R_X86_64_RELATIVE64", Reject, Plain, Nothing, 0),
    entry(39, "R_X86_64_UNKNOWN39", Reject, Plain, Nothing, 0),
    entry(40, "R_X86_64_UNKNOWN40", Reject, Plain, Nothing, 0),
    entry(41, "R_X86_64_GOTPCRELX", SilentGarbage, Got, Absolute, 4),
    entry(
        42,
        "R_X86_64_REX_GOTPCRELX",
        SilentGarbage,
        Got,
        Absolute,
        4,
    ),
];

/// The table entry of a type number, or nothing for numbers beyond krtld's table.
pub fn lookup(number: u32) -> Option<&'static RelocType> {
    TYPES.get(usize::try_from(number).ok()?)
}

/// The psABI name, or `type N` for numbers beyond krtld's table.
pub fn name(number: u32) -> String {
    lookup(number).map_or_else(|| format!("type {number}"), |known| known.name.to_owned())
}

/// Why a type that is not in [`ALLOWED`] is refused, in a few words.
pub fn objection(number: u32) -> &'static str {
    let Some(known) = lookup(number) else {
        // 43 passes krtld's range check and indexes one past its table.
        return "krtld has no such type: the load fails, or worse for 43";
    };
    match (known.verdict, number) {
        (Verdict::SilentGarbage, _) => "krtld applies it with a wrong value and says nothing",
        (Verdict::Reject, _) => "krtld rejects it: the module does not load",
        (Verdict::OkBut, _) => "no kernel or module address fits an unsigned 32-bit field",
        (Verdict::Skip, _) => "krtld skips it: leftover of an earlier link",
        (Verdict::Ok, 12..=15) => "krtld truncates the value without a check",
        (Verdict::Ok, _) => "krtld applies it, but it belongs in linked files only",
    }
}
