//! One band: an adaptive quantizer around an adaptive predictor (G.722 §6.2.1 and §6.2.2).

use std::marker::PhantomData;

/// What differs between the bands.
pub trait Quantizer {
    /// Step size of a band that has heard nothing (G.722 table 12).
    const FIRST_STEP: i32;
    /// Largest logarithmic step size (LOGSCL, LOGSCH).
    const LARGEST_LOG: i32;
    /// How far the step's mantissa is shifted down at a logarithm below 2,048 (SCALEL, SCALEH).
    const SHIFT: i32;
    /// QUANTL, QUANTH: the code of a difference.
    fn code(difference: i32, step: i32) -> u8;
    /// Quantized difference that the predictor learns from, in 1/32,768 of the step (INVQAL, INVQAH).
    fn learned(code: u8) -> i32;
    /// Quantized difference that is heard (INVQBL; the same as `learned` in the high band).
    fn heard(code: u8) -> i32;
    /// What the code adds to the logarithm of the step (W of LOGSCL, LOGSCH).
    fn growth(code: u8) -> i32;
}

/// 0 to 4 kHz, six bits.
#[derive(Clone, Copy, Debug)]
pub struct Low;

/// 4 to 8 kHz, two bits.
#[derive(Clone, Copy, Debug)]
pub struct High;

/// Q6: thresholds of the low band's quantizer, in 1/4,096 of the step.
const LOW_THRESHOLDS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1_023, 1_121,
    1_219, 1_339, 1_458, 1_612, 1_765, 1_980, 2_195, 2_557, 2_919,
];

/// The threshold of the high band's.
const HIGH_THRESHOLD: i32 = 564;

/// QM6.
#[rustfmt::skip] // eight to a row: half a segment of codes
const LOW_HEARD: [i32; 64] = [
    -136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704,
    -14_984, -13_512, -12_280, -11_192, -10_232, -9_360, -8_576, -7_856,
    -7_192, -6_576, -6_000, -5_456, -4_944, -4_464, -4_008, -3_576,
    -3_168, -2_776, -2_400, -2_032, -1_688, -1_360, -1_040, -728,
    24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280, 11_192,
    10_232, 9_360, 8_576, 7_856, 7_192, 6_576, 6_000, 5_456,
    4_944, 4_464, 4_008, 3_576, 3_168, 2_776, 2_400, 2_032,
    1_688, 1_360, 1_040, 728, 432, 136, -432, -136,
];

/// QM4, by the upper four of the six bits.
const LOW_LEARNED: [i32; 16] = [
    0, -20_456, -12_896, -8_968, -6_288, -4_240, -2_584, -1_200, 20_456, 12_896, 8_968, 6_288, 4_240, 2_584,
    1_200, 0,
];

/// WL by RL4, by the upper four of the six bits.
const LOW_GROWTH: [i32; 16] =
    [-60, 3_042, 1_198, 538, 334, 172, 58, -30, 3_042, 1_198, 538, 334, 172, 58, -30, -60];

/// QM2.
const HIGH_LEARNED: [i32; 4] = [-7_408, -1_616, 7_408, 1_616];

/// WH by RH2.
const HIGH_GROWTH: [i32; 4] = [798, -214, 798, -214];

/// ILB: 2,048 times 2 to the power of n/32.
const MANTISSAS: [i32; 32] = [
    2_048, 2_093, 2_139, 2_186, 2_233, 2_282, 2_332, 2_383, 2_435, 2_489, 2_543, 2_599, 2_656, 2_714, 2_774,
    2_834, 2_896, 2_960, 3_025, 3_091, 3_158, 3_228, 3_298, 3_371, 3_444, 3_520, 3_597, 3_676, 3_756, 3_838,
    3_922, 4_008,
];

impl Quantizer for Low {
    const FIRST_STEP: i32 = 32;
    const LARGEST_LOG: i32 = 18_432;
    const SHIFT: i32 = 8;

    fn code(difference: i32, step: i32) -> u8 {
        let size = magnitude(difference);
        let level = LOW_THRESHOLDS.partition_point(|threshold| size >= (threshold * step) >> 12) as u8;
        match (difference < 0, level) {
            (false, level) => 61 - level,
            // The two smallest negative levels have the highest codes, so that no code is all zeros.
            (true, level @ 0..2) => 63 - level,
            (true, level) => 33 - level,
        }
    }

    fn learned(code: u8) -> i32 {
        LOW_LEARNED[usize::from(code >> 2 & 0x0F)]
    }

    fn heard(code: u8) -> i32 {
        LOW_HEARD[usize::from(code & 0x3F)]
    }

    fn growth(code: u8) -> i32 {
        LOW_GROWTH[usize::from(code >> 2 & 0x0F)]
    }
}

impl Quantizer for High {
    const FIRST_STEP: i32 = 8;
    const LARGEST_LOG: i32 = 22_528;
    const SHIFT: i32 = 10;

