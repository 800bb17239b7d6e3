//! 8, 16 and 48 kHz to each other: fixed whole ratios, by polyphase FIR filters.
//!
//! A filter has 24 taps for each sample of the slower side: flat to 0.42 of the slower rate (3.4 kHz at 8 kHz), 60 dB
//! down from 0.58 (what lies between folds into the gap above speech); it delays by less than 12 samples of
//! the slower rate, 1.5 ms at 8 kHz and 0.75 ms at 16 kHz.

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::Rate;

/// Taps for each phase: a Kaiser window of 60 dB needs 24 for a transition of 0.16 of the slower rate.
const TAPS: usize = 24;

/// Sums kept side by side, so that the processor adds them at once.
const LANES: usize = 8;

/// Largest ratio there is, 8 to 48 kHz.
const LARGEST_RATIO: usize = 6;

/// β of the Kaiser window for 60 dB.
const BETA: f64 = 5.653;

/// Samples of the slower side worked on at a time: 20 ms at 16 kHz.
const BLOCK: usize = 320;

/// Taps of all phases, filled up to the largest ratio.
type Filter = [f32; TAPS * LARGEST_RATIO];

/// One direction of one stream; it remembers what the filter needs. Made on a command, it allocates nothing afterwards.
#[derive(Clone, Debug)]
pub struct Resampler {
    from: Rate,
    to: Rate,
    ratio: usize,
    filter: &'static Filter,
    /// The latest samples of the input, oldest first; of those that upsampling needs, at the end.
    history: [f32; TAPS * LARGEST_RATIO],
}

impl Resampler {
    /// `None` if there is nothing to do.
    pub fn between(from: Rate, to: Rate) -> Option<Resampler> {
        let (slow, fast) = (from.min(to), from.max(to));
        let ratio = (fast.hertz() / slow.hertz()) as usize;
        let filters = if from < to { &*UP } else { &*DOWN };
        let filter = match ratio {
            2 => &filters[0],
            3 => &filters[1],
            6 => &filters[2],
            _ => return None,
        };
        Some(Resampler { from, to, ratio, filter, history: [0.0; TAPS * LARGEST_RATIO] })
    }

    pub fn from(&self) -> Rate {
        self.from
    }

    pub fn to(&self) -> Rate {
        self.to
    }

    /// Takes all of `input`, which continues what came before; returns the number of samples written. Going down, its
    /// length is a multiple of the ratio (6 covers all), and what is beyond is lost; what does not fit is lost.
    pub fn run(&mut self, input: &[i16], output: &mut [i16]) -> usize {
        if self.from < self.to {
            let blocks = input.chunks(BLOCK).zip(output.chunks_mut(BLOCK * self.ratio));
            blocks.map(|(input, output)| self.up(input, output)).sum()
        } else {
            let blocks = input.chunks(BLOCK * self.ratio).zip(output.chunks_mut(BLOCK));
            blocks.map(|(input, output)| self.down(input, output)).sum()
        }
    }

    /// Each input sample gives one output of each phase.
    fn up(&mut self, input: &[i16], output: &mut [i16]) -> usize {
        let mut line = [0.0; TAPS + BLOCK];
        let kept = self.history.len() - TAPS;
        line[..TAPS].copy_from_slice(&self.history[kept..]);
        fill(&mut line[TAPS..], input);
        for (place, outputs) in output.chunks_exact_mut(self.ratio).take(input.len()).enumerate() {
            let window = line[place + 1..].first_chunk::<TAPS>().expect("the line is longer by the taps");
            for (output, phase) in outputs.iter_mut().zip(self.filter.as_chunks::<TAPS>().0) {
                *output = round(dot(window, phase));
            }
        }
        self.history[kept..].copy_from_slice(&line[input.len()..input.len() + TAPS]);
        (input.len() * self.ratio).min(output.len() / self.ratio * self.ratio)
    }

    /// The filter runs only where a sample is kept.
    fn down(&mut self, input: &[i16], output: &mut [i16]) -> usize {
        let length = TAPS * self.ratio;
        let input = &input[..input.len() / self.ratio * self.ratio];
        let mut line = [0.0; TAPS * LARGEST_RATIO + BLOCK * LARGEST_RATIO];
        line[..length].copy_from_slice(&self.history[..length]);
        fill(&mut line[length..], input);
        let taps = &self.filter[..length];
        let mut written = 0;
        for (output, place) in output.iter_mut().zip((self.ratio..=input.len()).step_by(self.ratio)) {
            *output = round(dot(&line[place..place + length], taps));
            written += 1;
        }
        self.history[..length].copy_from_slice(&line[input.len()..input.len() + length]);
        written
    }
}

fn fill(line: &mut [f32], samples: &[i16]) {
    for (place, sample) in line.iter_mut().zip(samples) {
        *place = f32::from(*sample);
    }
}

/// Both as long, a multiple of `LANES`.
fn dot(window: &[f32], taps: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    for (samples, taps) in window.as_chunks::<LANES>().0.iter().zip(taps.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            lanes[lane] += samples[lane] * taps[lane];
        }
    }
    lanes.iter().sum()
}

/// To the nearest, within 16 bits. The sum has no bits left for fractions; calling `round` costs more than the filter.
fn round(sample: f32) -> i16 {
    const NO_FRACTION: f32 = 12_582_912.0;
    (sample + NO_FRACTION - NO_FRACTION) as i16
}

/// Ratios 2, 3 and 6: taps by phase, oldest sample first.
static UP: LazyLock<[Filter; 3]> = LazyLock::new(|| {
    [2, 3, LARGEST_RATIO].map(|ratio| {
        let whole = low_pass(ratio);
        let mut filter = [0.0; TAPS * LARGEST_RATIO];
        for (place, tap) in filter[..TAPS * ratio].iter_mut().enumerate() {
            let (phase, age) = (place / TAPS, TAPS - 1 - place % TAPS);
            *tap = (whole[phase + age * ratio] * ratio as f64) as f32;
        }
        filter
    })
});

/// Ratios 2, 3 and 6: taps in order, for a filter that is its own mirror.
static DOWN: LazyLock<[Filter; 3]> = LazyLock::new(|| {
    [2, 3, LARGEST_RATIO].map(|ratio| {
        let mut filter = [0.0; TAPS * LARGEST_RATIO];
        for (tap, whole) in filter.iter_mut().zip(low_pass(ratio)) {
            *tap = whole as f32;
        }
        filter
    })
});

/// A sinc at half of the slower rate under a Kaiser window, of sum 1, at the faster rate.
fn low_pass(ratio: usize) -> Vec<f64> {
    let length = TAPS * ratio;
    let middle = (length - 1) as f64 / 2.0;
    let taps: Vec<f64> = (0..length)
        .map(|place| {
            let at = place as f64 - middle;
            let cut = PI * at / ratio as f64;
            let sinc = if cut == 0.0 { 1.0 } else { cut.sin() / cut };
            sinc * bessel(BETA * (1.0 - (at / middle).powi(2)).max(0.0).sqrt())
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.into_iter().map(|tap| tap / sum).collect()
}

/// The modified Bessel function of order 0, by its series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    (1..40).fold(1.0, |sum, n| {
        term *= (x / 2.0 / f64::from(n)).powi(2);
        sum + term
    })
}

#[cfg(test)]
mod tests;
