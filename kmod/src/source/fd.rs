//! `PORT_SOURCE_FD`: readiness of descriptors.
//!
//! An association asks the file once, through `VOP_POLL`, and sends its event
//! at once if the condition holds (S20). If not, it waits on the file's
//! pollhead for `pollwakeup`. What happens between the question and the
//! pollhead would go unseen, so the file is asked again after that.
//!
//! All of it runs under `pc_lock` of the port, which a file may leave in the
//! middle of `VOP_POLL`. Another thread may then dissociate the descriptor, or
//! associate it again; the thread that armed the association last goes on with
//! it, the others are done.
//!
//! Lock order: `f_tlock` of a port being closed -> `pc_lock` -> `uf_lock`;
//! `pc_lock` -> `PORTQ_BLOCKED`, a pollhead's lock -> `portkev_lock` ->
//! `portq_mutex`.

use crate::kernel::fdcache::FdCache;
use crate::kernel::file::OpenFile;
use crate::kernel::poll::PollEvents;
use crate::kernel::port::Port;
use crate::kernel::portfd::Association;
use crate::kernel::proc;
use crate::kernel::queue::Flag;
use crate::kernel::source::CloseKind;
use crate::kernel::{Errno, Result};

/// How often a file may name a new pollhead in answer to one association.
const PATIENCE: u32 = 4;

/// A descriptor number as an event object, held.
///
/// # Errors
///
/// `EBADFD` if it is no number of an open descriptor (S25).
fn hold(object: usize) -> Result<OpenFile> {
    let fd = i32::try_from(object).map_err(|_| Errno::EBADFD)?;
    OpenFile::hold(fd).map_err(|_| Errno::EBADFD)
}

/// Associates a descriptor with the port, or arms its association again with
/// new events and a new cookie. An unread event is taken back (S21).
///
/// # Errors
///
/// - `EBADFD`: not an open descriptor (S25).
/// - `EAGAIN`, `ENOMEM`: no slot, no memory for a new association (S27).
/// - what the file answers to the question (S27). The association is gone
///   then; one of another process stays, but is not armed (D11).
#[inline(never)]
pub fn port_associate_fd(port: &Port, object: usize, events: i32, user: usize) -> Result {
    let file = hold(object)?;
    let mut cache = port.fd_cache();
    if let Some(known) = cache.find(&file) {
        known.disarm();
        known.cancel();
        known.arm(events, user);
    } else {
        cache.insert(&file)?.arm(events, user);
    }
    let sent = ask(&mut cache, &file, events)?;
    drop(cache);
    // port_send_event leaves those who poll the port to pollwakeup, for this
    // source; here nobody else tells them.
    if sent && port.lock().clear(Flag::POLLIN) {
        port.wake_pollers(PollEvents::IN);
    }
    Ok(())
}

/// Asks the file and makes sure that nothing it tells is missed. True if the
/// event was sent here.
fn ask(cache: &mut FdCache<'_>, file: &OpenFile, events: i32) -> Result<bool> {
    for turn in 1.. {
        let answer = cache.poll(file, events);
        let Some(association) = cache.find_mine(file) else {
            return answer.map(|_| false);
        };
        let ready = match answer {
            Ok(ready) => ready,
            Err(error) => return port_give_up_fd(association, file, error).map(|()| false),
        };
        match ready.pollhead {
            Some(pollhead) if turn < PATIENCE && !association.is_on(pollhead) => {
                association.port_bind_pollhead(pollhead);
            }
            _ => return Ok(association.send(ready.events)),
        }
    }
    Ok(false)
}

/// Ends an association that its file refused, if it is the caller's. An event
/// that somebody retrieved meanwhile makes it a success: it is in that
/// thread's hands now.
#[cold]
fn port_give_up_fd(association: Association<'_>, file: &OpenFile, error: Errno) -> Result {
    let armed = association.disarm();
    let queued = if association.owner() == proc::pid() {
        association.remove(file)
    } else {
        association.cancel()
    };
    if armed || queued { Err(error) } else { Ok(()) }
}

/// Ends the association of a descriptor.
///
/// # Errors
///
/// - `ENOENT`: the port never had an association, or its event was retrieved
///   and it was not armed since (S29, S31).
/// - `EBADFD`: not an open descriptor.
/// - `EACCES`: another process made the association (S30).
#[inline(never)]
pub fn port_dissociate_fd(port: &Port, object: usize) -> Result {
    if i32::try_from(object).is_err() {
        return Err(Errno::EBADFD);
    }
    let mut cache = port.fd_cache();
    if cache.is_unused() {
        return Err(Errno::ENOENT);
    }
    let file = hold(object)?;
    let association = cache.find(&file).ok_or(Errno::ENOENT)?;
    if association.owner() != proc::pid() {
        return Err(Errno::EACCES);
    }
    let armed = association.disarm();
    let queued = association.remove(&file);
    if armed || queued {
        Ok(())
    } else {
        Err(Errno::ENOENT)
    }
}

/// Ends the associations of the process that closes the port; after a last
/// close there are none.
#[inline(never)]
pub fn port_close_sourcefd(port: &Port, kind: CloseKind) {
    let mut cache = port.fd_cache();
    cache.remove_all_of(proc::pid());
    if kind == CloseKind::Last {
        cache.wait_until_empty();
    }
}
