//! Asynchronous I/O and threads: those of libc for files without it, and many at once (S89-S91,
//! C26).

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::aio::{SIZE, request, slow_device};
use super::prelude::*;
use crate::aio::{self, Notify, Request};
use crate::kaio;

pub(super) const CASES: &[Case] = &[
    case("aio.refusals_beside_retrieval", "S88 S95", beside).needs(Caps::KAIO),
    case("aio.threads_of_libc_dispatch", "S89 S90 S91", by_thread)
        .both()
        .needs(Caps::KAIO),
    case("aio.files_without_it_are_refused", "S89", unsupported)
        .both()
        .needs(Caps::KAIO),
    case("aio.many_threads_submit_and_retrieve", "S88 S90 C26", many)
        .needs(Caps::KAIO.union(Caps::VIRTUAL_CLOCK)),
];

/// One thread submits requests of which every other one is refused, another retrieves: both get on.
fn beside(ctx: &Ctx<'_>) -> Verdict {
    const ROUNDS: usize = 60;
    let fd = slow_device(ctx, 0)?;
    let port = ctx.port()?;
    let number = port.fd();
    let submitter = ctx.spawn(move |sys| {
        let to = Notify::Port(number, 1);
        let (good, bad) = (
            Request::new(sys, fd, 64)?.notify(to),
            Request::new(sys, fd, 1 << 17)?.notify(to),
        );
        let mut done = 0;
        while done < ROUNDS {
            let refused = bad.read();
            if refused != Err(Errno::ENOTSUP) {
                return Ok(refused);
            }
            match good.read() {
                Ok(()) => done += 1,
                Err(Errno::EBUSY) => sys.pause(),
                Err(errno) => return Err(errno),
            }
        }
        while good.read() == Err(Errno::EBUSY) {
            sys.sleep(MSEC);
        }
        sys.sleep(MSEC);
        Ok(Err(Errno::ENOTSUP))
    })?;
    for round in 0..=ROUNDS {
        let event = port.get(Timeout::Never)?;
        check::equal(format!("cookie {round}"), event.user, 1)?;
    }
    check::equal("submitter", submitter.join()?, Ok(Err(Errno::ENOTSUP)))?;
    ctx.expect_queue(port, &[])
}

/// A regular file: EBADFD from the kernel, so libc reads it in a thread of its own, which stores
/// the result and then dispatches the event. Another thread of libc fails.
fn by_thread(ctx: &Ctx<'_>) -> Verdict {
    aio::init(ctx.sys)?;
    let fd = ctx.sys.open_file(b"what the file says")?;
    ctx.keep(fd);
    let port = ctx.port()?;
    let number = port.fd();
    for (file, user, expected) in [(fd, 0x55, Ok(18)), (-1, 0x56, Err(Errno::EBADF))] {
        let request = request(ctx, file, number, user)?;
        let refused = if file < 0 {
            Errno::EBADF
        } else {
            Errno::EBADFD
        };
        check::refused("aio_read", request.read(), refused)?;
        let (cb, result, span) = (request.addr(), request.result_addr(), request.span());
        let worker = ctx.spawn(move |sys| {
            let mut bytes = vec![0; span.1];
            let got = sys.read(file, &mut bytes);
            if let Ok(count) = got {
                sys.poke(span.0, &bytes[..count]);
            }
            aio::store_result(sys, result, got.map(|count| count as i64));
            Port::at(sys, number).dispatch(0, source::AIO, kaio::AREAD, cb, user)
        })?;
        let event = port.get(Timeout::Never)?;
        let shown = Event::new(source::AIO, kaio::AREAD, cb as u64, user as u64);
        check::equal("event", event, shown)?;
        check::equal("result", request.result(), Some(expected))?;
        if expected.is_ok() {
            check::equal("bytes", &request.data()[..18], &b"what the file says"[..])?;
        }
        check::equal("dispatch", worker.join()?, Ok(()))?;
    }
    ctx.expect_queue(port, &[])
}

/// EBADFD for other files: libc does it with threads then. EINVAL before AIOINIT.
fn unsupported(ctx: &Ctx<'_>) -> Verdict {
    let (null, port) = (ctx.null()?, ctx.port()?);
    let request = request(ctx, null, port.fd(), 1)?;
    check::refused("before AIOINIT", request.read(), Errno::EINVAL)?;
    aio::init(ctx.sys)?;
    check::refused("/dev/null", request.read(), Errno::EBADFD)?;
    ctx.expect_queue(port, &[])
}

/// Submitters on two devices, retrievers of batches of all sizes: every event comes once, and its
/// result is there.
fn many(ctx: &Ctx<'_>) -> Verdict {
    const SUBMITTERS: usize = 4;
    const EACH: usize = 40;
    aio::init(ctx.sys)?;
    let port = ctx.port()?;
    let number = port.fd();
    let taken = Arc::new(AtomicUsize::new(0));
    let mut submitters = Vec::new();
    for at in 0..SUBMITTERS {
        let fd = ctx.sys.open_raw(SIZE, MSEC / 8 * (at as u64 % 2 + 1))?;
        ctx.keep(fd);
        let mut rng = ctx.rng();
        let taken = Arc::clone(&taken);
        submitters.push(ctx.spawn(move |sys| {
            let mut requests = Vec::new();
            for nth in 0..EACH {
                let user = at * EACH + nth + 1;
                let request = Request::new(sys, fd, 64)?.notify(Notify::Port(number, user));
                request.read()?;
                requests.push(request);
                sys.sleep(rng.below(4) * MSEC / 16);
            }
            while taken.load(Ordering::SeqCst) < SUBMITTERS * EACH {
                sys.sleep(MSEC);
            }
            let good = |r: &Request<'_>| r.result() == Some(Ok(64));
            Ok::<_, Errno>(requests.iter().filter(|r| good(r)).count())
        })?);
    }
    let mut retrievers = Vec::new();
    for at in 0..3_u32 {
        let taken = Arc::clone(&taken);
        retrievers.push(ctx.spawn(move |sys| {
            let mut users = Vec::new();
            while taken.load(Ordering::SeqCst) < SUBMITTERS * EACH {
                let to = Timeout::After(2 * MSEC);
                let batch = Port::at(sys, number).getn(1 + 8 * at, 1 + at, to);
                taken.fetch_add(batch.events.len(), Ordering::SeqCst);
                users.extend(batch.users());
            }
            users
        })?);
    }
    let mut users = Vec::new();
    for retriever in retrievers {
        users.extend(retriever.join()?);
    }
    users.sort_unstable();
    let all: Vec<u64> = (1..=(SUBMITTERS * EACH) as u64).collect();
    check::equal("cookies", users, all)?;
    for submitter in submitters {
        check::equal("results", submitter.join()?, Ok(EACH))?;
    }
    ctx.expect_queue(port, &[])
}
