//! The jitter buffer: packets as they come, taken out in their order and at their time.
//!
//! Time is the sender's, in RTP units. A packet is played when its delay over the fastest packet reaches the target that
//! `delay` sets: at the beginning, after a pause, and after every new beginning of the source. While it plays, the
//! voice is shortened or lengthened to stay near the target. What is missing when its turn comes, though later packets
//! are there, is lost; when nothing is there, playing waits and grows later.

use super::delay::Delays;
use super::limits::{MOST_DELAY, PATIENCE, PAYLOAD_BYTES, RESTART, SLOTS};
use crate::media::limits::{FRAME, SEQUENCE_JUMP, SEQUENCE_MISORDER};
use crate::media::timeline::Incoming;
use crate::moment::Moment;

/// A gap between two packets in a row that is smaller than this part of a second is a sender's rounding, not a pause.
const ROUNDING: u32 = 200;

/// So many packets may have overtaken the first one of a source.
const OVERTAKEN: i16 = 8;

/// What a buffer counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not there when their turn came.
    pub lost: u64,
    /// Came after their turn (they are among the lost, too), or too long to hold.
    pub late: u64,
    pub duplicates: u64,
    /// Given up because they would have been played later than `MOST_DELAY`, or after a stall of our own.
    pub dropped: u64,
    /// New beginnings of the source: another SSRC, a jump of numbers or of time.
    pub restarts: u64,
}

/// What there is to play.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    Packet {
        payload: &'a [u8],
        /// RTP units at its beginning that have been concealed already.
        skip: u32,
        /// How much more than the target it has been delayed, µs; negative if less.
        excess: i64,
    },
    /// So many RTP units are missing, 20 ms at most. The packet after them, if it follows at once.
    Lost { units: u32, next: Option<&'a [u8]> },
    /// Nothing came in time. What is played instead is time won for what comes.
    Late,
    /// The source says nothing, or the packet that it begins with has not waited long enough.
    Pause,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    sequence: u16,
    timestamp: u32,
    state: State,
    length: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Audio,
    /// A telephone-event or comfort noise: it takes a number, but no time.
    Other,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// No packet came yet.
    Empty,
    /// The next to be played has not waited long enough, or has not come.
    Waiting { ssrc: u32 },
    Playing {
        ssrc: u32,
        /// RTP time of what is played next.
        playout: u32,
        /// RTP units played in place of what was late.
        held: u32,
    },
}

#[derive(Debug)]
pub struct Jitter {
    slots: [Slot; SLOTS],
    /// Apart from the slots, so that looking for a packet touches little memory.
    payloads: Box<[[u8; PAYLOAD_BYTES]]>,
    phase: Phase,
    /// The number to be played next.
    next: u16,
    /// Bit n: the number n before `next` came.
    seen: u64,
    delays: Delays,
    counts: Counts,
    /// What comes until then was kept waiting by ourselves.
    deaf_until: Option<Moment>,
    /// Audio from before this RTP time is not played any more, after a stall of ours.
    stale_before: Option<u32>,
    /// RTP units in 20 ms, and the largest step that both frames and packets are multiples of.
    frame: u32,
    step: u32,
    lasts: u32,
}

