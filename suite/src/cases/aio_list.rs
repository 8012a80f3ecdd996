//! x

use super::prelude::*;

pub(super) const CASES: &[Case] = &[];
