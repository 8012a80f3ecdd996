//! Modules and their system calls.

#[path = "support/elf.rs"]
mod elf;
mod support;

use std::ffi::c_int;
use std::process::ExitCode;
use std::ptr;

use bindings::*;
use fakekernel::user::{Lwp, Model};
use fakekernel::{cmn_err, modctl};
use support::{Kernel, case, process, trip};

fn main() -> ExitCode {
    support::main(vec![
        case("syscall.enosys_without_module", enosys),
        case("syscall.lp64_arguments_and_result", lp64),
        case("syscall.ilp32_arguments_are_cut", ilp32),
        case("syscall.result_kinds", result_kinds),
        case("syscall.argument_vector", argument_vector),
        case("syscall.errno", errno),
        case("mod_install.wrong_revision", revision),
        case("mod_install.failure_removes_what_was_installed", rollback),
        case("mod_install.slot_in_use", in_use),
        case("mod_remove.loadable_and_not", remove),
        case("mod_info.describes", info),
        case("load.runs_init_and_names_addresses", load),
        case("load.init_refuses", load_refused),
        case("attach.settings", settings),
        case("attach.unknown_module_name", unknown_name),
        trip("trip.linkage_from_nowhere", "modlinkage", |kernel| {
            // SAFETY: misused on purpose.
            process(kernel, |_| unsafe {
                mod_install(ptr::without_provenance_mut(0x30006));
            });
        }),
        trip("trip.syscall_returns_with_mutex", "mutex-held", |kernel| {
            attached(kernel, Calls::new(holds, SE_ARGC | SE_64RVAL), |lwp| {
                let _ = lwp.syscall(182, [0; 6]);
            });
        }),
    ])
}

/// Linkage of a test module.
struct Calls {
    sysent: sysent,
    sysent32: sysent,
    sys: modlsys,
    sys32: modlsys,
    linkage: modlinkage,
}

/// The linkage that `init` installs.
static LINKAGE: std::sync::atomic::AtomicPtr<modlinkage> =
    std::sync::atomic::AtomicPtr::new(ptr::null_mut());

type Handler = unsafe extern "C" fn(usize, usize, usize, usize, usize, usize) -> i64;

impl Calls {
    /// A module whose handler is the same for both data models; never freed.
    fn new(handler: Handler, flags: c_int) -> &'static mut Calls {
        let entry = sysent {
            sy_narg: 6,
            sy_flags: flags as u16,
            // SAFETY: the kernel calls it with the type that the flags say.
            sy_call: Some(unsafe {
                std::mem::transmute::<Handler, unsafe extern "C" fn() -> c_int>(handler)
            }),
            // SAFETY: zero is a valid value of every field.
            ..unsafe { std::mem::zeroed() }
        };
        // SAFETY: zero is a valid value of every field.
        let mut calls: Box<Calls> = Box::new(unsafe { std::mem::zeroed() });
        (calls.sysent, calls.sysent32) = (entry, entry);
        let calls = Box::leak(calls);
        calls.sys = modlsys {
            sys_modops: &raw mut mod_syscallops,
            sys_linkinfo: c"test calls".as_ptr(),
            sys_sysent: &raw mut calls.sysent,
        };
        calls.sys32 = modlsys {
            sys_modops: &raw mut mod_syscallops32,
            sys_linkinfo: c"32-bit test calls".as_ptr(),
            sys_sysent: &raw mut calls.sysent32,
        };
        calls.linkage.ml_rev = MODREV_1;
        calls.linkage.ml_linkage[0] = (&raw mut calls.sys).cast();
        calls.linkage.ml_linkage[1] = (&raw mut calls.sys32).cast();
        LINKAGE.store(&raw mut calls.linkage, std::sync::atomic::Ordering::SeqCst);
        calls
    }
}

fn linkage() -> *mut modlinkage {
    LINKAGE.load(std::sync::atomic::Ordering::SeqCst)
}

