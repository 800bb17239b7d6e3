//! A hole between two sounds that are both known: the packet after a lost one is mostly there already, because it waits
//! out the jitter. What was before goes on by its own pitch period, what comes after is led back by its own, and one is
//! laid over the other along the whole hole. Each is bent in its pace, so that it would meet the other side in phase.

use super::pitch::{Toward, Window, most_alike};

/// Pitch periods, samples at 8 kHz: voices of 250 to 66 Hz before the hole, to 80 Hz after it, where less is known.
const SHORTEST: usize = 32;
const LONGEST_BEFORE: usize = 120;
const LONGEST_AFTER: usize = 100;

/// Over how much of each side the period is sought, samples at 8 kHz.
const WINDOW_BEFORE: usize = 160;
const WINDOW_AFTER: usize = 60;

/// What must be known of each side, samples at 8 kHz. After the hole that is a packet of 20 ms.
pub const BEFORE: usize = WINDOW_BEFORE + LONGEST_BEFORE;
pub const AFTER: usize = WINDOW_AFTER + LONGEST_AFTER;

/// Over how much of the other side the phase is compared, samples at 8 kHz: 5 ms.
const MEETING: usize = 40;

/// Longest hole, samples at 8 kHz: 20 ms.
const LONGEST: usize = 160;

/// A side's pace is bent by so much of the hole at most: more would be another pitch.
const MOST_BENT: usize = 10;

/// The highest rate over 8 kHz.
const MOST_FOLD: usize = 6;

/// How much less alike a side counts for being bent by its whole length, so that it is left as it is for no gain.
const BENT_COSTS: f32 = 0.1;

/// One side of a hole.
struct Side<'a> {
    samples: &'a [i16],
    toward: Toward,
    period: usize,
    /// How far the repetition begins from where the side ended.
    offset: f32,
    /// How many samples more than the hole has are gone through in it.
    bent: f32,
}

impl<'a> Side<'a> {
    fn before(samples: &'a [i16], fold: usize) -> Self {
        let window = Window { before: WINDOW_BEFORE, after: 0 };
        let lags = SHORTEST..=LONGEST_BEFORE;
        let found = most_alike(samples, samples.len(), window, lags, Toward::Past, fold);
        Side::new(samples, Toward::Past, found.lag.min(LONGEST_BEFORE * fold))
    }

    fn after(samples: &'a [i16], fold: usize) -> Self {
        let window = Window { before: 0, after: WINDOW_AFTER };
        let lags = SHORTEST..=LONGEST_AFTER;
        let found = most_alike(samples, 0, window, lags, Toward::Future, fold);
        Side::new(samples, Toward::Future, found.lag.min(LONGEST_AFTER * fold))
    }

    fn new(samples: &'a [i16], toward: Toward, period: usize) -> Self {
        let mut side = Side { samples, toward, period, offset: 0.0, bent: 0.0 };
        side.offset = side.known(0) - side.known(period);
        side
    }

    /// The sample so far away from the hole.
    fn known(&self, away: usize) -> f32 {
        f32::from(match self.toward {
            Toward::Past => self.samples[self.samples.len() - 1 - away],
            Toward::Future => self.samples[away],
        })
    }

    /// The sample so far into the hole, by repetition. The last quarter of a period leads into its beginning.
    fn repeated(&self, into: usize) -> f32 {
        let (place, quarter) = (into % self.period, self.period / 4);
        let value = self.known(self.period - 1 - place);
        let Some(over) = (place + quarter).checked_sub(self.period) else { return value };
        let share = (over + 1) as f32 / (quarter + 1) as f32;
        value + (self.known(self.period + quarter - 1 - over) - value) * share
    }

    /// The sample so far into a hole of `length`, at the side's bent pace.
    fn made(&self, into: usize, length: usize) -> f32 {
        let share = into as f32 / length as f32;
        let place = (into as f32 + self.bent * share * share).max(0.0);
        let (whole, rest) = (place as usize, place.fract());
        let value = self.repeated(whole) * (1.0 - rest) + self.repeated(whole + 1) * rest;
        let quarter = (self.period / 4) as f32;
        value + self.offset * (quarter - place).max(0.0) / (quarter + 1.0)
    }