impl Jitter {
    /// `clock`: RTP units in a second.
    pub fn new(clock: u32) -> Self {
        Jitter {
            slots: [Slot { sequence: 0, timestamp: 0, state: State::Free, length: 0 }; SLOTS],
            payloads: vec![[0; PAYLOAD_BYTES]; SLOTS].into(),
            phase: Phase::Empty,
            next: 0,
            seen: 0,
            delays: Delays::new(clock),
            counts: Counts::default(),
            deaf_until: None,
            stale_before: None,
            frame: clock / 50,
            step: clock / 50,
            lasts: clock / 50,
        }
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Packets are taken at different distances before they are played if their length and 20 ms have a common step
    /// shorter than 20 ms: RTP units of that step.
    pub fn step(&self) -> u32 {
        self.step
    }

    pub fn delays(&self) -> &Delays {
        &self.delays
    }

    /// Takes a packet of audio.
    pub fn put(&mut self, now: Moment, incoming: &Incoming, payload: &[u8]) {
        if payload.len() > PAYLOAD_BYTES {
            self.counts.late += 1;
            return;
        }
        if incoming.lasts != self.lasts {
            self.lasts = incoming.lasts;
            self.step = common(self.frame, self.lasts);
        }
        if self.begins_anew(now, incoming) {
            self.restart(incoming);
        }
        if self.keep(incoming, State::Audio, payload) && self.deaf_until.is_none_or(|until| now > until) {
            self.delays.came(now, incoming.timestamp);
        }
    }

    /// Takes note of a packet that is not audio, so that its number does not look lost.
    pub fn put_other(&mut self, incoming: &Incoming) {
        let known = match self.phase {
            Phase::Empty => false,
            Phase::Waiting { ssrc } | Phase::Playing { ssrc, .. } => ssrc == incoming.ssrc,
        };
        let ahead = incoming.sequence.wrapping_sub(self.next) as i16;
        if known && (0..SLOTS as i16).contains(&ahead) {
            self.keep(incoming, State::Other, &[]);
        }
    }

    fn begins_anew(&self, now: Moment, incoming: &Incoming) -> bool {
        let (ssrc, waiting) = match self.phase {
            Phase::Empty => return true,
            Phase::Waiting { ssrc } => (ssrc, true),
            Phase::Playing { ssrc, .. } => (ssrc, false),
        };
        let ahead = incoming.sequence.wrapping_sub(self.next) as i16;
        let Some(delay) = self.delays.delay(now, incoming.timestamp) else { return true };
        // A sender whose clock stood still while it was silent comes late for ever: in a pause that costs nothing to mend.
        let most = if waiting && self.head().is_none() { MOST_DELAY } else { RESTART };
        ssrc != incoming.ssrc
            || !(-SEQUENCE_MISORDER..=SEQUENCE_JUMP).contains(&ahead)
            || delay.unsigned_abs() > most.as_micros() as u64
    }

    fn restart(&mut self, incoming: &Incoming) {
        if !matches!(self.phase, Phase::Empty) {
            self.counts.restarts += 1;
        }
        self.slots.iter_mut().for_each(|slot| slot.state = State::Free);
        self.phase = Phase::Waiting { ssrc: incoming.ssrc };
        self.next = incoming.sequence;
        self.seen = 0;
        self.stale_before = None;
        self.delays.restart();
    }

    /// False if it is a duplicate.
    fn keep(&mut self, incoming: &Incoming, state: State, payload: &[u8]) -> bool {
        let mut ahead = incoming.sequence.wrapping_sub(self.next) as i16;
        if (-OVERTAKEN..0).contains(&ahead) && matches!(self.phase, Phase::Waiting { .. }) && self.seen == 0 {
            // Nothing was played yet, and this one was overtaken on its way.
            self.next = incoming.sequence;
            ahead = 0;
        }
        if ahead < 0 {
            let bit = 1u64.checked_shl(u32::from(ahead.unsigned_abs()) - 1).unwrap_or(0);
            let again = self.seen & bit != 0;
            self.seen |= bit;
            *(if again { &mut self.counts.duplicates } else { &mut self.counts.late }) += 1;
            return !again;
        }
        while ahead >= SLOTS as i16 {
            self.give_up_oldest();
            ahead -= 1;
        }
        let place = usize::from(incoming.sequence) % SLOTS;
        let slot = &mut self.slots[place];
        if slot.state != State::Free && slot.sequence == incoming.sequence {
            self.counts.duplicates += 1;
            return false;
        }
        let Incoming { sequence, timestamp, .. } = *incoming;
        *slot = Slot { sequence, timestamp, state, length: payload.len() as u16 };
        self.payloads[place][..payload.len()].copy_from_slice(payload);
        true
    }

    /// Makes room: the number that is next goes unplayed, there or not.
    fn give_up_oldest(&mut self) {
        let there = self.is_there(self.next);
        *(if there { &mut self.counts.dropped } else { &mut self.counts.lost }) += 1;
        self.advance(there);
    }

    /// The turn of `next` is over.
    fn advance(&mut self, came: bool) {
        self.slots[usize::from(self.next) % SLOTS].state = State::Free;
        self.next = self.next.wrapping_add(1);
        self.seen = self.seen << 1 | u64::from(came);
    }

    fn is_there(&self, sequence: u16) -> bool {
        let slot = &self.slots[usize::from(sequence) % SLOTS];
        slot.state != State::Free && slot.sequence == sequence
    }

    /// The first packet of audio from `next` on: how many numbers ahead, and its RTP time.
    fn head(&self) -> Option<(u16, u32)> {
        (0..SLOTS as u16).find_map(|ahead| {
            let sequence = self.next.wrapping_add(ahead);
            let slot = &self.slots[usize::from(sequence) % SLOTS];
            (slot.state == State::Audio && slot.sequence == sequence).then_some((ahead, slot.timestamp))
        })
    }

    /// How much more than the target a packet that is taken at `at` has been delayed, µs.
    fn excess(&self, at: Moment, timestamp: u32) -> i64 {
        self.delays.delay(at, timestamp).unwrap_or(0) - self.delays.target()
    }

    /// The listener's clock went on without playing, by so many RTP units: what is too old by that is given up.
    /// Packets that were kept waiting meanwhile say nothing about the network.
    pub fn skip(&mut self, now: Moment, units: u32) {
        self.deaf_until = Some(now + FRAME);
        if let Phase::Playing { playout, .. } = &mut self.phase {
            let reached = playout.wrapping_add(units);
            *playout = reached;
            self.stale_before = Some(reached);
        }
    }

    /// What is to be played at `at`. The target is set anew with `aim` before a frame.
    pub fn take(&mut self, at: Moment) -> Next<'_> {
        if let Phase::Waiting { ssrc } = self.phase {
            if !self.has_waited(at) {
                return Next::Pause;
            }
            let timestamp = self.head().map_or(0, |(_, timestamp)| timestamp);
            self.phase = Phase::Playing { ssrc, playout: timestamp, held: 0 };
        }
        self.pass_others();
        let head = self.fresh_head(at);
        let Phase::Playing { ssrc, mut playout, held } = self.phase else { return Next::Pause };
        let Some((ahead, timestamp)) = head else { return self.nothing(ssrc, playout, held) };
        // What was played while waiting counts for what was missing meanwhile.
        let gap = timestamp.wrapping_sub(playout) as i32;
        let covered = gap.clamp(0, held as i32) as u32;
        playout = playout.wrapping_add(covered);
        let gap = gap - covered as i32;
        let rounding = (self.frame * 50 / ROUNDING) as i32;
        if gap >= rounding && ahead > 0 {
            let units = gap.min(self.frame as i32) as u32;
            self.phase = Phase::Playing { ssrc, playout: playout.wrapping_add(units), held: 0 };
            let follows = gap == units as i32;
            let place = usize::from(self.next.wrapping_add(ahead)) % SLOTS;
            return Next::Lost { units, next: follows.then(|| self.payload(place)) };
        }
        if gap >= rounding && self.excess(at, timestamp) < 0 {
            self.phase = Phase::Waiting { ssrc };
            return Next::Pause;
        }
        (0..ahead).for_each(|_| self.give_up_oldest());
        let concealed = gap < -rounding && gap > -(self.patience() as i32);
        let skip = if concealed { gap.unsigned_abs() } else { 0 };
        let playout = timestamp.wrapping_add(skip);
        self.phase = Phase::Playing { ssrc, playout, held: 0 };
        let excess = self.excess(at, playout);
        let place = usize::from(self.next) % SLOTS;
        self.advance(true);
        Next::Packet { payload: self.payload(place), skip, excess }
    }