extern "C" fn init() -> c_int {
    // SAFETY: the linkage of the case.
    unsafe { mod_install(linkage()) }
}

extern "C" fn module_info(mi: *mut modinfo) -> c_int {
    // SAFETY: the linkage of the case; the kernel's modinfo.
    unsafe { mod_info(linkage(), mi) }
}

fn attach(name: &str) -> Result<(), modctl::Error> {
    // SAFETY: a module of this test.
    unsafe { modctl::attach_linked(name, init, module_info, &[], &[]) }
}

/// A kernel with this module, and a process.
fn attached(kernel: &Kernel, _calls: &mut Calls, body: impl FnOnce(&Lwp)) {
    process(kernel, |lwp| {
        attach("portfs").unwrap();
        body(lwp);
    });
}

unsafe extern "C" fn sum(a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> i64 {
    [a, b, c, d, e, f]
        .iter()
        .rev()
        .fold(0, |all, n| all * 10 + *n as i64)
}

unsafe extern "C" fn second(_: usize, b: usize, _: usize, _: usize, _: usize, _: usize) -> i64 {
    b as i64
}

unsafe extern "C" fn fails(a: usize, _: usize, _: usize, _: usize, _: usize, _: usize) -> i64 {
    i64::from(fakekernel::syscall::set_errno(a as u32))
}

unsafe extern "C" fn holds(_: usize, _: usize, _: usize, _: usize, _: usize, _: usize) -> i64 {
    // SAFETY: a mutex of its own, never given back.
    unsafe {
        let mutex: *mut kmutex_t = kmem_zalloc(8, KM_SLEEP).cast();
        mutex_init(mutex, ptr::null_mut(), MUTEX_DEFAULT, ptr::null_mut());
        mutex_enter(mutex);
    }
    0
}

fn enosys(kernel: &Kernel) {
    process(kernel, |lwp| {
        assert_eq!(lwp.syscall(182, [0; 6]), Err(ENOSYS));
        assert_eq!(lwp.syscall(-1, [0; 6]), Err(ENOSYS));
        assert_eq!(lwp.syscall(100_000, [0; 6]), Err(ENOSYS));
    });
}

fn lp64(kernel: &Kernel) {
    attached(
        kernel,
        Calls::new(sum, SE_ARGC | SE_64RVAL | SE_NOUNLOAD),
        |lwp| {
            assert_eq!(lwp.syscall(182, [1, 2, 3, 4, 5, 6]), Ok(654_321));
            assert_eq!(
                lwp.syscall(182, [usize::MAX, 0, 0, 0, 0, 0]),
                Ok(-1),
                "all 64 bits"
            );
            assert_eq!(lwp.syscall(181, [0; 6]), Err(ENOSYS));
            assert_eq!(lwp.process().syscalls(), 3);
        },
    );
}

fn ilp32(kernel: &Kernel) {
    attached(kernel, Calls::new(second, SE_ARGC | SE_64RVAL), |lwp| {
        assert_eq!(lwp.syscall(182, [0, usize::MAX, 0, 0, 0, 0]), Ok(-1));
        let child = lwp.fork(Some(Model::Ilp32), |lwp| {
            lwp.syscall(182, [0, usize::MAX, 0, 0, 0, 0])
        });
        assert_eq!(child.wait(), Ok(0xffff_ffff));
    });
}

fn result_kinds(kernel: &Kernel) {
    let calls = Calls::new(second, SE_ARGC | SE_32RVAL1);
    calls.sysent32.sy_flags = (SE_ARGC | SE_32RVAL1 | SE_32RVAL2) as u16;
    attached(kernel, calls, |lwp| {
        let packed = [0, 0x3e_0000_0001, 0, 0, 0, 0];
        assert_eq!(lwp.syscall(182, packed), Ok(1), "one 32-bit result");
        assert_eq!(lwp.syscall(182, [0, 0xffff_ffff, 0, 0, 0, 0]), Ok(-1));
    });
}

unsafe extern "C" fn vector(
    args: usize,
    rval: usize,
    _: usize,
    _: usize,
    _: usize,
    _: usize,
) -> i64 {
    // SAFETY: a handler without SE_ARGC gets its arguments and a place for the results.
    unsafe {
        let args = args as *const usize;
        if *args == 0 {
            return i64::from(EPERM);
        }
        (*(rval as *mut rval_t)).r_vals = (*args.add(5) + *args) as i64;
    }
    0
}

fn argument_vector(kernel: &Kernel) {
    attached(kernel, Calls::new(vector, SE_64RVAL), |lwp| {
        assert_eq!(lwp.syscall(182, [1, 0, 0, 0, 0, 6]), Ok(7));
        assert_eq!(lwp.syscall(182, [0; 6]), Err(EPERM));
    });
}

fn errno(kernel: &Kernel) {
    attached(kernel, Calls::new(fails, SE_ARGC | SE_64RVAL), |lwp| {
        assert_eq!(
            lwp.syscall(182, [ETIME as usize, 0, 0, 0, 0, 0]),
            Err(ETIME)
        );
        assert_eq!(
            lwp.syscall(182, [ERESTART as usize, 0, 0, 0, 0, 0]),
            Err(EINTR),
            "S12"
        );
        assert_eq!(lwp.syscall(182, [0; 6]), Ok(0), "errno starts at 0");
    });
}

fn said(text: &str) -> bool {
    cmn_err::log().iter().any(|m| m.text.contains(text))
}

fn revision(kernel: &Kernel) {
    process(kernel, |lwp| {
        Calls::new(sum, SE_ARGC).linkage.ml_rev = 2;
        let error = attach("portfs").unwrap_err().to_string();
        assert!(error.contains("portfs: _init answered errno 22"), "{error}");
        assert!(said("not MODREV_1"));
        assert_eq!(lwp.syscall(182, [0; 6]), Err(ENOSYS));
    });
}

fn rollback(kernel: &Kernel) {
    process(kernel, |lwp| {
        Calls::new(sum, SE_ARGC).sysent32.sy_flags = SE_RVAL_MASK as u16;
        assert!(attach("portfs").is_err());
        assert_eq!(
            lwp.syscall(182, [0; 6]),
            Err(ENOSYS),
            "the 64-bit call is gone again"
        );
    });
}

fn in_use(kernel: &Kernel) {
    process(kernel, |_| {
        Calls::new(sum, SE_ARGC | SE_NOUNLOAD);
        attach("portfs").unwrap();
        Calls::new(second, SE_ARGC);
        assert!(attach("portfs").is_err());
        assert!(said("system call entry 182 is already in use"));
    });
}

fn remove(kernel: &Kernel) {
    process(kernel, |lwp| {
        let calls = Calls::new(sum, SE_ARGC);
        attach("portfs").unwrap();
        // SAFETY: an installed linkage.
        assert_eq!(unsafe { mod_remove(linkage()) }, 0);
        assert_eq!(lwp.syscall(182, [0; 6]), Err(ENOSYS));
        calls.sysent.sy_flags |= SE_NOUNLOAD as u16;
        calls.sysent32.sy_flags |= SE_NOUNLOAD as u16;
        // SAFETY: a known linkage.
        unsafe {
            assert_eq!(mod_install(linkage()), 0);
            assert_eq!(mod_remove(linkage()), EBUSY);
        }
        assert_eq!(lwp.syscall(182, [1, 0, 0, 0, 0, 0]), Ok(1));
    });
}

fn info(kernel: &Kernel) {
    process(kernel, |_| {
        Calls::new(sum, SE_ARGC);
        attach("portfs").unwrap();
        // SAFETY: zero is a valid modinfo; the linkage is known.
        let mi = unsafe {
            let mut mi: modinfo = std::mem::zeroed();
            assert_eq!(mod_info(linkage(), &raw mut mi), 1);
            mi
        };
        let text = |at: usize| {
            let bytes = mi.mi_msinfo[at].msi_linkinfo.map(|c| c as u8);
            std::ffi::CStr::from_bytes_until_nul(&bytes)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            (mi.mi_rev, mi.mi_msinfo[0].msi_p0, mi.mi_msinfo[1].msi_p0),
            (MODREV_1, 182, 182)
        );
        assert_eq!(
            (text(0), text(1), text(2)),
            (
                "test calls".into(),
                "32-bit test calls".into(),
                String::new()
            )
        );
    });
}

/// Writes a module file named portfs whose `_init` answers `errno`; runs `body` with its path.
fn module_file(errno: u32, body: impl FnOnce(&std::path::Path)) {
    let mut maker = elf::Maker::empty();
    maker.function("_init", &elf::answer(errno));
    maker.function("_info", &elf::answer(1));
    maker.function("port_getn", &elf::answer(7));
    maker.variable("portfs_strict", &1u32.to_le_bytes());
    let dir = std::env::temp_dir().join(format!("fakekernel-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("portfs");
    std::fs::write(&path, maker.bytes()).unwrap();
    body(&path);
    std::fs::remove_dir_all(&dir).unwrap();
}

fn load(kernel: &Kernel) {
    let system = [("portfs:portfs_strict".to_owned(), 0)];
    module_file(0, |path| {
        process(kernel, |_| {
            // SAFETY: a module of this test.
            let module = unsafe { modctl::load(path, &system) }.unwrap();
            assert_eq!((module.name(), module.imports().len()), ("portfs", 0));
            let strict = module.lookup("portfs_strict").unwrap() as *const c_int;
            // SAFETY: an int variable of the module.
            assert_eq!(unsafe { *strict }, 0);
            let getn = module.lookup("port_getn").unwrap();
            let name = |addr| modctl::symbolize(addr);
            assert_eq!(name(getn + 2).unwrap(), "portfs`port_getn+0x2");
            assert_eq!(name(getn).unwrap(), "portfs`port_getn");
            assert_eq!(name(0x1000), None);
        });
    });
}

fn load_refused(kernel: &Kernel) {
    // SAFETY: a module of this test.
    let load = |path: &std::path::Path| unsafe { modctl::load(path, &[]) }.map(drop);
    module_file(12, |path| {
        process(kernel, |_| {
            let error = load(path).unwrap_err().to_string();
            assert_eq!(error, "portfs: _init answered errno 12");
            let error = load(std::path::Path::new("/none")).unwrap_err();
            assert!(error.to_string().contains("/none: cannot read"));
        });
    });
}

fn settings(kernel: &Kernel) {
    process(kernel, |_| {
        Calls::new(sum, SE_ARGC);
        let strict: *mut c_int = Box::leak(Box::new(1));
        let variable = modctl::Variable {
            name: "portfs_strict",
            addr: strict,
        };
        let attach = |line: &str| {
            let system = [("other:x".to_owned(), 5), (line.to_owned(), 0)];
            // SAFETY: a module of this test.
            unsafe { modctl::attach_linked("portfs", init, module_info, &[variable], &system) }
        };
        let error = attach("portfs:nothing").unwrap_err().to_string();
        assert!(
            error.contains("set portfs:nothing: no such variable"),
            "{error}"
        );
        attach("portfs:portfs_strict").unwrap();
        // SAFETY: the test's own variable.
        assert_eq!(unsafe { *strict }, 0);
    });
}

fn unknown_name(kernel: &Kernel) {
    process(kernel, |_| {
        Calls::new(sum, SE_ARGC);
        assert!(attach("nosuch").is_err());
        assert!(said("system call missing from bind file"));
    });
}
