//! libvarpd: more threads in `port_get` than processors, with injected events (C20).

use super::prelude::*;

pub(super) const CASES: &[Case] = &[case(
    "consumer.c20_threads_and_injections",
    "C20 S73",
    libvarpd,
)];

/// 2*ncpu+1 daemon threads in `port_get`, injections from four others: the count is exact.
fn libvarpd(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let (daemons, senders, each) = (9, 4, 500_usize);
    let mut takers = Vec::new();
    for _ in 0..daemons {
        takers.push(ctx.spawn(move |sys| -> Result<u64, Errno> {
            let mut count = 0;
            while Port::at(sys, fd).get(Timeout::Never)?.events != 2 {
                count += 1;
            }
            Ok(count)
        })?);
    }
    let mut tasks = Vec::new();
    for _ in 0..senders {
        tasks.push(ctx.spawn(move |sys| Port::at(sys, fd).send_all(0..each))?);
    }
    for task in tasks {
        task.join()??;
    }
    for _ in 0..daemons {
        port.send(2, 0)?;
    }
    let mut count = 0;
    for taker in takers {
        count += taker.join()??;
    }
    check::equal("events", count, (senders * each) as u64)?;
    ctx.expect_queue(port, &[])
}
