//! What a stream received: sequence, loss and jitter (RFC 3550 A.1, A.3, A.8).

use super::{Block, compact};
use crate::media::event::Figures;
use crate::moment::Moment;

/// A jump ahead of up to this many packets is loss: one minute at 50 packets/s (RFC 3550 A.1 MAX_DROPOUT).
const MAX_DROPOUT: u16 = 3_000;
/// A packet up to this many behind is late, not a restart (RFC 3550 A.1 MAX_MISORDER).
const MAX_MISORDER: u16 = 100;

/// Reception of one stream, whatever sources it comes from in turn.
#[derive(Clone, Debug)]
pub struct Reception {
    clock_rate: u32,
    source: Option<Source>,
    /// Of the sources before this one, or before it restarted.
    earlier: Totals,
    /// The last sender report: middle bits of its NTP time, when it came.
    report: Option<(u32, Moment)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    received: u64,
    lost: i64,
}

#[derive(Clone, Debug)]
struct Source {
    ssrc: u32,
    first: u32,
    /// Highest sequence number seen, cycles in the upper half.
    highest: u32,
    /// What the next packet would be if the last, seemingly wild one began a restart.
    restart: Option<u16>,
    received: u64,
    /// Expected and received when the last block was made.
    prior: (i64, i64),
    /// Arrival less timestamp of the last packet, in timestamp units.
    transit: Option<u32>,
    /// In timestamp units, times 16.
    jitter: u32,
}

impl Reception {
    /// `clock_rate`: of the RTP timestamps, Hz.
    pub fn new(clock_rate: u32) -> Self {
        Reception { clock_rate, source: None, earlier: Totals::default(), report: None }
    }

    /// Counts a received packet. A new SSRC starts the sequence anew and keeps the totals.
    ///
    /// There is no probation (RFC 3550 A.1): packets that get here come from the agreed address.
    pub fn packet(&mut self, now: Moment, ssrc: u32, sequence: u16, timestamp: u32) {
        self.untimed_packet(now, ssrc, sequence);
        let arrival = u128::from(now.as_micros()) * u128::from(self.clock_rate) / 1_000_000;
        if let Some(source) = &mut self.source {
            source.time(arrival as u32, timestamp);
        }
    }

    /// The codec's clock, Hz. Another than before starts jitter anew.
    pub fn set_clock(&mut self, clock_rate: u32) {
        if clock_rate != self.clock_rate {
            self.clock_rate = clock_rate;
            if let Some(source) = &mut self.source {
                source.transit = None;
                source.jitter = 0;
            }
        }
    }

    /// As `packet`, for a packet whose timestamp says nothing of when it was sent: a telephone-event repeats
    /// the time of its start (RFC 4733 §2.5), which would count as jitter.
    pub fn untimed_packet(&mut self, _now: Moment, ssrc: u32, sequence: u16) {
        match &mut self.source {
            Some(source) if source.ssrc == ssrc => {
                if !source.sequence(sequence) {
                    self.start(ssrc, sequence);
                }
            }
            _ => {
                self.report = None;
                self.start(ssrc, sequence);
            }
        }
    }

    fn start(&mut self, ssrc: u32, sequence: u16) {
        if let Some(source) = &self.source {
            self.earlier.received += source.received;
            self.earlier.lost += source.lost();
        }
        self.source = Some(Source {
            ssrc,
            first: u32::from(sequence),
            highest: u32::from(sequence),
            restart: None,
            received: 1,
            prior: (0, 0),
            transit: None,
            jitter: 0,
        });
    }

    /// The peer's sender report came. One of another source than the packets is ignored.
    pub fn sender_report(&mut self, now: Moment, ssrc: u32, ntp: u64) {
        if self.source.as_ref().is_none_or(|source| source.ssrc == ssrc) {
            self.report = Some((compact(ntp), now));
        }
    }

    /// The block for our next report, `None` before the first packet. Starts the next interval of `fraction_lost`.
    pub fn block(&mut self, now: Moment) -> Option<Block> {
        let source = self.source.as_mut()?;
        let (last_report, delay) = match self.report {
            Some((report, came)) => {
                (report, u32::try_from(now.since(came).as_micros() * 65_536 / 1_000_000).unwrap_or(u32::MAX))
            }
            None => (0, 0),
        };
        Some(Block {
            ssrc: source.ssrc,
            fraction_lost: source.fraction_lost(),
            cumulative_lost: i32::try_from(source.lost()).unwrap_or(i32::MAX),
            highest_sequence: source.highest,
            jitter: source.jitter >> 4,
            last_report,
            delay,
        })
    }

    /// Fills `packets_received`, `packets_lost` and `jitter_us`.
    pub fn figures(&self, figures: &mut Figures) {
        let (received, lost, jitter) = match &self.source {
            Some(source) => (source.received, source.lost(), source.jitter),
            None => (0, 0, 0),
        };
        figures.packets_received = self.earlier.received + received;
        figures.packets_lost = u64::try_from(self.earlier.lost + lost).unwrap_or(0);
        let micros = u64::from(jitter) * 1_000_000 / 16 / u64::from(self.clock_rate.max(1));
        figures.jitter_us = u32::try_from(micros).unwrap_or(u32::MAX);
    }
}

impl Source {
    /// RFC 3550 A.1. False if the source has restarted with this packet.
    fn sequence(&mut self, sequence: u16) -> bool {
        let ahead = sequence.wrapping_sub(self.highest as u16);
        if ahead < MAX_DROPOUT {
            self.highest = self.highest.wrapping_add(u32::from(ahead));
        } else if ahead <= u16::MAX - MAX_MISORDER {
            // A jump that the next packet follows is a restart; one alone is a stray, received but not counted on.
            if self.restart == Some(sequence) {
                return false;
            }
            self.restart = Some(sequence.wrapping_add(1));
            return true;
        }
        self.restart = None;
        self.received += 1;
        true
    }

    /// RFC 3550 A.8.
    fn time(&mut self, arrival: u32, timestamp: u32) {
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(last) = self.transit {
            let difference = transit.wrapping_sub(last).cast_signed().unsigned_abs();
            // A leap of more than a minute at 48 kHz is a restarted clock.
            if difference < 60 * 48_000 {
                self.jitter = self.jitter.saturating_add(difference).saturating_sub((self.jitter + 8) >> 4);
            }
        }
        self.transit = Some(transit);
    }

    fn expected(&self) -> i64 {
        i64::from(self.highest.wrapping_sub(self.first)) + 1
    }

    fn lost(&self) -> i64 {
        self.expected() - self.received.cast_signed()
    }

    /// RFC 3550 A.3; starts the next interval.
    fn fraction_lost(&mut self) -> u8 {
        let now = (self.expected(), self.received.cast_signed());
        let expected = now.0 - self.prior.0;
        let lost = expected - (now.1 - self.prior.1);
        self.prior = now;
        if expected <= 0 || lost <= 0 { 0 } else { u8::try_from((lost << 8) / expected).unwrap_or(u8::MAX) }
    }
}
