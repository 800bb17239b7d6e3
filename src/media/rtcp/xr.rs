//! Extended reports (RFC 3611): reference times, statistics, and what a call sounds like.

use super::word;

/// Packet type (RFC 3611 §2).
pub const XR: u8 = 207;

/// Block types (RFC 3611 §4).
const REFERENCE_TIME: u8 = 4;
const DLRR: u8 = 5;
const STATISTICS: u8 = 6;
const VOIP: u8 = 7;

/// A value that the reporter does not have (RFC 3611 §4.7.5).
pub const UNKNOWN: u8 = 127;

/// What the statistics hold: lost, repeated, jitter; the last two bits would tell whose time to live (§4.6).
const LOSS_REPEATS_JITTER: u8 = 0b1110_0000;

/// Which blocks a peer asked for by `a=rtcp-xr` (RFC 3611 §5.1); none unless it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extended {
    /// Round trips measured by receivers: reference times and their echoes.
    pub receiver_round_trip: bool,
    pub statistics: bool,
    pub voip: bool,
}

impl Extended {
    /// All that we can write.
    pub const ALL: Extended = Extended { receiver_round_trip: true, statistics: true, voip: true };

    pub fn is_empty(self) -> bool {
        self == Extended::default()
    }
}

/// Statistics of one source since the report before (§4.6). Jitter in units of the RTP clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    pub ssrc: u32,
    pub first: u16,
    /// One above the last.
    pub end: u16,
    pub lost: u32,
    pub repeated: u32,
    /// Least, most, mean, standard deviation.
    pub jitter: [u32; 4],
}

/// What a source sounds like since it began (§4.7). Rates and densities in 1/256, times in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voip {
    pub ssrc: u32,
    pub loss_rate: u8,
    pub discard_rate: u8,
    pub burst_density: u8,
    pub gap_density: u8,
    pub burst_ms: u16,
    pub gap_ms: u16,
    /// Zero: not known.
    pub round_trip_ms: u16,
    pub end_system_ms: u16,
    /// 0 to 100, or `UNKNOWN`.
    pub r_factor: u8,
    /// MOS times ten, listening and conversational, or `UNKNOWN`.
    pub mos: [u8; 2],
    /// Jitter buffer: nominal, largest now, largest ever, ms.
    pub buffer_ms: [u16; 3],
    /// Bits of the receiver's configuration (§4.7.6).
    pub configuration: u8,
}

/// One block of a peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XrBlock {
    /// NTP time, 32.32 fixed point, of a receiver that sends nothing.
    ReferenceTime {
        ntp: u64,
    },
    /// Its echo: about whom, middle bits of the time, delay since in 1/65536 s.
    Echo {
        ssrc: u32,
        last: u32,
        delay: u32,
    },
    Voip(Voip),
}

/// Blocks that we have a use for, read as they are iterated. All others are passed over, however many.
#[derive(Clone, Copy, Debug)]
pub struct XrBlocks<'a> {
    rest: &'a [u8],
    /// Echoes of a DLRR block that are still to come.
    echoes: &'a [u8],
}

impl<'a> XrBlocks<'a> {
    /// `body`: after the reporter's SSRC.
    pub fn of(body: &'a [u8]) -> XrBlocks<'a> {
        XrBlocks { rest: body, echoes: &[] }
    }
}

impl Iterator for XrBlocks<'_> {
    type Item = XrBlock;

