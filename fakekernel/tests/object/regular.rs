//! Regular files.

use super::support::{Case, Kernel, case, process};
use super::{IN, OUT, read, ready, vop_poll, write};
use bindings::*;
use fakekernel::user::Whence;

pub fn cases() -> Vec<Case> {
    vec![
        case("regular.read_write_and_positions", positions),
        case("regular.always_ready", always_ready),
        case("regular.size_has_a_limit", limit),
        case("regular.shared_position_after_dup", shared),
        case("regular.bad_user_memory", faults),
    ]
}

fn positions(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_regular(b"hello world").unwrap();
        let stat = lwp.fstat(fd).unwrap();
        assert_eq!(stat.mode, S_IFREG as u32 | 0o600);
        assert_eq!(stat.size, 11);
        assert_eq!(read(lwp, fd, 5).unwrap(), b"hello");
        assert_eq!(write(lwp, fd, b", you"), Ok(5));
        assert_eq!(lwp.lseek(fd, 0, Whence::Set), Ok(0));
        assert_eq!(read(lwp, fd, 100).unwrap(), b"hello, youd");
        assert_eq!(read(lwp, fd, 100).unwrap(), b"");
        // A hole is zeroes.
        assert_eq!(lwp.lseek(fd, 4, Whence::End), Ok(15));
        assert_eq!(write(lwp, fd, b"!"), Ok(1));
        assert_eq!(lwp.lseek(fd, 10, Whence::Set), Ok(10));
        assert_eq!(read(lwp, fd, 100).unwrap(), b"d\0\0\0\0!");
        assert_eq!(lwp.lseek(fd, -1, Whence::Set), Err(EINVAL));
    });
}

fn always_ready(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_regular(b"").unwrap();
        assert_eq!(ready(lwp, fd, IN | OUT), IN | OUT);
        // poll(2) does not let POLLET through; an event port does.
        assert_eq!(ready(lwp, fd, IN | POLLET as i16), IN);
        assert_eq!(vop_poll(fd, IN | POLLET as i16), Err(EPERM));
    });
}

fn limit(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_regular(b"").unwrap();
        let end = 1 << 24;
        assert_eq!(lwp.lseek(fd, end - 1, Whence::Set), Ok(end - 1));
        assert_eq!(write(lwp, fd, b"ab"), Err(EFBIG));
        assert_eq!(write(lwp, fd, b"a"), Ok(1));
        assert_eq!(lwp.fstat(fd).unwrap().size, 1 << 24);
        assert_eq!(lwp.open_regular(&vec![0; (1 << 24) + 1]), Err(EFBIG));
    });
}

fn shared(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_regular(b"abcdef").unwrap();
        let copy = lwp.dup(fd).unwrap();
        assert_eq!(read(lwp, fd, 3).unwrap(), b"abc");
        assert_eq!(read(lwp, copy, 3).unwrap(), b"def");
    });
}

fn faults(kernel: &Kernel) {
    process(kernel, |lwp| {
        let fd = lwp.open_regular(b"abc").unwrap();
        assert_eq!(lwp.read(fd, 8, 3), Err(EFAULT));
        assert_eq!(read(lwp, fd, 3).unwrap(), b"abc");
        assert_eq!(lwp.write(fd, 8, 3), Err(EFAULT));
        assert_eq!(lwp.fstat(fd).unwrap().size, 3);
    });
}
