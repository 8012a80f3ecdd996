//! Tests are linked at a fixed address: the kernel functions they hold must
//! lie below 2 GiB, where a module's 32-bit relocations reach them.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-tests=-no-pie");
}
