//! What phones send: numbered and stamped frames of G.711, and pressed keys.

use hotline::media::rtp::{HEADER_BYTES, Header};

use super::burst::PACKET_BYTES;

/// Bytes of 20 ms of G.711.
pub const FRAME_BYTES: usize = 160;

/// Begins the payload of a packet of ours.
const MARK: &[u8; 4] = b"HLLT";

/// A-law's quietest value: the rest of a frame.
const FILL: [u8; FRAME_BYTES] = [0xD5; FRAME_BYTES];

/// Where the stamp ends and the fill begins.
const STAMP_BYTES: usize = 24;

/// 20 ms packets of one pressed key, and how often its end is repeated (RFC 4733 §2.5.1.4).
const KEY_PACKETS: u16 = 5;
const KEY_ENDS: u16 = 3;

/// What a packet of ours says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The window of measurement it was sent in; 0 outside of one.
    pub window: u32,
    /// Counted by its sender, one more each.
    pub number: u32,
    /// When it was sent, nanoseconds since 1970.
    pub sent: u64,
}

/// A stamp read from a payload, and whether the rest came as it was sent.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    pub stamp: Stamp,
    pub whole: bool,
}

/// A frame with its stamp; its bytes in all.
pub fn frame(header: &Header, stamp: Stamp, packet: &mut [u8; PACKET_BYTES]) -> usize {
    put_header(header, packet);
    let payload = &mut packet[HEADER_BYTES..HEADER_BYTES + FRAME_BYTES];
    payload.copy_from_slice(&FILL);
    payload[..4].copy_from_slice(MARK);
    payload[4..8].copy_from_slice(&stamp.window.to_be_bytes());
    payload[8..12].copy_from_slice(&stamp.number.to_be_bytes());
    payload[12..20].copy_from_slice(&stamp.sent.to_be_bytes());
    HEADER_BYTES + FRAME_BYTES
}

/// A frame without a stamp; its bytes in all. What is longer than there is room for is cut.
pub fn spoken(header: &Header, payload: &[u8], packet: &mut [u8; PACKET_BYTES]) -> usize {
    put_header(header, packet);
    let length = payload.len().min(PACKET_BYTES - HEADER_BYTES);
    packet[HEADER_BYTES..HEADER_BYTES + length].copy_from_slice(&payload[..length]);
    HEADER_BYTES + length
}

/// `None` if the payload is not one of ours.
pub fn read(payload: &[u8]) -> Option<Read> {
    let rest = payload.strip_prefix(MARK.as_slice())?;
    let word =
        |at: usize| rest.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let sent = u64::from_be_bytes(rest.get(8..16)?.try_into().ok()?);
    let stamp = Stamp { window: word(0)?, number: word(4)?, sent };
    Some(Read { stamp, whole: payload.len() == FRAME_BYTES && payload[STAMP_BYTES..] == FILL[STAMP_BYTES..] })
}

/// A key that is being pressed.
#[derive(Clone, Copy, Debug)]
pub struct Press {
    symbol: char,
    packets: u16,
    /// The timestamp of all its packets.
    pub began: u32,
}

impl Press {
    pub fn new(symbol: char, began: u32) -> Press {
        Press { symbol, packets: 0, began }
    }

    pub fn is_first(&self) -> bool {
        self.packets == 0
    }

    /// The next packet (RFC 4733 §2.3: event, end bit and volume, duration in samples), and the press after it.
    pub fn packet(self, header: &Header, packet: &mut [u8; PACKET_BYTES]) -> (usize, Option<Press>) {
        put_header(header, packet);
        let code = match self.symbol {
            '*' => 10,
            '#' => 11,
            digit => digit.to_digit(10).unwrap_or(0) as u8,
        };
        let end = if self.packets >= KEY_PACKETS { 0x80 } else { 0 };
        let duration = (self.packets.min(KEY_PACKETS - 1) + 1) * FRAME_BYTES as u16;
        let [high, low] = duration.to_be_bytes();
        packet[HEADER_BYTES..HEADER_BYTES + 4].copy_from_slice(&[code, end | 10, high, low]);
        let next = Press { packets: self.packets + 1, ..self };
        (HEADER_BYTES + 4, Some(next).filter(|press| press.packets < KEY_PACKETS + KEY_ENDS))
    }
}

fn put_header(header: &Header, packet: &mut [u8; PACKET_BYTES]) {
    header.write(packet.first_chunk_mut().expect("a packet has room for its header"));
}