    /// Bends this side so that beyond a hole of `length` it is most like the other one.
    fn meet(&mut self, other: &Side, length: usize, fold: usize) {
        const REACH: usize = MOST_FOLD * (2 * LONGEST / MOST_BENT + MEETING);
        let most = (length / MOST_BENT).min(self.period / 2);
        let meeting = MEETING * fold;
        let mut beyond = [0.0; REACH];
        for (place, sample) in beyond[..2 * most + meeting].iter_mut().enumerate() {
            *sample = self.repeated(length - most + place);
        }
        let mut alike = f32::MIN;
        for shift in (0..=2 * most).step_by(fold) {
            let (mut product, mut ours, mut theirs) = (0.0, 1.0, 1.0);
            for (place, sample) in beyond[shift..shift + meeting].iter().enumerate() {
                let there = other.known(place);
                product += sample * there;
                ours += sample * sample;
                theirs += there * there;
            }
            let bent = shift as f32 - most as f32;
            let found = product / (ours * theirs).sqrt() - BENT_COSTS * bent.abs() / length as f32;
            if found > alike {
                (alike, self.bent) = (found, bent);
            }
        }
    }
}

/// Fills `line[hole]`, 20 ms at most, from `BEFORE` samples before it and `AFTER` after it. `filled`: what is in the hole
/// is what was made of the side before it, since the gap is longer than the hole.
pub fn fill(line: &mut [i16], hole: std::ops::Range<usize>, filled: bool, fold: usize) {
    let length = hole.len();
    let (before, rest) = line.split_at_mut(hole.start);
    let (hole, after) = rest.split_at_mut(length);
    let mut past = Side::before(&before[before.len() - BEFORE * fold..], fold);
    let mut future = Side::after(&after[..AFTER * fold], fold);
    if !filled {
        past.meet(&future, length, fold);
        future.meet(&past, length, fold);
    }
    for (place, sample) in hole.iter_mut().enumerate() {
        let leaving = if filled { f32::from(*sample) } else { past.made(place, length) };
        let coming = future.made(length - 1 - place, length);
        let share = (place as f32 + 0.5) / length as f32;
        *sample = (leaving + (coming - leaving) * share) as i16;
    }
}

/// A hole that `fill` can fill, `known` samples after it.
pub fn can_fill(length: usize, known: usize, fold: usize) -> bool {
    (fold..=LONGEST * fold).contains(&length) && known >= AFTER * fold
}

#[cfg(test)]
mod tests {
    use super::super::comfort::power;
    use super::*;

    /// A voice whose pitch glides.
    fn voice(length: usize, fold: usize) -> Vec<i16> {
        let mut phase = 0.0f32;
        let rate = 8_000.0 * fold as f32;
        (0..length)
            .map(|n| {
                phase += (120.0 + 25.0 * (n as f32 / rate * 8.0).sin()) / rate;
                let t = phase.fract() * std::f32::consts::TAU;
                ((t.sin() + 0.6 * (2.0 * t).sin() + 0.3 * (5.0 * t).cos()) * 6_000.0) as i16
            })
            .collect()
    }

    fn step(samples: &[i16]) -> i32 {
        samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
    }

    #[test]
    fn a_voice_whose_pitch_glides_is_led_through_the_hole_without_a_step() {
        for fold in [1, 2, 6] {
            for start in (400..640).step_by(30).map(|start| start * fold) {
                let said = voice(1_000 * fold, fold);
                let hole = start..start + 160 * fold;
                let mut line = said.clone();
                line[hole.clone()].fill(0);
                fill(&mut line, hole.clone(), false, fold);
                assert!(step(&line) <= step(&said) * 5 / 4, "{} of {}", step(&line), step(&said));
                let wrong: Vec<i16> = hole.clone().map(|n| line[n].saturating_sub(said[n])).collect();
                let share = power(&wrong) / power(&said[hole]);
                assert!(share < 0.1, "{share} at {start}/{fold}");
            }
        }
    }

    #[test]
    fn between_silence_and_a_voice_it_grows() {
        let mut line = voice(800, 1);
        line[..560].fill(0);
        fill(&mut line, 400..560, false, 1);
        let loudness = |from: usize| power(&line[from..from + 40]).sqrt();
        assert!(loudness(400) < loudness(460) && loudness(460) < loudness(520));
    }

    #[test]
    fn the_loudest_sounds_stay_within_a_sample() {
        let mut rng = crate::rng::Rng::seeded(11);
        for length in [1, 7, 80, 160] {
            let mut line: Vec<i16> =
                (0..800).map(|_| if rng.below(2) == 0 { i16::MIN } else { i16::MAX }).collect();
            fill(&mut line, 400..400 + length, false, 1);
            assert!(can_fill(length, 400 - length, 1));
        }
        assert!(!can_fill(0, 160, 1) && !can_fill(160, 80, 1) && !can_fill(200, 160, 1));
    }
}
