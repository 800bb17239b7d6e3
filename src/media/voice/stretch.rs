//! Shorter and longer without a click: a whole pitch period is left out of a line, or repeated, with one laid over the
//! other where they meet (waveform-similarity overlap-add). The pitch stays, only the pace changes.

use super::pitch::{Toward, Window, most_alike};

/// Shortest and longest piece taken out or put in, samples at 8 kHz: 2.5 to 15 ms, periods of 400 to 66 Hz.
const SHORTEST: usize = 20;
const LONGEST: usize = 120;

/// Over how much the two ends are laid over each other: 5 ms.
const OVERLAP: usize = 40;

/// Least likeness of what is joined, unless it is so quiet that nobody hears.
const ALIKE: f32 = 0.7;

/// How the signal sounds where it is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// Only where it repeats itself.
    Heard,
    /// Background: anywhere.
    Quiet,
}

/// The most that `lengthen` adds, in samples at 8 kHz.
pub const MOST_ADDED: usize = LONGEST;

/// What must have been played before `from`, in samples at 8 kHz.
pub const HISTORY: usize = LONGEST + OVERLAP;

/// Takes a period out of `line[from..end]`, which is still to be played; returns how many samples went, 0 if none can.
pub fn shorten(line: &mut [i16], from: usize, end: usize, loudness: Loudness, fold: usize) -> usize {
    let most = ((end - from) / fold).saturating_sub(OVERLAP).min(LONGEST);
    if most < SHORTEST {
        return 0;
    }
    let window = Window { before: OVERLAP, after: OVERLAP };
    let found = most_alike(&line[..end], from, window, SHORTEST..=most, Toward::Future, fold);
    let lag = found.lag.min(most * fold);
    if loudness == Loudness::Heard && found.likeness < ALIKE {
        return 0;
    }
    let overlap = OVERLAP * fold;
    for place in 0..overlap {
        line[from + place] = blend(line[from + place], line[from + lag + place], place + 1, overlap + 1);
    }
    line.copy_within(from + lag + overlap..end, from + overlap);
    lag
}

/// Repeats a period just before `line[from..end]`; returns how many samples came, 0 if none should. The line must have
/// room for `MOST_ADDED`.
pub fn lengthen(line: &mut [i16], from: usize, end: usize, loudness: Loudness, fold: usize) -> usize {
    if (end - from) / fold < OVERLAP {
        return 0;
    }
    let window = Window { before: OVERLAP, after: OVERLAP };
    let found = most_alike(&line[..end], from, window, SHORTEST..=LONGEST, Toward::Past, fold);
    if loudness == Loudness::Heard && found.likeness < ALIKE {
        return 0;
    }
    let lag = found.lag.min(LONGEST * fold);
    line.copy_within(from..end, from + lag);
    let overlap = (OVERLAP * fold).min(lag);
    for place in 0..overlap {
        let (leaving, coming) = (line[from + lag + place], line[from - lag + place]);
        line[from + place] = blend(leaving, coming, place + 1, overlap + 1);
    }
    line.copy_within(from - lag + overlap..from, from + overlap);
    lag
}

/// From `leaving` to `coming`: at `place` of `length`.
pub fn blend(leaving: i16, coming: i16, place: usize, length: usize) -> i16 {
    let (place, length) = (place as i32, length as i32);
    ((i32::from(leaving) * (length - place) + i32::from(coming) * place) / length) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: usize = 400;

    /// A voice of two formants whose pitch wanders.
    fn voice(length: usize, fold: usize) -> Vec<i16> {
        let mut phase = 0.0f32;
        let rate = 8_000.0 * fold as f32;
        (0..length)
            .map(|n| {
                phase += (110.0 + 30.0 * (n as f32 / rate * 9.0).sin()) / rate;
                let t = phase.fract() * std::f32::consts::TAU;
                ((t.sin() + 0.5 * (3.0 * t).sin() + 0.3 * (7.0 * t).cos()) * 6_000.0) as i16
            })
            .collect()
    }

    fn largest_step(samples: &[i16]) -> i32 {
        samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
    }

    #[test]
    fn a_shorter_voice_has_no_step_that_the_voice_has_not() {
        for fold in [1, 2, 6] {
            let (from, mut end) = (FROM * fold, 800 * fold);
            let mut line = voice(end, fold);
            let allowed = largest_step(&line);
            let removed = shorten(&mut line, from, end, Loudness::Heard, fold);
            end -= removed;
            assert!((SHORTEST * fold..=LONGEST * fold).contains(&removed), "{removed}");
            assert!(largest_step(&line[..end]) <= allowed, "{} of {allowed}", largest_step(&line[..end]));
        }
    }

    #[test]
    fn a_longer_voice_has_no_step_that_the_voice_has_not() {
        for fold in [1, 2, 6] {
            let (from, mut end) = (FROM * fold, 560 * fold);
            let mut line = voice(end, fold);
            let allowed = largest_step(&line);
            line.resize(end + MOST_ADDED * fold, 0);
            let added = lengthen(&mut line, from, end, Loudness::Heard, fold);
            end += added;
            assert!((SHORTEST * fold..=LONGEST * fold).contains(&added), "{added}");
            assert!(largest_step(&line[..end]) <= allowed, "{} of {allowed}", largest_step(&line[..end]));
        }
    }

    #[test]
    fn a_pure_tone_stays_a_pure_tone() {
        let tone = |n: usize| ((n as f32 * std::f32::consts::TAU / 40.0).sin() * 9_000.0) as i16;
        let mut line: Vec<i16> = (0..560).map(tone).collect();
        let removed = shorten(&mut line, FROM, 560, Loudness::Heard, 1);
        assert_eq!(removed % 40, 0);
        assert!((0..560 - removed).all(|n| (line[n] - tone(n)).abs() <= 2));
    }

    #[test]
    fn what_does_not_repeat_itself_is_left_alone_unless_it_is_quiet() {
        let mut rng = crate::rng::Rng::seeded(1);
        let noise: Vec<i16> = (0..720).map(|_| (rng.u32() as i16) / 8).collect();
        let mut line = noise.clone();
        assert_eq!(shorten(&mut line, FROM, 560, Loudness::Heard, 1), 0);
        assert_eq!(lengthen(&mut line, FROM, 560, Loudness::Heard, 1), 0);
        assert_eq!(line, noise);
        assert!(shorten(&mut line, FROM, 560, Loudness::Quiet, 1) > 0);
        assert!(lengthen(&mut line, FROM, 560, Loudness::Quiet, 1) > 0);
    }

    #[test]
    fn too_little_to_take_from_is_left_alone() {
        let mut line = voice(FROM + 50, 1);
        assert_eq!(shorten(&mut line, FROM, FROM + 50, Loudness::Quiet, 1), 0);
        assert_eq!(lengthen(&mut line, FROM, FROM + 30, Loudness::Quiet, 1), 0);
    }
}
