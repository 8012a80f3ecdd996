//! What this crate claims about the kernel's ABI, as a table.
//!
//! The macros here define a structure, constant or function and, in the same breath, put it into
//! the table of its file. The compiler checks every size and offset (`static_assertions`); the
//! table lets a test compare them with measured layouts, and lets the build compare them with the
//! headers of a gate (`ILLUMOS_GATE`, see `build/`). A structure is therefore written once.

/// A scalar type.
#[derive(Clone, Copy, Debug)]
pub struct Scalar {
    /// name, as in C
    pub name: &'static str,
    /// header that defines it
    pub header: &'static str,
    /// bytes
    pub size: usize,
    /// whether it holds negative numbers
    pub signed: bool,
}

/// A structure or union.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// name in this crate
    pub name: &'static str,
    /// how C spells the type; for a member without a type name, the type around it
    pub c: &'static str,
    /// path of such a member inside `c`, with dots; otherwise empty
    pub path: &'static str,
    /// header that defines it
    pub header: &'static str,
    /// bytes
    pub size: usize,
    /// bytes
    pub align: usize,
    /// its members; names that begin with `_pad` are not C's
    pub fields: &'static [Field],
}

/// A member of a [`Record`].
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// name, as in C
    pub name: &'static str,
    /// bytes from the start of the record
    pub offset: usize,
    /// bytes
    pub size: usize,
    /// its Rust type
    pub ty: &'static str,
}

impl Field {
    /// Whether this is a hole of the Rust type rather than a member of the C type.
    pub const fn is_padding(&self) -> bool {
        let name = self.name.as_bytes();
        name.len() >= 4 && name[0] == b'_' && name[1] == b'p' && name[2] == b'a' && name[3] == b'd'
    }
}

/// A macro or an enumerator.
#[derive(Clone, Copy, Debug)]
pub struct Constant {
    /// name, as in C
    pub name: &'static str,
    /// header that defines it
    pub header: &'static str,
    /// its value
    pub value: Value,
}

/// The value of a [`Constant`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// an integer
    Int(i128),
    /// a string
    Str(&'static core::ffi::CStr),
}

/// A function of the kernel, or the type of one.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// name, as in C
    pub name: &'static str,
    /// header that declares it; a `.c` file when no header does
    pub header: &'static str,
    /// Rust types of its arguments
    pub args: &'static [&'static str],
    /// Rust type of its result
    pub ret: &'static str,
}

/// A table of one file.
#[derive(Clone, Copy, Debug)]
pub enum Table {
    /// what `scalars!` defined
    Scalars(&'static [Scalar]),
    /// what `layouts!` defined
    Records(&'static [Record]),
    /// what `constants!` or `strings!` defined
    Constants(&'static [Constant]),
    /// what `signatures!` defined
    Signatures(&'static [Function]),
    /// what `functions!` declared
    Functions(&'static [Function]),
}

/// All scalar types.
pub fn scalars() -> impl Iterator<Item = &'static Scalar> {
    crate::sys::TABLES.iter().flat_map(|table| match *table {
        Table::Scalars(scalars) => scalars,
        _ => &[],
    })
}

/// All structures and unions.
pub fn records() -> impl Iterator<Item = &'static Record> {
    crate::sys::TABLES.iter().flat_map(|table| match *table {
        Table::Records(records) => records,
        _ => &[],
    })
}

/// All constants.
pub fn constants() -> impl Iterator<Item = &'static Constant> {
    crate::sys::TABLES.iter().flat_map(|table| match *table {
        Table::Constants(constants) => constants,
        _ => &[],
    })
}

/// All function types.
pub fn signatures() -> impl Iterator<Item = &'static Function> {
    crate::sys::TABLES.iter().flat_map(|table| match *table {
        Table::Signatures(signatures) => signatures,
        _ => &[],
    })
}

/// All functions.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    crate::sys::TABLES.iter().flat_map(|table| match *table {
        Table::Functions(functions) => functions,
        _ => &[],
    })
}

