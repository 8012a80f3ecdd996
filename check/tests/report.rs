//! The report: for people, and as JSON.

use check::rules::RULES;
use check::{Options, Report, check_module};

use crate::fixture::{Fixture, with};

fn report(bytes: &[u8]) -> Report {
    check_module(bytes, &Options::default()).expect("the file is a module")
}

#[test]
fn facts_of_the_good_module() {
    let facts = report(&Fixture::good().bytes().0).facts;
    let imports: Vec<(&str, Option<&str>)> = facts
        .imports
        .iter()
        .map(|i| (i.name.as_str(), i.provider))
        .collect();
    assert_eq!(
        imports,
        [
            ("__dtrace_probe_port__get", Some("krtld")),
            ("__x86_indirect_thunk_rax", Some("unix")),
            ("copyout", Some("unix")),
            ("mod_info", Some("genunix")),
            ("mod_install", Some("genunix")),
        ]
    );
    assert_eq!(facts.exports, ["_info", "_init", "linkage"]);
    assert_eq!(
        facts.functions,
        ["_info", "_init", "memset", "port_close", "port_get"]
    );
    assert_eq!((facts.data, facts.bss, facts.rodata), (24, 64, 32));
    assert!(!facts.unloadable && facts.depends_on.is_empty());
    // Return address, saved %rbp, 0x20 of locals, and up to 63 to align.
    let frame = facts.largest_frame.unwrap();
    assert_eq!(
        (frame.function.as_str(), frame.bytes),
        ("port_get", 8 + 8 + 0x20 + 63)
    );
    // port_get calls its own address through the thunk, and that calls port_close.
    let chain: Vec<(&str, u64, bool)> = facts
        .deepest_chain
        .iter()
        .map(|link| (link.function.as_str(), link.bytes, link.indirect))
        .collect();
    assert_eq!(
        chain,
        [
            ("port_get", 111, false),
            ("port_get", 111, true),
            ("port_close", 16, false)
        ]
    );
    assert_eq!(facts.deepest_chain_bytes, 111 + 111 + 16);
}

#[test]
fn dependencies_come_from_dynamic() {
    let mut fixture = Fixture::good();
    fixture.section(".dynstr", 3, 0, b"\0fs/specfs\0");
    // DT_NEEDED 1, DT_FLAGS_1 IGNMULDEF, DT_NULL
    let mut entries = Vec::new();
    for word in [1_u64, 1, 0x6fff_fffb, 0x40000, 0, 0] {
        entries.extend(word.to_le_bytes());
    }
    fixture.section(".dynamic", 6, 0, &entries);
    let file = fixture.bytes();
    let strings = file.index(".dynstr");
    let file = file.header_field(".dynamic", crate::fixture::sh::LINK, &[strings]);
    let report = report(&file.0);
    assert_eq!(report.facts.depends_on, ["fs/specfs"]);
    let rule = report.rule("multiply-defined").unwrap();
    assert_eq!(rule.outcome, check::Outcome::NotApplicable);
}

#[test]
fn people_see_every_rule_and_every_reason() {
    let text = report(&with(|f| f.code(&[0x0f, 0x28, 0xc1])).0).to_string();
    for rule in RULES {
        assert!(
            text.contains(rule.name) && text.contains(rule.explanation),
            "{}",
            rule.name
        );
    }
    let line = text
        .lines()
        .find(|line| line.contains("%xmm"))
        .expect("the finding");
    assert!(line.contains("extra+0x4 (.text+0x"), "{line}");
    assert!(text.contains("FAIL  no-float"));
    let verdict = format!("1 of {} rules failed: no-float", RULES.len());
    assert!(text.trim_end().ends_with(&verdict), "{text}");
    assert!(!text.contains('\x1b'));
}

#[test]
fn colour_is_a_choice() {
    let mut out = Vec::new();
    report(&Fixture::good().bytes().0)
        .print(&mut out, true)
        .unwrap();
    assert!(String::from_utf8(out).unwrap().contains("\x1b[32mok"));
}

#[test]
fn long_lists_are_cut_for_people_only() {
    let report = report(&with(|f| f.code(&[0xfa; 40])).0);
    assert_eq!(report.rule("no-privileged").unwrap().findings.len(), 40);
    let text = report.to_string();
    assert_eq!(text.matches(": cli:").count(), 12);
    assert!(text.contains("... and 28 more"));
}

#[test]
fn json_has_everything() {
    let json = serde_json::to_value(report(&with(|f| f.code(&[0xfa])).0)).unwrap();
    let rules = json["rules"].as_array().unwrap();
    assert_eq!(rules.len(), RULES.len());
    let failed: Vec<&serde_json::Value> =
        rules.iter().filter(|r| r["outcome"] == "failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["name"], "no-privileged");
    let place = &failed[0]["findings"][0]["place"];
    assert_eq!(
        (&place["section"], &place["symbol"]),
        (&".text".into(), &"extra".into())
    );
    assert_eq!(json["facts"]["imports"][2]["provider"], "unix");
    assert_eq!(json["facts"]["deepest_chain"][1]["indirect"], true);
}
