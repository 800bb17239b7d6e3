//! Codecs: what they are called on the wire, and samples to payload and back.

pub mod coder;
pub mod g711;
pub mod rate;

pub use coder::{Decoder, Encoder};
pub use rate::Rate;

use super::command::Codec;

/// Samples, and G.711 bytes, in one frame of 20 ms at 8 kHz.
pub const FRAME_SAMPLES: usize = 160;

impl Codec {
    /// Every codec there is, in our order of preference (A-law first: it is China's and Europe's).
    pub const ALL: &'static [Codec] = &[Codec::Pcma, Codec::Pcmu];

    /// Encoding name in `a=rtpmap` (RFC 3551 table 4); compared without regard to case.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        }
    }

    /// RTP clock, Hz.
    pub fn clock_rate(self) -> u32 {
        8_000
    }

    /// Payload type that needs no `a=rtpmap` (RFC 3551 table 4).
    pub fn static_payload_type(self) -> u8 {
        match self {
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
        }
    }

    /// The payload byte of silence.
    pub fn silence(self) -> u8 {
        match self {
            Codec::Pcmu => g711::ULAW_SILENCE,
            Codec::Pcma => g711::ALAW_SILENCE,
        }
    }

    /// What each byte of a payload is as a sample (8 kHz, 16-bit linear).
    pub fn samples(self) -> &'static [i16; 256] {
        match self {
            Codec::Pcmu => &g711::ULAW_TO_LINEAR,
            Codec::Pcma => &g711::ALAW_TO_LINEAR,
        }
    }

    /// Decodes as many bytes as fit into `samples` (8 kHz, 16-bit linear); returns the number of samples written.
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
            Codec::Pcmu => g711::linear_to_ulaw,
            Codec::Pcma => g711::linear_to_alaw,
        };
        for (code, sample) in payload.iter_mut().zip(samples) {
            *code = encode(*sample);
        }
        samples.len().min(payload.len())
    }

    /// Turns a payload of this codec into one of `to`, in place.
    pub fn transcode(self, to: Codec, payload: &mut [u8]) {
        let table = match (self, to) {
            (Codec::Pcmu, Codec::Pcma) => &g711::ULAW_TO_ALAW,
            (Codec::Pcma, Codec::Pcmu) => &g711::ALAW_TO_ULAW,
            (Codec::Pcmu, Codec::Pcmu) | (Codec::Pcma, Codec::Pcma) => return,
        };
        for code in payload {
            *code = table[usize::from(*code)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_codec_decodes_what_it_encodes_and_stops_at_the_shorter_side() {
        for codec in Codec::ALL {
            let mut payload = [0; 3];
            assert_eq!(codec.encode(&[0, 8_000, -8_000, 1], &mut payload), 3);
            let mut samples = [0; 2];
            assert_eq!(codec.decode(&payload, &mut samples), 2);
            assert!((i32::from(samples[1]) - 8_000).abs() < 250);
        }
    }

    #[test]
    fn silence_stays_silence_in_the_other_codec() {
        let mut payload = [Codec::Pcmu.silence(); FRAME_SAMPLES];
        Codec::Pcmu.transcode(Codec::Pcma, &mut payload);
        assert!(payload.iter().all(|code| *code == Codec::Pcma.silence()));
    }
}
