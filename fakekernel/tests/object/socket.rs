//! Pairs of sockets.

use bindings::*;

use super::support::{Case, Kernel, case, process};
use super::{
    HUP, IN, OUT, echo_bytes, nonblocking, poller, read, ready, restless, three_writers, vop_poll,
    write,
};

/// Unread bytes that make a socket full, and those below which it no longer is.
const FULL: usize = 16384;
const LOW: usize = 256;

pub fn cases() -> Vec<Case> {
    vec![
        case("socket.bytes_both_ways", both_ways),
        case("socket.read_and_write_wait", waits),
        case("socket.does_not_wait_with_nonblock", nonblock),
        case("socket.signal_ends_a_wait", signal),
        case("socket.room_only_when_nearly_empty", water_marks),
        case("socket.poll", polls),
        case("socket.close_of_the_peer", peer_closes),
        case("socket.close_wakes_with_an_error_first", close_wakes),
        case("socket.shutdown_of_writing", shutdown_write),
        case("socket.shutdown_of_reading", shutdown_read),
        case("socket.shutdown_of_both", shutdown_both),
        case("socket.shutdown_twice", shutdown_twice),
        case("socket.shutdown_of_something_else", no_socket),
        case("socket.bad_user_memory", faults),
        case("socket.unread_bytes_are_freed", unread),
        case("socket.no_byte_lost_or_doubled", race).on(restless),
        case("socket.no_wakeup_lost", ping_pong).on(restless),
    ]
}

fn both_ways(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        assert_eq!((a, b), (0, 1));
        assert_eq!(write(lwp, a, b"abc"), Ok(3));
        assert_eq!(write(lwp, a, b"def"), Ok(3));
        assert_eq!(write(lwp, b, b"back"), Ok(4));
        assert_eq!(read(lwp, b, 4).unwrap(), b"abcd");
        assert_eq!(read(lwp, b, 100).unwrap(), b"ef");
        assert_eq!(read(lwp, a, 100).unwrap(), b"back");
        let stat = lwp.fstat(a).unwrap();
        assert_eq!(stat.mode & S_IFMT as u32, S_IFSOCK as u32);
    });
}

fn waits(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        let reader = lwp.spawn(move |lwp| read(lwp, a, 10));
        lwp.settle();
        assert!(!reader.has_ended());
        write(lwp, b, b"x").unwrap();
        assert_eq!(reader.join().unwrap(), b"x");
        let writer = lwp.spawn(move |lwp| write(lwp, b, &[7; 3 * FULL]));
        let mut got = 0;
        while got < 3 * FULL {
            lwp.settle();
            assert_eq!(writer.has_ended(), got >= 2 * FULL);
            got += read(lwp, a, FULL).unwrap().len();
        }
        assert_eq!(writer.join(), Ok(3 * FULL));
    });
}

fn nonblock(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        nonblocking(lwp, a);
        nonblocking(lwp, b);
        assert_eq!(read(lwp, a, 1), Err(EAGAIN));
        // A part, and then nothing.
        assert_eq!(write(lwp, b, &[1; 2 * FULL]), Ok(FULL));
        assert_eq!(write(lwp, b, &[1]), Err(EAGAIN));
        assert_eq!(read(lwp, a, 2 * FULL).unwrap().len(), FULL);
        assert_eq!(read(lwp, a, 1), Err(EAGAIN));
    });
}

fn signal(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        let reader = lwp.spawn(move |lwp| read(lwp, a, 1));
        lwp.settle();
        reader.kill(SIGINT);
        assert_eq!(reader.join(), Err(EINTR));
        let writer = lwp.spawn(move |lwp| write(lwp, b, &[1; FULL * 2]));
        lwp.settle();
        writer.kill(SIGINT);
        assert_eq!(writer.join(), Ok(FULL));
    });
}

fn water_marks(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        write(lwp, b, &[0; FULL]).unwrap();
        assert_eq!(ready(lwp, b, OUT), 0);
        let waiting = poller(lwp, b, OUT);
        read(lwp, a, FULL - LOW).unwrap();
        lwp.settle();
        assert!(!waiting.has_ended());
        assert_eq!(ready(lwp, b, OUT), 0);
        read(lwp, a, 1).unwrap();
        assert_eq!(waiting.join(), OUT);
        assert_eq!(ready(lwp, b, OUT), OUT);
    });
}

fn polls(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        assert_eq!(ready(lwp, a, IN), 0);
        assert_eq!(ready(lwp, a, IN | OUT), OUT);
        let waiting = poller(lwp, a, IN);
        write(lwp, b, b"x").unwrap();
        assert_eq!(waiting.join(), IN);
        let norm = POLLRDNORM as i16;
        assert_eq!(ready(lwp, a, norm), norm);
        // Edge-triggered polls are taken, unlike by a regular file.
        assert_eq!(vop_poll(a, IN | POLLET as i16), Ok(IN));
    });
}