    fn next(&mut self) -> Option<XrBlock> {
        loop {
            if let Some((echo, rest)) = self.echoes.split_first_chunk::<12>() {
                self.echoes = rest;
                return Some(XrBlock::Echo {
                    ssrc: word(echo, 0)?,
                    last: word(echo, 4)?,
                    delay: word(echo, 8)?,
                });
            }
            let (&[kind, _, n0, n1], rest) = self.rest.split_first_chunk::<4>()?;
            let length = usize::from(u16::from_be_bytes([n0, n1])) * 4;
            // A block that ends beyond its packet ends the reading.
            let (block, rest) = rest.split_at_checked(length)?;
            self.rest = rest;
            match (kind, block.len()) {
                (REFERENCE_TIME, 8) => {
                    let ntp = u64::from(word(block, 0)?) << 32 | u64::from(word(block, 4)?);
                    return Some(XrBlock::ReferenceTime { ntp });
                }
                (DLRR, _) => self.echoes = block,
                (VOIP, 32) => return Some(XrBlock::Voip(Voip::read(block)?)),
                _ => {}
            }
        }
    }
}

impl Voip {
    fn read(block: &[u8]) -> Option<Voip> {
        let half = |place: usize| Some(u16::from_be_bytes([*block.get(place)?, *block.get(place + 1)?]));
        let [_, _, _, _, loss_rate, discard_rate, burst_density, gap_density, ..] = *block else {
            return None;
        };
        Some(Voip {
            ssrc: word(block, 0)?,
            loss_rate,
            discard_rate,
            burst_density,
            gap_density,
            burst_ms: half(8)?,
            gap_ms: half(10)?,
            round_trip_ms: half(12)?,
            end_system_ms: half(14)?,
            r_factor: *block.get(20)?,
            mos: [*block.get(22)?, *block.get(23)?],
            configuration: *block.get(24)?,
            buffer_ms: [half(26)?, half(28)?, half(30)?],
        })
    }

    /// The block with its header (§4.7). Signal, noise and echo are not measured, nor R of another network.
    pub fn bytes(&self, gmin: u8) -> [u8; 36] {
        let mut bytes = [0; 36];
        bytes[..4].copy_from_slice(&[VOIP, 0, 0, 8]);
        bytes[4..8].copy_from_slice(&self.ssrc.to_be_bytes());
        bytes[8..12].copy_from_slice(&[
            self.loss_rate,
            self.discard_rate,
            self.burst_density,
            self.gap_density,
        ]);
        let times = [self.burst_ms, self.gap_ms, self.round_trip_ms, self.end_system_ms];
        for (two, time) in bytes[12..20].chunks_exact_mut(2).zip(times) {
            two.copy_from_slice(&time.to_be_bytes());
        }
        bytes[20..24].copy_from_slice(&[UNKNOWN, UNKNOWN, UNKNOWN, gmin]);
        bytes[24..29].copy_from_slice(&[
            self.r_factor,
            UNKNOWN,
            self.mos[0],
            self.mos[1],
            self.configuration,
        ]);
        for (two, depth) in bytes[30..36].chunks_exact_mut(2).zip(self.buffer_ms) {
            two.copy_from_slice(&depth.to_be_bytes());
        }
        bytes
    }
}

impl Statistics {
    /// The block with its header (§4.6).
    pub fn bytes(&self) -> [u8; 40] {
        let mut bytes = [0; 40];
        bytes[..4].copy_from_slice(&[STATISTICS, LOSS_REPEATS_JITTER, 0, 9]);
        let range = u32::from(self.first) << 16 | u32::from(self.end);
        let [least, most, mean, deviation] = self.jitter;
        let words = [self.ssrc, range, self.lost, self.repeated, least, most, mean, deviation];
        for (four, word) in bytes[4..36].chunks_exact_mut(4).zip(words) {
            four.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }
}

/// A reference time block with its header (§4.4).
pub fn reference_time(ntp: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&[REFERENCE_TIME, 0, 0, 2]);
    bytes[4..].copy_from_slice(&ntp.to_be_bytes());
    bytes
}

/// A DLRR block with one echo and its header (§4.5).
pub fn echo(ssrc: u32, last: u32, delay: u32) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&[DLRR, 0, 0, 3]);
    for (four, word) in bytes[4..].chunks_exact_mut(4).zip([ssrc, last, delay]) {
        four.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}
