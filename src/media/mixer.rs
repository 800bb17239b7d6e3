//! What one listener hears of several: their frames are added, kept within what a sample holds, and encoded once.
//! Transcoding is a mix of one.

use super::codec::{Encoder, Rate, Resampler};
use super::command::Codec;
use super::voice::limits::SOURCES;

/// A source fades in over so much of its first frame, samples at 8 kHz: 10 ms.
const RAMP: usize = 80;

/// What is kept of a source's end, to fade it out when it goes, samples at the highest rate: 5 ms.
const TAIL: usize = 240;

/// The loudest sample that a sum is brought down to: a dB below what a sample holds.
const LOUDEST: f32 = 29_000.0;

/// How much the gain may rise again in each frame: back from half in a second.
const RELEASE: f32 = 0.01;

/// The gain falls over so much of a frame, samples at 8 kHz: 2.5 ms.
const ATTACK: usize = 20;

/// A sum that is louder than this while the gain still falls is bent instead of cut.
const KNEE: f32 = 24_000.0;

/// One of those heard.
#[derive(Debug)]
struct Heard {
    slot: usize,
    /// It has not been heard yet.
    fresh: bool,
    /// Its voice comes at another rate than the mix's.
    resampler: Option<Box<Resampler>>,
    /// The end of its last frame.
    tail: [i16; TAIL],
}

/// What one listener hears of several streams.
#[derive(Debug)]
pub struct Mix {
    heard: [Option<Heard>; SOURCES],
    codec: Codec,
    encoder: Encoder,
    /// The frame under way.
    sum: [i32; Rate::LONGEST_FRAME],
    /// What is left of those who went since the last frame.
    leaving: [i32; TAIL],
    limiter: Limiter,
    /// The telephone-events of those heard are passed on.
    pub digits: bool,
    /// The one heard is a peer, to be relayed if both should ever speak one codec.
    pub of_peer: bool,
}

impl Mix {
    /// A mix for a listener of `codec`, of nobody yet. `offered`: the best rate among those who will be heard.
    pub fn new(codec: Codec, offered: Rate) -> Self {
        Mix {
            heard: Default::default(),
            codec,
            encoder: Encoder::new(codec, offered),
            sum: [0; Rate::LONGEST_FRAME],
            leaving: [0; TAIL],
            limiter: Limiter { gain: 1.0 },
            digits: false,
            of_peer: false,
        }
    }

    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The rate at which a listener of `codec` would hear sources of at best `offered`.
    pub fn rate_for(codec: Codec, offered: Rate) -> Rate {
        codec.rate_for(offered)
    }

    /// Rate of the frames that are added.
    pub fn rate(&self) -> Rate {
        self.encoder.rate()
    }

    /// The slots of those heard.
    pub fn slots(&self) -> [Option<usize>; SOURCES] {
        std::array::from_fn(|place| self.heard[place].as_ref().map(|heard| heard.slot))
    }

    /// Hears one more; false if there is no room. Who is heard already stays as they are.
    pub fn add(&mut self, slot: usize) -> bool {
        if self.heard.iter().flatten().any(|heard| heard.slot == slot) {
            return true;
        }
        let room = self.heard.iter_mut().find(|heard| heard.is_none());
        let Some(place) = room else { return false };
        *place = Some(Heard { slot, fresh: true, resampler: None, tail: [0; TAIL] });
        true
    }

    /// From now on the voice in `slot`, if it is heard, comes at this rate.
    pub fn comes_at(&mut self, slot: usize, rate: Rate) {
        let to = self.rate();
        let Some(heard) = self.heard.iter_mut().flatten().find(|heard| heard.slot == slot) else { return };
        let from = heard.resampler.as_ref().map_or(to, |resampler| resampler.from());
        if from != rate {
            heard.resampler = Resampler::between(rate, to).map(Box::new);
        }
    }

