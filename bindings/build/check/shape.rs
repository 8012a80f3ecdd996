//! What a type amounts to, in this crate's spelling or in bindgen's.

use std::fmt;

use syn::{Expr, GenericArgument, Lit, PathArguments, ReturnType, Type};

/// A type without its names.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// not known, or `void`: goes with anything
    Any,
    /// no result
    Nothing,
    /// an integer or C enum
    Int {
        /// size
        bytes: usize,
        /// whether it holds negative numbers
        signed: bool,
    },
    /// a floating-point number of so many bytes
    Float(usize),
    /// a pointer to data or a function
    Pointer(Box<Shape>),
    /// arguments and result; no arguments also stand for an old-style declaration
    Function(Vec<Shape>, Box<Shape>),
    /// elements and their number
    Array(Box<Shape>, Option<usize>),
    /// a structure or union, by its C name
    Record(String),
}

impl Shape {
    /// Reads a type. `named` answers for names that are not built in.
    pub fn of(ty: &Type, named: &dyn Fn(&str) -> Shape) -> Shape {
        match ty {
            Type::Paren(inner) => Shape::of(&inner.elem, named),
            Type::Group(inner) => Shape::of(&inner.elem, named),
            Type::Never(_) => Shape::Nothing,
            Type::Ptr(pointer) => Shape::Pointer(Box::new(Shape::of(&pointer.elem, named))),
            Type::Array(array) => {
                Shape::Array(Box::new(Shape::of(&array.elem, named)), length(&array.len))
            }
            Type::BareFn(function) => Shape::function(
                function.inputs.iter().map(|arg| &arg.ty),
                &function.output,
                named,
            ),
            Type::Path(path) => {
                let Some(last) = path.path.segments.last() else {
                    return Shape::Any;
                };
                let name = last.ident.to_string();
                let PathArguments::AngleBracketed(of) = &last.arguments else {
                    return Shape::built_in(&name).unwrap_or_else(|| named(&name));
                };
                let Some(GenericArgument::Type(ty)) = of.args.first() else {
                    return Shape::Any;
                };
                match (name.as_str(), Shape::of(ty, named)) {
                    ("Option", function) => Shape::Pointer(Box::new(function)),
                    ("ManuallyDrop", inner) => inner,
                    _ => Shape::Any,
                }
            }
            _ => Shape::Any,
        }
    }

    /// Reads a function's signature.
    pub fn function<'a>(
        args: impl Iterator<Item = &'a Type>,
        output: &ReturnType,
        named: &dyn Fn(&str) -> Shape,
    ) -> Shape {
        let result = match output {
            ReturnType::Default => Shape::Nothing,
            ReturnType::Type(_, ty) => Shape::of(ty, named),
        };
        Shape::Function(
            args.map(|ty| Shape::of(ty, named)).collect(),
            Box::new(result),
        )
    }

    fn built_in(name: &str) -> Option<Shape> {
        let int = |bytes, signed| Shape::Int { bytes, signed };
        Some(match name {
            "c_void" => Shape::Any,
            "c_char" | "c_schar" | "i8" => int(1, true),
            "c_uchar" | "u8" | "bool" => int(1, false),
            "c_short" | "i16" => int(2, true),
            "c_ushort" | "u16" => int(2, false),
            "c_int" | "i32" => int(4, true),
            "c_uint" | "u32" => int(4, false),
            "c_long" | "c_longlong" | "i64" | "isize" => int(8, true),
            "c_ulong" | "c_ulonglong" | "u64" | "usize" => int(8, false),
            "f32" | "c_float" => Shape::Float(4),
            "f64" | "c_double" => Shape::Float(8),
            _ => return None,
        })
    }

    /// Whether both can be the same type.
    pub fn goes_with(&self, other: &Shape) -> bool {
        use Shape::{Any, Array, Function, Pointer};
        match (self, other) {
            (Any, _) | (_, Any) => true,
            (Pointer(a), Pointer(b)) => a.goes_with(b),
            (Array(a, n), Array(b, m)) => n == m && a.goes_with(b),
            (Function(a, r), Function(b, s)) => {
                let old_style = a.is_empty() || b.is_empty();
                r.goes_with(s)
                    && (old_style
                        || a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.goes_with(b)))
            }
            (a, b) => a == b,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Any => f.write_str("any"),
            Shape::Nothing => f.write_str("void"),
            Shape::Int { bytes, signed } => {
                write!(f, "{}{}", if *signed { "int" } else { "uint" }, bytes * 8)
            }
            Shape::Float(bytes) => write!(f, "float{}", bytes * 8),
            Shape::Pointer(to) => write!(f, "pointer to {to}"),
            Shape::Function(args, result) => {
                f.write_str("function(")?;
                for (i, arg) in args.iter().enumerate() {
                    write!(f, "{}{arg}", if i == 0 { "" } else { ", " })?;
                }
                write!(f, ") giving {result}")
            }
            Shape::Array(of, Some(n)) => write!(f, "{n} of {of}"),
            Shape::Array(of, None) => write!(f, "array of {of}"),
            Shape::Record(name) => f.write_str(name),
        }
    }
}

fn length(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(n) => n.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    }
}
