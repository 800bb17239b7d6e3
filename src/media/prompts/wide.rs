//! Prompts in the codecs that take time: encoded after the library is in use, by a thread of their own.
//!
//! G.711 of a prompt is a table look-up for each sample; G.722 and Opus of the demonstration bank's six minutes take
//! seconds (`benches/codecs.rs`). A server that waited for them would not be open in half a second.

use super::{Library, RATE};
use crate::media::codec::coder::PAYLOAD_BYTES;
use crate::media::codec::{Encoder, Rate, Resampler};
use crate::media::command::Codec;

/// One prompt in one codec.
#[derive(Debug, Default)]
pub struct Encoded {
    payload: Box<[u8]>,
    /// Where each frame ends in `payload`.
    ends: Box<[u32]>,
}

/// All prompts, in the library's order.
#[derive(Debug, Default)]
pub struct Wide {
    g722: Vec<Encoded>,
    opus: Vec<Encoded>,
}

/// What the prompts sound like before they are encoded.
#[derive(Debug)]
pub struct Masters(pub(super) Vec<Master>);

/// One prompt's samples.
#[derive(Debug)]
pub struct Master {
    pub rate: Rate,
    pub samples: Vec<i16>,
}

impl Wide {
    /// A frame's payload; `None` if the prompt, or the frame, is not there.
    pub fn frame(&self, prompt: usize, codec: Codec, place: usize) -> Option<&[u8]> {
        let prompts = match codec {
            Codec::G722 => &self.g722,
            Codec::Opus => &self.opus,
            Codec::Pcma | Codec::Pcmu => return None,
        };
        prompts.get(prompt)?.frame(place)
    }
}

impl Encoded {
    fn frame(&self, place: usize) -> Option<&[u8]> {
        let end = *self.ends.get(place)? as usize;
        let start = if place == 0 { 0 } else { self.ends[place - 1] as usize };
        self.payload.get(start..end)
    }
}

impl Masters {
    /// Encodes all of them; from then on `library` has their frames. It takes seconds of a core: for a thread of its own.
    pub fn encode_into(&self, library: &Library) {
        let mut wide = Wide::default();
        for (master, prompt) in self.0.iter().zip(&library.prompts) {
            let frames = prompt.samples.div_ceil(super::FRAME_SAMPLES);
            let samples = master.at_16_khz(frames);
            wide.g722.push(encode(Codec::G722, &samples));
            wide.opus.push(encode(Codec::Opus, &samples));
        }
        // A second set would be equal: the first stays.
        let _ = library.wide.set(wide);
    }
}

impl Master {
    /// As `frames` whole frames.
    fn at_16_khz(&self, frames: usize) -> Vec<i16> {
        let mut samples = match Resampler::between(self.rate, Rate::Wide) {
            None => self.samples.clone(),
            Some(mut resampler) => {
                let factor = (Rate::Wide.hertz() / RATE) as usize;
                let mut samples = vec![0; self.samples.len() * factor];
                resampler.run(&self.samples, &mut samples);
                samples
            }
        };
        samples.resize(frames * Rate::Wide.frame(), 0);
        samples
    }
}

fn encode(codec: Codec, samples: &[i16]) -> Encoded {
    let mut encoder = Encoder::new(codec, Rate::Wide);
    let (mut payload, mut ends) = (Vec::new(), Vec::new());
    for frame in samples.chunks(Rate::Wide.frame()) {
        let mut bytes = [0; PAYLOAD_BYTES];
        let length = encoder.encode(frame, &mut bytes);
        payload.extend_from_slice(&bytes[..length]);
        ends.push(payload.len() as u32);
    }
    Encoded { payload: payload.into_boxed_slice(), ends: ends.into_boxed_slice() }
}
