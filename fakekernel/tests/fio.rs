//! Descriptors: allocation, dup, fork, and a close that others are in the way of.

#[path = "support/sleeper.rs"]
mod sleeper;
mod support;

use std::process::ExitCode;
use std::ptr;
use std::sync::atomic::Ordering::SeqCst;

use bindings::*;
use fakekernel::fault;
use fakekernel::fault::{Fault, FaultRule, When};
use fakekernel::user::{Lwp, Model, ProcCfg, Whence};
use sleeper::{CLOSES, COUNTS, close_under_reader, open_sleeper};
use support::{Kernel, case, process, process_with, trip};

fn main() -> ExitCode {
    support::main(vec![
        case("open.lowest_descriptor", lowest),
        case("open.emfile_at_the_limit", emfile),
        case("open.emfile_by_fault", emfile_fault),
        case("close.ebadf", close_ebadf),
        case("close.pokes_sleeper_and_waits", close_pokes),
        case("close.waits_for_deaf_sleeper", close_waits),
        case("dup.shares_the_file", dup_shares),
        case("dup2.replaces_and_checks_range", dup2),
        case("dup2.waits_for_a_reserved_descriptor", dup2_reserved),
        case("fork.shares_files", fork_shares),
        case("fork.clofork_stays", fork_clofork),
        case("fork.memory_is_its_own", fork_memory),
        case("exit.closes_everything", exit_closes),
        case("device.answers", device_answers),
        trip("trip.releasef_twice", "fd-refcnt", releasef_twice),
        trip("trip.getf_leaks_out_of_syscall", "fd-refcnt", getf_leak),
        trip("trip.setf_of_open_descriptor", "fd-setf", setf_open),
        trip("trip.vn_rele_too_often", "vnode-count", vn_rele_twice),
        trip("trip.crfree_too_often", "cred-count", crfree_twice),
        trip("trip.fs_error_called", "fs-placeholder", |kernel| {
            process(kernel, |_| {
                // SAFETY: the function has no preconditions.
                unsafe { fs_error() };
            });
        }),
    ])
}

fn lowest(kernel: &Kernel) {
    process(kernel, |lwp| {
        assert_eq!(
            [lwp.open_null(), lwp.open_null(), lwp.open_null()],
            [Ok(0), Ok(1), Ok(2)]
        );
        assert_eq!(lwp.close(1), Ok(()));
        assert_eq!(lwp.dup(2), Ok(1));
        assert_eq!(lwp.open_null(), Ok(3));
    });
}

fn emfile(kernel: &Kernel) {
    process_with(
        kernel,
        ProcCfg {
            nofile: 3,
            ..ProcCfg::default()
        },
        |lwp| {
            for fd in 0..3 {
                assert_eq!(lwp.open_null(), Ok(fd));
            }
            assert_eq!(lwp.open_null(), Err(EMFILE));
            assert_eq!(lwp.dup(0), Err(EMFILE));
            assert_eq!(lwp.close(1), Ok(()));
            assert_eq!(lwp.dup(0), Ok(1));
        },
    );
}

fn emfile_fault(kernel: &Kernel) {
    process(kernel, |lwp| {
        fault::arm(FaultRule::new(Fault::Falloc, When::Nth(2)));
        assert_eq!(lwp.open_null(), Ok(0));
        assert_eq!(lwp.open_null(), Err(EMFILE));
        assert_eq!(lwp.open_null(), Ok(1));
    });
}

fn close_ebadf(kernel: &Kernel) {
    process(kernel, |lwp| {
        for fd in [-1, 0, 255, 256, i32::MAX, i32::MIN] {
            assert_eq!(lwp.close(fd), Err(EBADF), "{fd}");
            assert_eq!(lwp.dup(fd), Err(EBADF), "{fd}");
            assert_eq!(lwp.fstat(fd).map(drop), Err(EBADF), "{fd}");
        }
        assert_eq!(lwp.open_null(), Ok(0));
        assert_eq!(lwp.close(0), Ok(()));
        assert_eq!(lwp.close(0), Err(EBADF));
    });
}

