//! [`Ledger`]: which events are under way.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::{Cookie, Findings, Flaw};

/// One event under way.
///
/// # Invariants
///
/// `tag` is 0 when the slot is free, else the number of the event plus 1. The sender turns 0 into
/// a tag, whoever takes the event turns it back; `posted` is only read while the tag stands.
#[derive(Default)]
struct Slot {
    tag: AtomicU64,
    posted: AtomicU64,
}

/// The events of one sender, in a ring: event n is in slot n modulo its length.
#[repr(align(128))]
struct Account {
    slots: Vec<Slot>,
    sent: AtomicU64,
    taken: AtomicU64,
}

impl Account {
    fn slot(&self, number: u64) -> Option<&Slot> {
        self.slots
            .get((number % self.slots.len().max(1) as u64) as usize)
    }
}

/// The books of one scenario. Senders post, retrievers take; what stays is lost.
///
/// A sender can have no more events under way than its window is long, so an event that is lost
/// keeps its slot to the end and is found there.
pub struct Ledger {
    accounts: Vec<Account>,
}

impl Ledger {
    /// Books for `senders` senders that may have up to `window` events under way each.
    pub fn new(senders: u16, window: usize) -> Ledger {
        let account = || Account {
            slots: (0..window).map(|_| Slot::default()).collect(),
            sent: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        };
        Ledger {
            accounts: (0..senders).map(|_| account()).collect(),
        }
    }

    /// Number of senders.
    pub fn senders(&self) -> u16 {
        self.accounts.len() as u16
    }

    /// Before an event is sent: books it with the time of sending in nanoseconds. False when the
    /// window is full. Each sender posts its own events only, number by number.
    pub fn post(&self, cookie: Cookie, now: u64) -> bool {
        let Some(account) = self.accounts.get(usize::from(cookie.sender)) else {
            return false;
        };
        let Some(slot) = account.slot(cookie.number) else {
            return false;
        };
        if slot.tag.load(SeqCst) != 0 {
            return false;
        }
        slot.posted.store(now, SeqCst);
        slot.tag.store(cookie.number + 1, SeqCst);
        account.sent.store(cookie.number + 1, SeqCst);
        true
    }

    /// After the port refused the event that was posted last: takes it out of the books.
    pub fn withdraw(&self, cookie: Cookie) {
        if let Some(account) = self.accounts.get(usize::from(cookie.sender)) {
            account.sent.store(cookie.number, SeqCst);
            if let Some(slot) = account.slot(cookie.number) {
                slot.tag.store(0, SeqCst);
            }
        }
    }

    /// An event was retrieved: the time at which it was sent.
    ///
    /// # Errors
    ///
    /// [`Flaw::Foreign`] for an event that was never sent, [`Flaw::Duplicated`] for one that was
    /// taken before.
    pub fn take(&self, cookie: Cookie) -> Result<u64, Flaw> {
        let account = self
            .accounts
            .get(usize::from(cookie.sender))
            .ok_or(Flaw::Foreign)?;
        let slot = account.slot(cookie.number).ok_or(Flaw::Foreign)?;
        let posted = slot.posted.load(SeqCst);
        if slot
            .tag
            .compare_exchange(cookie.number + 1, 0, SeqCst, SeqCst)
            .is_ok()
        {
            account.taken.fetch_add(1, SeqCst);
            return Ok(posted);
        }
        let known = cookie.number < account.sent.load(SeqCst);
        Err(if known {
            Flaw::Duplicated
        } else {
            Flaw::Foreign
        })
    }

    /// Events sent so far.
    pub fn sent(&self) -> u64 {
        self.accounts
            .iter()
            .map(|account| account.sent.load(SeqCst))
            .sum()
    }

    /// Events taken so far, each counted once.
    pub fn taken(&self) -> u64 {
        self.accounts
            .iter()
            .map(|account| account.taken.load(SeqCst))
            .sum()
    }

    /// Events under way. Exact while nobody sends.
    pub fn outstanding(&self) -> u64 {
        // In this order: what is taken was sent before.
        let taken = self.taken();
        self.sent().saturating_sub(taken)
    }

