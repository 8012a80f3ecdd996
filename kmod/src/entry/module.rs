//! `_init`, `_info` and the linkage that names the two system calls.

use core::ffi::{c_int, c_void};
use core::ptr;

use bindings::{modinfo, modlinkage, modlsys, sysent};

use super::{syscall, vnops};
use crate::kernel::module::{self, CGlobal};

/// Arguments of the system call: the opcode and five more.
const NARG: i8 = 6;
const FLAGS: i32 = bindings::SE_ARGC | bindings::SE_64RVAL | bindings::SE_NOUNLOAD;

const fn entry(call: unsafe extern "C" fn() -> c_int) -> sysent {
    // SAFETY: plain C data, all zeroes is valid.
    let mut entry: sysent = unsafe { core::mem::zeroed() };
    entry.sy_narg = NARG;
    entry.sy_flags = FLAGS as _;
    entry.sy_call = Some(call);
    entry
}

type Untyped = unsafe extern "C" fn() -> c_int;

static port_sysent: CGlobal<sysent> = CGlobal::new(entry({
    // SAFETY: the kernel calls it with NARG arguments and the return type
    // that FLAGS announce.
    unsafe { core::mem::transmute::<syscall::Native, Untyped>(syscall::portfs) }
}));

static port_sysent32: CGlobal<sysent> = CGlobal::new(entry({
    // SAFETY: as above, with 32-bit arguments.
    unsafe { core::mem::transmute::<syscall::Narrow, Untyped>(syscall::portfs32) }
}));

static modlsys: CGlobal<modlsys> = CGlobal::new(bindings::modlsys {
    sys_modops: &raw mut bindings::mod_syscallops,
    sys_linkinfo: c"event ports (rust)".as_ptr(),
    sys_sysent: port_sysent.as_ptr(),
});

static modlsys32: CGlobal<modlsys> = CGlobal::new(bindings::modlsys {
    sys_modops: &raw mut bindings::mod_syscallops32,
    sys_linkinfo: c"32-bit event ports (rust)".as_ptr(),
    sys_sysent: port_sysent32.as_ptr(),
});

static modlinkage: CGlobal<modlinkage> = CGlobal::new(bindings::modlinkage {
    ml_rev: bindings::MODREV_1 as _,
    ml_linkage: {
        let mut linkage = [ptr::null_mut::<c_void>(); 7];
        linkage[0] = modlsys.as_ptr().cast();
        linkage[1] = modlsys32.as_ptr().cast();
        linkage
    },
});

/// `_init`: called once by the module loader. An errno, 0 on success.
#[cfg_attr(not(target_os = "linux"), unsafe(export_name = "_init"))]
pub extern "C" fn module_init() -> c_int {
    match module::init(&vnops::port_vnodeops_template, modlinkage.as_ptr()) {
        Ok(()) => 0,
        Err(error) => error.number(),
    }
}

/// `_info`: describes the module; not 0 on success.
///
/// # Safety
///
/// `info` is the loader's `modinfo`.
#[cfg_attr(not(target_os = "linux"), unsafe(export_name = "_info"))]
pub unsafe extern "C" fn module_info(info: *mut modinfo) -> c_int {
    // SAFETY: the loader passes its modinfo.
    unsafe { module::info(modlinkage.as_ptr(), info) }
}

/// Nothing of the module panics; the link fails to pass `./x check` if this
/// function survives it.
#[cfg(not(target_os = "linux"))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
