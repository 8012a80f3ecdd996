//! The module loader: a good module runs, and every bad file is refused by name.

#[path = "support/elf.rs"]
mod elf;

use elf::{Maker, answer};
use fakekernel::krtld::symtab::{Genunix, table};
use fakekernel::krtld::{KernelSymbol, Module, Resolve, SymbolKind};
use object::write::SymbolSection;

const R_64: u32 = 1;
const R_PC32: u32 = 2;
const R_PLT32: u32 = 4;
const R_32: u32 = 10;
const R_32S: u32 = 11;

/// Calls a function of a loaded module.
fn call(module: &Module, name: &str) -> i64 {
    let addr = module.lookup(name).unwrap();
    // SAFETY: the tests' functions take nothing and answer in rax.
    unsafe { std::mem::transmute::<usize, extern "C" fn() -> i64>(addr)() }
}

fn word(module: &Module, name: &str) -> u64 {
    // SAFETY: an aligned 8-byte variable of a loaded module.
    unsafe { (module.lookup(name).unwrap() as *const u64).read() }
}

#[test]
fn init_and_info_run() {
    let module = Maker::new().load().unwrap();
    // SAFETY: the test's own code; `_info` does not look at its argument.
    unsafe {
        assert_eq!(module.init(), 0);
        assert_eq!(module.info(std::ptr::null_mut()), 1);
    }
    assert!(module.imports().is_empty() && module.warnings().is_empty());
    assert!(module.sizes().text >= 12 && module.sizes().file > 0);
}

#[test]
fn calls_reach_the_kernel() {
    let mut maker = Maker::new();
    // call getudev; ret
    let at = maker.function("f", &[0xe8, 0, 0, 0, 0, 0xc3]);
    let getudev = maker.undefined("getudev");
    let text = maker.text;
    maker.reloc(text, at + 1, R_PLT32, getudev, -4);
    let module = maker.load().unwrap();
    let first = call(&module, "f") as u32;
    assert_eq!(call(&module, "f") as u32, first + 1);
    assert_eq!(module.imports().len(), 1);
    assert_eq!(module.imports()[0].name, "getudev");
    assert!(!module.imports()[0].stub, "tests are linked below 2 GiB");
}

#[test]
fn calls_out_of_reach_go_through_a_stub() {
    struct Far;
    impl Resolve for Far {
        fn find(&self, name: &str) -> Option<KernelSymbol> {
            // Some function of the host's shared libraries.
            let addr = libc_address();
            (name == "far").then_some(KernelSymbol {
                addr,
                kind: SymbolKind::Function,
            })
        }
    }
    fn libc_address() -> usize {
        // SAFETY: asks the host where one of its functions is.
        unsafe { libc::dlsym(libc::RTLD_NEXT, c"getpid".as_ptr()) as usize }
    }
    let mut maker = Maker::new();
    let at = maker.function("f", &[0xe8, 0, 0, 0, 0, 0x48, 0x98, 0xc3]);
    let far = maker.undefined("far");
    let (slot, _) = maker.variable("slot", &[0; 8]);
    let (text, data) = (maker.text, maker.data);
    maker.reloc(text, at + 1, R_PLT32, far, -4);
    maker.reloc(data, slot, R_64, far, 0);
    let module = Module::load_bytes("test", &maker.bytes(), &Far, &[]).unwrap();
    assert!(
        libc_address() > u32::MAX as usize,
        "the host's libraries lie high"
    );
    assert_eq!(call(&module, "f"), i64::from(std::process::id()));
    assert!(module.imports()[0].stub);
    assert_eq!(
        word(&module, "slot"),
        libc_address() as u64,
        "64-bit fields hold the address itself"
    );
}

#[test]
fn data_relocations() {
    let mut maker = Maker::new();
    let (value, value_id) = maker.variable("value", &7u64.to_le_bytes());
    let (pointer, _) = maker.variable("pointer", &[0; 8]);
    let (text, data) = (maker.text, maker.data);
    maker.reloc(data, pointer, R_64, value_id, 16);
    // mov rax, [rip + value]; ret
    let f = maker.function("pc32", &[0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xc3]);
    maker.reloc(text, f + 3, R_PC32, value_id, -4);
    // mov rax, [abs32 value]; ret
    let g = maker.function("abs32s", &[0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0, 0xc3]);
    maker.reloc(text, g + 4, R_32S, value_id, 0);
    // A local symbol is as good: the section's own.
    let section = maker.object.section_symbol(data);
    let h = maker.function("local", &[0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0, 0xc3]);
    maker.reloc(text, h + 4, R_32S, section, value as i64);
    let module = maker.load().unwrap();
    assert_eq!(
        word(&module, "pointer"),
        module.lookup("value").unwrap() as u64 + 16
    );
    for name in ["pc32", "abs32s", "local"] {
        assert_eq!(call(&module, name), 7, "{name}");
    }
}

