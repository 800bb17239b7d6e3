//! One direction of one leg: payload to samples, samples to payload, with whatever the codec remembers between packets.
//! Made on a command; nothing in here allocates afterwards.

use super::Rate;
use crate::media::command::Codec;

/// Largest payload that an encoder makes for 20 ms, bytes: four times Opus at our highest bit rate, twice G.711.
pub const PAYLOAD_BYTES: usize = 320;

/// Payload to samples.
#[derive(Debug)]
pub enum Decoder {
    /// One byte, one sample; no memory.
    G711(Codec),
}

/// Samples to payload.
#[derive(Debug)]
pub enum Encoder {
    /// One sample, one byte; no memory.
    G711(Codec),
}

impl Decoder {
    /// A decoder that has heard nothing. `wanted` is the rate that its listener would like best: Opus decodes to any,
    /// the others have one of their own. See `rate`.
    pub fn new(codec: Codec, wanted: Rate) -> Decoder {
        let _ = wanted;
        Decoder::G711(codec)
    }

    /// The rate of the samples that come out.
    pub fn rate(&self) -> Rate {
        match self {
            Decoder::G711(_) => Rate::Narrow,
        }
    }

    /// Decodes the packet that follows the last one; returns the number of samples written. A packet may last from 2.5
    /// to 120 ms: `Rate::LONGEST` samples hold any. What does not fit is lost; what cannot be decoded gives 0.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        match self {
            Decoder::G711(codec) => codec.decode(payload, samples),
        }
    }

    /// Fills `samples` in place of a lost packet with what the codec itself makes of its memory. False, and `samples`
    /// as they were, if it has no such thing (all but Opus).
    pub fn conceal(&mut self, samples: &mut [i16]) -> bool {
        let _ = samples;
        match self {
            Decoder::G711(_) => false,
        }
    }

    /// Fills `samples` in place of a lost packet with the copy that the packet after it carries (Opus' LBRR, RFC 6716
    /// §2.1.7); `decode` that packet next. False, and `samples` as they were, if `next` has no copy.
    pub fn recover(&mut self, next: &[u8], samples: &mut [i16]) -> bool {
        let _ = (next, samples);
        match self {
            Decoder::G711(_) => false,
        }
    }
}

impl Encoder {
    /// An encoder that has said nothing. `offered` is the rate that its source would give best: Opus takes any, the
    /// others have one of their own. See `rate`.
    pub fn new(codec: Codec, offered: Rate) -> Encoder {
        let _ = offered;
        Encoder::G711(codec)
    }

    /// The rate of the samples to put in.
    pub fn rate(&self) -> Rate {
        match self {
            Encoder::G711(_) => Rate::Narrow,
        }
    }

    /// Encodes 20 ms, `rate().frame()` samples; returns the bytes of payload, which `PAYLOAD_BYTES` hold.
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        match self {
            Encoder::G711(codec) => codec.encode(samples, payload),
        }
    }

    /// What the peer loses of what we send, in 1/256 (RFC 3550 §6.4.1). Opus adds copies by it.
    pub fn peer_loses(&mut self, fraction: u8) {
        let _ = fraction;
        match self {
            Encoder::G711(_) => {}
        }
    }
}
