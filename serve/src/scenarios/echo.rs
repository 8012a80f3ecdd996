//! `echo`: a server of many connections, with several threads on one port (C1, C3, C20).
//!
//! Each connection is a socket pair whose server end is associated with the port. A client thread
//! sends one or two requests on each of some of its connections and waits for the answers. A
//! server thread gets the event, reads one request and answers it. If another one follows it
//! associates the descriptor again after answering, and the association itself must find what is
//! there; else before, and the wakeup of the socket tells of the next request.
//!
//! Now and then a client closes a connection. The server end must be told, and is closed. Then the
//! client opens the connection again, asks a server thread by `port_send` to associate the server
//! end, and sends the next request without waiting for that. At the end the clients close all.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use suite::{Errno, Failure, Port, Rng, Shutdown, System};

use super::{refill, settle, sleep, wakeups};
use crate::event_loop::{EventLoop, stop};
use crate::sender::rest;
use crate::socket_pairs::SocketPairs;
use crate::stage::{Stage, join};
use crate::{Cookie, Load, Progress, Service, Tally};

/// Bytes of a request and of its answer, which is the same: cookie, and connection with
/// [`FOLLOWED`].
const MESSAGE: usize = 16;
/// The request is not the last one that is under way on its connection.
const FOLLOWED: u64 = 1 << 63;
/// Requests that one client thread can have under way.
const BURST: usize = 32;
/// A client closes one in so many of the connections that it is about to use.
const RENEWAL: u64 = 16;
/// Entries of the list of every other server thread; the rest use `port_get`.
const LIST: u32 = 8;

/// Runs with `threads` server threads and half as many clients.
pub(crate) fn run(
    sys: &dyn System,
    load: Load,
    progress: Progress<'_>,
) -> Result<Service, Failure> {
    let (servers, count) = (load.threads, load.connections.max(1));
    let clients = load.half().min(u16::try_from(count).unwrap_or(u16::MAX));
    // Each association has a slot; where there is none, an event may ask for it. The events that
    // end the loops need some, too.
    let limit = u64::from(count) + u64::from(servers);
    let stage = Stage::set(sys, clients, BURST, limit)?;
    let port = Port::at(sys, stage.port);
    let connections = Arc::new(SocketPairs::open(sys, count)?);
    let mut service = Service {
        retrievers: servers,
        senders: clients,
        connections: Some(count),
        association_bytes: connections.servers.arm_all(port)?,
        ..Service::default()
    };
    let before = wakeups(sys);

    let mut serving = Vec::new();
    for id in 0..servers {
        let connections = Arc::clone(&connections);
        let list = if id % 2 == 0 { 1 } else { LIST };
        serving.push(stage.spawn(sys, move |sys, stage, tally| {
            EventLoop::new(sys, stage, &connections.servers, list, tally)?
                .run(|event_loop, index| answer(event_loop, index, &connections))
        })?);
    }
    let mut asking = Vec::new();
    for id in 0..clients {
        let connections = Arc::clone(&connections);
        let rng = Rng::new(load.seed + u64::from(id));
        asking.push(stage.spawn(sys, move |sys, stage, tally| {
            let own = (id.into()..connections.count()).step_by(clients.into());
            ask(sys, stage, id, &connections, own, rng, tally)
        })?);
    }
    let findings = &mut service.tally.findings;
    service.elapsed = stage.serve(sys, load, progress, findings, sleep(sys));
    service.wakeups = wakeups(sys).zip(before).map(|(now, before)| now - before);

    stage.end();
    if stage.has_failed() {
        // Clients wait for answers that will not come: here is their end.
        for server in connections.servers.fds() {
            let _ = sys.shutdown(server, Shutdown::Write);
        }
    }
    join(asking, &mut service.tally);
    for index in 0..connections.count() {
        if !stage.has_failed() {
            expect_silence(sys, &connections, index, &mut service.tally)?;
        }
        connections.leave(sys, index)?;
    }
    let told = || connections.live() == 0;
    if !stage.wait(sys, load.patience, told) && !stage.has_failed() {
        let left = connections.live();
        let text = format!("stuck: {left} connections are not told that their client is gone");
        service.tally.findings.fail(text);
        stage.fail();
    }
    stop(port, servers)?;
    join(serving, &mut service.tally);
    if !stage.has_failed() {
        refill(port, limit, &mut service.tally.findings)?;
    }
    settle(&stage, &mut service);
    port.close()?;
    Ok(service)
}