fn peer_closes(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        write(lwp, b, b"rest").unwrap();
        lwp.close(b).unwrap();
        assert_eq!(ready(lwp, a, IN | OUT), HUP | IN | OUT);
        assert_eq!(read(lwp, a, 10).unwrap(), b"rest");
        assert_eq!(read(lwp, a, 10).unwrap(), b"");
        let hangup = POLLRDHUP as i16;
        assert_eq!(vop_poll(a, IN | hangup), Ok(IN | HUP | hangup));
        assert_eq!(write(lwp, a, b"x"), Err(EPIPE));
    });
}

fn close_wakes(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        let reader = lwp.spawn(move |lwp| read(lwp, a, 1));
        // Poll asks again, so it sees the state and not what woke it.
        let waiting = poller(lwp, a, 0);
        lwp.close(b).unwrap();
        assert_eq!(reader.join().unwrap(), b"");
        assert_eq!(waiting.join(), HUP);
        let (a, b) = lwp.socketpair().unwrap();
        let writer = lwp.spawn(move |lwp| write(lwp, b, &[1; FULL * 2]));
        lwp.settle();
        lwp.close(a).unwrap();
        assert_eq!(writer.join(), Err(EPIPE));
    });
}

fn shutdown_write(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        let waiting = poller(lwp, a, IN);
        write(lwp, b, b"last").unwrap();
        waiting.join();
        lwp.shutdown(b, false, true).unwrap();
        assert_eq!(write(lwp, b, b"x"), Err(EPIPE));
        assert_eq!(read(lwp, a, 10).unwrap(), b"last");
        assert_eq!(read(lwp, a, 10).unwrap(), b"");
        assert_eq!(ready(lwp, a, IN), IN);
        // The other direction works.
        write(lwp, a, b"answer").unwrap();
        assert_eq!(read(lwp, b, 10).unwrap(), b"answer");
    });
}

fn shutdown_read(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        write(lwp, b, &[0; FULL]).unwrap();
        let writer = poller(lwp, b, OUT);
        lwp.shutdown(a, true, false).unwrap();
        // What was there is gone, which makes room.
        assert_eq!(writer.join(), OUT);
        assert_eq!(read(lwp, a, 10).unwrap(), b"");
        assert_eq!(ready(lwp, a, IN), IN);
        write(lwp, a, b"x").unwrap();
        assert_eq!(read(lwp, b, 10).unwrap(), b"x");
    });
}

fn shutdown_both(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        let (mine, theirs) = (poller(lwp, a, IN), poller(lwp, b, IN));
        lwp.shutdown(a, true, true).unwrap();
        assert_eq!(mine.join(), IN | HUP);
        assert_eq!(theirs.join(), IN | HUP);
        assert_eq!(write(lwp, a, b"x"), Err(EPIPE));
        assert_eq!(write(lwp, b, b"x"), Err(EPIPE));
        assert_eq!(read(lwp, b, 1).unwrap(), b"");
    });
}

fn shutdown_twice(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        lwp.shutdown(a, false, true).unwrap();
        lwp.shutdown(a, false, true).unwrap();
        assert_eq!(ready(lwp, b, 0), 0);
        lwp.shutdown(a, true, false).unwrap();
        assert_eq!(ready(lwp, b, 0), HUP);
        lwp.close(a).unwrap();
        assert_eq!(ready(lwp, b, IN), IN | HUP);
    });
}

fn no_socket(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, _b) = lwp.pipe().unwrap();
        assert_eq!(lwp.shutdown(a, true, true), Err(ENOTSOCK));
        assert_eq!(lwp.shutdown(99, true, true), Err(EBADF));
        assert_eq!(lwp.send_fd(a, a), Err(ENOTSOCK));
        assert_eq!(lwp.receive_fd(a), Err(ENOTSOCK));
    });
}

fn faults(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        assert_eq!(lwp.write(b, 8, 4), Err(EFAULT));
        assert_eq!(ready(lwp, a, IN), 0);
        write(lwp, b, b"abcdef").unwrap();
        assert_eq!(lwp.read(a, 8, 4), Err(EFAULT));
        assert_eq!(read(lwp, a, 10).unwrap(), b"abcdef");
    });
}

fn unread(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        write(lwp, b, b"never read").unwrap();
        write(lwp, a, b"nor this").unwrap();
        lwp.close(a).unwrap();
        let (_a, b) = lwp.socketpair().unwrap();
        write(lwp, b, b"left over at exit").unwrap();
    });
}

fn race(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        three_writers(lwp, a, b, 100, 20000);
    });
}

fn ping_pong(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.socketpair().unwrap();
        echo_bytes(lwp, a, b);
    });
}
