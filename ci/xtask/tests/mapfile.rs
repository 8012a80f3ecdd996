//! The mapfile reader: what it takes, and one clear line for what it refuses.

use xtask::mapfile::Mapfile;

const GOOD: &str = "\
# comment
$mapfile_version 2
SYMBOL_SCOPE {
    global: _init; _info; # two on a line
\tport_kstat ;
    local:
\t*;
};
";

#[test]
fn globals_are_the_names_under_global() {
    let map = Mapfile::parse(GOOD).unwrap();
    assert_eq!(
        map.globals().collect::<Vec<_>>(),
        ["_info", "_init", "port_kstat"]
    );
    assert!(map.is_global("_init"));
    assert!(!map.is_global("port_getn"));
}

#[test]
fn the_mapfile_of_this_repository_is_read() {
    let ws = xtask::paths::Workspace::here();
    let map = Mapfile::read(&ws.mapfile()).unwrap();
    for name in ["_init", "_info", "portfs_strict"] {
        assert!(map.is_global(name), "{name} must be global");
    }
    assert!(!map.is_global("_fini"), "the module cannot be unloaded");
}

#[track_caller]
fn refused(text: &str, message: &str) {
    let error = Mapfile::parse(text).unwrap_err().to_string();
    assert_eq!(error, message, "for:\n{text}");
}

#[test]
fn refusals_name_line_and_reason() {
    refused("", "1: the file ends where `$mapfile_version` should stand");
    refused(
        "SYMBOL_SCOPE { local: *; };",
        "1: the first directive must be `$mapfile_version 2`, found `SYMBOL_SCOPE`",
    );
    refused(
        "$mapfile_version 1\n",
        "1: mapfile version 1 is not supported, only 2",
    );
    refused(
        "$mapfile_version 2\n\nSYMBOL_VERSION X { };",
        "3: only a SYMBOL_SCOPE block is supported, found `SYMBOL_VERSION`",
    );
    let body = |body: &str| format!("$mapfile_version 2\nSYMBOL_SCOPE {{\n{body}\n}};\n");
    refused(
        &body("global: _init;"),
        "4: `local: *;` is missing, without it every symbol would be global",
    );
    refused(
        &body("global: _init; *;"),
        "3: `*` stands under `local:` only",
    );
    refused(&body("global: a;\na; local: *;"), "4: a is named twice");
    refused(
        &body("local: a; *;"),
        "3: a must stand under `global:` (`local: *` covers the rest)",
    );
    refused(
        &body("_init; local: *;"),
        "3: _init must stand under `global:` (`local: *` covers the rest)",
    );
    refused(
        &body("hidden: a; local: *;"),
        "3: unknown scope `hidden`, only global and local",
    );
    refused(
        &body("global: a { TYPE = function }; local: *;"),
        "3: `;` must follow a, found `{` (attributes are not supported)",
    );
    refused(
        &body("global: 9a; local: *;"),
        "3: `9a` is not a symbol name",
    );
    refused(
        "$mapfile_version 2\nSYMBOL_SCOPE { global: a; local: *;",
        "2: the file ends where `}` should stand",
    );
    refused(
        "$mapfile_version 2\nSYMBOL_SCOPE { local: *; };\nSYMBOL_SCOPE { local: *; };",
        "3: only one SYMBOL_SCOPE block is supported, found `SYMBOL_SCOPE`",
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = Mapfile::read("no/such.map".as_ref()).unwrap_err();
    assert!(format!("{error:#}").starts_with("cannot read the mapfile no/such.map: "));
}
