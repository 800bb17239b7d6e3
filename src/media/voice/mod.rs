//! One stream heard by samples: packets come when they come, a frame of 20 ms goes out at each tick.
//!
//! A packet's way: `jitter` holds it until its time; it is decoded to the end of a line of samples, made shorter or
//! longer there if the delay is off (`stretch`); what is missing is filled by the codec or by `conceal`, and silence with
//! `comfort` noise. All memory is taken when the voice is made.

mod between;
mod comfort;
mod conceal;
mod delay;
mod jitter;
pub mod limits;
mod pitch;
mod stretch;

use std::time::Duration;

use self::comfort::Noise;
use self::conceal::{Concealer, Why};
use self::jitter::{Jitter, Next};
use self::limits::{EXCESS, NOISE_LASTS};
use self::stretch::Loudness;
use super::codec::{Decoder, Rate};
use super::command::Codec;
use super::limits::FRAME;
pub use super::timeline::Incoming;
use crate::moment::Moment;

/// Played samples that are remembered, in samples at 8 kHz: what concealment repeats, or stretching.
const HISTORY: usize = 400;
const _: () =
    assert!(HISTORY >= conceal::HISTORY && HISTORY >= stretch::HISTORY && HISTORY >= between::BEFORE);

/// Samples after them at most, at 8 kHz: what is left of a frame, the longest packet of 120 ms, a period added.
const AHEAD: usize = 160 + 960 + stretch::MOST_ADDED;

/// After a change of pace so many packets pass unchanged.
const PACE_RESTS: u8 = 1;

/// Beyond this excess pace is changed with every packet, µs.
const FAR: i64 = 80_000;

/// Power of silence: below it nobody hears where something is taken out.
const SILENT: f32 = 64.0 * 64.0;

/// What a voice did with its packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Packets that were not there when their turn came.
    pub lost: u64,
    /// Packets that came after their turn.
    pub late: u64,
    pub duplicates: u64,
    /// Packets given up because they were too old to be played.
    pub dropped: u64,
    pub restarts: u64,
    /// Samples made up because audio was missing.
    pub concealed: u64,
    /// Samples taken out, and put in, to keep the delay.
    pub shortened: u64,
    pub lengthened: u64,
    /// The delay aimed at.
    pub target: Duration,
}

/// A stream's audio as samples.
#[derive(Debug)]
pub struct Voice {
    jitter: Jitter,
    decoder: Decoder,
    codec: Codec,
    rate: Rate,
    /// Samples for each one at 8 kHz.
    fold: usize,
    /// RTP units in a second.
    clock: u32,
    /// `HISTORY` played samples, the last frame at their end, then those to be played, up to `end`.
    line: Box<[i16]>,
    end: usize,
    concealer: Concealer,
    noise: Noise,
    /// The sender describes the noise of its pauses, so they may last.
    described: bool,
    /// Frames since the last packet.
    absent: u32,
    pace_rests: u8,
    silent_gaps: bool,
    /// The last tick that was asked for.
    tick: Option<u64>,
    concealed: u64,
    shortened: u64,
    lengthened: u64,
}

impl Voice {
    /// `wanted`: the rate its listeners would like best. `seed` is for the noise.
    pub fn new(codec: Codec, wanted: Rate, seed: u32) -> Self {
        let decoder = Decoder::new(codec, wanted);
        let rate = decoder.rate();
        let fold = (rate.hertz() / Rate::Narrow.hertz()) as usize;
        Voice {
            jitter: Jitter::new(codec.clock_rate()),
            decoder,
            codec,
            rate,
            fold,
            clock: codec.clock_rate(),
            line: vec![0; (HISTORY + AHEAD) * fold].into(),
            end: HISTORY * fold,
            concealer: Concealer::new(fold),
            noise: Noise::new(seed),
            described: false,
            absent: 0,
            pace_rests: 0,
            silent_gaps: false,
            tick: None,
            concealed: 0,
            shortened: 0,
            lengthened: 0,
        }
    }