/// A client: sends bursts of requests and waits for their answers.
fn ask(
    sys: &dyn System,
    stage: &Stage,
    sender: u16,
    connections: &SocketPairs,
    own: impl Iterator<Item = usize>,
    mut rng: Rng,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let own: Vec<usize> = own.collect();
    let mut number = 0;
    let mut asked = Vec::new();
    let port = Port::at(sys, stage.port);
    while !stage.is_over() {
        let Some(burst) = stage.enter() else {
            rest(sys);
            continue;
        };
        let count = 1 + rng.below(own.len().min(BURST / 2) as u64) as usize;
        let first = rng.below(own.len() as u64) as usize;
        for &index in own.iter().cycle().skip(first).take(count) {
            if rng.below(RENEWAL) == 0 {
                connections.leave(sys, index)?;
            }
            if connections.client(index).is_none() && connections.renew(port, index)? {
                tally.renewed += 1;
            }
            let Some(fd) = connections.client(index) else {
                continue;
            };
            for followed in (0..=rng.below(2)).rev() {
                let cookie = Cookie { sender, number };
                let request = message(cookie, index, followed > 0);
                send(sys, stage, fd, cookie, &request)?;
                asked.push((fd, cookie, request));
                number += 1;
            }
        }
        drop(burst);
        for (fd, cookie, request) in asked.drain(..) {
            match read_all(sys, stage, fd)? {
                Some(answer) if answer == request => {
                    tally.book(&stage.ledger, cookie, sys.now());
                }
                Some(answer) => {
                    let text = format_args!("{answer:x?} is no answer to {request:x?} of {cookie}");
                    return Err(Failure::new(text));
                }
                // The scenario has failed. The other answers may have come.
                None => {}
            }
        }
    }
    Ok(())
}

/// The request that this cookie stands for.
fn message(cookie: Cookie, index: usize, followed: bool) -> [u8; MESSAGE] {
    let mut bytes = [0; MESSAGE];
    let (left, right) = bytes.split_at_mut(MESSAGE / 2);
    let flag = if followed { FOLLOWED } else { 0 };
    left.copy_from_slice(&cookie.encode().to_ne_bytes());
    right.copy_from_slice(&(index as u64 | flag).to_ne_bytes());
    bytes
}

/// Does a request follow this one?
fn is_followed(request: &[u8; MESSAGE]) -> bool {
    let (words, _) = request.as_chunks();
    words
        .get(1)
        .is_some_and(|word| u64::from_ne_bytes(*word) & FOLLOWED != 0)
}

/// Books a request and sends it.
fn send(
    sys: &dyn System,
    stage: &Stage,
    fd: i32,
    cookie: Cookie,
    request: &[u8],
) -> Result<(), Failure> {
    if !stage.ledger.post(cookie, sys.now()) {
        return Err(Failure::new(format_args!("{cookie} has no room")));
    }
    match sys.write(fd, request) {
        Ok(MESSAGE) => Ok(()),
        other => {
            stage.ledger.withdraw(cookie);
            Err(Failure::new(format_args!(
                "write of a request to {fd}: {other:?}"
            )))
        }
    }
}

/// Waits for a message; `None` if it will not come because the scenario has failed.
fn read_all(sys: &dyn System, stage: &Stage, fd: i32) -> Result<Option<[u8; MESSAGE]>, Failure> {
    let mut bytes = [0; MESSAGE];
    let mut have = 0;
    while let Some(rest @ [_, ..]) = bytes.get_mut(have..) {
        match sys.read(fd, rest) {
            Ok(0) | Err(Errno::EINTR) if stage.has_failed() => return Ok(None),
            Ok(count @ 1..) => have += count,
            Err(Errno::EINTR) => {}
            other => {
                return Err(Failure::new(format_args!(
                    "read of an answer from {fd}: {other:?}"
                )));
            }
        }
    }
    Ok(Some(bytes))
}

/// A server thread has the event of a connection: answers the request, or closes.
fn answer(
    event_loop: &mut EventLoop<'_>,
    index: usize,
    connections: &SocketPairs,
) -> Result<(), Failure> {
    let (sys, port, servers) = (event_loop.sys(), event_loop.port, event_loop.watched);
    let fd = servers.fd(index);
    let mut request = [0; MESSAGE];
    match sys.read(fd, &mut request) {
        Ok(MESSAGE) => {}
        Ok(0) => return connections.close_server(sys, index),
        Err(Errno::EAGAIN) => {
            event_loop.tally().spurious += 1;
            return servers.arm(port, index);
        }
        other => {
            return Err(Failure::new(format_args!(
                "read of a request from {fd}: {other:?}"
            )));
        }
    }
    let followed = is_followed(&request);
    if !followed {
        servers.arm(port, index)?;
    }
    match sys.write(fd, &request) {
        Ok(MESSAGE) => {}
        // The clients have been sent away.
        Err(_) if event_loop.stage.has_failed() => return Ok(()),
        other => {
            return Err(Failure::new(format_args!(
                "write of an answer to {fd}: {other:?}"
            )));
        }
    }
    if followed {
        servers.arm(port, index)?;
    }
    Ok(())
}

/// No answer may be there that nobody waits for.
fn expect_silence(
    sys: &dyn System,
    connections: &SocketPairs,
    index: usize,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let Some(client) = connections.client(index) else {
        return Ok(());
    };
    let mut bytes = [0; MESSAGE];
    sys.set_nonblocking(client, true)?;
    let found = sys.read(client, &mut bytes);
    if found != Err(Errno::EAGAIN) {
        let text = format!(
            "duplicated: connection {index} has more than the answers to its requests: {found:?}, \
             {bytes:x?}"
        );
        tally.findings.fail(text);
    }
    Ok(())
}
