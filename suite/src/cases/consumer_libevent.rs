//! libevent (C5), which doubles its list whenever that came back full, and libev (C6), which trusts
//! a source of 0 in entries that nobody wrote.

use super::consumer_io::{drain, expect, expect_quiet, objects, pipe, ready_pipe};
use super::prelude::*;
use crate::poll;

pub(super) const CASES: &[Case] = &[
    case("consumer.c5_growing_list", "C5 S60", libevent).both(),
    case(
        "consumer.c6_preset_list_is_untouched_by_etime",
        "C6 S59",
        libev,
    )
    .both(),
    case(
        "consumer.c5_growing_list_of_descriptors",
        "C5 S19 S29 S60",
        libevent_fds,
    )
    .both(),
    case("consumer.c5_removal", "C5 S29 S31", libevent_del),
    case(
        "consumer.c5_batches_under_load",
        "C5 S19 S60",
        libevent_load,
    ),
    case(
        "consumer.c6_closes_are_discarded",
        "C6 S32 S21",
        libev_close,
    )
    .both(),
    case(
        "consumer.c6_filters_on_the_source",
        "C6 S24 S96",
        libev_filter,
    ),
];

/// libevent doubles its list whenever it came back full.
fn libevent(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(0..9)?;
    let first = port.getn(8, 1, Timeout::Never);
    check::equal("full list of 8", first.users(), (0..8).collect())?;
    port.send_all(9..17)?;
    let second = port.getn(16, 1, Timeout::Never);
    check::equal("list of 16", second.users(), (8..17).collect())
}

/// libev presets a source of 0 and looks at n entries after ETIME.
fn libev(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let batch = port.getn(64, 1, Timeout::After(MSEC));
    check::equal(
        "port_getn",
        (batch.result, batch.nget),
        (Err(Errno::ETIME), 0),
    )?;
    check::that("the list is untouched", batch.rest_untouched)
}

/// Nine ready descriptors, a list of eight: the ninth comes with the next list, together with the
/// eight that were associated again.
fn libevent_fds(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let mut fds = Vec::new();
    for _ in 0..9 {
        let (reader, _) = ready_pipe(ctx)?;
        port.associate_fd(reader, poll::IN, 0)?;
        fds.push(reader);
    }
    let first = port.getn(8, 1, Timeout::Never);
    check::equal("list of 8", (first.result, first.nget), (Ok(()), 8))?;
    check::equal("its descriptors", objects(&first), fds[..8].to_vec())?;
    for fd in &fds[..8] {
        port.associate_fd(*fd, poll::IN, 1)?;
    }
    let second = port.getn(16, 1, Timeout::Never);
    check::equal("list of 16", (second.result, second.nget), (Ok(()), 9))?;
    let mut found = objects(&second);
    check::equal("the one left over comes first", found[0], fds[8])?;
    found.sort_unstable();
    fds.sort_unstable();
    check::equal("its descriptors", &found, &fds)?;
    for fd in fds {
        check::refused("retrieved", port.dissociate_fd(fd), Errno::ENOENT)?;
    }
    Ok(())
}

/// evport_del: fine when armed, EBADFD once the descriptor was closed.
fn libevent_del(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (armed, _) = pipe(ctx)?;
    let (closed, _) = pipe(ctx)?;
    port.associate_fd(armed, poll::IN, 0)?;
    port.associate_fd(closed, poll::IN, 0)?;
    ctx.sys.close(closed)?;
    check::refused("closed", port.dissociate_fd(closed), Errno::EBADFD)?;
    check::equal("armed", port.dissociate_fd(armed), Ok(()))?;
    expect_quiet("nothing is left", port)
}

/// Sixty descriptors that are written all the time, lists from 8 on: every byte is read, and no
/// descriptor is twice in a list.
fn libevent_load(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (count, each) = (60, 20_usize);
    let (mut readers, mut writers) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (reader, writer) = pipe(ctx)?;
        port.associate_fd(reader, poll::IN, 0)?;
        readers.push(reader);
        writers.push(writer);
    }
    let mut rng = ctx.rng();
    let writer = ctx.spawn(move |sys| -> Result<(), Errno> {
        for _ in 0..each {
            rng.shuffle(&mut writers);
            for writer in &writers {
                sys.write(*writer, b".")?;
            }
            sys.sleep(MSEC / 10);
        }
        Ok(())
    })?;
    // The first list is full.
    ctx.settle();
    let (mut max, mut bytes, mut last) = (8, 0, Vec::new());
    while bytes < count * each {
        for fd in last {
            port.associate_fd(fd, poll::IN, 0)?;
        }
        let batch = port.getn(max, 1, Timeout::After(10_000 * MSEC));
        check::equal("port_getn", batch.result, Ok(()))?;
        last = objects(&batch);
        let mut sorted = last.clone();
        sorted.sort_unstable();
        sorted.dedup();
        check::equal("distinct descriptors", sorted.len(), last.len())?;
        for fd in &last {
            bytes += drain(ctx.sys, *fd)?.0;
        }
        if batch.nget == max {
            max *= 2;
        }
    }
    writer.join()??;
    check::equal("bytes", bytes, count * each)?;
    check::that("the list has grown", max > 8)
}

/// libev does not hear of a close: no event of the old descriptor, no error for the new one.
fn libev_close(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (mut reader, mut writer) = pipe(ctx)?;
    for round in 0..5 {
        port.associate_fd(reader, poll::IN, 0)?;
        if round % 2 == 1 {
            ctx.sys.write(writer, b".")?;
        }
        ctx.sys.close(reader)?;
        let (again, other) = pipe(ctx)?;
        check::equal("the number of the new pipe", again, reader)?;
        ctx.sys.write(other, b".")?;
        let batch = port.getn(64, 1, Timeout::After(MSEC));
        let found = (batch.result, batch.nget, batch.rest_untouched);
        check::equal("before", found, (Err(Errno::ETIME), 0, true))?;
        port.associate_fd(again, poll::IN, 0)?;
        let expected = Event::of_fd(again, poll::IN, 0);
        let batch = port.getn(64, 1, Timeout::After(MSEC));
        expect("after", batch, &[expected])?;
        check::equal("read", drain(ctx.sys, again)?, (1, false))?;
        ctx.sys.close(writer)?;
        (reader, writer) = (again, other);
    }
    Ok(())
}

/// Entries of other sources stand in the same list; those of descriptors are all there.
fn libev_filter(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (first, _) = ready_pipe(ctx)?;
    let (second, _) = ready_pipe(ctx)?;
    port.send(1, 10)?;
    port.associate_fd(first, poll::IN, 0)?;
    port.send(1, 11)?;
    port.associate_fd(second, poll::IN, 0)?;
    let batch = port.getn(64, 1, Timeout::After(MSEC));
    let expected = [
        Event::new(source::USER, 1, 0, 10),
        Event::of_fd(first, poll::IN, 0),
        Event::new(source::USER, 1, 0, 11),
        Event::of_fd(second, poll::IN, 0),
    ];
    expect("all sources", batch, &expected)
}