    /// Hears one less: what was last heard of them runs backwards and fades, so that nothing clicks.
    pub fn remove(&mut self, slot: usize) {
        self.fade(slot);
        for place in &mut self.heard {
            *place = place.take().filter(|heard| heard.slot != slot);
        }
    }

    /// The one in `slot` breaks off: what was last heard of them fades as if they had gone, and what they say next fades in.
    pub fn breaks_off(&mut self, slot: usize) {
        self.fade(slot);
        for heard in self.heard.iter_mut().flatten().filter(|heard| heard.slot == slot) {
            heard.fresh = true;
        }
    }

    fn fade(&mut self, slot: usize) {
        let length = TAIL.min(self.rate().frame() / 4);
        for heard in self.heard.iter().flatten().filter(|heard| heard.slot == slot) {
            for (at, sum) in self.leaving[..length].iter_mut().enumerate() {
                let sample = i32::from(heard.tail[length - 1 - at]);
                *sum += sample * (length - at) as i32 / (length + 1) as i32;
            }
        }
    }

    /// Begins a frame.
    pub fn begin(&mut self) {
        let length = self.rate().frame();
        let tail = TAIL.min(length);
        self.sum[..length].fill(0);
        self.sum[..tail].copy_from_slice(&self.leaving[..tail]);
        self.leaving.fill(0);
    }

    /// Adds the frame of the one at `place` of `slots`, at the rate that it `comes_at`.
    pub fn hear(&mut self, place: usize, frame: &[i16]) {
        let length = self.rate().frame();
        let Some(heard) = &mut self.heard[place] else { return };
        let mut at_our_rate = [0; Rate::LONGEST_FRAME];
        let frame = match &mut heard.resampler {
            None => frame,
            Some(resampler) => {
                let count = resampler.run(frame, &mut at_our_rate);
                &at_our_rate[..count]
            }
        };
        let ramp = if heard.fresh { RAMP * length / Rate::Narrow.frame() } else { 0 };
        for (at, (sum, sample)) in self.sum[..ramp].iter_mut().zip(frame).enumerate() {
            *sum += i32::from(*sample) * at as i32 / ramp as i32;
        }
        for (sum, sample) in self.sum[ramp..length].iter_mut().zip(frame.iter().skip(ramp)) {
            *sum += i32::from(*sample);
        }
        heard.fresh = false;
        let tail = TAIL.min(length / 4);
        if let Some(end) = frame.len().checked_sub(tail) {
            heard.tail[..tail].copy_from_slice(&frame[end..]);
        }
    }

    /// Ends a frame; returns the bytes of its payload.
    pub fn end(&mut self, payload: &mut [u8]) -> usize {
        let length = self.rate().frame();
        let mut samples = [0; Rate::LONGEST_FRAME];
        self.limiter.limit(&self.sum[..length], &mut samples[..length]);
        self.encoder.encode(&samples[..length], payload)
    }

    /// What the listener loses of what we send, in 1/256.
    pub fn listener_loses(&mut self, fraction: u8) {
        self.encoder.peer_loses(fraction);
    }
}

/// Brings sums down that a sample cannot hold. One voice passes as it is, to the bit.
#[derive(Debug)]
struct Limiter {
    gain: f32,
}

impl Limiter {
    fn limit(&mut self, sum: &[i32], samples: &mut [i16]) {
        let peak = sum.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
        if self.gain >= 1.0 && peak <= i16::MAX as u32 {
            for (sample, value) in samples.iter_mut().zip(sum) {
                *sample = *value as i16;
            }
            return;
        }
        let bearable = (LOUDEST / peak.max(1) as f32).min(1.0);
        let before = self.gain;
        self.gain = bearable.min(before + RELEASE);
        let falls = self.gain < before;
        let ramp = if falls { ATTACK * sum.len() / Rate::Narrow.frame() } else { sum.len() };
        for (at, (sample, value)) in samples.iter_mut().zip(sum).enumerate() {
            let part = (at + 1).min(ramp) as f32 / ramp as f32;
            let value = *value as f32 * (before + (self.gain - before) * part);
            *sample = if falls { bent(value) } else { value } as i16;
        }
    }
}

