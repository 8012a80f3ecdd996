//! Programs that watch files, as far as descriptors and user events show it: watchman (C18) and
//! readers that an alert ends (C24).

use super::prelude::*;
use crate::{PORT_ALERT_SET, PollFd, poll};

pub(super) const CASES: &[Case] = &[
    case("consumer.c18_poll_then_getn", "C18 S17", watchman),
    case("consumer.c24_reader_ends_by_alert", "C24 S77", notify).both(),
];

/// Two ports in one poll(2), then a getn that waits for ever on the readable one.
fn watchman(ctx: &Ctx<'_>) -> Verdict {
    let ports = [ctx.port()?, ctx.port()?];
    let fds = ports.map(|p| p.fd());
    let total = 100_usize;
    let sender = ctx.spawn(move |sys| -> Result<(), Errno> {
        for user in 0..total {
            Port::at(sys, fds[user % 2]).send(1, user)?;
            sys.sleep(MSEC / 10);
        }
        Ok(())
    })?;
    let mut users = Vec::new();
    while users.len() < total {
        let mut entries = fds.map(|fd| PollFd::new(fd, poll::IN));
        ctx.sys.poll(&mut entries, None)?;
        for (port, entry) in ports.iter().zip(entries) {
            if entry.revents & poll::IN != 0 {
                users.extend(port.getn(8, 1, Timeout::Never).users());
            }
        }
    }
    sender.join()??;
    users.sort_unstable();
    check::equal("events", users, (0..total as u64).collect())
}

/// A watcher's reader thread leaves on an alert with 666; nothing comes after the close.
fn notify(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let reader = ctx.spawn_asleep(move |sys| Port::at(sys, fd).get(Timeout::Never))?;
    port.alert(PORT_ALERT_SET, 666, 0)?;
    ctx.expect_done("the reader", &reader)?;
    check::equal(
        "alert",
        reader.join()?,
        Ok(Event::new(source::ALERT, 666, 0, 0)),
    )?;
    port.close()?;
    check::refused("port_get", port.get(Timeout::Poll), Errno::EBADF)
}
