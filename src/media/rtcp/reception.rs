//! What a stream received: sequence, loss and jitter (RFC 3550 A.1, A.3, A.8), and the fate of each packet.

use std::time::Duration;

use super::fates::{Fates, Tally};
use super::spread::Spread;
use super::xr::Statistics;
use super::{Block, compact};
use crate::media::event::Figures;
use crate::media::limits::PLAYOUT;
use crate::media::quality::Losses;
use crate::moment::Moment;

/// A jump ahead of up to this many packets is loss: one minute at 50 packets/s (RFC 3550 A.1 MAX_DROPOUT).
const MAX_DROPOUT: u16 = 3_000;
/// A packet up to this many behind is late, not a restart (RFC 3550 A.1 MAX_MISORDER).
const MAX_MISORDER: u16 = 100;

/// Nothing for longer than this was a hold or the like. Some phones' clocks stand still meanwhile, so what comes next
/// is compared with nothing before it: else the pause would count as jitter, and all that follows as late.
const PAUSE: Duration = Duration::from_secs(1);

/// How long the fastest packet is remembered that others are late against: twice this at most, in which two clocks
/// that differ by 100 ppm part by 2 ms.
const FASTEST: Duration = Duration::from_secs(10);

/// Reception of one stream, whatever sources it comes from in turn.
#[derive(Clone, Debug)]
pub struct Reception {
    clock_rate: u32,
    source: Option<Source>,
    /// Of the sources before this one, or before it restarted.
    earlier: Totals,
    /// The last sender report: middle bits of its NTP time, when it came.
    report: Option<(u32, Moment)>,
    /// The last reference time (RFC 3611 §4.4) that was not echoed yet: whose, its middle bits, when it came.
    reference: Option<(u32, u32, Moment)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    received: u64,
    fates: Tally,
    /// In microseconds: sources may have different clocks.
    jitter_max_us: u32,
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
    clock: Arrivals,
    fates: Fates,
    /// Settled fates when losses were last asked for.
    judged: Tally,
    /// Highest number and settled fates when the last statistics were made.
    told: (u32, Tally),
}

/// Where a packet stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Ahead(u16),
    Behind(u16),
    /// Far from all others: received, but not counted on.
    Stray,
    /// The source has begun anew with this packet.
    Restart,
}

impl Reception {
    /// `clock_rate`: of the RTP timestamps, Hz.
    pub fn new(clock_rate: u32) -> Self {
        Reception { clock_rate, source: None, earlier: Totals::default(), report: None, reference: None }
    }

    /// The RTP clock has another rate from now on, Hz: a codec was negotiated anew.
    pub fn set_clock(&mut self, clock_rate: u32) {
        if clock_rate != self.clock_rate {
            self.retire();
            self.clock_rate = clock_rate;
        }
    }

    /// Counts a received packet. A new SSRC starts the sequence anew and keeps the totals.
    ///
    /// There is no probation (RFC 3550 A.1): packets that get here come from the agreed address.
    pub fn packet(&mut self, now: Moment, ssrc: u32, sequence: u16, timestamp: u32) {
        self.take(now, ssrc, sequence, Some(timestamp));
    }

    /// As `packet`, for a packet whose timestamp says nothing of when it was sent: a telephone-event repeats
    /// the time of its start (RFC 4733 §2.5), which would count as jitter.
    pub fn untimed_packet(&mut self, now: Moment, ssrc: u32, sequence: u16) {
        self.take(now, ssrc, sequence, None);
    }

    fn take(&mut self, now: Moment, ssrc: u32, sequence: u16, timestamp: Option<u32>) {
        let rate = self.clock_rate;
        let (source, place) = match &mut self.source {
            Some(source) if source.ssrc == ssrc => match source.place(sequence) {
                Place::Restart => (self.start(now, ssrc, sequence), Place::Ahead(1)),
                place => (source, place),
            },
            _ => {
                self.report = None;
                (self.start(now, ssrc, sequence), Place::Ahead(1))
            }
        };
        let mut in_time = || timestamp.is_none_or(|timestamp| source.clock.arrived(now, timestamp, rate));
        match place {
            Place::Ahead(0) => source.fates.older(0, in_time()),
            Place::Ahead(ahead) => source.fates.newer(u32::from(ahead), in_time()),
            Place::Behind(behind) => source.fates.older(u32::from(behind), in_time()),
            Place::Stray | Place::Restart => {}
        }
    }

