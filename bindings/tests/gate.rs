//! The comparison with a gate's headers: on small headers of our own, and on a real gate when
//! `ILLUMOS_GATE` names one.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use bindings::layout::{self, Constant, Field, Function, Record, Scalar, Value};

#[allow(dead_code, reason = "the build script uses the rest")]
#[path = "../build/check/mod.rs"]
mod check;

use check::{Claims, Error, Gate, Report};

/// Headers of a small kernel that never was.
const PORT_IMPL: &str = r#"
#include <sys/types.h>
#include <sys/priv_const.h>
typedef struct box {
    int box_width;
    long box_height;
    char *box_label;
    struct box *box_next;
    union { int whole; char bytes[8]; } box_any;
    int (*box_lift)(struct box *, short);
    unsigned int box_open : 1, box_heavy : 3;
    unsigned box_sets[PRIV_NSET * PRIV_SETSIZE];
} box_t;
struct lid { unsigned char lid_color; };
enum box_kind { BOX_WOOD, BOX_PAPER = 7 };
#define BOX_MAX ((long)sizeof (box_t) * 2)
#define BOX_FLAGS 0xf0000000u
#define BOX_NONE (-1)
#define BOX_NAME "box"
extern int box_send(box_t *, const char *, ...);
"#;
const TYPES: &str = "typedef int weight_t;\n";
const PRIVILEGES: &str =
    "privilege PRIV_ONE\n\n\ttext\n\nbasic privilege PRIV_TWO\n\nset PRIV_A\n\tx\nset PRIV_B\n";

/// What is claimed about them.
fn claims() -> Claims {
    const HEADER: &str = "sys/port_impl.h";
    const fn field(name: &'static str, offset: usize, size: usize, ty: &'static str) -> Field {
        Field {
            name,
            offset,
            size,
            ty,
        }
    }
    const BOX: &[Field] = &[
        field("box_width", 0, 4, "c_int"),
        field("box_height", 8, 8, "c_long"),
        field("box_label", 16, 8, "*mut c_char"),
        field("box_next", 24, 8, "*mut box_t"),
        field("box_any", 32, 8, "box_any_t"),
        field(
            "box_lift",
            40,
            8,
            "Option<unsafe extern \"C\" fn(*mut box_t, c_short) -> c_int>",
        ),
        field("_pad_bits", 48, 4, "c_uint"),
        field("box_sets", 52, 8, "[c_uint; 2]"),
    ];
    const ANY: &[Field] = &[
        field("whole", 0, 4, "c_int"),
        field("bytes", 0, 8, "[c_char; 8]"),
    ];
    const LID: &[Field] = &[field("lid_color", 0, 1, "u8")];
    let int = |name, value| Constant {
        name,
        header: HEADER,
        value: Value::Int(value),
    };
    Claims {
        scalars: vec![Scalar {
            name: "weight_t",
            header: "sys/types.h",
            size: 4,
            signed: true,
        }],
        records: vec![
            record("box_t", "box_t", "", 64, 8, BOX),
            record("box_any_t", "box_t", "box_any", 8, 4, ANY),
            record("lid", "struct lid", "", 1, 1, LID),
        ],
        constants: vec![
            int("BOX_MAX", 128),
            int("BOX_FLAGS", 0xf000_0000),
            int("BOX_NONE", -1),
            int("BOX_PAPER", 7),
            Constant {
                name: "BOX_NAME",
                header: HEADER,
                value: Value::Str(c"box"),
            },
        ],
        signatures: Vec::new(),
        functions: vec![Function {
            name: "box_send",
            header: HEADER,
            args: &["*mut box_t", "*const c_char", "..."],
            ret: "c_int",
        }],
    }
}

fn record(
    name: &'static str,
    c: &'static str,
    path: &'static str,
    size: usize,
    align: usize,
    fields: &'static [Field],
) -> Record {
    Record {
        name,
        c,
        path,
        header: "sys/port_impl.h",
        size,
        align,
        fields,
    }
}

