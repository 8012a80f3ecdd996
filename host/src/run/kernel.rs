//! The process that runs the kernel: boots, loads, serves, shuts down.

use std::cell::Cell;
use std::time::{Duration, Instant};

use fakekernel::user::{ProcCfg, Process};
use fakekernel::{Clock, Config, Kernel};
use serve::{Load, Scenario};

use super::args::Order;
use super::message::Message;
use super::report::{KernelReport, ModuleReport, ScenarioReport};
use super::watchdog::Watchdog;
use crate::boot::bring_in;
use crate::system::FakeSystem;

/// Milliseconds between two messages about the same scenario.
const TICK: u64 = 200;

/// How long the end of the kernel may take.
const SHUTDOWN: Duration = Duration::from_secs(20);

/// Does it with every rule of the fakekernel on (what is right comes before what is fast), telling
/// the supervisor; a kernel panic does not return.
pub fn serve(order: &Order) {
    let config = Config {
        clock: Clock::Real,
        seed: order.seed,
        ..Config::default()
    };
    let kernel = fakekernel::boot(config);
    match bring_in(&order.module, &[]) {
        Ok(module) => Message::Loaded(ModuleReport::new(&order.module, module.as_deref())).send(),
        Err(why) => return Message::Failed(format!("{why:#}")).send(),
    }
    let watchdog = Watchdog::start();
    for (scenario, load) in &order.plan.scenarios {
        watchdog.watch(scenario.name, order.limit(load));
        match run(&kernel, scenario, *load) {
            Ok(report) => Message::Served(Box::new(report)).send(),
            Err(why) => return Message::Failed(format!("{}: {why}", scenario.name)).send(),
        }
    }
    watchdog.watch("the shutdown of the kernel", SHUTDOWN);
    let stack_limit = kernel.config().stack_limit;
    let report = kernel.shutdown();
    watchdog.rest();
    Message::Down(KernelReport::new(&report, stack_limit)).send();
}

fn run(kernel: &Kernel, scenario: &Scenario, load: Load) -> Result<ScenarioReport, String> {
    Message::Begin {
        name: scenario.name.into(),
        time: load.time / 1_000_000,
    }
    .send();
    let start = Instant::now();
    let told = Cell::new(0);
    let progress = |events| {
        let elapsed = start.elapsed().as_millis() as u64;
        if elapsed >= told.get() + TICK {
            told.set(elapsed);
            Message::Taken { events, elapsed }.send();
        }
    };
    let mut process = ProcCfg::default();
    process.nofile = process.nofile.max(load.descriptors());
    let service = Process::run(kernel, process, |lwp| {
        FakeSystem::enter(lwp, |sys| (scenario.run)(sys, load, &progress))
    });
    let service = service.map_err(|failure| failure.to_string())?;
    Ok(ScenarioReport::new(scenario, &service))
}
