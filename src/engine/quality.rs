//! What legs sound like: kept in the journal when a leg ends and when one becomes poor, and an alarm when many are.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Engine;
use super::happened::What;
use super::limits::{MEASURED_PACKETS, POOR_LEGS, POOR_SHARE};
use super::streams::Owner;
use crate::ids::{CallId, StreamId};
use crate::media::event::{Figures, Way};
use crate::media::quality::Rating;
use crate::moment::Moment;

/// Which leg of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Caller,
    /// An agent's phone.
    Phone,
}

/// R and MOS of one direction (docs/quality.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sound {
    /// R in tenths, 0 to 1000.
    pub r_tenths: u16,
    /// MOS in hundredths, 100 to 450.
    pub mos_hundredths: u16,
    /// The worst interval's MOS in hundredths.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub worst_mos_hundredths: Option<u16>,
}

impl Sound {
    fn of(rating: Rating, worst: Option<Rating>) -> Sound {
        let worst_mos_hundredths = worst.map(Rating::mos_hundredths);
        Sound { r_tenths: rating.tenths(), mos_hundredths: rating.mos_hundredths(), worst_mos_hundredths }
    }
}

/// One leg's figures for good. Times in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegFigures {
    pub leg: Side,
    /// As in `a=rtpmap`; none if the leg was never connected.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub codec: Option<String>,
    pub packets_received: u64,
    pub packets_sent: u64,
    pub packets_lost: u64,
    /// Of those: dropped because this server could not keep up.
    #[serde(default)]
    pub packets_shed: u64,
    pub packets_late: u64,
    pub packets_repeated: u64,
    pub packets_refused: u64,
    /// Stretches of heavy loss.
    pub bursts: u64,
    pub jitter_us: u32,
    pub jitter_max_us: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub round_trip_us: Option<u32>,
    pub round_trip_max_us: u32,
    /// What the far end says that it lost of ours; none if it never reported.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peer_packets_lost: Option<u64>,
    pub peer_jitter_us: u32,
    /// What we got from it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub heard: Option<Sound>,
    /// What it got from us, by its reports.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub told: Option<Sound>,
    /// Its packets that were passed on, and how long they were inside the server.
    pub passed: u64,
    pub inside_p50_us: u32,
    pub inside_p99_us: u32,
    pub inside_max_us: u32,
}

impl LegFigures {
    fn of(leg: Side, figures: &Figures) -> LegFigures {
        LegFigures {
            leg,
            codec: figures.codec.map(|codec| codec.name().to_owned()),
            packets_received: figures.packets_received,
            packets_sent: figures.packets_sent,
            packets_lost: figures.packets_lost,
            packets_shed: figures.packets_shed,
            packets_late: figures.packets_late,
            packets_repeated: figures.packets_repeated,
            packets_refused: figures.packets_refused,
            bursts: figures.bursts,
            jitter_us: figures.jitter_us,
            jitter_max_us: figures.jitter_max_us,
            round_trip_us: figures.round_trip_us,
            round_trip_max_us: figures.round_trip_max_us,
            peer_packets_lost: figures.peer_packets_lost,
            peer_jitter_us: figures.peer_jitter_us,
            heard: figures.heard.map(|rating| Sound::of(rating, figures.heard_worst)),
            told: figures.told.map(|rating| Sound::of(rating, figures.told_worst)),
            passed: figures.passage.packets,
            inside_p50_us: figures.passage.p50_us,
            inside_p99_us: figures.passage.p99_us,
            inside_max_us: figures.passage.max_us,
        }
    }

    /// Lost or late, of all that was expected; in tenths of a percent.
    pub fn missing_permille(&self) -> u64 {
        let missing = self.packets_lost + self.packets_late;
        let expected = (self.packets_received + self.packets_lost).saturating_sub(self.packets_repeated);
        missing * 1_000 / expected.max(1)
    }
}

/// Directions of legs that are poor now.
#[derive(Debug, Default)]
pub(super) struct PoorLegs {
    ways: BTreeMap<(StreamId, Way), CallId>,
    alarmed: bool,
}

impl PoorLegs {
    /// Calls with a poor leg.
    pub(super) fn calls(&self) -> BTreeSet<CallId> {
        self.ways.values().copied().collect()
    }

    /// Legs, however many of their directions are poor.
    fn legs(&self) -> usize {
        self.ways.keys().map(|(stream, _)| stream).collect::<BTreeSet<_>>().len()
    }

