//! [`Port`]: the library functions over the raw system call, with libc's behaviour (S1-S12).

use alloc::vec;
use alloc::vec::Vec;

use crate::{
    Batch, Errno, Event, EventList, PORT_MAX_LIST, PORT_SHARE_EVENT, System, Timeout, UserBuf, op,
    source,
};

/// What is found in `errors[]` where nothing was written.
const UNWRITTEN: i32 = -0x5a5a;

/// A port descriptor as one thread uses it. Nothing is closed on drop.
#[derive(Clone, Copy)]
pub struct Port<'s> {
    sys: &'s dyn System,
    fd: i32,
}

/// What `port_sendn(3C)` told: events sent, and the entries of `errors[]` that were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The return value.
    pub result: Result<u32, Errno>,
    /// `errors[]`; `None` where nothing was written.
    pub errors: Vec<Option<i32>>,
}

impl<'s> Port<'s> {
    /// `port_create(3C)` (S1).
    pub fn create(sys: &'s dyn System) -> Result<Port<'s>, Errno> {
        let rvals = sys.portfs(op::CREATE | op::NOPORT, [0; 5])?;
        Ok(Port {
            sys,
            fd: rval1(rvals),
        })
    }

    /// Any descriptor, port or not.
    pub fn at(sys: &'s dyn System, fd: i32) -> Port<'s> {
        Port { sys, fd }
    }

    /// The descriptor number.
    pub fn fd(&self) -> i32 {
        self.fd
    }

    /// The system that this thread talks to.
    pub fn sys(&self) -> &'s dyn System {
        self.sys
    }

    /// The same port through another descriptor.
    pub fn dup(&self) -> Result<Port<'s>, Errno> {
        Ok(Port {
            sys: self.sys,
            fd: self.sys.dup(self.fd)?,
        })
    }

    /// `close(2)`.
    pub fn close(&self) -> Result<(), Errno> {
        self.sys.close(self.fd)
    }

    /// An operation whose first argument is this descriptor.
    pub fn call(&self, opcode: i32, args: [usize; 4]) -> Result<i64, Errno> {
        let [a1, a2, a3, a4] = args;
        self.sys.portfs(opcode, [self.fd as usize, a1, a2, a3, a4])
    }

    /// `port_associate(3C)` (S2).
    pub fn associate(
        &self,
        source: i32,
        object: usize,
        events: i32,
        user: usize,
    ) -> Result<(), Errno> {
        self.call(
            op::ASSOCIATE,
            [source as usize, object, events as usize, user],
        )
        .map(drop)
    }

    /// `port_dissociate(3C)` (S3).
    pub fn dissociate(&self, source: i32, object: usize) -> Result<(), Errno> {
        self.call(op::DISSOCIATE, [source as usize, object, 0, 0])
            .map(drop)
    }

    /// `port_associate(3C)` of a descriptor.
    pub fn associate_fd(&self, fd: i32, events: i16, user: usize) -> Result<(), Errno> {
        self.associate(source::FD, fd as usize, i32::from(events), user)
    }

    /// `port_dissociate(3C)` of a descriptor.
    pub fn dissociate_fd(&self, fd: i32) -> Result<(), Errno> {
        self.dissociate(source::FD, fd as usize)
    }

    /// `port_send(3C)` (S4).
    pub fn send(&self, events: i32, user: usize) -> Result<(), Errno> {
        self.call(op::SEND, [events as usize, user, 0, 0]).map(drop)
    }

    /// Sends events 1 with every cookie of the list.
    pub fn send_all(&self, users: impl IntoIterator<Item = usize>) -> Result<(), Errno> {
        users.into_iter().try_for_each(|user| self.send(1, user))
    }

    /// `port_alert(3C)` (S9).
    pub fn alert(&self, flags: i32, events: i32, user: usize) -> Result<(), Errno> {
        self.call(op::ALERT, [flags as usize, events as usize, user, 0])
            .map(drop)
    }

    /// `_port_dispatch` (S10): an event that only the caller's process can take, unless `flags`
    /// has [`PORT_SHARE_EVENT`].
    pub fn dispatch(
        &self,
        flags: i32,
        source: i32,
        events: i32,
        object: usize,
        user: usize,
    ) -> Result<(), Errno> {
        let share = if flags & PORT_SHARE_EVENT != 0 {
            0
        } else {
            op::NOSHARE
        };
        let args = [source as usize, events as usize, object, user];
        self.call(op::DISPATCH | share, args).map(drop)
    }

    /// `port_get(3C)` (S6) into a buffer of its own; an untouched buffer reads as
    /// [`Event::preset`].
    pub fn get(&self, timeout: Timeout) -> Result<Event, Errno> {
        let list = EventList::new(self.sys, 1)?;
        self.get_at(list.addr(), timeout)?;
        Ok(list.event(0))
    }

