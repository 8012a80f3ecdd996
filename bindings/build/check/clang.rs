//! What bindgen reads in the headers: names, types, offsets, macros.

use std::collections::BTreeMap;
use std::panic;
use std::path::Path;

use syn::{Expr, Fields, ForeignItem, Item, Lit, Stmt, Type, UnOp};

use super::shape::Shape;
use super::{Claims, Error, Findings};
use crate::layout::{Function, Record, Value};

/// What bindgen says about a gate, by bindgen's names.
#[derive(Default)]
struct Seen {
    aliases: BTreeMap<String, Type>,
    /// members of structures and unions, in order
    records: BTreeMap<String, Vec<(String, Type)>>,
    /// numbers of bindgen's own layout tests: "Size of x", "Alignment of x", "Offset of field: x::y"
    numbers: BTreeMap<String, i128>,
    constants: BTreeMap<String, Constant>,
    functions: BTreeMap<String, Shape>,
}

enum Constant {
    Int(i128),
    Str(Vec<u8>),
}

/// Compares what bindgen can see.
pub fn compare(
    wrapper: &Path,
    flags: &[String],
    claims: &Claims,
    out: &Path,
) -> Result<Findings, Error> {
    let text = generate(wrapper, flags, claims, out)?;
    let file = syn::parse_file(&text)
        .map_err(|e| Error::Tool(format!("bindgen wrote something that is no Rust: {e}")))?;
    let seen = Seen::read(file.items);
    let mut findings = Findings::default();
    for record in &claims.records {
        seen.compare_record(record, claims, &mut findings);
    }
    for scalar in &claims.scalars {
        let expected = Shape::Int {
            bytes: scalar.size,
            signed: scalar.signed,
        };
        match seen.named(scalar.name) {
            // bindgen leaves out what Rust has under another name
            Shape::Any => {}
            found => findings.compare(scalar.name, scalar.header, expected, found),
        }
    }
    for constant in &claims.constants {
        // macros that bindgen cannot evaluate are left to cc
        match (constant.value, seen.constants.get(constant.name)) {
            (Value::Int(ours), Some(Constant::Int(theirs))) => {
                findings.compare(constant.name, constant.header, ours, *theirs);
            }
            (Value::Str(ours), Some(Constant::Str(theirs))) => findings.compare(
                constant.name,
                constant.header,
                format!("{:?}", ours.to_string_lossy()),
                format!("{:?}", String::from_utf8_lossy(theirs)),
            ),
            (_, Some(_)) => findings.missing(constant.name, constant.header, "another kind"),
            (_, None) => {}
        }
    }
    for function in &claims.functions {
        let what = format!("{}()", function.name);
        let Some(theirs) = seen.functions.get(function.name) else {
            findings.missing(what, function.header, "a function");
            continue;
        };
        let named = |name: &str| seen.ours(name, claims);
        let args = function.args.iter().filter(|arg| **arg != "...");
        let args = args.map(|arg| parse(arg, &named)).collect();
        let result = if function.ret.is_empty() {
            Shape::Nothing
        } else {
            parse(function.ret, &named)
        };
        let ours = Shape::Function(args, Box::new(result));
        findings.compared += 1;
        if !ours.goes_with(theirs) {
            findings.compared -= 1;
            findings.compare(what, function.header, ours.to_string(), theirs.to_string());
        }
    }
    Ok(findings)
}

fn parse(ty: &str, named: &dyn Fn(&str) -> Shape) -> Shape {
    syn::parse_str(ty).map_or(Shape::Any, |ty| Shape::of(&ty, named))
}

/// Whether bindgen's name of a member is C's: it puts a `_` behind names that Rust uses itself.
fn same(bindgen: &str, c: &str) -> bool {
    bindgen.strip_suffix('_').unwrap_or(bindgen) == c || bindgen == c
}

/// C name of a type as bindgen spells it.
fn bare(c: &str) -> &str {
    c.rsplit(' ').next().unwrap_or(c)
}

