//! The `portfs` system call: opcodes, arguments, return packing (S1 to S11).

use super::getn::{Outcome, Request, Timeout, port_getn};
use super::{alert, create, dispatch as dispatch_event, send};
use crate::kernel::event::Source;
use crate::kernel::file::PortFile;
use crate::kernel::port::Port;
use crate::kernel::proc::Model;
use crate::kernel::time::Timespec;
use crate::kernel::user::{EventList, UserAddr};
use crate::kernel::{Errno, Result, tunable};
use crate::source;

const CODE_MASK: i32 = 0xff;
/// The first argument is not a port.
const NOPORT: i32 = 0x100;
/// The dispatched event is for this process only.
const NOSHARE: i32 = 0x200;

const CREATE: i32 = 0;
const ASSOCIATE: i32 = 1;
const DISSOCIATE: i32 = 2;
const SEND: i32 = 3;
const SENDN: i32 = 4;
const GET: i32 = 5;
const GETN: i32 = 6;
const ALERT: i32 = 7;
const DISPATCH: i32 = 8;

/// The arguments of one call, widened to the kernel's data model.
pub struct Args {
    /// The opcode with its flags.
    pub opcode: i32,
    /// The other arguments.
    pub a: [usize; 5],
    /// The caller's data model: how its structures look.
    pub model: Model,
}

impl Args {
    /// True for the opcode whose third and fourth arguments are a time.
    pub fn is_port_get(opcode: i32) -> bool {
        opcode & CODE_MASK == GET
    }
}

/// Two 32-bit results in one: `r_val1` low, `r_val2` high.
fn packed(val1: u32, val2: u32) -> i64 {
    i64::from(val1) | (i64::from(val2) << 32)
}

/// Carries out a call; the value is what the kernel returns in two registers.
///
/// # Errors
///
/// Of the operation; before that `EBADF`, `EBADFD`; `EINVAL` for an unknown
/// opcode (S11).
pub fn dispatch(args: &Args) -> Result<i64> {
    let [a0, a1, a2, a3, a4] = args.a;
    let mut opcode = args.opcode;
    if opcode & NOPORT != 0 {
        opcode &= CODE_MASK;
        match opcode {
            CREATE => return create::port_create().map(|fd| packed(fd as u32, 0)),
            SENDN => {
                let sent = send::port_sendn(UserAddr(a0), UserAddr(a1), a2 as u32, a3 as i32, a4)?;
                return Ok(packed(sent, 0));
            }
            _ => {}
        }
    }
    let file = PortFile::hold(a0 as i32)?;
    let port = file.port();
    match opcode & CODE_MASK {
        GET => get(port, args),
        GETN => getn(port, args),
        SEND => send::port_send(port, a1 as i32, a2).map(|()| 0),
        DISPATCH => {
            let source = Source(a1 as i32);
            let shareable = opcode & NOSHARE == 0;
            dispatch_event::port_dispatch_event(port, source, a2 as i32, a3, a4, shareable)
                .map(|()| 0)
        }
        ALERT => alert::port_alert(port, a1 as i32, a2 as i32, a3).map(|()| 0),
        ASSOCIATE => source::associate(port, Source(a1 as i32), a2, a3 as i32, a4).map(|()| 0),
        DISSOCIATE => source::dissociate(port, Source(a1 as i32), a2).map(|()| 0),
        _ => Err(Errno::EINVAL),
    }
}

/// The time-out of `port_get` comes in registers (S6). A zero one without an
/// event is `ETIME` by the manual (D26).
fn get(port: &Port, args: &Args) -> Result<i64> {
    let [_, list, sec, nsec, timed] = args.a;
    let timeout = match timed {
        0 => Timeout::Forever,
        _ => Timeout::After(Timespec {
            sec: sec as i64,
            nsec: nsec as i64,
        }),
    };
    let list = EventList::new(UserAddr(list), args.model);
    let got = port_getn(
        port,
        &Request {
            list,
            max: 1,
            need: 1,
            timeout,
        },
    )?;
    if got.count == 0 && (got.expired || tunable::strict()) {
        return Err(Errno::ETIME);
    }
    Ok(0)
}

/// `ETIME` is a second return value here, not a failed call (S7).
fn getn(port: &Port, args: &Args) -> Result<i64> {
    let [_, list, max, need, timeout] = args.a;
    let timeout = match UserAddr(timeout) {
        addr if addr.is_null() => Timeout::Forever,
        addr => Timeout::At(addr, args.model),
    };
    let list = EventList::new(UserAddr(list), args.model);
    let Outcome { count, expired } = port_getn(
        port,
        &Request {
            list,
            max: max as u32,
            need: need as u32,
            timeout,
        },
    )?;
    Ok(packed(
        count,
        if expired {
            Errno::ETIME.number() as u32
        } else {
            0
        },
    ))
}
