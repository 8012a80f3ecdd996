//! The genunix half of event ports, driven with a hand-made port: what the module may rely on.

mod aio;
mod fd;
mod port;
mod queue;
mod slots;
#[path = "../support/mod.rs"]
mod support;
mod wakeup;

use std::process::ExitCode;

use bindings::{POLLIN, POLLOUT};
use support::{case, trip};

const IN: i16 = POLLIN as i16;
const OUT: i16 = POLLOUT as i16;

fn main() -> ExitCode {
    support::main(vec![
        case("alloc.errors", slots::alloc_errors),
        case("alloc.slot_limit", slots::alloc_limit),
        case("alloc.block_waits_for_a_slot", slots::block_waits),
        case("alloc.block_eintr", slots::block_eintr),
        case("alloc.dup_keeps_the_pid", slots::dup_pid),
        case("send.fifo_and_once", queue::send_fifo),
        case(
            "send.wakes_the_first_waiter_when_it_has_enough",
            queue::send_wakes,
        ),
        case("send.leaves_retrievers_alone", queue::send_getn),
        case("send.tells_the_closer", queue::send_close),
        case("send.from_interrupt", queue::send_interrupt),
        case("free.queued_event_is_marked", queue::free_queued),
        case("free.cached_event_stays", queue::free_cached),
        case("free.private_event_goes", queue::free_private),
        case("remove.queued", queue::remove_queued),
        case("remove.from_the_retrievers_list", queue::remove_getn),
        case("block.one_at_a_time", queue::block_one),
        case("poll.in_on_send", wakeup::poll_in),
        case("poll.out_on_free", wakeup::poll_out),
        trip(
            "trip.event_for_a_closing_port_with_pollers",
            "port-closing-polled",
            wakeup::closing_polled,
        ),
        case("pollwkup.holds_the_port", wakeup::pollwkup),
        case("aio.request_and_retrieval", aio::request),
        case("aio.exit_takes_all_back", aio::exit),
        case("aio.close_leaves_completed_requests", aio::close_completed),
        case("aio.close_forgets_all_but_the_first", aio::close_two),
        trip(
            "trip.aio_close_with_one_pending",
            "deadlock",
            aio::close_one,
        ),
        trip(
            "trip.aio_asked_under_a_mutex",
            "aphysio-mutex",
            aio::asked_under_mutex,
        ),
        case("ksource.counts", wakeup::ksource_counts),
        case("ksource.errors", wakeup::ksource_errors),
        case("fd.pollwakeup_tells_pollers_of_the_port", wakeup::fd_event),
        case("fd.pollwakeup_sends_one_event", fd::wakeup),
        case("fd.pollwakeup_adds_hangups", fd::hangup),
        case("fd.close_ends_the_association", fd::close),
        case("fd.close_ends_all_of_several", fd::close_several),
        case("fd.close_after_the_table_was_replaced", fd::close_moved),
        case("fd.close_of_a_dup_or_by_a_child", fd::close_others),
        case("fd.exit_ends_the_association", fd::exit_ends),
        case("fd.exec_ends_the_association", fd::exec_ends),
        case("fd.removed_from_the_retrievers_list", fd::remove_getn),
        case("fd.last_one_signals_the_closer", fd::last_signals),
        trip("trip.delfd_port_twice", "fd-portfd", fd::not_on_list),
        trip(
            "trip.d11_delfd_port_in_another_process",
            "fd-portfd",
            fd::foreign_list,
        ),
        trip("trip.delfd_port_without_getf", "fd-portfd", fd::not_held),
        trip(
            "trip.fdcache_without_its_lock",
            "port-fdcache",
            fd::not_locked,
        ),
        trip(
            "trip.fdcache_of_another_port",
            "port-fdcache",
            fd::not_cached,
        ),
        trip(
            "trip.port_close_pfd_by_another_process",
            "port-fdcache",
            fd::not_owner,
        ),
    ])
}
