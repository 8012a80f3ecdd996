//! [`Cookie`]: the user value of an event, which says who sent it and as which of how many.

use core::fmt;

/// Bits of the number; the sender has those above.
const NUMBER_BITS: u32 = 48;

/// Identity of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// Index of the sender.
    pub sender: u16,
    /// Number of the event among those of its sender, from 0.
    pub number: u64,
}

impl Cookie {
    /// The user value that tells a thread to end. No sender has it.
    pub const STOP: u64 = u64::MAX;

    /// `portev_user` of the event, 64 bits.
    pub fn encode(self) -> u64 {
        u64::from(self.sender) << NUMBER_BITS | self.number & ((1 << NUMBER_BITS) - 1)
    }

    /// What a `portev_user` says. Every value is a cookie, if only of an event that was never sent.
    pub fn decode(user: u64) -> Cookie {
        Cookie {
            sender: (user >> NUMBER_BITS) as u16,
            number: user & ((1 << NUMBER_BITS) - 1),
        }
    }
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {} of sender {}", self.number, self.sender)
    }
}

#[cfg(test)]
mod tests {
    use super::Cookie;

    #[test]
    fn encodes_both_parts() {
        let cookie = Cookie {
            sender: 0xfffe,
            number: (1 << 48) - 1,
        };
        assert_eq!(Cookie::decode(cookie.encode()), cookie);
        assert_ne!(cookie.encode(), Cookie::STOP);
        assert_eq!(
            Cookie {
                sender: 1,
                number: 2
            }
            .encode(),
            1 << 48 | 2
        );
    }
}