    fn start(&mut self, now: Moment, ssrc: u32, sequence: u16) -> &mut Source {
        self.retire();
        let first = u32::from(sequence);
        self.source.insert(Source {
            ssrc,
            first,
            highest: first,
            restart: None,
            received: 1,
            prior: (0, 0),
            clock: Arrivals::new(now),
            fates: Fates::default(),
            judged: Tally::default(),
            told: (first.wrapping_sub(1), Tally::default()),
        })
    }

    /// The present source counts as an earlier one from now on.
    fn retire(&mut self) {
        if let Some(source) = self.source.take() {
            self.earlier.received += source.received;
            self.earlier.fates.add(&source.fates.ended());
            self.earlier.jitter_max_us =
                self.earlier.jitter_max_us.max(micros(source.clock.jitter_max, self.clock_rate));
        }
    }

    /// The peer's sender report came. One of another source than the packets is ignored.
    pub fn sender_report(&mut self, now: Moment, ssrc: u32, ntp: u64) {
        if self.source.as_ref().is_none_or(|source| source.ssrc == ssrc) {
            self.report = Some((compact(ntp), now));
        }
    }

    /// A receiver's reference time came (RFC 3611 §4.4).
    pub fn reference_time(&mut self, now: Moment, ssrc: u32, ntp: u64) {
        self.reference = Some((ssrc, compact(ntp), now));
    }

    /// What is to be echoed of it, once: whose, its middle bits, delay since in 1/65536 s.
    pub fn take_echo(&mut self, now: Moment) -> Option<(u32, u32, u32)> {
        let (ssrc, last, came) = self.reference.take()?;
        Some((ssrc, last, held(now, came)))
    }

    /// The block for our next report, `None` before the first packet. Starts the next interval of `fraction_lost`.
    pub fn block(&mut self, now: Moment) -> Option<Block> {
        let source = self.source.as_mut()?;
        let (last_report, delay) = self.report.map_or((0, 0), |(report, came)| (report, held(now, came)));
        Some(Block {
            ssrc: source.ssrc,
            fraction_lost: source.fraction_lost(),
            cumulative_lost: i32::try_from(source.lost()).unwrap_or(i32::MAX),
            highest_sequence: source.highest,
            jitter: source.clock.jitter >> 4,
            last_report,
            delay,
        })
    }

    /// Statistics since they were last asked for; `None` before the first packet.
    pub fn statistics(&mut self) -> Option<Statistics> {
        let source = self.source.as_mut()?;
        let fates = source.fates.settled();
        let (last, before) = std::mem::replace(&mut source.told, (source.highest, fates));
        let spread = std::mem::take(&mut source.clock.spread);
        Some(Statistics {
            ssrc: source.ssrc,
            first: last.wrapping_add(1) as u16,
            end: source.highest.wrapping_add(1) as u16,
            lost: (fates.lost - before.lost) as u32,
            repeated: (fates.repeated - before.repeated) as u32,
            jitter: spread.summary(),
        })
    }

    /// The source heard now, and its fates if it had ended with its highest number.
    pub fn source(&self) -> Option<(u32, Tally)> {
        self.source.as_ref().map(|source| (source.ssrc, source.fates.ended()))
    }

    /// What was lost since this was last asked: settled fates only, so each counts once.
    pub fn take_losses(&mut self) -> Losses {
        let Some(source) = &mut self.source else { return Losses::default() };
        let settled = source.fates.settled();
        settled.losses_since(&std::mem::replace(&mut source.judged, settled))
    }

    /// What was lost over the stream's life.
    pub fn losses(&self) -> Losses {
        self.tally().losses()
    }

    fn tally(&self) -> Tally {
        let mut tally = self.earlier.fates;
        if let Some(source) = &self.source {
            tally.add(&source.fates.ended());
        }
        tally
    }

    /// Inter-arrival jitter, microseconds.
    pub fn jitter_us(&self) -> u32 {
        self.source.as_ref().map_or(0, |source| micros(source.clock.jitter, self.clock_rate))
    }

