//! [`Case`]: one named behaviour, and [`Entry`]: a case in one data model.

use alloc::format;
use alloc::string::{String, ToString};

use crate::check::Verdict;
use crate::{Caps, Ctx, Model};

/// In which data models a case means something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Models {
    /// 64-bit only: nothing in it depends on memory layout.
    Lp64,
    /// 32-bit only.
    Ilp32,
    /// Both; the 32-bit entry has the name suffix `.ilp32`.
    Both,
}

/// How the module's variable `portfs_strict` is set for a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strict {
    /// 1, the default: where the manual and the C module disagree the manual wins.
    Manual,
    /// 0: as the C module.
    Classic,
}

/// One case. Made by `case` and the methods below, in the lists of [`crate::cases`].
#[derive(Clone, Copy)]
pub struct Case {
    /// `noun.what_it_checks`.
    pub name: &'static str,
    /// Statements, consumers and defects, separated by blanks: `"S72 D1"`.
    pub tags: &'static str,
    /// Data models.
    pub models: Models,
    /// The module variable.
    pub strict: Strict,
    /// What the system must be able to do.
    pub needs: Caps,
    /// The case itself.
    pub run: fn(&Ctx<'_>) -> Verdict,
}

/// A 64-bit case of the strict module that needs nothing special.
pub const fn case(name: &'static str, tags: &'static str, run: fn(&Ctx<'_>) -> Verdict) -> Case {
    let (models, strict, needs) = (Models::Lp64, Strict::Manual, Caps::empty());
    Case {
        name,
        tags,
        models,
        strict,
        needs,
        run,
    }
}

impl Case {
    /// In both data models.
    pub const fn both(self) -> Case {
        Case {
            models: Models::Both,
            ..self
        }
    }

    /// Only as a 32-bit program.
    pub const fn ilp32(self) -> Case {
        Case {
            models: Models::Ilp32,
            ..self
        }
    }

    /// With `portfs_strict` 0.
    pub const fn classic(self) -> Case {
        Case {
            strict: Strict::Classic,
            ..self
        }
    }

    /// Only on systems that can do this.
    pub const fn needs(self, caps: Caps) -> Case {
        Case {
            needs: self.needs.union(caps),
            ..self
        }
    }

    /// The tags one by one.
    pub fn tag_list(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.tags.split_ascii_whitespace()
    }
}

/// A case in one data model: what a runner runs.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The case.
    pub case: &'static Case,
    /// The data model of the process that runs it.
    pub model: Model,
}

impl Entry {
    /// The case's name, with `.ilp32` for the 32-bit form of a case that has both.
    pub fn name(&self) -> String {
        match (self.case.models, self.model) {
            (Models::Both, Model::Ilp32) => format!("{}.ilp32", self.case.name),
            _ => self.case.name.to_string(),
        }
    }

    /// The entries of a case, 64-bit first.
    pub fn of(case: &'static Case) -> impl Iterator<Item = Entry> {
        let models: &'static [Model] = match case.models {
            Models::Lp64 => &[Model::Lp64],
            Models::Ilp32 => &[Model::Ilp32],
            Models::Both => &[Model::Lp64, Model::Ilp32],
        };
        models.iter().map(move |model| Entry {
            case,
            model: *model,
        })
    }
}
