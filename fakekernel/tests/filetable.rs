//! The descriptor table: which number is free, and what happens while it is replaced.

#[path = "support/sleeper.rs"]
mod sleeper;
mod support;

use std::process::ExitCode;
use std::sync::atomic::Ordering::SeqCst;

use bindings::*;
use fakekernel::user::ProcCfg;
use sleeper::{COUNTS, close_under_reader, open_sleeper};
use support::{Kernel, case, process, process_with};

fn main() -> ExitCode {
    support::main(vec![
        case("open.lowest_of_many", lowest_of_many),
        case("open.hundred_thousand", hundred_thousand),
        case("close.waits_while_the_table_grows", close_grows),
        case("fork.while_descriptors_come_and_go", fork_race).on(restless),
        case("grow.under_everybodys_feet", grow_race).on(restless),
    ])
}

/// Every rule on, and tasks that give way often.
fn restless() -> fakekernel::Config {
    fakekernel::Config {
        yield_chance: 0.3,
        ..support::strict()
    }
}

fn lowest_of_many(kernel: &Kernel) {
    let cfg = ProcCfg {
        nofile: 600,
        ..ProcCfg::default()
    };
    process_with(kernel, cfg, |lwp| {
        let mut open = [false; 600];
        let mut random = 1_u32;
        for _ in 0..4000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let pick = (random >> 8) as usize % 600;
            if open[pick] {
                assert_eq!(lwp.close(pick as i32), Ok(()));
                open[pick] = false;
            } else if random >> 31 == 0 {
                let free = open.iter().position(|taken| !taken);
                let free = free.map(|fd| fd as i32).ok_or(EMFILE);
                assert_eq!(lwp.open_null(), free);
                if let Ok(fd) = free {
                    open[fd as usize] = true;
                }
            } else if let Some(from) = open.iter().position(|&taken| taken) {
                // Anywhere in the table, which may have to grow for it.
                assert_eq!(lwp.dup2(from as i32, pick as i32), Ok(pick as i32));
                open[pick] = true;
            }
        }
    });
}

fn hundred_thousand(kernel: &Kernel) {
    let many = 100_000;
    let cfg = ProcCfg {
        nofile: many as u32,
        ..ProcCfg::default()
    };
    process_with(kernel, cfg, |lwp| {
        let null = lwp.open_null().unwrap();
        for fd in 1..many {
            assert_eq!(lwp.dup(null), Ok(fd));
        }
        assert_eq!(lwp.dup(null), Err(EMFILE));
        let child = lwp.fork(None, move |lwp| lwp.close(many - 1));
        assert_eq!(child.wait(), Ok(()));
        for fd in [77_777, 5] {
            assert_eq!(lwp.close(fd), Ok(()));
        }
        assert_eq!([lwp.dup(null), lwp.dup(null)], [Ok(5), Ok(77_777)]);
    });
}

fn close_grows(kernel: &Kernel) {
    process(kernel, |lwp| {
        close_under_reader(lwp, |_| {
            // The closer waits in a place of the table that is replaced now.
            let null = lwp.open_null().unwrap();
            assert_eq!(lwp.dup2(null, 200), Ok(200));
        });
        assert_eq!(lwp.getfd(200), Ok(0));
    });
}

fn grow_race(kernel: &Kernel) {
    process(kernel, |lwp| {
        let null = lwp.open_null().unwrap();
        let others: Vec<_> = (0..3)
            .map(|i| {
                lwp.spawn(move |lwp| {
                    for turn in 0..60 {
                        let fd = lwp.dup(null).unwrap();
                        assert_eq!(lwp.setfd(fd, FD_CLOEXEC), Ok(()));
                        assert_eq!(lwp.dup2(null, turn + 60 * (i + 1)), Ok(turn + 60 * (i + 1)));
                        assert_eq!(lwp.getfd(fd), Ok(FD_CLOEXEC));
                        assert_eq!(lwp.close(fd), Ok(()));
                    }
                })
            })
            .collect();
        for other in others {
            other.join();
        }
        for fd in 60..240 {
            assert_eq!(lwp.close(fd), Ok(()));
        }
    });
}

fn fork_race(kernel: &Kernel) {
    process(kernel, |lwp| {
        let (sleeper, _) = open_sleeper();
        let other = lwp.spawn(move |lwp| {
            for _ in 0..40 {
                let fd = lwp.dup(sleeper).unwrap();
                lwp.yield_now();
                assert_eq!(lwp.close(fd), Ok(()));
            }
        });
        for _ in 0..5 {
            lwp.fork(None, |_| ()).wait();
        }
        other.join();
        assert_eq!(lwp.close(sleeper), Ok(()));
        assert_eq!(COUNTS.load(SeqCst), 1, "no count is left over");
    });
}
