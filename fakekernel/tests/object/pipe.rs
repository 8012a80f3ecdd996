//! Pipes.

use super::support::{Case, Kernel, case, process, process_with};
use super::{
    HUP, IN, OUT, echo_bytes, nonblocking, poller, read, ready, restless, three_writers, write,
};
use bindings::*;
use fakekernel::user::ProcCfg;

/// Bytes that fill a pipe.
const FULL: usize = 16384;

pub fn cases() -> Vec<Case> {
    vec![
        case("pipe.bytes_both_ways", both_ways),
        case("pipe.fstat", attributes),
        case("pipe.read_waits_for_a_write", read_waits),
        case("pipe.write_waits_for_room", write_waits),
        case("pipe.does_not_wait_with_nonblock", nonblock),
        case("pipe.signal_ends_a_wait", signal),
        case("pipe.end_of_file_and_epipe", ends),
        case("pipe.close_wakes_the_other_end", close_wakes),
        case("pipe.close_of_a_copy_changes_nothing", close_of_copy),
        case("pipe.close_under_a_reader", close_under_reader),
        case("pipe.bad_user_memory", faults),
        case("pipe.poll", polls),
        case("pipe.poll_is_told_of_bytes_room_and_close", told),
        case("pipe.unread_bytes_are_freed", unread),
        case("pipe.no_byte_lost_or_doubled", race).on(restless),
        case("pipe.no_wakeup_lost", ping_pong).on(restless),
        case("pipe.table_full", table_full),
        case("pipe.survives_fork", fork),
    ]
}

fn both_ways(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        assert_eq!((a, b), (0, 1));
        assert_eq!(write(lwp, b, b"abc"), Ok(3));
        assert_eq!(write(lwp, b, b"def"), Ok(3));
        assert_eq!(write(lwp, a, b"back"), Ok(4));
        assert_eq!(read(lwp, a, 4).unwrap(), b"abcd");
        assert_eq!(read(lwp, a, 100).unwrap(), b"ef");
        assert_eq!(read(lwp, b, 100).unwrap(), b"back");
        assert_eq!(write(lwp, b, b""), Ok(0));
        assert_eq!(read(lwp, a, 0).unwrap(), b"");
        assert_eq!(lwp.lseek(a, 0, fakekernel::user::Whence::Set), Err(ESPIPE));
        assert_eq!(lwp.raise(a, IN), Err(ENOTTY));
    });
}

fn attributes(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        write(lwp, b, b"12345").unwrap();
        let stat = lwp.fstat(a).unwrap();
        assert_eq!(stat.mode & S_IFMT as u32, S_IFIFO as u32);
        assert_eq!((stat.size, stat.uid), (5, 100));
        assert_eq!(lwp.fstat(b).unwrap().size, 0);
    });
}

fn read_waits(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        let reader = lwp.spawn(move |lwp| read(lwp, a, 10));
        lwp.settle();
        assert!(!reader.has_ended());
        write(lwp, b, b"x").unwrap();
        assert_eq!(reader.join().unwrap(), b"x");
    });
}

fn write_waits(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        let writer = lwp.spawn(move |lwp| write(lwp, b, &[7; FULL + 6000]));
        lwp.settle();
        assert!(!writer.has_ended());
        // A reader that wants more than there is goes on with the writer that waits.
        let got = read(lwp, a, FULL + 6000).unwrap();
        assert_eq!(got, [7; FULL + 6000]);
        assert_eq!(writer.join(), Ok(FULL + 6000));
    });
}

fn nonblock(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        nonblocking(lwp, a);
        nonblocking(lwp, b);
        assert_eq!(read(lwp, a, 1), Err(EAGAIN));
        let mut total = 0;
        // The last piece may go over the mark.
        while let Ok(n) = write(lwp, b, &[1; 6000]) {
            total += n;
        }
        assert_eq!(write(lwp, b, &[1]), Err(EAGAIN));
        assert!((FULL..FULL + 5120).contains(&total), "{total}");
        assert_eq!(read(lwp, a, 2 * FULL).unwrap().len(), total);
        assert_eq!(read(lwp, a, 1), Err(EAGAIN));
        lwp.setfl(a, lwp.getfl(a).unwrap() & !O_NONBLOCK | O_NDELAY)
            .unwrap();
        assert_eq!(read(lwp, a, 1).unwrap(), b"");
    });
}

fn signal(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        let reader = lwp.spawn(move |lwp| read(lwp, a, 1));
        lwp.settle();
        reader.kill(SIGINT);
        assert_eq!(reader.join(), Err(EINTR));
        let writer = lwp.spawn(move |lwp| write(lwp, b, &[1; FULL * 2]));
        lwp.settle();
        writer.kill(SIGINT);
        // What was written before counts.
        let n = writer.join().unwrap();
        assert!((FULL..FULL + 5120).contains(&n), "{n}");
        let writer = lwp.spawn(move |lwp| write(lwp, b, &[1]));
        lwp.settle();
        writer.kill(SIGINT);
        assert_eq!(writer.join(), Err(EINTR));
    });
}

