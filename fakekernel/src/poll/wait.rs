//! One poll(2) call: its cache, its sleep, and its end.

use std::ffi::{c_int, c_short};
use std::ptr;

use bindings::*;

use super::note_giver;
use crate::curthread::{curproc, curthread};
use crate::fio;
use crate::vnode::fop_poll;

/// A descriptor of a poll(2) call. A descriptor that is asked for twice has two.
struct Polled {
    /// Its place in the caller's list.
    index: usize,
    pdp: *mut polldat_t,
}

/// What a poll(2) call holds on to.
///
/// # Invariants
/// `ps` and `pcp` are kmem memory of this call; the calling thread's t_pollstate is `ps`. Each
/// polldat is kmem memory with pd_pcache `pcp`. pc_bitmap has pc_mapsize words, one per entry of
/// `polled`, not 0 when that entry has to be asked (again).
struct Call {
    ps: *mut pollstate_t,
    pcp: *mut pollcache_t,
    polled: Vec<Polled>,
}

/// Polls `fds`; `timeout` in nanoseconds, None for ever. Answers how many have revents.
///
/// # Errors
/// EINTR, EINVAL (too many), or what a VOP_POLL answers.
pub(crate) fn poll_common(fds: &mut [pollfd_t], timeout: Option<i64>) -> Result<usize, c_int> {
    // SAFETY: the calling thread's process is alive.
    if fds.len() as u64 > unsafe { (*curproc()).p_fno_ctl } {
        return Err(EINVAL);
    }
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
    let mut call = Call::new(fds.len());
    let answer = call.run(fds, deadline);
    call.end(fds);
    answer
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

impl Call {
    fn new(entries: usize) -> Call {
        // SAFETY: fresh memory of the right sizes, not shared yet; zero is a valid value of both
        // structures.
        unsafe {
            let ps: *mut pollstate_t = kmem_zalloc(size_of::<pollstate_t>(), KM_SLEEP).cast();
            let pcp: *mut pollcache_t = kmem_zalloc(size_of::<pollcache_t>(), KM_SLEEP).cast();
            (*ps).ps_pcache = pcp;
            for mutex in [
                &raw mut (*ps).ps_lock,
                &raw mut (*pcp).pc_lock,
                &raw mut (*pcp).pc_no_exit,
            ] {
                mutex_init(mutex, ptr::null_mut(), MUTEX_DEFAULT, ptr::null_mut());
            }
            for cv in [&raw mut (*pcp).pc_cv, &raw mut (*pcp).pc_busy_cv] {
                cv_init(cv, ptr::null_mut(), CV_DEFAULT, ptr::null_mut());
            }
            (*pcp).pc_mapsize = entries as c_int;
            (*pcp).pc_bitmap = kmem_zalloc(entries * size_of::<ulong_t>(), KM_SLEEP).cast();
            (*curthread()).t_pollstate = ps;
            Call {
                ps,
                pcp,
                polled: Vec::with_capacity(entries),
            }
        }
    }

    fn run(&mut self, fds: &mut [pollfd_t], deadline: Option<i64>) -> Result<usize, c_int> {
        let mut ready = 0;
        for (index, entry) in fds.iter_mut().enumerate() {
            entry.revents = 0;
            if entry.fd >= 0 {
                ready += usize::from(self.insert(index, entry)?);
            }
        }
        if ready > 0 {
            return Ok(ready);
        }
        // SAFETY: the cache is alive until `end`.
        unsafe {
            let pcp = self.pcp;
            mutex_enter(&raw mut (*pcp).pc_lock);
            loop {
                (*pcp).pc_flag = 0;
                let asked = self.ask(fds);
                if !matches!(asked, Ok(0)) {
                    mutex_exit(&raw mut (*pcp).pc_lock);
                    return asked;
                }
                if (*pcp).pc_flag & PC_POLLWAKE != 0 {
                    continue;
                }
                let ended = if deadline == Some(0) {
                    -1
                } else {
                    wait(&raw mut (*pcp).pc_cv, &raw mut (*pcp).pc_lock, deadline)
                };
                if ended <= 0 {
                    mutex_exit(&raw mut (*pcp).pc_lock);
                    return if ended == 0 { Err(EINTR) } else { Ok(0) };
                }
            }
        }
    }

    /// Asks a descriptor for the first time and puts it on its pollhead. True when it is ready.
    fn insert(&mut self, index: usize, entry: &mut pollfd_t) -> Result<bool, c_int> {
        // SAFETY: the file is held by getf until releasef; the polldat is this call's.
        unsafe {
            let fp = getf(entry.fd);
            if fp.is_null() {
                entry.revents = POLLNVAL as c_short;
                return Ok(true);
            }
            let mut php = ptr::null_mut();
            let vp = (*fp).f_vnode;
            let error = fop_poll(
                vp,
                entry.events,
                0,
                &raw mut entry.revents,
                &raw mut php,
                ptr::null_mut(),
            );
            if error != 0 {
                releasef(entry.fd);
                return Err(error);
            }
            let pdp: *mut polldat_t = kmem_zalloc(size_of::<polldat_t>(), KM_SLEEP).cast();
            (*pdp).pd_fd = entry.fd;
            (*pdp).pd_events = c_int::from(entry.events);
            (*pdp).pd_fp = fp;
            (*pdp).pd_thread = curthread();
            (*pdp).pd_pcache = self.pcp;
            (*pdp).pd_count = 1;
            fio::fpollinfo(entry.fd, true);
            // The closer finds the entry by pc_hash.
            mutex_enter(&raw mut (*self.pcp).pc_lock);
            (*pdp).pd_hashnext = (*self.pcp).pc_hash.cast();
            (*self.pcp).pc_hash = pdp.cast();
            *(*self.pcp).pc_bitmap.add(self.polled.len()) = 1;
            (*pdp).pd_nsets = self.polled.len() as c_int;
            mutex_exit(&raw mut (*self.pcp).pc_lock);
            if !php.is_null() {
                note_giver(php, vp);
                polldat_associate(pdp, php);
            }
            self.polled.push(Polled { index, pdp });
            releasef(entry.fd);
            Ok(entry.revents != 0)
        }
    }

    /// Asks those that something may have happened to; the caller holds pc_lock. Answers how many
    /// are ready.
    fn ask(&mut self, fds: &mut [pollfd_t]) -> Result<usize, c_int> {
        let mut ready = 0;
        let mut at = 0;
        while at < self.polled.len() {
            let Polled { index, pdp } = self.polled[at];
            let entry = &mut fds[index];
            // SAFETY: polldat and cache are this call's; pc_lock is held. The file is held from
            // getf to releasef.
            unsafe {
                let bit = (*self.pcp).pc_bitmap.add(at);
                at += 1;
                if *bit == 0 {
                    continue;
                }
                let fp = if (*pdp).pd_fp.is_null() {
                    ptr::null_mut()
                } else {
                    getf(entry.fd)
                };
                if fp.is_null() {
                    entry.revents = POLLNVAL as c_short;
                    ready += 1;
                    continue;
                }
                let mut php = ptr::null_mut();
                let vp = (*fp).f_vnode;
                let error = fop_poll(
                    vp,
                    entry.events,
                    0,
                    &raw mut entry.revents,
                    &raw mut php,
                    ptr::null_mut(),
                );
                if error != 0 {
                    releasef(entry.fd);
                    return Err(error);
                }
                if !php.is_null() && php != (*pdp).pd_php {
                    // First time on this pollhead: a wakeup may have been missed, ask once more.
                    polldat_disassociate(pdp);
                    note_giver(php, vp);
                    polldat_associate(pdp, php);
                    at -= 1;
                } else if entry.revents != 0 {
                    ready += 1;
                } else if !(*pdp).pd_php.is_null() && (*self.pcp).pc_flag & PC_POLLWAKE == 0 {
                    *bit = 0;
                }
                releasef(entry.fd);
            }
        }
        Ok(ready)
    }

    /// Leaves all pollheads and descriptors, waits for those that still use the cache, frees it.
    fn end(self, fds: &[pollfd_t]) {
        // SAFETY: the polldats and the cache are this call's. A closer that took an fpollinfo
        // entry of this thread has pc_busy raised until it is done with the polldats.
        unsafe {
            let Call { ps, pcp, polled } = self;
            for p in &polled {
                polldat_disassociate(p.pdp);
                fio::fpollinfo(fds[p.index].fd, false);
            }
            mutex_enter(&raw mut (*pcp).pc_no_exit);
            while (*pcp).pc_busy > 0 {
                cv_wait(&raw mut (*pcp).pc_busy_cv, &raw mut (*pcp).pc_no_exit);
            }
            mutex_exit(&raw mut (*pcp).pc_no_exit);
            (*curthread()).t_pollstate = ptr::null_mut();
            for p in &polled {
                kmem_free(p.pdp.cast(), size_of::<polldat_t>());
            }
            for mutex in [
                &raw mut (*ps).ps_lock,
                &raw mut (*pcp).pc_lock,
                &raw mut (*pcp).pc_no_exit,
            ] {
                mutex_destroy(mutex);
            }
            for cv in [&raw mut (*pcp).pc_cv, &raw mut (*pcp).pc_busy_cv] {
                cv_destroy(cv);
            }
            let entries = (*pcp).pc_mapsize as usize;
            kmem_free((*pcp).pc_bitmap.cast(), entries * size_of::<ulong_t>());
            kmem_free(pcp.cast(), size_of::<pollcache_t>());
            kmem_free(ps.cast(), size_of::<pollstate_t>());
        }
    }
}

/// Marks descriptor `fd` of a cache as worth asking and wakes the poller.
///
/// # Safety
/// The caller holds pc_lock.
pub(super) unsafe fn pollnotify(pcp: *mut pollcache_t, fd: c_int) {
    // SAFETY: the cache is alive and locked (contract).
    unsafe {
        for_each(pcp, fd, |pdp| {
            *(*pcp).pc_bitmap.add((*pdp).pd_nsets as usize) = 1
        });
        (*pcp).pc_flag |= PC_POLLWAKE;
        cv_broadcast(&raw mut (*pcp).pc_cv);
    }
}

/// Calls `f` for each polldat of descriptor `fd`; pc_hash is used as a single chain.
///
/// # Safety
/// The caller holds pc_lock.
unsafe fn for_each(pcp: *mut pollcache_t, fd: c_int, mut f: impl FnMut(*mut polldat_t)) {
    // SAFETY: the chain is guarded by pc_lock (contract).
    unsafe {
        let mut pdp: *mut polldat_t = (*pcp).pc_hash.cast();
        while !pdp.is_null() {
            if (*pdp).pd_fd == fd {
                f(pdp);
            }
            pdp = (*pdp).pd_hashnext;
        }
    }
}

/// Keeps a cache from going away.
///
/// # Safety
/// The cache is alive now.
pub(super) unsafe fn pc_hold(pcp: *mut pollcache_t) {
    // SAFETY: alive (contract).
    unsafe {
        mutex_enter(&raw mut (*pcp).pc_no_exit);
        (*pcp).pc_busy += 1;
        mutex_exit(&raw mut (*pcp).pc_no_exit);
    }
}

/// Undoes [`pc_hold`].
///
/// # Safety
/// The caller holds the cache.
pub(super) unsafe fn pc_release(pcp: *mut pollcache_t) {
    // SAFETY: held (contract).
    unsafe {
        mutex_enter(&raw mut (*pcp).pc_no_exit);
        (*pcp).pc_busy -= 1;
        if (*pcp).pc_busy == 0 {
            cv_signal(&raw mut (*pcp).pc_busy_cv);
        }
        mutex_exit(&raw mut (*pcp).pc_no_exit);
    }
}

/// First half of a close's work on pollers: keeps their caches. The caller holds uf_lock.
///
/// # Safety
/// `list` was the uf_fpollinfo of a descriptor and is now the caller's.
pub(crate) unsafe fn pollblockexit(list: *mut fpollinfo_t) {
    // SAFETY: a thread on the list cannot leave poll(2) without uf_lock.
    unsafe {
        let mut info = list;
        while !info.is_null() {
            pc_hold((*(*(*info).fp_thread).t_pollstate).ps_pcache);
            info = (*info).fp_next;
        }
    }
}

/// Second half, without uf_lock: pollers of the closed descriptor are told (POLLHUP on its
/// pollhead, as the kernel does), taken off it and woken to answer POLLNVAL.
///
/// # Safety
/// `list` went through [`pollblockexit`]; it is freed.
pub(crate) unsafe fn pollcacheclean(list: *mut fpollinfo_t, fd: c_int) {
    // SAFETY: the caches are held; the file of the descriptor is not yet closed, so its pollhead
    // is alive.
    unsafe {
        let mut info = list;
        while !info.is_null() {
            let pcp = (*(*(*info).fp_thread).t_pollstate).ps_pcache;
            let mut stale = Vec::new();
            mutex_enter(&raw mut (*pcp).pc_lock);
            for_each(pcp, fd, |pdp| {
                (*pdp).pd_fp = ptr::null_mut();
                stale.push(pdp);
            });
            pollnotify(pcp, fd);
            mutex_exit(&raw mut (*pcp).pc_lock);
            for pdp in stale {
                let php = (*pdp).pd_php;
                if !php.is_null() {
                    super::pollwakeup(php, POLLHUP as c_short);
                    polldat_disassociate(pdp);
                }
            }
            let next = (*info).fp_next;
            kmem_free(info.cast(), size_of::<fpollinfo_t>());
            pc_release(pcp);
            info = next;
        }
    }
}
