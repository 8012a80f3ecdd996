//! [`Plan`]: what to run, checked.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use suite::{MSEC, NANOSEC};

use crate::{LOST_WAKEUP, Load, SCENARIOS, Scenario};

/// The name that stands for all scenarios.
pub const ALL: &str = "all";

/// Nanoseconds in which an event must arrive that threads wait for.
const PATIENCE: u64 = 5_000 * MSEC;

/// What a user asks for; numbers are as given.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The name of a scenario, or [`ALL`].
    pub scenario: &'a str,
    /// Threads per scenario.
    pub threads: u64,
    /// Seconds per scenario.
    pub seconds: u64,
    /// Connections of the scenarios that have any; `None` leaves it to them.
    pub connections: Option<u64>,
    /// Seed of every random choice.
    pub seed: u64,
}

impl Default for Wish<'_> {
    fn default() -> Self {
        Wish {
            scenario: ALL,
            threads: Plan::THREADS,
            seconds: Plan::SECONDS,
            connections: None,
            seed: 1,
        }
    }
}

/// Scenarios and their size.
#[derive(Clone)]
pub struct Plan {
    /// What to run, in this order, and how much of it.
    pub scenarios: Vec<(Scenario, Load)>,
}

impl Plan {
    /// Threads per scenario unless told otherwise.
    pub const THREADS: u64 = 4;
    /// Seconds per scenario unless told otherwise.
    pub const SECONDS: u64 = 3;
    /// Longest scenario in seconds.
    pub const MAX_SECONDS: u64 = 3600;

    /// A plan that fulfils a wish.
    ///
    /// # Errors
    ///
    /// One line that says what is wrong and what would be right.
    pub fn new(wish: Wish<'_>) -> Result<Plan, String> {
        let scenarios = named(wish.scenario)?;
        let threads = match u16::try_from(wish.threads) {
            Ok(few @ 1..=Load::MAX_THREADS) => few,
            _ => {
                let (threads, most) = (wish.threads, Load::MAX_THREADS);
                return Err(format!("{threads} threads: give 1 to {most}"));
            }
        };
        let (seconds, most) = (wish.seconds, Self::MAX_SECONDS);
        if !(1..=most).contains(&seconds) {
            return Err(format!("{seconds} seconds: give 1 to {most}"));
        }
        let connections = wish.connections.map(connections).transpose()?;
        if connections.is_some() && scenarios.iter().all(|one| one.connections.is_none()) {
            let name = wish.scenario;
            return Err(format!("scenario `{name}` has no connections"));
        }
        let load = |scenario: Scenario| {
            let usual = scenario.connections.map(|usual| {
                if wish.scenario == ALL {
                    usual.among_others
                } else {
                    usual.alone
                }
            });
            let load = Load {
                threads,
                connections: usual.map_or(0, |usual| connections.unwrap_or(usual)),
                time: seconds * NANOSEC as u64,
                patience: PATIENCE,
                seed: wish.seed,
            };
            (scenario, load)
        };
        Ok(Plan {
            scenarios: scenarios.into_iter().map(load).collect(),
        })
    }
}

fn named(name: &str) -> Result<Vec<Scenario>, String> {
    let wanted = |one: &Scenario| name == ALL || one.name == name;
    let mut scenarios: Vec<_> = SCENARIOS.into_iter().filter(wanted).collect();
    if name == LOST_WAKEUP.name {
        scenarios.push(LOST_WAKEUP);
    }
    if scenarios.is_empty() {
        let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        let names = names.join(" ");
        return Err(format!("no scenario `{name}`; there are: {names} {ALL}"));
    }
    Ok(scenarios)
}

fn connections(count: u64) -> Result<u32, String> {
    match u32::try_from(count) {
        Ok(few @ Load::MIN_CONNECTIONS..=Load::MAX_CONNECTIONS) => Ok(few),
        _ => {
            let (least, most) = (Load::MIN_CONNECTIONS, Load::MAX_CONNECTIONS);
            Err(format!("{count} connections: give {least} to {most}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::{Plan, Wish};

    fn sizes(wish: Wish<'_>) -> Result<Vec<(&'static str, u32)>, String> {
        let plan = Plan::new(wish)?;
        let size = |(one, load): &(crate::Scenario, crate::Load)| (one.name, load.connections);
        Ok(plan.scenarios.iter().map(size).collect())
    }

    #[test]
    fn names() {
        let named = |scenario| {
            sizes(Wish {
                scenario,
                ..Wish::default()
            })
        };
        let all = [
            ("go-poller", 0),
            ("thread-pool", 0),
            ("batch-reader", 0),
            ("echo", 64),
            ("idle", 2_000),
        ];
        assert_eq!(named("all").as_deref(), Ok(&all[..]));
        assert_eq!(
            named("thread-pool").as_deref(),
            Ok(&[("thread-pool", 0)][..])
        );
        assert_eq!(
            named("lost-wakeup").as_deref(),
            Ok(&[("lost-wakeup", 0)][..])
        );
        assert_eq!(named("idle").as_deref(), Ok(&[("idle", 100_000)][..]));
        let expected =
            "no scenario `reader`; there are: go-poller thread-pool batch-reader echo idle all";
        assert_eq!(named("reader"), Err(expected.into()));
    }

    #[test]
    fn threads_and_seconds() {
        let why = |threads, seconds| {
            let wish = Wish {
                threads,
                seconds,
                ..Wish::default()
            };
            Plan::new(wish).err()
        };
        assert_eq!(why(1, 1), None);
        assert_eq!(why(256, 3600), None);
        assert_eq!(why(0, 1).as_deref(), Some("0 threads: give 1 to 256"));
        assert_eq!(
            why(65_537, 1).as_deref(),
            Some("65537 threads: give 1 to 256")
        );
        assert_eq!(why(4, 0).as_deref(), Some("0 seconds: give 1 to 3600"));
        assert_eq!(
            why(4, u64::MAX).as_deref(),
            Some("18446744073709551615 seconds: give 1 to 3600")
        );
    }

    #[test]
    fn connections() {
        let with = |scenario, connections| {
            sizes(Wish {
                scenario,
                connections: Some(connections),
                ..Wish::default()
            })
        };
        assert_eq!(with("echo", 7).as_deref(), Ok(&[("echo", 7)][..]));
        let all = [0, 0, 0, 100_000, 100_000];
        let found = with("all", 100_000).unwrap_or_default();
        let found: Vec<_> = found.iter().map(|(_, count)| *count).collect();
        assert_eq!(found, all);
        for count in [0, 1, 100_001, 1 << 32 | 7] {
            let why = alloc::format!("{count} connections: give 2 to 100000");
            assert_eq!(with("echo", count), Err(why));
        }
        let why = "scenario `go-poller` has no connections";
        assert_eq!(with("go-poller", 10), Err(why.into()));
    }
}
