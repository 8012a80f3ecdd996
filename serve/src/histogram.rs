//! [`Histogram`]: how often which duration occurred.

use alloc::vec;
use alloc::vec::Vec;

/// log2 of the buckets that each power of two is divided into: a bucket is at most 1/64 wide of
/// what it counts.
const PRECISION: u32 = 6;

/// Enough buckets for every `u64`.
const BUCKETS: usize = ((64 - PRECISION) as usize + 1) << PRECISION;

/// Counts of values in buckets whose width grows with the value.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            counts: vec![0; BUCKETS],
            total: 0,
            max: 0,
        }
    }
}

impl Histogram {
    /// Counts one value.
    pub fn record(&mut self, value: u64) {
        if let Some(count) = self.counts.get_mut(bucket(value)) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(value);
    }

    /// Adds the counts of another histogram.
    pub fn merge(&mut self, other: &Histogram) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// How many values there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The largest value, exactly; 0 without values.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The value that `percent` of all values do not exceed, rounded up by at most 1/64; 0 without
    /// values.
    pub fn percentile(&self, percent: f64) -> u64 {
        let share = (self.total as f64 * percent / 100.0) as u64;
        let wanted = share.clamp(1, self.total.max(1));
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(index).min(self.max);
            }
        }
        self.max
    }
}

/// The bucket of a value: its highest `PRECISION + 1` bits, and where they stand.
fn bucket(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(PRECISION + 1);
    ((shift as usize) << PRECISION) + (value >> shift) as usize
}

/// The largest value of a bucket.
fn upper(index: usize) -> u64 {
    let shift = (index >> PRECISION).saturating_sub(1) as u32;
    let high = (index - ((shift as usize) << PRECISION)) as u64;
    (high << shift) + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Histogram, bucket, upper};

    #[test]
    fn buckets_are_narrow_and_in_order() {
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        for shift in 0..64 {
            for value in [
                1 << shift,
                (1 << shift) + (1 << shift) / 3,
                (1u64 << shift) - 1,
            ] {
                let top = upper(bucket(value));
                assert!(
                    top >= value && top - value <= value / 64,
                    "{value} in {top}"
                );
                assert!(
                    top == u64::MAX || bucket(top + 1) == bucket(value) + 1,
                    "{value}"
                );
            }
        }
    }

    #[test]
    fn percentiles() {
        let mut low = Histogram::default();
        let mut high = Histogram::default();
        assert_eq!((low.percentile(50.0), low.max()), (0, 0));
        for value in 1..=500 {
            low.record(value);
            high.record(value + 500);
        }
        low.merge(&high);
        assert_eq!((low.total(), low.max()), (1000, 1000));
        for (percent, exact) in [(1.0, 10), (50.0, 500), (99.0, 990), (100.0, 1000)] {
            let found = low.percentile(percent);
            assert!(
                found >= exact && found - exact <= exact / 64,
                "{percent}: {found}"
            );
        }
    }
}
