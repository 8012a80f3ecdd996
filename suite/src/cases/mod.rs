//! The cases, one file per noun. [`all`] lists them in the order of the files.

use crate::case::{Case, Entry};

mod aio;
mod aio_close;
mod aio_leave;
mod aio_list;
mod aio_process;
mod aio_thread;
mod alert;
mod alert_flags;
mod close;
mod consumer_apr;
mod consumer_bhyve;
mod consumer_go;
mod consumer_haproxy;
mod consumer_io;
mod consumer_java;
mod consumer_libc;
mod consumer_libevent;
mod consumer_libuv;
mod consumer_libvarpd;
mod consumer_lighttpd;
mod consumer_mio;
mod consumer_nginx;
mod consumer_nng;
mod consumer_prefork;
mod consumer_redis;
mod consumer_stress;
mod consumer_twemproxy;
mod consumer_varnish;
mod consumer_watchers;
mod create;
mod delivery;
mod dispatch;
mod dup;
mod errno;
mod fd;
mod fd_close;
mod fd_dup;
mod fd_errno;
mod fd_load;
mod fd_model;
mod fd_port_close;
mod fd_race;
mod fd_reassociate;
mod fd_replay;
mod fd_wakeup;
mod fd_window;
mod fork;
mod fork_fd;
mod fork_fd_foreign;
mod fork_fd_race;
mod fork_fd_refused;
mod get;
mod getn;
mod getn_bounds;
mod ilp32;
mod interrupt;
mod ksource;
mod ksource_close;
mod kstat;
mod limits;
mod memory;
mod mq;
mod nested;
mod nested_cycle;
mod order;
mod owner;
mod poll;
mod send;
mod sendn;
mod sendn_chunks;
mod share;
mod stat;
mod stress;
mod timeout;
mod timer;
mod timer_close;
mod timer_expiry;
mod timer_number;
mod user_ptr;
mod user_ptr_sendn;
mod waiters;
mod wakeup;

/// What every file of cases uses.
mod prelude {
    pub(super) use crate::case::{Case, case};
    pub(super) use crate::check::{self, Failure, Verdict};
    pub(super) use crate::{
        Caps, Ctx, Errno, Event, EventList, MSEC, Model, Outcome, Port, System, Task, Timeout,
        Timespec, UserBuf, op, source,
    };
    pub(super) use alloc::format;
    pub(super) use alloc::vec;
    pub(super) use alloc::vec::Vec;
}

const LISTS: &[&[Case]] = &[
    create::CASES,
    limits::CASES,
    send::CASES,
    sendn::CASES,
    sendn_chunks::CASES,
    get::CASES,
    getn::CASES,
    getn_bounds::CASES,
    order::CASES,
    waiters::CASES,
    wakeup::CASES,
    interrupt::CASES,
    timeout::CASES,
    alert::CASES,
    alert_flags::CASES,
    dispatch::CASES,
    close::CASES,
    dup::CASES,
    fork::CASES,
    fork_fd::CASES,
    fork_fd_foreign::CASES,
    fork_fd_refused::CASES,
    share::CASES,
    ksource::CASES,
    ksource_close::CASES,
    owner::CASES,
    delivery::CASES,
    fd::CASES,
    fd_wakeup::CASES,
    fd_reassociate::CASES,
    fd_errno::CASES,
    fd_replay::CASES,
    fd_window::CASES,
    fd_race::CASES,
    fork_fd_race::CASES,
    fd_model::CASES,
    fd_load::CASES,
    fd_close::CASES,
    fd_port_close::CASES,
    fd_dup::CASES,
    nested::CASES,
    nested_cycle::CASES,
    aio::CASES,
    aio_leave::CASES,
    aio_list::CASES,
    aio_close::CASES,
    aio_process::CASES,
    aio_thread::CASES,
    mq::CASES,
    poll::CASES,
    stat::CASES,
    kstat::CASES,
    errno::CASES,
    user_ptr::CASES,
    user_ptr_sendn::CASES,
    memory::CASES,
    ilp32::CASES,
    consumer_go::CASES,
    consumer_libuv::CASES,
    consumer_libevent::CASES,
    consumer_mio::CASES,
    consumer_nginx::CASES,
    consumer_haproxy::CASES,
    consumer_lighttpd::CASES,
    consumer_redis::CASES,
    consumer_apr::CASES,
    consumer_varnish::CASES,
    consumer_twemproxy::CASES,
    consumer_nng::CASES,
    consumer_java::CASES,
    consumer_watchers::CASES,
    consumer_libvarpd::CASES,
    consumer_bhyve::CASES,
    consumer_libc::CASES,
    consumer_stress::CASES,
    consumer_prefork::CASES,
    timer::CASES,
    timer_close::CASES,
    timer_number::CASES,
    timer_expiry::CASES,
    stress::CASES,
];

/// Every case once.
pub fn all() -> impl Iterator<Item = &'static Case> {
    LISTS.iter().flat_map(|list| list.iter())
}

/// Every case in each of its data models.
pub fn entries() -> impl Iterator<Item = Entry> {
    all().flat_map(Entry::of)
}
