//! Compares the layout table with the layouts and constants that were measured on real headers.
//!
//! The measurements lie beside the repository (`../shared/abi`); without them the comparison is
//! skipped with a message. That the table is complete is checked in any case.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use bindings::layout::{self, Constant, Record, Scalar, Value};
use serde_json::Value as Json;

/// Defined here after the headers alone; only a gate can confirm them.
const UNMEASURED_RECORDS: [&str; 6] = [
    "clock_backend_t",
    "fpollinfo_t",
    "itimerspec32_t",
    "plock",
    "task_t",
    "uf_rlist_t",
];
/// As above, for constants.
const UNMEASURED_CONSTANTS: [&str; 4] = ["NSIG", "TASK_FINAL", "TASK_NORMAL", "VOPNAME_PATHCONF"];

fn measurements() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/abi");
    if dir.join("layouts.json").is_file() && dir.join("constants.json").is_file() {
        return Some(dir);
    }
    println!("skipped: no measured layouts at {}", dir.display());
    None
}

fn read(path: &Path) -> Json {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn number(value: &Json) -> usize {
    value.as_u64().expect("a size or offset") as usize
}

/// The measured form of a record: size, alignment when known, and members by name.
struct Measured {
    size: usize,
    align: Option<usize>,
    fields: BTreeMap<String, (usize, usize)>,
}

fn measured(layouts: &Json, record: &Record) -> Option<Measured> {
    let entry = [&layouts["types"], &layouts["aux"]]
        .into_iter()
        .find_map(|m| m.get(record.c))?;
    let all = entry["fields"].as_array()?;
    if record.path.is_empty() {
        let fields = all
            .iter()
            .filter(|f| f.get("bit_offset").is_none())
            .map(|f| (f["name"].as_str().unwrap(), f))
            .filter(|(name, _)| !name.contains('.'))
            .map(|(name, f)| (name.to_owned(), (number(&f["offset"]), number(&f["size"]))))
            .collect();
        return Some(Measured {
            size: number(&entry["size"]),
            align: Some(number(&entry["align"])),
            fields,
        });
    }
    // a member without a type name: the measurements list what is inside under its path
    let member = all.iter().find(|f| f["name"] == record.path)?;
    let base = number(&member["offset"]);
    let prefix = format!("{}.", record.path);
    let fields = all
        .iter()
        .filter_map(|f| Some((f["name"].as_str()?.strip_prefix(&prefix)?, f)))
        .filter(|(name, _)| !name.contains('.'))
        .map(|(name, f)| {
            (
                name.to_owned(),
                (number(&f["offset"]) - base, number(&f["size"])),
            )
        })
        .collect();
    Some(Measured {
        size: number(&member["size"]),
        align: None,
        fields,
    })
}

/// Differences between a record and its measured form.
fn differences(record: &Record, measured: &Measured) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: String, ours: usize, theirs: usize| {
        if ours != theirs {
            found.push(format!(
                "{}{what}: {ours} here, {theirs} measured",
                record.name
            ));
        }
    };
    differ(" size".into(), record.size, measured.size);
    if let Some(align) = measured.align {
        differ(" alignment".into(), record.align, align);
    }
    let mut missing = Vec::new();
    for field in record.fields.iter().filter(|f| !f.is_padding()) {
        match measured.fields.get(field.name) {
            Some(&(offset, size)) => {
                differ(format!(".{} offset", field.name), field.offset, offset);
                differ(format!(".{} size", field.name), field.size, size);
            }
            None => missing.push(format!("{}.{}: not measured", record.name, field.name)),
        }
    }
    found.extend(missing);
    found
}

