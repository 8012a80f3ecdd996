//! poll(2): the questions and the sleep.

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::Ordering::Relaxed;

use bindings::*;

use super::{cache, state};
use crate::curthread::{curproc, curthread};
use crate::vnode::fop_poll;

/// Polls `fds`, which the caller has at `address`; `timeout` in nanoseconds, None for ever.
/// Answers how many have revents.
///
/// # Errors
/// EINTR, EINVAL (too many), or what a VOP_POLL answers.
pub(crate) fn poll_common(
    address: usize,
    fds: &mut [pollfd_t],
    timeout: Option<i64>,
) -> Result<usize, c_int> {
    // At least one tick, like the kernel.
    let deadline = timeout.map(|ns| match ns {
        ..=0 => 0,
        ns => {
            let now = crate::time::gethrtime();
            now.saturating_add(ns.max(crate::time::NSEC_PER_TICK))
        }
    });
    if fds.is_empty() {
        return sleep_only(deadline).map(|()| 0);
    }
    // SAFETY: the calling thread's process is alive.
    if fds.len() as u64 > unsafe { (*curproc()).p_fno_ctl } {
        return Err(EINVAL);
    }
    let ps = state::of_thread();
    // SAFETY: the state is the calling thread's own; ps_lock and pc_lock are taken and dropped in
    // pairs on every way out.
    unsafe {
        mutex_enter(&raw mut (*ps).ps_lock);
        let (which, fresh) = state::choose(ps, address);
        let resolved = state::resolve(ps, which, fds).map(|()| ready(fds));
        // The files of a list that is not known were all asked just now.
        if resolved.is_err() || (fresh && resolved != Ok(0)) {
            mutex_exit(&raw mut (*ps).ps_lock);
            return resolved;
        }
        poll_cached(ps, which, fds, deadline)
    }
}

/// How many entries have revents.
fn ready(fds: &[pollfd_t]) -> usize {
    fds.iter().filter(|entry| entry.revents != 0).count()
}

/// Asks and sleeps until something is ready.
///
/// # Safety
/// The caller holds ps_lock, which is dropped.
unsafe fn poll_cached(
    ps: *mut pollstate_t,
    which: usize,
    fds: &mut [pollfd_t],
    deadline: Option<i64>,
) -> Result<usize, c_int> {
    // SAFETY: the state is the calling thread's own and locked (contract). With pc_lock held from
    // the question to the sleep, no wakeup goes by unseen.
    unsafe {
        let pcp = (*ps).ps_pcache;
        let (ps_lock, pc_lock) = (&raw mut (*ps).ps_lock, &raw mut (*pcp).pc_lock);
        mutex_enter(pc_lock);
        loop {
            (*pcp).pc_flag = 0;
            let answer = ask(ps, which, fds).map(|()| ready(fds));
            if !matches!(answer, Ok(0)) {
                mutex_exit(pc_lock);
                mutex_exit(ps_lock);
                return answer;
            }
            // A file may have dropped pc_lock in its VOP_POLL.
            if (*pcp).pc_flag & PC_POLLWAKE != 0 {
                continue;
            }
            mutex_exit(ps_lock);
            let ended = if deadline == Some(0) {
                -1
            } else {
                wait(&raw mut (*pcp).pc_cv, pc_lock, deadline)
            };
            mutex_exit(pc_lock);
            match ended {
                0 => return Err(EINTR),
                ..0 => return Ok(0),
                _ => {}
            }
            mutex_enter(ps_lock);
            mutex_enter(pc_lock);
        }
    }
}

/// Asks the files that something may have happened to, and sets the revents of their entries.
///
/// # Safety
/// The caller holds ps_lock and pc_lock of its own state.
unsafe fn ask(ps: *mut pollstate_t, which: usize, fds: &mut [pollfd_t]) -> Result<(), c_int> {
    // SAFETY: locked (contract). A close that comes meanwhile waits for ps_lock before it takes
    // the polldat off its pollhead, and for releasef before it closes the file.
    unsafe {
        let pcp = (*ps).ps_pcache;
        let mut at = 0;
        while at < fds.len() {
            let entry = &mut fds[at];
            let fd = entry.fd;
            let cached = state::is_cached(ps, which, at);
            at += 1;
            if !cached || !cache::is_marked(pcp, fd) {
                continue;
            }
            let pdp = cache::lookup(pcp, fd);
            if (*pdp).pd_fp.is_null() {
                // Closed under this call; the number may mean another file by now.
                state::invalidate(ps, pdp);
                for entry in fds.iter_mut().filter(|entry| entry.fd == fd) {
                    entry.revents = POLLNVAL as i16;
                }
                continue;
            }
            let fp = getf(fd);
            if fp.is_null() {
                entry.revents = POLLNVAL as i16;
                continue;
            }
            let mut php = ptr::null_mut();
            let revents = &raw mut entry.revents;
            let vp = (*fp).f_vnode;
            let error = fop_poll(vp, entry.events, 0, revents, &raw mut php, ptr::null_mut());
            if error != 0 {
                releasef(fd);
                return Err(error);
            }
            let had = (*pdp).pd_php;
            let anew = !php.is_null() && php != had && (!had.is_null() || entry.revents == 0);
            if anew {
                // Nobody told of what happened before: everything is asked once more.
                polldat_disassociate(pdp);
                polldat_associate(pdp, php);
                cache::mark(pcp, fd, true);
                at = 0;
            } else if entry.revents == 0
                && !had.is_null()
                && c_int::from(entry.events) == super::events(pdp).load(Relaxed)
                && (*pcp).pc_flag & PC_POLLWAKE == 0
            {
                cache::mark(pcp, fd, false);
            }
            releasef(fd);
        }
        Ok(())
    }
}

/// poll(2) of nothing: a sleep that signals end.
fn sleep_only(deadline: Option<i64>) -> Result<(), c_int> {
    if deadline == Some(0) {
        return Ok(());
    }
    // SAFETY: t_delay_lock and t_delay_cv are the thread's own.
    unsafe {
        let t = curthread();
        let mutex = &raw mut (*t).t_delay_lock;
        mutex_enter(mutex);
        let ended = loop {
            let rc = wait(&raw mut (*t).t_delay_cv, mutex, deadline);
            if rc <= 0 {
                break rc;
            }
        };
        mutex_exit(mutex);
        if ended == 0 { Err(EINTR) } else { Ok(()) }
    }
}

/// 0 for a signal, -1 for the deadline, more for a wakeup.
///
/// # Safety
/// The caller holds `mutex`.
unsafe fn wait(cv: *mut kcondvar_t, mutex: *mut kmutex_t, deadline: Option<i64>) -> c_int {
    // SAFETY: held (contract).
    unsafe {
        match deadline {
            Some(when) => cv_timedwait_sig_hrtime(cv, mutex, when),
            None => cv_wait_sig(cv, mutex),
        }
    }
}
