//! ITU-T G.711: A-law and µ-law, and the tables that lead from one to the other without linear samples between.

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    A,
    Mu,
}

impl Law {
    /// The byte of silence.
    pub fn silence(self) -> u8 {
        match self {
            Law::A => ALAW_SILENCE,
            Law::Mu => ULAW_SILENCE,
        }
    }

    /// What each byte is as a sample (8 kHz, 16-bit linear).
    pub fn samples(self) -> &'static [i16; 256] {
        match self {
            Law::A => &ALAW_TO_LINEAR,
            Law::Mu => &ULAW_TO_LINEAR,
        }
    }

    /// Decodes as many bytes as fit into `samples`; returns the number of samples written.
    pub fn decode(self, payload: &[u8], samples: &mut [i16]) -> usize {
        let table = self.samples();
        for (sample, code) in samples.iter_mut().zip(payload) {
            *sample = table[usize::from(*code)];
        }
        samples.len().min(payload.len())
    }

    /// Encodes as many samples as fit into `payload`; returns the number of bytes written.
    pub fn encode(self, samples: &[i16], payload: &mut [u8]) -> usize {
        let encode = match self {
            Law::A => linear_to_alaw,
            Law::Mu => linear_to_ulaw,
        };
        for (code, sample) in payload.iter_mut().zip(samples) {
            *code = encode(*sample);
        }
        samples.len().min(payload.len())
    }

    /// Turns a payload of this law into one of `to`, in place.
    pub fn transcode(self, to: Law, payload: &mut [u8]) {
        let table = match (self, to) {
            (Law::Mu, Law::A) => &ULAW_TO_ALAW,
            (Law::A, Law::Mu) => &ALAW_TO_ULAW,
            (Law::Mu, Law::Mu) | (Law::A, Law::A) => return,
        };
        for code in payload {
            *code = table[usize::from(*code)];
        }
    }
}

/// µ-law of zero (positive).
pub const ULAW_SILENCE: u8 = 0xFF;

/// A-law of the smallest positive value; A-law has no zero.
pub const ALAW_SILENCE: u8 = 0xD5;

/// µ-law to 16-bit linear (G.711 table 2, left-aligned): −32124 to 32124.
pub static ULAW_TO_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = ulaw_expand(code as u8);
        code += 1;
    }
    table
};

/// A-law to 16-bit linear (G.711 table 1, left-aligned): −32256 to 32256.
pub static ALAW_TO_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = alaw_expand(code as u8);
        code += 1;
    }
    table
};

/// µ-law to A-law (G.711 table 3).
pub static ULAW_TO_ALAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let magnitude = ULAW_LEVEL_IN_ALAW[!code & 0x7F];
        table[code] = (code as u8 & 0x80 | magnitude) ^ 0x55;
        code += 1;
    }
    table
};

/// A-law to µ-law (G.711 table 4).
pub static ALAW_TO_ULAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let magnitude = ALAW_LEVEL_IN_ULAW[(code ^ 0x55) & 0x7F];
        table[code] = (code as u8 & 0x80) | (!magnitude & 0x7F);
        code += 1;
    }
    table
};

/// The A-law level that stands for each µ-law level, both counted from zero. Not always the nearest one: the
/// recommendation keeps the segments in step, so that passing through both laws twice costs no more than once.
#[rustfmt::skip] // sixteen to a row: a row is a segment
const ULAW_LEVEL_IN_ALAW: [u8; 128] = [
    0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7,
    8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
    24, 26, 28, 30, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    45, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61,
    63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78,
    79, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95,
    96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
    112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
];

/// The µ-law level that stands for each A-law level.
#[rustfmt::skip] // sixteen to a row: a row is a segment
const ALAW_LEVEL_IN_ULAW: [u8; 128] = [
    1, 3, 5, 7, 9, 11, 13, 15, 16, 17, 18, 19, 20, 21, 22, 23,
    24, 25, 26, 27, 28, 29, 30, 31, 32, 32, 33, 33, 34, 34, 35, 35,
    36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 48, 49, 49,
    50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 64,
    65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80,
    80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95,
    96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
    112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
];

const fn ulaw_expand(code: u8) -> i16 {
    const BIAS: i16 = 33 << 2;
    let level = !code;
    let step = ((level & 0x0F) as i16) << 3;
    let magnitude = ((step + BIAS) << (level >> 4 & 7)) - BIAS;
    if level & 0x80 == 0 { magnitude } else { -magnitude }
}

const fn alaw_expand(code: u8) -> i16 {
    let level = code ^ 0x55;
    let segment = level >> 4 & 7;
    let step = ((level & 0x0F) as i16) << 4;
    let magnitude = if segment == 0 { step + 8 } else { (step + 0x108) << (segment - 1) };
    if level & 0x80 == 0 { -magnitude } else { magnitude }
}

/// 16-bit linear to µ-law; beyond ±32635 it clips.
#[inline]
pub fn linear_to_ulaw(sample: i16) -> u8 {
    const BIAS: u16 = 33;
    const LARGEST: u16 = 0x1FFF;
    // One's complement of negative samples, as in ITU-T G.191: both signs have the same decision values.
    let level = ((magnitude(sample) >> 2) + BIAS).min(LARGEST);
    let segment = 10 - level.leading_zeros() as u8;
    let step = (level >> (segment + 1)) as u8 & 0x0F;
    sign(sample) | !(segment << 4 | step) & 0x7F
}

