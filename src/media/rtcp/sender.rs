//! What a stream sent, what the peer reports of it, and the reports we send (RFC 3550 §6.4, RFC 3611).

use super::fates::{GMIN, Tally};
use super::xr::{Extended, UNKNOWN, Voip, XR, echo, reference_time};
use super::{BYE, Block, RR, Reception, SDES, SR, compact, ntp};
use crate::media::event::Figures;
use crate::media::quality::{Delay, Heard, Losses};
use crate::moment::Moment;

/// Room for any compound that `Sender::write` makes: SR with one block, SDES with the longest CNAME, XR, BYE.
pub const REPORT_BYTES: usize = 512;

/// A round trip longer than this is a broken report: 60 s, in 1/65536 s.
const LONGEST_ROUND_TRIP: u32 = 60 << 16;

/// Jitter beyond this is not believed: 10 s, in microseconds.
const MOST_JITTER_US: u64 = 10_000_000;

/// Reports of ours that the peer may refer to: those of the last ten seconds at least.
const REMEMBERED: usize = 4;

/// One stream's sending side.
#[derive(Clone, Debug)]
pub struct Sender {
    ssrc: u32,
    clock_rate: u32,
    packets: u64,
    octets: u64,
    /// Timestamp of the last packet, and when it was sent.
    last: Option<(Moment, u32)>,
    /// `packets` at the last report and at the one before.
    reported: [u64; 2],
    /// Middle bits of the times in our last reports, newest first; 0 where there was none.
    times: [u32; REMEMBERED],
    peer: Peer,
    round_trip_us: Option<u32>,
    round_trip_max_us: u32,
}

/// What the peer says of what it receives.
#[derive(Clone, Copy, Debug, Default)]
struct Peer {
    /// A block came since it was last asked for.
    fresh: bool,
    /// A block came at all.
    heard: bool,
    fraction_lost: u8,
    lost: u64,
    jitter_us: u32,
    voip: Option<Voip>,
}

/// What goes into a report besides the counts.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Our name (RFC 3550 §6.5.1), cut at 255 bytes.
    pub cname: &'a str,
    /// This is the last one.
    pub leaving: bool,
    /// What the peer asked for beyond RFC 3550.
    pub extended: Extended,
    /// What the peer's audio has come like so far, if there was any.
    pub heard: Option<Heard>,
}

impl Sender {
    /// `ssrc`: ours. `clock_rate`: Hz.
    pub fn new(ssrc: u32, clock_rate: u32) -> Self {
        Sender {
            ssrc,
            clock_rate,
            packets: 0,
            octets: 0,
            last: None,
            reported: [0; 2],
            times: [0; REMEMBERED],
            peer: Peer::default(),
            round_trip_us: None,
            round_trip_max_us: 0,
        }
    }

    /// The RTP clock has another rate from now on, Hz: a codec was negotiated anew.
    pub fn set_clock(&mut self, clock_rate: u32) {
        self.clock_rate = clock_rate;
    }

    /// Counts a packet sent; `octets` of payload.
    pub fn packet(&mut self, now: Moment, timestamp: u32, octets: usize) {
        self.packets += 1;
        self.octets += octets as u64;
        self.last = Some((now, timestamp));
    }

    /// Takes a report block of the peer's. One about another SSRC is ignored, and so is what cannot be: more lost than
    /// was sent, jitter of many seconds, a round trip to a report that we never sent.
    pub fn block(&mut self, now: Moment, block: &Block) {
        let lost = u64::try_from(block.cumulative_lost).unwrap_or(0);
        let jitter_us = u64::from(block.jitter) * 1_000_000 / u64::from(self.clock_rate.max(1));
        if block.ssrc != self.ssrc || lost > self.packets || jitter_us > MOST_JITTER_US {
            return;
        }
        self.peer.fresh = true;
        self.peer.heard = true;
        self.peer.fraction_lost = block.fraction_lost;
        self.peer.lost = lost;
        self.peer.jitter_us = jitter_us as u32;
        self.took(now, block.last_report, block.delay);
    }

    /// Takes the peer's echo of a reference time of ours (RFC 3611 §4.5).
    pub fn echo(&mut self, now: Moment, ssrc: u32, last: u32, delay: u32) {
        if ssrc == self.ssrc {
            self.took(now, last, delay);
        }
    }

