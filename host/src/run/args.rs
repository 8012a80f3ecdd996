//! The command line of `portfs-host run`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serve::{ALL, Load, Plan, Wish};

use crate::boot::Module;

/// Load a module and serve live scenarios from it
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The module file
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
    /// Run the module that is linked into this program instead of a file
    #[arg(long, hide = true, conflicts_with = "module")]
    linked: bool,
    /// Run only this scenario
    #[arg(long, value_name = "NAME", default_value = ALL)]
    scenario: String,
    /// Threads per scenario: pollers, pool and server threads, senders of the batch reader
    #[arg(long, value_name = "N", default_value_t = Plan::THREADS)]
    threads: u64,
    /// Seconds per scenario
    #[arg(long, value_name = "S", default_value_t = Plan::SECONDS)]
    seconds: u64,
    /// Connections of echo, descriptors of idle [default: few if all scenarios run, else many]
    #[arg(long, value_name = "N")]
    connections: Option<u64>,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Milliseconds that a scenario may take beyond its seconds
    #[arg(long, hide = true, default_value_t = 20_000)]
    grace: u64,
    /// This is the process that runs the kernel
    #[arg(long, hide = true)]
    pub in_kernel: bool,
}

/// How long a connection may take, beyond the time of the scenario, to be opened and closed.
const CONNECTION: Duration = Duration::from_millis(1);

/// A checked command line.
#[derive(Clone)]
pub struct Order {
    /// The module.
    pub module: Module,
    /// What to run.
    pub plan: Plan,
    /// Seed of the kernel.
    pub seed: u64,
    /// How long a scenario may take beyond its time before it is stuck.
    pub grace: Duration,
}

impl Order {
    /// How long a scenario of this size may take.
    pub fn limit(&self, load: &Load) -> Duration {
        let opening = CONNECTION.saturating_mul(load.connections);
        Duration::from_nanos(load.time) + opening + self.grace
    }

    /// How long any scenario may take.
    pub fn longest(&self) -> Duration {
        let limits = self.plan.scenarios.iter().map(|(_, load)| self.limit(load));
        limits.max().unwrap_or(self.grace)
    }
}

impl RunArgs {
    /// Checks everything.
    ///
    /// # Errors
    ///
    /// One line for the user.
    pub fn order(&self) -> Result<Order, String> {
        let plan = Plan::new(Wish {
            scenario: &self.scenario,
            threads: self.threads,
            seconds: self.seconds,
            connections: self.connections,
            seed: self.seed,
        })?;
        let module = match &self.module {
            _ if self.linked => Module::Linked,
            Some(file) => {
                existing(file)?;
                Module::File(file.clone())
            }
            None => return Err("no module: give --module FILE (./x run builds one)".into()),
        };
        Ok(Order {
            module,
            plan,
            seed: self.seed,
            grace: Duration::from_millis(self.grace),
        })
    }

    /// The same order for the process that runs the kernel.
    pub fn for_kernel(&self) -> Vec<OsString> {
        let mut line: Vec<OsString> = vec!["run".into(), "--in-kernel".into()];
        match &self.module {
            Some(file) => line.extend(["--module".into(), file.into()]),
            None => line.push("--linked".into()),
        }
        line.extend(["--scenario".into(), (&self.scenario).into()]);
        let numbers = [
            ("--threads", self.threads),
            ("--seconds", self.seconds),
            ("--seed", self.seed),
            ("--grace", self.grace),
        ];
        let connections = self.connections.map(|count| ("--connections", count));
        for (name, value) in numbers.into_iter().chain(connections) {
            line.extend([name.into(), value.to_string().into()]);
        }
        line
    }
}

fn existing(file: &Path) -> Result<(), String> {
    match file.metadata() {
        Ok(meta) if meta.is_file() => Ok(()),
        Ok(_) => Err(format!("{}: not a file", file.display())),
        Err(why) => Err(format!("{}: {why}", file.display())),
    }
}