    fn payload(&self, place: usize) -> &[u8] {
        &self.payloads[place][..usize::from(self.slots[place].length)]
    }

    /// `PATIENCE` in RTP units.
    fn patience(&self) -> u32 {
        self.frame * 50 * PATIENCE.as_millis() as u32 / 1_000
    }

    /// So many RTP units of the packet that was taken are now in the voice.
    pub fn played(&mut self, units: u32) {
        if let Phase::Playing { playout, .. } = &mut self.phase {
            *playout = playout.wrapping_add(units);
        }
    }

    /// Sets the target by what came.
    pub fn aim(&mut self) {
        self.delays.aim();
    }

    fn nothing(&mut self, ssrc: u32, playout: u32, held: u32) -> Next<'_> {
        let held = held + self.frame;
        self.phase = if held > self.patience() {
            Phase::Waiting { ssrc }
        } else {
            Phase::Playing { ssrc, playout, held }
        };
        Next::Late
    }

    /// True if the first packet there has waited as long as the target says. It is then the next.
    fn has_waited(&mut self, at: Moment) -> bool {
        self.pass_others();
        let Some((ahead, timestamp)) = self.fresh_head(at) else { return false };
        let waited = self.excess(at, timestamp) >= self.delays.micros(self.frame - self.step);
        if waited {
            (0..ahead).for_each(|_| self.give_up_oldest());
        }
        waited
    }

    /// `head`, after what would be played too late has been given up.
    fn fresh_head(&mut self, at: Moment) -> Option<(u16, u32)> {
        loop {
            let (ahead, timestamp) = self.head()?;
            if self.is_stale(timestamp) {
                (0..=ahead).for_each(|_| self.give_up_oldest());
                continue;
            }
            self.stale_before = None;
            let delay = self.delays.delay(at, timestamp).unwrap_or(0);
            if delay <= MOST_DELAY.as_micros() as i64 || !self.has_several() {
                return Some((ahead, timestamp));
            }
            (0..=ahead).for_each(|_| self.give_up_oldest());
            let later = self.head();
            if let (Phase::Playing { playout, .. }, Some((_, later))) = (&mut self.phase, later) {
                *playout = later;
            }
        }
    }

    fn is_stale(&self, timestamp: u32) -> bool {
        let far = self.frame as i32 * 50 * RESTART.as_secs() as i32;
        self.stale_before.is_some_and(|mark| (-far..0).contains(&(timestamp.wrapping_sub(mark) as i32)))
    }

    fn has_several(&self) -> bool {
        self.slots.iter().filter(|slot| slot.state == State::Audio).nth(1).is_some()
    }

    fn pass_others(&mut self) {
        while self.is_there(self.next) && self.slots[usize::from(self.next) % SLOTS].state == State::Other {
            self.advance(true);
        }
    }
}

/// The greatest common divisor.
fn common(one: u32, other: u32) -> u32 {
    if other == 0 { one } else { common(other, one % other) }
}