    /// Fills what is known of packets received.
    pub fn figures(&self, figures: &mut Figures) {
        let tally = self.tally();
        let (received, peak) = match &self.source {
            Some(source) => (source.received, micros(source.clock.jitter_max, self.clock_rate)),
            None => (0, 0),
        };
        figures.packets_received = self.earlier.received + received;
        figures.packets_lost = tally.lost;
        figures.packets_late = tally.late;
        figures.packets_repeated = tally.repeated;
        figures.bursts = tally.bursts;
        figures.burst_packets = tally.burst_packets;
        figures.burst_missing = tally.burst_missing;
        figures.jitter_us = self.jitter_us();
        figures.jitter_max_us = self.earlier.jitter_max_us.max(peak);
    }
}

/// `jitter` in timestamp units times 16.
fn micros(jitter: u32, clock_rate: u32) -> u32 {
    let micros = u64::from(jitter) * 1_000_000 / 16 / u64::from(clock_rate.max(1));
    u32::try_from(micros).unwrap_or(u32::MAX)
}

/// Since `came`, in 1/65536 s.
fn held(now: Moment, came: Moment) -> u32 {
    u32::try_from(now.since(came).as_micros() * 65_536 / 1_000_000).unwrap_or(u32::MAX)
}

impl Source {
    /// RFC 3550 A.1.
    fn place(&mut self, sequence: u16) -> Place {
        let ahead = sequence.wrapping_sub(self.highest as u16);
        let place = if ahead < MAX_DROPOUT {
            self.highest = self.highest.wrapping_add(u32::from(ahead));
            Place::Ahead(ahead)
        } else if ahead <= u16::MAX - MAX_MISORDER {
            // A jump that the next packet follows is a restart; one alone is a stray, received but not counted on.
            if self.restart == Some(sequence) {
                return Place::Restart;
            }
            self.restart = Some(sequence.wrapping_add(1));
            return Place::Stray;
        } else {
            Place::Behind(ahead.wrapping_neg())
        };
        self.restart = None;
        self.received += 1;
        place
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

/// When packets come, against when they were sent by their timestamps.
#[derive(Clone, Debug)]
struct Arrivals {
    /// What arrivals are counted from, so that 64 bits are enough to turn them into timestamp units.
    origin: Moment,
    last: Moment,
    /// Arrival less timestamp of the last packet, in timestamp units.
    transit: Option<u32>,
    /// The shortest transit in the present stretch of `FASTEST`, and in the one before.
    fastest: [u32; 2],
    stretch_ends: Moment,
    /// In timestamp units, times 16.
    jitter: u32,
    jitter_max: u32,
    spread: Spread,
}

impl Arrivals {
    fn new(now: Moment) -> Arrivals {
        Arrivals {
            origin: now,
            last: now,
            transit: None,
            fastest: [0; 2],
            stretch_ends: now,
            jitter: 0,
            jitter_max: 0,
            spread: Spread::default(),
        }
    }

    /// RFC 3550 A.8. False if the packet came so much later than the fastest that a listener had gone on.
    fn arrived(&mut self, now: Moment, timestamp: u32, clock_rate: u32) -> bool {
        let since = now.as_micros().saturating_sub(self.origin.as_micros());
        let arrival = (since.wrapping_mul(u64::from(clock_rate)) / 1_000_000) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        let paused = now.since(self.last) > PAUSE;
        self.last = now;
        match self.transit.replace(transit).filter(|_| !paused) {
            None => self.fastest = [transit; 2],
            Some(last) => {
                let difference = transit.wrapping_sub(last).cast_signed().unsigned_abs();
                // A leap of more than a minute at 48 kHz is a restarted clock.
                if difference < 60 * 48_000 {
                    self.jitter =
                        self.jitter.saturating_add(difference).saturating_sub((self.jitter + 8) >> 4);
                    self.jitter_max = self.jitter_max.max(self.jitter);
                    self.spread.add(difference);
                } else {
                    self.fastest = [transit; 2];
                }
            }
        }
        let [present, before] = &mut self.fastest;
        if now >= self.stretch_ends {
            *before = *present;
            *present = transit;
            self.stretch_ends = now + FASTEST;
        }
        *present = shorter(*present, transit);
        let late = transit.wrapping_sub(shorter(*present, *before)).cast_signed();
        i64::from(late) * 1_000 <= i64::from(clock_rate) * PLAYOUT.as_millis() as i64
    }
}

/// Of two transit times that may have wrapped.
fn shorter(a: u32, b: u32) -> u32 {
    if a.wrapping_sub(b).cast_signed() < 0 { a } else { b }
}
