//! The sound of packets whose codec remembers what came before: G.722 and Opus.
//!
//! A listener may ask for any stretch of a tape, and for the same stretch must always be given the same bytes. So sound
//! is decoded by whole seconds of the tape, each by a decoder that has heard the half second before it and no more.

use std::ops::Range;

use super::timeline::{LONGEST_PACKET, Placed, RATE, Timeline};
use crate::media::codec::{Decoder, Rate, Resampler};
use crate::media::command::Codec;

/// Length of the stretches that are decoded together, samples.
const STRETCH: i64 = RATE as i64;

/// What a decoder hears before its stretch begins, samples: Opus is asked 80 ms by its own container (RFC 7845 §4.6).
const BEFORE: i64 = RATE as i64 / 2;

/// Fills every second sample of `out` from its first with what one side's G.722 and Opus packets sound like in `range`.
pub fn decode(timeline: &Timeline, placed: &[Placed], range: Range<i64>, out: &mut [i16]) {
    let mut start = range.start.div_euclid(STRETCH) * STRETCH;
    while start < range.end {
        stretch(timeline, placed, start, &range, out);
        start += STRETCH;
    }
}

fn stretch(timeline: &Timeline, placed: &[Placed], start: i64, range: &Range<i64>, out: &mut [i16]) {
    let wanted = start.max(range.start)..(start + STRETCH).min(range.end);
    let first = placed.partition_point(|packet| packet.start + LONGEST_PACKET <= start - BEFORE);
    let mut ear: Option<Ear> = None;
    for packet in placed[first..].iter().take_while(|packet| packet.start < wanted.end) {
        let kept = timeline.kept(packet);
        if kept.codec.law().is_some() {
            continue;
        }
        let same = ear.take().filter(|ear| ear.codec == kept.codec && ear.run == packet.run);
        let hears = ear.insert(same.unwrap_or_else(|| Ear::new(kept.codec, packet.run)));
        let mut samples = [0; Rate::LONGEST];
        let count = hears.hear(timeline.tape().payload(kept), &mut samples);
        for (place, sample) in (packet.start..).zip(&samples[..count]) {
            if wanted.contains(&place) {
                out[(place - range.start) as usize * 2] = *sample;
            }
        }
    }
}

/// Payload to samples at the rate of the timeline.
struct Ear {
    codec: Codec,
    run: u32,
    decoder: Decoder,
    resampler: Option<Resampler>,
}

impl Ear {
    fn new(codec: Codec, run: u32) -> Ear {
        let decoder = Decoder::new(codec, Rate::Narrow);
        let resampler = Resampler::between(decoder.rate(), Rate::Narrow);
        Ear { codec, run, decoder, resampler }
    }

    fn hear(&mut self, payload: &[u8], samples: &mut [i16; Rate::LONGEST]) -> usize {
        let Some(resampler) = &mut self.resampler else { return self.decoder.decode(payload, samples) };
        let mut wide = [0; Rate::LONGEST];
        let count = self.decoder.decode(payload, &mut wide);
        resampler.run(&wide[..count], samples)
    }
}