/// Defines integer types under their C names, grouped by header: `name = type;`.
macro_rules! scalars {
    ($( $header:literal : $( $(#[$meta:meta])* $name:ident = $ty:ty; )* )*) => {
        $($(
            $(#[$meta])*
            #[doc = concat!("\n\nFrom `", $header, "`.")]
            pub type $name = $ty;
        )*)*

        pub(super) const SCALARS: crate::layout::Table = crate::layout::Table::Scalars(&[$($(
            crate::layout::Scalar {
                name: stringify!($name),
                header: $header,
                size: core::mem::size_of::<$name>(),
                signed: <$name>::MIN != 0,
            },
        )*)*]);
    };
}

/// Defines structures and unions with C's layout, grouped by header.
///
/// `struct name = "C spelling"."member path": size, align { offset pub field: type, }`; the C
/// spelling may be left out when it is the name, the path belongs to members without a type name.
macro_rules! layouts {
    ($( $header:literal : $(
        $(#[$meta:meta])*
        $kind:ident $name:ident $(= $c:literal $(. $path:literal)?)? : $size:literal, $align:literal {
            $( $(#[$fmeta:meta])* $offset:literal $vis:vis $field:ident : $ty:ty, )*
        }
    )* )*) => {
        $($(
            $(#[$meta])*
            #[doc = concat!("\n\n", $size, " bytes; from `", $header, "`.")]
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub $kind $name {
                $( $(#[$fmeta])* #[doc = concat!("\n\nAt byte ", $offset, ".")] $vis $field: $ty, )*
            }
            static_assertions::const_assert_eq!(core::mem::size_of::<$name>(), $size);
            static_assertions::const_assert_eq!(core::mem::align_of::<$name>(), $align);
            $( static_assertions::const_assert_eq!(core::mem::offset_of!($name, $field), $offset); )*
        )*)*

        pub(super) const RECORDS: crate::layout::Table = crate::layout::Table::Records(&[$($(
            crate::layout::Record {
                name: stringify!($name),
                c: layouts!(@c $name $($c)?),
                path: layouts!(@path $($($path)?)?),
                header: $header,
                size: $size,
                align: $align,
                fields: &[$( crate::layout::Field {
                    name: stringify!($field),
                    offset: $offset,
                    size: core::mem::size_of::<$ty>(),
                    ty: stringify!($ty),
                }, )*],
            },
        )*)*]);
    };
    (@c $name:ident) => { stringify!($name) };
    (@c $name:ident $c:literal) => { $c };
    (@path) => { "" };
    (@path $path:literal) => { $path };
}

/// Defines integer constants, grouped by header: `NAME: type = value;`.
macro_rules! constants {
    ($( $header:literal : $(
        $(#[$meta:meta])* $name:ident : $ty:ty = $value:expr;
    )* )*) => {
        $($(
            $(#[$meta])*
            #[doc = concat!("\n\nFrom `", $header, "`.")]
            pub const $name: $ty = $value;
        )*)*

        pub(super) const CONSTANTS: crate::layout::Table = crate::layout::Table::Constants(&[$($(
            crate::layout::Constant {
                name: stringify!($name),
                header: $header,
                value: crate::layout::Value::Int($name as i128),
            },
        )*)*]);
    };
}

/// Defines string constants, grouped by header: `NAME = c"text";`.
macro_rules! strings {
    ($( $header:literal : $(
        $(#[$meta:meta])* $name:ident = $value:expr;
    )* )*) => {
        $($(
            $(#[$meta])*
            #[doc = concat!("\n\nFrom `", $header, "`.")]
            pub const $name: &core::ffi::CStr = $value;
        )*)*

        pub(super) const STRINGS: crate::layout::Table = crate::layout::Table::Constants(&[$($(
            crate::layout::Constant {
                name: stringify!($name),
                header: $header,
                value: crate::layout::Value::Str($value),
            },
        )*)*]);
    };
}

/// Defines the types of functions that are called through a pointer, grouped by header.
macro_rules! signatures {
    ($( $header:literal : $(
        $(#[$meta:meta])* $name:ident($($ty:ty),*) $(-> $ret:ty)?;
    )* )*) => {
        $($(
            $(#[$meta])*
            #[doc = concat!("\n\nFrom `", $header, "`.")]
            pub type $name = unsafe extern "C" fn($($ty),*) $(-> $ret)?;
        )*)*

        pub(super) const SIGNATURES: crate::layout::Table = crate::layout::Table::Signatures(&[$($(
            crate::layout::Function {
                name: stringify!($name),
                header: $header,
                args: &[$(stringify!($ty)),*],
                ret: concat!("" $(, stringify!($ret))?),
            },
        )*)*]);
    };
}

/// Declares kernel functions, grouped by header; `; ...` ends a variadic argument list.
macro_rules! functions {
    ($( $header:literal : $(
        $(#[$meta:meta])*
        fn $name:ident($($arg:ident : $ty:ty),* $(; $dots:tt)?) $(-> $ret:ty)?;
    )* )*) => {
        unsafe extern "C" {
            $($(
                $(#[$meta])*
                #[doc = concat!("\n\nFrom `", $header, "`.")]
                pub fn $name($($arg: $ty),* $(, $dots)?) $(-> $ret)?;
            )*)*
        }

        pub(super) const FUNCTIONS: crate::layout::Table = crate::layout::Table::Functions(&[$($(
            crate::layout::Function {
                name: stringify!($name),
                header: $header,
                args: &[$(stringify!($ty),)* $(stringify!($dots))?],
                ret: concat!("" $(, stringify!($ret))?),
            },
        )*)*]);
    };
}

/// Defines types that are known by pointer only.
macro_rules! opaque {
    ($( $(#[$meta:meta])* $name:ident; )*) => {
        $(
            $(#[$meta])*
            #[doc = "\n\nKnown by pointer only."]
            #[repr(C)]
            pub struct $name {
                _opaque: [u8; 0],
                _not_send_or_unpin: core::marker::PhantomData<(*mut u8, core::marker::PhantomPinned)>,
            }
        )*
    };
}

/// Declares the files of `sys/`, gathers what they define and collects their tables.
macro_rules! headers {
    ($( $file:ident : $($table:ident),* ; )*) => {
        $( pub mod $file; )*

        /// Everything of all files, without the names of the files.
        pub(crate) mod flat {
            $( pub use super::$file::*; )*
        }

        /// The tables of all files.
        pub const TABLES: &[Table] = &[$( $( $file::$table, )* )*];
    };
}