#[test]
fn kernel_variables_are_reached() {
    let mut maker = Maker::new();
    let max = maker.undefined("port_max_list");
    // mov eax, [rip + port_max_list]; ret
    let f = maker.function("f", &[0x8b, 0x05, 0, 0, 0, 0, 0xc3]);
    let text = maker.text;
    maker.reloc(text, f + 2, R_PC32, max, -4);
    assert_eq!(call(&maker.load().unwrap(), "f") as u32, 8192);
}

#[test]
fn system_settings() {
    let mut maker = Maker::new();
    maker.variable("strict", &1u32.to_le_bytes());
    maker.variable("long", &[0; 8]);
    maker.variable("odd", &[0; 3]);
    let bytes = maker.bytes();
    let load =
        |name: &str, value| Module::load_bytes("portfs", &bytes, &Genunix, &[(name.into(), value)]);
    let module = load("portfs:strict", 0).unwrap();
    // SAFETY: an int variable of the module.
    let strict = unsafe { (module.lookup("strict").unwrap() as *const i32).read() };
    assert_eq!(strict, 0);
    assert_eq!(
        word(&load("portfs:long", -2).unwrap(), "long"),
        -2i64 as u64
    );
    load("other:nothing", 1).unwrap();
    let refused = |name: &str| load(name, 1).map(drop).unwrap_err().to_string();
    assert!(refused("portfs:missing").contains("set portfs:missing: no such symbol"));
    assert!(refused("portfs:_init").contains("not a variable"));
    assert!(refused("portfs:odd").contains("3 bytes"));
}

#[test]
fn symbols_by_address() {
    let mut maker = Maker::new();
    maker.function("third", &answer(3));
    let module = maker.load().unwrap();
    let third = module.lookup("third").unwrap();
    assert_eq!(module.symbolize(third + 5), Some(("third", 5)));
    assert_eq!(
        module.symbolize(module.lookup("_info").unwrap()),
        Some(("_info", 0))
    );
    assert_eq!(module.symbolize(0x10), None);
}

#[test]
fn probes_become_nops() {
    let mut maker = Maker::new();
    // call probe; mov eax, 5; ret     and     jmp probe (a tail call)
    let f = maker.function("f", &[0xe8, 0, 0, 0, 0, 0xb8, 5, 0, 0, 0, 0xc3]);
    let g = maker.function("g", &[0xb8, 6, 0, 0, 0, 0xe9, 0, 0, 0, 0]);
    let probe = maker.undefined("__dtrace_probe_vn__hold");
    let text = maker.text;
    maker.reloc(text, f + 1, R_PLT32, probe, -4);
    maker.reloc(text, g + 6, R_PLT32, probe, -4);
    let module = maker.load().unwrap();
    assert_eq!((call(&module, "f"), call(&module, "g")), (5, 6));
    let found: Vec<_> = module
        .probes()
        .iter()
        .map(|p| (p.name.as_str(), p.tail))
        .collect();
    assert_eq!(found, [("vn__hold", false), ("vn__hold", true)]);
    assert!(module.imports().is_empty());

    let mut maker = Maker::new();
    let probe = maker.undefined("__dtrace_probe_x");
    let (slot, _) = maker.variable("slot", &[0; 8]);
    let data = maker.data;
    maker.reloc(data, slot, R_64, probe, 0);
    assert!(maker.refused().contains("a probe may only be called"));
}

#[test]
fn undefined_weak_is_left_alone() {
    let mut maker = Maker::new();
    let weak = maker.symbol("nobody", SymbolSection::Undefined, (0, 0), true);
    let (slot, _) = maker.variable("slot", &[0; 8]);
    let data = maker.data;
    maker.reloc(data, slot, R_64, weak, 0);
    let module = maker.load().unwrap();
    assert_eq!(word(&module, "slot"), 0);
    assert!(module.imports()[0].missing);
}

#[test]
fn unresolved_symbols_are_all_named() {
    let mut maker = Maker::new();
    let text = maker.text;
    for name in ["zebra", "apple", "mutex_enter"] {
        let at = maker.function(&format!("call_{name}"), &[0xe8, 0, 0, 0, 0, 0xc3]);
        let id = maker.undefined(name);
        maker.reloc(text, at + 1, R_PLT32, id, -4);
    }
    let message = maker.refused();
    assert!(
        message.contains("test: unresolved symbols: apple, zebra (no such"),
        "{message}"
    );
}

#[test]
fn multiply_defined_is_a_warning() {
    let mut maker = Maker::new();
    maker.function("mutex_enter", &answer(9));
    maker.function("memcpy", &answer(9));
    let module = maker.load().unwrap();
    assert_eq!(module.warnings(), ["test: 'mutex_enter' multiply defined"]);
    assert_eq!(call(&module, "mutex_enter"), 9);
}

#[test]
fn missing_init_and_info() {
    let mut maker = Maker::empty();
    maker.function("_info", &answer(1));
    assert!(maker.refused().contains("_init: not defined"));
    let mut maker = Maker::empty();
    maker.function("_init", &answer(0));
    maker.variable("_info", &[0; 8]);
    assert!(maker.refused().contains("_info: not in the module's text"));
}