    /// Takes what the peer says its ear gets.
    pub fn voip(&mut self, voip: &Voip) {
        let known = |value: u8, most: u8| value <= most || value == UNKNOWN;
        let plausible = known(voip.r_factor, 100) && voip.mos.iter().all(|mos| known(*mos, 50));
        if voip.ssrc == self.ssrc && plausible {
            self.peer.voip = Some(*voip);
        }
    }

    /// The peer answers our report of the time `last` after holding it back for `delay`, both in 1/65536 s.
    fn took(&mut self, now: Moment, last: u32, delay: u32) {
        if last == 0 || !self.times.contains(&last) {
            return;
        }
        let trip = compact(ntp(now)).wrapping_sub(last).wrapping_sub(delay);
        // Rounding on both sides can make a very short trip come out below zero.
        let trip = if trip > u32::MAX - 66 { 0 } else { trip };
        if trip <= LONGEST_ROUND_TRIP {
            let micros = ((u64::from(trip) * 1_000_000) >> 16) as u32;
            self.round_trip_us = Some(micros);
            self.round_trip_max_us = self.round_trip_max_us.max(micros);
        }
    }

    /// The last round trip, microseconds.
    pub fn round_trip_us(&self) -> Option<u32> {
        self.round_trip_us
    }

    /// What the peer lost of what we sent, by its own word; `None` if it never said.
    pub fn told_losses(&self) -> Option<Losses> {
        self.peer.heard.then(|| self.with_late(self.packets, self.peer.lost))
    }

    /// As `told_losses`, of the interval before its last report: `None` if none came since this was last asked.
    pub fn take_told_losses(&mut self) -> Option<Losses> {
        /// A fraction is of 256.
        const WHOLE: u64 = 256;
        let fresh = std::mem::take(&mut self.peer.fresh);
        fresh.then(|| self.with_late(WHOLE, u64::from(self.peer.fraction_lost)))
    }

    /// `lost` of `expected`, and what the peer says it threw away.
    fn with_late(&self, expected: u64, lost: u64) -> Losses {
        let late = self.peer.voip.map_or(0, |voip| expected * u64::from(voip.discard_rate) / 256);
        let missing = (lost + late).min(expected);
        Losses { expected, missing, runs: missing }
    }

    /// The way from us to the peer's ear.
    pub fn told_delay(&self) -> Delay {
        let nominal = self.peer.voip.map(|voip| voip.buffer_ms[0]).filter(|depth| *depth > 0);
        Delay {
            round_trip_us: self.round_trip_us,
            jitter_us: self.peer.jitter_us,
            buffer_us: nominal.map(|depth| u32::from(depth) * 1_000),
        }
    }

    /// Writes a compound: SR if anything was sent since the report before last, else RR; SDES; XR if it was asked for
    /// and there is something to say; BYE if leaving. Returns its length.
    pub fn write(
        &mut self,
        now: Moment,
        reception: &mut Reception,
        terms: Terms<'_>,
        buffer: &mut [u8; REPORT_BYTES],
    ) -> usize {
        let mut writer = Writer { buffer, length: 0 };
        let block = reception.block(now);
        let sending = self.last.filter(|_| self.packets > self.reported[1]);
        let start = writer.begin(u8::from(block.is_some()), if sending.is_some() { SR } else { RR });
        writer.word(self.ssrc);
        let time = ntp(now);
        if let Some((sent, timestamp)) = sending {
            let since = now.since(sent).as_micros() * u128::from(self.clock_rate) / 1_000_000;
            writer.word((time >> 32) as u32);
            writer.word(time as u32);
            writer.word(timestamp.wrapping_add(since as u32));
            writer.word(self.packets as u32);
            writer.word(self.octets as u32);
            self.remember(time);
        }
        if let Some(block) = block {
            writer.put(&block.to_bytes());
        }
        writer.end(start);
        self.reported = [self.packets, self.reported[0]];
        writer.description(self.ssrc, terms.cname);
        if !terms.extended.is_empty() {
            let reference = (terms.extended.receiver_round_trip && sending.is_none()).then_some(time);
            if reference.is_some() {
                self.remember(time);
            }
            self.extend(now, reference, reception, terms, &mut writer);
        }
        if terms.leaving {
            let start = writer.begin(1, BYE);
            writer.word(self.ssrc);
            writer.end(start);
        }
        writer.length
    }

    fn remember(&mut self, time: u64) {
        self.times.rotate_right(1);
        self.times[0] = compact(time);
    }

