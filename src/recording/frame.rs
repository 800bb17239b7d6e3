//! Packets on their way to their tapes: a bounded ring of bytes from a media worker to the disk thread.
//!
//! A packet stands in the ring as it will stand on the tape, behind the call that it belongs to. So it is copied once by
//! the worker and once by the disk thread, whatever its length, and nobody writes it anew:
//!
//! ```text
//! call:u64 | 1:u8 kind:u8 rtp time:u32 at:u64 length:u16 payload     (little-endian; the record begins behind the line)
//! ```

use crate::ids::CallId;
use crate::media::command::Codec;
use crate::moment::Moment;

/// Whose voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Left channel.
    Caller,
    /// Prompts, music, agents: right channel.
    Bank,
}

/// One packet for a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taped<'a> {
    pub call: CallId,
    pub side: Side,
    pub codec: Codec,
    /// The packet's RTP timestamp.
    pub rtp_time: u32,
    /// When it was received, or sent.
    pub at: Moment,
    /// Made by the server at its slot (a prompt, a mix), not passed on: what is missing before it was never sent.
    pub made: bool,
    /// At most `PAYLOAD_BYTES`.
    pub payload: &'a [u8],
}

/// Largest payload kept in bytes: no datagram is longer (`DATAGRAM_BYTES` of the media plane). A longer one is not taken,
/// as if the ring were full.
pub const PAYLOAD_BYTES: usize = 2_048;

/// Bytes of a worker's tape ring: 2 s of 1,500 recorded calls, both sides (300,000 packets of 20 ms G.711, 184 bytes each).
/// So long may the disk stand still. When full the packet is dropped, counted, and reported as a named gap.
pub const RING_BYTES: usize = 55_200_000;

/// The tag of a packet's record.
pub const PACKET: u8 = 1;

/// Bytes of a packet's record before the payload.
pub const HEAD_BYTES: usize = 16;

const CALL_BYTES: usize = 8;

/// Bytes taken from the ring before room is given back to the worker: a few hundred packets.
const PORTION: usize = 64 * 1024;

const _: () = assert!(PORTION > CALL_BYTES + HEAD_BYTES + PAYLOAD_BYTES, "a portion holds a packet");

/// The bit of `kind` that says `made`.
const MADE: u8 = 0x80;

/// Side, codec and origin as one byte of the record. The codecs' numbers stand on tapes: they never change.
fn kind(side: Side, codec: Codec, made: bool) -> u8 {
    let side = match side {
        Side::Caller => 0,
        Side::Bank => 1,
    };
    let codec = match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 1,
        Codec::G722 => 2,
        Codec::Opus => 3,
    };
    codec << 1 | side | if made { MADE } else { 0 }
}

/// Side, codec and whether it was `made`; `None` if no such codec was ever written.
pub fn of_kind(kind: u8) -> Option<(Side, Codec, bool)> {
    let side = if kind & 1 == 0 { Side::Caller } else { Side::Bank };
    let codec = match (kind & !MADE) >> 1 {
        0 => Codec::Pcmu,
        1 => Codec::Pcma,
        2 => Codec::G722,
        3 => Codec::Opus,
        _ => return None,
    };
    Some((side, codec, kind & MADE != 0))
}

impl Taped<'_> {
    /// The call, then the record up to its payload.
    fn head(&self) -> [u8; CALL_BYTES + HEAD_BYTES] {
        let mut head = [0; CALL_BYTES + HEAD_BYTES];
        head[..8].copy_from_slice(&self.call.0.to_le_bytes());
        head[8] = PACKET;
        head[9] = kind(self.side, self.codec, self.made);
        head[10..14].copy_from_slice(&self.rtp_time.to_le_bytes());
        head[14..22].copy_from_slice(&self.at.as_micros().to_le_bytes());
        head[22..].copy_from_slice(&(self.payload.len() as u16).to_le_bytes());
        head
    }
}

/// The ring has no room for the packet: the disk is slow, or stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The worker's end.
pub struct Inlet(rtrb::Producer<u8>);

/// The disk thread's end.
pub struct Outlet(rtrb::Consumer<u8>);

/// A packet's record as it lies in the ring: in two parts where the ring begins anew.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub call: CallId,
    pub parts: [&'a [u8]; 2],
}

impl Record<'_> {
    pub fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.parts[0]);
        out.extend_from_slice(self.parts[1]);
    }
}

/// A worker's ring to the disk thread. Every byte has been written once, so that the packet path meets no page that
/// the kernel has yet to give, and memory does not seem to grow with the first calls.
pub fn ring() -> (Inlet, Outlet) {
    let (mut inlet, mut outlet) = ring_of(RING_BYTES);
    let blank = [0; 4_096];
    while !inlet.0.push_partial_slice(&blank).0.is_empty() {}
    if let Ok(all) = outlet.0.read_chunk(RING_BYTES) {
        all.commit_all();
    }
    (inlet, outlet)
}

/// A ring of another size, in bytes: for tests and measurements.
pub fn ring_of(bytes: usize) -> (Inlet, Outlet) {
    let (inlet, outlet) = rtrb::RingBuffer::new(bytes);
    (Inlet(inlet), Outlet(outlet))
}

impl Inlet {
    /// Copies the packet into the ring, or no byte of it.
    pub fn put(&mut self, taped: &Taped<'_>) -> Result<(), Full> {
        let head = taped.head();
        let room = head.len() + taped.payload.len();
        if taped.payload.len() > PAYLOAD_BYTES || self.0.write_chunk_uninit(room).is_err() {
            return Err(Full);
        }
        // There is room for both, so neither is refused; the disk thread waits for the second.
        self.0.push_entire_slice(&head).map_err(|_| Full)?;
        self.0.push_entire_slice(taped.payload).map_err(|_| Full)
    }
}