fn empty_dir(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("gate-{name}"));
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn put(root: &Path, file: &str, text: &str) {
    let path = root.join("usr/src/uts").join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A gate with these contents of port_impl.h, compared with these claims.
fn compare(name: &str, port_impl: &str, claims: &Claims) -> Result<Report, Error> {
    let dir = empty_dir(name);
    put(&dir, "common/sys/port_impl.h", port_impl);
    put(&dir, "common/sys/port_kernel.h", "");
    put(&dir, "common/sys/types.h", TYPES);
    put(&dir, "common/os/priv_defs", PRIVILEGES);
    put(&dir, "intel/sys/machtypes.h", "");
    let out = dir.join("out");
    fs::create_dir(&out).unwrap();
    check::run(&Gate::open(&dir)?, claims, &out)
}

/// The lines about what differs. Without libclang there is nothing to test: says so.
fn differences(result: Result<Report, Error>) -> Option<Vec<String>> {
    match result {
        Ok(_) => Some(Vec::new()),
        Err(Error::Differs(lines)) => Some(lines),
        Err(Error::Tool(line)) if line.contains("needs libclang") => {
            println!("skipped: {line}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_same_headers_agree() {
    match compare("same", PORT_IMPL, &claims()) {
        Ok(report) => {
            assert!(report.by_clang > 30, "{report}");
            assert!(report.by_cc > 30, "{report}");
        }
        Err(error) => assert!(differences(Err(error)).is_none()),
    }
}

#[test]
fn every_difference_is_named() {
    let text = PORT_IMPL
        .replace("    long box_height;\n", "")
        .replace(
            "    char *box_label;",
            "    char *box_label; long box_height;",
        )
        .replace("bytes[8]", "bytes[9]")
        .replace("(struct box *, short)", "(struct box *, long)")
        .replace("BOX_PAPER = 7", "BOX_PAPER = 8")
        .replace("0xf0000000u", "0xf0000001u")
        .replace("(-1)", "(-2)")
        .replace("\"box\"", "\"bag\"")
        .replace("(box_t *, const char *, ...)", "(box_t *, ...)")
        .replace("lid_color", "lid_paint");
    let Some(lines) = differences(compare("differs", &text, &claims())) else {
        return;
    };
    for wanted in [
        "box_t.box_height offset: expected 8, the gate has 16 (sys/port_impl.h)",
        "box_t.box_label offset: expected 16, the gate has 8 (sys/port_impl.h)",
        "box_any_t size: expected 8, the gate has 12 (sys/port_impl.h)",
        "box_any_t.bytes size: expected 8, the gate has 9 (sys/port_impl.h)",
        "box_t.box_sets offset: expected 52, the gate has 60 (sys/port_impl.h)",
        "box_t size: expected 64, the gate has 72 (sys/port_impl.h)",
        "BOX_PAPER: expected 7, the gate has 8 (sys/port_impl.h)",
        "BOX_FLAGS: expected 4026531840, the gate has 4026531841 (sys/port_impl.h)",
        "BOX_NONE: expected -1, the gate has -2 (sys/port_impl.h)",
        "BOX_NAME: expected \"box\", the gate has \"bag\" (sys/port_impl.h)",
        "lid.lid_color: expected it, the gate has none (sys/port_impl.h)",
    ] {
        assert!(
            lines.iter().any(|l| l == wanted),
            "{wanted}\nis not in\n{}",
            lines.join("\n")
        );
    }
    // what only bindgen sees
    for wanted in ["box_t.box_lift type: ", "box_send(): "] {
        assert!(
            lines.iter().any(|l| l.starts_with(wanted)),
            "{wanted}\n{}",
            lines.join("\n")
        );
    }
    // and nothing else moved
    assert!(
        !lines.iter().any(|l| l.contains("box_width")),
        "{}",
        lines.join("\n")
    );
}

#[test]
fn what_is_gone_is_named() {
    let text = PORT_IMPL
        .replace("struct lid { unsigned char lid_color; };", "")
        .replace("#define BOX_NONE (-1)", "")
        .replace("extern int box_send(box_t *, const char *, ...);", "");
    let Some(lines) = differences(compare("gone", &text, &claims())) else {
        return;
    };
    for wanted in ["lid", "BOX_NONE: ", "box_send(): "] {
        let named = |l: &String| l.starts_with(wanted) && l.contains("the gate has none");
        assert!(
            lines.iter().any(named),
            "{wanted}\nis not in\n{}",
            lines.join("\n")
        );
    }
}

#[test]
fn a_changed_scalar_is_named() {
    let mut claims = claims();
    claims.scalars[0].signed = false;
    let Some(lines) = differences(compare("scalar", PORT_IMPL, &claims)) else {
        return;
    };
    assert!(
        lines.iter().any(|l| l.starts_with("weight_t")),
        "{}",
        lines.join("\n")
    );
}

#[test]
fn an_unreadable_header_is_one_line() {
    let text = format!("{PORT_IMPL}\n#error no kernel here\n");
    let Err(Error::Tool(line)) = compare("unreadable", &text, &claims()) else {
        panic!("a header with an error was accepted")
    };
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(
        line.contains("no kernel here") || line.contains("libclang"),
        "{line}"
    );
}

#[test]
fn what_is_no_gate_is_one_line() {
    let dir = empty_dir("none");
    for path in [dir.clone(), dir.join("nowhere")] {
        let Err(Error::NotAGate(line)) = Gate::open(&path) else {
            panic!("{}", path.display())
        };
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.contains(&*path.to_string_lossy()), "{line}");
        assert!(
            line.contains("usr/src/uts/common/sys/port_impl.h does not exist"),
            "{line}"
        );
    }
    // half a gate
    put(&dir, "common/sys/port_impl.h", "");
    let Err(Error::NotAGate(line)) = Gate::open(&dir) else {
        panic!("half a gate")
    };
    assert!(line.contains("port_kernel.h does not exist"), "{line}");
}

fn real_gate() -> Option<PathBuf> {
    let gate = std::env::var_os("ILLUMOS_GATE").map(PathBuf::from);
    if gate.is_none() {
        println!("skipped: ILLUMOS_GATE names no gate");
    }
    gate
}

/// A directory that shows the files of another one.
fn mirror(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        symlink(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn the_gate_agrees() {
    let Some(gate) = real_gate() else { return };
    let gate = Gate::open(&gate).unwrap_or_else(|e| panic!("{e}"));
    let report = check::run(&gate, &Claims::of_this_crate(), &empty_dir("real"))
        .unwrap_or_else(|e| panic!("{e}"));
    let fields: usize = layout::records().map(|r| r.fields.len()).sum();
    assert!(report.by_cc > 2 * fields, "{report}");
    assert!(report.by_clang > 2 * fields, "{report}");
}

#[test]
fn a_moved_field_of_the_gate_is_named() {
    let Some(gate) = real_gate() else { return };
    let dir = empty_dir("moved");
    let (uts, mine) = (gate.join("usr/src/uts"), dir.join("usr/src/uts"));
    mirror(&uts, &mine);
    fs::remove_file(mine.join("common")).unwrap();
    mirror(&uts.join("common"), &mine.join("common"));
    fs::remove_file(mine.join("common/sys")).unwrap();
    mirror(&uts.join("common/sys"), &mine.join("common/sys"));

    // portq_getn changes places with the line before it
    let header = mine.join("common/sys/port_impl.h");
    let text = fs::read_to_string(&header).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.contains("portq_getn;"))
        .unwrap();
    lines.swap(at - 1, at);
    fs::remove_file(&header).unwrap();
    fs::write(&header, lines.join("\n") + "\n").unwrap();

    let out = dir.join("out");
    fs::create_dir(&out).unwrap();
    let result = check::run(&Gate::open(&dir).unwrap(), &Claims::of_this_crate(), &out);
    let Err(Error::Differs(lines)) = result else {
        panic!("the move was not noticed")
    };
    let wanted = "port_queue_t.portq_getn offset: expected 32, the gate has 28 (sys/port_impl.h)";
    assert!(
        lines.iter().any(|line| line == wanted),
        "{}",
        lines.join("\n")
    );
    assert_eq!(lines.len(), 2, "{}", lines.join("\n"));
}
