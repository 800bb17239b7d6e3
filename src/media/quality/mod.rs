//! What a leg sounds like: the E-model's rating (ITU-T G.107) of what was lost, late and delayed.
//!
//! Nothing here is done for a packet: a leg is rated once per report interval and when it ends.

pub mod emodel;
pub mod watch;

use emodel::Equipment;

use super::command::Codec;
use super::limits::PLAYOUT;

/// The transmission rating factor R of G.107, in tenths: 0 to 1000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rating(u16);

impl Rating {
    /// `r` is cut to 0 to 100.
    pub fn of(r: f64) -> Rating {
        Rating((r.clamp(0.0, 100.0) * 10.0).round() as u16)
    }

    /// From its tenths, as records keep it.
    pub fn from_tenths(tenths: u16) -> Rating {
        Rating(tenths.min(1_000))
    }

    pub fn tenths(self) -> u16 {
        self.0
    }

    pub fn r(self) -> f64 {
        f64::from(self.0) / 10.0
    }

    /// Mean opinion score, 1 to 4.5 (G.107 Annex B).
    pub fn mos(self) -> f64 {
        emodel::mos(self.r())
    }

    /// MOS in hundredths: 100 to 450.
    pub fn mos_hundredths(self) -> u16 {
        (self.mos() * 100.0).round() as u16
    }
}

/// Packets of a stretch of time, as a listener gets them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    pub expected: u64,
    /// Lost, or too late to be played.
    pub missing: u64,
    /// Runs of missing packets: as many as `missing` if none follows another.
    pub runs: u64,
}

impl Losses {
    /// From 0 to 100.
    pub fn percent(self) -> f64 {
        if self.expected == 0 { 0.0 } else { self.missing as f64 * 100.0 / self.expected as f64 }
    }

    /// Mean length of a run against what it would be if each loss fell by itself (G.107 §7.2, BurstR): 1 or more.
    pub fn burst_ratio(self) -> f64 {
        if self.runs == 0 {
            return 1.0;
        }
        let mean = self.missing as f64 / self.runs as f64;
        (mean * (1.0 - self.percent() / 100.0)).max(1.0)
    }
}

/// One direction of a leg, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    pub codec: Codec,
    pub losses: Losses,
    pub delay: Delay,
}

impl Heard {
    /// Of a conversation.
    pub fn rating(&self) -> Rating {
        self.delayed_by(self.delay.one_way_ms())
    }

    /// Of one who only listens, and does not notice delay.
    pub fn listening(&self) -> Rating {
        self.delayed_by(0.0)
    }

    fn delayed_by(&self, delay_ms: f64) -> Rating {
        let equipment = Equipment::of(self.codec);
        let impairment = equipment.impairment(self.losses.percent(), self.losses.burst_ratio());
        Rating::of(equipment.r(delay_ms, impairment))
    }
}

/// What the one-way delay is estimated from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    /// Unknown counts as none: a leg is not blamed for what nobody measured.
    pub round_trip_us: Option<u32>,
    /// Inter-arrival jitter at the listener's end, µs.
    pub jitter_us: u32,
    /// Depth of the listener's jitter buffer, µs, if it is ours or was told to us.
    pub buffer_us: Option<u32>,
}

/// A packet is sent when its last sample was spoken, ms.
const FRAME_MS: f64 = 20.0;

/// The least that a phone's jitter buffer holds, ms.
const SHALLOWEST_MS: f64 = 20.0;

impl Delay {
    /// Half the round trip, a frame, and the jitter buffer: where nobody told its depth, that of one that adapts to
    /// twice the jitter, from 20 ms to `PLAYOUT`.
    pub fn one_way_ms(self) -> f64 {
        let millis = |micros: u32| f64::from(micros) / 1_000.0;
        let buffer = match self.buffer_us {
            Some(depth) => millis(depth),
            None => (2.0 * millis(self.jitter_us)).clamp(SHALLOWEST_MS, PLAYOUT.as_millis() as f64),
        };
        millis(self.round_trip_us.unwrap_or(0)) / 2.0 + FRAME_MS + buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(expected: u64, missing: u64, round_trip_ms: u32) -> Heard {
        let delay = Delay { round_trip_us: Some(round_trip_ms * 1_000), ..Delay::default() };
        Heard { codec: Codec::Pcma, losses: Losses { expected, missing, runs: missing }, delay }
    }

    #[test]
    fn a_clean_call_in_the_house_is_as_good_as_a_telephone_gets() {
        let rating = heard(3_000, 0, 1).rating();
        assert!((91.5..93.2).contains(&rating.r()), "{rating:?}");
        assert!((438..=441).contains(&rating.mos_hundredths()), "{rating:?}");
    }

    #[test]
    fn more_loss_longer_runs_and_more_delay_never_sound_better() {
        for codec in Codec::ALL {
            let mut last = Rating::of(100.0);
            for missing in 0..=100 {
                let losses = Losses { expected: 100, missing, runs: missing };
                let rating = Heard { codec: *codec, losses, delay: Delay::default() }.rating();
                assert!(rating <= last, "{missing} % lost");
                let gathered = Losses { runs: missing.div_ceil(3), ..losses };
                assert!(
                    Heard { codec: *codec, losses: gathered, delay: Delay::default() }.rating() <= rating
                );
                last = rating;
            }
            let mut last = Rating::of(100.0);
            for trip in 0..1_000 {
                let delay = Delay { round_trip_us: Some(trip * 2_000), ..Delay::default() };
                let rating = Heard { codec: *codec, losses: Losses::default(), delay }.rating();
                assert!(rating <= last, "{trip} ms");
                last = rating;
            }
        }
    }

    #[test]
    fn the_burst_ratio_is_the_mean_run_against_chance() {
        let losses = |missing, runs| Losses { expected: 100, missing, runs };
        assert_eq!(losses(0, 0).burst_ratio(), 1.0);
        assert_eq!(losses(10, 10).burst_ratio(), 1.0, "no shorter than chance");
        assert_eq!(losses(10, 2).burst_ratio(), 5.0 * 0.9);
    }

    #[test]
    fn delay_is_half_the_trip_a_frame_and_a_buffer() {
        let delay = Delay { round_trip_us: Some(100_000), jitter_us: 15_000, buffer_us: None };
        assert_eq!(delay.one_way_ms(), 50.0 + 20.0 + 30.0);
        assert_eq!(Delay { buffer_us: Some(60_000), ..delay }.one_way_ms(), 130.0);
        assert_eq!(Delay { jitter_us: 900_000, ..delay }.one_way_ms(), 170.0, "no phone waits longer");
    }
}
