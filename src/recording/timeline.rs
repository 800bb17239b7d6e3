//! Where each packet belongs in time, so that both sides of a call line up.
//!
//! RTP time orders a side's packets to the sample but starts anywhere; arrival time is common to both sides but jitters.
//! So a side's RTP time is anchored at its least delayed packets: a packet's place is `rtp_time + min(arrival - rtp_time)`,
//! the minimum taken over ten seconds at a time. Clocks that drift are followed by small steps. A jump of the RTP time
//! against the arrival time (another source, a stall) begins a new run with its own anchor.

use super::frame::{PAYLOAD_BYTES, Side};
use super::read::{Kept, Tape};
use super::sound;
use crate::moment::Moment;

/// Samples per second of what is rendered, and the unit of all times here. RTP clocks are whole multiples of it.
pub const RATE: u32 = 8_000;

const MICROS_PER_SAMPLE: i64 = 1_000_000 / RATE as i64;

/// Longest sound rendered, samples: a day. Only a clock gone wild asks for more.
const LONGEST: i64 = 24 * 3_600 * RATE as i64;

/// RTP time and arrival time differ by more than this from one packet to the next: a new run. 500 ms in samples;
/// more than jitter buffers bear, less than any silence between two sources.
const JUMP: i64 = 4_000;

/// The anchor is looked at again so often: 10 s in samples, 500 packets.
const WINDOW: i64 = 80_000;

/// Packets without which a window does not move the anchor: one second's worth.
const WINDOW_PACKETS: usize = 50;

/// The anchor moves when it is off by more than this: 10 ms in samples, half of the 20 ms that we promise.
const DRIFT: i64 = 80;

/// Longest audio after the end mark that is still rendered, samples: packets that were under way.
const OVERHANG: i64 = 4_000;

/// No packet lasts longer, in samples: a datagram full of G.711. Opus ends at 120 ms (RFC 6716 §3.2.5).
pub(super) const LONGEST_PACKET: i64 = PAYLOAD_BYTES as i64;

/// A packet in its place.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// First sample, counted from the tape's start; below zero if it came before.
    pub start: i64,
    /// Packets of one run share an RTP clock and a source.
    pub run: u32,
    index: u32,
    length: u16,
}

impl Placed {
    /// The sample after the last.
    pub fn end(&self) -> i64 {
        self.start + i64::from(self.length)
    }
}

/// A tape, laid out in time.
pub struct Timeline {
    tape: Tape,
    samples: u64,
    caller: Vec<Placed>,
    bank: Vec<Placed>,
}

impl Timeline {
    pub fn new(tape: Tape) -> Timeline {
        let caller = place(&tape, Side::Caller);
        let bank = place(&tape, Side::Bank);
        let heard = caller.iter().chain(&bank).map(Placed::end).max().unwrap_or(0);
        let end = match tape.end() {
            Some((at, _)) => {
                let end = samples_between(tape.header.started, at);
                heard.clamp(end, end + OVERHANG)
            }
            None => heard,
        };
        let samples = end.clamp(0, LONGEST) as u64;
        Timeline { tape, samples, caller, bank }
    }

    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Length in samples of 1/8000 s.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// One side's packets, by their places.
    pub fn side(&self, side: Side) -> &[Placed] {
        match side {
            Side::Caller => &self.caller,
            Side::Bank => &self.bank,
        }
    }

    /// The packet that was placed.
    pub fn kept(&self, placed: &Placed) -> &Kept {
        &self.tape.packets[placed.index as usize]
    }

    /// Sound from sample `from` on, left and right in turns, as long as `out`. Silence where nothing is.
    pub fn stereo(&self, from: u64, out: &mut [i16]) {
        out.fill(0);
        for (channel, side) in [Side::Caller, Side::Bank].into_iter().enumerate() {
            self.mono(side, from as i64, &mut out[channel..]);
        }
    }

