//! How late packets come, and how long a voice must wait so that nearly all of them are there in time.
//!
//! A packet's transit is its arrival less its RTP time; how much larger it is than the smallest of the last seconds is its
//! delay. The smallest is taken over two windows, so that it follows a sender's clock that runs slower than ours; a
//! faster one makes new smallest transits all the time. The delays' distribution forgets, so that the target follows
//! the network.

use std::time::Duration;

use super::limits::{IN_TIME, LEAST_DELAY, MOST_DELAY};
use crate::moment::Moment;

/// Width of a bin of the distribution, µs.
const BIN: i64 = 5_000;

/// Bins: up to `MOST_DELAY`; the last takes all that is beyond.
const BINS: usize = (MOST_DELAY.as_micros() as i64 / BIN) as usize;

/// Length of a window of smallest transits, µs.
const WINDOW: i64 = 5_000_000;

/// Each packet counts so much more than the one before: after 500 packets (10 s) an old one counts e times less.
const GROWTH: f32 = 1.002;

/// Counts are scaled back when a packet's weight gets here.
const HEAVY: f32 = 1.0e6;

/// Counts that stand in the first bins before anything came, as if a packet had had a delay of 10 ms at most: forgotten
/// after a second.
const PRIOR: f32 = 1.0;

/// The delays of one source.
#[derive(Clone, Debug)]
pub struct Delays {
    /// RTP units in a second.
    clock: i64,
    /// RTP time of the latest packet, as it came and without wrap.
    latest: Option<(u32, i64)>,
    /// Smallest transit of the present window and of the one before, µs, and when the present one ends.
    smallest: [i64; 2],
    window_ends: i64,
    bins: [f32; BINS],
    weight: f32,
    total: f32,
    target: i64,
}

impl Delays {
    /// `clock`: RTP units in a second.
    pub fn new(clock: u32) -> Self {
        let mut bins = [0.0; BINS];
        bins[..2].fill(PRIOR / 2.0);
        let clock = i64::from(clock);
        let mut delays = Delays {
            clock,
            latest: None,
            smallest: [i64::MAX; 2],
            window_ends: i64::MAX,
            bins,
            weight: 1.0,
            total: PRIOR,
            target: 0,
        };
        delays.aim();
        delays
    }

    /// Forgets the source's clock, not the network's ways: another source, or the same with another clock, begins.
    pub fn restart(&mut self) {
        self.latest = None;
        self.smallest = [i64::MAX; 2];
        self.window_ends = i64::MAX;
    }

    /// How much later a packet comes than the fastest, µs; negative if it is a new fastest. `None` before the first.
    pub fn delay(&self, now: Moment, timestamp: u32) -> Option<i64> {
        self.latest?;
        Some(self.transit(now, timestamp) - self.base())
    }

    /// Counts a packet that came.
    pub fn came(&mut self, now: Moment, timestamp: u32) {
        let time = self.unwrapped(timestamp);
        if self.latest.is_none_or(|(_, latest)| time > latest) {
            self.latest = Some((timestamp, time));
        }
        let arrived = now.as_micros() as i64;
        let transit = self.transit(now, timestamp);
        if arrived >= self.window_ends || self.window_ends == i64::MAX {
            self.smallest = [transit, self.smallest[0]];
            self.window_ends = arrived + WINDOW;
        }
        self.smallest[0] = self.smallest[0].min(transit);
        let bin = ((transit - self.base()) / BIN).clamp(0, BINS as i64 - 1) as usize;
        self.weight *= GROWTH;
        self.bins[bin] += self.weight;
        self.total += self.weight;
        if self.weight > HEAVY {
            self.bins.iter_mut().for_each(|count| *count /= HEAVY);
            self.total /= HEAVY;
            self.weight /= HEAVY;
        }
    }

    /// Sets the target by the distribution: of use once a frame.
    pub fn aim(&mut self) {
        let beyond = self.total * (1_000 - IN_TIME) as f32 / 1_000.0;
        let mut late = 0.0;
        let mut bin = BINS;
        while bin > 1 && late + self.bins[bin - 1] <= beyond {
            late += self.bins[bin - 1];
            bin -= 1;
        }
        let (least, most) = (LEAST_DELAY.as_micros() as i64, MOST_DELAY.as_micros() as i64);
        self.target = (bin as i64 * BIN).clamp(least, most);
    }

    /// What a packet's delay at its playing shall be, µs.
    pub fn target(&self) -> i64 {
        self.target
    }

    pub fn target_delay(&self) -> Duration {
        Duration::from_micros(self.target as u64)
    }

    fn base(&self) -> i64 {
        self.smallest[0].min(self.smallest[1])
    }

    /// RTP units as µs.
    pub fn micros(&self, units: u32) -> i64 {
        i64::from(units) * 1_000_000 / self.clock
    }

    fn transit(&self, now: Moment, timestamp: u32) -> i64 {
        now.as_micros() as i64 - self.unwrapped(timestamp) * 1_000_000 / self.clock
    }

    fn unwrapped(&self, timestamp: u32) -> i64 {
        let (latest, time) = self.latest.unwrap_or((timestamp, 0));
        time + i64::from(timestamp.wrapping_sub(latest) as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    const START: u64 = 1_000_000_000;

    /// Packets of 20 ms, each delayed by what `delay` says, µs.
    fn heard(packets: u64, mut delay: impl FnMut(u64) -> u64) -> Delays {
        let mut delays = Delays::new(8_000);
        for number in 0..packets {
            let now = Moment::from_micros(START + number * 20_000 + delay(number));
            delays.came(now, (number as u32 * 160).wrapping_sub(4_000));
        }
        delays.aim();
        delays
    }

    #[test]
    fn without_jitter_the_target_is_the_least() {
        assert_eq!(heard(500, |_| 30_000).target_delay(), LEAST_DELAY);
    }

    #[test]
    fn the_target_covers_nearly_all_of_the_jitter_and_follows_it_down() {
        let mut rng = Rng::seeded(4);
        let jittery = heard(1_000, |_| 10_000 + rng.below(60_000));
        assert!((55_000..=65_000).contains(&jittery.target()), "{}", jittery.target());
        let mut rng = Rng::seeded(4);
        let calmed = heard(4_000, |n| if n < 1_000 { 10_000 + rng.below(60_000) } else { 20_000 });
        assert!(calmed.target() <= 15_000, "{}", calmed.target());
    }

    #[test]
    fn rare_spikes_do_not_make_everybody_wait_and_nothing_exceeds_the_most() {
        assert!(heard(2_000, |n| if n % 200 == 0 { 300_000 } else { 0 }).target() <= 15_000);
        assert_eq!(heard(2_000, |n| (n % 40) * 50_000).target_delay(), MOST_DELAY);
    }

    #[test]
    fn a_clock_that_runs_fast_or_slow_is_no_delay() {
        // 200 ppm: 4 µs in each packet of 20 ms.
        for drift in [4i64, -4] {
            let delays = heard(15_000, |n| (100_000 + drift * n as i64) as u64);
            assert_eq!(delays.target_delay(), LEAST_DELAY, "{drift}");
        }
    }

    #[test]
    fn a_slower_way_is_the_way_after_two_windows() {
        let delays = heard(1_500, |n| if n < 500 { 10_000 } else { 90_000 });
        let now = Moment::from_micros(START + 1_500 * 20_000 + 90_000);
        let delay = delays.delay(now, (1_500u32 * 160).wrapping_sub(4_000)).unwrap();
        assert!(delay.abs() < 1_000, "{delay}");
    }
}
