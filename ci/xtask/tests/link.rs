//! Scope, names and debug split, on objects made here and linked by GNU ld.

use std::fs;
use std::path::Path;

use object::build::elf::{Builder, SectionData, Symbol};
use object::elf;
use object::write::{Object, Relocation, SectionId, StandardSection, Symbol as New, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SymbolFlags, SymbolKind, SymbolScope,
};
use xtask::link::{Link, link};
use xtask::mapfile::Mapfile;
use xtask::symbols;

const GETN: &str = "_RNvNtNtCs8NJR5qiomdy_6portfs4port4getn9port_getn";

fn mapfile(globals: &[&str]) -> Mapfile {
    let names: String = globals.iter().map(|name| format!("{name};\n")).collect();
    let text = format!("$mapfile_version 2\nSYMBOL_SCOPE {{ global:\n{names}local: *;\n}};");
    Mapfile::parse(&text).unwrap()
}

/// `_init` calls the Rust function `port_getn` and the import `mutex_enter`;
/// `stray` is global and useless; there are a label, a file symbol and debug
/// information that refers to the text.
fn object() -> Vec<u8> {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let text = object.section_id(StandardSection::Text);
    let debug = object.add_section(
        Vec::new(),
        b".debug_info".to_vec(),
        object::SectionKind::Debug,
    );
    object.append_section_data(debug, &[0; 8], 1);
    let add = |object: &mut Object<'_>, section: SectionId, name: &str, kind, scope| {
        let value = object.append_section_data(section, &[0x90; 16], 16);
        object.add_symbol(New {
            name: name.as_bytes().to_vec(),
            value,
            size: 16,
            kind,
            scope,
            weak: false,
            section: SymbolSection::Section(section),
            flags: SymbolFlags::None,
        })
    };
    object.add_file_symbol(b"portfs.cgu.0".to_vec());
    let getn = add(
        &mut object,
        text,
        GETN,
        SymbolKind::Text,
        SymbolScope::Compilation,
    );
    let init = add(
        &mut object,
        text,
        "_init",
        SymbolKind::Text,
        SymbolScope::Dynamic,
    );
    add(
        &mut object,
        text,
        "stray",
        SymbolKind::Text,
        SymbolScope::Dynamic,
    );
    add(
        &mut object,
        text,
        "a_label",
        SymbolKind::Label,
        SymbolScope::Compilation,
    );
    let enter = object.add_symbol(New {
        name: b"mutex_enter".to_vec(),
        value: 0,
        size: 0,
        kind: SymbolKind::Text,
        scope: SymbolScope::Dynamic,
        weak: false,
        section: SymbolSection::Undefined,
        flags: SymbolFlags::None,
    });
    let at = object.symbol(init).value;
    for (section, offset, symbol, r_type) in [
        (text, at, getn, elf::R_X86_64_PLT32),
        (text, at + 8, enter, elf::R_X86_64_PLT32),
        (debug, 0, getn, elf::R_X86_64_64),
    ] {
        let flags = RelocationFlags::Elf { r_type };
        object
            .add_relocation(
                section,
                Relocation {
                    offset,
                    symbol,
                    addend: -4,
                    flags,
                },
            )
            .unwrap();
    }
    object.write().unwrap()
}

fn symbol<'a, 'data>(builder: &'a Builder<'data>, name: &str) -> &'a Symbol<'data> {
    builder
        .symbols
        .iter()
        .find(|symbol| symbol.name.to_string() == name)
        .unwrap_or_else(|| panic!("no symbol {name}"))
}

#[test]
fn only_the_mapfile_decides_what_is_global() {
    let out = symbols::finish(&object(), &mapfile(&["_init"])).unwrap();
    let builder = Builder::read64(out.as_slice()).unwrap();
    assert_eq!(symbol(&builder, "_init").st_bind(), elf::STB_GLOBAL);
    assert_eq!(symbol(&builder, "stray").st_bind(), elf::STB_LOCAL);
    assert_eq!(symbol(&builder, "mutex_enter").st_bind(), elf::STB_GLOBAL);
    assert_eq!(symbol(&builder, "port_getn").st_type(), elf::STT_FUNC);
    let names: Vec<String> = builder.symbols.iter().map(|s| s.name.to_string()).collect();
    for gone in [GETN, "a_label", "portfs.cgu.0"] {
        assert!(
            !names.iter().any(|name| name == gone),
            "{gone} is still there"
        );
    }
}

#[test]
fn relocations_follow_their_symbols() {
    let out = symbols::finish(&object(), &mapfile(&["_init"])).unwrap();
    let builder = Builder::read64(out.as_slice()).unwrap();
    let section = builder
        .sections
        .iter()
        .find(|s| &s.name[..] == b".rela.text")
        .unwrap();
    let SectionData::Relocation(relocations) = &section.data else {
        panic!("no relocations")
    };
    let targets: Vec<String> = relocations
        .iter()
        .map(|r| builder.symbols.get(r.symbol.unwrap()).name.to_string())
        .collect();
    assert_eq!(targets, ["port_getn", "mutex_enter"]);
}

#[test]
fn a_name_without_a_definition_fails_and_is_named() {
    let error = symbols::finish(&object(), &mapfile(&["_init", "portdev", "mutex_enter"]));
    assert_eq!(
        error.unwrap_err().to_string(),
        "the mapfile names mutex_enter, portdev which the module does not define (no \
         #[unsafe(no_mangle)] item of that name)"
    );
}

fn link_in(dir: &Path, map: &Mapfile) -> anyhow::Result<xtask::link::Linked> {
    let input = dir.join("input.o");
    fs::write(&input, object()).unwrap();
    link(&Link {
        archive: &input,
        mapfile: map,
        script: &xtask::paths::Workspace::here().sections_script(),
        out_dir: &dir.join("out"),
    })
}

#[test]
fn debug_information_goes_to_its_own_file() {
    let dir = tempfile::tempdir().unwrap();
    let linked = link_in(dir.path(), &mapfile(&["_init"])).unwrap();
    let sections = |path: &Path| -> Vec<String> {
        let bytes = fs::read(path).unwrap();
        let builder = Builder::read64(bytes.as_slice()).unwrap();
        assert_eq!(builder.header.e_type, elf::ET_REL);
        symbol(&builder, "port_getn");
        builder
            .sections
            .iter()
            .map(|section| section.name.to_string())
            .collect()
    };
    let module = sections(&linked.module);
    assert!(
        module.iter().any(|name| name == ".gnu_debuglink"),
        "{module:?}"
    );
    assert!(
        !module.iter().any(|name| name.contains("debug_info")),
        "{module:?}"
    );
    assert!(
        sections(&linked.debug)
            .iter()
            .any(|name| name == ".debug_info")
    );
    let left: Vec<_> = fs::read_dir(dir.path().join("out")).unwrap().collect();
    assert_eq!(left.len(), 2, "scratch files stay behind: {left:?}");
}

#[test]
fn a_failed_link_leaves_the_old_module_alone() {
    let dir = tempfile::tempdir().unwrap();
    let linked = link_in(dir.path(), &mapfile(&["_init"])).unwrap();
    let before = fs::read(&linked.module).unwrap();
    link_in(dir.path(), &mapfile(&["_init", "portdev"])).unwrap_err();
    assert_eq!(fs::read(&linked.module).unwrap(), before);
    assert_eq!(fs::read_dir(dir.path().join("out")).unwrap().count(), 2);
}
