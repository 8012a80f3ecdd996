//! Resource controls, kstats and messages; and the rules of files and file systems.

mod support;

use std::ffi::{c_char, c_int, c_void};
use std::process::ExitCode;

use bindings::cmn_err as cmn_err_c;
use bindings::*;
use fakekernel::fault::{self, Fault, FaultRule, When};
use fakekernel::user::{ProcCfg, Process, Rctl};
use fakekernel::{cmn_err, kstat};
use support::{Kernel, case, process, trip};

fn main() -> ExitCode {
    support::main(vec![
        case("rctl.values_per_process_and_project", rctls),
        case("rctl.denies", rctl_denies),
        case("kstat.by_name", kstats),
        case("cmn_err.formats", formats),
        trip("trip.cmn_err_panic", "cmn_err", |kernel| {
            // SAFETY: the arguments fit the format.
            process(kernel, |_| unsafe {
                cmn_err_c(CE_PANIC, c"bad %s".as_ptr(), c"luck".as_ptr())
            });
        }),
        trip("trip.panic", "panic", |kernel| {
            // SAFETY: the arguments fit the format.
            process(kernel, |_| unsafe { panic(c"at %d".as_ptr(), 5) });
        }),
        trip("trip.unknown_rctl", "rctl", |kernel| {
            process(kernel, |lwp| {
                let p = curproc();
                // SAFETY: misused on purpose.
                unsafe { rctl_enforced_value(99, (*p).p_rctls, p) };
                let _ = lwp;
            });
        }),
        trip("trip.kstat_without_data", "kstat", |kernel| {
            process(kernel, |_| {
                // SAFETY: misused on purpose.
                unsafe { kstat_install(make_kstat()) };
            });
        }),
        trip("trip.closef_too_often", "file-count", |kernel| {
            process(kernel, |lwp| {
                let fd = lwp.open_null().unwrap();
                // SAFETY: misused on purpose.
                unsafe {
                    let fp = getf(fd);
                    (*fp).f_count = 0;
                    closef(fp);
                }
            });
        }),
        trip("trip.vn_free_of_monitored", "vnode-monitor", |kernel| {
            process(kernel, |_| {
                // SAFETY: misused on purpose.
                unsafe {
                    let vp = vn_alloc(KM_SLEEP);
                    (*vp).v_fopdata = vp.cast();
                    vn_free(vp);
                }
            });
        }),
        trip("trip.vnode_without_operation", "vnode-ops", |kernel| {
            process(kernel, |_| {
                // SAFETY: misused on purpose: operations that vn_make_ops did not make.
                unsafe {
                    let mut ops: vnodeops_t = std::mem::zeroed();
                    let vp = vn_alloc(KM_SLEEP);
                    vn_setops(vp, &raw mut ops);
                    vn_rele(vp);
                }
            });
        }),
        trip("trip.vfs_setops_of_monitored", "vfs-setops", |kernel| {
            process(kernel, |_| {
                // SAFETY: misused on purpose.
                unsafe {
                    let mut vfs: vfs_t = std::mem::zeroed();
                    vfs.vfs_femhead = std::ptr::dangling_mut();
                    vfs_setops(&raw mut vfs, std::ptr::null_mut());
                }
            });
        }),
        trip("trip.device_too_big_for_fsid", "vfs-fsid", |kernel| {
            process(kernel, |_| {
                // SAFETY: misused on purpose.
                unsafe {
                    let mut fsid: fsid_t = std::mem::zeroed();
                    vfs_make_fsid(&raw mut fsid, makedevice(1 << 20, 0), 0);
                }
            });
        }),
        trip("trip.rctl_test_without_p_lock", "rctl-lock", |kernel| {
            process(kernel, |_| {
                test_ids(false, 1);
            });
        }),
    ])
}

/// The calling process.
fn curproc() -> *mut proc_t {
    // SAFETY: a thread of the kernel has a process.
    unsafe { (*asm::threadp()).t_procp }
}

/// The kstat that portfs makes, without its data.
fn make_kstat() -> *mut kstat_t {
    // SAFETY: the names are C strings.
    unsafe {
        kstat_create(
            c"portfs".as_ptr(),
            0,
            c"Event Ports".as_ptr(),
            c"misc".as_ptr(),
            KSTAT_TYPE_NAMED as u8,
            1,
            KSTAT_FLAG_VIRTUAL as u8,
        )
    }
}