fn ends(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        write(lwp, b, b"rest").unwrap();
        lwp.close(b).unwrap();
        assert_eq!(ready(lwp, a, IN | OUT), HUP | IN);
        assert_eq!(read(lwp, a, 10).unwrap(), b"rest");
        assert_eq!(read(lwp, a, 10).unwrap(), b"");
        assert_eq!(ready(lwp, a, IN | OUT), HUP);
        assert_eq!(write(lwp, a, b"x"), Err(EPIPE));
        assert_eq!(lwp.signals(), 0);
    });
}

fn close_wakes(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        let reader = lwp.spawn(move |lwp| read(lwp, a, 1));
        let waiting = poller(lwp, a, IN);
        lwp.close(b).unwrap();
        assert_eq!(reader.join().unwrap(), b"");
        assert_eq!(waiting.join(), HUP);
        let (a, b) = lwp.pipe().unwrap();
        let writer = lwp.spawn(move |lwp| write(lwp, b, &[1; FULL * 2]));
        lwp.settle();
        lwp.close(a).unwrap();
        assert_eq!(writer.join(), Err(EPIPE));
    });
}

fn close_of_copy(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        let copy = lwp.dup(b).unwrap();
        lwp.close(b).unwrap();
        assert_eq!(ready(lwp, a, IN), 0);
        write(lwp, copy, b"x").unwrap();
        assert_eq!(ready(lwp, a, IN), IN);
        lwp.close(copy).unwrap();
        assert_eq!(ready(lwp, a, IN), IN | HUP);
    });
}

fn close_under_reader(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, _b) = lwp.pipe().unwrap();
        let reader = lwp.spawn(move |lwp| read(lwp, a, 1));
        lwp.settle();
        lwp.close(a).unwrap();
        assert_eq!(reader.join(), Err(EBADF));
    });
}

fn faults(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        assert_eq!(lwp.write(b, 8, 4), Err(EFAULT));
        assert_eq!(ready(lwp, a, IN), 0);
        write(lwp, b, b"abcdef").unwrap();
        assert_eq!(lwp.read(a, 8, 4), Err(EFAULT));
        // Nothing is lost by a read that failed.
        assert_eq!(read(lwp, a, 10).unwrap(), b"abcdef");
    });
}

fn polls(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        assert_eq!(ready(lwp, a, IN), 0);
        assert_eq!(ready(lwp, a, IN | OUT), OUT);
        write(lwp, b, b"x").unwrap();
        assert_eq!(ready(lwp, a, IN), IN);
        let norm = POLLRDNORM as i16;
        assert_eq!(ready(lwp, a, norm), norm);
        assert_eq!(ready(lwp, a, POLLPRI as i16), 0);
        nonblocking(lwp, b);
        while write(lwp, b, &[0; 4096]).is_ok() {}
        assert_eq!(ready(lwp, b, OUT), 0);
        assert_eq!(ready(lwp, b, IN | OUT), 0);
    });
}

fn told(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        let waiting = poller(lwp, a, IN);
        write(lwp, b, b"x").unwrap();
        assert_eq!(waiting.join(), IN);
        nonblocking(lwp, b);
        while write(lwp, b, &[0; 4096]).is_ok() {}
        let waiting = poller(lwp, b, OUT);
        // As long as the pipe is full nobody is told.
        let full = lwp.fstat(a).unwrap().size as usize;
        read(lwp, a, full - FULL).unwrap();
        lwp.settle();
        assert!(!waiting.has_ended());
        read(lwp, a, 1).unwrap();
        assert_eq!(waiting.join(), OUT);
        while write(lwp, b, &[0; 4096]).is_ok() {}
        let waiting = poller(lwp, b, OUT);
        lwp.close(a).unwrap();
        assert_eq!(waiting.join(), HUP);
    });
}

fn unread(kernel: &Kernel) {
    // The kernel of these cases panics when memory is left at the end.
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        write(lwp, b, b"never read").unwrap();
        write(lwp, a, b"nor this").unwrap();
        lwp.close(a).unwrap();
        assert_eq!(read(lwp, b, 10).unwrap(), b"nor this");
        let (_a, b) = lwp.pipe().unwrap();
        write(lwp, b, b"left over at exit").unwrap();
    });
}

fn race(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        // Longer than PIPE_BUF now and then.
        three_writers(lwp, a, b, 200, 12000);
        assert_eq!(ready(lwp, a, IN), 0);
    });
}

fn ping_pong(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        echo_bytes(lwp, a, b);
    });
}

fn table_full(kernel: &Kernel) {
    let cfg = ProcCfg {
        nofile: 3,
        ..ProcCfg::default()
    };
    process_with(kernel, cfg, |lwp| {
        let (a, _b) = lwp.pipe().unwrap();
        assert_eq!(lwp.pipe(), Err(EMFILE));
        // The descriptor that was free still is.
        assert_eq!(lwp.dup(a), Ok(2));
        assert_eq!(lwp.pipe(), Err(EMFILE));
    });
}

fn fork(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (a, b) = lwp.pipe().unwrap();
        let child = lwp.fork(None, move |lwp| {
            lwp.close(a).unwrap();
            write(lwp, b, b"from the child").unwrap()
        });
        assert_eq!(child.wait(), 14);
        assert_eq!(ready(lwp, a, IN), IN);
        assert_eq!(read(lwp, a, 100).unwrap(), b"from the child");
        lwp.close(b).unwrap();
        assert_eq!(ready(lwp, a, IN), HUP);
    });
}
