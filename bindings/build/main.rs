//! Compares the layout table with the headers of a gate when `ILLUMOS_GATE` names one.
//!
//! This is the promise "builds against illumos-gate headers". The comparison needs bindgen and cc,
//! so it is behind the feature `gate`; `./x build --gate DIR` sets both. Without the feature
//! nothing is compiled here that costs time.

#[cfg(feature = "gate")]
mod check;
#[cfg(feature = "gate")]
#[macro_use]
#[path = "../src/layout.rs"]
#[allow(dead_code)]
mod layout;
// The table itself: the same source files that the crate is made of.
#[cfg(feature = "gate")]
#[path = "../src/sys/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals
)]
mod sys;

fn main() {
    println!("cargo::rerun-if-env-changed=ILLUMOS_GATE");
    println!("cargo::rerun-if-changed=build");
    let Some(gate) = std::env::var_os("ILLUMOS_GATE").filter(|gate| !gate.is_empty()) else {
        return;
    };
    compare(gate.as_ref());
}

#[cfg(not(feature = "gate"))]
fn compare(gate: &std::path::Path) {
    println!(
        "cargo::warning=ILLUMOS_GATE={} is not compared with: that takes the feature `gate` \
         (./x build --gate DIR)",
        gate.display()
    );
}

#[cfg(feature = "gate")]
fn compare(gate: &std::path::Path) {
    use check::{Claims, Gate};

    println!("cargo::rerun-if-changed=src");
    let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let result = Gate::open(gate).and_then(|gate| {
        for header in gate.watched() {
            println!("cargo::rerun-if-changed={}", header.display());
        }
        check::run(&gate, &Claims::of_this_crate(), &out)
    });
    match result {
        Ok(report) => {
            // a file rather than a warning: this is good news
            std::fs::write(out.join("gate-report.txt"), report.to_string()).expect("OUT_DIR");
        }
        Err(error) => {
            for line in error.to_string().lines() {
                println!("cargo::error={line}");
            }
            std::process::exit(1);
        }
    }
}
