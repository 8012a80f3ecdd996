//! Injected failures.

use fakekernel::fault::{self, FaultRule, When};
use suite::{Fault, Faults};

/// The fakekernel's faults; there is one set per kernel.
pub struct Switchboard;

/// Every place that the suite arms.
const PLACES: [fault::Fault; 6] = [
    fault::Fault::KmemNosleep,
    fault::Fault::Copyin,
    fault::Fault::Copyout,
    fault::Fault::Falloc,
    fault::Fault::SignalSleep,
    fault::Fault::Spurious,
];

impl Faults for Switchboard {
    fn inject(&self, fault: Fault) {
        let (place, nth, arg) = match fault {
            Fault::NoSleep(nth) => (fault::Fault::KmemNosleep, nth, 0),
            Fault::CopyoutAt(byte) => (fault::Fault::Copyout, 1, byte),
            Fault::CopyinAt(byte) => (fault::Fault::Copyin, 1, byte),
            Fault::Falloc(nth) => (fault::Fault::Falloc, nth, 0),
            Fault::SignalAtSleep(nth) => (fault::Fault::SignalSleep, nth, 0),
            Fault::SpuriousWakeup(nth) => (fault::Fault::Spurious, nth, 0),
        };
        fault::arm(FaultRule {
            fault: place,
            when: When::Nth(nth),
            arg,
        });
    }

    fn clear(&self) -> u64 {
        let mut fired = 0;
        for place in PLACES {
            fired += fault::fired(place);
            // Arming anew forgets what has fired; a rule that never fires is as good as none.
            fault::arm(FaultRule::new(place, When::First(0)));
            fault::disarm(place);
        }
        fired
    }
}