fn close_pokes(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, _) = open_sleeper();
        let other = lwp.open_null().unwrap();
        let reader = lwp.spawn(move |lwp| {
            let addr = lwp.alloc(8);
            let first = lwp.read(fd, addr, 8);
            // The mark of the closed descriptor is gone with the system call.
            (first, lwp.read(other, addr, 8))
        });
        lwp.settle();
        assert!(!reader.has_ended());
        assert_eq!(lwp.close(fd), Ok(()));
        assert_eq!(reader.join(), (Err(EBADF), Ok(0)));
        assert_eq!((CLOSES.load(SeqCst), COUNTS.load(SeqCst)), (1, 1));
    });
}

fn close_waits(kernel: &Kernel) {
    process(kernel, |lwp| {
        close_under_reader(lwp, |fd| {
            // The descriptor is closed for everybody else already, and not free yet.
            assert_eq!(lwp.close(fd), Err(EBADF));
            assert_eq!(lwp.open_null(), Ok(fd + 1));
        });
    });
}

fn dup_shares(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, _) = open_sleeper();
        let copy = lwp.dup(fd).unwrap();
        assert_eq!(lwp.close(fd), Ok(()));
        assert_eq!((CLOSES.load(SeqCst), COUNTS.load(SeqCst)), (1, 2));
        assert_eq!(lwp.close(copy), Ok(()));
        assert_eq!((CLOSES.load(SeqCst), COUNTS.load(SeqCst)), (2, 1));
    });
}

fn dup2(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, _) = open_sleeper();
        let null = lwp.open_null().unwrap();
        assert_eq!(lwp.dup2(fd, fd), Ok(fd));
        assert_eq!(lwp.dup2(null, 256), Err(EBADF));
        assert_eq!(lwp.dup2(null, -1), Err(EBADF));
        assert_eq!(lwp.dup2(77, null), Err(EBADF));
        assert_eq!(CLOSES.load(SeqCst), 0);
        assert_eq!(lwp.setfd(fd, FD_CLOEXEC), Ok(()));
        assert_eq!(lwp.dup2(null, fd), Ok(fd));
        assert_eq!(CLOSES.load(SeqCst), 1, "what was there is closed");
        assert_eq!(
            lwp.getfd(fd),
            Ok(0),
            "the flags are those of a new descriptor"
        );
        assert_eq!(lwp.dup2(null, 200), Ok(200));
    });
}

fn dup2_reserved(kernel: &Kernel) {
    process(kernel, |lwp| {
        let null = lwp.open_null().unwrap();
        let (mut fp, mut fd) = (ptr::null_mut(), -1);
        // SAFETY: the kernel's interface, used as an open(2) that fails uses it.
        unsafe {
            assert_eq!(falloc(ptr::null_mut(), FREAD, &raw mut fp, &raw mut fd), 0);
            unfalloc(fp);
        }
        let other = lwp.spawn(move |lwp| lwp.dup2(null, fd));
        lwp.settle();
        assert!(!other.has_ended(), "took a descriptor that is being opened");
        assert_eq!(lwp.close(fd), Err(EBADF));
        // SAFETY: the reservation is ours.
        unsafe { setf(fd, ptr::null_mut()) };
        assert_eq!(other.join(), Ok(fd));
        assert_eq!(lwp.close(fd), Ok(()));
    });
}

fn fork_shares(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, _) = open_sleeper();
        let child = lwp.fork(Some(Model::Ilp32), move |lwp| {
            assert_eq!(lwp.model(), Model::Ilp32);
            assert_eq!(lwp.open_null(), Ok(fd + 1));
            lwp.close(fd)
        });
        assert_ne!(child.pid(), lwp.pid());
        assert_eq!(child.wait(), Ok(()));
        assert_eq!((CLOSES.load(SeqCst), COUNTS.load(SeqCst)), (1, 2));
        assert_eq!(lwp.close(fd), Ok(()));
        assert_eq!(COUNTS.load(SeqCst), 1);
    });
}

