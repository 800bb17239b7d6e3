//! Concealment for codecs that have none of their own, after the idea of ITU-T G.711 Appendix I: the last pitch period
//! goes on, then the last two and three, so that it does not buzz; from 10 ms on it fades, and at 60 ms only the
//! background noise is left. Unlike there nothing is delayed: the first repetition is bent to meet what was played last.

use super::comfort::Noise;
use super::pitch::{Toward, Window, most_alike};
use super::stretch::blend;

/// Pitch periods, samples at 8 kHz: 5 to 15 ms, voices of 200 to 66 Hz (higher ones are found at a multiple).
const SHORTEST: usize = 40;
const LONGEST: usize = 120;

/// Over how much of the signal's end the period is sought, samples at 8 kHz.
const WINDOW: usize = 160;

/// What is remembered of the signal, samples at 8 kHz: three of the longest periods and a quarter to lay over.
pub const HISTORY: usize = 3 * LONGEST + LONGEST / 4;

/// 10 ms, samples at 8 kHz: at full loudness, and then until the next period joins.
const STEP: usize = 80;

/// Periods repeated at most.
const PERIODS: usize = 3;

/// Shortest and longest crossing over into what comes after a gap, samples at 8 kHz: 4 to 10 ms.
const REJOIN: usize = 32;
const LONGEST_REJOIN: usize = 80;

/// Why there is nothing to play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Audio is missing: it goes on for 10 ms and fades over 50.
    Missing,
    /// The source is silent by its own will: what is left fades over 10 ms.
    Pause,
}

/// Which of the repeated periods is played, and where in it.
#[derive(Clone, Copy, Debug)]
struct Place {
    periods: usize,
    at: usize,
}

/// What fills gaps in one voice.
#[derive(Debug)]
pub struct Concealer {
    fold: usize,
    /// The signal's end, `HISTORY` long at its rate; three more than that.
    kept: Box<[i16]>,
    period: usize,
    place: Place,
    /// The place being left for one with more periods, and for how many more samples.
    leaving: Option<(Place, usize)>,
    /// Samples made since the gap began; `None` outside gaps.
    made: Option<usize>,
    gain: f32,
    /// How far the repetition begins from where the signal ended.
    offset: f32,
}

impl Concealer {
    /// `fold`: the rate over 8 kHz.
    pub fn new(fold: usize) -> Self {
        Concealer {
            fold,
            kept: vec![0; HISTORY * fold].into(),
            period: SHORTEST * fold,
            place: Place { periods: 1, at: 0 },
            leaving: None,
            made: None,
            gain: 0.0,
            offset: 0.0,
        }
    }

    /// A gap is being filled.
    pub fn is_filling(&self) -> bool {
        self.made.is_some()
    }

    /// Fills `line[end..end + count]`, a gap or its continuation, from what stands before it (`HISTORY` at least).
    pub fn fill(&mut self, line: &mut [i16], end: usize, count: usize, why: Why, noise: &mut Noise) {
        if self.made.is_none() {
            self.begin(line, end);
        }
        for sample in &mut line[end..end + count] {
            *sample = self.sample(why, noise);
        }
    }

    /// The gap ends with `fresh`: its beginning is laid over what the gap would go on with.
    pub fn rejoin(&mut self, fresh: &mut [i16], noise: &mut Noise) {
        let Some(made) = self.made else { return };
        let longest = (REJOIN * self.fold + made / 5).min(LONGEST_REJOIN * self.fold).min(fresh.len());
        for (place, sample) in fresh[..longest].iter_mut().enumerate() {
            let filled = self.sample(Why::Missing, noise);
            *sample = blend(filled, *sample, place + 1, longest + 1);
        }
        self.made = None;
    }

    /// The signal went on without a crossing: whoever decoded it took care of that.
    pub fn over(&mut self) {
        self.made = None;
    }

    fn begin(&mut self, line: &[i16], end: usize) {
        self.kept.copy_from_slice(&line[end - self.kept.len()..end]);
        let window = Window { before: WINDOW, after: 0 };
        let length = self.kept.len();
        let found = most_alike(&self.kept, length, window, SHORTEST..=LONGEST, Toward::Past, self.fold);
        self.period = found.lag.min(LONGEST * self.fold);
        self.place = Place { periods: 1, at: 0 };
        self.leaving = None;
        self.made = Some(0);
        self.gain = 1.0;
        let (last, before) = (self.kept[length - 1], self.kept[length - 1 - self.period]);
        self.offset = f32::from(last) - f32::from(before);
    }

