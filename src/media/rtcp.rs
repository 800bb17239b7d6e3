//! RTCP (RFC 3550 §6): reports read and written in place, and the figures they carry.

mod fates;
mod reception;
mod sender;
mod spread;
pub mod xr;

pub use reception::Reception;
pub use sender::{REPORT_BYTES, Sender, Terms};

use xr::{XR, XrBlocks};

use crate::moment::Moment;

/// Packet types (RFC 3550 §12.1).
const SR: u8 = 200;
const RR: u8 = 201;
const SDES: u8 = 202;
const BYE: u8 = 203;

/// Bytes of a report block.
const BLOCK_BYTES: usize = 24;

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
    /// Validates a datagram without copying: version and length of each packet, padding only in the last, a report
    /// first. What the packets hold is within their bounds afterwards.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let mut rest = datagram;
        let mut first = true;
        loop {
            let (&[flags, packet_type, n0, n1], _) =
                rest.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
            if flags >> 6 != 2 {
                return Err(Malformed::Version);
            }
            if first && !matches!(packet_type, SR | RR) {
                return Err(Malformed::First);
            }
            let length = (usize::from(u16::from_be_bytes([n0, n1])) + 1) * 4;
            let (packet, next) = rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
            let body = unpadded(packet, next.is_empty())?;
            check_counts(flags & 0x1F, packet_type, body)?;
            if next.is_empty() {
                return Ok(Compound { rest: datagram });
            }
            (rest, first) = (next, false);
        }
    }

    /// The packets in it, in order.
    pub fn parts(&self) -> impl Iterator<Item = Part<'a>> + use<'a> {
        let mut rest = self.rest;
        std::iter::from_fn(move || {
            let (&[flags, packet_type, n0, n1], _) = rest.split_first_chunk::<4>()?;
            let length = (usize::from(u16::from_be_bytes([n0, n1])) + 1) * 4;
            let (packet, next) = rest.split_at_checked(length)?;
            rest = next;
            let body = unpadded(packet, next.is_empty()).unwrap_or_default();
            Some(part(flags & 0x1F, packet_type, body).unwrap_or(Part::Other { packet_type }))
        })
    }
}

/// A packet's bytes after its header, without padding.
fn unpadded(packet: &[u8], last: bool) -> Result<&[u8], Malformed> {
    let body = &packet[4..];
    if packet[0] & 0x20 == 0 {
        return Ok(body);
    }
    let padding = usize::from(*body.last().ok_or(Malformed::Padding)?);
    if !last || padding == 0 || padding % 4 != 0 {
        return Err(Malformed::Padding);
    }
    body.len().checked_sub(padding).map(|end| &body[..end]).ok_or(Malformed::Padding)
}

/// A packet holds what its count announces.
fn check_counts(count: u8, packet_type: u8, body: &[u8]) -> Result<(), Malformed> {
    let count = usize::from(count);
    let needed = match packet_type {
        SR => 24 + count * BLOCK_BYTES,
        RR => 4 + count * BLOCK_BYTES,
        BYE => count * 4,
        XR => 4,
        _ => 0,
    };
    if body.len() < needed { Err(Malformed::Truncated) } else { Ok(()) }
}

/// Four bytes as a number.
fn word(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place..place + 4)?.try_into().ok().map(u32::from_be_bytes)
}

/// `None` for a packet that we have no use for.
fn part(count: u8, packet_type: u8, body: &[u8]) -> Option<Part<'_>> {
    let word = |place| word(body, place);
    let blocks =
        |from: usize| Some(Blocks { rest: body.get(from..from + usize::from(count) * BLOCK_BYTES)? });
    match packet_type {
        SR => Some(Part::SenderReport {
            ssrc: word(0)?,
            ntp: u64::from(word(4)?) << 32 | u64::from(word(8)?),
            rtp_time: word(12)?,
            packets: word(16)?,
            octets: word(20)?,
            blocks: blocks(24)?,
        }),
        RR => Some(Part::ReceiverReport { ssrc: word(0)?, blocks: blocks(4)? }),
        SDES if count > 0 => Some(Part::Cname { ssrc: word(0)?, cname: cname(body.get(4..)?)? }),
        XR => Some(Part::Extended { ssrc: word(0)?, blocks: XrBlocks::of(body.get(4..)?) }),
        BYE => Some(Part::Bye { sources: body.get(..usize::from(count) * 4)? }),
        _ => None,
    }
}

/// Item 1 among the items of a chunk (RFC 3550 §6.5.1).
fn cname(mut items: &[u8]) -> Option<&[u8]> {
    while let [kind, length, rest @ ..] = items {
        if *kind == 0 {
            break;
        }
        let (value, next) = rest.split_at_checked(usize::from(*length))?;
        if *kind == 1 {
            return Some(value);
        }
        items = next;
    }
    None
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
    /// The canonical name of the first source described.
    Cname {
        ssrc: u32,
        cname: &'a [u8],
    },
    /// The sources that leave, four bytes each.
    Bye {
        sources: &'a [u8],
    },
    /// Extended report (RFC 3611).
    Extended {
        ssrc: u32,
        blocks: XrBlocks<'a>,
    },
    /// Application-defined, feedback (RFC 4585), descriptions without a name: passed over.
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
        let (block, rest) = self.rest.split_first_chunk::<BLOCK_BYTES>()?;
        self.rest = rest;
        let word = |place: usize| {
            u32::from_be_bytes([block[place], block[place + 1], block[place + 2], block[place + 3]])
        };
        Some(Block {
            ssrc: word(0),
            fraction_lost: block[4],
            // 24 bits, signed: up into the sign and down again.
            cumulative_lost: (word(4) << 8).cast_signed() >> 8,
            highest_sequence: word(8),
            jitter: word(12),
            last_report: word(16),
            delay: word(20),
        })
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

impl Block {
    /// The smallest and largest loss that 24 bits hold (RFC 3550 §6.4.1).
    const LOST: std::ops::RangeInclusive<i32> = -0x80_0000..=0x7F_FFFF;

    fn to_bytes(self) -> [u8; BLOCK_BYTES] {
        let lost =
            self.cumulative_lost.clamp(*Self::LOST.start(), *Self::LOST.end()).cast_unsigned() & 0xFF_FFFF;
        let words = [
            self.ssrc,
            u32::from(self.fraction_lost) << 24 | lost,
            self.highest_sequence,
            self.jitter,
            self.last_report,
            self.delay,
        ];
        let mut bytes = [0; BLOCK_BYTES];
        for (four, word) in bytes.chunks_exact_mut(4).zip(words) {
            four.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }
}

/// NTP time, 32.32 fixed point seconds since 1900; its seconds wrap in 2036, as NTP's do.
pub fn ntp(now: Moment) -> u64 {
    /// 1900 to 1970 (RFC 868): 70 years of which 17 had a leap day.
    const EPOCH: u64 = 2_208_988_800;
    let micros = now.as_micros();
    let fraction = ((micros % 1_000_000) << 32) / 1_000_000;
    (micros / 1_000_000).wrapping_add(EPOCH) << 32 | fraction
}

/// The middle 32 bits of NTP time: seconds in 16.16 fixed point.
fn compact(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

#[cfg(test)]
mod tests;
