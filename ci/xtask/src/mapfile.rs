//! Reader for the part of mapfile version 2 that portfs needs.
//!
//! The same file is read by the ld of illumos, so nothing may be accepted here
//! that ld refuses. The part: `$mapfile_version 2` as the first directive, one
//! `SYMBOL_SCOPE` block, the scopes `global:` and `local:`, plain names and
//! the auto-reduction `*` under `local:`, comments from `#` to the end of the
//! line.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// Which symbols of the module are global.
///
/// # Invariants
/// Everything that is not named is local: the reader insists on `local: *`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapfile {
    globals: BTreeSet<String>,
}

impl Mapfile {
    /// Reads the mapfile at `path`.
    ///
    /// # Errors
    /// One line with file and line number: cannot be read, or is not the part
    /// of the format described at the top of this file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the mapfile {}", path.display()))?;
        Self::parse(&text).map_err(|why| anyhow::anyhow!("{}:{why}", path.display()))
    }

    /// Parses the text of a mapfile.
    ///
    /// # Errors
    /// `LINE: what is wrong`.
    pub fn parse(text: &str) -> Result<Self> {
        Parser::new(text).file()
    }

    /// The global names, sorted.
    pub fn globals(&self) -> impl Iterator<Item = &str> {
        self.globals.iter().map(String::as_str)
    }

    /// True if `name` is to be global.
    pub fn is_global(&self, name: &str) -> bool {
        self.globals.contains(name)
    }
}

/// One word or one of `{ } : ;`, with the line it stands in.
#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    line: usize,
    text: &'a str,
}

struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'a>>>,
    last_line: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Scope {
    None,
    Global,
    Local,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let mut tokens = Vec::new();
        let mut last_line = 1;
        for (number, line) in text.lines().enumerate() {
            last_line = number + 1;
            let code = line.split('#').next().unwrap_or("");
            let mut rest = code.trim_start();
            while !rest.is_empty() {
                let end = if rest.starts_with(is_mark) {
                    1
                } else {
                    rest.find(|c: char| is_mark(c) || c.is_whitespace())
                        .unwrap_or(rest.len())
                };
                tokens.push(Token {
                    line: last_line,
                    text: &rest[..end],
                });
                rest = rest[end..].trim_start();
            }
        }
        Parser {
            tokens: tokens.into_iter().peekable(),
            last_line,
        }
    }

    fn file(mut self) -> Result<Mapfile> {
        self.expect(
            "$mapfile_version",
            "the first directive must be `$mapfile_version 2`",
        )?;
        let version = self.next("a version number")?;
        ensure!(
            version.text == "2",
            "{}: mapfile version {} is not supported, only 2",
            version.line,
            version.text
        );
        self.expect("SYMBOL_SCOPE", "only a SYMBOL_SCOPE block is supported")?;
        self.expect("{", "`{` must follow SYMBOL_SCOPE")?;
        let globals = self.symbols()?;
        self.expect("}", "`}` must end SYMBOL_SCOPE")?;
        self.expect(";", "`;` must follow the `}` of SYMBOL_SCOPE")?;
        if let Some(extra) = self.tokens.next() {
            bail!(
                "{}: only one SYMBOL_SCOPE block is supported, found `{}`",
                extra.line,
                extra.text
            );
        }
        Ok(Mapfile { globals })
    }

    fn symbols(&mut self) -> Result<BTreeSet<String>> {
        let mut globals = BTreeSet::new();
        let mut scope = Scope::None;
        let mut reduced = false;
        while self.tokens.peek().is_some_and(|token| token.text != "}") {
            let word = self.next("a symbol")?;
            let mark = self.next("`;` or `:`")?;
            match (word.text, mark.text) {
                ("global", ":") => scope = Scope::Global,
                ("local", ":") => scope = Scope::Local,
                (other, ":") => {
                    bail!(
                        "{}: unknown scope `{other}`, only global and local",
                        word.line
                    )
                }
                ("*", ";") => {
                    ensure!(
                        scope == Scope::Local,
                        "{}: `*` stands under `local:` only",
                        word.line
                    );
                    reduced = true;
                }
                (name, ";") => {
                    ensure!(
                        is_symbol(name),
                        "{}: `{name}` is not a symbol name",
                        word.line
                    );
                    ensure!(
                        scope == Scope::Global,
                        "{}: {name} must stand under `global:` (`local: *` covers the rest)",
                        word.line
                    );
                    ensure!(
                        globals.insert(name.to_owned()),
                        "{}: {name} is named twice",
                        word.line
                    );
                }
                (name, _) => bail!(
                    "{}: `;` must follow {name}, found `{}` (attributes are not supported)",
                    mark.line,
                    mark.text
                ),
            }
        }
        ensure!(
            reduced,
            "{}: `local: *;` is missing, without it every symbol would be global",
            self.last_line
        );
        Ok(globals)
    }

    fn next(&mut self, wanted: &str) -> Result<Token<'a>> {
        match self.tokens.next() {
            Some(token) => Ok(token),
            None => bail!(
                "{}: the file ends where {wanted} should stand",
                self.last_line
            ),
        }
    }

    fn expect(&mut self, text: &str, rule: &str) -> Result<()> {
        let token = self.next(&format!("`{text}`"))?;
        ensure!(
            token.text == text,
            "{}: {rule}, found `{}`",
            token.line,
            token.text
        );
        Ok(())
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, '{' | '}' | ':' | ';')
}

fn is_symbol(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == '.')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$'))
}
