//! The relocation types of x86-64 and what krtld makes of each.
//!
//! The verdicts are measured facts about the kernel's loader. This loader is stricter in three
//! places, because the kernel would go on with a wrong value: a type that krtld computes wrongly
//! (GOTPCREL and its kin) is refused, a field that is not zero is refused (krtld adds to it), and
//! R_X86_64_32 against anything that has an address is refused (kernel addresses never fit).

/// How the value is computed and stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rule {
    /// Nothing to do.
    None,
    /// S + A in `width` bytes.
    Absolute { width: usize, check: Check },
    /// S + A - P in `width` bytes.
    Relative { width: usize, check: Check },
    /// Load address of the relocated section + A, 8 bytes.
    Base,
    /// The load fails, with this reason.
    Reject(&'static str),
}

/// Range check on a stored value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Check {
    /// The kernel checks nothing: truncate.
    Truncate,
    /// Must survive sign extension from 32 bits.
    Signed32,
    /// The top 32 bits must be zero.
    Unsigned32,
}

const NO_GOT: &str = "there is no GOT in a kernel module; krtld would store a wrong address without \
     complaint: compile with -fno-pic (rustc: -Zplt=yes, relocation-model=static)";
const NO_TLS: &str = "thread-local storage does not exist in the kernel";
const GARBAGE: &str = "krtld stores a wrong value for this type without complaint";
const UNSUPPORTED: &str = "krtld does not support this type";

/// Name and rule of relocation type `kind`.
pub(super) fn rule(kind: u32) -> (String, Rule) {
    use Check::{Signed32, Truncate, Unsigned32};
    let abs = |width, check| Rule::Absolute { width, check };
    let rel = |width, check| Rule::Relative { width, check };
    let (name, rule) = match kind {
        0 => ("NONE", Rule::None),
        1 => ("64", abs(8, Truncate)),
        2 => ("PC32", rel(4, Signed32)),
        3 => ("GOT32", Rule::Reject(UNSUPPORTED)),
        // krtld checks no range here; a stub keeps the distance small instead.
        4 => ("PLT32", rel(4, Signed32)),
        5 => ("COPY", Rule::Reject(UNSUPPORTED)),
        6 => ("GLOB_DAT", abs(8, Truncate)),
        7 => ("JUMP_SLOT", Rule::Reject(UNSUPPORTED)),
        8 => ("RELATIVE", Rule::Base),
        9 => ("GOTPCREL", Rule::Reject(NO_GOT)),
        10 => ("32", abs(4, Unsigned32)),
        11 => ("32S", abs(4, Signed32)),
        12 => ("16", abs(2, Truncate)),
        13 => ("PC16", rel(2, Truncate)),
        14 => ("8", abs(1, Truncate)),
        15 => ("PC8", rel(1, Truncate)),
        16 => ("DTPMOD64", Rule::Reject(NO_TLS)),
        17 => ("DTPOFF64", Rule::Reject(NO_TLS)),
        18 => ("TPOFF64", Rule::Reject(NO_TLS)),
        19 => ("TLSGD", Rule::Reject(NO_TLS)),
        20 => ("TLSLD", Rule::Reject(NO_TLS)),
        21 => ("DTPOFF32", Rule::Reject(NO_TLS)),
        22 => ("GOTTPOFF", Rule::Reject(NO_TLS)),
        23 => ("TPOFF32", Rule::Reject(NO_TLS)),
        24 => ("PC64", rel(8, Truncate)),
        25 => ("GOTOFF64", Rule::Reject(NO_GOT)),
        26 => ("GOTPC32", Rule::Reject(NO_GOT)),
        32 => ("SIZE32", Rule::Reject(GARBAGE)),
        33 => ("SIZE64", Rule::Reject(GARBAGE)),
        41 => ("GOTPCRELX", Rule::Reject(NO_GOT)),
        42 => ("REX_GOTPCRELX", Rule::Reject(NO_GOT)),
        27..=40 => return (format!("relocation type {kind}"), Rule::Reject(UNSUPPORTED)),
        _ => {
            return (
                format!("relocation type {kind}"),
                Rule::Reject("unknown type"),
            );
        }
    };
    (format!("R_X86_64_{name}"), rule)
}

/// Stores `value` into `field` (exactly `width` bytes).
///
/// # Errors
/// Says why the value cannot be stored.
pub(super) fn store(field: &mut [u8], value: u64, check: Check) -> Result<(), String> {
    match check {
        Check::Truncate => {}
        Check::Signed32 => {
            if value as i32 as i64 as u64 != value {
                return Err(format!(
                    "value {value:#x} does not fit a signed 32-bit field"
                ));
            }
        }
        Check::Unsigned32 => {
            if value > u64::from(u32::MAX) {
                return Err(format!(
                    "value {value:#x} does not fit an unsigned 32-bit field"
                ));
            }
        }
    }
    // The kernel adds to 4 and 8 byte fields; whatever is there spoils the value.
    if field.len() >= 4 && field.iter().any(|b| *b != 0) {
        return Err("the field is not zero, and krtld adds to what it finds".into());
    }
    let width = field.len();
    field.copy_from_slice(&value.to_le_bytes()[..width]);
    Ok(())
}
