//! Modules: `sys/modctl.h`.

use core::ffi::{c_char, c_int, c_void};

use super::flat::*;

layouts! {
    "sys/modctl.h":

    /// What a module hands to mod_install.
    struct modlinkage = "struct modlinkage": 64, 8 {
        /// `MODREV_1`
        0 pub ml_rev: c_int,
        /// the linkage structures, ended by NULL
        8 pub ml_linkage: [*mut c_void; 7],
    }

    /// A module that brings a system call.
    struct modlsys = "struct modlsys": 24, 8 {
        /// `mod_syscallops` or `mod_syscallops32`
        0 pub sys_modops: *mut mod_ops,
        /// what modinfo shows
        8 pub sys_linkinfo: *const c_char,
        /// the system call
        16 pub sys_sysent: *mut sysent,
    }

    /// How one kind of module is installed.
    struct mod_ops = "struct mod_ops": 24, 8 {
        /// called by mod_install
        0 pub modm_install: Option<unsafe extern "C" fn(linkage: *mut c_void, ml: *mut modlinkage) -> c_int>,
        /// called by mod_remove
        8 pub modm_remove: Option<unsafe extern "C" fn(linkage: *mut c_void, ml: *mut modlinkage) -> c_int>,
        /// called by mod_info
        16 pub modm_info: Option<unsafe extern "C" fn(linkage: *mut c_void, ml: *mut modlinkage, p0: *mut c_int) -> c_int>,
    }

    /// The answer of a module's `_info`.
    struct modinfo = "struct modinfo": 432, 8 {
        0 pub mi_info: c_int,
        4 pub mi_state: c_int,
        8 pub mi_id: c_int,
        12 pub mi_nextid: c_int,
        16 pub mi_base: caddr_t,
        24 pub mi_size: size_t,
        32 pub mi_rev: c_int,
        36 pub mi_loadcnt: c_int,
        40 pub mi_name: [c_char; 32],
        72 pub mi_msinfo: [modspecific_info; 10],
    }

    /// The linkage part of `modinfo`.
    struct modspecific_info = "struct modspecific_info": 36, 4 {
        0 pub msi_linkinfo: [c_char; 32],
        32 pub msi_p0: c_int,
    }

    /// A module that is loaded or known.
    struct modctl_t = "struct modctl": 144, 8 {
        0 pub mod_next: *mut modctl_t,
        8 pub mod_prev: *mut modctl_t,
        16 pub mod_id: c_int,
        24 pub mod_mp: *mut c_void,
        32 pub mod_inprogress_thread: *mut kthread_t,
        40 pub mod_modinfo: *mut c_void,
        48 pub mod_linkage: *mut modlinkage,
        56 pub mod_filename: *mut c_char,
        64 pub mod_modname: *mut c_char,
        72 pub mod_busy: c_char,
        73 pub mod_want: c_char,
        74 pub mod_prim: c_char,
        76 pub mod_ref: c_int,
        80 pub mod_loaded: c_char,
        81 pub mod_installed: c_char,
        82 pub mod_loadflags: c_char,
        83 pub mod_delay_unload: c_char,
        88 pub mod_requisites: *mut c_void,
        96 pub mod_unused: *mut c_void,
        104 pub mod_loadcnt: c_int,
        108 pub mod_nenabled: c_int,
        112 pub mod_text: *mut c_char,
        120 pub mod_text_size: size_t,
        128 pub mod_gencount: c_int,
        136 pub mod_requisite_loading: *mut modctl_t,
    }
}

constants! {
    "sys/modctl.h":

    MODREV_1: c_int = 1;
    MOD_MAXPATH: c_int = 256;
    MODMAXNAMELEN: c_int = 32;
    MODMAXLINKINFOLEN: c_int = 32;
    MODMAXLINK: c_int = 10;
    MODMAXNAMELEN32: c_int = 32;
    MODMAXLINKINFOLEN32: c_int = 32;
    MODMAXLINK32: c_int = 10;
    MI_INFO_ONE: c_int = 1;
    MI_INFO_ALL: c_int = 2;
    MI_INFO_CNT: c_int = 4;
    MI_INFO_LINKAGE: c_int = 8;
    MI_INFO_NOBASE: c_int = 16;
    MI_LOADED: c_int = 1;
    MI_INSTALLED: c_int = 2;
    MODS_WEAK: c_int = 1;
    MODS_NOUNLOAD: c_int = 2;
    MODS_INSTALLED: c_int = 16;
    MOD_NOAUTOUNLOAD: c_int = 1;
    MOD_NONOTIFY: c_int = 2;
    MOD_NOUNLOAD: c_int = 4;
}

functions! {
    "sys/modctl.h":

    /// Installs a module's linkage. An errno.
    fn mod_install(ml: *mut modlinkage) -> c_int;
    /// Removes a module's linkage. An errno.
    fn mod_remove(ml: *mut modlinkage) -> c_int;
    /// Fills in the answer of a module's `_info`. Not 0 when that worked.
    fn mod_info(ml: *mut modlinkage, mi: *mut modinfo) -> c_int;
}

unsafe extern "C" {
    /// Installs 64-bit system calls.
    pub static mut mod_syscallops: mod_ops;
    /// Installs 32-bit system calls.
    pub static mut mod_syscallops32: mod_ops;
}
