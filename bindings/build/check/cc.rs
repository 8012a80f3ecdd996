//! What the C compiler makes of the headers: a file of `_Static_assert`s.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use super::{Claims, Difference, Error, Findings};
use crate::layout::{Record, Value};

/// One assertion: `expr` has the value `expected`.
struct Assertion {
    /// what is asserted
    what: String,
    /// what it is called when the headers do not have it at all
    thing: String,
    header: &'static str,
    /// C expression
    expr: String,
    expected: Expected,
}

enum Expected {
    Int(i128),
    Str(String),
}

/// Begins the values in the object file of `values`.
const MARK: &str = "portfs-rs: values of a gate:";

/// Compiles the assertions and finds out the real value of those that fail.
pub fn compare(flags: &[String], claims: &Claims, out: &Path) -> Result<Findings, Error> {
    let assertions = assertions(claims);
    let mut text = String::from("#include \"gate.h\"\n");
    for assertion in &assertions {
        let Assertion { what, expr, .. } = assertion;
        let condition = match &assertion.expected {
            Expected::Int(n) => format!("(long long)({expr}) == {}", literal(*n)),
            Expected::Str(s) => format!("__builtin_strcmp({expr}, {s:?}) == 0"),
        };
        text += &format!("_Static_assert({condition}, \"{what}\");\n");
    }
    let source = out.join("asserts.c");
    super::write(&source, &text)?;
    let output = compiler(flags, out)?
        .arg("-fsyntax-only")
        .arg(&source)
        .run()?;
    let failures = failures(&output, &source)?;

    let known: Vec<&Assertion> = failures
        .iter()
        .filter(|(_, compiles)| **compiles)
        .map(|(line, _)| &assertions[*line - 2])
        .collect();
    let mut found = values(&known, flags, out)?.into_iter();
    let mut findings = Findings {
        compared: assertions.len(),
        differences: Vec::new(),
    };
    let mut named = BTreeSet::new();
    for (line, compiles) in failures {
        let Assertion {
            what,
            thing,
            header,
            expected,
            ..
        } = &assertions[line - 2];
        let expected = match expected {
            Expected::Int(n) => n.to_string(),
            Expected::Str(s) => format!("{s:?}"),
        };
        let difference = if compiles {
            let found = found.next().unwrap_or_else(|| "another value".into());
            Difference {
                what: what.clone(),
                header,
                expected,
                found,
            }
        } else {
            let expected = "it".to_owned();
            Difference {
                what: thing.clone(),
                header,
                expected,
                found: "none".into(),
            }
        };
        if named.insert(difference.what.clone()) {
            findings.differences.push(difference);
        }
    }
    Ok(findings)
}

fn assertions(claims: &Claims) -> Vec<Assertion> {
    let mut all = Vec::new();
    let mut assert = |what: String, thing: &str, header, expr: String, expected: usize| {
        let expected = Expected::Int(expected as i128);
        all.push(Assertion {
            what,
            thing: thing.to_owned(),
            header,
            expr,
            expected,
        });
    };
    for scalar in &claims.scalars {
        let name = scalar.name;
        let size = format!("sizeof ({name})");
        assert(
            format!("{name} size"),
            name,
            scalar.header,
            size,
            scalar.size,
        );
        let signed = format!("({name})-1 < ({name})1");
        assert(
            format!("{name} signed"),
            name,
            scalar.header,
            signed,
            scalar.signed.into(),
        );
    }
    for record in &claims.records {
        let Record {
            name,
            c,
            path,
            header,
            ..
        } = *record;
        let (object, prefix) = match path {
            "" => (format!("*({c} *)0"), String::new()),
            _ => (format!("(({c} *)0)->{path}"), format!("{path}.")),
        };
        let base = match path {
            "" => String::new(),
            _ => format!(" - __builtin_offsetof({c}, {path})"),
        };
        assert(
            format!("{name} size"),
            name,
            header,
            format!("sizeof ({object})"),
            record.size,
        );
        let align = format!("__alignof__ ({object})");
        assert(
            format!("{name} alignment"),
            name,
            header,
            align,
            record.align,
        );
        for field in record.fields.iter().filter(|f| !f.is_padding()) {
            let thing = format!("{name}.{}", field.name);
            let offset = format!("__builtin_offsetof({c}, {prefix}{}){base}", field.name);
            assert(
                format!("{thing} offset"),
                &thing,
                header,
                offset,
                field.offset,
            );
            let size = format!("sizeof ((({c} *)0)->{prefix}{})", field.name);
            assert(format!("{thing} size"), &thing, header, size, field.size);
        }
    }
    for constant in &claims.constants {
        let name = constant.name.to_owned();
        let expected = match constant.value {
            Value::Int(n) => Expected::Int(n),
            Value::Str(s) => Expected::Str(s.to_string_lossy().into_owned()),
        };
        let header = constant.header;
        all.push(Assertion {
            what: name.clone(),
            thing: name.clone(),
            header,
            expr: name,
            expected,
        });
    }
    all
}

