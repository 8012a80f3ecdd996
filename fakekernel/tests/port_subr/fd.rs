//! What genunix does for PORT_SOURCE_FD, driven by associations made by hand as the module would.

use std::ffi::c_int;
use std::ptr;

use bindings::*;
use fakekernel::user::Lwp;

use super::IN;
use super::port::{counts, locked, open, pp, queue};
use super::support::{Kernel, process};

/// Buckets of the cache: few, so that chains have several members.
const BUCKETS: c_int = 2;

/// The port's cache of associations, made at the first call.
pub fn cache() -> *mut port_fdcache_t {
    // SAFETY: the port is open; its first association is made by one thread.
    unsafe {
        let pcp = &raw mut (*queue()).portq_pcp;
        if (*pcp).is_null() {
            let new: *mut port_fdcache_t =
                kmem_zalloc(size_of::<port_fdcache_t>(), KM_SLEEP).cast();
            let bytes = BUCKETS as usize * size_of::<*mut portfd_t>();
            (*new).pc_hash = kmem_zalloc(bytes, KM_SLEEP).cast();
            (*new).pc_hashsize = BUCKETS;
            (*new).pc_flag = PC_PORTFS;
            *pcp = new;
        }
        *pcp
    }
}

/// Frees the cache with its port.
pub fn cache_free(q: *mut port_queue_t) {
    // SAFETY: the port is being freed: nobody else uses the cache.
    unsafe {
        let pcp = (*q).portq_pcp;
        if pcp.is_null() {
            return;
        }
        assert_eq!((*pcp).pc_fdcount, 0, "associations left");
        let bytes = BUCKETS as usize * size_of::<*mut portfd_t>();
        kmem_free((*pcp).pc_hash.cast(), bytes);
        mutex_destroy(&raw mut (*pcp).pc_lock);
        kmem_free(pcp.cast(), size_of::<port_fdcache_t>());
    }
}

/// Runs `f` with the lock of the cache held.
fn cached<R>(f: impl FnOnce(*mut port_fdcache_t) -> R) -> R {
    let pcp = cache();
    // SAFETY: the cache stays as long as its port.
    unsafe {
        mutex_enter(&raw mut (*pcp).pc_lock);
        let value = f(pcp);
        mutex_exit(&raw mut (*pcp).pc_lock);
        value
    }
}

/// Associates `fd` with the port of the case; it may be associated already.
pub fn associate(fd: i32, events: c_int) -> *mut portfd_t {
    cached(|pcp| {
        // SAFETY: the cache is locked, the descriptor held, the rest ours until it is linked.
        unsafe {
            let fp = getf(fd);
            assert!(!fp.is_null());
            let pfd: *mut portfd_t = kmem_zalloc(size_of::<portfd_t>(), KM_SLEEP).cast();
            let pdp = &raw mut (*pfd).pfd_pd;
            let kev = &raw mut (*pdp).pd_portev;
            let error = port_alloc_event_local(pp(), PORT_SOURCE_FD, PORT_KEV_CACHED, kev);
            assert_eq!(error, 0);
            (*pdp).pd_fd = fd;
            (*pdp).pd_fp = fp;
            (*pdp).pd_events = events;
            (*pdp).pd_pcache = pcp.cast();
            let bucket = (*pcp).pc_hash.add((fd % BUCKETS) as usize);
            (*pdp).pd_hashnext = (*bucket).cast();
            *bucket = pfd;
            (*pcp).pc_fdcount += 1;
            addfd_port(fd, pfd);
            (**kev).portkev_flags |= PORT_KEV_VALID;

            let t = asm::threadp();
            (*t).t_pollcache = pcp.cast();
            let php = ask((*fp).f_vnode, events);
            if !php.is_null() {
                polldat_associate(pdp, php);
                ask((*fp).f_vnode, events);
            }
            (*t).t_pollcache = ptr::null_mut();
            releasef(fd);
            pfd
        }
    })
}

/// Asks a file that is not ready; answers its pollhead.
///
/// # Safety
/// The vnode is open.
unsafe fn ask(vp: *mut vnode_t, events: c_int) -> *mut pollhead_t {
    let (mut php, mut revents) = (ptr::null_mut(), 0);
    let (revents_p, php_p) = (&raw mut revents, &raw mut php);
    // SAFETY: open (contract).
    let error = unsafe { fop_poll(vp, events as i16, 0, revents_p, php_p, ptr::null_mut()) };
    assert_eq!((error, revents), (0, 0));
    php
}

/// As port_dissociate does it.
fn dissociate(fd: i32, pfd: *mut portfd_t) -> c_int {
    cached(|pcp| {
        // SAFETY: the cache is locked and the descriptor held.
        unsafe {
            getf(fd);
            delfd_port(fd, pfd);
            let queued = port_remove_fd_object(pfd, pp(), pcp);
            releasef(fd);
            queued
        }
    })
}