#[test]
fn relocations_that_krtld_gets_wrong_or_rejects() {
    let with = |kind: u32| {
        let mut maker = Maker::new();
        let (slot, id) = maker.variable("slot", &[0; 8]);
        let data = maker.data;
        maker.reloc(data, slot, kind, id, 0);
        maker.load().map(drop)
    };
    for ok in [0, R_64, R_PC32, R_PLT32, 6, 8, R_32S, 12, 13, 14, 15, 24] {
        with(ok).unwrap();
    }
    for bad in (0..=60).filter(|k| ![0, 1, 2, 4, 6, 8, 11, 12, 13, 14, 15, 24].contains(k)) {
        let error = with(bad).unwrap_err().to_string();
        assert!(error.contains("test: .data+0x0: "), "type {bad}: {error}");
        assert!(error.contains("against slot"), "type {bad}: {error}");
    }
    let message = |kind| with(kind).unwrap_err().to_string();
    assert!(message(9).contains("R_X86_64_GOTPCREL") && message(9).contains("no GOT"));
    assert!(message(R_32).contains("kernel addresses never fit"));
    assert!(message(55).contains("relocation type 55") && message(55).contains("unknown type"));
}

#[test]
fn fields_must_be_zero_and_inside() {
    let mut maker = Maker::new();
    let (slot, id) = maker.variable("slot", &[1, 0, 0, 0, 0, 0, 0, 0]);
    let data = maker.data;
    maker.reloc(data, slot, R_64, id, 0);
    assert!(maker.refused().contains("the field is not zero"));
    let mut maker = Maker::new();
    let (_, id) = maker.variable("slot", &[0; 8]);
    let data = maker.data;
    maker.reloc(data, 4, R_64, id, 0);
    assert!(maker.refused().contains("offset outside the section"));
}

#[test]
fn wrong_headers() {
    let good = Maker::new().bytes();
    let refused = |bytes: &[u8]| {
        Module::load_bytes("test", bytes, &Genunix, &[])
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    let patched = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        refused(&bytes)
    };
    assert!(refused(b"#!/bin/sh\n").contains("not an ELF file"));
    assert!(refused(b"").contains("not an ELF file"));
    assert!(patched(4, 1).contains("wrong class: a 32-bit file"));
    assert!(patched(5, 2).contains("wrong byte order"));
    assert!(patched(16, 2).contains("wrong type: an executable"));
    assert!(patched(16, 3).contains("wrong type: a shared object"));
    assert!(patched(18, 3).contains("wrong machine"));
    let missing = Module::load(std::path::Path::new("/no/such/portfs"), &Genunix, &[]);
    assert!(
        missing
            .map(drop)
            .unwrap_err()
            .to_string()
            .contains("/no/such/portfs: cannot read")
    );
}

#[test]
fn damaged_files_never_crash() {
    let mut maker = Maker::new();
    let at = maker.function("f", &[0xe8, 0, 0, 0, 0, 0xc3]);
    let getudev = maker.undefined("getudev");
    let text = maker.text;
    maker.reloc(text, at + 1, R_PLT32, getudev, -4);
    let good = maker.bytes();
    let load = |bytes: &[u8]| Module::load_bytes("test", bytes, &Genunix, &[]).map(drop);
    load(&good).unwrap();
    for len in 0..good.len() {
        let error = load(&good[..len]);
        // The section headers come last, so every shorter file lacks some of them.
        assert!(error.is_err(), "{len} of {} bytes were loaded", good.len());
    }
    // Any single byte changed: loaded or refused, never a crash.
    for at in 0..good.len() {
        for value in [0, 0xff, good[at] ^ 0x80] {
            let mut bytes = good.clone();
            bytes[at] = value;
            let _ = load(&bytes);
        }
    }
}

#[test]
fn the_symbol_table_lies_low_and_names_what_portfs_imports() {
    for (name, symbol) in table() {
        assert!(symbol.addr != 0, "{name}");
        if symbol.kind == SymbolKind::Data {
            assert!(
                symbol.addr < 1 << 31,
                "{name} at {:#x}: tests must be linked non-PIE",
                symbol.addr
            );
        }
    }
    for name in [
        "port_send_event",
        "port_control",
        "addfd_port",
        "delfd_port",
        "polldat_associate",
        "polldat_disassociate",
        "pollwakeup",
        "port_pcache_remove_fd",
        "port_remove_fd_object",
        "fop_poll",
        "mod_syscallops32",
        "cv_timedwait_sig_hrtime",
        "getf",
        "rctl_test",
        "kmem_cache_destroy",
        "list_insert_tail",
        "__x86_indirect_thunk_r11",
        "memcpy",
        "cmn_err",
        "vn_make_ops",
        "fs_error",
        "aio_close_port",
        "copyout",
        "timechanged",
    ] {
        assert!(table().contains_key(name), "{name}");
    }
}