    /// The same with silence in its gaps: what concealment is measured against.
    pub fn with_silent_gaps(self) -> Self {
        Voice { silent_gaps: true, ..self }
    }

    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// Rate of the frames.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// A packet of audio came.
    pub fn packet(&mut self, now: Moment, incoming: &Incoming, payload: &[u8]) {
        if !payload.is_empty() {
            self.jitter.put(now, incoming, payload);
        }
    }

    /// A packet of comfort noise came (RFC 3389): the source pauses.
    pub fn comfort(&mut self, incoming: &Incoming, payload: &[u8]) {
        self.jitter.put_other(incoming);
        self.noise.described(payload);
        self.described = true;
    }

    /// A packet of something else came, which takes a number in the sequence.
    pub fn other(&mut self, incoming: &Incoming) {
        self.jitter.put_other(incoming);
    }

    /// The frame of 20 ms of this tick (a tick is 20 ms; `due` is its time at whoever asks). The first who asks makes it, the
    /// others of the same tick get the same. Ticks that nobody asked for are passed over, and so is their audio.
    pub fn frame(&mut self, tick: u64, due: Moment) -> &[i16] {
        match self.tick {
            Some(last) if tick <= last => return self.played(),
            Some(last) if tick > last + 1 => self.pass(due, tick - last - 1),
            _ => {}
        }
        self.tick = Some(tick);
        self.jitter.aim();
        let length = self.rate.frame();
        let start = HISTORY * self.fold;
        while self.end < start + length {
            self.extend(due, start + length - self.end);
        }
        self.line.copy_within(length..self.end, 0);
        self.end -= length;
        self.played()
    }

    pub fn figures(&self) -> Figures {
        let counts = self.jitter.counts();
        Figures {
            lost: counts.lost,
            late: counts.late,
            duplicates: counts.duplicates,
            dropped: counts.dropped,
            restarts: counts.restarts,
            concealed: self.concealed,
            shortened: self.shortened,
            lengthened: self.lengthened,
            target: self.jitter.delays().target_delay(),
        }
    }

    fn played(&self) -> &[i16] {
        let start = HISTORY * self.fold;
        &self.line[start - self.rate.frame()..start]
    }

    /// Nobody asked for so many ticks.
    fn pass(&mut self, due: Moment, ticks: u64) {
        let units = ticks.saturating_mul(u64::from(self.clock / 50)).min(u64::from(u32::MAX / 2));
        self.jitter.skip(due, units as u32);
    }

    /// Puts more samples to the line's end: a packet, or something in place of the `wanted` ones.
    fn extend(&mut self, due: Moment, wanted: usize) {
        match self.jitter.take(due) {
            Next::Packet { payload, skip, excess } => {
                let made = self.decoder.decode(payload, &mut self.line[self.end..]);
                let units = units(made, self.rate, self.clock);
                self.jitter.played(units.saturating_sub(skip));
                let skip = samples(skip, self.rate, self.clock);
                if made > skip {
                    self.line.copy_within(self.end + skip..self.end + made, self.end);
                    self.decoded(made - skip, excess);
                } else if made == 0 {
                    self.jitter.played(self.clock / 50);
                    self.conceal(wanted.max(self.rate.frame()), Why::Missing);
                }
            }
            Next::Lost { units, next } => {
                let count = samples(units, self.rate, self.clock).max(1);
                // As much of the packet after the gap as concealment takes stands where it will be.
                let (place, rest) = self.line[self.end..].split_at_mut(count);
                let rest = &mut rest[..between::AFTER * self.fold];
                if next.is_some_and(|next| self.decoder.recover(next, place)) {
                    self.concealer.over();
                    self.end += count;
                } else {
                    let known = next.map_or(0, |next| self.decoder.foretell(next, rest));
                    self.conceal_until(count, known);
                }
            }
            Next::Late => {
                self.absent += 1;
                self.conceal(self.rate.frame(), Why::Missing);
            }
            Next::Pause => {
                self.absent += 1;
                self.pause(wanted);
            }
        }
    }

