//! Header and sections.

use crate::fixture::{Accepted, Fixture, Negative, no, sh, yes};

pub fn refused() -> Vec<Negative> {
    let good = || Fixture::good().bytes();
    let mut many = Fixture::good();
    for number in 0..60 {
        many.section(&format!(".text.f{number}"), 1, 0, &[0]);
    }
    let mut extended = Fixture::good();
    extended.section(".symtab_shndx", 18, 0, &[0; 8]);
    let mut loaded = Fixture::good();
    loaded.section(".debug_info", 1, 2, &[0; 16]);
    let mut relocated = Fixture::good();
    relocated.section(".debug_info", 1, 0, &[0; 16]);
    relocated.relocate(".debug_info", 8, ".text", 1);

    vec![
        no(
            "elf-header",
            "unknown flags",
            "e_flags is 0x5",
            good().patch(48, &[5]),
        ),
        no(
            "elf-header",
            "version 2",
            "e_version is 2",
            good().patch(20, &[2]),
        ),
        no(
            "elf-header",
            "header size",
            "e_ehsize is 52",
            good().patch(52, &[52]),
        ),
        no(
            "elf-header",
            "program headers",
            "program headers",
            good().patch(56, &[1]),
        ),
        no(
            "section-count",
            "a section per function",
            "at most 64",
            many.bytes(),
        ),
        no(
            "section-count",
            "extended indexes",
            "extended section",
            extended.bytes(),
        ),
        no(
            "section-count",
            "a symbol with an extended index",
            "symbol linkage has an extended section index",
            {
                let file = good();
                let at = file.symbol("linkage");
                file.patch(at + 6, &[0xff, 0xff])
            },
        ),
        no(
            "section-address",
            "data at an address",
            "section .data has address 0x1000",
            good().header_field(".data", sh::ADDR, &[0, 0x10]),
        ),
        no(
            "section-address",
            "relocations at an address",
            "already in memory",
            good().header_field(".rela.text", sh::ADDR, &[8]),
        ),
        no(
            "text-not-writable",
            "writable text",
            "section .text is writable and executable",
            good().header_field(".text", sh::FLAGS, &[7]),
        ),
        no(
            "debug-sections",
            "loaded DWARF",
            ".debug_info is loaded",
            loaded.bytes(),
        ),
        no(
            "debug-sections",
            "relocated DWARF",
            "never frees them",
            relocated.bytes(),
        ),
    ]
}

pub fn accepted() -> Vec<Accepted> {
    let mut debug = Fixture::good();
    debug.section(".debug_line", 1, 0, &[1; 16]);
    debug.section(".SUNW_ctf", 1, 0, &[1; 16]);
    vec![
        yes(
            "debug information that is not loaded and not relocated",
            debug.bytes(),
        ),
        // `ld -r -e _init` leaves the offset of _init there.
        yes("an entry point", Fixture::good().bytes().patch(24, &[0x40])),
    ]
}