impl Outlet {
    /// Hands over the packets that are there now; more may come for ever.
    pub fn take(&mut self, mut each: impl FnMut(Record<'_>)) {
        let mut left = self.0.slots();
        while left > 0 {
            let Ok(chunk) = self.0.read_chunk(left.min(PORTION)) else { return };
            let (first, second) = chunk.as_slices();
            let taken = records(first, second, &mut each);
            chunk.commit(taken);
            if taken == 0 {
                // The worker is still writing the last one.
                return;
            }
            left -= taken;
        }
    }
}

/// Hands over every whole packet; returns the bytes they took.
fn records(first: &[u8], second: &[u8], each: &mut impl FnMut(Record<'_>)) -> usize {
    let whole = first.len() + second.len();
    let mut at = 0;
    while whole - at >= CALL_BYTES + HEAD_BYTES {
        let head = gathered(piece(first, second, at, at + CALL_BYTES + HEAD_BYTES));
        let (call, record) = head.split_at(CALL_BYTES);
        let length = u16::from_le_bytes([record[HEAD_BYTES - 2], record[HEAD_BYTES - 1]]);
        let (from, to) = (at + CALL_BYTES, at + CALL_BYTES + HEAD_BYTES + usize::from(length));
        if to > whole {
            break;
        }
        let call = CallId(u64::from_le_bytes(call.try_into().expect("cut to eight bytes")));
        each(Record { call, parts: piece(first, second, from, to) });
        at = to;
    }
    at
}

/// Bytes `from..to` of two slices that follow each other.
fn piece<'a>(first: &'a [u8], second: &'a [u8], from: usize, to: usize) -> [&'a [u8]; 2] {
    let cut = first.len();
    [&first[from.min(cut)..to.min(cut)], &second[from.saturating_sub(cut)..to.saturating_sub(cut)]]
}

fn gathered([first, second]: [&[u8]; 2]) -> [u8; CALL_BYTES + HEAD_BYTES] {
    let mut head = [0; CALL_BYTES + HEAD_BYTES];
    head[..first.len()].copy_from_slice(first);
    head[first.len()..].copy_from_slice(second);
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::block::{self, Packet};

    fn taped(number: u32, payload: &[u8]) -> Taped<'_> {
        let at = Moment::from_micros(u64::from(number) * 20_000);
        let (side, codec) = (Side::Bank, Codec::Pcma);
        let (call, made) = (CallId(u64::from(number) + 7), number % 2 == 1);
        Taped { call, side, codec, rtp_time: number * 160, at, made, payload }
    }

    fn packets(outlet: &mut Outlet) -> Vec<(CallId, Vec<u8>)> {
        let mut packets = Vec::new();
        outlet.take(|record| {
            let mut bytes = Vec::new();
            record.put(&mut bytes);
            packets.push((record.call, bytes));
        });
        packets
    }

    #[test]
    fn packets_of_any_length_come_out_as_they_went_in_wherever_the_ring_begins_anew() {
        let (mut inlet, mut outlet) = ring_of(4_999);
        let mut number = 0;
        for round in 0..400 {
            let sent: Vec<Vec<u8>> = (0..3).map(|n| vec![n as u8; (round * 7 + n * 331) % 1_500]).collect();
            let first = number;
            for payload in &sent {
                assert_eq!(inlet.put(&taped(number, payload)), Ok(()));
                number += 1;
            }
            let out = packets(&mut outlet);
            assert_eq!(out.len(), sent.len());
            for ((number, payload), (call, bytes)) in (first..).zip(&sent).zip(&out) {
                let Taped { side, codec, rtp_time, at, made, payload, call: expected } =
                    taped(number, payload);
                let packet = Packet { side, codec, rtp_time, at, made, payload };
                assert_eq!(*call, expected);
                let read: Vec<_> = block::records(bytes).collect();
                assert_eq!(read, [Some(block::Record::Packet(packet))]);
            }
        }
    }

    #[test]
    fn a_full_ring_takes_no_part_of_a_packet_and_takes_the_next_that_fits() {
        let (mut inlet, mut outlet) = ring_of(400);
        assert_eq!(inlet.put(&taped(0, &[0; 160])), Ok(()));
        assert_eq!(inlet.put(&taped(1, &[1; 200])), Err(Full));
        assert_eq!(inlet.put(&taped(2, &[2; 160])), Ok(()));
        assert_eq!(packets(&mut outlet).iter().map(|(call, _)| call.0).collect::<Vec<_>>(), [7, 9]);
        assert_eq!(inlet.put(&taped(3, &[3; PAYLOAD_BYTES + 1])), Err(Full));
    }

    #[test]
    fn a_packet_that_is_still_being_written_is_waited_for() {
        let (mut inlet, mut outlet) = ring_of(1_000);
        let packet = taped(1, &[5; 160]);
        inlet.0.push_entire_slice(&packet.head()).expect("room");
        assert_eq!(packets(&mut outlet).len(), 0);
        inlet.0.push_entire_slice(&packet.payload[..80]).expect("room");
        assert_eq!(packets(&mut outlet).len(), 0);
        inlet.0.push_entire_slice(&packet.payload[80..]).expect("room");
        assert_eq!(packets(&mut outlet).len(), 1);
    }

    #[test]
    fn a_new_ring_is_empty_and_holds_two_seconds_of_fifteen_hundred_calls() {
        let (mut inlet, mut outlet) = ring();
        assert_eq!(packets(&mut outlet).len(), 0);
        let frames = (0..).take_while(|_| inlet.put(&taped(0, &[0; 160])).is_ok()).count();
        assert_eq!(frames, 2 * 1_500 * 100);
    }
}
