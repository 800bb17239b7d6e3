//! What a stream sent, what the peer reports of it, and the reports we send (RFC 3550 §6.4).

use super::{BYE, Block, RR, Reception, SDES, SR, compact, ntp};
use crate::media::event::Figures;
use crate::moment::Moment;

/// Room for any compound that `Sender::write` makes: SR with one block, SDES with the longest CNAME, BYE.
pub const REPORT_BYTES: usize = 512;

/// A round trip longer than this is a broken report: 60 s, in 1/65536 s.
const LONGEST_ROUND_TRIP: u32 = 60 << 16;

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
    peer_loss_fraction: u8,
    round_trip_us: Option<u32>,
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
            peer_loss_fraction: 0,
            round_trip_us: None,
        }
    }

    /// The codec's clock, Hz.
    pub fn set_clock(&mut self, clock_rate: u32) {
        self.clock_rate = clock_rate;
    }

    /// Counts a packet sent; `octets` of payload.
    pub fn packet(&mut self, now: Moment, timestamp: u32, octets: usize) {
        self.packets += 1;
        self.octets += octets as u64;
        self.last = Some((now, timestamp));
    }

    /// Takes a report block of the peer's; one about another SSRC is ignored.
    pub fn block(&mut self, now: Moment, block: &Block) {
        if block.ssrc != self.ssrc {
            return;
        }
        self.peer_loss_fraction = block.fraction_lost;
        if block.last_report == 0 {
            return;
        }
        let trip = compact(ntp(now)).wrapping_sub(block.last_report).wrapping_sub(block.delay);
        // Rounding on both sides can make a very short trip come out below zero.
        let trip = if trip > u32::MAX - 66 { 0 } else { trip };
        if trip <= LONGEST_ROUND_TRIP {
            self.round_trip_us = u32::try_from((u64::from(trip) * 1_000_000) >> 16).ok();
        }
    }

    /// Writes a compound: SR if anything was sent since the report before last, else RR; SDES with `cname`
    /// (cut at 255 bytes); BYE if `leaving`. Returns its length.
    pub fn write(
        &mut self,
        now: Moment,
        reception: &mut Reception,
        cname: &str,
        leaving: bool,
        buffer: &mut [u8; REPORT_BYTES],
    ) -> usize {
        let mut writer = Writer { buffer, length: 0 };
        let block = reception.block(now);
        let sending = self.last.filter(|_| self.packets > self.reported[1]);
        let start = writer.begin(u8::from(block.is_some()), if sending.is_some() { SR } else { RR });
        writer.word(self.ssrc);
        if let Some((sent, timestamp)) = sending {
            let time = ntp(now);
            let since = now.since(sent).as_micros() * u128::from(self.clock_rate) / 1_000_000;
            writer.word((time >> 32) as u32);
            writer.word(time as u32);
            writer.word(timestamp.wrapping_add(since as u32));
            writer.word(self.packets as u32);
            writer.word(self.octets as u32);
        }
        if let Some(block) = block {
            writer.put(&block.to_bytes());
        }
        writer.end(start);
        self.reported = [self.packets, self.reported[0]];
        writer.description(self.ssrc, cname);
        if leaving {
            let start = writer.begin(1, BYE);
            writer.word(self.ssrc);
            writer.end(start);
        }
        writer.length
    }

    /// Fills `packets_sent`, `peer_loss_fraction` and `round_trip_us`.
    pub fn figures(&self, figures: &mut Figures) {
        figures.packets_sent = self.packets;
        figures.peer_loss_fraction = self.peer_loss_fraction;
        figures.round_trip_us = self.round_trip_us;
    }
}

/// Appends to a report. The longest is 52 + 268 + 8 bytes, so it always fits.
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
