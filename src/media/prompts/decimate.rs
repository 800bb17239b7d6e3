//! 16 kHz to 8 kHz.

use std::f32::consts::PI;

/// Length of the filter. Odd, so that it has a middle and delays nothing.
const TAPS: usize = 95;

/// Sums kept side by side, so that the processor adds them at once: loading prompts is most of a server's start.
const LANES: usize = 8;

/// Length of the filter, filled up with a zero to whole lanes.
const FILLED: usize = TAPS.next_multiple_of(LANES);

/// Middle of the transition, as a fraction of the 16 kHz rate: 3.72 kHz. Flat to 3.3 kHz, 60 dB down from 4.2 kHz.
const CUTOFF: f32 = 3_720.0 / 16_000.0;

/// Every second sample of the low-passed input; the filter runs only where a sample is kept.
pub(in crate::media) fn by_two(samples: &[i16]) -> Vec<i16> {
    let taps = taps();
    let middle = TAPS / 2;
    let mut padded = vec![0.0f32; middle];
    padded.extend(samples.iter().map(|sample| f32::from(*sample)));
    padded.resize(padded.len() + middle + FILLED - TAPS, 0.0);
    // `as` saturates.
    padded.windows(FILLED).step_by(2).map(|window| dot(window, &taps).round() as i16).collect()
}

fn dot(window: &[f32], taps: &[f32; FILLED]) -> f32 {
    let mut lanes = [0.0; LANES];
    for (samples, taps) in window.as_chunks::<LANES>().0.iter().zip(taps.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            lanes[lane] += samples[lane] * taps[lane];
        }
    }
    lanes.iter().sum()
}

/// A sinc under a Blackman window, of sum 1.
fn taps() -> [f32; FILLED] {
    let mut taps: [f32; FILLED] = std::array::from_fn(|place| {
        if place >= TAPS {
            return 0.0;
        }
        let at = place as f32 - (TAPS / 2) as f32;
        let sinc = if at == 0.0 { 2.0 * CUTOFF } else { (2.0 * PI * CUTOFF * at).sin() / (PI * at) };
        let turn = 2.0 * PI * (place as f32 + 1.0) / (TAPS as f32 + 1.0);
        sinc * (0.42 - 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos())
    });
    let sum: f32 = taps.iter().sum();
    for tap in &mut taps {
        *tap /= sum;
    }
    taps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Level after decimation of a tone of amplitude 10,000, in dB relative to what went in.
    fn gain(hertz: f32) -> f32 {
        let tone: Vec<i16> =
            (0..3_200).map(|n| ((2.0 * PI * hertz * n as f32 / 16_000.0).sin() * 10_000.0) as i16).collect();
        let out = by_two(&tone);
        assert_eq!(out.len(), 1_600);
        let steady = &out[100..1_500];
        let power = steady.iter().map(|sample| f32::from(*sample).powi(2)).sum::<f32>() / steady.len() as f32;
        10.0 * (power / 5e7).max(1e-9).log10()
    }

    #[test]
    fn the_telephone_band_passes_and_what_would_fold_into_it_does_not() {
        for hertz in [100.0, 300.0, 1_000.0, 2_500.0, 3_100.0, 3_300.0] {
            assert!(gain(hertz).abs() < 0.2, "{hertz} Hz: {} dB", gain(hertz));
        }
        for hertz in [4_300.0, 5_000.0, 6_000.0, 7_900.0] {
            assert!(gain(hertz) < -60.0, "{hertz} Hz: {} dB", gain(hertz));
        }
        assert!(gain(4_100.0) < -20.0);
    }

    #[test]
    fn loud_samples_saturate_and_short_ones_survive() {
        assert!(by_two(&[i16::MAX; 400])[100] > 32_700);
        assert!(by_two(&[]).is_empty());
        assert_eq!(by_two(&[7]).len(), 1);
    }
}