/// rctl_test of project.max-port-ids for the calling process.
fn test_ids(lock: bool, inc: u64) -> c_int {
    // SAFETY: the calling process and its project.
    unsafe {
        let p = curproc();
        let set = (*(*(*p).p_task).tk_proj).kpj_rctls;
        let p_lock = &raw mut (*(*p).p_lockp).pl_lock;
        if lock {
            mutex_enter(p_lock);
        }
        let answer = rctl_test(rc_project_portids, set, p, inc, 0);
        mutex_exit(p_lock);
        answer
    }
}

fn rctls(kernel: &Kernel) {
    let cfg = |projid| ProcCfg {
        projid,
        ..ProcCfg::default()
    };
    let one = Process::spawn_init(kernel, cfg(7), |lwp| {
        lwp.setrctl(Rctl::MaxPortIds, 3);
        lwp.setrctl(Rctl::MaxPortEvents, 5);
        let child = lwp.fork(None, |lwp| {
            let seen = lwp.process().rctl(Rctl::MaxPortEvents);
            lwp.setrctl(Rctl::MaxPortEvents, 6);
            seen
        });
        assert_eq!(child.wait(), 5, "inherited");
        lwp.process().rctl(Rctl::MaxPortEvents)
    });
    assert_eq!(one.wait(), 5, "a child's control is its own");
    let same = Process::spawn_init(kernel, cfg(7), |lwp| {
        let p = lwp.process();
        (
            p.rctl(Rctl::MaxPortIds),
            p.rctl(Rctl::MaxPortEvents),
            test_ids(true, 3),
            test_ids(true, 4),
        )
    });
    assert_eq!(same.wait(), (3, 65536, 0, RCT_DENY));
    let other = Process::spawn_init(kernel, cfg(8), |lwp| lwp.process().rctl(Rctl::MaxPortIds));
    assert_eq!(other.wait(), 8192);
}

fn rctl_denies(kernel: &Kernel) {
    process(kernel, |_| {
        assert_eq!(test_ids(true, 8192), 0);
        assert_eq!(test_ids(true, 8193), RCT_DENY);
        fault::arm(FaultRule::new(Fault::Rctl, When::Nth(2)));
        assert_eq!(
            [test_ids(true, 1), test_ids(true, 1), test_ids(true, 1)],
            [0, RCT_DENY, 0]
        );
    });
}

fn kstats(kernel: &Kernel) {
    process(kernel, |_| {
        let read = || kstat::read("portfs", 0, "Event Ports", "ports");
        assert_eq!(read(), None);
        // SAFETY: all-zero bytes are a valid kstat_named_t. `named` and the kstat are used by this
        // thread only, and kstat_delete takes the kstat away before `named` goes out of scope.
        unsafe {
            let mut named: kstat_named_t = std::mem::zeroed();
            named.name[..5].copy_from_slice(&b"ports".map(|c| c as c_char));
            named.data_type = KSTAT_DATA_UINT32 as u8;
            let ksp = make_kstat();
            assert!(!ksp.is_null());
            (*ksp).ks_data = (&raw mut named).cast();
            kstat_install(ksp);
            assert_eq!(read(), Some(0));
            (&raw mut named.value).cast::<u32>().write_volatile(42);
            assert_eq!(read(), Some(42));
            assert_eq!(kstat::list(), ["portfs:0:Event Ports"]);
            assert_eq!(kstat::read("portfs", 0, "Event Ports", "other"), None);
            kstat_delete(ksp);
        }
        assert_eq!(read(), None);
    });
}

fn formats(kernel: &Kernel) {
    process(kernel, |_| {
        // SAFETY: the arguments fit the formats.
        unsafe {
            cmn_err_c(CE_NOTE, c"plain %%".as_ptr());
            cmn_err_c(
                CE_WARN,
                c"%s %d %u %lx %c %p %5d|%05x|%llu".as_ptr(),
                c"text".as_ptr(),
                -3 as c_int,
                7u32,
                0x1_0000_0001u64,
                c_int::from(b'z'),
                0x10 as *const c_void,
                42 as c_int,
                0xab as c_int,
                u64::MAX,
            );
        }
        let texts: Vec<_> = cmn_err::log()
            .into_iter()
            .map(|m| (m.level, m.text))
            .collect();
        let long = format!("text -3 7 100000001 z 10    42|000ab|{}", u64::MAX);
        assert_eq!(texts, [(CE_NOTE, "plain %".into()), (CE_WARN, long)]);
    });
}
