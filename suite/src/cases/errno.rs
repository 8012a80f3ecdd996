//! Operation codes, and which error comes first (S11, S26).

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    case("errno.descriptor_before_operation", "S11", order).both(),
    case("errno.unknown_operations", "S11", unknown).both(),
    case(
        "errno.create_and_sendn_need_the_noport_bit",
        "S11 S1 S5",
        noport_needed,
    )
    .both(),
    case(
        "errno.noport_bit_on_other_operations_is_ignored",
        "S11",
        noport_ignored,
    )
    .both(),
    case("errno.other_opcode_bits_are_ignored", "S11", other_bits).both(),
    case("errno.negative_descriptors", "S11", negative).both(),
    case("errno.not_a_port", "S11", not_a_port).both(),
    case("errno.associate_unsupported_sources", "S2 S26", associate).both(),
    case("errno.dissociate_unsupported_sources", "S3 S26", dissociate).both(),
    case(
        "errno.associate_checks_the_descriptor_first",
        "S2 S11 S26",
        associate_order,
    )
    .both(),
    case("errno.failed_calls_leave_the_queue", "S11", leave_queue).both(),
];

/// Bad descriptor, then no port, then whatever the operation finds.
fn order(ctx: &Ctx<'_>) -> Verdict {
    let (null, closed) = (ctx.null()?, ctx.closed()?);
    // Each of these would be EINVAL or EFAULT on a port.
    let calls: [(i32, [usize; 4]); 6] = [
        (op::GETN, [0, 1, 2, 0]),
        (op::GETN, [0, 1, 1, 0]),
        (op::GET, [0, 0, 0, 0]),
        (op::ALERT, [3, 1, 1, 0]),
        (op::DISPATCH, [99, 1, 1, 1]),
        (77, [0; 4]),
    ];
    for (opcode, args) in calls {
        let what = format!("operation {opcode}");
        check::refused(
            &what,
            Port::at(ctx.sys, closed).call(opcode, args),
            Errno::EBADF,
        )?;
        check::refused(
            &what,
            Port::at(ctx.sys, null).call(opcode, args),
            Errno::EBADFD,
        )?;
    }
    Ok(())
}

/// 9 to 255 are EINVAL on a port.
fn unknown(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send(1, 1)?;
    for opcode in (9..=255).chain([0x100 | 9, 0x1ff, 0x3ff, 0x7fff_ff7f, -1]) {
        let called = port.call(opcode, [1, 2, 3, 4]);
        check::refused(format!("operation {opcode:#x}"), called, Errno::EINVAL)?;
    }
    ctx.expect_queue(port, &[1])
}

/// Without the bit they are operations on a port that no port has.
fn noport_needed(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (null, closed) = (ctx.null()?, ctx.closed()?);
    for opcode in [op::CREATE, op::SENDN] {
        let what = format!("operation {opcode} without NOPORT");
        check::refused(&what, port.call(opcode, [0; 4]), Errno::EINVAL)?;
        check::refused(
            &what,
            Port::at(ctx.sys, null).call(opcode, [0; 4]),
            Errno::EBADFD,
        )?;
        check::refused(
            &what,
            Port::at(ctx.sys, closed).call(opcode, [0; 4]),
            Errno::EBADF,
        )?;
    }
    ctx.expect_queue(port, &[])
}

/// send, get, getn and alert work with the bit set.
fn noport_ignored(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 2)?;
    port.call(op::SEND | op::NOPORT, [1, 5, 0, 0])?;
    port.call(op::GET | op::NOPORT, [list.addr(), 0, 0, 8])?;
    check::equal("event", list.event(0), Event::new(source::USER, 1, 0, 5))?;
    port.send(1, 6)?;
    check::equal(
        "getn",
        port.call(op::GETN | op::NOPORT, [list.addr(), 2, 1, 0]),
        Ok(1),
    )?;
    check::equal("event", list.event(0).user, 6)?;
    port.call(op::ALERT | op::NOPORT, [1, 2, 3, 0])?;
    check::equal(
        "alert",
        port.get(Timeout::Poll)?,
        Event::new(source::ALERT, 2, 0, 3),
    )
}

/// Bits above the operation code mean nothing, except NOSHARE for dispatch.
fn other_bits(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for bits in [0x200, 0x400, 0x1000, 0x7fff_f000] {
        port.call(op::SEND | bits, [1, 5, 0, 0])?;
        let list = EventList::new(ctx.sys, 1)?;
        port.call(op::GET | bits, [list.addr(), 0, 0, 8])?;
        check::equal("event", list.event(0), Event::new(source::USER, 1, 0, 5))?;
    }
    Ok(())
}

