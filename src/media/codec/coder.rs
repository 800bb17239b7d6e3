//! One direction of one leg: payload to samples, samples to payload, with whatever the codec remembers between packets.
//! Made on a command; nothing in here allocates afterwards.

use super::{Law, Rate, g722, opus};
use crate::media::command::Codec;

/// Largest payload that an encoder makes for 20 ms, bytes: four times Opus at our highest bit rate, twice G.711.
pub const PAYLOAD_BYTES: usize = 320;

/// Payload to samples.
#[derive(Debug)]
pub enum Decoder {
    /// One byte, one sample; no memory.
    G711(Law),
    G722(Box<g722::Decoder>),
    /// By libopus, which keeps its state in a block of its own.
    Opus(opus::Decoder),
}

/// Samples to payload.
#[derive(Debug)]
pub enum Encoder {
    /// One sample, one byte; no memory.
    G711(Law),
    G722(Box<g722::Encoder>),
    /// By libopus, which keeps its state in a block of its own.
    Opus(opus::Encoder),
}

impl Decoder {
    /// A decoder that has heard nothing. `wanted` is the rate that its listener would like best: Opus decodes to any,
    /// the others have one of their own. See `rate`.
    pub fn new(codec: Codec, wanted: Rate) -> Decoder {
        match codec {
            Codec::Pcmu => Decoder::G711(Law::Mu),
            Codec::Pcma => Decoder::G711(Law::A),
            Codec::G722 => Decoder::G722(Box::default()),
            Codec::Opus => Decoder::Opus(opus::Decoder::new(wanted)),
        }
    }

    /// The rate of the samples that come out.
    pub fn rate(&self) -> Rate {
        match self {
            Decoder::G711(_) => Rate::Narrow,
            Decoder::G722(_) => Rate::Wide,
            Decoder::Opus(decoder) => decoder.rate(),
        }
    }

    /// Decodes the packet that follows the last one; returns the number of samples written. A packet may last from 2.5
    /// to 120 ms: `Rate::LONGEST` samples hold any. What cannot be decoded, or is Opus and does not fit, gives 0; of the
    /// other codecs what does not fit is lost.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        match self {
            Decoder::G711(law) => law.decode(payload, samples),
            Decoder::G722(decoder) => decoder.decode(payload, samples),
            Decoder::Opus(decoder) => decoder.decode(payload, samples),
        }
    }

    /// What `decode` will make of the packet that it gets next, without hearing it yet: as many samples as both sides
    /// hold. 0 for Opus, whose state cannot be had twice (it has concealment of its own).
    pub fn foretell(&self, next: &[u8], samples: &mut [i16]) -> usize {
        match self {
            Decoder::G711(law) => law.decode(next, samples),
            Decoder::G722(decoder) => g722::Decoder::clone(decoder).decode(next, samples),
            Decoder::Opus(_) => 0,
        }
    }

    /// Fills `samples`, whole frames of 2.5 ms, in place of a lost packet with what the codec itself makes of its
    /// memory. False if it has no such thing (all but Opus).
    pub fn conceal(&mut self, samples: &mut [i16]) -> bool {
        match self {
            Decoder::G711(_) | Decoder::G722(_) => false,
            Decoder::Opus(decoder) => decoder.conceal(samples),
        }
    }

    /// Fills `samples`, as long as the lost packet was, with the copy that the packet after it carries (Opus' LBRR, RFC
    /// 6716 §2.1.7); `decode` that packet next. Where `next` has no copy this is `conceal`.
    pub fn recover(&mut self, next: &[u8], samples: &mut [i16]) -> bool {
        match self {
            Decoder::G711(_) | Decoder::G722(_) => false,
            Decoder::Opus(decoder) => decoder.recover(next, samples),
        }
    }
}

impl Encoder {
    /// An encoder that has said nothing. `offered` is the rate that its source would give best: Opus takes any, the
    /// others have one of their own. See `rate`.
    pub fn new(codec: Codec, offered: Rate) -> Encoder {
        match codec {
            Codec::Pcmu => Encoder::G711(Law::Mu),
            Codec::Pcma => Encoder::G711(Law::A),
            Codec::G722 => Encoder::G722(Box::default()),
            Codec::Opus => Encoder::Opus(opus::Encoder::new(offered)),
        }
    }

    /// The rate of the samples to put in.
    pub fn rate(&self) -> Rate {
        match self {
            Encoder::G711(_) => Rate::Narrow,
            Encoder::G722(_) => Rate::Wide,
            Encoder::Opus(encoder) => encoder.rate(),
        }
    }

    /// Encodes 20 ms, `rate().frame()` samples; returns the bytes of payload, which `PAYLOAD_BYTES` hold.
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        match self {
            Encoder::G711(law) => law.encode(samples, payload),
            Encoder::G722(encoder) => encoder.encode(samples, payload),
            Encoder::Opus(encoder) => encoder.encode(samples, payload),
        }
    }

    /// What the peer loses of what we send, in 1/256 (RFC 3550 §6.4.1). Opus adds copies by it.
    pub fn peer_loses(&mut self, fraction: u8) {
        match self {
            Encoder::G711(_) | Encoder::G722(_) => {}
            Encoder::Opus(encoder) => encoder.peer_loses((u32::from(fraction) * 100 / 256) as u8),
        }
    }
}

#[cfg(test)]
mod tests;