    /// The events under way, each sender's in the order of sending.
    pub fn under_way(&self) -> Vec<Cookie> {
        let mut cookies = Vec::new();
        for (sender, account) in (0..).zip(&self.accounts) {
            let first = cookies.len();
            let tags = account.slots.iter().map(|slot| slot.tag.load(SeqCst));
            cookies.extend(tags.filter(|tag| *tag != 0).map(|tag| Cookie {
                sender,
                number: tag - 1,
            }));
            if let Some(own) = cookies.get_mut(first..) {
                own.sort_unstable_by_key(|cookie: &Cookie| cookie.number);
            }
        }
        cookies
    }

    /// At the end: everything still under way is lost.
    pub fn close(&self, findings: &mut Findings) {
        for cookie in self.under_way() {
            findings.flaw(Flaw::Lost, cookie, "");
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::Ledger;
    use crate::{Cookie, Findings, Flaw};

    fn cookie(sender: u16, number: u64) -> Cookie {
        Cookie { sender, number }
    }

    #[test]
    fn balanced_books_are_clean() {
        let ledger = Ledger::new(2, 4);
        for number in 0..100 {
            for sender in 0..2 {
                assert!(ledger.post(cookie(sender, number), 10 + number));
            }
            assert_eq!(ledger.outstanding(), 2);
            for sender in [1, 0] {
                assert_eq!(ledger.take(cookie(sender, number)), Ok(10 + number));
            }
        }
        let mut findings = Findings::default();
        ledger.close(&mut findings);
        assert!(findings.is_clean());
        assert_eq!(
            (ledger.sent(), ledger.taken(), ledger.outstanding()),
            (200, 200, 0)
        );
    }

    #[test]
    fn a_lost_event_is_named() {
        let ledger = Ledger::new(1, 4);
        for number in 0..6 {
            assert!(ledger.post(cookie(0, number), 0));
            if number != 3 {
                assert!(ledger.take(cookie(0, number)).is_ok());
            }
        }
        // Its slot is not used again, so it can neither be forgotten nor overwritten.
        assert!(ledger.post(cookie(0, 6), 0));
        assert!(!ledger.post(cookie(0, 7), 0));
        assert_eq!(ledger.take(cookie(0, 6)), Ok(0));
        assert_eq!(ledger.under_way(), vec![cookie(0, 3)]);
        let mut findings = Findings::default();
        ledger.close(&mut findings);
        assert_eq!(findings.lost, 1);
        assert_eq!(findings.examples, ["lost: event 3 of sender 0"]);
    }

    #[test]
    fn a_duplicated_event_is_noticed_soon_and_late() {
        let ledger = Ledger::new(1, 2);
        assert!(ledger.post(cookie(0, 0), 0));
        assert!(ledger.take(cookie(0, 0)).is_ok());
        assert_eq!(ledger.take(cookie(0, 0)), Err(Flaw::Duplicated));
        for number in 1..3 {
            assert!(ledger.post(cookie(0, number), 0));
        }
        // The slot now belongs to event 2.
        assert_eq!(ledger.take(cookie(0, 0)), Err(Flaw::Duplicated));
        assert!(ledger.take(cookie(0, 2)).is_ok());
    }

    #[test]
    fn an_invented_event_is_noticed() {
        let ledger = Ledger::new(1, 2);
        assert!(ledger.post(cookie(0, 0), 0));
        assert_eq!(ledger.take(cookie(0, 1)), Err(Flaw::Foreign));
        assert_eq!(ledger.take(cookie(1, 0)), Err(Flaw::Foreign));
        assert_eq!(
            ledger.take(Cookie::decode(Cookie::STOP)),
            Err(Flaw::Foreign)
        );
    }

    #[test]
    fn a_refused_event_must_not_arrive() {
        let ledger = Ledger::new(1, 2);
        assert!(ledger.post(cookie(0, 0), 0));
        ledger.withdraw(cookie(0, 0));
        assert_eq!(ledger.outstanding(), 0);
        assert_eq!(ledger.take(cookie(0, 0)), Err(Flaw::Foreign));
        assert!(ledger.post(cookie(0, 0), 5));
        assert_eq!(ledger.take(cookie(0, 0)), Ok(5));
    }
}