impl Seen {
    fn read(items: Vec<Item>) -> Seen {
        let mut seen = Seen::default();
        let mut functions = Vec::new();
        for item in items {
            match item {
                Item::Type(alias) => {
                    seen.aliases.insert(alias.ident.to_string(), *alias.ty);
                }
                Item::Struct(s) => {
                    seen.records.insert(s.ident.to_string(), members(s.fields));
                }
                Item::Union(u) => {
                    let fields = members(Fields::Named(u.fields));
                    seen.records.insert(u.ident.to_string(), fields);
                }
                Item::Const(c) if c.ident == "_" => seen.layout_test(*c.expr),
                Item::Const(c) => {
                    if let Some(value) = constant(&c.expr) {
                        seen.constants.insert(c.ident.to_string(), value);
                    }
                }
                Item::ForeignMod(block) => functions.extend(block.items),
                _ => {}
            }
        }
        for item in functions {
            if let ForeignItem::Fn(f) = item {
                let args = f.sig.inputs.iter().filter_map(|arg| match arg {
                    syn::FnArg::Typed(arg) => Some(&*arg.ty),
                    syn::FnArg::Receiver(_) => None,
                });
                let shape = Shape::function(args, &f.sig.output, &|name| seen.named(name));
                seen.functions.insert(f.sig.ident.to_string(), shape);
            }
        }
        seen
    }

    /// Takes the numbers out of `["Size of x"][size_of::<x>() - 8usize];` and the like.
    fn layout_test(&mut self, expr: Expr) {
        let Expr::Block(block) = expr else { return };
        for statement in block.block.stmts {
            let Stmt::Expr(Expr::Index(index), _) = statement else {
                continue;
            };
            let (Expr::Array(label), Expr::Binary(difference)) = (*index.expr, *index.index) else {
                continue;
            };
            let (Some(Expr::Lit(label)), Some(Constant::Int(number))) =
                (label.elems.first(), constant(&difference.right))
            else {
                continue;
            };
            if let Lit::Str(label) = &label.lit {
                self.numbers.insert(label.value(), number);
            }
        }
    }

    /// The shape of one of bindgen's names.
    fn named(&self, name: &str) -> Shape {
        if self.records.contains_key(name) {
            return Shape::Record(name.to_owned());
        }
        match self.aliases.get(name) {
            Some(ty) => Shape::of(ty, &|name| self.named(name)),
            None => Shape::Any,
        }
    }

    /// The shape of one of this crate's names.
    fn ours(&self, name: &str, claims: &Claims) -> Shape {
        if let Some(scalar) = claims.scalars.iter().find(|s| s.name == name) {
            return Shape::Int {
                bytes: scalar.size,
                signed: scalar.signed,
            };
        }
        if let Some(signature) = claims.signatures.iter().find(|s| s.name == name) {
            return self.signature(signature, claims);
        }
        match claims.records.iter().find(|r| r.name == name) {
            Some(record) if record.path.is_empty() => self.tagged(record.c),
            Some(_) => Shape::Any,
            None => self.named(name),
        }
    }

    /// The shape of one of this crate's functions.
    fn signature(&self, function: &Function, claims: &Claims) -> Shape {
        let named = |name: &str| self.ours(name, claims);
        let args = function.args.iter().filter(|arg| **arg != "...");
        let args = args.map(|arg| parse(arg, &named)).collect();
        let result = match function.ret {
            "" => Shape::Nothing,
            ret => parse(ret, &named),
        };
        Shape::Function(args, Box::new(result))
    }

    /// The shape of a structure or union that C names. One that is declared inside another has a
    /// longer name in bindgen.
    fn tagged(&self, c: &str) -> Shape {
        let name = bare(c);
        match self.named(name) {
            Shape::Any => {
                let suffix = format!("_{name}");
                let longer = self.records.keys().find(|known| known.ends_with(&suffix));
                longer.map_or(Shape::Any, |longer| Shape::Record(longer.clone()))
            }
            shape => shape,
        }
    }

    /// bindgen's name for a record; members without a type name are found by their path.
    fn find(&self, record: &Record) -> Option<String> {
        let Shape::Record(mut name) = self.tagged(record.c) else {
            return None;
        };
        for step in record.path.split('.').filter(|step| !step.is_empty()) {
            let (_, ty) = self
                .records
                .get(&name)?
                .iter()
                .find(|(field, _)| same(field, step))?;
            let Shape::Record(next) = Shape::of(ty, &|name| self.named(name)) else {
                return None;
            };
            name = next;
        }
        Some(name)
    }

