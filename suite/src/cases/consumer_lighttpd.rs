//! lighttpd: asks for the backlog and waits for as many events (C11).

use super::consumer_io::{objects, ready_pipe};
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case(
        "consumer.c11_backlog_taken_by_somebody_else",
        "C11 S59 S62",
        lighttpd,
    )
    .both(),
    case(
        "consumer.c11_backlog_of_descriptors",
        "C11 S59 S60 S62",
        lighttpd_fds,
    )
    .both(),
    case(
        "consumer.c11_closed_descriptors_are_no_backlog",
        "C11 S32 S59 S62",
        lighttpd_closed,
    ),
];

/// lighttpd asks for the backlog and waits for as many; another thread took three of five.
fn lighttpd(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    port.send_all(1..=5)?;
    let backlog = port.queued()?;
    check::equal("backlog", backlog, 5)?;
    let other = ctx.spawn(move |sys| Port::at(sys, fd).getn(3, 3, Timeout::Never).users())?;
    check::equal("events of the other thread", other.join()?, vec![1, 2, 3])?;
    let batch = port.getn(16, backlog, Timeout::After(50 * MSEC));
    check::equal(
        "port_getn",
        (batch.result, batch.users()),
        (Err(Errno::ETIME), vec![4, 5]),
    )
}

/// Five ready sockets; alone the loop gets all five at once, otherwise two with ETIME.
fn lighttpd_fds(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let mut fds = Vec::new();
    for _ in 0..5 {
        fds.push(ready_pipe(ctx)?.0);
    }
    for user in 0..2 {
        for fd in &fds {
            port.associate_fd(*fd, poll::IN, user)?;
        }
        let backlog = port.queued()?;
        check::equal("backlog", backlog, 5)?;
        let mut expected = fds.clone();
        let mut result = Ok(());
        if user == 1 {
            let other = ctx.spawn(move |sys| Port::at(sys, fd).getn(3, 3, Timeout::Never))?;
            let taken = objects(&other.join()?);
            check::equal("events of the other thread", taken, expected[..3].to_vec())?;
            expected.drain(..3);
            result = Err(Errno::ETIME);
        }
        let batch = port.getn(16, backlog, Timeout::After(50 * MSEC));
        check::equal(
            "port_getn",
            (batch.result, objects(&batch)),
            (result, expected),
        )?;
    }
    Ok(())
}

/// A socket is closed between the question and the wait.
fn lighttpd_closed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let mut fds = Vec::new();
    for _ in 0..3 {
        let (reader, _) = ready_pipe(ctx)?;
        port.associate_fd(reader, poll::IN, 0)?;
        fds.push(reader);
    }
    let backlog = port.queued()?;
    ctx.sys.close(fds.remove(1))?;
    check::equal("backlog now", port.queued(), Ok(2))?;
    let batch = port.getn(16, backlog, Timeout::After(50 * MSEC));
    let expected = (Err(Errno::ETIME), fds);
    check::equal("port_getn", (batch.result, objects(&batch)), expected)
}