/// Never reaches the largest sample, and has no corner.
fn bent(value: f32) -> f32 {
    let over = value.abs() - KNEE;
    if over <= 0.0 {
        return value;
    }
    let room = f32::from(i16::MAX) - KNEE;
    (KNEE + room * over / (room + over)).copysign(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::Law;

    fn tone(hertz: f32, loud: f32, from: usize) -> Vec<i16> {
        let at = |n: usize| ((from + n) as f32 * hertz / 8_000.0 * std::f32::consts::TAU).sin() * loud;
        (0..160).map(|n| at(n) as i16).collect()
    }

    /// Frames of a mix, decoded.
    fn mixed(mix: &mut Mix, frames: &[(usize, &[i16])]) -> Vec<i16> {
        mix.begin();
        frames.iter().for_each(|(place, frame)| mix.hear(*place, frame));
        let (mut payload, mut samples) = ([0; 160], vec![0; 160]);
        assert_eq!(mix.end(&mut payload), 160);
        Law::Mu.decode(&payload, &mut samples);
        samples
    }

    fn steps(samples: &[i16]) -> i32 {
        samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
    }

    #[test]
    fn one_voice_passes_to_the_bit() {
        let mut mix = Mix::new(Codec::Pcmu, Rate::Narrow);
        assert!(mix.add(4) && mix.add(4));
        let every: Vec<i16> = (0..160).map(|n| Law::Mu.samples()[n + 20]).collect();
        mixed(&mut mix, &[(0, &every)]);
        assert_eq!(mixed(&mut mix, &[(0, &every)]), every);
    }

    #[test]
    fn a_loud_sum_is_brought_down_without_being_cut() {
        let mut limiter = Limiter { gain: 1.0 };
        let mut heard = Vec::new();
        for frame in 0..10 {
            let sum: Vec<i32> =
                tone(200.0, 20_000.0, frame * 160).iter().map(|sample| i32::from(*sample) * 4).collect();
            let mut samples = [0; 160];
            limiter.limit(&sum, &mut samples);
            heard.extend(samples);
        }
        assert!(heard.iter().all(|sample| sample.unsigned_abs() < i16::MAX as u16));
        let settled: Vec<i16> = heard[320..].to_vec();
        let pure = tone(200.0, LOUDEST, 0);
        assert!((0..160).all(|n| (i32::from(settled[n]) - i32::from(pure[n])).abs() < 300));
        let mut quiet = [0; 160];
        (0..120).for_each(|_| limiter.limit(&[100; 160], &mut quiet));
        assert_eq!(quiet, [100; 160], "the gain comes back");
    }

    #[test]
    fn who_comes_and_who_goes_does_not_click() {
        let mut mix = Mix::new(Codec::Pcmu, Rate::Narrow);
        mix.add(1);
        mix.add(2);
        let mut heard = Vec::new();
        for frame in 0..3 {
            let (a, b) = (tone(200.0, 8_000.0, frame * 160 + 50), tone(310.0, 8_000.0, frame * 160 + 31));
            heard.extend(mixed(&mut mix, &[(0, &a), (1, &b)]));
        }
        mix.remove(1);
        heard.extend(mixed(&mut mix, &[(1, &tone(310.0, 8_000.0, 480 + 31))]));
        mix.remove(2);
        heard.extend(mixed(&mut mix, &[]));
        assert!(heard[..640].iter().any(|sample| *sample > 12_000));
        assert!(steps(&heard) < 4_600, "{}", steps(&heard));
        assert!(heard[700..].iter().all(|sample| *sample == 0));
    }

    #[test]
    fn beyond_the_limit_nobody_is_added() {
        let mut mix = Mix::new(Codec::Pcma, Rate::Narrow);
        assert!((0..SOURCES).all(|slot| mix.add(slot)));
        assert!(!mix.add(SOURCES));
        mix.remove(3);
        assert!(mix.add(SOURCES));
    }
}
