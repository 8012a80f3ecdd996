//! What the module imports: it is there, and it is what `bindings` declares.

use std::collections::BTreeSet;
use std::path::Path;

use fakekernel::krtld::symtab::table;

/// Imports of the C module that this kernel does not have: those of PORT_SOURCE_FILE (monitors of
/// files and file systems, and the lookup of a name).
const NOT_HERE: [&str; 31] = [
    "fem_create",
    "fem_free",
    "fem_install",
    "fem_uninstall",
    "fsem_create",
    "fsem_free",
    "fsem_install",
    "fsem_uninstall",
    "lookuppn",
    "mntfstype",
    "pn_free",
    "pn_get",
    "pn_setlast",
    "vfs_mntdummyvp",
    "vfsnext_unmount",
    "vfssw",
    "vnext_create",
    "vnext_link",
    "vnext_map",
    "vnext_mkdir",
    "vnext_open",
    "vnext_read",
    "vnext_readdir",
    "vnext_remove",
    "vnext_rename",
    "vnext_rmdir",
    "vnext_setattr",
    "vnext_setsecattr",
    "vnext_symlink",
    "vnext_vnevent",
    "vnext_write",
];

/// No symbol of any kernel: the loader erases calls to it.
const PROBE: &str = "__dtrace_probe_vn__hold";

/// The keys of the object `imports` in the measured facts, which are written one member per line
/// and indented by one space per level; and how many they say there are.
fn measured(text: &str) -> (BTreeSet<&str>, usize) {
    let count = text.split_once("\n  \"count\": ").expect("a count").1;
    let count = count.split(',').next().unwrap().parse().expect("a number");
    let body = text.split_once("\n \"imports\": {\n").expect("imports").1;
    let keys = body
        .lines()
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.strip_prefix("  \"")?.split('"').next());
    (keys.collect(), count)
}

#[test]
fn every_import_of_the_c_module_resolves() {
    for name in NOT_HERE.into_iter().chain([PROBE]) {
        assert!(!table().contains_key(name), "{name} is there by now");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/abi/imports.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: ../shared/abi/imports.json is not there");
        return;
    };
    let (imports, count) = measured(&text);
    assert_eq!(imports.len(), count, "read differently than written");
    let missing: BTreeSet<_> = imports
        .into_iter()
        .filter(|name| !table().contains_key(name))
        .collect();
    assert_eq!(missing, NOT_HERE.into_iter().chain([PROBE]).collect());
}

/// Name, address by `bindings` and address of the definition. One array holds both only when they
/// have one type.
macro_rules! both {
    (functions { $($module:ident :: $name:ident)* } data { $($dm:ident :: $data:ident)* }) => {
        [
            $({
                let [declared, defined] = [bindings::$name, fakekernel::$module::$name];
                (stringify!($name), declared as *const () as usize, defined as *const () as usize)
            },)*
            $({
                let both = [&raw const bindings::$data, &raw const fakekernel::$dm::$data];
                (stringify!($data), both[0] as usize, both[1] as usize)
            },)*
        ]
    };
}

/// What descriptors, timers and asynchronous I/O use of ports, and ports of them.
#[test]
fn definitions_are_what_bindings_declare() {
    let all = both! {
        functions {
            aio_subr::aio_close_port
            fio::addfd_port fio::closeandsetf fio::closef fio::delfd_port fio::falloc fio::getf
            fio::releasef fio::setf fio::unfalloc
            poll::polldat_associate poll::polldat_disassociate poll::pollhead_clean poll::polllock
            poll::pollrelock poll::pollunlock poll::pollwakeup
            port_subr::port_alloc_event port_subr::port_alloc_event_block
            port_subr::port_alloc_event_local port_subr::port_associate_ksource
            port_subr::port_block port_subr::port_close_pfd port_subr::port_dissociate_ksource
            port_subr::port_dup_event port_subr::port_free_event port_subr::port_free_event_local
            port_subr::port_init_event port_subr::port_pcache_remove_fd port_subr::port_pollwkdone
            port_subr::port_pollwkup port_subr::port_push_eventq port_subr::port_remove_done_event
            port_subr::port_remove_fd_object port_subr::port_send_event port_subr::port_unblock
            vnode::fop_poll
        }
        data { port_subr::port_control port_subr::port_max_list }
    };
    for (name, declared, defined) in all {
        assert_eq!(declared, defined, "{name}: two definitions");
        let found = table().get(name).map(|symbol| symbol.addr);
        assert_eq!(found, Some(defined), "{name}: the symbol table");
    }
}