    fn code(difference: i32, step: i32) -> u8 {
        let large = magnitude(difference) >= (HIGH_THRESHOLD * step) >> 12;
        match (difference < 0, large) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        }
    }

    fn learned(code: u8) -> i32 {
        HIGH_LEARNED[usize::from(code & 3)]
    }

    fn heard(code: u8) -> i32 {
        Self::learned(code)
    }

    fn growth(code: u8) -> i32 {
        HIGH_GROWTH[usize::from(code & 3)]
    }
}

/// The state of a band, the same on both ends of the line as long as no byte is lost.
#[derive(Clone, Debug)]
pub struct Band<Q> {
    /// The next sample as it is predicted (SL), and the zero section's part of it (SZ).
    predicted: i32,
    zeros: i32,
    /// Reconstructed samples, latest first (RLT), and without the poles' part (PLT).
    reconstructed: [i32; 2],
    partial: [i32; 2],
    /// Coefficients of the pole section (AL) and of the zero section (BL).
    poles: [i32; 2],
    weights: [i32; 6],
    /// Quantized differences, latest first (DLT).
    differences: [i32; 6],
    /// Step size and its logarithm (DETL, NBL).
    step: i32,
    log: i32,
    kind: PhantomData<Q>,
}

impl<Q: Quantizer> Band<Q> {
    /// One that has heard nothing.
    pub fn new() -> Self {
        Band {
            predicted: 0,
            zeros: 0,
            reconstructed: [0; 2],
            partial: [0; 2],
            poles: [0; 2],
            weights: [0; 6],
            differences: [0; 6],
            step: Q::FIRST_STEP,
            log: 0,
            kind: PhantomData,
        }
    }

    /// The code of a sample of 15 bits.
    pub fn encode(&mut self, sample: i32) -> u8 {
        let code = Q::code(saturate(sample - self.predicted), self.step);
        self.learn(code);
        code
    }

    /// The sample of a code, 15 bits.
    pub fn decode(&mut self, code: u8) -> i32 {
        let heard = (self.step * Q::heard(code)) >> 15;
        let sample = (self.predicted + heard).clamp(-16_384, 16_383);
        self.learn(code);
        sample
    }

    fn learn(&mut self, code: u8) {
        let difference = (self.step * Q::learned(code)) >> 15;
        self.rescale(code);
        self.adapt(difference);
        self.predict();
    }

    /// LOGSCL and SCALEL, LOGSCH and SCALEH.
    fn rescale(&mut self, code: u8) {
        self.log = (((self.log * 127) >> 7) + Q::growth(code)).clamp(0, Q::LARGEST_LOG);
        let mantissa = MANTISSAS[(self.log >> 6 & 31) as usize];
        let down = Q::SHIFT - (self.log >> 11);
        self.step = (if down < 0 { mantissa << -down } else { mantissa >> down }) << 2;
    }

    /// RECONS, PARREC, UPPOL2, UPPOL1, UPZERO and the delays.
    fn adapt(&mut self, difference: i32) {
        let reconstructed = saturate(self.predicted + difference);
        let partial = saturate(self.zeros + difference);
        let agrees = |earlier: i32| (partial ^ earlier) >= 0;
        let [first, second] = self.poles;

        let pull = saturate(first << 2);
        let pull = if agrees(self.partial[0]) { -pull } else { pull }.min(32_767);
        let step = if agrees(self.partial[1]) { 128 } else { -128 };
        let second = ((pull >> 7) + step + ((second * 32_512) >> 15)).clamp(-12_288, 12_288);

        let step = if agrees(self.partial[0]) { 192 } else { -192 };
        let room = 15_360 - second;
        let first = (step + ((first * 32_640) >> 15)).clamp(-room, room);
        self.poles = [first, second];

        let size = if difference == 0 { 0 } else { 128 };
        for (weight, earlier) in self.weights.iter_mut().zip(self.differences) {
            let step = if (difference ^ earlier) >= 0 { size } else { -size };
            *weight = saturate(step + ((*weight * 32_640) >> 15));
        }

        let [d1, d2, d3, d4, d5, _] = self.differences;
        self.differences = [difference, d1, d2, d3, d4, d5];
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.partial = [partial, self.partial[0]];
    }

    /// FILTEP, FILTEZ and PREDIC.
    fn predict(&mut self) {
        let poles: i32 = self
            .poles
            .iter()
            .zip(self.reconstructed)
            .map(|(pole, earlier)| (pole * saturate(2 * earlier)) >> 15)
            .sum();
        // From the oldest, and held to 16 bits at each sum, as the recommendation adds them.
        self.zeros = self
            .weights
            .iter()
            .zip(self.differences)
            .rev()
            .fold(0, |sum, (weight, earlier)| saturate(sum + ((weight * saturate(2 * earlier)) >> 15)));
        self.predicted = saturate(saturate(poles) + self.zeros);
    }
}

/// Of a negative number one less, so that both signs have the same thresholds.
fn magnitude(difference: i32) -> i32 {
    if difference < 0 { !difference } else { difference }
}

/// The 16 bits of the recommendation's arithmetic.
fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}