/// Associations in the cache.
fn associations() -> c_int {
    // SAFETY: locked.
    cached(|pcp| unsafe { (*pcp).pc_fdcount })
}

/// Makes a latch ready.
fn set(lwp: &Lwp, fd: i32) {
    let addr = lwp.alloc(1);
    assert_eq!(lwp.write(fd, addr, 1), Ok(1));
    lwp.unmap(addr, 1);
}

/// Makes a latch not ready.
fn reset(lwp: &Lwp, fd: i32) {
    let addr = lwp.alloc(1);
    lwp.read(fd, addr, 1).unwrap();
    lwp.unmap(addr, 1);
}

pub fn wakeup(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let latch = lwp.open_latch().unwrap();
        let pfd = associate(latch, POLLIN);
        assert_eq!((counts(), associations()), ((1, 0), 1));
        set(lwp, latch);
        assert_eq!(counts(), (1, 1));
        // SAFETY: the association is alive.
        let kev = unsafe { (*pfd).pfd_pd.pd_portev };
        // SAFETY: as above; nobody else is here.
        assert_eq!(unsafe { (*kev).portkev_events }, POLLIN);
        // It fires once: the event is not valid until the next association.
        reset(lwp, latch);
        set(lwp, latch);
        assert_eq!(counts(), (1, 1));
        assert_eq!(dissociate(latch, pfd), 1, "its event was queued");
        assert_eq!((counts(), associations()), ((0, 0), 0));
        reset(lwp, latch);
        let pfd = associate(latch, POLLIN);
        assert_eq!(dissociate(latch, pfd), 0);
        set(lwp, latch);
        assert_eq!(counts(), (0, 0));
    });
}

pub fn close(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let (a, b) = (lwp.open_latch().unwrap(), lwp.open_latch().unwrap());
        associate(a, POLLIN);
        associate(b, POLLIN);
        set(lwp, b);
        assert_eq!((counts(), associations()), ((2, 1), 2));
        assert_eq!(lwp.close(a), Ok(()));
        assert_eq!((counts(), associations()), ((1, 1), 1));
        assert_eq!(lwp.close(b), Ok(()), "with its event queued");
        assert_eq!((counts(), associations()), ((0, 0), 0));
        // The number of a closed descriptor has no associations.
        assert_eq!(lwp.open_latch(), Ok(a));
        set(lwp, a);
        assert_eq!(counts(), (0, 0));
    });
}

pub fn close_several(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(8);
        let latch = lwp.open_latch().unwrap();
        let mut pfds: Vec<_> = (0..6).map(|_| associate(latch, POLLIN)).collect();
        // The list has the last one in front: first, middle and last go.
        for at in [5, 2, 0] {
            dissociate(latch, pfds.remove(at));
        }
        set(lwp, latch);
        assert_eq!((counts(), associations()), ((3, 3), 3));
        assert_eq!(lwp.close(latch), Ok(()));
        assert_eq!((counts(), associations()), ((0, 0), 0));
    });
}

pub fn close_moved(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let (a, b) = (lwp.open_latch().unwrap(), lwp.open_latch().unwrap());
        let (one, two) = (associate(a, POLLIN), associate(a, POLLIN));
        associate(b, POLLIN);
        // The table is replaced; the lists of its descriptors are in the new one.
        assert_eq!(lwp.dup2(a, 200), Ok(200));
        assert_eq!(lwp.close(200), Ok(()));
        assert_eq!(associations(), 3);
        dissociate(a, one);
        set(lwp, a);
        assert_eq!(dissociate(a, two), 1);
        assert_eq!(lwp.close(b), Ok(()));
        assert_eq!((counts(), associations()), ((0, 0), 0));
    });
}

pub fn close_others(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let (latch, other) = (lwp.open_latch().unwrap(), lwp.open_null().unwrap());
        associate(latch, POLLIN);
        let copy = lwp.dup(latch).unwrap();
        assert_eq!(lwp.close(copy), Ok(()));
        assert_eq!(associations(), 1, "a descriptor, not a file, is associated");
        // A child's descriptors are its own.
        lwp.fork(None, move |lwp| lwp.close(latch)).wait().unwrap();
        assert_eq!(associations(), 1);
        assert_eq!(lwp.dup2(other, latch), Ok(latch));
        assert_eq!((counts(), associations()), ((0, 0), 0), "replaced by dup2");
    });
}

pub fn exit_ends(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let latch = lwp.open_latch().unwrap();
        let own = associate(latch, POLLIN);
        let child = lwp.fork(None, move |lwp| {
            associate(latch, POLLIN);
            set(lwp, latch);
        });
        child.wait();
        assert_eq!((counts(), associations()), ((1, 1), 1));
        assert_eq!(dissociate(latch, own), 1);
    });
}