    fn sample(&mut self, why: Why, noise: &mut Noise) -> i16 {
        let made = self.made.unwrap_or(0);
        self.made = Some(made + 1);
        let background = noise.sample();
        let step = STEP * self.fold;
        match why {
            Why::Missing if made < step => {}
            Why::Missing => self.gain -= 1.0 / (5 * step) as f32,
            Why::Pause => self.gain -= 1.0 / step as f32,
        }
        if self.gain <= 0.0 {
            self.gain = 0.0;
            return background as i16;
        }
        if made > 0 && made.is_multiple_of(step) && self.place.periods < PERIODS {
            self.leaving = Some((self.place, self.period / 4));
            self.place = Place { periods: self.place.periods + 1, at: self.place.at % self.period };
        }
        let mut value = f32::from(self.next());
        let quarter = self.period / 4;
        if made < quarter {
            value += self.offset * (quarter - made) as f32 / (quarter + 1) as f32;
        }
        (value * self.gain + background * (1.0 - self.gain)) as i16
    }

    fn next(&mut self) -> i16 {
        let value = self.at(self.place);
        self.place = self.after(self.place);
        let Some((place, left)) = self.leaving else { return value };
        let before = self.at(place);
        self.leaving = (left > 1).then(|| (self.after(place), left - 1));
        let quarter = self.period / 4;
        blend(before, value, quarter - left + 1, quarter + 1)
    }

    /// A sample of the repeated piece; its last quarter period leads into its beginning.
    fn at(&self, place: Place) -> i16 {
        let length = place.periods * self.period;
        let start = self.kept.len() - length;
        let quarter = self.period / 4;
        let value = self.kept[start + place.at];
        match (place.at + quarter).checked_sub(length) {
            None => value,
            Some(into) => blend(value, self.kept[start - quarter + into], into + 1, quarter + 1),
        }
    }

    fn after(&self, place: Place) -> Place {
        let at = place.at + 1;
        Place { at: if at == place.periods * self.period { 0 } else { at }, ..place }
    }
}

#[cfg(test)]
mod tests {
    use super::super::comfort::power;
    use super::*;

    fn voice(n: usize, fold: usize) -> i16 {
        let t = n as f32 / (8_000 * fold) as f32 * std::f32::consts::TAU * 125.0;
        ((t.sin() + 0.6 * (2.0 * t).sin() + 0.3 * (5.0 * t).cos()) * 6_000.0) as i16
    }

    fn step(samples: &[i16]) -> i32 {
        samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
    }

    /// A voice that stops at `cut`, and the gap after it.
    fn gap(fold: usize, cut: usize, count: usize) -> Vec<i16> {
        let mut line: Vec<i16> = (0..cut).map(|n| voice(n, fold)).collect();
        line.resize(cut + count, 0);
        Concealer::new(fold).fill(&mut line, cut, count, Why::Missing, &mut Noise::new(1));
        line
    }

    #[test]
    fn a_steady_voice_goes_on_as_it_was() {
        for fold in [1, 2, 6] {
            let cut = 777 * fold;
            let line = gap(fold, cut, 80 * fold);
            for (n, sample) in line.iter().enumerate().skip(cut) {
                let expected = i32::from(voice(n, fold));
                assert!((i32::from(*sample) - expected).abs() < 700, "{n}: {sample} {expected}");
            }
        }
    }

    #[test]
    fn there_is_no_step_into_the_gap_within_it_or_out_of_it() {
        for fold in [1, 2, 6] {
            for cut in [701, 733, 766].map(|cut| cut * fold) {
                let count = 320 * fold;
                let mut line: Vec<i16> = (0..cut).map(|n| voice(n, fold)).collect();
                let allowed = step(&line) * 5 / 4;
                line.resize(cut + count, 0);
                let mut concealer = Concealer::new(fold);
                let mut noise = Noise::new(1);
                concealer.fill(&mut line, cut, count, Why::Missing, &mut noise);
                let mut fresh: Vec<i16> =
                    (cut + count..cut + count + 160 * fold).map(|n| voice(n, fold)).collect();
                concealer.rejoin(&mut fresh, &mut noise);
                line.extend(fresh);
                assert!(step(&line) <= allowed, "{} of {allowed} at {cut}/{fold}", step(&line));
                assert!(!concealer.is_filling());
            }
        }
    }

    #[test]
    fn it_fades_over_sixty_milliseconds_into_the_background() {
        let line = gap(1, 800, 640);
        let loudness = |from: usize| power(&line[800 + from..800 + from + 80]).sqrt();
        assert!(loudness(0) > 4_000.0);
        assert!(loudness(160) > loudness(320) && loudness(320) > 300.0);
        assert_eq!(loudness(480), 0.0);
    }

    #[test]
    fn a_pause_fades_at_once_into_the_noise_that_was_described() {
        let mut line: Vec<i16> = (0..800).map(|n| voice(n, 1)).collect();
        line.resize(1_600, 0);
        let mut noise = Noise::new(1);
        noise.described(&[50]);
        Concealer::new(1).fill(&mut line, 800, 800, Why::Pause, &mut noise);
        let heard = power(&line[880..]).sqrt();
        assert!((heard / noise.level() - 1.0).abs() < 0.2, "{heard}");
    }

    #[test]
    fn after_silence_there_is_silence() {
        let mut line = vec![0; 1_000];
        Concealer::new(1).fill(&mut line, 500, 500, Why::Missing, &mut Noise::new(1));
        assert!(line.iter().all(|sample| *sample == 0));
    }
}
