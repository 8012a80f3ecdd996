//! When timers expire, by a signal that ends a sleep.

use bindings::*;
use fakekernel::Kernel;
use fakekernel::user::Lwp;

use super::support::process;
use super::{MS, create, get, set, signal};

/// A tick.
const TICK: i64 = 10 * MS;
/// An hour.
const HOUR: i64 = 3600 * NANOSEC;

/// Waits for a signal; the time it came.
fn wait(lwp: &Lwp) -> i64 {
    assert_eq!(lwp.poll(&mut [], None), Err(EINTR));
    lwp.gethrtime()
}

fn is_silent(lwp: &Lwp, ns: i64) {
    assert_eq!(lwp.poll(&mut [], Some(ns)), Ok(0));
}

pub fn exact(kernel: &Kernel) {
    process(kernel, |lwp| {
        let id = create(lwp, CLOCK_HIGHRES, signal(SIGUSR1)).unwrap();
        let begin = lwp.gethrtime();
        set(lwp, id, TIMER_RELTIME, 0, 1_234_567).unwrap();
        assert_eq!(wait(lwp) - begin, 1_234_567);
        assert_eq!(get(lwp, id), Ok((0, 0)));
        let date = lwp.gethrtime() + 7;
        set(lwp, id, TIMER_ABSTIME, 3 * MS, date).unwrap();
        assert_eq!(wait(lwp), date);
        lwp.step_wall_clock(HOUR);
        assert_eq!(wait(lwp), date + 3 * MS);
        assert_eq!(get(lwp, id), Ok((3 * MS, 3 * MS)));
        set(lwp, id, TIMER_RELTIME, 0, 0).unwrap();
        is_silent(lwp, 50 * MS);
    });
}

pub fn shortest(kernel: &Kernel) {
    process(kernel, |lwp| {
        let id = create(lwp, CLOCK_HIGHRES, signal(SIGUSR1)).unwrap();
        let begin = lwp.gethrtime();
        set(lwp, id, TIMER_RELTIME, 1, 1).unwrap();
        assert_eq!(wait(lwp) - begin, 200_000);
        assert_eq!(wait(lwp) - begin, 400_000);
    });
}

pub fn overflow(kernel: &Kernel) {
    process(kernel, |lwp| {
        let id = create(lwp, CLOCK_HIGHRES, signal(SIGUSR1)).unwrap();
        let far = i64::MAX / 2 + NANOSEC;
        assert_eq!(set(lwp, id, TIMER_ABSTIME, far, far), Err(EOVERFLOW));
        assert_eq!(set(lwp, id, TIMER_ABSTIME, 0, far), Ok(()));
        is_silent(lwp, 50 * MS);
    });
}

pub fn never_early(kernel: &Kernel) {
    process(kernel, |lwp| {
        let id = create(lwp, CLOCK_REALTIME, signal(SIGUSR1)).unwrap();
        for (start, delay) in [(0, TICK), (3 * MS, TICK), (0, 1), (9 * MS, 55 * MS)] {
            let to_tick = TICK - lwp.gethrtime() % TICK;
            lwp.sleep(to_tick + start);
            let begin = lwp.gethrtime();
            set(lwp, id, TIMER_RELTIME, 0, delay).unwrap();
            let after = wait(lwp) - begin;
            assert!((delay..=delay + 2 * TICK).contains(&after), "{after}");
        }
    });
}

pub fn step(kernel: &Kernel) {
    process(kernel, |lwp| {
        let id = create(lwp, CLOCK_REALTIME, signal(SIGUSR1)).unwrap();
        for step in [HOUR, -HOUR] {
            let begin = lwp.gethrtime();
            let date = fakekernel::time::wall() + 50 * MS;
            set(lwp, id, TIMER_ABSTIME, 0, date).unwrap();
            lwp.sleep(10 * MS);
            lwp.step_wall_clock(step);
            let after = wait(lwp) - begin;
            // Set back, the first callout finds itself early and gives it one tick more.
            assert!((50 * MS..=50 * MS + TICK).contains(&after), "{after}");
        }
    });
}

pub fn period_after_step(kernel: &Kernel) {
    process(kernel, |lwp| {
        let id = create(lwp, CLOCK_REALTIME, signal(SIGUSR1)).unwrap();
        set(lwp, id, TIMER_RELTIME, 20 * MS, 20 * MS).unwrap();
        wait(lwp);
        lwp.step_wall_clock(HOUR);
        wait(lwp);
        // The dates that were skipped are not made up for.
        assert_eq!(lwp.timer_getoverrun(id), Ok(0));
        let begin = lwp.gethrtime();
        wait(lwp);
        assert_eq!(lwp.gethrtime() - begin, 20 * MS);
        // Set back, the next date is an hour away.
        lwp.step_wall_clock(-HOUR);
        wait(lwp);
        is_silent(lwp, 10 * 60 * NANOSEC);
        let left = get(lwp, id).unwrap().1;
        assert!((HOUR / 2..HOUR).contains(&left), "{left}");
    });
}

pub fn thread(kernel: &Kernel) {
    process(kernel, |lwp| {
        for clock in [
            CLOCK_VIRTUAL,
            CLOCK_THREAD_CPUTIME_ID,
            CLOCK_PROCESS_CPUTIME_ID,
            CLOCK_MAX,
            -1,
        ] {
            assert_eq!(create(lwp, clock, signal(SIGUSR1)), Err(EINVAL));
        }
        assert_eq!(create(lwp, 0, signal(SIGUSR1)), Ok(0));
    });
}
