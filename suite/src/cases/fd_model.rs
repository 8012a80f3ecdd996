//! Random programs against a model of what ports and descriptors do.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use spin::Mutex;

use super::fd::{put, take};
use super::prelude::*;
use crate::{Rng, poll};

pub(super) const CASES: &[Case] = &[
    case(
        "fd.model_of_one_thread",
        "S19 S20 S21 S28 S29 S31 S32 S95 S96",
        one_thread,
    )
    .both()
    .needs(Caps::RCTL),
    case(
        "fd.model_of_many_threads",
        "S19 S21 S29 S32 C2 C16",
        many_threads,
    ),
];

/// Pipes in the model.
const PIPES: usize = 4;
/// Ports in the model; the last one can watch the others.
const PORTS: usize = 3;
/// Slots of each port.
const SLOTS: usize = 6;

/// One association.
#[derive(Clone, Copy)]
struct Watch {
    /// Is POLLIN asked for?
    asks: bool,
    user: u64,
    armed: bool,
    /// When it came onto the object's pollhead: the latest is told first.
    bound: Option<u64>,
}

/// One port as the model has it.
#[derive(Default)]
struct PortModel {
    queue: VecDeque<Event>,
    watches: BTreeMap<i32, Watch>,
}

impl PortModel {
    /// Slots in use: associations, and events that are no association's.
    fn slots(&self) -> usize {
        let users = self
            .queue
            .iter()
            .filter(|e| e.source == source::USER as u16);
        self.watches.len() + users.count()
    }

    /// Takes the descriptor's event out of the queue; was there one?
    fn unqueue(&mut self, fd: i32) -> bool {
        let before = self.queue.len();
        self.queue
            .retain(|e| e.source != source::FD as u16 || e.object != fd as u64);
        self.queue.len() < before
    }
}

/// Everything: numbers, bytes in the pipes, ports.
struct Machine {
    ports: [i32; PORTS],
    /// Reading end, writing end, bytes.
    pipes: Vec<(i32, i32, usize)>,
    models: [PortModel; PORTS],
    /// How often something came onto a pollhead.
    bindings: u64,
}

impl Machine {
    fn new(ctx: &Ctx<'_>) -> Result<Machine, Failure> {
        let mut ports = [0; PORTS];
        for port in &mut ports {
            *port = ctx.port_of(SLOTS as u64)?.fd();
        }
        let mut pipes = Vec::new();
        for _ in 0..PIPES {
            let (reader, writer) = ctx.pipe()?;
            pipes.push((reader, writer, 0));
        }
        let models = core::array::from_fn(|_| PortModel::default());
        Ok(Machine {
            ports,
            pipes,
            models,
            bindings: 0,
        })
    }

