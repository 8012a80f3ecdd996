//! `p_itimer`: numbers, limit, and who may use a timer when.

use bindings::*;
use fakekernel::Kernel;

use super::support::process;
use super::{MS, create, get, set, signal};

pub fn grows(kernel: &Kernel) {
    process(kernel, |lwp| {
        for id in 0..40 {
            assert_eq!(create(lwp, CLOCK_HIGHRES, signal(SIGUSR1)), Ok(id));
        }
        for id in [7, 31, 8] {
            lwp.timer_delete(id).unwrap();
            assert_eq!(get(lwp, id), Err(EINVAL));
        }
        // The lowest number first.
        for id in [7, 8, 31, 40] {
            assert_eq!(create(lwp, CLOCK_HIGHRES, None), Ok(id));
        }
        for id in 0..41 {
            lwp.timer_delete(id).unwrap();
        }
        assert_eq!(lwp.timer_delete(0), Err(EINVAL));
    });
}

pub fn limit(kernel: &Kernel) {
    process(kernel, |lwp| {
        for id in 0..1024 {
            assert_eq!(create(lwp, CLOCK_HIGHRES, signal(SIGUSR1)), Ok(id));
        }
        assert_eq!(create(lwp, CLOCK_HIGHRES, signal(SIGUSR1)), Err(EAGAIN));
        lwp.timer_delete(1000).unwrap();
        assert_eq!(create(lwp, CLOCK_REALTIME, signal(SIGUSR1)), Ok(1000));
    });
}

pub fn delete_by_two(kernel: &Kernel) {
    process(kernel, |lwp| {
        for round in 0..200 {
            let id = create(lwp, CLOCK_REALTIME, signal(SIGUSR1)).unwrap();
            let others: Vec<_> = (0..3)
                .map(|n| {
                    lwp.spawn(move |lwp| {
                        if n == 2 {
                            let _ = set(lwp, id, TIMER_RELTIME, MS, MS);
                            let _ = get(lwp, id);
                            return false;
                        }
                        lwp.timer_delete(id).is_ok()
                    })
                })
                .collect();
            let deleted = others.into_iter().filter_map(|o| o.join().then_some(()));
            assert_eq!(deleted.count(), 1, "round {round}");
        }
    });
}

pub fn exit(kernel: &Kernel) {
    process(kernel, |lwp| {
        let child = lwp.fork(None, |lwp| {
            for clock in [CLOCK_REALTIME, CLOCK_HIGHRES] {
                let id = create(lwp, clock, signal(SIGUSR1)).unwrap();
                set(lwp, id, TIMER_RELTIME, MS, MS).unwrap();
                create(lwp, clock, signal(SIGUSR1)).unwrap();
            }
            lwp.sleep(15 * MS);
        });
        child.wait();
        lwp.sleep(50 * MS);
    });
}

pub fn lwp_ends(kernel: &Kernel) {
    process(kernel, |lwp| {
        let maker = lwp.spawn(|lwp| {
            let id = create(lwp, CLOCK_HIGHRES, signal(SIGUSR1)).unwrap();
            set(lwp, id, TIMER_RELTIME, 0, 5 * MS).unwrap();
            id
        });
        let id = maker.join();
        assert_eq!(lwp.poll(&mut [], None), Err(EINTR));
        lwp.timer_delete(id).unwrap();
    });
}
