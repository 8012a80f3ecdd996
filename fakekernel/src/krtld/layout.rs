//! Where the sections of a block lie: one behind the other, each aligned.

use std::collections::BTreeMap;

/// No module comes near this; a damaged file may claim anything.
const MAX_BLOCK: usize = 256 << 20;

/// Offset of each section in its block.
#[derive(Default)]
pub(super) struct Layout {
    /// Bytes so far.
    pub size: usize,
    /// Offset by section (or symbol) number.
    pub at: BTreeMap<usize, usize>,
}

impl Layout {
    /// Adds a section behind the others; None when that exceeds any memory.
    pub fn push(&mut self, index: usize, size: u64, align: u64) -> Option<()> {
        let align = usize::try_from(align).ok()?;
        let at = self.size.checked_next_multiple_of(align)?;
        let end = at.checked_add(usize::try_from(size).ok()?)?;
        if end > MAX_BLOCK {
            return None;
        }
        self.at.insert(index, at);
        self.size = end;
        Some(())
    }
}
