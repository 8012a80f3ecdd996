//! The symbol table of unix and genunix: everything a module may import.
//!
//! Two tables make it up: the one of threads, locks and memory (`ksyms`) and the one of files,
//! ports and modules here. Naming a symbol in a table also keeps it in the program, so the linked
//! form of a module finds it too.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::{KernelSymbol, Resolve, SymbolKind};
use crate::{
    aio_subr, cmn_err, cred, fio, fs_subr, kstat, modctl, poll, port_subr, rctl, syscall, vfs,
    vnode,
};

macro_rules! kernel_symbols {
    (functions { $($module:ident :: $name:ident)* } data { $($dm:ident :: $data:ident)* }) => {
        /// Functions and variables of files, ports and modules, by name.
        fn port_symbols() -> Vec<(&'static str, KernelSymbol)> {
            vec![
                $((stringify!($name), KernelSymbol {
                    addr: $module::$name as *const () as usize,
                    kind: SymbolKind::Function,
                }),)*
                $((stringify!($data), KernelSymbol {
                    addr: &raw const $dm::$data as usize,
                    kind: SymbolKind::Data,
                }),)*
            ]
        }
    };
}

kernel_symbols! {
    functions {
        cmn_err::cmn_err cmn_err::panic
        cred::crfree cred::crgetgid cred::crgetuid cred::crhold
        fio::addfd_port fio::closeandsetf fio::closef fio::delfd_port fio::falloc fio::getf
        fio::releasef fio::setf fio::unfalloc
        fs_subr::fs_default fs_subr::fs_dispose fs_subr::fs_error fs_subr::fs_nosys
        fs_subr::fs_pathconf fs_subr::fs_poll
        kstat::kstat_create kstat::kstat_delete kstat::kstat_install
        modctl::getudev modctl::mod_info modctl::mod_install modctl::mod_remove
        poll::polldat_associate poll::polldat_disassociate poll::pollhead_clean poll::polllock
        poll::pollrelock poll::pollunlock poll::pollwakeup
        aio_subr::aio_close_port
        port_subr::port_alloc_event port_subr::port_alloc_event_block
        port_subr::port_alloc_event_local port_subr::port_associate_ksource
        port_subr::port_block port_subr::port_close_pfd port_subr::port_dissociate_ksource
        port_subr::port_dup_event port_subr::port_free_event port_subr::port_free_event_local
        port_subr::port_init_event port_subr::port_pcache_remove_fd port_subr::port_pollwkdone
        port_subr::port_pollwkup port_subr::port_push_eventq port_subr::port_remove_done_event
        port_subr::port_remove_fd_object port_subr::port_send_event port_subr::port_unblock
        rctl::rctl_enforced_value rctl::rctl_test
        syscall::get_udatamodel syscall::set_errno
        vfs::vfs_freevfsops vfs::vfs_make_fsid vfs::vfs_makefsops vfs::vfs_setops
        vnode::fop_access vnode::fop_close vnode::fop_frlock vnode::fop_getattr
        vnode::fop_inactive vnode::fop_ioctl vnode::fop_open vnode::fop_pathconf
        vnode::fop_poll vnode::fop_read vnode::fop_realvp vnode::fop_rwlock
        vnode::fop_rwunlock vnode::fop_seek vnode::fop_setfl vnode::fop_write
        vnode::vn_alloc vnode::vn_free vnode::vn_freevnodeops vnode::vn_make_ops
        vnode::vn_reinit vnode::vn_rele vnode::vn_setops vnode::vnevent_support
    }
    data {
        modctl::mod_syscallops modctl::mod_syscallops32
        port_subr::port_control port_subr::port_max_list
        rctl::rc_process_portev rctl::rc_project_portids
    }
}

/// Variables among [`crate::ksyms::core_symbols`]; the rest are functions.
const CORE_DATA: [&str; 2] = ["timechanged", "__stack_chk_guard"];

/// All symbols by name.
pub fn table() -> &'static HashMap<&'static str, KernelSymbol> {
    static TABLE: OnceLock<HashMap<&'static str, KernelSymbol>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let core = crate::ksyms::core_symbols()
            .into_iter()
            .map(|(name, addr)| {
                let data = CORE_DATA.contains(&name);
                let kind = if data {
                    SymbolKind::Data
                } else {
                    SymbolKind::Function
                };
                (name, KernelSymbol { addr, kind })
            });
        core.chain(port_symbols()).collect()
    })
}

/// The kernel of this process, as a module's undefined symbols see it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Genunix;

impl Resolve for Genunix {
    fn find(&self, name: &str) -> Option<KernelSymbol> {
        table().get(name).copied()
    }
}