/// EBADF for every operation.
fn negative(ctx: &Ctx<'_>) -> Verdict {
    for fd in [-1, -2, -100, i32::MIN] {
        let port = Port::at(ctx.sys, fd);
        for opcode in [
            op::ASSOCIATE,
            op::DISSOCIATE,
            op::SEND,
            op::GET,
            op::GETN,
            op::ALERT,
        ] {
            let called = port.call(opcode, [1, 1, 1, 0]);
            check::refused(format!("operation {opcode} on {fd}"), called, Errno::EBADF)?;
        }
    }
    Ok(())
}

/// EBADFD for every operation.
fn not_a_port(ctx: &Ctx<'_>) -> Verdict {
    let port = Port::at(ctx.sys, ctx.null()?);
    check::refused("port_send", port.send(1, 1), Errno::EBADFD)?;
    check::refused("port_get", port.get(Timeout::Poll), Errno::EBADFD)?;
    check::refused(
        "port_getn",
        port.getn(1, 1, Timeout::Poll).result,
        Errno::EBADFD,
    )?;
    check::refused("port_getn(max 0)", port.queued(), Errno::EBADFD)?;
    check::refused("port_alert", port.alert(1, 1, 1), Errno::EBADFD)?;
    check::refused(
        "_port_dispatch",
        port.dispatch(0, 1, 1, 1, 1),
        Errno::EBADFD,
    )?;
    check::refused(
        "port_associate",
        port.associate(source::USER, 1, 1, 1),
        Errno::EBADFD,
    )?;
    check::refused(
        "port_dissociate",
        port.dissociate(source::USER, 1),
        Errno::EBADFD,
    )
}

/// Sources that nobody associates.
const UNSUPPORTED: [i32; 9] = [
    source::AIO,
    source::TIMER,
    source::USER,
    source::ALERT,
    source::MQ,
    0,
    8,
    -1,
    i32::MAX,
];

/// EINVAL, and nothing happens.
fn associate(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for source in UNSUPPORTED {
        let made = port.associate(source, port.fd() as usize, 1, 1);
        check::refused(
            format!("port_associate, source {source}"),
            made,
            Errno::EINVAL,
        )?;
    }
    ctx.expect_queue(port, &[])
}

/// EINVAL as well.
fn dissociate(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    for source in UNSUPPORTED {
        let ended = port.dissociate(source, port.fd() as usize);
        check::refused(
            format!("port_dissociate, source {source}"),
            ended,
            Errno::EINVAL,
        )?;
    }
    ctx.expect_queue(port, &[])
}

/// EBADF and EBADFD come before EINVAL.
fn associate_order(ctx: &Ctx<'_>) -> Verdict {
    let (null, closed) = (ctx.null()?, ctx.closed()?);
    for source in UNSUPPORTED.into_iter().chain([source::FD, source::FILE]) {
        let on = |fd| Port::at(ctx.sys, fd);
        check::refused(
            "closed",
            on(closed).associate(source, 0, 1, 1),
            Errno::EBADF,
        )?;
        check::refused(
            "no port",
            on(null).associate(source, 0, 1, 1),
            Errno::EBADFD,
        )?;
        check::refused("closed", on(closed).dissociate(source, 0), Errno::EBADF)?;
        check::refused("no port", on(null).dissociate(source, 0), Errno::EBADFD)?;
    }
    Ok(())
}

/// A salad of bad calls costs no event.
fn leave_queue(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    let mut rng = ctx.rng();
    for _ in 0..200 {
        // Operations that would do something are left out: send, get, getn, alert, dispatch.
        let opcode = 9 + rng.below(200) as i32;
        let args = [rng.bits(), rng.bits(), rng.bits(), rng.bits()].map(|a| a as usize);
        check::refused("unknown operation", port.call(opcode, args), Errno::EINVAL)?;
        let source = 8 + rng.below(1000) as i32;
        let made = port.associate(source, args[0], args[1] as i32, args[2]);
        check::refused("port_associate", made, Errno::EINVAL)?;
        let sent = port.dispatch(0, source, args[0] as i32, args[1], args[2]);
        check::refused("_port_dispatch", sent, Errno::EINVAL)?;
    }
    ctx.expect_queue(port, &[1, 2, 3])
}
