//! ITU-T G.722 at 64 kbit/s (mode 1), the only mode that RTP has (RFC 3551 §4.5.2): 16 kHz in two bands, each coded as
//! the difference from what was predicted. The names of the blocks are those of the recommendation, §6.2.
//!
//! Bit-exact: `tests` holds it against the ITU's digital test sequences and against an independent implementation.

mod band;
mod qmf;

use band::{Band, High, Low};
use qmf::{Join, Split};

/// Bytes of 20 ms; each stands for two samples at 16 kHz and one unit of RTP time.
pub const FRAME_BYTES: usize = 160;

/// A byte that, repeated, brings both bands to rest: the low band learns a difference of 0 from it, and its step shrinks.
pub const SILENCE: u8 = 0xFC;

/// Samples to bytes.
#[derive(Clone, Debug)]
pub struct Encoder {
    split: Split,
    low: Band<Low>,
    high: Band<High>,
}

/// Bytes to samples.
#[derive(Clone, Debug)]
pub struct Decoder {
    join: Join,
    low: Band<Low>,
    high: Band<High>,
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder::new()
    }
}

impl Encoder {
    /// One that has heard nothing.
    pub fn new() -> Encoder {
        Encoder { split: Split::default(), low: Band::new(), high: Band::new() }
    }

    /// Encodes pairs of samples (16 kHz) to a byte each, as many as both sides hold; returns the number of bytes.
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        let mut written = 0;
        for (pairs, bytes) in samples.chunks(2 * FRAME_BYTES).zip(payload.chunks_mut(FRAME_BYTES)) {
            let count = (pairs.len() / 2).min(bytes.len());
            let (mut low, mut high) = ([0; FRAME_BYTES], [0; FRAME_BYTES]);
            self.split.run(&pairs[..2 * count], &mut low, &mut high);
            for (place, byte) in bytes[..count].iter_mut().enumerate() {
                *byte = self.pair(low[place], high[place]);
            }
            written += count;
        }
        written
    }

    /// One sample of each band, 15 bits, to a byte: the high band's code above the low band's.
    fn pair(&mut self, low: i32, high: i32) -> u8 {
        self.high.encode(high) << 6 | self.low.encode(low)
    }
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder::new()
    }
}

impl Decoder {
    /// One that has heard nothing.
    pub fn new() -> Decoder {
        Decoder { join: Join::default(), low: Band::new(), high: Band::new() }
    }

    /// Decodes each byte to a pair of samples (16 kHz), as many as both sides hold; returns the number of samples.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        let mut written = 0;
        for (bytes, pairs) in payload.chunks(FRAME_BYTES).zip(samples.chunks_mut(2 * FRAME_BYTES)) {
            let count = (pairs.len() / 2).min(bytes.len());
            let (mut low, mut high) = ([0; FRAME_BYTES], [0; FRAME_BYTES]);
            for (place, byte) in bytes[..count].iter().enumerate() {
                (low[place], high[place]) = self.pair(*byte);
            }
            self.join.run(&low[..count], &high[..count], &mut pairs[..2 * count]);
            written += 2 * count;
        }
        written
    }

    /// A byte to one sample of each band, 15 bits.
    fn pair(&mut self, byte: u8) -> (i32, i32) {
        (self.low.decode(byte & 0x3F), self.high.decode(byte >> 6))
    }
}

#[cfg(test)]
mod tests;
