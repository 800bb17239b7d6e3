//! Where a signal looks most like itself: the pitch period of a voice, which may be repeated or left out unheard.

use std::ops::RangeInclusive;

/// Longest stretch looked at, in samples at 8 kHz: a window of 20 ms and a lag of 15.
const REACH: usize = 280;

/// Which way the signal is shifted over itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toward {
    Past,
    Future,
}

/// The window that is compared, around `at`, in samples at 8 kHz.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub before: usize,
    pub after: usize,
}

/// The lag of the greatest likeness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alike {
    /// Samples, at the line's own rate.
    pub lag: usize,
    /// Normalised cross-correlation, −1 to 1.
    pub likeness: f32,
}

/// Shifts the window around `at` over the line. Lags are in samples at 8 kHz; `fold` is the line's rate over 8 kHz: the
/// search is made on the average of so many samples and then refined. The window and all lags must lie in the line, and
/// together be no longer than 35 ms.
pub fn most_alike(
    line: &[i16],
    at: usize,
    window: Window,
    lags: RangeInclusive<usize>,
    toward: Toward,
    fold: usize,
) -> Alike {
    let most = *lags.end();
    let length = window.before + window.after;
    let start = at - window.before * fold;
    let first = if toward == Toward::Past { start - most * fold } else { start };
    let mut folded = [0.0; REACH];
    let folded = &mut folded[..length + most];
    for (value, part) in folded.iter_mut().zip(line[first..].chunks_exact(fold)) {
        *value = part.iter().map(|sample| i32::from(*sample)).sum::<i32>() as f32;
    }
    let here = if toward == Toward::Past { most } else { 0 };
    let there = |lag: usize| if toward == Toward::Past { here - lag } else { here + lag };
    let reference = &folded[here..here + length];
    let power = dot(reference, reference);
    let mut best = Alike { lag: *lags.start() * fold, likeness: -1.0 };
    for lag in lags {
        let shifted = &folded[there(lag)..there(lag) + length];
        let likeness = normalised(dot(reference, shifted), power, dot(shifted, shifted));
        if likeness > best.likeness {
            best = Alike { lag: lag * fold, likeness };
        }
    }
    if fold > 1 { refined(line, start..start + length * fold, best, toward, fold) } else { best }
}

/// The best lag at the full rate, near one that was found on averages.
fn refined(line: &[i16], window: std::ops::Range<usize>, near: Alike, toward: Toward, fold: usize) -> Alike {
    let reference = &line[window.clone()];
    let power = product(reference, reference);
    let mut best = Alike { likeness: -1.0, ..near };
    for lag in near.lag + 1 - fold..near.lag + fold {
        let start = match toward {
            Toward::Past => window.start.checked_sub(lag),
            Toward::Future => Some(window.start + lag),
        };
        let Some(shifted) = start.and_then(|start| line.get(start..start + reference.len())) else {
            continue;
        };
        let likeness = normalised(product(reference, shifted), power, product(shifted, shifted));
        if likeness > best.likeness {
            best = Alike { lag, likeness };
        }
    }
    best
}

fn normalised(product: f32, power: f32, other: f32) -> f32 {
    // Silence is like silence.
    if power < 1.0 && other < 1.0 { 1.0 } else { product / (power * other).max(1.0).sqrt() }
}

/// Sum of products in eight lanes, which the compiler makes one instruction each.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (x, y) in a.iter().zip(b) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f32>() + rest
}

fn product(a: &[i16], b: &[i16]) -> f32 {
    a.iter().zip(b).map(|(x, y)| i64::from(i32::from(*x) * i32::from(*y))).sum::<i64>() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pulse train through a soft ring: voiced, of `period` samples.
    fn voiced(period: usize, length: usize) -> Vec<i16> {
        let ring = |n: usize| (-(n as f32) / 20.0).exp() * (n as f32 * 0.6).sin() * 9_000.0;
        (0..length).map(|n| ring(n % period) as i16).collect()
    }

    #[test]
    fn the_period_of_a_voice_is_found_at_every_rate_and_both_ways() {
        for fold in [1, 2, 6] {
            for period in [45, 64, 90, 110] {
                let line = voiced(period * fold, 600 * fold);
                for toward in [Toward::Past, Toward::Future] {
                    let window = Window { before: 80, after: 40 };
                    let found = most_alike(&line, 250 * fold, window, 40..=120, toward, fold);
                    assert!(found.lag.is_multiple_of(period * fold), "{found:?} {period} {fold} {toward:?}");
                    assert!(found.likeness > 0.99);
                }
            }
        }
    }

    #[test]
    fn silence_is_alike_and_noise_is_not() {
        let window = Window { before: 80, after: 80 };
        assert!(most_alike(&[0; 400], 200, window, 40..=120, Toward::Past, 1).likeness > 0.99);
        let mut rng = crate::rng::Rng::seeded(5);
        let noise: Vec<i16> = (0..400).map(|_| rng.u32() as i16).collect();
        assert!(most_alike(&noise, 200, window, 40..=120, Toward::Past, 1).likeness < 0.5);
    }
}