/// A 64-bit number in C, whatever its sign.
fn literal(n: i128) -> String {
    format!("(long long){:#x}ULL", n as u64)
}

/// Lines of `source` that failed, and whether they compile but for the assertion.
fn failures(output: &Output, source: &Path) -> Result<BTreeMap<usize, bool>, Error> {
    let mut failures = BTreeMap::new();
    if output.status.success() {
        return Ok(failures);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let prefix = format!("{}:", source.display());
    for error in text.lines().filter(|line| line.contains("error:")) {
        let line = error
            .strip_prefix(&prefix)
            .and_then(|rest| rest.split(':').next())
            .and_then(|line| line.parse().ok())
            .filter(|line| *line > 1);
        let Some(line) = line else {
            return Err(Error::Tool(format!(
                "cc cannot read the gate's headers: {error}"
            )));
        };
        let asserted = error.contains("static assertion failed") || error.contains("static_assert");
        *failures.entry(line).or_insert(true) &= asserted;
    }
    if failures.is_empty() {
        return Err(Error::Tool(format!(
            "cc failed: {}",
            text.lines().next().unwrap_or_default()
        )));
    }
    Ok(failures)
}

/// The values that the headers really give, read from an object file.
fn values(assertions: &[&Assertion], flags: &[String], out: &Path) -> Result<Vec<String>, Error> {
    if assertions.is_empty() {
        return Ok(Vec::new());
    }
    let mut text = String::from("#include \"gate.h\"\n");
    for (i, assertion) in assertions.iter().enumerate() {
        let expr = &assertion.expr;
        text += &match assertion.expected {
            Expected::Str(_) => format!("const char v{i}[] = \"{MARK}{i}=\" {expr};\n"),
            Expected::Int(_) => format!(
                "const struct {{ char mark[{}]; long long value; }} __attribute__((packed)) \
                 v{i} = {{ \"{MARK}{i}=\", (long long)({expr}) }};\n",
                mark(i).len()
            ),
        };
    }
    let source = out.join("values.c");
    let object = out.join("values.o");
    super::write(&source, &text)?;
    let output = compiler(flags, out)?
        .arg("-c")
        .arg("-o")
        .arg(&object)
        .arg(&source)
        .run()?;
    if !output.status.success() {
        return Ok(Vec::new());
    }
    let bytes =
        std::fs::read(&object).map_err(|e| Error::Tool(format!("{}: {e}", object.display())))?;
    let value = |(i, assertion): (usize, &&Assertion)| {
        let mark = mark(i);
        let at = bytes
            .windows(mark.len())
            .position(|w| w == mark.as_bytes())?
            + mark.len();
        let rest = &bytes[at..];
        Some(match assertion.expected {
            Expected::Int(expected) => {
                let value = i64::from_le_bytes(rest.get(..8)?.try_into().ok()?);
                if expected > i64::MAX.into() {
                    (value as u64).to_string()
                } else {
                    value.to_string()
                }
            }
            Expected::Str(_) => {
                let end = rest.iter().position(|b| *b == 0)?;
                format!("{:?}", String::from_utf8_lossy(&rest[..end]))
            }
        })
    };
    let found = assertions.iter().enumerate().map(value);
    Ok(found
        .map(|value| value.unwrap_or_else(|| "another value".into()))
        .collect())
}

fn mark(i: usize) -> String {
    format!("{MARK}{i}=")
}

/// The C compiler for amd64, whatever this machine is.
fn compiler(flags: &[String], out: &Path) -> Result<Cc, Error> {
    const AMD64: &str = "x86_64-unknown-linux-gnu";
    let compiler = cc::Build::new()
        .target(AMD64)
        .host(&std::env::var("HOST").unwrap_or_else(|_| AMD64.into()))
        .opt_level(0)
        .out_dir(out)
        .cargo_metadata(false)
        .try_get_compiler()
        .map_err(|e| Error::Tool(format!("the comparison needs a C compiler (gcc): {e}")))?;
    let mut command = compiler.to_command();
    command
        .current_dir(out)
        .env("LC_ALL", "C")
        .args(flags)
        .arg(format!("-I{}", out.display()));
    command.arg(if compiler.is_like_clang() {
        "-ferror-limit=0"
    } else {
        "-fmax-errors=0"
    });
    Ok(Cc(command))
}

struct Cc(Command);

impl Cc {
    fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Cc {
        self.0.arg(arg);
        self
    }

    fn run(mut self) -> Result<Output, Error> {
        let program = self.0.get_program().to_string_lossy().into_owned();
        self.0
            .output()
            .map_err(|e| Error::Tool(format!("{program}: {e}")))
    }
}
