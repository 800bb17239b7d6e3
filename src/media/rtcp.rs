//! RTCP (RFC 3550 §6): reports read and written in place, and the figures they carry.

use super::event::Figures;
use crate::moment::Moment;

/// Room for any compound that `Sender::write` makes: SR with one block, SDES with the longest CNAME, BYE.
pub const REPORT_BYTES: usize = 512;

/// Why a datagram is not RTCP (RFC 3550 A.2). The sender's fault; it is counted and dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("shorter than its headers say")]
    Truncated,
    #[error("not RTCP version 2")]
    Version,
    #[error("does not begin with a sender or receiver report")]
    First,
    #[error("padding elsewhere than in the last packet, or longer than it")]
    Padding,
}

/// A validated compound packet.
#[derive(Clone, Copy, Debug)]
pub struct Compound<'a> {
    rest: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Validates a datagram without copying.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Malformed> {
        todo!()
    }

    /// The packets in it, in order.
    pub fn parts(&self) -> impl Iterator<Item = Part<'a>> {
        std::iter::empty()
    }
}

/// One packet of a compound.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    SenderReport {
        ssrc: u32,
        /// NTP time, 32.32 fixed point.
        ntp: u64,
        rtp_time: u32,
        packets: u32,
        octets: u32,
        blocks: Blocks<'a>,
    },
    ReceiverReport {
        ssrc: u32,
        blocks: Blocks<'a>,
    },
    /// The first CNAME of the first chunk, if any.
    Cname {
        ssrc: u32,
        cname: &'a [u8],
    },
    /// The sources that leave, four bytes each.
    Bye {
        sources: &'a [u8],
    },
    /// Application-defined, feedback (RFC 4585), extended reports (RFC 3611): passed over.
    Other {
        packet_type: u8,
    },
}

/// Report blocks, read as they are iterated.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    rest: &'a [u8],
}

impl Iterator for Blocks<'_> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        todo!()
    }
}

/// A report block (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Whose packets are reported on.
    pub ssrc: u32,
    /// Since the previous report, in 1/256.
    pub fraction_lost: u8,
    /// Over the stream's life; 24 bits, signed: duplicates can make it negative.
    pub cumulative_lost: i32,
    /// Cycles in the upper half.
    pub highest_sequence: u32,
    /// In units of the RTP clock.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last sender report; 0 if none came.
    pub last_report: u32,
    /// Since that report, in 1/65536 s.
    pub delay: u32,
}

/// What a stream received: sequence, loss and jitter (RFC 3550 A.1, A.3, A.8).
#[derive(Clone, Debug)]
pub struct Reception {}

impl Reception {
    /// `clock_rate`: of the RTP timestamps, Hz.
    pub fn new(clock_rate: u32) -> Self {
        todo!()
    }

    /// Counts a received packet. A new SSRC starts the sequence anew and keeps the totals.
    pub fn packet(&mut self, now: Moment, ssrc: u32, sequence: u16, timestamp: u32) {
        todo!()
    }

    /// As `packet`, for a packet whose timestamp says nothing of when it was sent: a telephone-event repeats
    /// the time of its start (RFC 4733 §2.5), which would count as jitter.
    pub fn untimed_packet(&mut self, now: Moment, ssrc: u32, sequence: u16) {
        todo!()
    }

    /// The peer's sender report came.
    pub fn sender_report(&mut self, now: Moment, ssrc: u32, ntp: u64) {
        todo!()
    }

    /// The block for our next report, `None` before the first packet. Starts the next interval of `fraction_lost`.
    pub fn block(&mut self, now: Moment) -> Option<Block> {
        todo!()
    }

    /// Fills `packets_received`, `packets_lost` and `jitter_us`.
    pub fn figures(&self, figures: &mut Figures) {
        todo!()
    }
}

/// What a stream sent, and what the peer reports of it.
#[derive(Clone, Debug)]
pub struct Sender {}

impl Sender {
    /// `ssrc`: ours. `clock_rate`: Hz.
    pub fn new(ssrc: u32, clock_rate: u32) -> Self {
        todo!()
    }

    /// Counts a packet sent; `octets` of payload.
    pub fn packet(&mut self, now: Moment, timestamp: u32, octets: usize) {
        todo!()
    }

    /// Takes a report block of the peer's; one about another SSRC is ignored.
    pub fn block(&mut self, now: Moment, block: &Block) {
        todo!()
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
        todo!()
    }

    /// Fills `packets_sent`, `peer_loss_fraction` and `round_trip_us`.
    pub fn figures(&self, figures: &mut Figures) {
        todo!()
    }
}

/// NTP time, 32.32 fixed point seconds since 1900.
pub fn ntp(now: Moment) -> u64 {
    todo!()
}
