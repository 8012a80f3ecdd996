//! Relocation tables and entries.

use crate::fixture::{Accepted, Fixture, Negative, R_64, R_PLT32, no, sh, with, yes};

pub fn refused() -> Vec<Negative> {
    let good = || Fixture::good().bytes();
    let word = |kind| Fixture::good().word("port_max_list", kind).bytes();
    let mut rel = Fixture::good();
    rel.section(".rel.data", 9, 0, &[]);
    let mut got = Fixture::good();
    got.section(".got", 1, 3, &[0; 8]);
    let mut tls = Fixture::good();
    tls.section(".tdata", 1, 0x403, &[0; 8]);
    let mut tls_symbol = Fixture::good();
    tls_symbol.object_symbol("counter", 0x06, ".data", &[0; 8]);
    let entry = good().contents(".rela.data");

    let mut list = vec![
        no(
            "no-rel",
            "a REL table",
            "section .rel.data has type SHT_REL",
            rel.bytes(),
        ),
        no(
            "rela-links",
            "a table of another symbol table",
            "sh_link 1 is not the symbol table",
            good().header_field(".rela.data", sh::LINK, &[1]),
        ),
        no(
            "rela-links",
            "a table of no section",
            "sh_info 255 is no section",
            good().header_field(".rela.data", sh::INFO, &[255]),
        ),
        no(
            "rela-links",
            "entries of size zero",
            "sh_entsize 0 is not 24",
            good().header_field(".rela.data", sh::ENTSIZE, &[0]),
        ),
        no(
            "rela-links",
            "a symbol that does not exist",
            "names symbol 4095",
            good().patch(entry + 12, &[0xff, 0x0f]),
        ),
        no(
            "reloc-bounds",
            "a field behind the section",
            "writes outside the 24 bytes of .data",
            good().patch(entry, &[0x14]),
        ),
        no(
            "reloc-bounds",
            "a field far away",
            "writes outside",
            good().patch(entry, &[0xff; 8]),
        ),
        no(
            "reloc-zero-fields",
            "an 8-byte field",
            "holds 01 00 00 00 00 00 00 00",
            {
                let file = good();
                let at = file.contents(".data") + 8;
                file.patch(at, &[1])
            },
        ),
        no(
            "reloc-zero-fields",
            "a 4-byte field",
            "mod_install holds fc ff ff ff",
            {
                let file = good();
                // push; mov; movq $imm32; call: the distance stands at 12.
                let at = file.contents(".text") + 12;
                file.patch(at, &[0xfc, 0xff, 0xff, 0xff])
            },
        ),
        no(
            "no-gotpcrel",
            "an indirect reference in text",
            "R_X86_64_REX_GOTPCRELX against port_max_list",
            with(|f| f.field(&[0x48, 0x8b, 0x05], "port_max_list", 42)),
        ),
        no("no-gotpcrel", "a table", "section .got", got.bytes()),
        no(
            "no-gotpcrel",
            "the table's name",
            "_GLOBAL_OFFSET_TABLE_ is needed",
            {
                let mut fixture = Fixture::good();
                fixture.undefined("_GLOBAL_OFFSET_TABLE_", 0x10);
                fixture.bytes()
            },
        ),
        no("no-tls", "a section", "section .tdata", tls.bytes()),
        no("no-tls", "a symbol", "symbol counter", tls_symbol.bytes()),
        no("no-ifunc", "a relocation", "R_X86_64_IRELATIVE", word(37)),
    ];
    for kind in [0, 5, 6, 7, 8, 10, 12, 13, 14, 15, 32, 33, 38, 43, 77] {
        list.push(no(
            "reloc-types",
            "a type",
            "against port_max_list",
            word(kind),
        ));
    }
    for kind in [3, 9, 25, 26, 27, 28, 29, 30, 31, 41] {
        list.push(no(
            "no-gotpcrel",
            "a type",
            "against port_max_list",
            word(kind),
        ));
    }
    for kind in [16, 17, 18, 19, 20, 21, 22, 23, 34, 35, 36] {
        list.push(no("no-tls", "a type", "against port_max_list", word(kind)));
    }
    list
}

pub fn accepted() -> Vec<Accepted> {
    let mut list = vec![
        yes("a weak symbol that the kernel has", {
            let mut fixture = Fixture::good();
            fixture.undefined("kmem_free", 0x20);
            fixture.function("extra", 2, |f| {
                f.code(crate::fixture::ENTER)
                    .call("kmem_free")
                    .code(crate::fixture::LEAVE)
            });
            fixture.bytes()
        }),
        yes("a table in .rodata", {
            let mut fixture = Fixture::good();
            fixture.relocate(".rodata", 24, "port_close", R_64);
            fixture.bytes()
        }),
    ];
    for kind in check::reloc::ALLOWED
        .into_iter()
        .filter(|&kind| kind != R_PLT32)
    {
        let file = Fixture::good().word("port_max_list", kind).bytes();
        list.push(yes("a type that krtld applies", file));
    }
    list
}
