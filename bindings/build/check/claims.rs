//! What is compared: a layout table.

use crate::layout::{Constant, Function, Record, Scalar};

/// A layout table. The build compares the one of this crate, tests bring small ones.
#[derive(Clone, Default)]
pub struct Claims {
    /// integer types
    pub scalars: Vec<Scalar>,
    /// structures and unions
    pub records: Vec<Record>,
    /// constants
    pub constants: Vec<Constant>,
    /// types of functions
    pub signatures: Vec<Function>,
    /// functions
    pub functions: Vec<Function>,
}

impl Claims {
    /// The table of the crate that is being built.
    #[allow(dead_code, reason = "tests bring their own")]
    pub fn of_this_crate() -> Self {
        use crate::layout;
        Claims {
            scalars: layout::scalars().copied().collect(),
            records: layout::records().copied().collect(),
            constants: layout::constants().copied().collect(),
            signatures: layout::signatures().copied().collect(),
            // what only a C file declares cannot be included
            functions: layout::functions()
                .filter(|f| f.header.ends_with(".h"))
                .copied()
                .collect(),
        }
    }

    /// A header that includes all headers of the table. `sys/types.h` goes first, as everywhere
    /// in the kernel.
    pub fn wrapper(&self) -> String {
        let mut headers: Vec<&str> = self
            .scalars
            .iter()
            .map(|s| s.header)
            .chain(self.records.iter().map(|r| r.header))
            .chain(self.constants.iter().map(|c| c.header))
            .chain(self.functions.iter().map(|f| f.header))
            .collect();
        headers.sort_by_key(|&h| (h != "sys/types.h", h));
        headers.dedup();
        headers
            .iter()
            .map(|h| format!("#include <{h}>\n"))
            .collect()
    }
}