fn fork_clofork(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_null().unwrap();
        assert_eq!(lwp.setfd(fd, FD_CLOFORK), Ok(()));
        let child = lwp.fork(None, move |lwp| (lwp.close(fd), lwp.open_null()));
        assert_eq!(child.wait(), (Err(EBADF), Ok(fd)));
    });
}

fn fork_memory(kernel: &Kernel) {
    process(kernel, |lwp| {
        let addr = lwp.alloc(8);
        assert!(lwp.poke(addr, &[1, 2, 3]));
        let child = lwp.fork(None, move |lwp| lwp.peek(addr, 3));
        assert_eq!(child.wait(), None);
        assert_eq!(lwp.peek(addr, 3), Some(vec![1, 2, 3]));
    });
}

fn exit_closes(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (fd, _) = open_sleeper();
        let child = lwp.fork(None, move |lwp| {
            // A thread left behind in a system call does not keep the process.
            lwp.spawn(move |lwp| {
                let addr = lwp.alloc(8);
                loop {
                    // It would never end by itself.
                    let _ = lwp.read(fd, addr, 8);
                }
            });
            lwp.settle();
        });
        child.wait();
        assert_eq!((CLOSES.load(SeqCst), COUNTS.load(SeqCst)), (1, 2));
    });
    assert_eq!(
        (CLOSES.load(SeqCst), COUNTS.load(SeqCst)),
        (2, 1),
        "the last process closed it"
    );
}

fn device_answers(kernel: &Kernel) {
    process(kernel, |lwp: &Lwp| {
        let fd = lwp.open_null().unwrap();
        let addr = lwp.alloc(8);
        assert_eq!(lwp.read(fd, addr, 8), Ok(0));
        assert_eq!(lwp.write(fd, addr, 8), Ok(8));
        assert_eq!(lwp.lseek(fd, -1, Whence::Set), Err(EINVAL));
        assert_eq!(lwp.ioctl(fd, 1, 0), Err(ENOTTY));
        assert_eq!(lwp.fstatvfs(fd), Err(ENOSYS));
        assert_eq!(lwp.syncfs(fd), Err(ENOSYS));
        assert_eq!(lwp.getfl(fd), Ok(O_RDWR));
        let stat = lwp.fstat(fd).unwrap();
        assert_eq!(stat.mode, (S_IFCHR | 0o666) as u32);
    });
}

fn releasef_twice(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_null().unwrap();
        // SAFETY: the kernel's interface, misused on purpose.
        unsafe {
            getf(fd);
            releasef(fd);
            releasef(fd);
        }
    });
}

fn getf_leak(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_null().unwrap();
        // SAFETY: the kernel's interface, misused on purpose.
        unsafe { getf(fd) };
        let _ = lwp.fstat(fd);
    });
}

fn setf_open(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_null().unwrap();
        // SAFETY: the kernel's interface, misused on purpose.
        unsafe { setf(fd, ptr::null_mut()) };
    });
}

fn vn_rele_twice(kernel: &Kernel) {
    process(kernel, |_| {
        let (_, vp) = open_sleeper();
        // SAFETY: the kernel's interface, misused on purpose: a hold that was never taken.
        unsafe {
            (*vp).v_count = 0;
            vn_rele(vp);
        }
    });
}

fn crfree_twice(kernel: &Kernel) {
    process(kernel, |_| {
        let cr = fakekernel::cred::crget(1, 1, 1);
        // SAFETY: the count is looked at before memory is freed.
        unsafe {
            (*cr).cr_ref = 0;
            fakekernel::cred::crfree(cr);
        }
    });
}
