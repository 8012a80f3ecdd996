//! What is special to 32-bit callers (S93, S94).

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    case("ilp32.event_is_16_bytes", "S93", layout).ilp32(),
    case("ilp32.list_has_a_stride_of_16", "S93", stride).ilp32(),
    case("ilp32.pointers_are_truncated", "S94", truncated).ilp32(),
    case("ilp32.arguments_are_truncated", "S94", arguments).ilp32(),
    case(
        "ilp32.negative_descriptor_stays_negative",
        "S11 S94",
        negative_fd,
    )
    .ilp32(),
    case(
        "ilp32.negative_timeout_stays_negative",
        "S67 S94",
        negative_timeout,
    )
    .ilp32(),
    case("ilp32.timeout_is_8_bytes", "S67 S93", timeout).ilp32(),
    case("ilp32.largest_timeout", "S69 D25", largest_timeout).ilp32(),
    case("ilp32.high_addresses_fault", "S66 S94 D22", high_addresses).ilp32(),
    case("ilp32.kernel_objects_are_cut", "S94", cut_objects).ilp32(),
    case("ilp32.return_values", "S7 S52", return_values).ilp32(),
    case(
        "ilp32.no_bytes_of_the_kernel_in_the_list",
        "S93 D21",
        no_leak,
    )
    .ilp32(),
    case("lp64.event_is_24_bytes", "S93", layout64),
    case(
        "lp64.no_bytes_of_the_kernel_in_the_list",
        "S93 D21",
        no_leak,
    ),
    case("lp64.largest_list_argument_is_a_uint", "S7 S60", uint_max),
];

/// Byte by byte.
fn layout(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.dispatch(0, source::AIO, 0x0102_0304, 0x1112_1314, 0x2122_2324)?;
    let buf = UserBuf::new(ctx.sys, 24)?;
    buf.write(&[0xee; 24]);
    port.get_at(buf.addr(), Timeout::Poll)?;
    let mut bytes = [0; 24];
    buf.read_at(0, &mut bytes);
    let expected = [
        4, 3, 2, 1, 1, 0, 0, 0, 0x14, 0x13, 0x12, 0x11, 0x24, 0x23, 0x22, 0x21,
    ];
    check::equal("structure", &bytes[..16], &expected[..])?;
    check::equal("bytes behind it", &bytes[16..], &[0xee; 8][..])
}

/// The same for 64-bit callers.
fn layout64(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.dispatch(
        0,
        source::MQ,
        0x0102_0304,
        0x0102_0304_0506_0708,
        0x1112_1314_1516_1718,
    )?;
    let buf = UserBuf::new(ctx.sys, 32)?;
    buf.write(&[0xee; 32]);
    port.get_at(buf.addr(), Timeout::Poll)?;
    let mut bytes = [0; 32];
    buf.read_at(0, &mut bytes);
    check::equal("first word", &bytes[..8], &[4, 3, 2, 1, 6, 0, 0, 0][..])?;
    check::equal("object", &bytes[8..16], &[8, 7, 6, 5, 4, 3, 2, 1][..])?;
    let user = [0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11];
    check::equal("user", &bytes[16..24], &user[..])?;
    check::equal("bytes behind it", &bytes[24..], &[0xee; 8][..])
}

/// Entries follow each other without a gap.
fn stride(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=3)?;
    let buf = UserBuf::new(ctx.sys, 48)?;
    let mut nget = 3;
    port.getn_raw(buf.addr(), 3, Some(&mut nget), 0)?;
    for index in 0..3 {
        let mut bytes = [0; 16];
        buf.read_at(index * 16, &mut bytes);
        check::equal("user", &bytes[12..], &[index as u8 + 1, 0, 0, 0][..])?;
    }
    Ok(())
}

/// Object and user come back as 32 bits.
fn truncated(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.dispatch(0, source::AIO, 1, usize::MAX, 0x1_2345_6789)?;
    let event = port.get(Timeout::Poll)?;
    check::equal(
        "event",
        event,
        Event::new(source::AIO, 1, 0xffff_ffff, 0x2345_6789),
    )
}

/// Upper halves of argument registers do not count.
fn arguments(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let wide = |value: usize| value | 0x7_0000_0000;
    ctx.sys
        .portfs(op::SEND, [wide(port.fd() as usize), wide(1), wide(2), 0, 0])?;
    let list = EventList::new(ctx.sys, 1)?;
    port.call(op::GET, [wide(list.addr()), wide(0), wide(0), 8])?;
    check::equal("event", list.event(0), Event::new(source::USER, 1, 0, 2))
}

/// -1 is not 4294967295.
fn negative_fd(ctx: &Ctx<'_>) -> Verdict {
    for fd in [-1_i32, i32::MIN] {
        let sent = ctx.sys.portfs(op::SEND, [fd as u32 as usize, 1, 1, 0, 0]);
        check::refused("port_send", sent, Errno::EBADF)?;
    }
    let port = ctx.port()?;
    let sent = Port::sendn(ctx.sys, &[-1, port.fd()], 1, 1)?;
    check::equal("port_sendn", sent.result, Ok(1))?;
    check::equal("errors[]", sent.errors, vec![Some(Errno::EBADF.0), Some(0)])
}

