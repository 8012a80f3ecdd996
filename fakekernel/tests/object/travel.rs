//! How descriptors travel: over sockets, through exec, and what /proc shows of them.

use bindings::*;
use fakekernel::user::ProcCfg;

use super::support::{Case, Kernel, case, process, process_with};
use super::{HUP, IN, nonblocking, read, ready, write};

pub fn cases() -> Vec<Case> {
    vec![
        case("rights.received_as_the_lowest_number", received),
        case("rights.sender_closes_first", sender_closes),
        case("rights.closed_with_the_socket", dies_with_socket),
        case("rights.closed_by_a_plain_read", plain_read),
        case("rights.to_another_process", other_process),
        case("rights.among_bytes", among_bytes),
        case("rights.errors", errors),
        case("rights.receiver_waits", receiver_waits),
        case("rights.a_socket_in_a_socket", nested),
        case("rights.exit_with_rights_under_way", exit),
        case("exec.closes_what_asks_for_it", exec),
        case("exec.needs_a_single_thread", exec_threads),
        case("proc.stat_does_not_hold_the_descriptor", stat),
    ]
}

fn received(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        let (r, w) = lwp.pipe().unwrap();
        lwp.send_fd(a, w).unwrap();
        let hole = lwp.open_null().unwrap();
        let spare = lwp.open_null().unwrap();
        lwp.close(hole).unwrap();
        assert_eq!(lwp.receive_fd(b), Ok(hole));
        write(lwp, hole, b"x").unwrap();
        assert_eq!(read(lwp, r, 9).unwrap(), b"x");
        assert_eq!(lwp.getfd(hole), Ok(0));
        lwp.close(spare).unwrap();
    });
}

fn sender_closes(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        let (r, w) = lwp.pipe().unwrap();
        lwp.send_fd(a, w).unwrap();
        lwp.close(w).unwrap();
        // The message holds the pipe open.
        assert_eq!(ready(lwp, r, IN), 0);
        let w = lwp.receive_fd(b).unwrap();
        write(lwp, w, b"x").unwrap();
        assert_eq!(ready(lwp, r, IN), IN);
        lwp.close(w).unwrap();
        assert_eq!(ready(lwp, r, IN), IN | HUP);
    });
}

fn dies_with_socket(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        let (r, w) = lwp.pipe().unwrap();
        lwp.send_fd(a, w).unwrap();
        lwp.close(w).unwrap();
        lwp.close(a).unwrap();
        assert_eq!(ready(lwp, r, IN), 0);
        lwp.close(b).unwrap();
        assert_eq!(ready(lwp, r, IN), HUP);
    });
}

fn plain_read(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        let (r, w) = lwp.pipe().unwrap();
        write(lwp, a, b"before").unwrap();
        lwp.send_fd(a, w).unwrap();
        write(lwp, a, b"after").unwrap();
        lwp.close(w).unwrap();
        // A read goes no further than the message with the descriptor.
        assert_eq!(read(lwp, b, 100).unwrap(), b"before\0");
        assert_eq!(ready(lwp, r, IN), HUP);
        assert_eq!(read(lwp, b, 100).unwrap(), b"after");
    });
}

fn other_process(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        let child = lwp.fork(None, move |lwp| {
            lwp.close(a).unwrap();
            let w = lwp.receive_fd(b).unwrap();
            write(lwp, w, b"child").unwrap();
        });
        let (r, w) = lwp.pipe().unwrap();
        lwp.send_fd(a, w).unwrap();
        lwp.close(w).unwrap();
        child.wait();
        assert_eq!(read(lwp, r, 10).unwrap(), b"child");
        assert_eq!(ready(lwp, r, IN), HUP);
    });
}

fn among_bytes(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        write(lwp, a, b"bytes").unwrap();
        lwp.send_fd(a, a).unwrap();
        assert_eq!(lwp.receive_fd(b), Err(EBADMSG));
        assert_eq!(read(lwp, b, 5).unwrap(), b"bytes");
        let copy = lwp.receive_fd(b).unwrap();
        write(lwp, copy, b"through the copy").unwrap();
        assert_eq!(read(lwp, b, 50).unwrap(), b"through the copy");
    });
}

