//! C-like names for Rust symbols. The mangled names are of the v0 scheme, as
//! the kernel build makes them.

use std::collections::HashMap;

use xtask::names::rename;

const GETN: &str = "_RNvNtNtCs8NJR5qiomdy_6portfs4port4getn9port_getn";
const CLOSE_IN_SEND: &str = "_RNvNtNtCs8NJR5qiomdy_6portfs4port4send5close";
const CLOSE_IN_GETN: &str = "_RNvNtNtCs8NJR5qiomdy_6portfs4port4getn5close";
const CLOSE_AT_TOP: &str = "_RNvCs8NJR5qiomdy_6portfs5close";
/// `<portfs::port::queue::PortQueue>::push`
const PUSH: &str = "_RNvMNtNtCs8NJR5qiomdy_6portfs4port5queueNtNtNtCs8NJR5qiomdy_6portfs4port5queue9PortQueue4push";
/// `<portfs::port::queue::PortQueue>::port_close`
const PORT_CLOSE: &str = "_RNvMNtNtCs8NJR5qiomdy_6portfs4port5queueNtNtNtCs8NJR5qiomdy_6portfs4port5queue9PortQueue10port_close";
/// `<portfs::port::queue::PortQueue as core::ops::drop::Drop>::drop`
const DROP: &str = "_RNvXNtNtCs8NJR5qiomdy_6portfs4port5queueNtNtNtCs8NJR5qiomdy_6portfs4port5queue9PortQueueNtNtNtCs6ysDvPJI4CJ_4core3ops4drop4Drop4drop";
/// `portfs::port::getn::port_getn::{closure#0}`
const CLOSURE: &str = "_RNCNvNtNtCs8NJR5qiomdy_6portfs4port4getn9port_getn0";
/// `portfs::port::getn::find::<usize>`
const GENERIC: &str = "_RINvNtNtCs8NJR5qiomdy_6portfs4port4getn4findjE";
/// `core::ops::drop::close`
const CORE: &str = "_RNvNtNtCs6ysDvPJI4CJ_4core3ops4drop5close";

fn names(symbols: &[&'static str]) -> HashMap<&'static str, String> {
    rename(symbols.iter().copied())
}

#[test]
fn a_function_is_called_by_its_last_component() {
    let names = names(&[GETN, "_init", "mutex_enter"]);
    assert_eq!(names.len(), 1);
    assert_eq!(names[GETN], "port_getn");
}

#[test]
fn a_shared_name_gets_the_module_in_front() {
    let names = names(&[CLOSE_IN_SEND, CLOSE_IN_GETN, CLOSE_AT_TOP]);
    assert_eq!(names[CLOSE_IN_SEND], "send_close");
    assert_eq!(names[CLOSE_IN_GETN], "getn_close");
    assert_eq!(names[CLOSE_AT_TOP], "portfs_close");
}

#[test]
fn a_name_of_the_kernel_or_of_an_export_is_never_taken() {
    let names = names(&[CLOSE_IN_SEND, "close", GETN, "port_getn", "getn_port_getn"]);
    assert_eq!(names[CLOSE_IN_SEND], "send_close");
    assert_eq!(names.get(GETN), None, "both of its names are taken");
}

#[test]
fn methods_carry_their_type_unless_they_have_the_prefix_of_c() {
    let names = names(&[PUSH, DROP, PORT_CLOSE]);
    assert_eq!(names[PUSH], "port_queue_push");
    assert_eq!(names[DROP], "port_queue_drop");
    assert_eq!(names[PORT_CLOSE], "port_close", "it has C's prefix already");
}

#[test]
fn closures_generics_and_other_crates_keep_their_names() {
    assert_eq!(
        names(&[CLOSURE, GENERIC, CORE, "memcpy", ".Lanon.1"]),
        HashMap::new()
    );
}

#[test]
fn parts_split_off_by_llvm_keep_their_ending() {
    let hook = "_RNvCs8NJR5qiomdy_6portfs4HOOK.0";
    assert_eq!(names(&[hook])[hook], "HOOK.0");
}