    /// `port_get(3C)` to any address.
    pub fn get_at(&self, pe: usize, timeout: Timeout) -> Result<(), Errno> {
        let args = match timeout.spec() {
            // libc passes its own pointer on; the kernel only asks whether it is NULL.
            Some(to) => [pe, to.sec as usize, to.nsec as usize, 8],
            None => [pe, 0, 0, 0],
        };
        self.call(op::GET, args).map(drop)
    }

    /// `port_getn(3C)` (S7, S8) into a list of its own.
    pub fn getn(&self, max: u32, n: u32, timeout: Timeout) -> Batch {
        match EventList::new(self.sys, max as usize) {
            Ok(list) => self.getn_list(&list, max, n, timeout),
            Err(errno) => Batch {
                result: Err(errno),
                nget: n,
                events: Vec::new(),
                rest_untouched: true,
            },
        }
    }

    /// `port_getn(3C)` into a given list, which is preset first.
    pub fn getn_list(&self, list: &EventList<'_>, max: u32, n: u32, timeout: Timeout) -> Batch {
        list.reset();
        let mut nget = n;
        let result = self.getn_at(list.addr(), max, Some(&mut nget), timeout);
        let events = match result {
            Ok(()) | Err(Errno::ETIME) if max > 0 => list.events(nget as usize),
            _ => Vec::new(),
        };
        let rest_untouched = list.untouched_from(events.len());
        Batch {
            result,
            nget,
            events,
            rest_untouched,
        }
    }

    /// `port_getn(3C)` to any address; `None` stands for a NULL `nget`.
    pub fn getn_at(
        &self,
        list: usize,
        max: u32,
        nget: Option<&mut u32>,
        timeout: Timeout,
    ) -> Result<(), Errno> {
        let Some(spec) = timeout.spec() else {
            return self.getn_raw(list, max, nget, 0);
        };
        let (bytes, len) = spec.encode(self.sys.model());
        let memory = UserBuf::new(self.sys, len)?;
        memory.write(&bytes[..len]);
        self.getn_raw(list, max, nget, memory.addr())
    }

    /// `port_getn(3C)` with every pointer given by the caller.
    pub fn getn_raw(
        &self,
        list: usize,
        max: u32,
        nget: Option<&mut u32>,
        timeout: usize,
    ) -> Result<(), Errno> {
        let Some(nget) = nget else {
            return Err(Errno::EINVAL);
        };
        let rvals = self.call(op::GETN, [list, max as usize, *nget as usize, timeout])?;
        *nget = rval1(rvals) as u32;
        match rval2(rvals) {
            0 => Ok(()),
            errno => Err(Errno(errno)),
        }
    }

    /// The queue length as `port_getn` with `max` 0 tells it (S62).
    pub fn queued(&self) -> Result<u32, Errno> {
        let mut nget = 0;
        self.getn_raw(0, 0, Some(&mut nget), 0)?;
        Ok(nget)
    }

    /// `port_sendn(3C)` (S5) with lists of its own.
    pub fn sendn(sys: &dyn System, ports: &[i32], events: i32, user: usize) -> Result<Sent, Errno> {
        let list = UserBuf::new(sys, (ports.len() * 4).max(4))?;
        list.write_ints(ports);
        let errors = UserBuf::new(sys, (ports.len() * 4).max(4))?;
        errors.write_ints(&vec![UNWRITTEN; ports.len()]);
        let count = ports.len() as u32;
        let result = Port::sendn_at(sys, list.addr(), errors.addr(), count, events, user);
        let written = |value: i32| (value != UNWRITTEN).then_some(value);
        let errors = errors
            .read_ints(ports.len())
            .into_iter()
            .map(written)
            .collect();
        Ok(Sent { result, errors })
    }

    /// `port_sendn(3C)` with any addresses: more than 8192 entries go in several calls.
    pub fn sendn_at(
        sys: &dyn System,
        ports: usize,
        errors: usize,
        nent: u32,
        events: i32,
        user: usize,
    ) -> Result<u32, Errno> {
        let chunk = |offset: u32, count: u32| {
            let at = offset as usize * 4;
            let args = [
                ports + at,
                errors + at,
                count as usize,
                events as usize,
                user,
            ];
            sys.portfs(op::SENDN | op::NOPORT, args)
                .map(|rvals| rval1(rvals) as u32)
        };
        if nent <= PORT_MAX_LIST {
            return chunk(0, nent);
        }
        let mut sent = 0;
        let mut offset = 0;
        while offset < nent {
            let count = (nent - offset).min(PORT_MAX_LIST);
            match chunk(offset, count) {
                Ok(more) => sent += more,
                Err(errno) if sent == 0 => return Err(errno),
                Err(_) => return Ok(sent),
            }
            offset += count;
        }
        Ok(sent)
    }
}

/// First return value of a system call.
fn rval1(rvals: i64) -> i32 {
    rvals as i32
}

/// Second return value of a system call.
fn rval2(rvals: i64) -> i32 {
    (rvals >> 32) as i32
}
