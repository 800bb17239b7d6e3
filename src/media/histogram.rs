//! Histograms of time with fixed log-linear buckets: a packet costs a shift and an addition, and a leg's fit in 308 bytes.

use std::time::Duration;

use super::stats::Count;

/// Buckets of a doubling, so that none is wider than a quarter of what it holds.
const PER_DOUBLING: u32 = 4;

/// Doublings that have buckets: from 4 µs to 2^20 µs, which is 1.05 s.
const DOUBLINGS: u32 = 18;

/// One for each microsecond below 4, then `PER_DOUBLING` for each doubling. The last takes all that is longer.
pub const BUCKETS: usize = (4 + DOUBLINGS * PER_DOUBLING) as usize;

/// The bucket that a time of `micros` belongs to.
fn bucket(micros: u32) -> usize {
    if micros < 4 {
        return micros as usize;
    }
    let doubling = micros.ilog2();
    let place = doubling * PER_DOUBLING + (micros >> (doubling - 2)) - 8;
    (place as usize).min(BUCKETS - 1)
}

/// The first microsecond that belongs to a later bucket.
fn end(bucket: usize) -> u32 {
    let place = bucket as u32;
    if place < 4 {
        return place + 1;
    }
    (place % PER_DOUBLING + 5) << (place / PER_DOUBLING - 1)
}

/// A duration as histograms take it.
pub(super) fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

/// What one thread counts and any may read.
#[derive(Debug)]
pub struct Histogram {
    counts: [Count; BUCKETS],
    /// Sum of all times, µs.
    sum: Count,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { counts: std::array::from_fn(|_| Count::default()), sum: Count::default() }
    }
}

impl Histogram {
    /// Only the worker calls this. `times`: how many took so long.
    pub(super) fn add(&self, micros: u32, times: u64) {
        self.counts[bucket(micros)].add(times);
        self.sum.add(u64::from(micros) * times);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(Count::get).sum()
    }

    /// Sum of all times, seconds.
    pub fn sum(&self) -> f64 {
        self.sum.get() as f64 / 1e6
    }

    /// For each doubling: its end in seconds, and how many were shorter than that, as Prometheus has histograms but
    /// not summed up. The last, of infinite length, holds what took 1.05 s or longer.
    pub fn doublings(&self) -> Vec<(f64, u64)> {
        let mut doublings = vec![(f64::from(end(3)) / 1e6, (0..4).map(|b| self.counts[b].get()).sum())];
        for buckets in (4..BUCKETS).collect::<Vec<_>>().chunks(PER_DOUBLING as usize) {
            let last = buckets.last().copied().unwrap_or(BUCKETS - 1);
            let edge = if last == BUCKETS - 1 { f64::INFINITY } else { f64::from(end(last)) / 1e6 };
            doublings.push((edge, buckets.iter().map(|b| self.counts[*b].get()).sum()));
        }
        doublings
    }
}

/// A leg's own: counts of packets, and the longest time.
#[derive(Clone, Debug)]
pub struct Ledger {
    counts: [u32; BUCKETS],
    longest: u32,
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger { counts: [0; BUCKETS], longest: 0 }
    }
}

/// Times that packets spent inside the server, microseconds. The median and the percentile are the ends of their
/// buckets, so at most a quarter too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    pub packets: u64,
    pub p50_us: u32,
    pub p99_us: u32,
    pub max_us: u32,
}

impl Ledger {
    pub fn add(&mut self, micros: u32) {
        let count = &mut self.counts[bucket(micros)];
        *count = count.saturating_add(1);
        self.longest = self.longest.max(micros);
    }

    pub fn passage(&self) -> Passage {
        let packets = self.counts.iter().map(|count| u64::from(*count)).sum();
        Passage {
            packets,
            p50_us: self.percentile(packets, 50),
            p99_us: self.percentile(packets, 99),
            max_us: self.longest,
        }
    }

    /// The time within which `percent` of all `packets` passed.
    fn percentile(&self, packets: u64, percent: u64) -> u32 {
        let wanted = (packets * percent).div_ceil(100);
        let mut passed = 0;
        for (place, count) in self.counts.iter().enumerate() {
            passed += u64::from(*count);
            if passed >= wanted {
                return if place == BUCKETS - 1 { self.longest } else { end(place).min(self.longest) };
            }
        }
        self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_lies_in_its_bucket_and_none_is_wider_than_a_quarter() {
        let mut last = 0;
        for micros in 0..1_048_576 {
            let place = bucket(micros);
            assert!(place == last || place == last + 1, "{micros}");
            last = place;
            let begin = if place == 0 { 0 } else { end(place - 1) };
            assert!(begin <= micros && micros < end(place), "{micros} in {place}");
            assert!(micros < 4 || end(place) - begin <= begin / 4, "{micros} in {place}");
        }
        assert_eq!((last, bucket(u32::MAX)), (BUCKETS - 1, BUCKETS - 1));
    }

    #[test]
    fn a_ledger_tells_the_median_the_99th_percentile_and_the_longest() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.passage(), Passage::default());
        (0..98).for_each(|_| ledger.add(30));
        ledger.add(900);
        ledger.add(2_000_000);
        let passage = ledger.passage();
        assert_eq!(passage, Passage { packets: 100, p50_us: 32, p99_us: 1_024, max_us: 2_000_000 });
        let mut one = Ledger::default();
        one.add(17);
        assert_eq!(one.passage(), Passage { packets: 1, p50_us: 17, p99_us: 17, max_us: 17 });
    }

    #[test]
    fn a_leg_pays_little_for_its_ledger() {
        assert!(size_of::<Ledger>() <= 308);
    }

    #[test]
    fn doublings_hold_everything_once() {
        let histogram = Histogram::default();
        histogram.add(3, 1);
        histogram.add(64, 5);
        histogram.add(127, 1);
        histogram.add(5_000_000, 2);
        let doublings = histogram.doublings();
        assert_eq!(doublings[0], (4e-6, 1));
        assert_eq!(doublings.iter().find(|(edge, _)| *edge == 128e-6), Some(&(128e-6, 6)));
        assert_eq!(doublings.last(), Some(&(f64::INFINITY, 2)));
        assert_eq!(doublings.iter().map(|(_, count)| count).sum::<u64>(), histogram.count());
        assert!((histogram.sum() - 10.000_45).abs() < 1e-9);
    }
}