    /// `count` samples of a packet stand at the line's end, not yet counted in.
    fn decoded(&mut self, count: usize, excess: i64) {
        let fresh = &mut self.line[self.end..self.end + count];
        let power = comfort::power(fresh);
        if self.concealer.is_filling() {
            self.concealer.rejoin(fresh, &mut self.noise);
        } else if self.absent == 0 {
            self.noise.learn(fresh, power);
        }
        self.absent = 0;
        // The other packets of its pattern are taken up to 20 ms less a step earlier before they are played than this one.
        let step = samples(self.jitter.step(), self.rate, self.clock).max(1);
        let pending = self.end - HISTORY * self.fold;
        let earliest = pending - pending % step + step;
        let ahead = (earliest as i64 - self.rate.frame() as i64) * 1_000_000 / i64::from(self.rate.hertz());
        self.noise.awake();
        self.end += count;
        self.keep_pace(power, excess + ahead);
    }

    /// Shortens or lengthens what is to be played, if the delay is off.
    fn keep_pace(&mut self, power: f32, excess: i64) {
        if self.pace_rests > 0 && excess < FAR {
            self.pace_rests -= 1;
            return;
        }
        let quiet = power < SILENT || self.noise.is_background(power);
        let loudness = if quiet { Loudness::Quiet } else { Loudness::Heard };
        let start = HISTORY * self.fold;
        if excess > EXCESS.as_micros() as i64 {
            let removed = stretch::shorten(&mut self.line, start, self.end, loudness, self.fold);
            self.end -= removed;
            self.shortened += removed as u64;
        } else if excess < 0 {
            let added = stretch::lengthen(&mut self.line, start, self.end, loudness, self.fold);
            self.end += added;
            self.lengthened += added as u64;
        } else {
            return;
        }
        self.pace_rests = PACE_RESTS;
    }

    fn conceal(&mut self, count: usize, why: Why) {
        self.concealed += count as u64;
        if self.silent_gaps {
            self.line[self.end..self.end + count].fill(0);
        } else if self.decoder.conceal(&mut self.line[self.end..self.end + count]) {
            self.concealer.over();
        } else {
            self.concealer.fill(&mut self.line, self.end, count, why, &mut self.noise);
        }
        self.end += count;
    }

    /// Conceals `count` samples, after which `known` ones of what follows stand in the line.
    fn conceal_until(&mut self, count: usize, known: usize) {
        if self.silent_gaps || !between::can_fill(count, known, self.fold) {
            return self.conceal(count, Why::Missing);
        }
        let filled = self.concealer.is_filling();
        if filled {
            self.conceal(count, Why::Missing);
        } else {
            self.concealed += count as u64;
            self.end += count;
        }
        between::fill(&mut self.line, self.end - count..self.end, filled, self.fold);
        self.concealer.over();
    }

    /// Fills a silence of the source: with noise while that may be expected, then with nothing.
    fn pause(&mut self, count: usize) {
        let lasts = (NOISE_LASTS.as_millis() / FRAME.as_millis()) as u32;
        if !self.described && self.absent == lasts {
            self.noise.fade(self.rate.hertz());
        }
        self.concealer.fill(&mut self.line, self.end, count, Why::Pause, &mut self.noise);
        self.end += count;
    }
}

/// RTP units as samples.
fn samples(units: u32, rate: Rate, clock: u32) -> usize {
    (u64::from(units) * u64::from(rate.hertz()) / u64::from(clock)) as usize
}

/// Samples as RTP units.
fn units(samples: usize, rate: Rate, clock: u32) -> u32 {
    (samples as u64 * u64::from(clock) / u64::from(rate.hertz())) as u32
}

#[cfg(test)]
mod tests;