/// 16-bit linear to A-law.
#[inline]
pub fn linear_to_alaw(sample: i16) -> u8 {
    let level = magnitude(sample) >> 4;
    let code = if level < 32 {
        level as u8
    } else {
        let segment = 12 - level.leading_zeros() as u8;
        let step = (level >> (segment - 1)) as u8 & 0x0F;
        segment << 4 | step
    };
    (sign(sample) | code) ^ 0x55
}

/// 0x80 for zero and above.
fn sign(sample: i16) -> u8 {
    if sample >= 0 { 0x80 } else { 0 }
}

fn magnitude(sample: i16) -> u16 {
    (if sample < 0 { !sample } else { sample }) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_law_decodes_what_it_encodes_and_stops_at_the_shorter_side() {
        for law in [Law::A, Law::Mu] {
            let mut payload = [0; 3];
            assert_eq!(law.encode(&[0, 8_000, -8_000, 1], &mut payload), 3);
            let mut samples = [0; 2];
            assert_eq!(law.decode(&payload, &mut samples), 2);
            assert!((i32::from(samples[1]) - 8_000).abs() < 250);
        }
    }

    #[test]
    fn silence_stays_silence_in_the_other_law() {
        let mut payload = [Law::Mu.silence(); 160];
        Law::Mu.transcode(Law::A, &mut payload);
        assert!(payload.iter().all(|code| *code == Law::A.silence()));
    }

    #[test]
    fn every_code_encodes_back_to_itself() {
        for code in 0..=255u8 {
            assert_eq!(linear_to_alaw(ALAW_TO_LINEAR[usize::from(code)]), code);
            // Negative zero of µ-law becomes positive zero: linear samples have only one.
            let expected = if code == 0x7F { 0xFF } else { code };
            assert_eq!(linear_to_ulaw(ULAW_TO_LINEAR[usize::from(code)]), expected);
        }
    }

    #[test]
    fn every_sample_is_coded_within_half_a_step() {
        for sample in i16::MIN..=i16::MAX {
            let value = i32::from(sample);
            let ulaw = i32::from(ULAW_TO_LINEAR[usize::from(linear_to_ulaw(sample))]);
            let alaw = i32::from(ALAW_TO_LINEAR[usize::from(linear_to_alaw(sample))]);
            // Half a step is 1/32 of the biased level at most.
            assert!(
                (ulaw - value).abs() <= ((value.abs() + 132) / 32).max(4) || value.abs() > 32_635,
                "{value} {ulaw}"
            );
            assert!((alaw - value).abs() <= (value.abs() / 32).max(8), "{value} {alaw}");
            assert!(ulaw == 0 || (ulaw > 0) == (value > 0));
            assert_eq!(alaw > 0, value >= 0);
        }
    }

    #[test]
    fn coding_is_monotonic() {
        let mut last = (i16::MIN, i16::MIN);
        for sample in i16::MIN..=i16::MAX {
            let next = (
                ULAW_TO_LINEAR[usize::from(linear_to_ulaw(sample))],
                ALAW_TO_LINEAR[usize::from(linear_to_alaw(sample))],
            );
            assert!(next.0 >= last.0 && next.1 >= last.1, "{sample}");
            last = next;
        }
    }

    #[test]
    fn known_values_of_the_recommendation() {
        assert_eq!(ULAW_TO_LINEAR[0x80], 32_124);
        assert_eq!(ULAW_TO_LINEAR[0x00], -32_124);
        assert_eq!(ULAW_TO_LINEAR[usize::from(ULAW_SILENCE)], 0);
        assert_eq!(ALAW_TO_LINEAR[0xAA], 32_256);
        assert_eq!(ALAW_TO_LINEAR[0x2A], -32_256);
        assert_eq!(ALAW_TO_LINEAR[usize::from(ALAW_SILENCE)], 8);
        // Table 5 and 6: one period of 1 kHz at 0 dBm0.
        let ulaw = [0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E];
        let alaw = [0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4];
        for (u, a) in ulaw.into_iter().zip(alaw) {
            assert_eq!(ULAW_TO_ALAW[u], a as u8);
            assert_eq!(ALAW_TO_ULAW[a], u as u8);
        }
        assert_eq!(ULAW_TO_ALAW[usize::from(ULAW_SILENCE)], ALAW_SILENCE);
    }

    #[test]
    fn transcoding_keeps_sign_and_order_and_stays_within_one_step() {
        for code in 0..=255u8 {
            let ulaw = i32::from(ULAW_TO_LINEAR[usize::from(code)]);
            let as_alaw = i32::from(ALAW_TO_LINEAR[usize::from(ULAW_TO_ALAW[usize::from(code)])]);
            assert!((ulaw - as_alaw).abs() <= (ulaw.abs() / 16).max(8), "µ {code:#04x}: {ulaw} {as_alaw}");
            let alaw = i32::from(ALAW_TO_LINEAR[usize::from(code)]);
            let as_ulaw = i32::from(ULAW_TO_LINEAR[usize::from(ALAW_TO_ULAW[usize::from(code)])]);
            assert!((alaw - as_ulaw).abs() <= (alaw.abs() / 16).max(8), "A {code:#04x}: {alaw} {as_ulaw}");
        }
    }

    #[test]
    fn passing_through_both_laws_twice_costs_no_more_than_once() {
        for code in 0..=255u8 {
            let once = ULAW_TO_ALAW[usize::from(code)];
            let twice = ULAW_TO_ALAW[usize::from(ALAW_TO_ULAW[usize::from(once)])];
            assert_eq!(once, twice, "µ {code:#04x}");
        }
    }
}