    fn compare_record(&self, record: &Record, claims: &Claims, findings: &mut Findings) {
        let Record { header, .. } = *record;
        let Some(name) = self.find(record) else {
            findings.missing(record.name, header, "a structure or union");
            return;
        };
        let number = |label: String| self.numbers.get(&label).copied();
        // bindgen tests no layout of a type that it could not express; cc still does
        if let Some(size) = number(format!("Size of {name}")) {
            findings.compare(
                format!("{} size", record.name),
                header,
                record.size as i128,
                size,
            );
        }
        if let Some(align) = number(format!("Alignment of {name}")) {
            let what = format!("{} alignment", record.name);
            findings.compare(what, header, record.align as i128, align);
        }
        for field in record.fields.iter().filter(|f| !f.is_padding()) {
            let what = format!("{}.{}", record.name, field.name);
            let found = self.records[&name]
                .iter()
                .find(|(name, _)| same(name, field.name));
            let Some((_, theirs)) = found else {
                findings.missing(what, header, "a member");
                continue;
            };
            if let Some(offset) = number(format!("Offset of field: {name}::{}", field.name)) {
                findings.compare(
                    format!("{what} offset"),
                    header,
                    field.offset as i128,
                    offset,
                );
            }
            let ours = parse(field.ty, &|name| self.ours(name, claims));
            let theirs = Shape::of(theirs, &|name| self.named(name));
            findings.compared += 1;
            if !ours.goes_with(&theirs) {
                findings.compared -= 1;
                findings.compare(
                    format!("{what} type"),
                    header,
                    ours.to_string(),
                    theirs.to_string(),
                );
            }
        }
    }
}

fn members(fields: Fields) -> Vec<(String, Type)> {
    fields
        .into_iter()
        .filter_map(|f| Some((f.ident?.to_string(), f.ty)))
        .collect()
}

fn constant(expr: &Expr) -> Option<Constant> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(n) => n.base10_parse().ok().map(Constant::Int),
            Lit::ByteStr(s) => {
                let mut bytes = s.value();
                bytes.pop();
                Some(Constant::Str(bytes))
            }
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match constant(&unary.expr) {
            Some(Constant::Int(n)) => Some(Constant::Int(-n)),
            _ => None,
        },
        _ => None,
    }
}

/// Runs bindgen over the wrapper header.
fn generate(
    wrapper: &Path,
    flags: &[String],
    claims: &Claims,
    out: &Path,
) -> Result<String, Error> {
    let mut builder = bindgen::Builder::default()
        .header(wrapper.to_string_lossy())
        .clang_args(flags)
        .clang_arg("--target=x86_64-unknown-linux-gnu")
        .layout_tests(true)
        .default_non_copy_union_style(bindgen::NonCopyUnionStyle::ManuallyDrop)
        .derive_debug(false)
        .generate_comments(false)
        .prepend_enum_name(false)
        .default_enum_style(bindgen::EnumVariation::Consts)
        .formatter(bindgen::Formatter::None);
    for record in &claims.records {
        builder = builder.allowlist_type(bare(record.c));
    }
    for scalar in &claims.scalars {
        builder = builder.allowlist_type(scalar.name);
    }
    for constant in &claims.constants {
        builder = builder.allowlist_var(constant.name);
    }
    for function in &claims.functions {
        builder = builder.allowlist_function(function.name);
    }
    find_libclang()?;
    let bindings = builder.generate().map_err(|error| {
        let error = error.to_string();
        let first = error
            .lines()
            .find(|l| l.contains("error"))
            .unwrap_or(&error);
        Error::Tool(format!("bindgen cannot read the gate's headers: {first}"))
    })?;
    let text = bindings.to_string();
    super::write(&out.join("gate.rs"), &text)?;
    Ok(text)
}

/// Loads libclang. bindgen panics when there is none; that deserves a sentence.
fn find_libclang() -> Result<(), Error> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let found = panic::catch_unwind(bindgen::clang_version);
    panic::set_hook(hook);
    match found {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::Tool(
            "bindgen needs libclang: apt-get install libclang1 (or set LIBCLANG_PATH to its \
             directory)"
                .into(),
        )),
    }
}