#[test]
fn records_are_as_measured() {
    let Some(dir) = measurements() else { return };
    let layouts = read(&dir.join("layouts.json"));
    let mut found = Vec::new();
    let mut unmeasured = BTreeSet::new();
    let mut compared = 0;
    for record in layout::records() {
        match measured(&layouts, record) {
            Some(measured) => {
                compared += 1;
                found.extend(differences(record, &measured));
            }
            None => {
                unmeasured.insert(record.name);
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    assert_eq!(unmeasured, BTreeSet::from(UNMEASURED_RECORDS));
    assert!(compared > 100, "only {compared} records were compared");
}

#[test]
fn scalars_are_as_measured() {
    let Some(dir) = measurements() else { return };
    let layouts = read(&dir.join("layouts.json"));
    let mut compared = 0;
    for Scalar { name, size, .. } in layout::scalars() {
        let Some(entry) = layouts["types"].get(*name) else {
            continue;
        };
        assert_eq!(*size, number(&entry["size"]), "size of {name}");
        compared += 1;
    }
    assert!(compared > 25, "only {compared} scalars were compared");
}

#[test]
fn constants_are_as_measured() {
    let Some(dir) = measurements() else { return };
    let constants = read(&dir.join("constants.json"));
    let mut integers: BTreeMap<&str, i128> = BTreeMap::new();
    let mut strings: BTreeMap<&str, &str> = BTreeMap::new();
    for header in constants["integers"].as_object().unwrap().values() {
        for (name, value) in header.as_object().unwrap() {
            let value = value
                .as_i64()
                .map(i128::from)
                .or(value.as_u64().map(i128::from));
            integers.insert(name, value.expect("an integer"));
        }
    }
    for header in constants["enums"].as_object().unwrap().values() {
        for set in header.as_array().unwrap() {
            for (name, value) in set["values"].as_object().unwrap() {
                integers.insert(name, value.as_i64().expect("an integer").into());
            }
        }
    }
    for header in constants["strings"].as_object().unwrap().values() {
        for (name, value) in header.as_object().unwrap() {
            strings.insert(name, value.as_str().unwrap());
        }
    }
    let mut unmeasured = BTreeSet::new();
    let mut compared = 0;
    for Constant { name, value, .. } in layout::constants() {
        let measured = match *value {
            Value::Int(ours) => integers
                .get(name)
                .map(|&theirs| (ours == theirs, theirs.to_string())),
            Value::Str(ours) => strings
                .get(name)
                .map(|&theirs| (ours.to_bytes() == theirs.as_bytes(), theirs.to_owned())),
        };
        match measured {
            Some((same, theirs)) => assert!(same, "{name}: {value:?} here, {theirs} measured"),
            None => {
                unmeasured.insert(*name);
                continue;
            }
        }
        compared += 1;
    }
    assert_eq!(unmeasured, BTreeSet::from(UNMEASURED_CONSTANTS));
    assert!(compared > 500, "only {compared} constants were compared");
}

/// The comparison itself has to notice a value that is off.
#[test]
fn a_wrong_measurement_is_noticed() {
    let record = layout::records()
        .find(|r| r.name == "port_queue_t")
        .unwrap();
    let right = || Measured {
        size: record.size,
        align: Some(record.align),
        fields: record
            .fields
            .iter()
            .map(|f| (f.name.into(), (f.offset, f.size)))
            .collect(),
    };
    assert!(differences(record, &right()).is_empty());

    let mut wrong = right();
    wrong.size += 8;
    wrong.align = Some(4);
    wrong.fields.insert("portq_getn".into(), (36, 4));
    wrong.fields.insert("portq_list".into(), (56, 24));
    wrong.fields.remove("portq_alert");
    assert_eq!(
        differences(record, &wrong),
        [
            "port_queue_t size: 160 here, 168 measured",
            "port_queue_t alignment: 8 here, 4 measured",
            "port_queue_t.portq_getn offset: 32 here, 36 measured",
            "port_queue_t.portq_list size: 32 here, 24 measured",
            "port_queue_t.portq_alert: not measured",
        ]
    );
}

/// Every structure and constant of `src/sys` is in the table: the sources define none beside the
/// macros, and the number of definitions is the number of rows.
#[test]
fn the_table_is_complete() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sys");
    let (mut records, mut constants) = (BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        let mut inside = "";
        for line in fs::read_to_string(&path).unwrap().lines() {
            let at = || format!("{}: {line}", path.display());
            if let Some(name) = line.strip_suffix("! {") {
                inside = match name {
                    "layouts" => "layouts",
                    "constants" | "strings" => "constants",
                    _ => "other",
                };
            } else if line == "}" {
                inside = "";
            }
            let words: Vec<&str> = line.split([' ', ':']).filter(|w| !w.is_empty()).collect();
            match (inside, words.as_slice()) {
                ("layouts", ["struct" | "union", name, ..]) => {
                    assert!(records.insert((*name).to_owned()), "twice: {}", at());
                }
                ("constants", [name, .., value]) if line.contains(" = ") => {
                    assert!(value.ends_with(';'), "{}", at());
                    constants.insert((*name).to_owned());
                }
                (_, ["pub", "struct" | "union" | "enum" | "const", ..])
                    if !line.contains("const fn") =>
                {
                    panic!("outside of the table: {}", at())
                }
                _ => {}
            }
        }
    }
    let listed: BTreeSet<String> = layout::records().map(|r| r.name.to_owned()).collect();
    assert_eq!(records, listed);
    let listed: BTreeSet<String> = layout::constants().map(|c| c.name.to_owned()).collect();
    assert_eq!(constants, listed);
}

/// No name of a C type is claimed twice.
#[test]
fn c_types_have_one_record() {
    let mut seen = BTreeSet::new();
    for record in layout::records() {
        assert!(
            seen.insert((record.c, record.path)),
            "{} {}",
            record.c,
            record.path
        );
    }
}