/// `tv_sec` and `tv_nsec` of `port_get` are sign-extended.
fn negative_timeout(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 1)?;
    for (sec, nsec) in [
        (0xffff_ffff, 0),
        (0x8000_0000, 0),
        (0, 0xffff_ffff),
        (0, 0x8000_0000),
    ] {
        let got = port.call(op::GET, [list.addr(), sec, nsec, 8]);
        check::refused(
            format!("port_get {{{sec:#x}, {nsec:#x}}}"),
            got,
            Errno::EINVAL,
        )?;
    }
    check::that("the buffer is untouched", list.untouched_from(0))
}

/// Only 8 bytes are read.
fn timeout(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 1)?;
    // Ends where an unmapped page begins.
    let buf = UserBuf::new(ctx.sys, 8)?;
    buf.write_ints(&[0, 1_000_000]);
    let mut nget = 1;
    let got = port.getn_raw(list.addr(), 1, Some(&mut nget), buf.addr());
    check::refused("port_getn", got, Errno::ETIME)?;
    buf.write_ints(&[-1, 0]);
    let got = port.getn_raw(list.addr(), 1, Some(&mut nget), buf.addr());
    check::equal("n of 0 needs no time-out", got, Ok(()))?;
    nget = 1;
    let got = port.getn_raw(list.addr(), 1, Some(&mut nget), buf.addr());
    check::refused("port_getn", got, Errno::EINVAL)
}

/// 68 years are not over at once.
fn largest_timeout(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let fd = port.fd();
    let waiter = ctx.spawn_asleep(move |sys| -> Result<Event, Errno> {
        let list = EventList::new(sys, 1)?;
        Port::at(sys, fd).call(op::GET, [list.addr(), i32::MAX as usize, 999_999_999, 8])?;
        Ok(list.event(0))
    })?;
    ctx.sys.sleep(1_000_000 * MSEC);
    ctx.expect_asleep("port_get", &waiter)?;
    port.send(1, 3)?;
    check::equal("event", waiter.join()??.user, 3)
}

/// The upper half of the address space is empty in a small program.
fn high_addresses(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=2)?;
    for addr in [0xffff_fff0_usize, 0xffff_ffff, 0xffff_f000] {
        let got = port.get_at(addr, Timeout::Poll);
        check::refused(format!("port_get to {addr:#x}"), got, Errno::EFAULT)?;
        let mut nget = 1;
        let got = port.getn_raw(addr, 2, Some(&mut nget), 0);
        check::refused(format!("port_getn to {addr:#x}"), got, Errno::EFAULT)?;
        let sent = Port::sendn_at(ctx.sys, addr, addr, 2, 1, 1);
        check::refused(format!("port_sendn from {addr:#x}"), sent, Errno::EFAULT)?;
    }
    ctx.expect_queue(port, &[1, 2])
}

/// An alert's user value of a 32-bit setter.
fn cut_objects(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.alert(1, 2, 0xf_8765_4321)?;
    let event = port.get(Timeout::Poll)?;
    check::equal("alert", event, Event::new(source::ALERT, 2, 0, 0x8765_4321))
}

/// Both halves of the 64-bit answer arrive.
fn return_values(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let list = EventList::new(ctx.sys, 4)?;
    let to = UserBuf::new(ctx.sys, 8)?;
    to.write_ints(&[0, 1]);
    port.send(1, 1)?;
    let rvals = port.call(op::GETN, [list.addr(), 4, 2, to.addr()])?;
    check::equal("rval1", rvals as i32, 1)?;
    check::equal("rval2", (rvals >> 32) as i32, Errno::ETIME.0)
}

/// Whole lists of several lengths: every byte is accounted for.
fn no_leak(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    let (model, size) = (ctx.sys.model(), ctx.sys.model().event());
    for count in [1_usize, 2, 32, 33, 100] {
        for user in 0..count {
            port.send(0x11, user)?;
        }
        let list = EventList::new(ctx.sys, count)?;
        let mut nget = count as u32;
        port.getn_raw(list.addr(), count as u32, Some(&mut nget), 0)?;
        for user in 0..count {
            let event = list.event(user);
            check::equal(
                "event",
                event,
                Event::new(source::USER, 0x11, 0, user as u64),
            )?;
        }
        check::equal(
            "size of an event",
            size,
            if model == Model::Lp64 { 24 } else { 16 },
        )?;
    }
    Ok(())
}

/// `max` and `n` are 32 bits wide.
fn uint_max(ctx: &Ctx<'_>) -> Verdict {
    let port = ctx.port()?;
    port.send_all(1..=2)?;
    let list = EventList::new(ctx.sys, 2)?;
    let wide = |value: usize| value | 0x9_0000_0000;
    let rvals = port.call(op::GETN, [list.addr(), wide(2), wide(1), 0]);
    check::equal("return values", rvals, Ok(2))?;
    check::equal(
        "events",
        list.events(2).iter().map(|e| e.user).collect(),
        vec![1_u64, 2],
    )
}
