//! The quadrature mirror filters: 16 kHz to two bands of 8 kHz each, and back (G.722 §3.1, §4.4).

use super::FRAME_BYTES;

/// Half of the 24 coefficients (G.722 table 11); the other half mirrors them.
const TAPS: usize = 12;
const COEFFICIENTS: [i32; TAPS] = [3, -11, 12, 32, -210, 951, 3_876, -805, 362, -156, 53, -11];

/// Samples of each phase that the next block still needs.
const KEPT: usize = TAPS - 1;

/// A block of one phase, with what came before it.
type Block = [i32; KEPT + FRAME_BYTES];

/// 16 kHz to two bands.
#[derive(Clone, Debug, Default)]
pub struct Split {
    first: [i32; KEPT],
    second: [i32; KEPT],
}

impl Split {
    /// Splits up to `FRAME_BYTES` pairs; the bands' samples have 15 bits.
    pub fn run(&mut self, pairs: &[i16], low: &mut [i32; FRAME_BYTES], high: &mut [i32; FRAME_BYTES]) {
        let count = pairs.len() / 2;
        let (mut first, mut second): (Block, Block) = ([0; _], [0; _]);
        first[..KEPT].copy_from_slice(&self.first);
        second[..KEPT].copy_from_slice(&self.second);
        for (place, pair) in pairs.as_chunks::<2>().0.iter().enumerate() {
            first[KEPT + place] = i32::from(pair[0]);
            second[KEPT + place] = i32::from(pair[1]);
        }
        for place in 0..count {
            let (odd, even) = (forward(&first, place), backward(&second, place));
            low[place] = limit((even + odd) >> 14);
            high[place] = limit((even - odd) >> 14);
        }
        self.first.copy_from_slice(&first[count..count + KEPT]);
        self.second.copy_from_slice(&second[count..count + KEPT]);
    }
}

/// Two bands to 16 kHz.
#[derive(Clone, Debug, Default)]
pub struct Join {
    sums: [i32; KEPT],
    differences: [i32; KEPT],
}

impl Join {
    /// Joins bands of equal length, up to `FRAME_BYTES`, to twice as many samples.
    pub fn run(&mut self, low: &[i32], high: &[i32], pairs: &mut [i16]) {
        let count = low.len();
        let (mut sums, mut differences): (Block, Block) = ([0; _], [0; _]);
        sums[..KEPT].copy_from_slice(&self.sums);
        differences[..KEPT].copy_from_slice(&self.differences);
        for (place, (low, high)) in low.iter().zip(high).enumerate() {
            sums[KEPT + place] = low + high;
            differences[KEPT + place] = low - high;
        }
        for (place, pair) in pairs.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            pair[0] = saturate(backward(&differences, place) >> 11);
            pair[1] = saturate(forward(&sums, place) >> 11);
        }
        self.sums.copy_from_slice(&sums[count..count + KEPT]);
        self.differences.copy_from_slice(&differences[count..count + KEPT]);
    }
}

fn forward(block: &Block, place: usize) -> i32 {
    block[place..place + TAPS].iter().zip(COEFFICIENTS).map(|(sample, tap)| sample * tap).sum()
}

fn backward(block: &Block, place: usize) -> i32 {
    block[place..place + TAPS].iter().zip(COEFFICIENTS.iter().rev()).map(|(sample, tap)| sample * tap).sum()
}

/// To the 15 bits of a band.
fn limit(sample: i32) -> i32 {
    sample.clamp(-16_384, 16_383)
}

fn saturate(sample: i32) -> i16 {
    sample.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}