    /// `Some` when the alarm begins, with its text, or ends, with none. `open`: streams there are.
    fn alarm(&mut self, open: usize) -> Option<Option<String>> {
        let legs = self.legs();
        let many = |least: usize, share: usize| legs >= least && legs * 100 >= open * share;
        // Half of both ends it, so that it does not come and go.
        let alarmed =
            if self.alarmed { many(POOR_LEGS / 2, POOR_SHARE / 2) } else { many(POOR_LEGS, POOR_SHARE) };
        if std::mem::replace(&mut self.alarmed, alarmed) == alarmed {
            return None;
        }
        Some(alarmed.then(|| format!("{legs} of {open} legs sound poor (MOS under 3.6)")))
    }
}

impl Engine {
    /// A direction of a leg became poor, or is better again.
    pub(super) fn quality(&mut self, now: Moment, stream: StreamId, way: Way, rating: Rating, poor: bool) {
        let (call, leg) = match self.streams.owner(stream) {
            Owner::Caller(call) => (call, Side::Caller),
            Owner::Phone(call) => (call, Side::Phone),
            Owner::Service(_) | Owner::Nobody => return,
        };
        let mos_hundredths = rating.mos_hundredths();
        let what = if poor {
            self.poor.ways.insert((stream, way), call);
            What::LegPoor { leg, way, mos_hundredths }
        } else {
            self.poor.ways.remove(&(stream, way));
            What::LegBetter { leg, way, mos_hundredths }
        };
        self.happened(now, Some(call), None, what);
        self.watch_poor_legs(now);
    }

    /// A stream has ended that was `owner`'s.
    pub(super) fn measured(&mut self, now: Moment, stream: StreamId, owner: Owner, figures: &Figures) {
        let poor = self.poor.ways.len();
        self.poor.ways.retain(|(which, _), _| *which != stream);
        if self.poor.ways.len() < poor {
            self.watch_poor_legs(now);
        }
        let (call, leg) = match owner {
            Owner::Caller(call) => (call, Side::Caller),
            Owner::Phone(call) => (call, Side::Phone),
            Owner::Service(_) | Owner::Nobody => return,
        };
        if figures.packets_received.max(figures.packets_sent) >= MEASURED_PACKETS {
            let what = What::LegMeasured(Box::new(LegFigures::of(leg, figures)));
            self.happened(now, Some(call), None, what);
        }
    }

    fn watch_poor_legs(&mut self, now: Moment) {
        if let Some(text) = self.poor.alarm(self.streams.len()) {
            self.alarm(now, "quality", text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poor(legs: u64) -> PoorLegs {
        let both = |leg| [Way::Heard, Way::Told].map(|way| ((StreamId(leg), way), CallId(leg / 2)));
        PoorLegs { ways: (0..legs).flat_map(both).collect(), alarmed: false }
    }

    #[test]
    fn a_few_poor_legs_are_no_alarm_and_a_tenth_of_all_is() {
        assert_eq!(poor(4).alarm(4), None, "four legs are somebody's kitchen");
        assert_eq!(poor(20).alarm(1_000), None, "of many calls some are always poor");
        let text = "5 of 50 legs sound poor (MOS under 3.6)";
        assert_eq!(poor(5).alarm(50), Some(Some(text.to_owned())));
        assert_eq!(poor(4).calls().len(), 2);
    }

    #[test]
    fn the_alarm_is_told_once_and_ends_when_half_of_it_is_gone() {
        let mut legs = poor(10);
        assert!(matches!(legs.alarm(100), Some(Some(_))));
        assert_eq!(legs.alarm(100), None);
        legs.ways.retain(|(stream, _), _| stream.0 < 5);
        assert_eq!(legs.alarm(100), None);
        legs.ways.retain(|(stream, _), _| stream.0 < 4);
        assert_eq!(legs.alarm(100), Some(None));
    }

    #[test]
    fn what_is_missing_is_a_share_of_what_was_expected() {
        let figures = Figures {
            packets_received: 97,
            packets_lost: 4,
            packets_late: 1,
            packets_repeated: 1,
            ..Figures::default()
        };
        assert_eq!(LegFigures::of(Side::Caller, &figures).missing_permille(), 50);
        assert_eq!(LegFigures::of(Side::Caller, &Figures::default()).missing_permille(), 0);
    }
}
