//! Timers and what they are made of: cyclics, callouts, clocks.

mod clock;
mod cyclic;
#[allow(dead_code, reason = "port_subr uses it")]
#[path = "../port_subr/fd.rs"]
mod fd;
mod notify;
#[allow(dead_code, reason = "port_subr uses the rest")]
#[path = "../port_subr/port.rs"]
mod port;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::process::ExitCode;

use bindings::*;
use fakekernel::user::Lwp;
use support::{case, trip};

const IN: i16 = POLLIN as i16;
const OUT: i16 = POLLOUT as i16;

/// A millisecond.
const MS: i64 = 1_000_000;

/// Makes a timer with this `struct sigevent` (None: NULL).
fn create(lwp: &Lwp, clock: i32, event: Option<(i32, i32, usize)>) -> Result<i32, i32> {
    let page = lwp.alloc(64);
    let event = event.map_or(0, |(notify, signo, value)| {
        let mut bytes = notify.to_ne_bytes().to_vec();
        bytes.extend(signo.to_ne_bytes());
        bytes.extend(value.to_ne_bytes());
        assert!(lwp.poke(page, &bytes));
        page
    });
    lwp.timer_create(clock, event, page + 32)?;
    let id = lwp.peek(page + 32, 4).unwrap();
    lwp.unmap(page, 64);
    Ok(i32::from_ne_bytes([id[0], id[1], id[2], id[3]]))
}

fn words(values: [i64; 4]) -> Vec<u8> {
    values.into_iter().flat_map(i64::to_ne_bytes).collect()
}

/// Sets a timer, in nanoseconds.
fn set(lwp: &Lwp, id: i32, flags: i32, interval: i64, value: i64) -> Result<(), i32> {
    let page = lwp.alloc(32);
    let split = |ns: i64| (ns / NANOSEC, ns % NANOSEC);
    let ((a, b), (c, d)) = (split(interval), split(value));
    assert!(lwp.poke(page, &words([a, b, c, d])));
    let result = lwp.timer_settime(id, flags, page, 0);
    lwp.unmap(page, 32);
    result
}

/// Interval and time left, in nanoseconds.
fn get(lwp: &Lwp, id: i32) -> Result<(i64, i64), i32> {
    let page = lwp.alloc(32);
    lwp.timer_gettime(id, page)?;
    let bytes = lwp.peek(page, 32).unwrap();
    lwp.unmap(page, 32);
    let word = |at: usize| i64::from_ne_bytes(bytes[8 * at..8 * at + 8].try_into().unwrap());
    Ok((word(0) * NANOSEC + word(1), word(2) * NANOSEC + word(3)))
}

/// A SIGEV_SIGNAL event.
fn signal(signo: i32) -> Option<(i32, i32, usize)> {
    Some((SIGEV_SIGNAL, signo, 0))
}

fn main() -> ExitCode {
    support::main(vec![
        case("cyclic.periodic", cyclic::periodic),
        case("cyclic.once_and_again", cyclic::once),
        case("cyclic.reprogram", cyclic::reprogram),
        case("cyclic.remove_waits_for_the_handler", cyclic::remove_waits),
        case("cyclic.in_order_of_time", cyclic::order),
        trip("trip.cyclic_left_at_shutdown", "cyclic", cyclic::left),
        trip(
            "trip.cyclic_remove_in_an_interrupt",
            "sleep-interrupt",
            cyclic::remove_in_interrupt,
        ),
        trip(
            "trip.handler_returns_with_a_mutex",
            "mutex-held",
            cyclic::mutex_kept,
        ),
        case("callout.at_a_tick", cyclic::callout),
        case("callout.untimeout", cyclic::untimeout),
        case("highres.exact", clock::exact),
        case("highres.shortest_interval", clock::shortest),
        case("highres.overflow", clock::overflow),
        case("realtime.never_early", clock::never_early),
        case("realtime.step_does_not_move_a_callout", clock::step),
        case("realtime.period_after_a_step", clock::period_after_step),
        case("thread.has_no_timers", clock::thread),
        case("table.grows", table::grows),
        case("table.limit", table::limit),
        case("table.delete_by_two", table::delete_by_two),
        case("table.exit", table::exit),
        case("table.lwp_ends_first", table::lwp_ends),
        case("signal.overruns", notify::overruns),
        case("signal.ends_a_sleep", notify::ends_a_sleep),
        case("signal.delete_while_pending", notify::delete_pending),
        case("signal.exit_while_pending", notify::exit_pending),
        case("none.nothing_happens", notify::none),
        case("port.event_and_count", notify::port_event),
        case("port.close_compares_numbers", notify::port_close),
        case("port.delete_while_queued", notify::port_delete),
        case("port.errors_leave_nothing", notify::port_errors),
    ])
}
