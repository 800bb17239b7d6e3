//! Digits by tone in what a stream receives, whatever its codec.

use super::codec::{Decoder, Rate, Resampler};
use super::command::Codec;
use super::dtmf::tone;
use super::limits::SEQUENCE_MISORDER;
use super::timeline::Incoming;

/// What a detector needs before it: linear audio at 8 kHz, in order.
#[derive(Debug)]
pub struct Ear {
    decoder: Decoder,
    /// G.722 is decoded to 16 kHz.
    resampler: Option<Resampler>,
    tones: tone::Detector,
    /// SSRC and sequence number that would continue what was heard.
    expects: Option<(u32, u16)>,
}

impl Ear {
    pub fn new(codec: Codec) -> Ear {
        let decoder = Decoder::new(codec, Rate::Narrow);
        let resampler = Resampler::between(decoder.rate(), Rate::Narrow);
        Ear { decoder, resampler, tones: tone::Detector::new(), expects: None }
    }

    /// A key sounds still.
    pub fn is_busy(&self) -> bool {
        self.tones.is_down()
    }

    /// Hears a packet and reports the digits in it. A late packet is left out: what followed it was heard already.
    pub fn hear(&mut self, incoming: &Incoming, payload: &[u8], report: impl FnMut(char)) {
        let Incoming { ssrc, sequence, .. } = *incoming;
        let ahead = match self.expects {
            Some((source, expected)) if source == ssrc => sequence.wrapping_sub(expected) as i16,
            _ => i16::MAX,
        };
        if (-SEQUENCE_MISORDER..0).contains(&ahead) {
            return;
        }
        if ahead != 0 {
            self.tones.interrupt();
        }
        self.expects = Some((ssrc, sequence.wrapping_add(1)));
        let mut samples = [0; LONGEST];
        let count = self.decoder.decode(payload, &mut samples);
        match &mut self.resampler {
            None => self.tones.feed(&samples[..count], report),
            Some(resampler) => {
                let mut narrow = [0; LONGEST / 2];
                let count = resampler.run(&samples[..count], &mut narrow);
                self.tones.feed(&narrow[..count], report);
            }
        }
    }
}

/// Samples of the longest packet that a datagram of `DATAGRAM_BYTES` can hold, G.722's two to a byte.
const LONGEST: usize = 2 * super::limits::DATAGRAM_BYTES;
