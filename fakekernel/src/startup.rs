//! How the parts of the kernel that are not threads or memory begin.

use bindings::*;

use crate::{
    aio, cred, device, fifo, fio, kmem, modctl, nulldev, panic, poll, proc, project, rawdev, rctl,
    regular, sockfs, vnode,
};

/// Called by [`crate::boot`] when threads and memory work. What is allocated here stays for the
/// life of the kernel and is no leak.
pub(crate) fn begin() {
    panic::set_symbolizer(modctl::symbolize);
    let kcred = cred::crget(0, 0, 0);
    let p = proc::proc0().as_ptr();
    // SAFETY: the kernel's own process; nobody else runs yet. The boot thread took its credentials
    // and project from it before it had any.
    unsafe {
        (*p).p_cred = kcred;
        (*p).p_task = project::task(0);
        (*p).p_rctls = rctl::create_set(RCENTITY_PROCESS);
        let t = asm::threadp();
        (*t).t_cred = kcred;
        (*t).t_proj = (*(*p).p_task).tk_proj;
    }
    poll::init();
    fio::finit();
    vnode::vn_create_cache();
    nulldev::init();
    device::init();
    fifo::init();
    regular::init();
    rawdev::init();
    aio::init();
    sockfs::init();
    kmem::baseline();
}
