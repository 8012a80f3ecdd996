//! The symbol table and the names in it.

use object::write::SymbolSection;

use crate::fixture::{
    Accepted, ENTER, File, Fixture, GLOBAL_FUNC, GLOBAL_OBJECT, LEAVE, LOCAL_FUNC, LOCAL_NOTYPE,
    Negative, WEAK_FUNC, info, no, with, yes,
};

fn patched(symbol: &str, field: usize, bytes: &[u8]) -> File {
    let file = Fixture::good().bytes();
    let at = file.symbol(symbol) + field;
    file.patch(at, bytes)
}

fn defining(name: &str, info: u8) -> File {
    let mut fixture = Fixture::good();
    fixture.function(name, info, |f| f.code(ENTER).code(LEAVE));
    fixture.bytes()
}

fn needing(name: &str, info: u8) -> File {
    let mut fixture = Fixture::good();
    fixture.undefined(name, info);
    fixture.bytes()
}

pub fn refused() -> Vec<Negative> {
    let mut two = Fixture::good();
    two.section(".oldsymtab", 2, 0, &[0; 24]);
    let mut twice = Fixture::good();
    twice.function("_init", LOCAL_FUNC, |f| f.code(ENTER).code(LEAVE));
    let mut common = Fixture::good();
    common.symbol("events", GLOBAL_OBJECT, SymbolSection::Common, 8, 8);

    let mut list = vec![
        no(
            "one-symtab",
            "two symbol tables",
            "2 symbol tables",
            two.bytes(),
        ),
        no(
            "one-symtab",
            "a missing section",
            "section 200",
            patched("linkage", 6, &[200, 0]),
        ),
        no(
            "one-symtab",
            "a value too large",
            "behind the end of .data",
            patched("linkage", 8, &[0, 0x40]),
        ),
        no(
            "no-undefined-local",
            "what --gc-sections leaves behind",
            "kmem_free) is local and undefined",
            needing("kmem_free", LOCAL_NOTYPE),
        ),
        no(
            "no-undefined-local",
            "a local probe that is called",
            "local and undefined",
            {
                let mut fixture = Fixture::good();
                fixture.undefined("__dtrace_probe_local", LOCAL_NOTYPE);
                fixture.function("extra", LOCAL_FUNC, |f| {
                    f.code(ENTER).call("__dtrace_probe_local").code(LEAVE)
                });
                fixture.bytes()
            },
        ),
        no(
            "undefined-known",
            "a function the kernel lacks",
            "extra+0x5 (.text+",
            with(|f| f.call("no_such_function")),
        ),
        no(
            "undefined-known",
            "an unused name",
            "no_such_function is not known in unix or genunix",
            needing("no_such_function", info(1, 0)),
        ),
        no(
            "undefined-known",
            "a weak name",
            "is weak and unknown",
            needing("maybe", info(2, 0)),
        ),
        no(
            "entry-points",
            "no _init",
            "_init is not defined",
            patched("_init", 0, &[0; 4]),
        ),
        no(
            "entry-points",
            "no _info",
            "_info is not defined",
            patched("_info", 0, &[0; 4]),
        ),
        no(
            "entry-points",
            "_info is data",
            "_info is not of type FUNC",
            patched("_info", 4, &[GLOBAL_OBJECT]),
        ),
        no(
            "entry-points",
            "_init in data",
            "_init does not lie in a text section",
            {
                let file = Fixture::good().bytes();
                let (init, linkage) = (file.symbol("_init"), file.symbol("linkage"));
                let section = [file.0[linkage + 6], file.0[linkage + 7]];
                file.patch(init + 6, &section).patch(init + 8, &[0; 8])
            },
        ),
        no(
            "entry-points",
            "two _init",
            "_init is defined 2 times",
            twice.bytes(),
        ),
        no(
            "multiply-defined",
            "a kernel name",
            "mutex_enter is global and also defined in unix",
            defining("mutex_enter", GLOBAL_FUNC),
        ),
        no(
            "no-common",
            "a common symbol",
            "events is a common symbol",
            common.bytes(),
        ),
        no(
            "no-ifunc",
            "a symbol",
            "port_close is an indirect function",
            patched("port_close", 4, &[info(0, 10)]),
        ),
    ];
    for (name, says) in [
        (
            "_ZN4core9panicking5panic17h0123456789abcdefE",
            "core::panicking::panic is in the module",
        ),
        (
            "_ZN4core6option13unwrap_failed17h0123456789abcdefE",
            "unwrap_failed",
        ),
        (
            "_ZN4core6option13expect_failed17h0123456789abcdefE",
            "expect_failed",
        ),
        (
            "_ZN4core5slice5index22slice_index_order_fail17h0123456789abcdefE",
            "slice_index",
        ),
        (
            "_RNvNtCs1tkrOqcFmWD_4core9panicking18panic_bounds_check",
            "panic_bounds_check",
        ),
        ("rust_begin_unwind", "rust_begin_unwind"),
        ("rust_eh_personality", "rust_eh_personality"),
    ] {
        list.push(no(
            "no-panic",
            "panic machinery",
            says,
            defining(name, LOCAL_FUNC),
        ));
    }
    list
}

pub fn accepted() -> Vec<Accepted> {
    vec![
        yes("an own memcpy", defining("memcpy", GLOBAL_FUNC)),
        yes(
            "a local function with a kernel name",
            defining("mutex_enter", LOCAL_FUNC),
        ),
        yes(
            "a weak function with a kernel name",
            defining("mutex_enter", WEAK_FUNC),
        ),
        yes(
            "an unused local probe",
            needing("__dtrace_probe_x", LOCAL_NOTYPE),
        ),
        yes(
            "smap calls",
            with(|f| f.call("smap_enable").call("smap_disable")),
        ),
        yes(
            "the kernel's panic, called on purpose",
            with(|f| f.call("panic")),
        ),
        yes(
            "a module called panic",
            defining("_ZN6portfs5panic5panic17h0123456789abcdefE", LOCAL_FUNC),
        ),
    ]
}
