//! Codecs: what they are called on the wire, and samples to payload and back.

pub mod g711;

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

    /// Decodes as many bytes as fit into `samples` (8 kHz, 16-bit linear); returns the number of samples written.
    pub fn decode(self, payload: &[u8], samples: &mut [i16]) -> usize {
        todo!()
    }

    /// Encodes as many samples as fit into `payload`; returns the number of bytes written.
    pub fn encode(self, samples: &[i16], payload: &mut [u8]) -> usize {
        todo!()
    }

    /// Turns a payload of this codec into one of `to`, in place.
    pub fn transcode(self, to: Codec, payload: &mut [u8]) {
        todo!()
    }
}