    fn port<'s>(&self, ctx: &Ctx<'s>, at: usize) -> Port<'s> {
        Port::at(ctx.sys, self.ports[at])
    }

    /// Is the object readable?
    fn readable(&self, fd: i32) -> bool {
        let pipe = self.pipes.iter().any(|p| p.0 == fd && p.2 > 0);
        let port = (0..PORTS).any(|at| self.ports[at] == fd && !self.models[at].queue.is_empty());
        pipe || port
    }

    /// The object became readable: armed associations send. Ports that became readable by that
    /// come after all others.
    fn wake(&mut self, fd: i32) {
        let mut told: Vec<(u64, usize)> = Vec::new();
        for (at, model) in self.models.iter().enumerate() {
            let watch = model.watches.get(&fd);
            told.extend(watch.and_then(|watch| Some((watch.bound?, at))));
        }
        told.sort_unstable_by(|a, b| b.cmp(a));
        let mut readable = Vec::new();
        for (_, at) in told {
            let model = &mut self.models[at];
            let Some(watch) = model.watches.get_mut(&fd) else {
                continue;
            };
            if watch.armed && watch.asks {
                watch.armed = false;
                if model.queue.is_empty() {
                    readable.push(self.ports[at]);
                }
                model
                    .queue
                    .push_back(Event::of_fd(fd, poll::IN, watch.user));
            }
        }
        for port in readable {
            self.wake(port);
        }
    }

    /// An event comes into a port, and the port may become readable by it.
    fn queue(&mut self, at: usize, event: Event) {
        let first = self.models[at].queue.is_empty();
        self.models[at].queue.push_back(event);
        if first {
            self.wake(self.ports[at]);
        }
    }

    /// The descriptor is closed: nothing of it is left on any port.
    fn forget(&mut self, fd: i32) {
        for model in &mut self.models {
            model.unqueue(fd);
            model.watches.remove(&fd);
        }
    }

    /// port_associate.
    fn associate(&mut self, at: usize, fd: i32, asks: bool, user: u64) -> Result<(), Errno> {
        let full = self.models[at].slots() >= SLOTS;
        let model = &mut self.models[at];
        if !model.watches.contains_key(&fd) && full {
            return Err(Errno::EAGAIN);
        }
        model.unqueue(fd);
        let mut bound = model.watches.get(&fd).and_then(|watch| watch.bound);
        let ready = asks && self.readable(fd);
        if !ready && bound.is_none() {
            self.bindings += 1;
            bound = Some(self.bindings);
        }
        let watch = Watch {
            asks,
            user,
            armed: !ready,
            bound,
        };
        self.models[at].watches.insert(fd, watch);
        if ready {
            self.queue(at, Event::of_fd(fd, poll::IN, user));
        }
        Ok(())
    }

    /// port_dissociate.
    fn dissociate(&mut self, at: usize, fd: i32) -> Result<(), Errno> {
        let model = &mut self.models[at];
        let watch = model.watches.remove(&fd).ok_or(Errno::ENOENT)?;
        if model.unqueue(fd) || watch.armed {
            Ok(())
        } else {
            Err(Errno::ENOENT)
        }
    }

    /// A pipe's reading end, or (for the last port) another port.
    fn object(&self, rng: &mut Rng, at: usize) -> i32 {
        let ports = if at == PORTS - 1 { PORTS - 1 } else { 0 };
        let choice = rng.below((PIPES + ports) as u64) as usize;
        match self.pipes.get(choice) {
            Some(pipe) => pipe.0,
            None => self.ports[choice - PIPES],
        }
    }

    /// One random step, in the model and in the system.
    fn step(&mut self, ctx: &Ctx<'_>, rng: &mut Rng, turn: usize) -> Verdict {
        let at = rng.below(PORTS as u64) as usize;
        let port = self.port(ctx, at);
        let pipe = rng.below(PIPES as u64) as usize;
        match rng.below(12) {
            0..=3 => {
                let (fd, asks) = (self.object(rng, at), rng.below(5) > 0);
                let bits = if asks { poll::IN } else { 0 };
                let expected = self.associate(at, fd, asks, turn as u64);
                check::equal(
                    "port_associate",
                    port.associate_fd(fd, bits, turn),
                    expected,
                )
            }
            4 => {
                let fd = self.object(rng, at);
                let expected = self.dissociate(at, fd);
                check::equal("port_dissociate", port.dissociate_fd(fd), expected)
            }
            5 | 6 => {
                put(ctx.sys, self.pipes[pipe].1)?;
                self.pipes[pipe].2 += 1;
                self.wake(self.pipes[pipe].0);
                Ok(())
            }
            7 if self.pipes[pipe].2 > 0 => {
                take(ctx.sys, self.pipes[pipe].0)?;
                self.pipes[pipe].2 -= 1;
                Ok(())
            }
            8 => {
                let (reader, writer, _) = self.pipes[pipe];
                ctx.sys.close(reader)?;
                ctx.sys.close(writer)?;
                self.forget(reader);
                let (reader, writer) = ctx.sys.pipe()?;
                ctx.keep(reader);
                ctx.keep(writer);
                self.pipes[pipe] = (reader, writer, 0);
                Ok(())
            }
            9 => {
                let full = self.models[at].slots() >= SLOTS;
                let expected = if full { Err(Errno::EAGAIN) } else { Ok(()) };
                check::equal("port_send", port.send(1, turn), expected)?;
                if !full {
                    self.queue(at, Event::new(source::USER, 1, 0, turn as u64));
                }
                Ok(())
            }
            10 if rng.below(10) == 0 => {
                port.close()?;
                self.forget(self.ports[at]);
                self.models[at] = PortModel::default();
                self.ports[at] = ctx.port_of(SLOTS as u64)?.fd();
                Ok(())
            }
            _ => {
                let max = 1 + rng.below(4) as usize;
                let batch = port.getn(max as u32, 1, Timeout::Poll);
                let queue = &mut self.models[at].queue;
                let expected: Vec<Event> = queue.drain(..max.min(queue.len())).collect();
                check::equal(
                    "port_getn",
                    (batch.result, batch.events),
                    (Ok(()), expected),
                )
            }
        }
    }

    /// Numbers that can be asked for without changing anything.
    fn expect_same(&self, ctx: &Ctx<'_>) -> Verdict {
        for at in 0..PORTS {
            let queued = self.models[at].queue.len() as u32;
            check::equal("queue length", self.port(ctx, at).queued(), Ok(queued))?;
        }
        Ok(())
    }
}

