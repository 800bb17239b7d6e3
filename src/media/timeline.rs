//! What the far end sees: one SSRC, one sequence, one clock, wherever the audio comes from.
//!
//! Within a segment (one source) relayed packets keep their distances, so that loss and reordering stay visible
//! and the receiver's jitter buffer can do its work. At a change of source the next number follows the highest
//! sent, the timestamp is derived from our clock, and the marker bit is set (RFC 3550 §5.1, RFC 3551 §4.1).

use super::limits::{SEQUENCE_JUMP, SEQUENCE_MISORDER, TIMESTAMP_DRIFT};
use crate::ids::StreamId;
use crate::moment::Moment;

/// What distinguishes an outgoing packet from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
}

/// An incoming packet's place in its own stream.
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    pub from: StreamId,
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    /// Units of RTP time that the payload lasts; 0 for telephone-events, which repeat the time of their start.
    pub lasts: u32,
}

#[derive(Clone, Copy, Debug)]
enum Segment {
    None,
    /// `last` was due at `at`.
    Generated {
        at: Moment,
        last: u32,
    },
    Relayed {
        from: StreamId,
        ssrc: u32,
        /// Highest incoming sequence number.
        highest: u16,
        /// How many numbers before `highest` belong to this segment.
        reach: i16,
        sequence_offset: u16,
        timestamp_offset: u32,
    },
}

/// The outgoing side of one stream.
#[derive(Clone, Debug)]
pub struct Timeline {
    pub ssrc: u32,
    /// Of the timestamps, Hz.
    clock_rate: u32,
    started: Moment,
    first_timestamp: u32,
    /// Of the next packet of a new segment.
    next_sequence: u16,
    /// End of the latest audio sent; `None` before any.
    end: Option<u32>,
    segment: Segment,
    /// SSRC and RTP time of the latest event passed on beside audio of our own, and the time that we gave it.
    event: Option<(u32, u32, u32)>,
}

impl Timeline {
    /// On a clock of 8 kHz, until `set_clock` says otherwise.
    pub fn new(now: Moment, ssrc: u32, first_sequence: u16, first_timestamp: u32) -> Self {
        Timeline {
            ssrc,
            clock_rate: 8_000,
            started: now,
            first_timestamp,
            next_sequence: first_sequence,
            end: None,
            segment: Segment::None,
            event: None,
        }
    }

    /// The codec's clock, Hz. Another than before begins a new segment where the old clock stands (RFC 7160 §4.1 has
    /// receivers follow the payload type).
    pub fn set_clock(&mut self, now: Moment, clock_rate: u32) {
        if clock_rate != self.clock_rate {
            self.first_timestamp = self.fresh(now);
            self.started = now;
            self.clock_rate = clock_rate;
            self.end = None;
            self.segment = Segment::None;
        }
    }

    /// Stamps a frame of our own that is due at `due`. After a stall the timestamp jumps, the sequence does not.
    pub fn generated(&mut self, due: Moment, lasts: u32) -> Stamp {
        let (marker, timestamp) = match self.segment {
            Segment::Generated { at, last } => (false, last.wrapping_add(units(due, at, self.clock_rate))),
            _ => (true, self.fresh(due)),
        };
        self.segment = Segment::Generated { at: due, last: timestamp };
        let sequence = self.next_sequence;
        self.sent(sequence, timestamp.wrapping_add(lasts));
        Stamp { marker, sequence, timestamp }
    }

    /// Stamps a packet of a telephone-event that is passed on beside frames of our own. All packets of one event have the
    /// time at which the first was passed (RFC 4733 §2.2.2); numbers go on.
    pub fn event(&mut self, now: Moment, packet: &Incoming) -> Stamp {
        let known = self.event.filter(|(ssrc, time, _)| (*ssrc, *time) == (packet.ssrc, packet.timestamp));
        let timestamp = known.map_or(self.clock(now), |(.., ours)| ours);
        self.event = Some((packet.ssrc, packet.timestamp, timestamp));
        let sequence = self.next_sequence;
        self.sent(sequence, timestamp);
        Stamp { marker: known.is_none(), sequence, timestamp }
    }