pub fn exec_ends(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let (a, b) = (lwp.open_latch().unwrap(), lwp.open_latch().unwrap());
        assert_eq!(lwp.setfd(a, FD_CLOEXEC), Ok(()));
        associate(a, POLLIN);
        let kept = associate(b, POLLIN);
        // SAFETY: the calling lwp is the only one of its process.
        unsafe { fakekernel::fio::close_exec((*asm::threadp()).t_procp) };
        assert_eq!(lwp.close(a), Err(EBADF));
        assert_eq!((counts(), associations()), ((1, 0), 1));
        assert_eq!(lwp.open_null(), Ok(a), "the number is free");
        dissociate(b, kept);
    });
}

pub fn remove_getn(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let (a, b) = (lwp.open_latch().unwrap(), lwp.open_latch().unwrap());
        let (one, two) = (associate(a, POLLIN), associate(b, POLLIN));
        set(lwp, a);
        set(lwp, b);
        // A retriever has taken the queue over.
        locked(|q| {
            // SAFETY: the queue is locked.
            unsafe {
                list_move_tail(&raw mut (*q).portq_get_list, &raw mut (*q).portq_list);
                (*q).portq_tnent = (*q).portq_nent;
                (*q).portq_nent = 0;
                (*q).portq_getn = 1;
            }
        });
        assert_eq!(dissociate(a, one), 1);
        // SAFETY: the queue is locked.
        let (left, taken) = locked(|q| unsafe { ((*q).portq_nent, (*q).portq_tnent) });
        assert_eq!((left, taken), (1, 0));
        // SAFETY: as above.
        locked(|q| unsafe { (*q).portq_getn = 0 });
        assert_eq!(dissociate(b, two), 1);
    });
}

pub fn last_signals(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let latch = lwp.open_latch().unwrap();
        let (one, two) = (associate(latch, POLLIN), associate(latch, POLLIN));
        let closer = lwp.spawn(|_| {
            cached(|pcp| {
                // SAFETY: the cache is locked and stays.
                unsafe {
                    while (*pcp).pc_fdcount > 0 {
                        cv_wait(&raw mut (*pcp).pc_lclosecv, &raw mut (*pcp).pc_lock);
                    }
                }
            });
        });
        lwp.settle();
        dissociate(latch, one);
        lwp.settle();
        assert!(!closer.has_ended());
        dissociate(latch, two);
        closer.join();
    });
}

pub fn hangup(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let latch = lwp.open_latch().unwrap();
        let pfd = associate(latch, POLLIN);
        // SAFETY: the association and the pollhead it is on are alive.
        unsafe {
            let (kev, php) = ((*pfd).pfd_pd.pd_portev, (*pfd).pfd_pd.pd_php);
            pollwakeup(php, POLLPRI as i16);
            assert_eq!(counts(), (1, 0), "not what was asked for");
            pollwakeup(php, POLLHUP as i16 | IN | POLLPRI as i16);
            assert_eq!((*kev).portkev_events, POLLHUP | POLLIN);
        }
        assert_eq!(dissociate(latch, pfd), 1);
    });
}

pub fn not_on_list(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let latch = lwp.open_latch().unwrap();
        let pfd = associate(latch, POLLIN);
        // SAFETY: misused on purpose.
        unsafe {
            getf(latch);
            delfd_port(latch, pfd);
            delfd_port(latch, pfd);
        }
    });
}

pub fn foreign_list(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let latch = lwp.open_latch().unwrap();
        let pfd = associate(latch, POLLIN) as usize;
        associate(latch, POLLIN);
        let child = lwp.fork(None, move |_| {
            // SAFETY: misused on purpose: the list is the parent's.
            unsafe {
                getf(latch);
                delfd_port(latch, pfd as *mut portfd_t);
            }
        });
        child.wait();
    });
}

pub fn not_held(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let latch = lwp.open_latch().unwrap();
        let pfd = associate(latch, POLLIN);
        // SAFETY: misused on purpose.
        unsafe { delfd_port(latch, pfd) };
    });
}

pub fn not_locked(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let latch = lwp.open_latch().unwrap();
        let pfd = associate(latch, POLLIN);
        // SAFETY: misused on purpose.
        unsafe { port_pcache_remove_fd(cache(), pfd) };
    });
}

pub fn not_cached(kernel: &Kernel) {
    process(kernel, |_| {
        open(4);
        cached(|pcp| {
            // SAFETY: misused on purpose; all-zero bytes are a valid value.
            unsafe {
                let mut pfd: portfd_t = std::mem::zeroed();
                port_pcache_remove_fd(pcp, &raw mut pfd);
            }
        });
    });
}

pub fn not_owner(kernel: &Kernel) {
    process(kernel, |lwp| {
        open(4);
        let latch = lwp.open_latch().unwrap();
        let pfd = associate(latch, POLLIN) as usize;
        // SAFETY: misused on purpose.
        let child = lwp.fork(None, move |_| unsafe {
            port_close_pfd(pfd as *mut portfd_t)
        });
        child.wait();
    });
}