    /// Every second sample of `out` from its first.
    fn mono(&self, side: Side, from: i64, out: &mut [i16]) {
        let to = from + out.len().div_ceil(2) as i64;
        let placed = self.side(side);
        // No payload is longer, so nothing before this one reaches into the range.
        let first = placed.partition_point(|packet| packet.start + LONGEST_PACKET <= from);
        let within = || placed[first..].iter().take_while(|packet| packet.start < to);
        for packet in within() {
            let kept = self.kept(packet);
            let Some(law) = kept.codec.law() else { continue };
            for (place, octet) in (packet.start..).zip(self.tape.payload(kept)) {
                if (from..to).contains(&place) {
                    out[(place - from) as usize * 2] = law.samples()[usize::from(*octet)];
                }
            }
        }
        if within().any(|packet| self.kept(packet).codec.law().is_none()) {
            sound::decode(self, placed, from..to, out);
        }
    }
}

/// Samples from one moment to another; negative if it is earlier.
pub fn samples_between(from: Moment, to: Moment) -> i64 {
    let micros = (to.as_micros() as i64).saturating_sub(from.as_micros() as i64);
    micros / MICROS_PER_SAMPLE
}

/// A packet on its run's RTP clock, which has no wraps.
struct Timed {
    index: u32,
    length: u16,
    /// In samples.
    clock: i64,
    arrival: i64,
    run: u32,
    /// Arrived together with the one before, as the rest of a packet that was cut: says nothing about delay.
    rest: bool,
}

fn place(tape: &Tape, side: Side) -> Vec<Placed> {
    let timed = unwrap_clock(tape, side);
    let mut placed = Vec::with_capacity(timed.len());
    for run in timed.chunk_by(|a, b| a.run == b.run) {
        place_run(run, &mut placed);
    }
    placed.sort_by_key(|packet| packet.start);
    placed
}

fn unwrap_clock(tape: &Tape, side: Side) -> Vec<Timed> {
    let mut packets: Vec<(u32, &Kept)> = (0..).zip(&tape.packets).filter(|(_, p)| p.side == side).collect();
    packets.sort_by_key(|(_, packet)| packet.at);
    let mut timed: Vec<Timed> = Vec::with_capacity(packets.len());
    let mut before: Option<&Kept> = None;
    for (index, packet) in packets {
        let arrival = samples_between(tape.header.started, packet.at);
        let ratio = packet.codec.clock_rate() / RATE;
        let length = (packet.codec.lasts(tape.payload(packet)) / ratio) as u16;
        let (clock, run, rest) = match (before, timed.last()) {
            (Some(before), Some(last)) => {
                let step = i64::from(packet.rtp_time.wrapping_sub(before.rtp_time) as i32 / ratio as i32);
                let other = packet.codec.clock_rate() != before.codec.clock_rate();
                let jumped = other || (step - (arrival - last.arrival)).abs() > JUMP;
                let rest = packet.at == before.at && step == i64::from(last.length);
                (last.clock + step, last.run + u32::from(jumped), rest && !jumped)
            }
            _ => (i64::from(packet.rtp_time / ratio), 0, false),
        };
        timed.push(Timed { index, length, clock, arrival, run, rest });
        before = Some(packet);
    }
    timed
}

fn place_run(run: &[Timed], placed: &mut Vec<Placed>) {
    let delay = |packets: &[Timed]| packets.iter().filter(|p| !p.rest).map(|p| p.arrival - p.clock).min();
    let window = |packet: &Timed| (packet.arrival - run[0].arrival) / WINDOW;
    let mut anchor = None;
    for packets in run.chunk_by(|a, b| window(a) == window(b)) {
        let Some(least) = delay(packets) else { continue };
        let moved = anchor.is_some_and(|anchor: i64| (anchor - least).abs() > DRIFT);
        let anchor = match anchor {
            Some(anchor) if !moved || packets.len() < WINDOW_PACKETS => anchor,
            _ => *anchor.insert(least),
        };
        placed.extend(packets.iter().map(|packet| Placed {
            start: packet.clock + anchor,
            run: packet.run,
            index: packet.index,
            length: packet.length,
        }));
    }
}