    /// Stamps a packet that is passed on. `None` if it belongs before the present segment and comes too late.
    pub fn relayed(&mut self, now: Moment, packet: &Incoming) -> Option<Stamp> {
        match self.continued(now, packet) {
            Some(Followed::Next(stamp)) => {
                self.sent(stamp.sequence, stamp.timestamp.wrapping_add(packet.lasts));
                Some(stamp)
            }
            Some(Followed::Stale) => None,
            None => {
                let timestamp = self.fresh(now);
                let sequence = self.next_sequence;
                self.segment = Segment::Relayed {
                    from: packet.from,
                    ssrc: packet.ssrc,
                    highest: packet.sequence,
                    reach: 0,
                    sequence_offset: sequence.wrapping_sub(packet.sequence),
                    timestamp_offset: timestamp.wrapping_sub(packet.timestamp),
                };
                self.sent(sequence, timestamp.wrapping_add(packet.lasts));
                Some(Stamp { marker: true, sequence, timestamp })
            }
        }
    }

    /// A packet of the present source is not passed on: its number is closed up, so that it does not look lost.
    pub fn withheld(&mut self, packet: &Incoming) {
        if let Segment::Relayed { from, ssrc, highest, reach, sequence_offset, .. } = &mut self.segment
            && *from == packet.from
            && *ssrc == packet.ssrc
        {
            let ahead = packet.sequence.wrapping_sub(*highest) as i16;
            if ahead > 0 {
                *highest = packet.sequence;
                *sequence_offset = sequence_offset.wrapping_sub(1);
                // What is older would now be given a number that was sent already.
                *reach = 0;
            }
        }
    }

    /// The stamp of a packet that continues the present segment; `None` if it begins a new one.
    fn continued(&mut self, now: Moment, packet: &Incoming) -> Option<Followed> {
        let clock = self.clock(now);
        let farthest = (TIMESTAMP_DRIFT.as_millis() as u32 * (self.clock_rate / 1_000)).cast_signed();
        let Segment::Relayed { from, ssrc, highest, reach, sequence_offset, timestamp_offset } =
            &mut self.segment
        else {
            return None;
        };
        let ahead = packet.sequence.wrapping_sub(*highest) as i16;
        let timestamp = packet.timestamp.wrapping_add(*timestamp_offset);
        let drift = timestamp.wrapping_sub(clock) as i32;
        let same = *from == packet.from
            && *ssrc == packet.ssrc
            && (-SEQUENCE_MISORDER..=SEQUENCE_JUMP).contains(&ahead)
            && (packet.lasts == 0 || (-farthest..=farthest).contains(&drift));
        if !same {
            return None;
        }
        if ahead > 0 {
            *highest = packet.sequence;
            *reach = reach.saturating_add(ahead).min(SEQUENCE_MISORDER);
        } else if -ahead > *reach {
            return Some(Followed::Stale);
        }
        let sequence = packet.sequence.wrapping_add(*sequence_offset);
        Some(Followed::Next(Stamp { marker: packet.marker, sequence, timestamp }))
    }

    fn sent(&mut self, sequence: u16, end: u32) {
        if sequence.wrapping_sub(self.next_sequence) as i16 >= 0 {
            self.next_sequence = sequence.wrapping_add(1);
        }
        if self.end.is_none_or(|known| end.wrapping_sub(known) as i32 > 0) {
            self.end = Some(end);
        }
    }

    /// Our clock in units of RTP time.
    fn clock(&self, now: Moment) -> u32 {
        self.first_timestamp.wrapping_add(units(now, self.started, self.clock_rate))
    }

    /// The timestamp of a new segment: our clock, but never before the end of what was sent.
    fn fresh(&self, now: Moment) -> u32 {
        let clock = self.clock(now);
        match self.end {
            Some(end) if end.wrapping_sub(clock) as i32 > 0 => end,
            _ => clock,
        }
    }
}

enum Followed {
    Next(Stamp),
    Stale,
}

