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

/// Scenarios and their size.
#[derive(Clone)]
pub struct Plan {
    /// What to run, in this order.
    pub scenarios: Vec<Scenario>,
    /// The size of each.
    pub load: Load,
}

impl Plan {
    /// Threads per scenario unless told otherwise.
    pub const THREADS: u64 = 4;
    /// Seconds per scenario unless told otherwise.
    pub const SECONDS: u64 = 3;
    /// Longest scenario in seconds.
    pub const MAX_SECONDS: u64 = 3600;

    /// A plan from what a user asked for; `scenario` is a name or [`ALL`].
    ///
    /// # Errors
    ///
    /// One line that says what is wrong and what would be right.
    pub fn new(scenario: &str, threads: u64, seconds: u64, seed: u64) -> Result<Plan, String> {
        let named = |one: &Scenario| scenario == ALL || one.name == scenario;
        let mut scenarios: Vec<_> = SCENARIOS.into_iter().filter(named).collect();
        if scenario == LOST_WAKEUP.name {
            scenarios.push(LOST_WAKEUP);
        }
        if scenarios.is_empty() {
            let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
            return Err(format!(
                "no scenario `{scenario}`; there are: {} {ALL}",
                names.join(" ")
            ));
        }
        let most = u64::from(Load::MAX_THREADS);
        let threads = match u16::try_from(threads) {
            Ok(few @ 1..=Load::MAX_THREADS) => few,
            _ => return Err(format!("{threads} threads: give 1 to {most}")),
        };
        if !(1..=Self::MAX_SECONDS).contains(&seconds) {
            return Err(format!(
                "{seconds} seconds: give 1 to {}",
                Self::MAX_SECONDS
            ));
        }
        let time = seconds * NANOSEC as u64;
        Ok(Plan {
            scenarios,
            load: Load {
                threads,
                time,
                patience: PATIENCE,
                seed,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, Plan};

    #[test]
    fn names() {
        let names = |scenario| {
            let plan = Plan::new(scenario, 4, 1, 0).map_err(|_| ());
            plan.map(|plan| plan.scenarios.iter().map(|one| one.name).collect())
        };
        assert_eq!(
            names(ALL),
            Ok(alloc::vec!["go-poller", "thread-pool", "batch-reader"])
        );
        assert_eq!(names("thread-pool"), Ok(alloc::vec!["thread-pool"]));
        assert_eq!(names("lost-wakeup"), Ok(alloc::vec!["lost-wakeup"]));
        let why = Plan::new("reader", 4, 1, 0).err();
        let expected = "no scenario `reader`; there are: go-poller thread-pool batch-reader all";
        assert_eq!(why.as_deref(), Some(expected));
    }

    #[test]
    fn sizes() {
        let why = |threads, seconds| Plan::new(ALL, threads, seconds, 0).err();
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
}
