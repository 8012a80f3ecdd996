//! What a check found: rules with their findings, and facts about the module.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

/// Findings of one rule that [`Report::print`] shows; JSON has all of them.
const SHOWN: usize = 12;

/// A place in the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Section name.
    pub section: String,
    /// Offset in the section, in bytes.
    pub offset: u64,
    /// Symbol that covers the place, demangled.
    pub symbol: Option<String>,
    /// Offset from that symbol, in bytes.
    pub symbol_offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.symbol {
            Some(symbol) => write!(
                f,
                "{symbol}+{:#x} ({}+{:#x})",
                self.symbol_offset, self.section, self.offset
            ),
            None => write!(f, "{}+{:#x}", self.section, self.offset),
        }
    }
}

/// One violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where; `None` when the file as a whole is meant.
    pub place: Option<Place>,
    /// What is wrong, in one line.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// How a rule ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// No finding.
    Passed,
    /// At least one finding.
    Failed,
    /// The module has nothing the rule could look at.
    NotApplicable,
}

/// The result of one rule.
#[derive(Clone, Debug, Serialize)]
pub struct RuleResult {
    /// Stable name.
    pub name: &'static str,
    /// What it demands, in one line.
    pub explanation: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// Violations.
    pub findings: Vec<Finding>,
    /// Remarks: exemptions, or why the rule does not apply.
    pub notes: Vec<String>,
}

/// A kernel symbol the module needs.
#[derive(Clone, Debug, Serialize)]
pub struct Import {
    /// Name.
    pub name: String,
    /// Module that defines it (`unix`, `genunix`), `krtld` for call sites that krtld rewrites,
    /// or nothing when it is unknown.
    pub provider: Option<&'static str>,
    /// function, data, stub or probe; nothing when it is unknown.
    pub kind: Option<&'static str>,
    /// Relocations that name it.
    pub references: usize,
}

/// A function and a number of bytes.
#[derive(Clone, Debug, Serialize)]
pub struct FrameFact {
    /// Function, demangled.
    pub function: String,
    /// Bytes, return address included.
    pub bytes: u64,
}

/// One step of a call chain.
#[derive(Clone, Debug, Serialize)]
pub struct ChainFact {
    /// Function, demangled.
    pub function: String,
    /// Bytes it holds when it calls the next one.
    pub bytes: u64,
    /// It is reached by an indirect call, so it is an upper bound.
    pub indirect: bool,
}

/// Facts about the module.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// What it was written in, as far as symbols and `.comment` tell: `Rust`, `C` or `unknown`.
    pub language: &'static str,
    /// Size of the file in bytes.
    pub file: u64,
    /// Sections, the null section not counted.
    pub sections: usize,
    /// Bytes of executable sections.
    pub text: u64,
    /// Bytes of read-only sections without instructions; krtld puts them beside the text.
    pub rodata: u64,
    /// Bytes of initialised writable sections.
    pub data: u64,
    /// Bytes of zeroed sections.
    pub bss: u64,
    /// Modules named in `.dynamic`.
    pub depends_on: Vec<String>,
    /// Has a `_fini`.
    pub unloadable: bool,
    /// Undefined symbols.
    pub imports: Vec<Import>,
    /// Global symbols the module defines.
    pub exports: Vec<String>,
    /// Names with type FUNC, which DTrace and mdb see.
    pub functions: Vec<String>,
    /// Largest frame.
    pub largest_frame: Option<FrameFact>,
    /// Stack of the deepest call chain in bytes.
    pub deepest_chain_bytes: u64,
    /// The deepest call chain, outermost first.
    pub deepest_chain: Vec<ChainFact>,
}

/// All rules and facts of one module.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Results in the order of [`crate::rules::RULES`].
    pub rules: Vec<RuleResult>,
    /// Facts.
    pub facts: Facts,
}

impl Report {
    /// No rule failed.
    pub fn passed(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The rules that failed.
    pub fn failed(&self) -> impl Iterator<Item = &RuleResult> {
        self.rules.iter().filter(|r| r.outcome == Outcome::Failed)
    }

    /// The result of a rule by name.
    pub fn rule(&self, name: &str) -> Option<&RuleResult> {
        self.rules.iter().find(|r| r.name == name)
    }

    /// Writes the report for people: one line per rule, findings below it, then the facts and a
    /// verdict. `colour` adds ANSI colours to the outcomes.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn print(&self, out: &mut impl Write, colour: bool) -> io::Result<()> {
        for rule in &self.rules {
            let (word, paint) = match rule.outcome {
                Outcome::Passed => ("ok  ", "\x1b[32m"),
                Outcome::Failed => ("FAIL", "\x1b[1;31m"),
                Outcome::NotApplicable => ("n/a ", "\x1b[2m"),
            };
            let (paint, plain) = if colour { (paint, "\x1b[0m") } else { ("", "") };
            writeln!(
                out,
                "{paint}{word}{plain}  {:<19} {}",
                rule.name, rule.explanation
            )?;
            for finding in rule.findings.iter().take(SHOWN) {
                writeln!(out, "        {finding}")?;
            }
            if rule.findings.len() > SHOWN {
                writeln!(out, "        ... and {} more", rule.findings.len() - SHOWN)?;
            }
            for note in &rule.notes {
                writeln!(out, "        ({note})")?;
            }
        }
        writeln!(out)?;
        self.facts.print(out)?;
        writeln!(out)?;
        let failed = self.failed().count();
        if failed == 0 {
            writeln!(out, "{} rules, none failed", self.rules.len())
        } else {
            let names: Vec<&str> = self.failed().map(|r| r.name).collect();
            writeln!(
                out,
                "{failed} of {} rules failed: {}",
                self.rules.len(),
                names.join(" ")
            )
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.print(&mut text, false).map_err(|_| fmt::Error)?;
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl Facts {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "module    {}, file {} bytes, {} sections; text {} rodata {} data {} bss {} bytes",
            self.language, self.file, self.sections, self.text, self.rodata, self.data, self.bss
        )?;
        let from = |provider| {
            self.imports
                .iter()
                .filter(|i| i.provider == provider)
                .count()
        };
        writeln!(
            out,
            "imports   {}: {} from unix, {} from genunix, {} call sites krtld rewrites, {} unknown",
            self.imports.len(),
            from(Some("unix")),
            from(Some("genunix")),
            from(Some("krtld")),
            from(None)
        )?;
        writeln!(
            out,
            "exports   {} globals; {} FUNC symbols",
            self.exports.len(),
            { self.functions.len() }
        )?;
        let needs = if self.depends_on.is_empty() {
            "unix and genunix only".to_owned()
        } else {
            self.depends_on.join(" ")
        };
        let unload = if self.unloadable {
            "has _fini"
        } else {
            "no _fini: cannot be unloaded"
        };
        writeln!(out, "depends   {needs}; {unload}")?;
        if let Some(frame) = &self.largest_frame {
            writeln!(
                out,
                "frame     largest {} bytes: {}",
                frame.bytes, frame.function
            )?;
        }
        if !self.deepest_chain.is_empty() {
            writeln!(
                out,
                "stack     deepest chain {} bytes:",
                self.deepest_chain_bytes
            )?;
        }
        for link in &self.deepest_chain {
            let how = if link.indirect { "*" } else { " " };
            writeln!(out, "          {:>6} {how}{}", link.bytes, link.function)?;
        }
        if self.deepest_chain.iter().any(|link| link.indirect) {
            writeln!(
                out,
                "          (* by pointer: any function whose address is taken, an upper bound)"
            )?;
        }
        Ok(())
    }
}