fn errors(kernel: &Kernel) {
    let cfg = ProcCfg {
        nofile: 4,
        ..ProcCfg::default()
    };
    process_with(kernel, cfg, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        assert_eq!(lwp.send_fd(a, 77), Err(EBADF));
        assert_eq!(lwp.send_fd(77, a), Err(EBADF));
        nonblocking(lwp, b);
        assert_eq!(lwp.receive_fd(b), Err(EAGAIN));
        let (r, w) = lwp.pipe().unwrap();
        lwp.send_fd(a, w).unwrap();
        // No number is free: what was sent is lost.
        assert_eq!(lwp.receive_fd(b), Err(EMFILE));
        assert_eq!(ready(lwp, r, IN), 0);
        lwp.close(w).unwrap();
        assert_eq!(ready(lwp, r, IN), HUP);
        lwp.close(a).unwrap();
        assert_eq!(lwp.receive_fd(b), Err(ENOENT));
        assert_eq!(lwp.send_fd(b, r), Err(EPIPE));
    });
}

fn receiver_waits(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        let receiver = lwp.spawn(move |lwp| lwp.receive_fd(b));
        lwp.settle();
        lwp.send_fd(a, a).unwrap();
        assert_eq!(receiver.join(), Ok(2));
        let receiver = lwp.spawn(move |lwp| lwp.receive_fd(b));
        lwp.settle();
        receiver.kill(SIGINT);
        assert_eq!(receiver.join(), Err(EINTR));
    });
}

fn nested(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        let (c, d) = lwp.socketpair().unwrap();
        let (r, w) = lwp.pipe().unwrap();
        lwp.send_fd(c, w).unwrap();
        lwp.send_fd(a, d).unwrap();
        lwp.close(w).unwrap();
        lwp.close(d).unwrap();
        lwp.close(a).unwrap();
        assert_eq!(ready(lwp, r, IN), 0);
        // The close of one takes everything with it that is under way in it.
        lwp.close(b).unwrap();
        assert_eq!(ready(lwp, r, IN), HUP);
        assert_eq!(ready(lwp, c, IN), IN | HUP);
    });
}

fn exit(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (r, w) = lwp.pipe().unwrap();
        let child = lwp.fork(None, move |lwp| {
            let (a, _b) = lwp.socketpair().unwrap();
            lwp.send_fd(a, w).unwrap();
        });
        lwp.close(w).unwrap();
        child.wait();
        assert_eq!(ready(lwp, r, IN), HUP);
    });
}

fn exec(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (r, w) = lwp.pipe().unwrap();
        let kept = lwp.dup(r).unwrap();
        lwp.setfd(w, FD_CLOEXEC).unwrap();
        lwp.setfd(r, FD_CLOEXEC).unwrap();
        let addr = lwp.alloc(1);
        assert!(lwp.poke(addr, b"m"));
        lwp.exec().unwrap();
        assert_eq!(lwp.getfd(r), Err(EBADF));
        assert_eq!(lwp.getfd(w), Err(EBADF));
        assert_eq!(ready(lwp, kept, IN), HUP);
        assert_eq!(lwp.peek(addr, 1).unwrap(), b"m");
        assert_eq!(lwp.open_null(), Ok(r));
    });
}

fn exec_threads(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (r, w) = lwp.pipe().unwrap();
        let other = lwp.spawn(move |lwp| read(lwp, r, 1));
        assert_eq!(lwp.exec(), Err(EBUSY));
        write(lwp, w, b"x").unwrap();
        other.join().unwrap();
        assert_eq!(lwp.exec(), Ok(()));
    });
}

fn stat(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (r, w) = lwp.pipe().unwrap();
        lwp.stat_through_proc(r).unwrap();
        assert_eq!(lwp.stat_through_proc(99), Err(ENOENT));
        // Descriptors come and go under it.
        let looker = lwp.spawn(move |lwp| {
            (0..300)
                .filter(|_| lwp.stat_through_proc(w).is_ok())
                .count()
        });
        for _ in 0..300 {
            lwp.close(w).unwrap();
            assert_eq!(lwp.dup(r), Ok(w));
        }
        looker.join();
    });
}