    /// The XR packet, taken back if it would be empty.
    fn extend(
        &self,
        now: Moment,
        reference: Option<u64>,
        reception: &mut Reception,
        terms: Terms<'_>,
        writer: &mut Writer<'_>,
    ) {
        let start = writer.begin(0, XR);
        writer.word(self.ssrc);
        let empty = writer.length;
        if let Some(time) = reference {
            writer.put(&reference_time(time));
        }
        if terms.extended.receiver_round_trip
            && let Some((ssrc, last, delay)) = reception.take_echo(now)
        {
            writer.put(&echo(ssrc, last, delay));
        }
        if terms.extended.statistics
            && let Some(statistics) = reception.statistics()
        {
            writer.put(&statistics.bytes());
        }
        if terms.extended.voip
            && let Some((ssrc, tally)) = reception.source()
            && let Some(heard) = terms.heard
        {
            writer.put(&self.sound(ssrc, &tally, heard).bytes(GMIN as u8));
        }
        if writer.length == empty {
            writer.length = start;
        } else {
            writer.end(start);
        }
    }

    /// RFC 3611 §4.7 of what was heard. A packet stands for 20 ms.
    fn sound(&self, ssrc: u32, tally: &Tally, heard: Heard) -> Voip {
        let share = |part: u64, whole: u64| (part * 256 / whole.max(1)).min(255) as u8;
        let short = |value: u64| u16::try_from(value).unwrap_or(u16::MAX);
        let expected = tally.expected();
        let gap_packets = expected - tally.burst_packets;
        let millis = |micros: u32| short(u64::from(micros) / 1_000);
        let depth = heard.delay.buffer_us.map_or(0, millis);
        let tenths = |mos: f64| (mos * 10.0).round() as u8;
        let rating = heard.rating();
        Voip {
            ssrc,
            loss_rate: share(tally.lost, expected),
            discard_rate: share(tally.late, expected),
            burst_density: share(tally.burst_missing, tally.burst_packets),
            gap_density: share(tally.missing() - tally.burst_missing, gap_packets),
            burst_ms: short(tally.burst_packets * 20 / tally.bursts.max(1)),
            gap_ms: short(gap_packets * 20 / (tally.bursts + 1)),
            round_trip_ms: self.round_trip_us.map_or(0, millis),
            end_system_ms: short(20).saturating_add(depth),
            r_factor: rating.r().round() as u8,
            mos: [tenths(heard.listening().mos()), tenths(rating.mos())],
            buffer_ms: [depth; 3],
            // Concealment and the buffer's kind are not told: where packets are relayed the far end has both.
            configuration: 0,
        }
    }

    /// Fills `packets_sent`, what the peer reports, and the round trips.
    pub fn figures(&self, figures: &mut Figures) {
        figures.packets_sent = self.packets;
        figures.peer_loss_fraction = self.peer.fraction_lost;
        figures.peer_packets_lost = self.peer.heard.then_some(self.peer.lost);
        figures.peer_jitter_us = self.peer.jitter_us;
        figures.round_trip_us = self.round_trip_us;
        figures.round_trip_max_us = self.round_trip_max_us;
    }
}

/// Appends to a report. The longest is 52 + 268 + 112 + 8 bytes, so it always fits.
struct Writer<'a> {
    buffer: &'a mut [u8; REPORT_BYTES],
    length: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.buffer[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    fn word(&mut self, word: u32) {
        self.put(&word.to_be_bytes());
    }

    /// A packet's header with its length still to come; returns where it stands.
    fn begin(&mut self, count: u8, packet_type: u8) -> usize {
        let start = self.length;
        self.put(&[2 << 6 | count, packet_type, 0, 0]);
        start
    }

    /// Length in words less one (RFC 3550 §6.4.1).
    fn end(&mut self, start: usize) {
        let words = (self.length - start) / 4 - 1;
        self.buffer[start + 2..start + 4].copy_from_slice(&(words as u16).to_be_bytes());
    }

    /// SDES with one chunk of one item, ended by one to four zeros (RFC 3550 §6.5).
    fn description(&mut self, ssrc: u32, cname: &str) {
        let name = &cname.as_bytes()[..cname.floor_char_boundary(255)];
        let start = self.begin(1, SDES);
        self.word(ssrc);
        self.put(&[1, name.len() as u8]);
        self.put(name);
        self.put(&[0; 4][self.length % 4..]);
        self.end(start);
    }
}