/// Every answer, every event and every error is what the model says.
fn one_thread(ctx: &Ctx<'_>) -> Verdict {
    let mut rng = ctx.rng();
    let mut machine = Machine::new(ctx)?;
    for turn in 0..3000 {
        let stepped = machine
            .step(ctx, &mut rng, turn)
            .and_then(|()| machine.expect_same(ctx));
        stepped.map_err(|failure| Failure::new(format!("turn {turn}: {failure}")))?;
    }
    Ok(())
}

/// How an association ended, by its cookie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// Dissociated with success: it is never delivered.
    Ended,
    /// ENOENT at its dissociation: it was delivered, once.
    Delivered,
    /// Replaced or closed: it was delivered once or not at all.
    Open,
}

/// One thread's random walk over pipes of its own; answers what became of each cookie.
fn walk(sys: &dyn System, port: i32, seed: u64, base: usize) -> Result<Vec<Fate>, Errno> {
    let port = Port::at(sys, port);
    let mut rng = Rng::new(seed);
    let mut fates = Vec::new();
    for _ in 0..40 {
        let (reader, writer) = sys.pipe()?;
        for _ in 0..rng.below(6) {
            port.associate_fd(reader, poll::IN, base + fates.len())?;
            fates.push(Fate::Open);
            if rng.below(2) == 0 {
                put(sys, writer)?;
            }
            if rng.below(2) == 0 {
                sys.pause();
            }
            if rng.below(3) > 0 {
                let fate = match port.dissociate_fd(reader) {
                    Ok(()) => Fate::Ended,
                    Err(Errno::ENOENT) => Fate::Delivered,
                    Err(errno) => return Err(errno),
                };
                if let Some(last) = fates.last_mut() {
                    *last = fate;
                }
            }
        }
        sys.close(reader)?;
        sys.close(writer)?;
    }
    Ok(fates)
}

/// Threads associate, write, dissociate and close; others take the events of all of them. What a
/// dissociation answered and what was delivered must agree.
fn many_threads(ctx: &Ctx<'_>) -> Verdict {
    const SPAN: usize = 10_000;
    let port = ctx.port()?;
    let fd = port.fd();
    let mut rng = ctx.rng();
    let delivered: Arc<Mutex<BTreeMap<u64, u32>>> = Arc::default();
    let mut takers = Vec::new();
    for max in 1..=3 {
        let delivered = Arc::clone(&delivered);
        takers.push(ctx.spawn(move |sys| -> Result<(), Errno> {
            let port = Port::at(sys, fd);
            loop {
                let batch = port.getn(max, 1, Timeout::Never);
                batch.result?;
                let stops = batch
                    .events
                    .iter()
                    .filter(|e| e.source == source::USER as u16);
                let stops = stops.count();
                for event in batch
                    .events
                    .iter()
                    .filter(|e| e.source == source::FD as u16)
                {
                    *delivered.lock().entry(event.user).or_insert(0) += 1;
                }
                for _ in 1..stops {
                    port.send(1, 0)?;
                }
                if stops > 0 {
                    return Ok(());
                }
            }
        })?);
    }
    let mut walkers = Vec::new();
    for walker in 0..4 {
        let seed = rng.bits();
        walkers.push(ctx.spawn(move |sys| walk(sys, fd, seed, walker * SPAN))?);
    }
    let mut fates = BTreeMap::new();
    for (walker, task) in walkers.into_iter().enumerate() {
        for (index, fate) in task.join()??.into_iter().enumerate() {
            fates.insert((walker * SPAN + index) as u64, fate);
        }
    }
    ctx.settle();
    check::equal("events left while takers sleep", port.queued(), Ok(0))?;
    port.send_all(0..takers.len())?;
    for taker in takers {
        taker.join()??;
    }
    let delivered = core::mem::take(&mut *delivered.lock());
    for user in delivered.keys() {
        check::that(
            format!("cookie {user:#x} was associated"),
            fates.contains_key(user),
        )?;
    }
    for (user, fate) in fates {
        let times = delivered.get(&user).copied().unwrap_or(0);
        let (least, most) = match fate {
            Fate::Ended => (0, 0),
            Fate::Delivered => (1, 1),
            Fate::Open => (0, 1),
        };
        check::within(
            format!("deliveries of {user:#x}, {fate:?}"),
            times,
            least,
            most,
        )?;
    }
    Ok(())
}