/// From `earlier` to `later` in units of a clock of whole kHz, wrapping.
fn units(later: Moment, earlier: Moment, clock_rate: u32) -> u32 {
    (later.as_micros().saturating_sub(earlier.as_micros()) * u64::from(clock_rate / 1_000) / 1_000) as u32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: Moment = Moment::from_micros(50_000_000);

    fn after(millis: u64) -> Moment {
        START + Duration::from_millis(millis)
    }

    fn packet(sequence: u16, timestamp: u32) -> Incoming {
        Incoming { from: StreamId(2), ssrc: 5, sequence, timestamp, marker: false, lasts: 160 }
    }

    fn timeline() -> Timeline {
        Timeline::new(START, 1, 65_535, u32::MAX - 100)
    }

    #[test]
    fn generated_frames_follow_each_other_and_jump_in_time_after_a_stall() {
        let mut timeline = timeline();
        let first = timeline.generated(after(0), 160);
        let second = timeline.generated(after(20), 160);
        let third = timeline.generated(after(220), 160);
        assert!(first.marker && !second.marker);
        assert_eq!((first.sequence, second.sequence, third.sequence), (65_535, 0, 1));
        assert_eq!(second.timestamp.wrapping_sub(first.timestamp), 160);
        assert_eq!(third.timestamp.wrapping_sub(second.timestamp), 1_600);
    }

    #[test]
    fn another_clock_begins_a_segment_and_runs_at_its_own_pace() {
        let mut timeline = timeline();
        let before = timeline.generated(after(0), 160);
        timeline.set_clock(after(30), 48_000);
        let first = timeline.generated(after(40), 960);
        let second = timeline.generated(after(60), 960);
        assert!(first.marker && !second.marker);
        assert_eq!(first.sequence, before.sequence.wrapping_add(1));
        assert_eq!(first.timestamp.wrapping_sub(before.timestamp), 240 + 480);
        assert_eq!(second.timestamp.wrapping_sub(first.timestamp), 960);
        timeline.set_clock(after(70), 48_000);
        assert!(!timeline.generated(after(80), 960).marker, "the same clock changes nothing");
    }

    #[test]
    fn loss_and_reordering_of_a_relayed_source_stay_visible() {
        let mut timeline = timeline();
        let base = timeline.relayed(after(0), &packet(100, 7_000)).unwrap();
        let later = timeline.relayed(after(40), &packet(103, 7_480)).unwrap();
        let between = timeline.relayed(after(41), &packet(101, 7_160)).unwrap();
        assert_eq!(later.sequence.wrapping_sub(base.sequence), 3);
        assert_eq!(later.timestamp.wrapping_sub(base.timestamp), 480);
        assert_eq!(between.sequence.wrapping_sub(base.sequence), 1);
        assert!(base.marker && !later.marker);
    }

    #[test]
    fn a_change_of_source_continues_number_and_time_with_a_marker() {
        let mut timeline = timeline();
        let prompt = timeline.generated(after(1_000), 160);
        let relayed = timeline.relayed(after(1_025), &packet(9, 1)).unwrap();
        assert!(relayed.marker);
        assert_eq!(relayed.sequence, prompt.sequence.wrapping_add(1));
        assert_eq!(relayed.timestamp.wrapping_sub(prompt.timestamp), 200);
        let music = timeline.generated(after(1_030), 160);
        assert_eq!(music.sequence, relayed.sequence.wrapping_add(1));
        assert_eq!(
            music.timestamp.wrapping_sub(relayed.timestamp),
            160,
            "never before the end of what was sent"
        );
        assert!(music.marker);
    }

    #[test]
    fn a_packet_from_before_the_change_is_stale() {
        let mut timeline = timeline();
        timeline.relayed(after(0), &packet(10, 160)).unwrap();
        timeline.generated(after(20), 160);
        timeline.relayed(after(40), &packet(12, 480)).unwrap();
        assert_eq!(timeline.relayed(after(41), &packet(11, 320)), None);
    }

    #[test]
    fn withheld_packets_leave_no_hole_and_no_number_is_used_twice() {
        let mut timeline = timeline();
        let first = timeline.relayed(after(0), &packet(10, 160)).unwrap();
        timeline.withheld(&packet(12, 320));
        assert_eq!(timeline.relayed(after(1), &packet(11, 320)), None);
        let next = timeline.relayed(after(60), &packet(13, 640)).unwrap();
        assert_eq!(next.sequence.wrapping_sub(first.sequence), 2, "11 was lost, 12 was withheld");
    }

    #[test]
    fn a_restarted_source_is_set_to_our_clock() {
        let mut timeline = timeline();
        let first = timeline.relayed(after(0), &packet(10, 160)).unwrap();
        let jumped = timeline.relayed(after(20), &packet(11, 9_000_000)).unwrap();
        assert_eq!(jumped.timestamp.wrapping_sub(first.timestamp), 160);
        assert!(jumped.marker);
        let restarted = timeline.relayed(after(40), &packet(40_000, 9_000_160)).unwrap();
        assert_eq!(restarted.sequence, jumped.sequence.wrapping_add(1));
    }

    #[test]
    fn a_long_call_keeps_accepting_late_packets() {
        let mut timeline = timeline();
        for n in 0..100_000u32 {
            let late = packet(n as u16, n * 160);
            assert!(timeline.relayed(after(u64::from(n) * 20), &late).is_some());
        }
        assert!(timeline.relayed(after(2_000_000), &packet(99_990u32 as u16, 99_990 * 160)).is_some());
    }
}
